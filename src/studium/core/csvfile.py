"""CSV files that people wrote: every column has a name of its own, every line as many cells as the header."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from studium.errors import InputError

__all__ = ["csv_rows"]


def csv_rows(path: str | Path, needed: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """The rows of a CSV file in UTF-8, by the names of its columns.

    Raises:
        InputError: it cannot be read, is not as wide as its header everywhere, or lacks a column that is needed.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [*map(str.strip, reader.fieldnames or ())]
            if "" in header or len(set(header)) < len(header):
                raise InputError(f"{path}: every column needs a name of its own, got {', '.join(map(repr, header))}")
            reader.fieldnames = header
            if lacking := [name for name in needed if name not in header]:
                raise InputError(f"{path} needs the columns {', '.join(needed)}, and lacks {', '.join(lacking)}")
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(f"{path}, line {reader.line_num}: as many cells as the header has, please")
                yield row
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from error
