"""How the units that fit are spread over the values of columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.browse.columns import values
from studium.browse.filters import Filter, Mask, containing, fitting, holding
from studium.browse.values import Category, Number, Texts
from studium.browse.view import View
from studium.core.cache import Same, cached
from studium.errors import InputError

__all__ = ["BINS", "SHOWN", "Bin", "Facet", "Value", "edges", "facets"]

SHOWN = 50
"""Values of a column that are counted one by one: the most frequent, and those that are filtered by."""

BINS = 20
"""Bins of numbers, at most."""

_Ends = npt.NDArray[np.float64]
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_CLOCK = (
    *(1.0, 5.0, 15.0, 30.0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 182 * _DAY, 365 * _DAY),
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value, and how many units have it."""

    value: str | int | bool
    n: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Numbers from ``low`` to ``high``, both included (of times, seconds since 1970), and how many units have one."""

    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One column.

    Attributes:
        column: its name.
        type: "category" (then there are ``values`` and ``other``) or "number" (then there are ``bins``).
        values: the most frequent first.
        other: how many times there is a value that is not among them.
        bins: in their order, the same whatever is filtered.
        missing: how many units have no value.
    """

    column: str
    type: str
    missing: int
    values: list[Value] | None = None
    other: int | None = None
    bins: list[Bin] | None = None


def facets(view: View, of: str, names: Sequence[str], filters: Sequence[Filter] = (), query: str = "") -> list[Facet]:
    """Count the units that fit, by columns.

    A column is counted among the units that fit all filters but its own, so that its other values can still be chosen.

    Args:
        view: the study.
        of: kind of the units.
        names: of the columns.
        filters: which the units fit.
        query: a text that is found in them.

    Raises:
        UnknownNameError: no such column.
        InputError: a column of texts that differ from unit to unit, of vectors or of hashes.
    """
    masks = [fitting(view, of, [one]) for one in filters]
    found = containing(view, of, query) if query else np.ones(len(view.ids(of)), np.bool_)
    made = []
    for name in names:
        mask = found.copy()
        for one, fits in zip(filters, masks, strict=True):
            if one.column != name:
                mask &= fits
        own = [value for one in filters if one.column == name for value in one.among or ()]
        made.append(_facet(view, of, name, mask, own))
    return made


def _facet(view: View, of: str, name: str, mask: Mask, own: Sequence[Any]) -> Facet:
    found = values(view, of, name)
    if isinstance(found, Texts):
        raise InputError(f"{name} holds texts that differ from unit to unit; search them with  query")
    ready = cached((view.root, of, name, "facet"), Same(found), lambda: _ready(found, len(mask)))
    counts, missing = ready.counted(mask)
    if isinstance(found, Category):
        return _named(name, found, counts, missing, own)
    bins = [Bin(a, b, n) for a, b, n in zip(ready.low.tolist(), ready.high.tolist(), counts, strict=True)]
    return Facet(name, "number", missing, bins=bins)


@dataclass(frozen=True)
class _Ready:
    """A column that is ready to be counted under any filter.

    Attributes:
        slots: for each value the place of its count: 0 if it is none, 1 if it is in no bin (infinity), then the rest.
        rows: for each value the place of its unit; None if they are one for each unit.
        there: for each unit whether it has a value; None if values are one for each unit.
        low: lower ends of the bins of numbers.
        high: upper ends.
        n: how many counts there are.
    """

    slots: npt.NDArray[np.intp]
    rows: npt.NDArray[np.int64] | None
    there: Mask | None
    low: _Ends
    high: _Ends
    n: int

    def counted(self, mask: Mask) -> tuple[list[int], int]:
        """How often each value is there among some units, and how many of these have none."""
        slots = self.slots[mask if self.rows is None else mask[self.rows]]
        counts = np.bincount(slots, minlength=self.n + 2).tolist()
        return counts[2:], counts[0] if self.there is None else int(np.count_nonzero(mask > self.there))


def _ready(found: Category | Number, n: int) -> _Ready:
    if isinstance(found, Category):
        low, high, size = np.zeros(0), np.zeros(0), len(found.names)
        there, slots = found.codes >= 0, found.codes.astype(np.intp) + 2
    else:
        low, high = _ends(found)
        there, size = ~np.isnan(found.values), len(low)
        ends = np.searchsorted(low, found.values, side="right") + 1
        slots = np.where(np.isfinite(found.values), ends, 1)
    slots = np.where(there, slots, 0)
    if found.rows is None:
        return _Ready(slots, None, None, low, high, size)
    each = np.unique(found.rows[there] * (size + 2) + slots[there])  # two values of a unit in one bin count once
    return _Ready(each % (size + 2), each // (size + 2), holding(there, found.rows, n), low, high, size)


def _named(name: str, found: Category, counts: list[int], missing: int, own: Sequence[Any]) -> Facet:
    ranked = sorted(range(len(counts)), key=lambda place: (-counts[place], place))
    listed = [place for number, place in enumerate(ranked) if number < SHOWN or found.names[place] in own]
    shown = [Value(found.names[place], counts[place]) for place in listed if counts[place] or found.names[place] in own]
    return Facet(name, "category", missing, shown, sum(counts) - sum(one.n for one in shown))


def _ends(found: Number) -> tuple[_Ends, _Ends]:
    return edges(found.values[np.isfinite(found.values)], found.whole, _CLOCK if found.type == "time" else ())


def edges(
    numbers: npt.NDArray[np.float64], whole: bool, steps: Sequence[float] = ()
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lower and upper ends of bins, both included, which hold every number once.

    Whole numbers that lie close together are a bin each. Otherwise the bins are as wide as Freedman and Diaconis (1981,
    doi:10.1007/BF01025868) say, but at most `BINS`, rounded up to 1, 2, 2.5 or 5 times a power of ten.

    Args:
        numbers: finite, of all units, so that the bins do not move when something is filtered.
        whole: whether all of them are whole numbers.
        steps: widths that bins should have if they can.
    """
    if not len(numbers):
        return np.zeros(0), np.zeros(0)
    least, most = float(numbers.min()), float(numbers.max())
    span = most - least
    if not span or (whole and span < BINS and not steps):
        each = least + np.arange(span + 1)
        return each, each
    quarter, three = np.quantile(numbers, [0.25, 0.75])
    step = _round(max(2 * (three - quarter) / len(numbers) ** (1 / 3), span / (BINS - 2)), whole, steps)
    begin = math.floor(least / step)
    count = math.floor(most / step) - begin + 1
    low = np.round((begin + np.arange(count)) * step, max(0, 3 - math.floor(math.log10(step))))
    high = np.append(low[1:] - 1 if whole else np.nextafter(low[1:], -np.inf), low[-1] + step - whole)
    low[0], high[-1] = min(low[0], least), max(high[-1], most)  # whatever rounding did
    return low, high


def _round(step: float, whole: bool, steps: Sequence[float]) -> float:
    if steps and step <= steps[-1]:
        return next(one for one in steps if one >= step)
    power = 10.0 ** math.floor(math.log10(step))
    nice = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= step * (1 - 1e-9))
    return max(1.0, nice if nice.is_integer() else 2 * nice) if whole else nice
