"""Measures that look at one item at a time."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studium.core.column import Column
from studium.core.protocols import Measure

__all__ = ["PerItem", "collect"]


class PerItem(Measure):
    """A measure without anything to gain from batches: subclasses say what one `row` is."""

    @abstractmethod
    def row(self, item: Any) -> Mapping[str, Any]:
        """Measure one item: a value for the name of every column."""

    def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
        """Measure every item of the batch on its own."""
        return collect(self.columns, [self.row(item) for item in batch])


def collect(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Turn rows into columns: an array of the column's type, or a list for strings, bytes and where one is missing."""
    return {column.name: _values(column, [row[column.name] for row in rows]) for column in columns}


def _values(column: Column, values: list[Any]) -> Any:
    if column.dtype in ("string", "binary") or any(value is None for value in values):
        return values
    shape = (len(values), column.size) if column.size else (len(values),)
    return np.array(values, dtype=column.dtype).reshape(shape)
