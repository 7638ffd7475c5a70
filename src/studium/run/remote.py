"""What left the machine, told by the rows; what will leave it, says `studium.run.leaving` before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.store import Table

__all__ = ["Flow", "flows"]

_TOLD = ("host", "bytes_sent", "asked_at", "sha256_sent")
"""What a remote measure says of every row, in columns ``<name>_host`` ..."""


@dataclass(frozen=True)
class Flow:
    """What one measure sent to one host.

    Attributes:
        table: kind of the units and label of the table: "image/rekognition-81e549e3".
        host: that was sent the data.
        answers: how many pictures it answered about, those that are the same to the byte counted once; each is one
            request, or several if the service was busy.
        bytes: sent with the requests that it answered, each counted once.
        first: when it answered first, ISO 8601 in UTC.
        last: when it answered last.
    """

    table: str
    host: str
    answers: int
    bytes: int
    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.table}: {self.answers:,} requests answered by {self.host}, {self.bytes:,} bytes sent"


def flows(tables: Iterable[Table], since: str = "") -> list[Flow]:
    """What was sent, by table and host, told by the rows themselves.

    Args:
        tables: of any measures; those of local ones say nothing.
        since: ISO 8601 in UTC, whole seconds: only what was sent then or later; all by default.
    """
    return [flow for table in tables for flow in _of(table, since)]


def _of(table: Table, since: str) -> Iterator[Flow]:
    name = table.recipe.name
    columns = [f"{name}_{told}" for told in _TOLD]
    if not set(columns) <= set(table.schema.names):
        return
    rows = table.read(columns).rename_columns(list(_TOLD))
    rows = rows.filter(pc.greater_equal(rows["asked_at"], pa.scalar(since, pa.string())))
    rows = rows.filter(pc.is_valid(rows["host"]))  # a measure may ask a model on this machine too
    asked = rows.group_by(rows.column_names).aggregate([])  # the same bytes are sent once, whatever unit they are of
    sums = [("bytes_sent", "sum"), ("asked_at", "count"), ("asked_at", "min"), ("asked_at", "max")]
    for found in asked.group_by("host").aggregate(sums).sort_by("host").to_pylist():
        yield Flow(
            table=f"{table.kind}/{table.recipe.label}",
            host=found["host"],
            answers=found["asked_at_count"],
            bytes=found["bytes_sent_sum"],
            first=found["asked_at_min"],
            last=found["asked_at_max"],
        )
