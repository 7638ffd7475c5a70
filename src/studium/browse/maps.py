"""Maps: where every unit lies on a plane, and what colours it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.browse.columns import values
from studium.browse.values import Number, Texts, first
from studium.browse.view import View, whole
from studium.core.cache import cached
from studium.core.store import Table
from studium.errors import InputError, UnknownNameError
from studium.run.tables import living

__all__ = ["NONE", "Colour", "Listed", "Places", "colour", "maps", "places", "units"]

NONE = 65535
"""Code of a unit that has no value."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A map: its table, the table of vectors that it was made from, and how many units are on it."""

    table: str
    by: str
    n: int


@dataclass(frozen=True)
class Places:
    """Units that the study has today, by their id, their places, and where they lie: float32, between 0 and 1."""

    units: pa.Array
    at: npt.NDArray[np.int64]
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Colour:
    """What colours the units of a map, in its order.

    Attributes:
        categories: the most frequent first; None for numbers.
        codes: uint16, places in ``categories``; `NONE` for none.
        values: float32, NaN for none.
        low: smallest value, or None if there is none.
        high: largest value.
    """

    categories: list[Any] | None = None
    codes: npt.NDArray[np.uint16] | None = None
    values: npt.NDArray[np.float32] | None = None
    low: float | None = None
    high: float | None = None


def maps(view: View, of: str) -> list[Listed]:
    """The maps of a kind."""
    return [
        Listed(one.recipe.label, str(one.result().get("by", "")), len(_read(view, one).units))
        for one in view.results(of, "map")
    ]


def places(view: View, of: str, table: str) -> Places:
    """Where the units lie on a map.

    Raises:
        UnknownNameError: there is no such map.
    """
    return _read(view, _map(view, of, table))


def units(view: View, of: str, table: str, rows: list[int]) -> list[str]:
    """The ids of the units at some places of the order of a map.

    Raises:
        InputError: a place that it does not have.
    """
    found = places(view, of, table).units
    if rows and not (min(rows) >= 0 and max(rows) < len(found)):
        raise InputError(f"rows should be from 0 to {len(found) - 1}, got {min(rows)} to {max(rows)}")
    return list(found.take(pa.array(rows, pa.int64())).to_pylist())


def colour(view: View, of: str, table: str, column: str) -> Colour:
    """What colours the units of a map; of several values of a unit the first one.

    Raises:
        UnknownNameError: no such map or column.
        InputError: a column of texts that differ from unit to unit, or of vectors.
    """
    found = values(view, of, column)
    if isinstance(found, Texts):
        raise InputError(f"{column} holds texts that differ from unit to unit; colour by another column")
    at = places(view, of, table).at
    one = first(found, len(view.ids(of)))
    if isinstance(one, Number):
        numbers = one.values[at]
        there = numbers[np.isfinite(numbers)]
        low, high = (float(there.min()), float(there.max())) if len(there) else (None, None)
        return Colour(values=numbers.astype(np.float32), low=low, high=high)
    codes = one.codes[at]
    if len(one.names) >= NONE:
        raise InputError(f"{column} has {len(one.names)} different values, more than there are colours")
    counts = np.bincount(codes[codes >= 0], minlength=len(one.names))
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(order) + 1, np.uint16)
    rank[order], rank[-1] = np.arange(len(order)), NONE
    return Colour(categories=[one.names[place] for place in order], codes=rank[codes])


def _map(view: View, of: str, name: str) -> Table:
    there = {table.recipe.label: table for table in view.results(of, "map")}
    if name not in there:
        raise UnknownNameError(f"no map {name!r} of {of} units; there are: {', '.join(there) or 'none'}")
    return there[name]


def _read(view: View, table: Table) -> Places:
    def read() -> Places:
        rows = living(view.store, table)
        units = whole(rows["unit"])
        at = pc.index_in(units, value_set=view.ids(table.kind)).to_numpy(zero_copy_only=False).astype(np.int64)
        return Places(units, at, *(rows[name].to_numpy().astype(np.float32) for name in ("x", "y")))

    return cached((table.folder, "places"), view.made(table), read)
