"""A study as somebody looks at it: its units and tables, each read once and held while its files stay as they are."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.core.cache import cached, stamp
from studium.core.records.clusters import ClusterEdit
from studium.core.store import Store, Table, unit_of
from studium.core.unit import Unit, check_kind
from studium.errors import UnknownNameError
from studium.run import gate, held, tables
from studium.run.index import indexed
from studium.run.lineage import FILES, above, climbed
from studium.run.load import DEFAULT, Decoding

__all__ = ["View", "no_edits", "whole"]


T = TypeVar("T")

_ID = re.compile("[0-9a-f]{64}")


def no_edits(table: str) -> Sequence[ClusterEdit]:
    """Nobody renamed or merged a cluster."""
    return ()


@dataclass(frozen=True)
class View:
    """A study as somebody looks at it at one moment: whether files changed is asked once, so each request has its own.

    Attributes:
        store: the study.
        measured: whether they see what was measured, found and predicted, and not only what the sources said: who codes
            blind does not.
        decoding: what may be decoded.
        edits: what people made of the clusters of a table, ``kind/recipe``, the oldest edit first.
    """

    store: Store
    measured: bool = True
    decoding: Decoding = DEFAULT
    edits: Callable[[str], Sequence[ClusterEdit]] = no_edits
    _asked: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def root(self) -> Path:
        """The study folder."""
        return self.store.root

    def kinds(self) -> list[str]:
        """Kinds of which there are units."""
        return self._once("kinds", self.store.kinds)

    def stamp(self, kind: str) -> Hashable:
        """Changes with the units of a kind."""
        return self._once(("units", kind), lambda: held.stamped(self.store, kind))

    def units(self, kind: str) -> pa.Table:
        """The units of a kind, in the order in which they were added."""
        return held.units(self.store, kind, self.stamp(kind))

    def ids(self, kind: str) -> pa.Array:
        """Their ids."""
        return whole(self.units(kind)["id"])

    def paths(self, kind: str) -> pa.Array:
        """For each of them, the path of the file that it is or lies in."""
        made = self.stamp(kind)
        return cached((self.root, kind, "paths"), made, lambda: whole(tables.paths(self.store, kind)))

    def files(self, kind: str) -> pa.Array:
        """For each of them, the id of the file that it is or lies in."""
        if not set(FILES) & set(above(kind)):
            return self.ids(kind)
        made = self.stamp(kind)
        return cached((self.root, kind, "files"), made, lambda: whole(climbed(self.store, kind, FILES)))

    def children(self, kind: str, unit: str) -> npt.NDArray[np.int64]:
        """The places of the units of a kind that were split from a unit."""
        made = self.stamp(kind)
        return cached((self.root, kind, "parent"), made, lambda: indexed(self.units(kind)["parent"])).rows([unit])

    def attachments(self) -> pa.Table:
        """Where every medium was found."""
        made = self._stamps(self.root / "attachments")
        return cached((self.root, "attachments"), made, lambda: self.store.attachments().combine_chunks())

    def posts(self) -> pa.Table:
        """One row per post: ``unit`` and everything its source said."""
        made = self.stamp("post")
        return cached((self.root, "posts"), made, lambda: tables.posts(self.store).combine_chunks())

    def rows(self, kind: str, ids: Iterable[str]) -> list[int | None]:
        """For each id the place of the unit; None for those that the study does not have."""
        return held.rows(self.store, kind, ids, self.stamp(kind))

    def find(self, unit: str, kind: str | None = None) -> tuple[str, int]:
        """The kind of a unit and its place among those of its kind.

        Raises:
            UnknownNameError: the study does not have it.
        """
        for one in [kind] if kind else self.kinds():
            if not _ID.fullmatch(unit):
                break
            (row,) = self.rows(one, [unit])
            if row is not None:
                return one, row
        raise UnknownNameError(f"the study has no {kind or 'unit'} {unit[:80]!r}")

    def unit(self, kind: str, row: int) -> Unit:
        """The unit at a place."""
        return unit_of(self.units(kind).slice(row, 1).to_pylist()[0])

    def above(self, unit: Unit) -> dict[str, Unit]:
        """What a unit was split from, near and far, by id."""
        found: dict[str, Unit] = {}
        while unit.parent is not None:
            kinds = above(unit.kind)
            kind, row = next(place for one in kinds if (place := self._there(unit.parent, one)))
            unit = self.unit(kind, row)
            found[unit.id] = unit
        return found

    def tables(self, kind: str) -> list[Table]:
        """The tables of a kind that have rows, in the order in which they were asked for; none for who codes blind."""
        if not self.measured:
            return []
        return self._once(("tables", kind), lambda: self._tables(kind))

    def _tables(self, kind: str) -> list[Table]:
        folder = self.root / "tables" / kind
        folders = sorted(folder.iterdir()) if folder.is_dir() else []
        made = self._stamps(folder, *folders, *(one / "_failures" for one in folders))
        return cached((self.root, kind, "tables"), made, lambda: [t for t in self.store.tables(kind) if t.begun])

    def table(self, kind: str, name: str) -> Table:
        """The table of a name: its folder, ``embed-1a2b3c4d``, or what `Store.find` understands.

        The legal basis is asked for before one is handed out that tells persons apart.

        Raises:
            UnknownNameError: there is none of that name.
        """
        check_kind(kind)
        there = {table.recipe.label: table for table in self.tables(kind)}
        if name not in there and not self.measured:
            raise UnknownNameError(f"there is no table {name!r} of {kind} units")
        table = there.get(name) or self.store.find(kind, name)
        return self.cleared(table)

    def cleared(self, table: Table) -> Table:
        """The table, after the legal basis was asked for if it tells persons apart."""
        if gate.holds_templates(table):
            gate.clear(self.store, "look at", table.kind, [f"{table.recipe.name}:{table.recipe.key}"])
        return table

    def results(self, kind: str, name: str) -> list[Table]:
        """The tables that one kind of analysis made: ``map``, ``cluster``."""
        return [table for table in self.tables(kind) if table.recipe.name == name and table.result()]

    def made(self, table: Table) -> Hashable:
        """Changes with the rows of a table, and with the units that they speak of."""
        return self._stamps(table.folder, table.folder / "_failures"), self.stamp(table.kind)

    def _once(self, what: Hashable, ask: Callable[[], T]) -> T:
        """What was found out when it was asked for first."""
        if what not in self._asked:
            self._asked[what] = ask()
        found: T = self._asked[what]
        return found

    def _stamps(self, *folders: Path) -> Hashable:
        return tuple(self._once(folder, partial(stamp, folder)) for folder in folders)

    def _there(self, unit: str, kind: str) -> tuple[str, int] | None:
        (row,) = self.rows(kind, [unit])
        return None if row is None else (kind, row)


def whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column in one piece; not copied if it is one."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column
