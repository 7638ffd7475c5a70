"""The columns that units can be filtered, sorted, counted and coloured by: of every table, and of posts.

A column is called ``table.column``: ``colour-1a2b3c4d.brightness_mean``, ``post.author``, ``unit.start``. Columns of
posts count for media and for what was split from them: a medium has the values of all posts that it is attached to.
``cluster-1a2b3c4d.name`` is what people call the cluster that a unit is in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studium.browse.values import Category, Raw, Rows, Texts, Values, decoded
from studium.browse.view import View, whole
from studium.core.cache import cached
from studium.core.column import Column
from studium.core.store import Table, names_of
from studium.core.unit import KINDS, PARENTS
from studium.errors import InputError, UnknownNameError
from studium.run import gate
from studium.run.coding.clusters import named
from studium.run.lineage import FILES, above

__all__ = ["CLUSTER", "NAME", "Described", "columns", "raw", "values"]

CLUSTER, NAME = "cluster", "name"
POST, UNIT, ATTACHMENT = "post", "unit", "attachment"

_GROUPS = frozenset({("cluster", "cluster"), ("duplicates", "group"), ("persons", "person")})
_OWN = {
    "path": "where its file lies",
    "start": "where it begins in its file",
    "end": "where it ends in its file",
    "text": "what is written or said",
}
_PLACE = {"label": "the name that its source gives it: the folder it lies in", "source": "that named it"}


@dataclass(frozen=True, slots=True)
class Described:
    """One column.

    Attributes:
        name: ``table.column``.
        table: label of its table; ``post``, ``unit`` or ``attachment`` for what sources say.
        label: for people; of several recipes of a name it says which.
        type: "number", "category", "text", "boolean", "list", "time" or "vector" (which is none of these).
        unit: of its values: "s", "px" ...; "" if they have none.
        low: smallest possible value, or None.
        high: largest possible value, or None.
        description: what it means.
        sensitive: whether it may be shown and exported with care only.
    """

    name: str
    table: str
    label: str
    type: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    description: str = ""
    sensitive: bool = False


def columns(view: View, of: str) -> list[Described]:
    """Every column of a kind: what sources say first, then the tables in the order in which they were asked for."""
    return [*_said(view, of), *(one for table, called in _called(view, of) for one in _of_table(view, table, called))]


def values(view: View, of: str, name: str) -> Values:
    """The values of a column for all units of a kind.

    Raises:
        UnknownNameError: no such column.
        InputError: it holds vectors or hashes.
    """
    found = _decoded(view, of, name)
    if found is None:
        raise InputError(f"{name} holds vectors or hashes; nothing can be filtered, counted or coloured by them")
    return found


def raw(view: View, table: Table) -> dict[str, pa.Array]:
    """The columns of a table but vectors and hashes, each with one value for each unit of its kind, in their order.

    A value is null where the table has no row.
    """
    view.cleared(table)
    names = [one.name for one in table.columns if not _vector(one)]

    def read() -> dict[str, pa.Array]:
        rows = table.read(["unit", *names]).combine_chunks()
        place = pc.index_in(view.ids(table.kind), value_set=whole(rows["unit"]))
        return {name: whole(rows[name]).take(place) for name in names}

    return cached((table.folder, "raw"), view.made(table), read)


def _decoded(view: View, of: str, name: str) -> Values | None:
    table, _, column = name.partition(".")
    if table in {POST, UNIT, ATTACHMENT}:
        said = view.stamp(of), view.stamp("post")
        return cached((view.root, of, name), said, lambda: _of_source(view, of, table, column))
    found = next((one for one in view.tables(of) if one.recipe.label == table), None)
    if found is not None and column == NAME and found.recipe.name == CLUSTER:
        return _names(view, of, found)
    if found is None or column not in found.schema.names[1:]:
        raise UnknownNameError(f"no column {name!r} of {of} units; GET /api/columns?of={of} lists them")
    view.cleared(found)
    grouping = (found.recipe.name, column) in _GROUPS
    made = view.made(found)
    return cached(
        (found.folder, column, "values"),
        made,
        lambda: decoded(Raw(told[column], grouping=grouping)) if column in (told := raw(view, found)) else None,
    )


def _vector(column: Column) -> bool:
    return column.dtype == "binary" or (column.size is not None and column.dtype != "string")


def _called(view: View, of: str) -> Iterator[tuple[Table, str]]:
    """The tables of a kind, each with a name that no other one has."""
    there = view.tables(of)
    for table, told in zip(there, names_of([table.recipe for table in there]), strict=True):
        alone = sum(other.recipe.name == table.recipe.name for other in there) == 1
        yield table, table.recipe.name if alone else told


def _of_table(view: View, table: Table, called: str) -> Iterator[Described]:
    label, kept = table.recipe.label, gate.holds_templates(table)
    for one in table.columns:
        found = None if kept or _vector(one) else _decoded(view, table.kind, f"{label}.{one.name}")
        kind = found.type if found else "vector"
        limits = one.unit, one.low, one.high, one.about, one.sensitive
        yield Described(f"{label}.{one.name}", label, f"{one.name} · {called}", kind, *limits)
    if table.recipe.name == CLUSTER:
        about = "the cluster, as people call it and with those that they merged into it"
        yield Described(f"{label}.{NAME}", label, f"{NAME} · {called}", "category", description=about)


def _said(view: View, of: str) -> Iterator[Described]:
    for column in _own(of):
        found = _decoded(view, of, f"{UNIT}.{column}")
        unit = "s" if column in {"start", "end"} else ""
        yield Described(
            f"{UNIT}.{column}", UNIT, column, found.type if found else "text", unit, description=_OWN[column]
        )
    if _filed(of):
        for column, about in _PLACE.items():
            found = _decoded(view, of, f"{ATTACHMENT}.{column}")
            yield Described(
                f"{ATTACHMENT}.{column}", ATTACHMENT, column, found.type if found else "text", description=about
            )
    if of == "post" or _filed(of):
        for column in view.posts().column_names[1:]:
            found = _decoded(view, of, f"{POST}.{column}")
            if found:
                label = column if of == "post" else f"{column} · post"
                yield Described(f"{POST}.{column}", POST, label, found.type, description="as its source says")


def _own(of: str) -> list[str]:
    if of not in PARENTS:
        return [] if of == "post" else ["path"]
    return ["path", "start", "end", *(["text"] if "text" in KINDS[of] else [])]


def _filed(of: str) -> bool:
    """Whether units of a kind are files, or lie in some."""
    return of in FILES or bool(set(FILES) & set(above(of)))


def _of_source(view: View, of: str, table: str, column: str) -> Values | None:
    found = _source(view, of, table, column)
    return Texts(found.values, found.rows) if (table, column) == (UNIT, "path") else decoded(found)


def _source(view: View, of: str, table: str, column: str) -> Raw:
    """What the sources say."""
    if table == UNIT and column in _own(of):
        return Raw(view.paths(of) if column == "path" else whole(view.units(of)[column]))
    if table == ATTACHMENT and column in _PLACE and _filed(of):
        places = view.attachments()
        rows, at = _attached(view, of)
        return Raw(whole(places[column]).take(at), rows)
    posts = view.posts()
    if table == POST and column in posts.column_names[1:]:
        told = whole(posts[column])
        if of == "post":
            return Raw(told)
        rows, at = _attached(view, of)
        post = pc.index_in(whole(view.attachments()["post"]).take(at), value_set=whole(posts["unit"]))
        return _distinct(told.take(post), rows)
    raise UnknownNameError(f"no column {table}.{column} of {of} units; GET /api/columns?of={of} lists them")


def _attached(view: View, of: str) -> tuple[Rows, pa.Array]:
    """Every pair of a unit (its place) and an attachment (its row) of the file that it is or lies in."""

    def pairs() -> tuple[Rows, Rows]:
        media = whole(view.attachments()["media"])
        files = view.files(of)
        left = pa.table({"file": files, "row": np.arange(len(files))})
        right = pa.table({"file": media, "at": np.arange(len(media))})
        joined = left.join(right, "file", join_type="inner").sort_by([("row", "ascending"), ("at", "ascending")])
        return joined["row"].to_numpy(), joined["at"].to_numpy()

    rows, at = cached((view.root, of, "attached"), view.stamp(of), pairs)
    return rows, pa.array(at)


def _distinct(values: pa.Array, rows: Rows) -> Raw:
    """Without values that are none, as a medium may be attached to posts that lack it."""
    there = values.is_valid()
    return Raw(values.filter(there), rows[there.to_numpy(zero_copy_only=False)])


def _names(view: View, of: str, table: Table) -> Category:
    """What people call the cluster of each unit; its number if it has no name; none for what is in no cluster."""
    edits = tuple(view.edits(f"{table.kind}/{table.recipe.label}"))

    def made() -> Category:
        numbers = _decoded(view, of, f"{table.recipe.label}.{CLUSTER}")
        assert isinstance(numbers, Category)
        told = named(edits)
        called: list[Any] = [None if number < 0 else told.of(number) for number in numbers.names]
        names = sorted({name for name in called if name is not None}, key=_natural)
        place = np.array([*(-1 if name is None else names.index(name) for name in called), -1], np.int32)
        return Category(place[numbers.codes], names, None, "category")

    return cached((table.folder, NAME, "called"), (view.made(table), edits), made)


def _natural(name: str) -> tuple[bool, int, str]:
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
