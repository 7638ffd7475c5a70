"""Rows of CSV, JSON Lines and Parquet files, one at a time, each with the place where it stands."""

import codecs
import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from studium.core.protocols import Loss
from studium.errors import SourceError
from studium.sources.columns import exact_float, flatten
from studium.sources.encoding import detect, is_clean

__all__ = ["Row", "Table", "open_table"]

_CSV = frozenset({".csv", ".tsv", ".tab", ".txt"})
_JSON_LINES = frozenset({".jsonl", ".ndjson"})
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands ("posts.csv, line 7") and its values by column name."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Table(ABC):
    """A file of rows; iterate over it as often as needed.

    Attributes:
        path: the file.
        encoding: its Python codec; empty for Parquet.
        typed: whether values have types of their own; in a CSV table all are text.
    """

    path: Path
    encoding: str = ""
    typed: bool = field(default=False, init=False)

    @abstractmethod
    def __iter__(self) -> Iterator[Row | Loss]:
        """Every row in order; a `Loss` for one that cannot be read."""

    def columns(self) -> list[str]:
        """Names of all columns, in the order of their first appearance."""
        return list(dict.fromkeys(name for row in self if isinstance(row, Row) for name in row.values))

    @contextmanager
    def _lines(self) -> Iterator[TextIO]:
        """The file as text; damaged UTF-8 comes through as surrogates, so that only its row is lost."""
        errors = "surrogateescape" if self.encoding in {"utf-8", "utf-8-sig"} else "strict"
        try:
            with self.path.open(encoding=self.encoding, errors=errors, newline="") as file:
                yield file
        except UnicodeError as error:
            message = f"{self.path}: not {self.encoding}, or damaged ({error}); save it as UTF-8"
            raise SourceError(message) from error

    def _loss(self, line: int, message: str) -> Loss:
        return Loss(f"{self.path}, line {line}", "SourceError", message)


def open_table(path: Path, column: str, encoding: str = "") -> Table:
    """Find out what a file is, by its suffix, and how it is written.

    Args:
        path: .csv, .tsv, .tab or .txt (text with a header; the delimiter is the one of ``, ; | tab`` whose header has
            ``column``), .jsonl or .ndjson, .parquet.
        column: a column that it must have.
        encoding: a Python codec, or empty: detect it.

    Raises:
        SourceError: missing, of another kind, empty, damaged, or in an encoding that is neither given nor detected.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise SourceError(f"expected a table of posts, got {path}: {what}; check the path")
    if suffix == ".parquet":
        return ParquetTable(path)
    if suffix not in _CSV | _JSON_LINES:
        what = suffix or "a file without suffix"
        raise SourceError(f"{path}: cannot read {what} as a table; save it as .csv, .jsonl or .parquet")
    encoding = _codec(path, encoding)
    return JsonLines(path, encoding) if suffix in _JSON_LINES else _open_csv(path, column, encoding)


def _codec(path: Path, encoding: str) -> str:
    try:
        if not encoding:
            return detect(path)
        return codecs.lookup(encoding).name
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except LookupError as error:
        raise SourceError(f'unknown encoding {encoding!r}; expected a Python codec such as "cp1252"') from error


@dataclass(frozen=True)
class CsvTable(Table):
    """Text with a header line; fields may be quoted and then hold anything, also line breaks."""

    delimiter: str = ","

    def __iter__(self) -> Iterator[Row | Loss]:
        """Every row but the header and blank lines."""
        header: list[str] | None = None
        for line, fields in self.records():
            if isinstance(fields, str):
                yield self._loss(line, fields)
            elif not fields:
                continue
            elif header is None:
                header = self._header(fields)
            elif len(fields) < len(header) or any(fields[len(header) :]):
                message = f"expected {len(header)} fields, got {len(fields)}; check its quotes and delimiters"
                yield self._loss(line, message)
            elif not all(map(is_clean, fields)):
                yield self._loss(line, f"not valid {self.encoding}: repair the damaged characters")
            else:
                yield Row(f"{self.path}, line {line}", dict(zip(header, fields, strict=False)))

    def records(self) -> Iterator[tuple[int, list[str] | str]]:
        """Number of its first line, and the fields of every record; or what is wrong with it."""
        csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))  # long transcripts are no error
        with self._lines() as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    yield line, next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    end = f" (to line {reader.line_num}, all of it lost)" if reader.line_num > line else ""
                    yield line, f"not CSV: {error}{end}; check the quotes"

    def columns(self) -> list[str]:
        """Names in the header."""
        for _, fields in self.records():
            if fields:
                return [] if isinstance(fields, str) else self._header(fields)
        return []

    def _header(self, fields: list[str]) -> list[str]:
        names = [name.strip() or f"column_{i}" for i, name in enumerate(fields, 1)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SourceError(f"{self.path}: two columns are called {twice[0]!r}; rename one of them")
        return names


def _open_csv(path: Path, column: str, encoding: str) -> CsvTable:
    tables = [CsvTable(path, encoding, delimiter) for delimiter in _DELIMITERS]
    headers: list[list[str]] = []
    for table in tables:
        try:
            headers.append(table.columns())
        except SourceError:
            headers.append([])
            if table.delimiter == _DELIMITERS[0] and column in _first_fields(table):
                raise
    if not any(headers):
        raise SourceError(f"{path}: expected a header line with the names of the columns, got none: the file is empty")
    best = max(range(len(tables)), key=lambda i: (column in headers[i], len(headers[i])))
    return tables[best]


def _first_fields(table: CsvTable) -> Iterable[str]:
    return next((fields for _, fields in table.records() if fields), [])


@dataclass(frozen=True)
class JsonLines(Table):
    """One JSON object a line. Nested objects become columns with dotted names ("user.name"), lists stay JSON text."""

    typed: bool = field(default=True, init=False)

    def __iter__(self) -> Iterator[Row | Loss]:
        """Every row but blank lines."""
        with self._lines() as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield self._row(line, text)

    def _row(self, line: int, text: str) -> Row | Loss:
        try:
            record = json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
            if not isinstance(record, dict):
                return self._loss(line, f"expected a JSON object, got {text.strip()[:40]!r}")
            values = flatten(record)
        except (ValueError, RecursionError) as error:
            return self._loss(line, f"not JSON: {error}")
        if not all(is_clean(part) for item in values.items() for part in item if isinstance(part, str)):
            return self._loss(line, f"not valid {self.encoding}, or half of a surrogate pair: repair the characters")
        return Row(f"{self.path}, line {line}", values)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("the same name twice in one object")
    return record


def _float(text: str) -> float | str:
    value = exact_float(text)
    return text if value is None else value


def _constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON; write null")


@dataclass(frozen=True)
class ParquetTable(Table):
    """A Parquet file. Structs become columns with dotted names, lists JSON text, times and decimals exact text."""

    typed: bool = field(default=True, init=False)

    def __iter__(self) -> Iterator[Row | Loss]:
        """Every row."""
        import pyarrow as pa

        number = 0
        try:
            for batch in self._file().iter_batches(batch_size=4096):
                names = batch.schema.names
                for values in zip(*(_plain(column).to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield Row(f"{self.path}, row {number}", flatten(dict(zip(names, values, strict=True))))
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self.path}: damaged after row {number} ({error}); export it again") from error

    def columns(self) -> list[str]:
        """Names in the schema; those in structs dotted."""
        names = [name for column in self._file().schema_arrow for name in _names(column)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SourceError(f"{self.path}: two columns are called {twice[0]!r}; rename one of them")
        return names

    def _file(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self.path}: not a Parquet file, or damaged ({error}); export it again") from error


def _names(column: Any, prefix: str = "") -> list[str]:
    import pyarrow as pa

    if not pa.types.is_struct(column.type):
        return [prefix + column.name]
    return [name for inner in column.type for name in _names(inner, f"{prefix}{column.name}.")]


def _plain(column: Any) -> Any:
    """A column in types that Python holds exactly."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    if pa.types.is_temporal(column.type) or pa.types.is_decimal(column.type):
        with suppress(pa.ArrowNotImplementedError):  # durations and intervals become text later
            return column.cast(pa.string())
    return column
