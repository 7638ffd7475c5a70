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
    kept = mask if found.rows is None else mask[found.rows]
    there = found.codes >= 0 if isinstance(found, Category) else ~np.isnan(found.values)
    missing = int((mask & ~holding(there, found.rows, len(mask))).sum())
    if isinstance(found, Category):
        return _counted(name, found, found.codes[kept & there], missing, own)
    ends = cached((view.root, of, name, "bins"), Same(found), lambda: _ends(found))
    return Facet(name, "number", missing, bins=_bins(found, kept & there, *ends))


def _counted(name: str, found: Category, codes: npt.NDArray[np.int32], missing: int, own: Sequence[Any]) -> Facet:
    counts = np.bincount(codes, minlength=len(found.names)).tolist()
    ranked = sorted(range(len(counts)), key=lambda place: (-counts[place], place))
    listed = [place for number, place in enumerate(ranked) if number < SHOWN or found.names[place] in own]
    shown = [Value(found.names[place], counts[place]) for place in listed if counts[place] or found.names[place] in own]
    return Facet(name, "category", missing, shown, sum(counts) - sum(one.n for one in shown))


def _ends(found: Number) -> tuple[_Ends, _Ends]:
    return edges(found.values[np.isfinite(found.values)], found.whole, _CLOCK if found.type == "time" else ())


def _bins(found: Number, there: Mask, low: _Ends, high: _Ends) -> list[Bin]:
    there = there & np.isfinite(found.values)
    ends = np.searchsorted(low, found.values[there], side="right") - 1
    if found.rows is not None and len(ends):  # two values of a unit in one bin count once
        ends = np.unique(found.rows[there] * len(low) + ends) % len(low)
    counts = np.bincount(ends, minlength=len(low)).tolist()
    return [Bin(a, b, n) for a, b, n in zip(low.tolist(), high.tolist(), counts, strict=True)]


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
