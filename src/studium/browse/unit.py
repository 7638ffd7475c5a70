"""Everything that is known of one unit: where it comes from, every column with the recipe that made it, what failed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow.compute as pc

from studium.browse.columns import raw
from studium.browse.units import Item, items
from studium.browse.view import View, whole
from studium.core.cache import Same, cached
from studium.core.store import Table
from studium.core.unit import PARENTS
from studium.run.index import indexed

__all__ = ["Cell", "Detail", "Filled", "Made", "detail", "plain"]


@dataclass(frozen=True, slots=True)
class Made:
    """The recipe of a table: name and version of the part, key, parameters, models with the SHA-256 of weights."""

    name: str
    version: str
    key: str
    params: Mapping[str, Any]
    model: str | None
    weights: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value.

    Attributes:
        name: of the column.
        value: a number, a text, true or false; a list of short texts; None for none, and for vectors and hashes.
        type: of the values, "int32", "string" ...
        unit: "px", "s" ...
        size: how many numbers a vector has, or texts a list; None for a single value.
        description: what it means.
        sensitive: whether it may be shown with care only.
    """

    name: str
    value: Any
    type: str
    unit: str
    size: int | None
    description: str
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """What one table says of the unit, and when the table was last written to."""

    table: str
    recipe: Made
    columns: list[Cell]
    made: str | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One unit.

    Attributes:
        item: what a gallery shows of it.
        path: of the file that it is or lies in.
        text: what is written or said, or a post's text.
        parent: what it was split from.
        span: ``start`` and ``end`` in s, ``box`` in px of the parent; without what it does not have.
        children: how many units of each kind were split from it.
        posts: what the sources say of the posts that it is attached to, or of itself if it is one; ``unit`` is the id.
        attachments: places of the file; of a post, its media in their order.
        tables: what was measured, in the order in which it was asked for.
        failures: what could not be measured and why: ``step``, ``error``, ``message``.
    """

    item: Item
    path: str | None
    text: str | None
    parent: Item | None
    span: Mapping[str, Any] | None
    children: Mapping[str, int]
    posts: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    tables: list[Filled]
    failures: list[dict[str, str]]


def detail(view: View, unit: str, of: str | None = None) -> Detail:
    """Everything that is known of a unit.

    Raises:
        UnknownNameError: the study does not have it.
    """
    from studium.run.load import text_of

    kind, row = view.find(unit, of)
    found = view.unit(kind, row)
    places = _attachments(view, kind, row)
    tables = view.tables(kind)
    return Detail(
        item=items(view, kind, [row])[0],
        path=view.paths(kind)[row].as_py(),
        text=text_of(found),
        parent=_parent(view, kind, found.parent),
        span=_span(view.units(kind).slice(row, 1).to_pylist()[0]),
        children=_children(view, kind, unit),
        posts=_posts(view, [unit] if kind == "post" else [place["post"] for place in places]),
        attachments=places,
        tables=[one for table in tables if (one := _filled(view, table, row))],
        failures=[fail for table in tables for fail in _failures(view, table, unit)],
    )


def plain(value: Any) -> Any:
    """A value as JSON can hold it; a number that is none (NaN, infinity) is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _parent(view: View, kind: str, parent: str | None) -> Item | None:
    if parent is None:
        return None
    for one in PARENTS[kind]:
        (row,) = view.rows(one, [parent])
        if row is not None:
            return items(view, one, [row])[0]
    return None


def _span(row: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: row[name] for name in ("start", "end", "box") if row[name] is not None} or None


def _children(view: View, kind: str, unit: str) -> dict[str, int]:
    there = [one for one in view.kinds() if kind in PARENTS.get(one, ())]
    counts = {one: len(view.children(one, unit)) for one in there}
    return {one: n for one, n in counts.items() if n}


def _attachments(view: View, kind: str, row: int) -> list[dict[str, Any]]:
    """Of a post, its media; of all others, the places of the file that they are or lie in."""
    column = "post" if kind == "post" else "media"
    file, table = view.files(kind)[row].as_py(), view.attachments()
    if file is None:
        return []
    index = cached((view.root, "attachments", column), Same(table), lambda: indexed(table[column]))
    found = table.select(["source", "post", "media", "kind", "position", "path", "label"]).take(index.rows([file]))
    return list(found.sort_by("position").to_pylist())


def _posts(view: View, ids: Sequence[str | None]) -> list[dict[str, Any]]:
    wanted = list(dict.fromkeys(one for one in ids if one is not None))
    if not wanted:
        return []
    posts = view.posts()
    index = cached((view.root, "posts", "unit"), Same(posts), lambda: indexed(posts["unit"]))
    at = [row for one in wanted for row in index.rows([one])[:1]]
    return [{name: plain(value) for name, value in one.items()} for one in posts.take(at).to_pylist()]


def _filled(view: View, table: Table, row: int) -> Filled | None:
    """What a table says of the unit at a place; None if it has no row for it."""
    there = _there(view, table)
    if not there[row]:
        return None
    told = raw(view, table)
    cells = [
        Cell(one.name, plain(told[one.name][row].as_py()) if one.name in told else None, one.dtype, one.unit, one.size,
             one.about, one.sensitive)
        for one in table.columns
    ]  # fmt: skip
    recipe = table.recipe
    model = recipe.params.get("model") or next(iter(recipe.models), None)
    made = Made(recipe.name, recipe.version, recipe.key, recipe.params, model and str(model), recipe.models)
    written = cached((table.folder, "written"), view.made(table), lambda: _written(table))
    return Filled(recipe.label, made, cells, written)


def _there(view: View, table: Table) -> Any:
    """For each unit of the table's kind whether it has a row."""

    def read() -> Any:
        return np.asarray(pc.is_in(view.ids(table.kind), value_set=whole(table.done())))

    return cached((table.folder, "done"), view.made(table), read)


def _written(table: Table) -> str | None:
    """When its last part was written, which the names of parts tell."""
    last = max((path.name for path in table.folder.glob("part-*.parquet")), default=None)
    return None if last is None else datetime.fromtimestamp(int(last.split("-")[1]) / 1e9, UTC).isoformat()


def _failures(view: View, table: Table, unit: str) -> list[dict[str, str]]:
    failed = cached((table.folder, "failures"), view.made(table), table.failures)
    index = cached((table.folder, "failures", "unit"), Same(failed), lambda: indexed(failed["unit"]))
    return list(failed.select(["step", "error", "message"]).take(index.rows([unit])).to_pylist())
