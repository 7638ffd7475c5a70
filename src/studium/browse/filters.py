"""Which units are looked at: filters over columns, a list of units, and a text to be found.

A filter is JSON: ``{"column": C, "in": [...]}``, ``{"column": C, "low": a, "high": b}`` (both included, either may be
left out; of times in ISO 8601), ``{"column": C, "missing": true}`` or ``{"units": [...]}``. All of them must fit. Where
a unit has several values (a picture in several posts), one that fits is enough.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.browse.columns import columns, values
from studium.browse.values import Category, Number, Texts, Values, seconds
from studium.browse.view import View
from studium.errors import InputError

__all__ = ["Filter", "Mask", "containing", "fitting", "holding", "parsed"]

Mask = npt.NDArray[np.bool_]

MOST = 100
"""Filters at most; each looks at every unit."""

_SEARCHED = ("unit.path", "unit.text", "attachment.label", "post.text")


@dataclass(frozen=True)
class Filter:
    """One condition.

    Attributes:
        column: whose values are compared; "" for the units themselves.
        among: values, of which one must be there; ids of units if there is no column.
        low: smallest number, or first time; None for any.
        high: largest number, or last time; None for any.
        missing: whether there must be no value.
    """

    column: str
    among: tuple[Any, ...] | None = None
    low: float | str | None = None
    high: float | str | None = None
    missing: bool = False


def parsed(text: str | None) -> list[Filter]:
    """Filters from JSON; none from nothing.

    Raises:
        InputError: it is no list of filters.
    """
    if not text:
        return []
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()  # lone surrogates are no text
    except (ValueError, RecursionError) as error:
        raise InputError(f"filter should be a JSON list such as {_EXAMPLE}, got one that cannot be read") from error
    if not isinstance(found, list):
        raise InputError(f"filter should be a JSON list such as {_EXAMPLE}")
    if len(found) > MOST:
        raise InputError(
            f"filter should list at most {MOST} filters, got {len(found)}; name many values in one of them"
        )
    return [_filter(one) for one in found]


_EXAMPLE = '[{"column": "post.author", "in": ["ann"]}]'


def _filter(one: Any) -> Filter:
    match one:
        case {"units": list(units)} if len(one) == 1 and all(isinstance(unit, str) for unit in units):
            return Filter("", tuple(units))
        case {"column": str(column), "in": list(among)} if column and len(one) == 2 and all(map(_scalar, among)):
            return Filter(column, tuple(among))
        case {"column": str(column), "missing": True} if column and len(one) == 2:
            return Filter(column, missing=True)
        case {"column": str(column)} if column and len(one) > 1 and _limits(one):
            return Filter(column, low=one.get("low"), high=one.get("high"))
    raise InputError(
        'a filter should be {"column": .., "in": [..]}, {"column": .., "low": .., "high": ..}, '
        f'{{"column": .., "missing": true}} or {{"units": [..]}}, got {json.dumps(one)[:200]}'
    )


def _scalar(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


def _limits(one: dict[str, Any]) -> bool:
    limits = [one.get("low"), one.get("high")]
    fine = all(value is None or (_scalar(value) and not isinstance(value, bool)) for value in limits)
    return fine and set(one) <= {"column", "low", "high"}


def fitting(view: View, of: str, filters: Iterable[Filter]) -> Mask:
    """For each unit of a kind whether it fits all filters.

    Raises:
        UnknownNameError: no such column.
        InputError: a filter that does not fit the type of its column.
    """
    mask = np.ones(len(view.ids(of)), np.bool_)
    for one in filters:
        mask &= _fits(view, of, one)
    return mask


def _fits(view: View, of: str, one: Filter) -> Mask:
    if not one.column:
        return np.asarray(pc.is_in(view.ids(of), value_set=pa.array(one.among, pa.string())))
    found, n = values(view, of, one.column), len(view.ids(of))
    if one.missing:
        return ~holding(_there(found), found.rows, n)
    if one.among is not None:
        return holding(_among(found, one.among), found.rows, n)
    if not isinstance(found, Number):
        raise InputError(f"{one.column} holds no numbers; filter it with  in")
    low, high = _limit(one.low, found, -math.inf, one.column), _limit(one.high, found, math.inf, one.column)
    return holding((found.values >= low) & (found.values <= high), found.rows, n)


def holding(fits: Mask, rows: npt.NDArray[np.int64] | None, n: int) -> Mask:
    """For each of n units whether one of its values fits."""
    if rows is None:
        return fits
    mask = np.zeros(n, np.bool_)
    mask[rows[fits]] = True
    return mask


def _there(found: Values) -> Mask:
    match found:
        case Category():
            return np.asarray(found.codes >= 0)
        case Number():
            return ~np.isnan(found.values)
    return np.asarray(found.values.is_valid())


def _among(found: Values, among: Sequence[Any]) -> Mask:
    match found:
        case Category():
            wanted = {(isinstance(value, bool), value) for value in among}
            chosen = np.array([*((isinstance(name, bool), name) in wanted for name in found.names), False], np.bool_)
            return np.asarray(chosen[found.codes])
        case Number():
            limits = [_limit(value, found, math.nan, "the column") for value in among]
            return np.isin(found.values, np.array(limits, np.float64))
    texts = pa.array([value for value in among if isinstance(value, str)], pa.string())
    return np.asarray(pc.is_in(found.values, value_set=texts))


def _limit(given: float | str | None, found: Number, otherwise: float, column: str) -> float:
    if given is None:
        return otherwise
    try:
        return seconds(str(given)) if found.type == "time" and isinstance(given, str) else float(given)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{column} holds {'times' if found.type == 'time' else 'numbers'}, got the limit {str(given)[:80]!r}"
        ) from error


def containing(view: View, of: str, text: str) -> Mask:
    """For each unit whether a text is found in its path, its own text, the folder it lies in or a post's text.

    Upper and lower case are the same. The first digits of an id find it as well.
    """
    n = len(view.ids(of))
    mask = np.array(pc.starts_with(view.ids(of), text)) if len(text) >= 6 else np.zeros(n, np.bool_)
    there = {one.name for one in columns(View(view.store, measured=False), of)}
    for name in _SEARCHED:
        if name in there:
            found = values(view, of, name)
            mask |= holding(_contains(found, text), found.rows, n)
    return mask


def _contains(found: Values, text: str) -> Mask:
    if isinstance(found, Texts):
        matches = pc.match_substring(found.values, text, ignore_case=True)
        return np.asarray(pc.fill_null(matches, fill_value=False))
    if isinstance(found, Category):
        chosen = np.array([*(text.casefold() in str(name).casefold() for name in found.names), False], np.bool_)
        return np.asarray(chosen[found.codes])
    return np.zeros(len(found.values), np.bool_)
