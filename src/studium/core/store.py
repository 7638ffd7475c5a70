"""The study folder: units, attachments, and a table for every recipe. What machines make: append-only Parquet parts.

::

    units/<kind>/part-*.parquet          attachments/part-*.parquet          sources/<source>.json
    tables/<kind>/<name>-<key>/part-*.parquet + _recipe.json + _failures/part-*.parquet
    runs/<when>-<id>.json                the manifest of every run

Names that begin with "_" or "." are passed over by Arrow, Spark and R, so each table's folder is a plain data set.
"""

import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.core import parts
from studium.core.column import Column
from studium.core.recipe import Recipe, canonical
from studium.core.unit import KINDS, Span, Unit, check_kind
from studium.errors import BusyError, InputError, UnknownNameError

__all__ = ["ATTACHMENTS", "FAILURES", "UNITS", "Store", "Table", "unit_of"]

UNITS = pa.schema(
    {
        "id": pa.string(),
        "kind": pa.string(),
        "parent": pa.string(),
        "path": pa.string(),
        "start": pa.float64(),
        "end": pa.float64(),
        "box": pa.list_(pa.int32()),
        "text": pa.string(),
        "meta": pa.string(),
    }
)
ATTACHMENTS = pa.schema(
    {
        "post": pa.string(),
        "media": pa.string(),
        "kind": pa.string(),
        "position": pa.int32(),
        "path": pa.string(),
        "label": pa.string(),
        "bytes": pa.int64(),
        "mtime_ns": pa.int64(),
    }
)
_OURS = ("units", "attachments", "sources", "tables", "runs")
FAILURES = pa.schema({"unit": pa.string(), "step": pa.string(), "error": pa.string(), "message": pa.string()})


@dataclasses.dataclass(frozen=True)
class Table:
    """One table on disk: the rows that one recipe made for one kind of unit."""

    folder: Path
    kind: str
    recipe: Recipe

    @functools.cached_property
    def columns(self) -> tuple[Column, ...]:
        """What its columns mean, after ``unit``."""
        body = json.loads((self.folder / "_recipe.json").read_text(encoding="utf-8"))
        return tuple(Column(**column) for column in body["columns"])

    @functools.cached_property
    def schema(self) -> pa.Schema:
        """Names and types of its columns, ``unit`` first."""
        return pa.schema([pa.field("unit", pa.string()), *(column.arrow() for column in self.columns)])

    def arrays(self, values: Mapping[str, Any]) -> list[pa.Array]:
        """The values of every column but ``unit``, in the types of the schema.

        Raises:
            InputError: a column is missing or too many, or holds something else than it declares.
        """
        names = self.schema.names[1:]
        if set(values) != set(names):
            raise InputError(f"{self.recipe.name} should return the columns {names}, got {sorted(values)}")
        return [_array(values[name], self.schema.field(name)) for name in names]

    def append(self, units: Sequence[str], arrays: Sequence[pa.Array]) -> None:
        """Append one row per unit as one part, all or nothing; ``arrays`` as `arrays` makes them."""
        columns = [pa.array(units, pa.string()), *arrays]
        parts.write(self.folder, pa.Table.from_arrays(columns, schema=self.schema))

    def fail(self, failures: Sequence[tuple[str, str, str]]) -> None:
        """Append failures: (unit, class of the error, message)."""
        rows = [{"unit": u, "step": self.recipe.name, "error": e, "message": m} for u, e, m in failures]
        parts.write(self.folder / "_failures", pa.Table.from_pylist(rows, schema=FAILURES))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows, in the order they were written."""
        return parts.read(self.folder, self.schema, columns)

    def done(self) -> pa.ChunkedArray:
        """Ids of the units that have a row."""
        return self.read(["unit"])["unit"]

    def failures(self) -> pa.Table:
        """Failures that no later row has made good, the last one of each unit."""
        failed = _last(parts.read(self.folder / "_failures", FAILURES), "unit")
        if not failed.num_rows:
            return failed
        return failed.filter(pc.invert(pc.is_in(failed["unit"], value_set=self.done())))

    def digest(self) -> str:
        """Name of the set of rows, whatever their order."""
        return parts.digest(self.folder)

    def result(self) -> dict[str, Any]:
        """What a result over many units stores beside its rows (the history of a clustering, say); {} if nothing."""
        path = self.folder / "_result.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def replace(self, units: Sequence[str], arrays: Sequence[pa.Array], result: Mapping[str, Any]) -> None:
        """Write all rows of a result over many units, and what belongs beside them; `result` tells that it is whole."""
        for part in self.folder.glob("part-*.parquet"):
            part.unlink()  # of a computation that was killed before it was whole
        self.append(units, arrays)
        parts.replace_file(self.folder / "_result.json", json.dumps(result, indent=1, sort_keys=True))


class Store:
    """A study folder. Every read is a plain Parquet read; every write is one atomic part."""

    def __init__(self, root: Path) -> None:
        """Open the folder; it is made when the first part is written."""
        self.root = root

    # units and attachments

    def add_units(self, units: Iterable[Unit]) -> None:
        """Append units, one part per kind. The last row of an id counts."""
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for unit in units:
            by_kind.setdefault(unit.kind, []).append(_row(unit))
        for kind, rows in by_kind.items():
            parts.write(self.root / "units" / kind, pa.Table.from_pylist(rows, schema=UNITS))

    def units(self, kind: str) -> pa.Table:
        """The units of a kind in the order they were first added; schema `UNITS`."""
        check_kind(kind)
        return _last(parts.read(self.root / "units" / kind, UNITS), "id")

    def kinds(self) -> list[str]:
        """Kinds that have units, in the order of `KINDS`."""
        return [kind for kind in KINDS if (self.root / "units" / kind).is_dir()]

    def add_attachments(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append attachments; schema `ATTACHMENTS`. The last row of a (path, post, position) counts."""
        parts.write(self.root / "attachments", pa.Table.from_pylist(list(rows), schema=ATTACHMENTS))

    def attachments(self) -> pa.Table:
        """Where every medium was found, and the post it is attached to; schema `ATTACHMENTS`."""
        table = parts.read(self.root / "attachments", ATTACHMENTS)
        places = zip(*(table[c].to_pylist() for c in ("path", "post", "position")), strict=True)
        last = {place: row for row, place in enumerate(places)}
        return table.take(pa.array(sorted(last.values()), pa.int64()))

    def units_digest(self, kind: str) -> str:
        """Name of the set of units of a kind: of their ids, not of where their files lie."""
        ids = self.units(kind).select(["id"])
        return f"{parts.sum_of_rows(ids):064x}"

    # tables

    def table(self, kind: str, recipe: Recipe) -> Table:
        """The table of a recipe, which may not exist yet."""
        check_kind(kind)
        return Table(self.root / "tables" / kind / recipe.label, kind, recipe)

    def create(self, kind: str, recipe: Recipe, columns: Sequence[Column]) -> Table:
        """The table of a recipe, made if need be. An existing one is kept, and becomes the one asked for last."""
        table = self.table(kind, recipe)
        path = table.folder / "_recipe.json"
        if not path.exists():
            described = [dataclasses.asdict(column) for column in columns]
            body = {**dataclasses.asdict(recipe), "key": recipe.key, "kind": kind, "columns": described}
            parts.replace_file(path, json.dumps(body, indent=1, ensure_ascii=False))
        path.touch()
        return table

    def tables(self, kind: str | None = None) -> list[Table]:
        """Every table of a kind (or of all), the one asked for last at the end."""
        found = sorted((self.root / "tables").glob(f"{kind or '*'}/*/_recipe.json"), key=lambda p: p.stat().st_mtime_ns)
        return [_open(path) for path in found]

    def find(self, kind: str, name: str) -> Table:
        """The table of that name: ``embed``, or ``embed:conse`` where there are several.

        After the colon stands the value of a parameter (a model, a variable) or the recipe's key. Tables that differ in
        nothing but the version of the part or the rows they were made from count as one: the one asked for last.

        Raises:
            UnknownNameError: there is none; the message lists what there is.
            InputError: there are several with different parameters; the message lists their names.
        """
        check_kind(kind)
        wanted, _, choice = name.partition(":")
        tables = self.tables(kind)
        named = [table for table in tables if table.recipe.name == wanted]
        fitting = [table for table in named if not choice or _chosen(table.recipe, choice)]
        if not fitting:
            there = ", ".join(dict.fromkeys(table.recipe.name for table in tables)) or "none"
            raise UnknownNameError(f"no table {name!r} of {kind} units; there are: {there}")
        if len({canonical(table.recipe.params) for table in fitting}) > 1:
            names = ", ".join(_names([table.recipe for table in fitting]))
            raise InputError(f"several tables of {kind} units are called {name!r}; say which: {names}")
        return fitting[-1]

    # runs

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study for writing; the system lets go when the process ends, however it ends.

        Raises:
            BusyError: another process holds it.
        """
        from filelock import FileLock, Timeout

        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / ".lock", timeout=0):
                for name in _OURS:
                    parts.sweep(self.root / name)
                yield
        except Timeout as error:
            raise BusyError(f"another run holds {self.root}; wait for it to end, or stop it") from error


def _chosen(recipe: Recipe, choice: str) -> bool:
    return choice == recipe.key or choice in map(str, recipe.params.values())


def _names(recipes: Sequence[Recipe]) -> list[str]:
    """A name for each recipe that no other one answers to: by a parameter, or by the key."""
    names = []
    for recipe in recipes:
        values = [v for v in recipe.params.values() if isinstance(v, str | int) and str(v)]
        own = [v for v in values if sum(_chosen(other, str(v)) for other in recipes) == 1]
        names.append(f"{recipe.name}:{own[0] if own else recipe.key}")
    return names


def _open(path: Path) -> Table:
    body = json.loads(path.read_text(encoding="utf-8"))
    fields = {f.name: body[f.name] for f in dataclasses.fields(Recipe)}
    return Table(path.parent, body["kind"], Recipe(**fields))


def _row(unit: Unit) -> dict[str, Any]:
    span = unit.span or Span()
    row: dict[str, Any] = {
        "id": unit.id,
        "kind": unit.kind,
        "parent": unit.parent,
        "path": unit.path,
        "start": span.start,
    }
    row |= {"end": span.end, "box": span.box and list(span.box), "text": span.text}
    return row | {"meta": json.dumps(dict(unit.meta), ensure_ascii=False)}


def unit_of(row: Mapping[str, Any]) -> Unit:
    """The `Unit` of one row of a units table."""
    box = row["box"] and tuple(row["box"])
    spanned = any(row[k] is not None for k in ("start", "end", "box", "text"))
    span = Span(row["start"], row["end"], box or None, row["text"]) if spanned else None
    return Unit(row["id"], row["kind"], row["parent"], row["path"], span, json.loads(row["meta"]))


def _array(values: Any, f: pa.Field) -> pa.Array:
    try:
        if pa.types.is_fixed_size_list(f.type) and hasattr(values, "ndim") and values.ndim == 2:
            flat = pa.array(values.reshape(-1), f.type.value_type)
            array = pa.FixedSizeListArray.from_arrays(flat, f.type.list_size)
        else:
            array = pa.array(values, f.type)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(f"column {f.name!r} should hold {f.type}: {error}") from error
    if pa.types.is_fixed_size_list(f.type) and array.null_count:
        raise InputError(f"column {f.name!r} should hold a whole vector, got none; raise a MediaError for such a unit")
    return array


def _last(table: pa.Table, key: str) -> pa.Table:
    """One row per key, in the order of first appearance, with the values of the last appearance."""
    last = {value: row for row, value in enumerate(table[key].to_pylist())}
    if len(last) == table.num_rows:
        return table
    return table.take(pa.array(list(last.values()), pa.int64()))
