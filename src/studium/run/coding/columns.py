"""Columns that strata are made of: of any table of the units, or of what the posts say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.records import Records
from studium.core.store import Store, Table
from studium.errors import UnknownNameError
from studium.run import apart, gate
from studium.run.coding.clusters import Named, named
from studium.run.tables import posts

__all__ = ["LABEL", "Told", "behind", "told"]

LABEL = "label"
"""The class folder that a file lies in, as a column."""
CLUSTER = "cluster"
_NAME = "name"


@dataclass(frozen=True)
class Told:
    """A column.

    Attributes:
        values: of each unit; None where there is none.
        table: that it is in; None of what sources say.
    """

    values: Sequence[Any]
    table: Table | None = None


def told(store: Store, records: Records, of: str, units: Sequence[str], name: str) -> Told:
    """A column of a table, or of what the sources say of units.

    Args:
        store: the study.
        records: with the names that people gave to clusters, and which they merged.
        of: kind of the units.
        units: their ids.
        name: ``TABLE.COLUMN``, such as "colour.brightness_mean", or "cluster:81e549e3.cluster"; ``TABLE`` alone if it
            has one column besides ``unit``, or one that is called as the table; a column of posts, ``post.author`` or
            ``author``; or `LABEL`. Of clusters both ``cluster`` and ``name`` count what people merged.

    Raises:
        UnknownNameError: there is none.
        InputError: several tables are meant.
        RefusedError: it tells persons apart, and nobody may.
    """
    if found := _measured(store, of, name):
        table, column = found
        gate.clear(store, "sample by", of, [f"{table.recipe.name}:{table.recipe.key}"])
        rows = table.read(["unit", CLUSTER if _clusters(table) and column == _NAME else column])
        place = pc.index_in(pa.array(units, pa.string()), value_set=rows["unit"])
        values = rows[rows.column_names[1]].combine_chunks().take(place).to_pylist()
        if _clusters(table) and column in (CLUSTER, _NAME):
            edits = named(records.clusters.all(f"{of}/{table.recipe.label}"))
            values = [_cluster(edits, one, column) for one in values]
        return Told(values, table)
    if name.removeprefix("attachment.") == LABEL and of != "post":
        return Told(_labels(store, units))
    if (column := name.removeprefix("post.")) in posts(store).column_names[1:]:
        return Told(apart.told_of(store, of, units, column))
    there = ", ".join(dict.fromkeys(table.recipe.name for table in store.tables(of))) or "none yet"
    raise UnknownNameError(
        f"no column {name!r} of {of} units; name TABLE.COLUMN of a table ({there}) or a column of posts "
        f"({', '.join(posts(store).column_names[1:]) or 'none'})"
    )


def behind(table: Table) -> dict[str, Any]:
    """What a table was made by, as a sample keeps it: its recipe's key, the version of the part, and models."""
    recipe = table.recipe
    return {
        "table": f"{table.kind}/{recipe.label}",
        "name": recipe.name,
        "version": recipe.version,
        "key": recipe.key,
        "models": {**recipe.models},
    }


def _measured(store: Store, of: str, name: str) -> tuple[Table, str] | None:
    labels = {table.recipe.label: table for table in store.tables(of)}
    whole, _, column = name.rpartition(".")
    for asked, wanted in ((name, ""), (whole, column)):
        try:
            table = labels.get(asked) or store.find(of, asked) if asked else None
        except UnknownNameError:
            continue
        if table is not None and (chosen := _column(table, wanted)):
            return table, chosen
    return None


def _column(table: Table, wanted: str) -> str:
    """The column that is meant, or "" if the table has none such."""
    names = [column.name for column in table.columns]
    if wanted:
        return wanted if wanted in names or (_clusters(table) and wanted == _NAME) else ""
    if table.recipe.name in names:
        return table.recipe.name
    return names[0] if len(names) == 1 else ""


def _clusters(table: Table) -> bool:
    return table.recipe.name == CLUSTER


def _cluster(edits: Named, number: int | None, column: str) -> int | str | None:
    """The cluster that a unit counts as, by number or name; None if it is in none."""
    if number is None or number < 0:
        return None
    return edits.cluster(number) if column == CLUSTER else edits.of(number)


def _labels(store: Store, units: Sequence[str]) -> list[str | None]:
    rows = store.attachments()
    found: dict[str, set[str]] = {}
    for media, label in zip(rows["media"].to_pylist(), rows["label"].to_pylist(), strict=True):
        if label is not None:
            found.setdefault(media, set()).add(label)
    return [min(found[unit]) if len(found.get(unit, ())) == 1 else None for unit in units]
