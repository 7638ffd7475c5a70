"""What is missing: the units that lack a row of a recipe, cut into chunks that share one decode."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.protocols import Measure
from studium.core.recipe import Recipe, recipe_of
from studium.core.store import Store, Table, unit_of
from studium.core.table import text_digest
from studium.core.unit import KINDS, Unit, check_kind, kinds_offering
from studium.errors import InputError
from studium.run.load import DEFAULT, LOADED, Decoding, text_of

__all__ = ["Chunk", "How", "Plan", "plan", "recipe_for"]

_LARGEST = 256  # units of a chunk
_SMALLEST = 8

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class How:
    """How a run works.

    Attributes:
        threads: how many chunks are worked on at once, which decides how small they are.
        decoding: what may be decoded.
        retry: whether units that failed before are tried again.
    """

    threads: int
    decoding: Decoding = DEFAULT
    retry: bool = False


@dataclass(frozen=True)
class Chunk:
    """Units that lack the same measures. One thread decodes each of them once and writes one part per measure."""

    root: Path
    kind: str
    units: tuple[Unit, ...]
    measures: tuple[Measure, ...]
    decoding: Decoding


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        root: the study folder.
        kind: of the units.
        tables: where each measure writes, in the order of the measures.
        units: all units of the kind.
        how: it is to be worked.
        pieces: which rows of ``units`` lack which measures, in the order of the units within a piece.
    """

    root: Path
    kind: str
    tables: tuple[Table, ...]
    units: pa.Table
    how: How
    pieces: tuple[tuple[tuple[Measure, ...], Rows], ...]

    @property
    def missing(self) -> int:
        """How many units lack something."""
        return sum(len(rows) for _, rows in self.pieces)

    def chunks(self) -> Iterator[Chunk]:
        """The work, made piece by piece, so that a plan of millions of units stays small."""
        for measures, rows in self.pieces:
            units = tuple(unit_of(row) for row in self.units.take(rows).to_pylist())
            yield Chunk(self.root, self.kind, units, measures, self.how.decoding)


def plan(
    store: Store,
    kind: str,
    measures: Sequence[Measure],
    how: How,
    only: Collection[str] | None = None,
) -> Plan:
    """Plan a run.

    Args:
        store: the study folder.
        kind: of the units.
        measures: what to measure on each.
        how: with how many threads, what may be decoded, whether to try again what failed.
        only: ids of the units to consider, or None for all.

    Raises:
        InputError: an unknown kind, or a measure takes what this kind does not offer; the message says which kinds do.
    """
    check_kind(kind)
    for measure in measures:
        _check(measure, kind)
    measures = list({recipe_for(measure, how.decoding).key: measure for measure in measures}.values())
    units = store.units(kind)
    tables = tuple(_table(store, kind, measure, how.decoding) for measure in measures)
    lacks = np.array([~_finished(table, units, how.retry) for table in tables]).T
    if only is not None:
        lacks[~_among(units["id"], list(only))] = False
    return Plan(store.root, kind, tables, units, how, tuple(_pieces(lacks, measures, how.threads)))


def recipe_for(measure: Measure, decoding: Decoding) -> Recipe:
    """The recipe of a measure in a study; rows that may come from half a picture lie in a table of their own."""
    recipe = recipe_of(measure)
    if decoding.truncated and measure.takes == "image":
        return dataclasses.replace(recipe, params={**recipe.params, "truncated": True})
    return recipe


def _pieces(
    lacks: npt.NDArray[np.bool_], measures: Sequence[Measure], threads: int
) -> Iterator[tuple[tuple[Measure, ...], Rows]]:
    """Rows that lack the same measures, in chunks; no row that lacks nothing."""
    patterns, which = np.unique(lacks, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(which == number)
        wanted = tuple(m for m, lacking in zip(measures, pattern, strict=True) if lacking)
        if wanted and len(rows):
            size = min(_LARGEST, max(_SMALLEST, -(-len(rows) // (4 * threads))))
            for start in range(0, len(rows), size):
                yield wanted, rows[start : start + size]


def _table(store: Store, kind: str, measure: Measure, decoding: Decoding) -> Table:
    return store.create(kind, recipe_for(measure, decoding), measure.columns, of_text=measure.takes == "text")


def _finished(table: Table, units: pa.Table, retry: bool) -> npt.NDArray[np.bool_]:
    """Which units have a row, of their text as it is now; or failed before and are not to be tried again."""
    ids = units["id"]
    if not table.of_text:
        done = _among(ids, table.done())
        return done if retry else done | _among(ids, table.failures()["unit"])
    texts = [text_of(unit_of(row)) for row in units.to_pylist()]
    now = [
        unit + ("" if text is None else text_digest(text)) for unit, text in zip(ids.to_pylist(), texts, strict=True)
    ]
    done = _among(pa.chunked_array([now], pa.string()), table.texts_done())
    mute = np.array([text is None for text in texts], bool)
    return done if retry else done | (mute & _among(ids, table.failures()["unit"]))


def _among(ids: pa.ChunkedArray, some: pa.ChunkedArray | list[str]) -> npt.NDArray[np.bool_]:
    values = pa.array(some, pa.string()) if isinstance(some, list) else some
    found: npt.NDArray[np.bool_] = pc.is_in(ids, value_set=values).to_numpy()
    return found


def _check(measure: Measure, kind: str) -> None:
    if measure.takes not in LOADED:
        raise InputError(f"{measure.name} takes {measure.takes!r}; what can be loaded today: {', '.join(LOADED)}")
    if measure.takes not in KINDS[kind]:
        fitting = ", ".join(kinds_offering(measure.takes))
        raise InputError(
            f"{measure.name} takes {measure.takes!r}, which a unit of kind {kind!r} does not offer; use {fitting}"
        )
