"""The type of a column, decided over all of its rows, and never at the price of a digit."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from studium.core.protocols import Note
from studium.errors import SourceError

__all__ = ["ColumnType", "Scalar", "as_text", "exact_float", "flatten"]

Scalar = str | int | float | bool | None

_INT = re.compile(r"0|-?[1-9][0-9]*")
_FLOAT = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"-?0[0-9]+")
_MISSING = frozenset({"NA", "N/A", "NaN", "nan", "NULL", "null", "None"})
_BOOLS = {"true": True, "false": False}


@dataclass
class ColumnType:
    """What all values of one column have in common. `see` every value first, then `read` them.

    Cells of a CSV table become bool ("true", "false"), int, float or None (empty) if **all** cells allow it, and if
    every number keeps its value: numbers with leading zeros or of more than 64 bits and decimals that no float holds
    stay text. "NA" and its like mean "missing" only in a column whose other cells are numbers. Columns of typed tables
    (JSON Lines, Parquet) keep their types; one that mixes types becomes text.
    """

    name: str
    typed: bool
    types: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    inexact: bool = False

    def see(self, value: Scalar) -> None:
        """Take note of one value."""
        if value is None or value == "":
            return
        if isinstance(value, str) and not self.typed and value in _MISSING:
            self.missing[value] += 1
            return
        kind = _type_of(value) if isinstance(value, str) and not self.typed else type(value).__name__
        self.types[kind] += 1
        if kind == "int" and not self.inexact:
            self.inexact = exact_float(str(value)) is None

    @cached_property
    def type(self) -> str:
        """One of bool, int, float and str, once every value has been seen."""
        kinds = {kind for kind, count in self.types.items() if count}
        if kinds == {"int", "float"} and not self.inexact:
            return "float"
        return kinds.pop() if len(kinds) == 1 else "str"

    def read(self, value: Scalar) -> Scalar:
        """The value in the type of the column."""
        if value is None or value == "":
            return None
        kind = self.type
        if kind == "str":
            return as_text(value)
        if not isinstance(value, str):
            return float(value) if kind == "float" else value
        if value in _MISSING:
            return None
        if kind == "bool":
            return _BOOLS[value.lower()]
        return int(value) if kind == "int" else float(value)

    def notes(self) -> Iterator[Note]:
        """What a reader should know about the column."""
        kinds = sorted(kind for kind, count in self.types.items() if count)
        if self.missing and self.type != "str":
            found = ", ".join(f"{text!r} ({count})" for text, count in sorted(self.missing.items()))
            yield Note(f"column {self.name}: read as missing", found)
        if self.typed and len(kinds) > 1 and self.type == "str":
            yield Note(f"column {self.name}: mixes types, kept as text", ", ".join(kinds))


def exact_float(text: str) -> float | None:
    """The float that ``text`` writes, or None if no float is exactly that when written in its shortest form."""
    value = float(text)
    return value if math.isfinite(value) and Decimal(repr(value)) == Decimal(text) else None


def as_text(value: Scalar) -> str:
    """A scalar as text: a string as it is, anything else as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Scalar]:
    """Nested objects as dotted names ("user.name"), lists as JSON text, what JSON has no word for as text.

    Raises:
        SourceError: two values would have the same dotted name.
    """
    flat: dict[str, Scalar] = {}
    for key, value in record.items():
        inner = flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": _scalar(value)}
        if both := flat.keys() & inner.keys():
            raise SourceError(f"two values are called {both.pop()!r} once nested objects are written with dots")
        flat |= inner
    return flat


def _type_of(text: str) -> str:
    if text.lower() in _BOOLS:
        return "bool"
    if _INT.fullmatch(text):
        return "int" if _fits(text) else "str"
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.match(text) and exact_float(text) is not None:
        return "float"
    return "str"


def _fits(text: str) -> bool:
    return len(text) <= 20 and -(2**63) <= int(text) < 2**63


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
