"""Blind coding: what somebody who codes may not see while they do."""

from studium.core.codebook import Codebook
from studium.core.records import Records
from studium.core.records.accounts import ROLES
from studium.run.coding.coded import finished

__all__ = ["GIVEN", "HIDDEN", "hidden", "still_open"]

GIVEN = frozenset({"units", "posts", "attachments"})
"""Tables that hold what sources gave. All others hold what machines made of it: measures, clusters, predictions."""
HIDDEN = frozenset(
    {
        *("agreement", "clusters", "disagreements", "adjudications", "facets", "failures", "maps", "pairs", "search"),
        *("samples", "coders/traits"),
    }
)
"""What of the API is for adjudicators and admins: it tells what others, or machines, make of the units."""


def hidden(role: str, what: str) -> bool:
    """Whether a table, or a part of the API, is hidden from a role.

    A coder sees units, their media, and what sources gave of them; nothing that machines or other coders said.
    Facets and search by columns of `GIVEN` tell nothing else, and may be let through.

    >>> hidden("coder", "zero_shot"), hidden("coder", "posts"), hidden("admin", "zero_shot")
    (True, False, False)

    Args:
        role: of who asks; see `studium.core.records.accounts.ROLES`.
        what: the name of a table, such as "posts" or "zero_shot-81e549e3", or one of `HIDDEN`.
    """
    return ROLES.index(role) < ROLES.index("adjudicator") and what not in GIVEN


def still_open(records: Records, codebook: Codebook, coder: str, variable: str | None = None) -> frozenset[str]:
    """The units that somebody has yet to code: whatever others said of them is not for them, whatever their role.

    Args:
        records: of the study.
        codebook: with the variables.
        coder: who.
        variable: only in tasks with this one.
    """
    found: set[str] = set()
    known = {one.name for one in codebook.variables}
    for task in records.tasks.all():
        if (variable is not None and variable not in task.variables) or not known.issuperset(task.variables):
            continue  # what the codebook does not ask any more, nobody can code
        if units := records.tasks.units(task.name, coder):
            found |= {*units} - finished(records, codebook, task, coder)
    return frozenset(found)
