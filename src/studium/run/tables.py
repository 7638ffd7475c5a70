"""Reading tables: joined side by side in the order of the units, and as a matrix for analysis."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.recipe import Recipe
from studium.core.store import UNITS, Store, Table
from studium.core.unit import BOXED, KINDS, PARENTS
from studium.errors import InputError, MissingExtraError
from studium.run.lineage import FILES, above, climbed

_SPAN = ["parent", "start", "end"]
_BOX = ["parent", "box"]

__all__ = ["called", "failures", "joined", "living", "losses", "matrix", "of_units", "paths", "posts", "sql"]


def called(recipe: Recipe) -> str:
    """A table by its folder; one of predictions with the name of the model, as people gave it."""
    model = recipe.params.get("called") or recipe.params.get("model") if recipe.name == "predict" else None
    return f"{recipe.label} ({model})" if model else recipe.label


def joined(store: Store, kind: str, names: Sequence[str]) -> pa.Table:
    """One row per unit, in the order in which units were added: ``unit``, ``path``, then the columns of each table.

    Derived units have the path of the file that they lie in, and then ``parent``, ``start`` and ``end`` (seconds), or
    ``box`` (x0, y0, x1, y1 in pixels of the parent); and ``text``, if they are what is said or written. Units that a
    table has no row for are null there.

    Raises:
        UnknownNameError: no table of that name.
        InputError: two tables have a column of the same name.
    """
    units = store.units(kind)
    result = pa.table({"unit": units["id"], "path": paths(store, kind)})
    if kind in PARENTS:
        where = [*(_BOX if kind in BOXED else _SPAN), *(["text"] if "text" in KINDS[kind] else [])]
        result = pa.table([*result, *units.select(where)], names=[*result.column_names, *where])
    for name in names:
        table = store.find(kind, name)
        rows = table.read()
        place = pc.index_in(units["id"], value_set=rows["unit"]).combine_chunks()
        for column in rows.column_names[1:]:
            if column in result.column_names:
                raise InputError(f"{name!r} and another table both have a column {column!r}; read them one at a time")
            result = result.append_column(column, rows[column].combine_chunks().take(place))
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
    return of_units(table.read(columns), store.units(table.kind)).sort_by("unit").combine_chunks()


def of_units(rows: pa.Table, units: pa.Table) -> pa.Table:
    """The rows that speak about these units: a table keeps those of units that the study has no more."""
    return rows.filter(pc.is_in(rows["unit"], value_set=units["id"]))


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


def failures(store: Store) -> pa.Table:
    """What could not be measured and why, with the kind and path of every unit."""
    found: list[pa.Table] = []
    for kind in store.kinds():
        units = store.units(kind)
        places = dict(zip(units["id"].to_pylist(), paths(store, kind).to_pylist(), strict=True))
        for table in store.tables(kind):
            failed = of_units(table.failures(), units)
            where = [places[unit] for unit in failed["unit"].to_pylist()]
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
    asked for last. Queries reach nothing else: no files, no network, no variables of Python.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("duckdb", "sql") from error
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register("units", pa.concat_tables([UNITS.empty_table(), *map(store.units, store.kinds())]))
        connection.register("posts", posts(store))
        connection.register("attachments", store.attachments())
        for table in store.tables():
            name = f"{table.kind}_{table.recipe.name}"
            if name.casefold() in query.casefold():  # vectors are heavy: only what the query speaks of
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
