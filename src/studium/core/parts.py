"""Append-only Parquet parts: written to a temporary name, fsynced, renamed. kill -9 loses at most the part in hand."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from studium.errors import StoreError

__all__ = ["digest", "latest", "read", "replace_file", "rows", "sum_of_rows", "sweep", "sync", "write"]

_DIGEST = b"studium.digest"
_MODULUS = 1 << 256
_UNIT = pa.schema({"unit": pa.string()})
_TEMPORARY = re.compile(r"\.(part-\d{20}|.+\.json|_asked)-[0-9a-f]{8}\.tmp")


def write(folder: Path, table: pa.Table) -> Path:
    """Append ``table`` to ``folder`` as one part; an empty table writes nothing and returns the folder."""
    if table.num_rows == 0:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    stamped = table.replace_schema_metadata({_DIGEST: f"{sum_of_rows(table):064x}".encode()})
    path = folder / f"part-{_after(folder):020d}-{secrets.token_hex(4)}.parquet"
    temporary = folder / f".{path.stem}.tmp"
    try:
        pq.write_table(stamped, temporary, compression="zstd")
        sync(temporary)
        temporary.replace(path)
        sync(folder)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write to {folder}: {error.strerror or error}; free some space and run again"
        ) from error
    return path


def read(folder: Path, schema: pa.Schema, columns: Iterable[str] | None = None) -> pa.Table:
    """All rows of all parts in the order they were written; an empty table of ``schema`` if there are none."""
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    tables = [_read_part(path, wanted) for path in _parts(folder)]
    return pa.concat_tables(tables) if tables else wanted.empty_table()


def latest(folder: Path, units: Collection[str]) -> dict[str, int]:
    """When each of some units was last written to a folder, in ns since 1970, by the names of its parts."""
    return {
        unit: int(path.name.split("-")[1])
        for path in _parts(folder)
        for unit in _read_part(path, _UNIT)["unit"].to_pylist()
        if unit in units
    }


def rows(folder: Path) -> int:
    """How many rows the parts hold, from their footers."""
    return sum(pq.read_metadata(path).num_rows for path in _parts(folder))


def digest(folder: Path) -> str:
    """64 hex digits that name the set of rows, whatever their order and however they were cut into parts.

    The sum, modulo 2^256, of the sha256 of every row (written into each part's footer), so it costs no reading.
    """
    total = 0
    for path in _parts(folder):
        stored = (pq.read_metadata(path).metadata or {}).get(_DIGEST)
        if stored is None:
            raise StoreError(f"{path} was not written by studium: it carries no digest; move it elsewhere")
        total = (total + int(stored, 16)) % _MODULUS
    return f"{total:064x}"


def sweep(folder: Path) -> None:
    """Remove the temporary files that a killed run left behind: those that only `write` and `replace_file` name so."""
    for leftover in folder.rglob(".*.tmp"):
        if _TEMPORARY.fullmatch(leftover.name):
            leftover.unlink(missing_ok=True)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a small file atomically, text as UTF-8: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    sync(temporary)
    temporary.replace(path)


def _after(folder: Path) -> int:
    """Nanoseconds since 1970, but later than any part that is there, whatever the clock was set to."""
    newest = max((path.name for path in folder.glob("part-*.parquet")), default="part-0-")
    return max(time.time_ns(), int(newest.split("-")[1]) + 1)


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet")) if folder.is_dir() else []


def _read_part(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        with pq.ParquetFile(path) as part:
            return part.read(columns=schema.names).select(schema.names).replace_schema_metadata(None)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); move it elsewhere, and run again") from error


def sum_of_rows(table: pa.Table) -> int:
    """Sum, modulo 2^256, of the sha256 of every row: equal for equal sets of rows, whatever their order."""
    names = "\0".join(f"{f.name}:{f.type}" for f in table.schema).encode()
    columns = [_cells(table.column(name).combine_chunks()) for name in table.column_names]
    total = 0
    for row in zip(*columns, strict=True):
        total += int.from_bytes(hashlib.sha256(names + b"\0".join(row)).digest(), "big")
    return total % _MODULUS


def _cells(column: pa.Array) -> list[bytes]:
    """The bytes of each value: raw for fixed-size vectors of numbers, the Python value's repr otherwise."""
    if pa.types.is_fixed_size_list(column.type) and not pa.types.is_string(column.type.value_type):
        matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)
        return [row.tobytes() for row in matrix]
    return [repr(value).encode("utf-8", "surrogatepass") for value in column.to_pylist()]


def sync(path: Path) -> None:
    """See to it that a file, or what a folder names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
