"""What is missing: the units that lack a row of a recipe, cut into chunks that share one decode."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studium.core.protocols import Measure
from studium.core.recipe import recipe_of
from studium.core.store import Store, Table, unit_of
from studium.core.unit import KINDS, Unit, check_kind, kinds_offering
from studium.errors import InputError

__all__ = ["Chunk", "Plan", "plan"]

_LARGEST = 256  # units of a chunk
_SMALLEST = 8


@dataclass(frozen=True)
class Chunk:
    """Units that lack the same measures. One thread decodes each of them once and writes one part per measure."""

    root: Path
    kind: str
    units: tuple[Unit, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        kind: of the units.
        tables: where each measure writes, in the order of the measures.
        chunks: the work.
        units: how many units there are in all.
    """

    kind: str
    tables: tuple[Table, ...]
    chunks: tuple[Chunk, ...]
    units: int

    @property
    def missing(self) -> int:
        """How many units lack something."""
        return sum(len(chunk.units) for chunk in self.chunks)


def plan(
    store: Store,
    kind: str,
    measures: Sequence[Measure],
    threads: int,
    *,
    retry: bool = False,
    only: Collection[str] | None = None,
) -> Plan:
    """Plan a run.

    Args:
        store: the study folder.
        kind: of the units.
        measures: what to measure on each.
        threads: how many chunks are worked on at once, which decides how small they are.
        retry: whether units that failed before are tried again.
        only: ids of the units to consider, or None for all.

    Raises:
        InputError: an unknown kind, or a measure takes what this kind of unit does not offer; the message says which kinds do.
    """
    check_kind(kind)
    for measure in measures:
        _check(measure, kind)
    tables = tuple(store.create(kind, recipe_of(measure), measure.columns) for measure in measures)
    finished = [table.done() | _failed(table, retry) for table in tables]
    units = store.units(kind)
    lacking: dict[tuple[Measure, ...], list[int]] = {}
    for row, unit in enumerate(units["id"].to_pylist()):
        lacks = tuple(m for m, done in zip(measures, finished, strict=True) if unit not in done)
        if lacks and (only is None or unit in only):
            lacking.setdefault(lacks, []).append(row)
    chunks = []
    for wanted, rows in lacking.items():
        size = min(_LARGEST, max(_SMALLEST, -(-len(rows) // (4 * threads))))
        for some in _cut(rows, size):
            chosen = tuple(unit_of(row) for row in units.take(some).to_pylist())
            chunks.append(Chunk(store.root, kind, chosen, wanted))
    return Plan(kind, tables, tuple(chunks), units.num_rows)


def _failed(table: Table, retry: bool) -> set[str]:
    return set() if retry else set(table.failures()["unit"].to_pylist())


def _cut(rows: list[int], size: int) -> Iterator[list[int]]:
    found = iter(rows)
    while some := list(itertools.islice(found, size)):
        yield some


def _check(measure: Measure, kind: str) -> None:
    if measure.takes not in KINDS[kind]:
        fitting = ", ".join(kinds_offering(measure.takes))
        raise InputError(
            f"{measure.name} takes {measure.takes!r}, which a unit of kind {kind!r} does not offer; use {fitting}"
        )
