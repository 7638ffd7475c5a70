"""What is missing: the units that lack a row of a recipe, cut into chunks that share one decode."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core import allowance, legal
from studium.core.allowance import FREE, Allowance
from studium.core.column import Column
from studium.core.legal import LegalBasis
from studium.core.protocols import Measure, Unitizer
from studium.core.recipe import Recipe, recipe_of
from studium.core.store import Store, Table, unit_of
from studium.core.table import text_digest
from studium.core.unit import BOXED, KINDS, PARENTS, STRETCHES, Unit, check_kind, kinds_offering
from studium.core.variable import Variable
from studium.errors import InputError
from studium.run.around import Around, Surroundings
from studium.run.begun import begun
from studium.run.lineage import Lineage
from studium.run.load import DEFAULT, LOADED, Decoding, read_of

__all__ = ["Chunk", "How", "Part", "Plan", "counted", "plan", "recipe_for"]

_SIZES = dict.fromkeys(("image", "region", "text", "file", "material"), (8, 256))  # fewest and most units of a chunk
_SLOW = (1, 16)  # of videos and sounds

Part = Measure | Unitizer

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class How:
    """How a run works.

    Attributes:
        threads: how many chunks are worked on at once, which decides how small they are.
        decoding: what may be decoded.
        retry: whether units that failed before are tried again.
        basis: the legal basis that it is worked under, if any: that of the block in which it was begun.
        allowance: what it may spend on services, likewise.
    """

    threads: int
    decoding: Decoding = DEFAULT
    retry: bool = False
    basis: LegalBasis | None = field(default_factory=legal.current)
    allowance: Allowance = field(default_factory=allowance.current)


@dataclass(frozen=True)
class Chunk:
    """Units that lack the same parts. One thread decodes each of them once and writes the rows of every part."""

    root: Path
    kind: str
    units: tuple[Unit, ...]
    parts: tuple[Part, ...]
    decoding: Decoding
    above: Mapping[str, Unit] = field(default_factory=dict)  # what its units were split from, by id
    basis: LegalBasis | None = None
    around: Around = field(default_factory=dict)  # what belongs to its units, if a part takes material
    allowance: Allowance = FREE
    begun: Mapping[Part, frozenset[str]] = field(default_factory=dict)  # ids that a killed run wrote the rows of


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        root: the study folder.
        kind: of the units.
        tables: where each part writes, in the order of the parts.
        units: all units of the kind.
        lineage: what they were split from.
        surroundings: what belongs to them.
        how: it is to be worked.
        pieces: which rows of ``units`` lack which parts, in the order of the units within a piece.
    """

    root: Path
    kind: str
    tables: tuple[Table, ...]
    units: pa.Table
    lineage: Lineage
    surroundings: Surroundings
    how: How
    pieces: tuple[tuple[tuple[Part, ...], Rows], ...]

    @property
    def missing(self) -> int:
        """How many units lack something."""
        return sum(len(rows) for _, rows in self.pieces)

    def chunks(self) -> Iterator[Chunk]:
        """The work, made piece by piece, so that a plan of millions of units stays small."""
        there = self._begun()
        for parts, rows in self.pieces:
            units = tuple(unit_of(row) for row in self.units.take(rows).to_pylist())
            above = self.lineage.above(units)
            material = any(part.takes == "material" for part in parts)
            around = self.surroundings.of(units) if material else {}
            how = self.how
            told = (how.decoding, above, how.basis, around, how.allowance)
            yield Chunk(self.root, self.kind, units, parts, *told, there)

    def _begun(self) -> dict[Part, frozenset[str]]:
        """Of each split that a killed run had begun: the units it makes whose rows need not be written again."""
        store, waiting = Store(self.root), {}
        for part in {part for parts, _ in self.pieces for part in parts if isinstance(part, Unitizer)}:
            rows = np.concatenate([rows for parts, rows in self.pieces if part in parts])
            recipe = recipe_for(part, self.how.decoding)
            waiting[part] = begun(store, self.kind, recipe, part.makes, self.units.take(rows))
        return {part: ids for part, ids in waiting.items() if ids}


def plan(
    store: Store,
    kind: str,
    parts: Sequence[Part],
    how: How,
    only: Collection[str] | None = None,
    make: bool = True,
) -> Plan:
    """Plan a run.

    Args:
        store: the study folder.
        kind: of the units.
        parts: measures to measure on each, and unitizers to split it by.
        how: with how many threads, what may be decoded, whether to try again what failed.
        only: ids of the units to consider, or None for all.
        make: whether tables that are not there are made; False for a plan that nobody carries out.

    Raises:
        InputError: an unknown kind, or a part takes what this kind does not offer; the message says which kinds do.
    """
    check_kind(kind)
    for part in parts:
        _check(part, kind)
    parts = list({recipe_for(part, how.decoding).key: part for part in parts}.values())
    units = store.units(kind)
    find = _table if make else _planned
    tables = tuple(find(store, kind, part, how.decoding) for part in parts)
    around = Surroundings(store)
    lacks = np.array(
        [~_finished(table, units, part, how.retry, around) for table, part in zip(tables, parts, strict=True)]
    ).T
    if only is not None:
        lacks[~_among(units["id"], list(only))] = False
    lineage = Lineage(store, kind)
    return Plan(store.root, kind, tables, units, lineage, around, how, tuple(_pieces(lacks, parts, how.threads)))


def recipe_for(part: Part, decoding: Decoding) -> Recipe:
    """The recipe of a part in a study; rows that may come from half a picture lie in a table of their own."""
    recipe = recipe_of(part)
    if decoding.truncated and part.takes in {"image", "region"}:
        return dataclasses.replace(recipe, params={**recipe.params, "truncated": True})
    return recipe


def _pieces(
    lacks: npt.NDArray[np.bool_], parts: Sequence[Part], threads: int
) -> Iterator[tuple[tuple[Part, ...], Rows]]:
    """Rows that lack the same parts, in chunks; no row that lacks nothing."""
    patterns, which = np.unique(lacks, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(which == number)
        wanted = tuple(part for part, lacking in zip(parts, pattern, strict=True) if lacking)
        if wanted and len(rows):
            smallest, largest = min(_SIZES.get(part.takes, _SLOW) for part in wanted)
            size = min(largest, max(smallest, -(-len(rows) // (4 * threads))))
            for start in range(0, len(rows), size):
                yield wanted, rows[start : start + size]


def _table(store: Store, kind: str, part: Part, decoding: Decoding) -> Table:
    recipe = recipe_for(part, decoding)
    if isinstance(part, Unitizer):
        store.create(part.makes, recipe, part.columns)
        return store.create(kind, recipe, counted(part.makes))
    return store.create(kind, recipe, part.columns, of_text=part.takes in {"text", "material"})


def _planned(store: Store, kind: str, part: Part, decoding: Decoding) -> Table:
    return store.table(kind, recipe_for(part, decoding))


def counted(makes: str) -> list[Column]:
    """What is written of a unit that was split: how many units of the kind it has, and how much of it they cover."""
    count = Column(f"{makes}_count", "int32", f"{makes} units it has", low=0)
    about = f"share of the picture that lies in the box of at least one {makes}"
    return [count, Column(f"{makes}_area", "float64", about, "share", 0, 1)] if makes in BOXED else [count]


def _finished(
    table: Table, units: pa.Table, part: Part, retry: bool, surroundings: Surroundings
) -> npt.NDArray[np.bool_]:
    """Which units have a row, of their text as it is now; or failed before and are not to be tried again."""
    ids = units["id"]
    if not (table.folder / "_recipe.json").exists():
        return np.zeros(len(ids), bool)
    if not table.of_text:
        done = _among(ids, table.done())
        return done if retry else done | _among(ids, table.failures()["unit"])
    every = [unit_of(row) for row in units.to_pylist()]
    around = surroundings.of(every) if part.takes == "material" else {}
    texts = [read_of(unit, part.takes, around) for unit in every]
    named = [unit.id + ("" if text is None else text_digest(text)) for unit, text in zip(every, texts, strict=True)]
    now = pa.chunked_array([named], pa.string())
    done = _among(now, table.texts_done())
    if retry:
        return done
    if part.takes == "material":
        failed = table.texts_failed()
        return done | _among(now, failed) | _among(ids, failed)
    mute = np.array([text is None for text in texts], bool)
    return done | (mute & _among(ids, table.failures()["unit"]))


def _among(ids: pa.ChunkedArray, some: pa.ChunkedArray | list[str]) -> npt.NDArray[np.bool_]:
    values = pa.array(some, pa.string()) if isinstance(some, list) else some
    found: npt.NDArray[np.bool_] = pc.is_in(ids, value_set=values).to_numpy()
    return found


def _check(part: Part, kind: str) -> None:
    if part.takes not in LOADED:
        raise InputError(f"{part.name} takes {part.takes!r}; what can be loaded today: {', '.join(LOADED)}")
    if part.takes not in KINDS[kind]:
        fitting = ", ".join(kinds_offering(part.takes))
        raise InputError(
            f"{part.name} takes {part.takes!r}, which a unit of kind {kind!r} does not offer; use {fitting}"
        )
    if others := [one for one in getattr(part, "variables", ()) if isinstance(one, Variable) and one.of != kind]:
        names, of = ", ".join(one.name for one in others), others[0].of
        raise InputError(
            f"{part.name}: the codebook has {names} for {of} units, these are {kind} units; measure --of {of}, or "
            "change the codebook"
        )
    if isinstance(part, Unitizer):
        whole = PARENTS[kind] if kind in STRETCHES else (kind,)
        if not set(whole) & set(PARENTS.get(part.makes, ())):
            fitting = ", ".join(PARENTS.get(part.makes, ())) or "nothing"
            raise InputError(f"{part.name} makes {part.makes} units, which are split from {fitting}, not from {kind}")
