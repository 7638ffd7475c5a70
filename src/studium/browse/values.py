"""The values of one column for all units of a kind, in a form that can be counted, filtered and sorted at once."""

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Category", "Number", "Raw", "Texts", "Values", "decoded", "first", "seconds"]

Rows = npt.NDArray[np.int64]

FEW, MANY, SHORT = 12, 1000, 60
"""Different texts that are categories in any case, those that are if each occurs twice on average, and their length."""

_DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$"


@dataclass(frozen=True)
class Raw:
    """Values as they are stored.

    Attributes:
        values: of the column.
        rows: for each of them the place of its unit; None if they are one for each unit, in their order.
        grouping: whether its whole numbers are names: of clusters, of groups.
    """

    values: pa.Array
    rows: Rows | None = None
    grouping: bool = False


@dataclass(frozen=True)
class Category:
    """Names. A unit may have several of them, or none.

    Attributes:
        codes: int32, places in ``names``; -1 for none.
        names: texts, whole numbers, or False and True; in their natural order.
        rows: as in `Raw`.
        type: "category", "boolean" or "list".
    """

    codes: npt.NDArray[np.int32]
    names: list[Any]
    rows: Rows | None
    type: str


@dataclass(frozen=True)
class Number:
    """Numbers, float64, NaN for none; of times, seconds since 1970. ``type`` is "number" or "time"."""

    values: npt.NDArray[np.float64]
    rows: Rows | None
    type: str
    whole: bool


@dataclass(frozen=True)
class Texts:
    """Texts that differ from unit to unit."""

    values: pa.Array
    rows: Rows | None
    type: str = "text"


Values = Category | Number | Texts


def decoded(raw: Raw) -> Values | None:
    """The values in the form that their type has; None for vectors and hashes, which nobody looks at one by one."""
    kind = raw.values.type
    if pa.types.is_boolean(kind):
        codes = pc.fill_null(raw.values.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
        rows, codes = _once(raw.rows, codes)
        return Category(codes, [False, True], rows, "boolean")
    if pa.types.is_integer(kind) and raw.grouping:
        return _category(raw.values, raw.rows, "category")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _number(raw)
    if pa.types.is_string(kind) or pa.types.is_null(kind):
        return _texts(Raw(raw.values.cast(pa.string()), raw.rows))
    listed = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    if listed and (pa.types.is_string(kind.value_type) or pa.types.is_null(kind.value_type)):
        return _several(raw, raw.values.to_pylist())
    return None


def first(values: Category | Number, n: int) -> Category | Number:
    """One value for each of n units: of several the first one, in their natural order."""
    if values.rows is None:
        return values
    if isinstance(values, Category):
        codes = np.full(n, len(values.names), np.int32)
        np.minimum.at(codes, values.rows, np.where(values.codes < 0, len(values.names), values.codes))
        return Category(np.where(codes == len(values.names), -1, codes), values.names, None, values.type)
    numbers = np.full(n, np.nan)
    np.fmin.at(numbers, values.rows, values.values)
    return Number(numbers, None, values.type, values.whole)


def _number(raw: Raw) -> Number:
    values = raw.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    there = values[np.isfinite(values)]
    return Number(values, raw.rows, "number", bool((there == np.floor(there)).all()))


def _texts(raw: Raw) -> Values:
    said = raw.values.drop_null()
    if len(said) and pc.all(pc.match_substring_regex(said, r"^\[.*\]$")).as_py():
        lists = [None if text is None else _list(text) for text in raw.values.to_pylist()]
        if all(one is not None or text is None for one, text in zip(lists, raw.values.to_pylist(), strict=True)):
            return _several(raw, lists)
    if len(said) and pc.all(pc.match_substring_regex(said, _DATE)).as_py():
        times = _times(raw.values)
        if times is not None:
            return Number(times, raw.rows, "time", whole=False)
    different = pc.count_distinct(said).as_py()
    short = not len(said) or pc.max(pc.utf8_length(said)).as_py() <= SHORT
    if short and (different <= FEW or (different <= MANY and 2 * different <= len(said))):
        return _category(raw.values, raw.rows, "category")
    return Texts(raw.values, raw.rows)


def _category(values: pa.Array, rows: Rows | None, kind: str) -> Category:
    coded = values.dictionary_encode()
    names = coded.dictionary
    order = pc.sort_indices(names).to_numpy()
    place = np.empty(len(order) + 1, np.int32)
    place[order], place[-1] = np.arange(len(order)), -1
    codes = pc.fill_null(coded.indices, len(order)).to_numpy(zero_copy_only=False)
    rows, told = _once(rows, place[codes])
    return Category(told, names.take(pa.array(order)).to_pylist(), rows, kind)


def _once(rows: Rows | None, codes: npt.NDArray[np.int32]) -> tuple[Rows | None, npt.NDArray[np.int32]]:
    """A value that a unit has twice, in two posts, counts once."""
    if rows is None or not len(rows):
        return rows, codes
    rows, codes = np.unique(np.column_stack([rows, codes]), axis=0).T
    return rows, codes.astype(np.int32)


def _several(raw: Raw, lists: list[list[Any] | None]) -> Category:
    told = [[value for value in dict.fromkeys(one or ()) if value is not None] for one in lists]
    places = np.arange(len(lists)) if raw.rows is None else raw.rows
    flat = pa.array([str(value) for one in told for value in one], pa.string())
    return _category(flat, np.repeat(places, [len(one) for one in told]), "list")


def _list(text: str) -> list[Any] | None:
    """The values of a JSON list of names; None if it is something else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    fits = isinstance(found, list) and all(
        isinstance(value, Hashable) and not isinstance(value, float) for value in found
    )
    return found if fits else None


def _times(values: pa.Array) -> npt.NDArray[np.float64] | None:
    coded = values.dictionary_encode()
    try:
        times = [seconds(text) for text in coded.dictionary.to_pylist()]
    except ValueError:  # the 31st of February
        return None
    codes = pc.fill_null(coded.indices, len(times)).to_numpy(zero_copy_only=False)
    found: npt.NDArray[np.float64] = np.array([*times, np.nan])[codes]
    return found


def seconds(text: str) -> float:
    """Seconds since 1970; what names no zone is in UTC."""
    found = datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text) if len(text) > 10 else text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
