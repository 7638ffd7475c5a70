"""Reading tables: joined side by side in the order of the units, and as a matrix for analysis."""

import bisect
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.rollup import attach, rollup, rule
from studium.core.store import UNITS, Store, Table
from studium.core.unit import PARENTS, check_kind
from studium.errors import InputError, MissingExtraError
from studium.run.lineage import FILES, above, climbed

_SPAN = ["parent", "start", "end"]

__all__ = ["failures", "joined", "living", "losses", "matrix", "paths", "posts", "rolled_up", "sql"]


def joined(store: Store, kind: str, names: Sequence[str]) -> pa.Table:
    """One row per unit, in the order in which units were added: ``unit``, ``path``, then the columns of each table.

    Derived units have the path of the file that they lie in, and then ``parent``, ``start`` and ``end`` (seconds).
    Units that a table has no row for are null there.

    Raises:
        UnknownNameError: no table of that name.
        InputError: two tables have a column of the same name.
    """
    units = store.units(kind)
    result = pa.table({"unit": units["id"], "path": paths(store, kind)})
    if kind in PARENTS:
        result = pa.table([*result, *units.select(_SPAN)], names=[*result.column_names, *_SPAN])
    for name in names:
        table = store.find(kind, name)
        rows = table.read()
        where = pc.index_in(units["id"], value_set=rows["unit"]).combine_chunks()
        for column in rows.column_names[1:]:
            if column in result.column_names:
                raise InputError(f"{name!r} and another table both have a column {column!r}; read them one at a time")
            result = result.append_column(column, rows[column].combine_chunks().take(where))
    return result


def paths(store: Store, kind: str) -> pa.ChunkedArray:
    """For each unit of ``kind``, in their order: the path of its file, or of the file that it lies in."""
    if kind not in PARENTS:
        return store.units(kind)["path"]
    schema = pa.schema({"id": pa.string(), "path": pa.string()})
    files = [store.units(name).select(schema.names) for name in above(kind) if name in FILES]
    found = pa.concat_tables([schema.empty_table(), *files])
    return found["path"].take(pc.index_in(climbed(store, kind, FILES), value_set=found["id"]))


def living(store: Store, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of the units that the study has today, sorted by id, so that the order says nothing."""
    rows = table.read(columns)
    return rows.filter(pc.is_in(rows["unit"], value_set=store.units(table.kind)["id"])).sort_by("unit").combine_chunks()


def matrix(store: Store, table: Table, column: str | None = None) -> tuple[list[str], npt.NDArray[np.float32]]:
    """The vectors of a table: (ids, X of shape (n, d), float32), sorted by id, so the order says nothing.

    Args:
        store: the study.
        table: of vectors, or of numbers.
        column: the column of vectors; None for the only one.

    Raises:
        InputError: the table has no column of vectors, or several.
    """
    vectors = [c.name for c in table.columns if c.size and c.dtype.startswith("float")]
    chosen = column or (vectors[0] if len(vectors) == 1 else None)
    if chosen not in vectors:
        raise InputError(f"{table.recipe.label} has columns of vectors {vectors}; expected one, or name it")
    rows = living(store, table, ["unit", chosen])
    flat = rows[chosen].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    width = rows.schema.field(chosen).type.list_size
    return rows["unit"].to_pylist(), flat.reshape(rows.num_rows, width).astype(np.float32)


def posts(store: Store) -> pa.Table:
    """One row per post: ``unit`` and everything its source said, each under its own name."""
    units = store.units("post")
    said = [json.loads(meta) for meta in units["meta"].to_pylist()]
    names = list(dict.fromkeys(name for row in said for name in row))
    columns: dict[str, Any] = {"unit": units["id"]}
    if "unit" in names:
        raise InputError("a source has a column called 'unit', which is the id of the post here; rename it")
    for name in names:
        columns[name] = _typed([row.get(name) for row in said])
    return pa.table(columns)


def _typed(values: list[Any]) -> pa.Array:
    """The values in one Arrow type; as text if sources disagree about the type."""
    try:
        return pa.array(values)
    except pa.ArrowException:
        return pa.array([None if v is None else str(v) for v in values], pa.string())


def rolled_up(store: Store, to: str, of: str, by: str, rules: Mapping[str, str]) -> pa.Table:
    """Rows of ``of`` units rolled up; see `studium.core.rollup`.

    To posts they go along attachments, to what they were split from along their parents (a face to its frame, or to
    its video), and to shots by time: a frame belongs to the shot that it begins in.
    """
    check_kind(to)
    table = joined(store, of, [by])
    if to == "post":
        table, key = _attached(store, table, of), "post"
    else:
        found = _within(store, of, to) if to == "shot" else climbed(store, of, [to])
        table, key = table.drop_columns(_places(table)).append_column("parent", found), "parent"
        table = table.filter(table["parent"].is_valid())
    rolled = rollup(table, key, {column: rule(text) for column, text in rules.items()})
    return rolled.rename_columns([to, *rolled.column_names[1:]])


def _attached(store: Store, table: pa.Table, of: str) -> pa.Table:
    """One row for each post that a unit, or the medium it was split from, is attached to."""
    attached = store.attachments()
    attached = attached.filter(attached["post"].is_valid())
    if of not in PARENTS:
        return attach(table.drop_columns(["path"]), attached.filter(pc.equal(attached["kind"], of)))
    posts: dict[str, dict[str, None]] = {}
    for media, post in zip(attached["media"].to_pylist(), attached["post"].to_pylist(), strict=True):
        posts.setdefault(media, {})[post] = None  # twice in a post is once here
    media = climbed(store, of, FILES).to_pylist()
    pairs = [(row, post) for row, one in enumerate(media) for post in posts.get(one, ())]
    table = table.drop_columns(_places(table)).take(pa.array([row for row, _ in pairs], pa.int64()))
    return table.append_column("post", pa.array([post for _, post in pairs], pa.string()))


def _places(table: pa.Table) -> list[str]:
    return [name for name in ("unit", "path", "parent", "start", "end") if name in table.column_names]


def _within(store: Store, of: str, to: str) -> pa.ChunkedArray:
    """For each unit of ``of``, in their order: the unit of ``to`` of the same medium that it begins in."""
    if of == to or not set(PARENTS.get(of, ())) & set(PARENTS[to]):
        raise InputError(f"{of} units do not lie in {to} units; frames and spoken segments do")
    spans: dict[str, list[tuple[float, float, str]]] = {}
    places = store.units(to).select(["id", "parent", "start", "end"]).sort_by("start")
    for row in places.to_pylist():
        spans.setdefault(row["parent"], []).append((row["start"], row["end"], row["id"]))
    rows = store.units(of).select(["parent", "start"]).to_pylist()
    found = [_holding(spans.get(row["parent"], []), row["start"]) for row in rows]
    return pa.chunked_array([found], pa.string())


def _holding(spans: Sequence[tuple[float, float, str]], time: float) -> str | None:
    """The id of the last of the spans (sorted by start) that holds a time, its end excluded."""
    number = bisect.bisect_right(spans, time + 5e-7, key=lambda span: span[0]) - 1
    return spans[number][2] if number >= 0 and time + 5e-7 < spans[number][1] else None


def failures(store: Store) -> pa.Table:
    """What could not be measured and why, with the kind and path of every unit."""
    found: list[pa.Table] = []
    for kind in store.kinds():
        units = store.units(kind)
        places = dict(zip(units["id"].to_pylist(), paths(store, kind).to_pylist(), strict=True))
        for table in store.tables(kind):
            failed = table.failures()
            where = [places.get(unit) for unit in failed["unit"].to_pylist()]
            failed = failed.append_column("kind", pa.array([kind] * failed.num_rows, pa.string()))
            found.append(failed.append_column("path", pa.array(where, pa.string())))
    order = ["unit", "kind", "path", "step", "error", "message"]
    empty = pa.schema([(name, pa.string()) for name in order]).empty_table()
    return pa.concat_tables([empty, *(table.select(order) for table in found)])


def losses(store: Store) -> pa.Table:
    """What sources could not use and why, as of the last time each was added."""
    rows = []
    for path in sorted((store.root / "sources").glob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        rows += [{"source": body["source"], **loss} for loss in body["losses"]]
    names = ["source", "where", "error", "message"]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def sql(store: Store, query: str) -> pa.Table:
    """DuckDB, in memory, over every table of the study.

    ``units``, ``posts``, ``attachments``, and for every table ``<kind>_<name>_<key>``; without the key, the recipe
    asked for last.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("duckdb", "sql") from error
    with duckdb.connect() as connection:
        connection.register("units", pa.concat_tables([UNITS.empty_table(), *map(store.units, store.kinds())]))
        connection.register("posts", posts(store))
        connection.register("attachments", store.attachments())
        for table in store.tables():
            name = f"{table.kind}_{table.recipe.name}"
            if name in query:  # vectors are heavy: only what the query speaks of
                rows = living(store, table)
                connection.register(name, rows)
                connection.register(f"{name}_{table.recipe.key}", rows)
        try:
            found = connection.sql(query)
            rows = None if found is None else found.to_arrow_table()
        except duckdb.Error as error:
            raise InputError(f"{error}") from error
    if rows is None:
        raise InputError("expected a query that returns rows (select ...); the study itself is changed by its verbs")
    return rows
