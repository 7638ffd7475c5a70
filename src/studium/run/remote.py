"""What leaves the machine: what it will cost, said before anything is sent, and what was sent, said afterwards."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.protocols import Measure
from studium.core.store import Store, Table
from studium.errors import MediaError
from studium.run.load import DEFAULT, Decoding, Loader
from studium.run.plan import How, Part, Plan, plan

__all__ = ["Flow", "announce", "estimates", "flows", "quote"]

log = logging.getLogger(__name__)

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


def announce(todo: Plan) -> None:
    """Say what a run will cost before anything is sent; as a warning, so that it is seen wherever one works."""
    for said in estimates(todo):
        log.warning("%s", said)


def estimates(todo: Plan) -> list[str]:
    """What every remote measure of a plan will cost, in its own words."""
    wanted: dict[Measure, int] = {}
    for lacking, rows in todo.pieces:
        for part in lacking:
            if part.remote and isinstance(part, Measure):
                wanted[part] = wanted.get(part, 0) + len(rows)
    return [said for part, n in wanted.items() if (said := part.estimate(n, _inputs(todo, part)))]


def quote(store: Store, kind: str, asked: Sequence[Part], decoding: Decoding = DEFAULT) -> list[str]:
    """What measures would cost on whatever lacks them. Nothing is sent, and nothing is written."""
    return estimates(plan(store, kind, asked, How(1, decoding), make=False))


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


def _inputs(todo: Plan, part: Measure) -> Iterator[Any]:
    """What the measure would be called with, one by one; what cannot be loaded is not sent either."""
    for chunk in todo.chunks():
        if part in chunk.parts:
            with Loader(chunk.root, chunk.decoding, chunk.above, chunk.around) as loader:
                for unit in chunk.units:
                    try:
                        yield loader.load(unit, part.takes, part.detail)
                    except MediaError:
                        continue
