"""What people make, in a transactional database: annotations, samples, tasks, decisions, accounts, the audit log."""

from studium.core.records.accounts import Account, Session
from studium.core.records.adjudications import Adjudication
from studium.core.records.clusters import ClusterEdit
from studium.core.records.records import Entry, Records
from studium.core.records.samples import Sample, Sampled
from studium.core.records.tasks import Task
from studium.core.records.traits import Trait

__all__ = [
    "Account",
    "Adjudication",
    "ClusterEdit",
    "Entry",
    "Records",
    "Sample",
    "Sampled",
    "Session",
    "Task",
    "Trait",
]
