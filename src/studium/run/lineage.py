"""What derived units were split from: a frame's video, and a face's frame and video."""

from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.recipe import canonical
from studium.core.store import Store, Table, names_of, unit_of
from studium.core.unit import KINDS, PARENTS, Unit
from studium.errors import InputError

__all__ = ["FILES", "Lineage", "above", "climbed", "split_by"]

FILES = tuple(kind for kind, offers in KINDS.items() if "file" in offers)
"""Kinds whose units are files."""


def above(kind: str) -> list[str]:
    """Kinds that units of ``kind`` can have been split from, near and far; none for what a source brings."""
    found = list(PARENTS.get(kind, ()))
    for one in found:
        found += [far for far in PARENTS.get(one, ()) if far not in found]
    return found


def climbed(store: Store, kind: str, to: Collection[str]) -> pa.ChunkedArray:
    """For each unit of ``kind``, in their order: the id of the unit of a kind in ``to`` that it was split from.

    Raises:
        InputError: units of this kind are never split from those.
    """
    if not set(to) & set(above(kind)):
        what = ", ".join(above(kind)) or "nothing: it is what a source brings"
        raise InputError(f"{kind} units are not split from {' or '.join(to)} units, but from {what}")
    schema = pa.schema({"id": pa.string(), "parent": pa.string()})
    tables = {name: store.units(name).select(schema.names) for name in above(kind)}
    links = pa.concat_tables([schema.empty_table(), *(t for name, t in tables.items() if name not in to)])
    at = store.units(kind)["parent"]
    for _ in tables:
        where = pc.index_in(at, value_set=links["id"])
        at = pc.if_else(pc.is_valid(where), links["parent"].take(where), at)
    tops = pa.concat_tables([schema.empty_table(), *(t for name, t in tables.items() if name in to)])
    return pc.if_else(pc.is_in(at, value_set=tops["id"]), at, pa.scalar(None, pa.string()))


def split_by(store: Store, kind: str, by: str, made_by: str, prefer: Collection[Path]) -> Table | None:
    """The table of the split whose units are meant, for a study may hold those of several; None if there was none.

    Args:
        store: the study.
        kind: of the units.
        by: table that is read; if it is that of a split, this split is meant.
        made_by: table of the split; "" if it is not named.
        prefer: folders of tables that are meant where none is named.

    Raises:
        InputError: there were several splits, with different parameters, and none is named; or it is no split.
    """
    counts = {(table.recipe.label, column.name) for table in store.tables() for column in table.columns}
    splits = {  # tables with a twin, of the units that were split, which counts theirs
        table.recipe.label: table
        for table in store.tables(kind)
        if table.begun and (table.recipe.label, f"{kind}_count") in counts
    }
    named = store.find(kind, made_by or by, prefer).recipe.label
    if named in splits:
        return splits[named]
    if made_by:
        raise InputError(
            f"the table {made_by!r} of {kind} units was made by no split; there are: {_said(splits.values())}"
        )
    found = [table for table in splits.values() if table.folder in prefer] or list(splits.values())
    if len({(table.recipe.name, canonical(table.recipe.params)) for table in found}) > 1:
        raise InputError(
            f"{kind} units come from several splits; say whose count, with made_by = one of: {_said(found)}"
        )
    return found[-1] if found else None


def _said(splits: Iterable[Table]) -> str:
    return ", ".join(names_of([table.recipe for table in splits])) or "none"


class Lineage:
    """Looks up what units were split from."""

    def __init__(self, store: Store, kind: str) -> None:
        """Read the units of every kind above ``kind``."""
        self._tables = [store.units(name) for name in above(kind)]

    def above(self, units: Iterable[Unit]) -> dict[str, Unit]:
        """What the units were split from, near and far, by id."""
        found: dict[str, Unit] = {}
        wanted = {unit.parent for unit in units if unit.parent is not None}
        while wanted:
            ids = pa.array(sorted(wanted), pa.string())
            for table in self._tables:
                rows = table.filter(pc.is_in(table["id"], value_set=ids)).to_pylist()
                found |= {row["id"]: unit_of(row) for row in rows}
            farther = (found[key].parent for key in wanted if key in found)
            wanted = {unit for unit in farther if unit is not None} - found.keys()
        return found
