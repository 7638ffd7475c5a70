"""The study folder: units, attachments, and a table for every recipe. What machines make: append-only Parquet parts.

::

    units/<kind>/part-*.parquet          attachments/part-*.parquet          sources/<source>.json
    tables/<kind>/<name>-<key>/part-*.parquet + _recipe.json + _failures/part-*.parquet
    runs/<when>-<id>.json                the manifest of every run

Names that begin with "_" or "." are passed over by Arrow, Spark and R, so each table's folder is a plain data set.
"""

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.core import parts
from studium.core.column import Column
from studium.core.recipe import Recipe, canonical
from studium.core.table import Table, last, open_table
from studium.core.unit import KINDS, PARENTS, Span, Unit, check_kind
from studium.errors import BusyError, InputError, StoreError, UnknownNameError

__all__ = ["ATTACHMENTS", "UNITS", "Store", "Table", "names_of", "unit_of"]

UNITS = pa.schema(
    {
        "id": pa.string(),
        "kind": pa.string(),
        "parent": pa.string(),
        "path": pa.string(),
        "start": pa.float64(),
        "end": pa.float64(),
        "box": pa.list_(pa.int32()),
        "points": pa.list_(pa.float64()),
        "text": pa.string(),
        "meta": pa.string(),
        "bytes": pa.int64(),
        "mtime_ns": pa.int64(),
    }
)
ATTACHMENTS = pa.schema(
    {
        "source": pa.string(),
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
        """The units of a kind in the order they were first added; schema `UNITS`.

        Media have the path of their last living attachment; those that no source names any more are left out, and
        with them what was split from them.
        """
        check_kind(kind)
        units = last(parts.read(self.root / "units" / kind, UNITS), "id")
        if "file" in KINDS[kind]:
            return self._placed(units, kind)
        if kind in PARENTS and units.num_rows:
            living = pa.chunked_array([self.units(above)["id"].combine_chunks() for above in PARENTS[kind]])
            return units.filter(pc.is_in(units["parent"], value_set=living))
        return units

    def _placed(self, units: pa.Table, kind: str) -> pa.Table:
        living = self.attachments()
        living = last(living.filter(pc.equal(living["kind"], kind)), "media")
        named = self._attached()["media"].drop_null()
        gone = pc.and_not(pc.is_in(units["id"], value_set=named), pc.is_in(units["id"], value_set=living["media"]))
        units = units.filter(pc.invert(gone))
        where = pc.index_in(units["id"], value_set=living["media"])
        for name in ("path", "bytes", "mtime_ns"):
            column = pc.coalesce(living[name].take(where), units[name])
            units = units.set_column(units.schema.get_field_index(name), name, column)
        return units

    def kinds(self) -> list[str]:
        """Kinds that have units, in the order of `KINDS`."""
        return [kind for kind in KINDS if (self.root / "units" / kind).is_dir()]

    def add_attachments(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append attachments; schema `ATTACHMENTS`.

        The last row of a place (source, path, post, position) counts; one without ``media`` says that the source no
        longer names the place.
        """
        parts.write(self.root / "attachments", pa.Table.from_pylist(list(rows), schema=ATTACHMENTS))

    def attachments(self) -> pa.Table:
        """Where every medium is, and the post it is attached to; schema `ATTACHMENTS`."""
        table = self._attached()
        places = zip(*(table[c].to_pylist() for c in ("source", "path", "post", "position")), strict=True)
        rows = {place: row for row, place in enumerate(places)}
        table = table.take(pa.array(sorted(rows.values()), pa.int64()))
        return table.filter(table["media"].is_valid())

    def _attached(self) -> pa.Table:
        return parts.read(self.root / "attachments", ATTACHMENTS)

    def units_digest(self, kind: str) -> str:
        """Name of the set of units of a kind: of what they are and say, not of where their files lie."""
        said = self.units(kind).select(["id", "start", "end", "box", "points", "text", "meta"])
        return f"{parts.sum_of_rows(said):064x}"

    # tables

    def table(self, kind: str, recipe: Recipe) -> Table:
        """The table of a recipe, which may not exist yet."""
        check_kind(kind)
        return Table(self.root / "tables" / kind / recipe.label, kind, recipe)

    def create(self, kind: str, recipe: Recipe, columns: Sequence[Column], of_text: bool = False) -> Table:
        """The table of a recipe, made if need be. An existing one is kept, and becomes the one asked for last."""
        table = self.table(kind, recipe)
        path = table.folder / "_recipe.json"
        if not path.exists():
            described = [dataclasses.asdict(column) for column in columns]
            body = {**dataclasses.asdict(recipe), "key": recipe.key, "kind": kind, "of_text": of_text}
            parts.replace_file(path, json.dumps({**body, "columns": described}, indent=1, ensure_ascii=False))
        newest = max((other.asked for other in self.tables(kind)), default=0)
        if table.asked <= newest:
            parts.replace_file(table.folder / "_asked", str(newest + 1))
        return table

    def tables(self, kind: str | None = None) -> list[Table]:
        """Every table of a kind (or of all) that is whole, the one asked for last at the end."""
        found = [open_table(path) for path in sorted((self.root / "tables").glob(f"{kind or '*'}/*/_recipe.json"))]
        return sorted((table for table in found if table.whole), key=lambda table: (table.begun, table.asked))

    def find(self, kind: str, name: str, prefer: Collection[Path] = ()) -> Table:
        """The table of that name: ``embed``, or ``embed:conse`` where there are several.

        After the colon stands the value of a parameter (a model, a variable), the name of a flag that is set
        (``frames:middle``), or the recipe's key. Tables that differ in nothing but the version of the part or the rows
        they were made from count as one: the one asked for last.

        Args:
            kind: of the units.
            name: of the table.
            prefer: folders of tables that a bare name means first: those that the steps of a study file made.

        Raises:
            UnknownNameError: there is none; the message lists what there is.
            InputError: there are several with different parameters; the message lists their names.
        """
        check_kind(kind)
        wanted, _, choice = name.partition(":")
        tables = self.tables(kind)
        fitting = [t for t in tables if t.recipe.name == wanted and (not choice or _chosen(t.recipe, choice))]
        fitting = [t for t in fitting if t.folder in prefer] or [t for t in fitting if t.begun] or fitting
        if not fitting:
            there = ", ".join(dict.fromkeys(table.recipe.name for table in tables)) or "none"
            raise UnknownNameError(f"no table {name!r} of {kind} units; there are: {there}")
        if len({canonical(table.recipe.params) for table in fitting}) > 1:
            names = ", ".join(names_of([table.recipe for table in fitting]))
            raise InputError(f"several tables of {kind} units are called {name!r}; say which: {names}")
        return fitting[-1]

    # runs

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study for writing; the system lets go when the process ends, however it ends.

        Raises:
            BusyError: another process holds it.
            StoreError: it must not be written to.
        """
        from filelock import FileLock, Timeout

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / ".lock", timeout=0):
                for name in _OURS:
                    parts.sweep(self.root / name)
                yield
        except Timeout as error:
            raise BusyError(f"another run holds {self.root}; wait for it to end, or stop it") from error
        except PermissionError as error:
            raise StoreError(f"{error.filename}: {error.strerror}; a study must be writable for this") from error


def _chosen(recipe: Recipe, choice: str) -> bool:
    return choice == recipe.key or choice in _words(recipe)


def _words(recipe: Recipe) -> list[str]:
    """What its parameters are called after the colon: variables and set flags by name, others by their values."""
    asked = [one["name"] for one in recipe.params.get("variables", ()) if isinstance(one, Mapping)]
    scalars = {name: value for name, value in recipe.params.items() if isinstance(value, str | int | float)}
    told = sorted(scalars.items(), key=lambda one: not isinstance(one[1], str))  # a model says more than a number
    words = [name if value is True else "" if value is False else str(value) for name, value in told]
    return [word for word in (*asked, *words) if word]


def names_of(recipes: Sequence[Recipe]) -> list[str]:
    """A name for each recipe that no other one answers to: by a parameter, or by the key."""
    names = []
    for recipe in recipes:
        namesakes = [other for other in recipes if other.name == recipe.name]
        own = [word for word in _words(recipe) if sum(_chosen(other, word) for other in namesakes) == 1]
        names.append(f"{recipe.name}:{own[0] if own else recipe.key}")
    return names


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
    row["points"] = None if span.points is None else [float(value) for point in span.points for value in point]
    meta = dict(unit.meta)
    row |= {name: meta.pop(name, None) for name in ("bytes", "mtime_ns") if unit.path is not None}
    return row | {"meta": json.dumps(meta, ensure_ascii=False)}


def unit_of(row: Mapping[str, Any]) -> Unit:
    """The `Unit` of one row of a units table."""
    box = row["box"] and tuple(row["box"])
    spanned = any(row[k] is not None for k in ("start", "end", "box", "text"))
    points = row["points"] and tuple(zip(row["points"][::2], row["points"][1::2], strict=True))
    span = Span(row["start"], row["end"], box or None, row["text"], points) if spanned else None
    meta = json.loads(row["meta"])
    if row["bytes"] is not None:
        meta |= {"bytes": row["bytes"], "mtime_ns": row["mtime_ns"]}
    return Unit(row["id"], row["kind"], row["parent"], row["path"], span, meta)
