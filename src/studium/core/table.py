"""One table on disk: the rows that one recipe made for one kind of unit."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.core import parts
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.errors import DamagedStreamError, InputError, StoreError

__all__ = ["FAILURES", "Table", "last", "open_table", "text_digest"]

FAILURES = pa.schema({"unit": pa.string(), "step": pa.string(), "error": pa.string(), "message": pa.string()})
_TEXT = pa.field("text_digest", pa.string())


def text_digest(text: str) -> str:
    """16 hex digits that name a text, kept beside what was measured on it: a text may change, its unit stays."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Table:
    """One table on disk: the rows that one recipe made for one kind of unit."""

    folder: Path
    kind: str
    recipe: Recipe

    @functools.cached_property
    def _body(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "_recipe.json").read_text(encoding="utf-8")))

    @functools.cached_property
    def columns(self) -> tuple[Column, ...]:
        """What its columns mean, after ``unit``."""
        return tuple(Column(**column) for column in self._body["columns"])

    @property
    def of_text(self) -> bool:
        """Whether its rows were measured on texts, and carry their digests."""
        return bool(self._body.get("of_text", False))

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

    def append(self, units: Sequence[str], arrays: Sequence[pa.Array], texts: Sequence[str] = ()) -> None:
        """Append one row per unit as one part, all or nothing.

        Args:
            units: their ids.
            arrays: as `arrays` makes them.
            texts: digests of the texts measured, if the table is of texts.
        """
        columns, schema = [pa.array(units, pa.string()), *arrays], self.schema
        if self.of_text:
            columns, schema = [*columns, pa.array(texts, pa.string())], schema.append(_TEXT)
        parts.write(self.folder, pa.Table.from_arrays(columns, schema=schema))

    def replace(self, units: Sequence[str], arrays: Sequence[pa.Array], result: Mapping[str, Any]) -> None:
        """Write all rows of a result over many units, and what belongs beside them; `result` tells that it is whole."""
        for part in self.folder.glob("part-*.parquet"):
            part.unlink()  # of a computation that was killed before it was whole
        self.append(units, arrays)
        parts.replace_file(self.folder / "_result.json", json.dumps(result, indent=1, sort_keys=True))

    def fail(self, failures: Sequence[tuple[str, str, str]], texts: Sequence[str | None] = ()) -> None:
        """Append failures.

        Args:
            failures: (unit, class of the error, message).
            texts: digests of the texts that could not be measured, if the table is of texts and they are known.
        """
        rows = [{"unit": u, "step": self.recipe.name, "error": e, "message": m} for u, e, m in failures]
        table = pa.Table.from_pylist(rows, schema=FAILURES)
        if self.of_text:
            table = table.append_column(_TEXT, pa.array(texts or [None] * len(rows), pa.string()))
        parts.write(self.folder / "_failures", table)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """One row per unit, in the order they were first written; of several, the last one counts."""
        wanted = list(columns) if columns is not None else self.schema.names
        stored = parts.read(self.folder, self.schema, dict.fromkeys(["unit", *wanted]))
        return self._standing(last(stored, "unit")).select(wanted)

    def done(self) -> pa.ChunkedArray:
        """Ids of the units that have a row."""
        return self._standing(parts.read(self.folder, self.schema, ["unit"]))["unit"]

    def texts_done(self) -> pa.ChunkedArray:
        """For a table of texts: the id of every unit that has a row, followed by the digest of its text."""
        rows = last(parts.read(self.folder, self.schema.append(_TEXT), ["unit", _TEXT.name]), "unit")
        return _texted(self._standing(rows))

    def texts_failed(self) -> pa.ChunkedArray:
        """The same of every unit that failed, and has no row since; the id alone where nobody knows on what text."""
        failed = last(parts.read(self.folder / "_failures", FAILURES.append(_TEXT), ["unit", _TEXT.name]), "unit")
        return _texted(failed.filter(pc.invert(pc.is_in(failed["unit"], value_set=self.done()))))

    def _standing(self, rows: pa.Table) -> pa.Table:
        """Without those of units whose text changed, and then failed: a row tells of a text that is no more."""
        failures = self.folder / "_failures"
        if not failures.is_dir() or not self.of_text:
            return rows
        both = rows["unit"].filter(pc.is_in(rows["unit"], value_set=parts.read(failures, FAILURES, ["unit"])["unit"]))
        units = set(both.to_pylist())
        if not units:
            return rows
        measured, failed = parts.latest(self.folder, units), parts.latest(failures, units)
        fallen = pa.array([unit for unit in units if failed[unit] > measured[unit]], pa.string())
        return rows.filter(pc.invert(pc.is_in(rows["unit"], value_set=fallen)))

    def failures(self) -> pa.Table:
        """Failures that no row has made good, the last one of each unit; schema `FAILURES`.

        A damaged stream stays a failure beside the row of what could be decoded.
        """
        failed = last(parts.read(self.folder / "_failures", FAILURES), "unit")
        if not failed.num_rows:
            return failed
        good = pc.is_in(failed["unit"], value_set=self.done())
        return failed.filter(pc.or_(pc.invert(good), pc.equal(failed["error"], DamagedStreamError.__name__)))

    def digest(self) -> str:
        """Name of the set of rows, whatever their order."""
        return parts.digest(self.folder)

    def result(self) -> dict[str, Any]:
        """What a result over many units stores beside its rows (the history of a clustering, say); {} if nothing."""
        path = self.folder / "_result.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    @property
    def whole(self) -> bool:
        """Whether a result over many units was finished; measures are whole at any time."""
        return not self.recipe.inputs or (self.folder / "_result.json").exists()

    @property
    def begun(self) -> bool:
        """Whether anything was written to it."""
        return any(self.folder.glob("part-*.parquet")) or any(
            (self.folder / name).exists() for name in ("_failures", "_result.json")
        )

    @property
    def asked(self) -> int:
        """How many tables of its kind had been asked for when this one was, last."""
        path = self.folder / "_asked"
        return int(path.read_text()) if path.exists() else 0


def open_table(path: Path) -> Table:
    """The table whose ``_recipe.json`` lies at ``path``.

    Raises:
        StoreError: it is damaged.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        fields = {f.name: body[f.name] for f in dataclasses.fields(Recipe)}
        return Table(path.parent, body["kind"], Recipe(**fields))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete its folder, and run again") from error


def last(table: pa.Table, key: str) -> pa.Table:
    """One row per key, in the order of first appearance, with the values of the last appearance."""
    if pc.count_distinct(table[key], mode="all").as_py() == table.num_rows:
        return table
    rows = {value: row for row, value in enumerate(table[key].to_pylist())}
    return table.take(pa.array(list(rows.values()), pa.int64()))


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


def _texted(rows: pa.Table) -> pa.ChunkedArray:
    """The id of each unit, followed by the digest of its text."""
    return pc.binary_join_element_wise(rows["unit"], pc.coalesce(rows[_TEXT.name], ""), "")
