"""Codes as numbers: which category each coder gave each unit, and units that were coded alike counted once."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError

__all__ = ["Codes", "Counted", "counted", "crossed", "numbered", "present"]

Codes = Sequence[Sequence[Hashable | None]]
"""One sequence of codes for each coder, all of the same units; None, or NaN, where a coder has no code."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counted:
    """What was said of each unit, whoever said it.

    Units of which the same was said are one pattern, so that many units cost no more than few, unless ``groups`` keeps
    them apart.

    Attributes:
        categories: (q,) that could be given.
        numbers: (patterns, most codes) numbers of the categories of each, ascending, and then -1.
        times: (patterns,) how many units are coded so.
        groups: (patterns,) number of the unit that each item lies in, if several items are drawn together; or None.
    """

    categories: tuple[Any, ...]
    numbers: Ints
    times: Ints
    groups: Ints | None = None

    @cached_property
    def coded(self) -> Ints:
        """(patterns,) codes of each; at least 1."""
        return np.asarray((self.numbers >= 0).sum(axis=1), np.int64)

    @property
    def paired(self) -> npt.NDArray[np.bool_]:
        """(patterns,) whether at least two coders coded it."""
        return self.coded >= 2

    @property
    def once(self) -> Floats:
        """(1, patterns) ``times`` as the weights of one row."""
        return self.times[None].astype(np.float64)

    @property
    def units(self) -> int:
        """How many units are coded by at least two."""
        return int(self.times[self.paired].sum())

    @property
    def used(self) -> int:
        """How many categories were given to units that at least two coded."""
        return len(np.unique(self.numbers[self.paired])) - int((self.numbers[self.paired] < 0).any())

    def tally(self, weights: Floats, each: Floats) -> Floats:
        """How often each category was given: (rows, q), where every code of a pattern counts ``weights`` x ``each``.

        Args:
            weights: (rows, patterns), one row a resample.
            each: (patterns,).
        """
        there = self.numbers >= 0
        flat, q = self.numbers[there], len(self.categories)
        where = np.nonzero(there)[0]
        scaled = weights * each
        return np.stack([np.bincount(flat, row[where], q) for row in scaled]) if len(weights) else np.zeros((0, q))


def present(code: Hashable | None) -> bool:
    """Whether it is a code: neither None nor NaN."""
    return code is not None and not (isinstance(code, float | np.floating) and math.isnan(code))


def numbered(codes: Codes, categories: Sequence[Hashable] | None = None) -> tuple[tuple[Any, ...], Ints]:
    """The categories, and (coders, units) number of each code, -1 where there is none.

    Args:
        codes: one sequence for each coder.
        categories: all that could be given, in their order; None for those that were, sorted if they can be, else in
            the order in which they appear.

    Raises:
        InputError: coders with unequal numbers of units, or a code that is none of the categories.
    """
    sizes = [len(coder) for coder in codes]
    if len(set(sizes)) > 1:
        raise InputError(f"coders should have coded the same units, got {sizes} codes; put None where one has no code")
    given = dict.fromkeys(code for coder in codes for code in coder if present(code))
    listed = tuple(_sorted(list(given)) if categories is None else dict.fromkeys(categories))
    at = {category: number for number, category in enumerate(listed)}
    if unknown := [code for code in given if code not in at]:
        raise InputError(f"expected codes out of {list(listed)}, got {unknown[0]!r}; hand over every category")
    rows = [[at[code] if present(code) else -1 for code in coder] for coder in codes]
    return listed, np.array(rows, np.int64).reshape(len(codes), sizes[0] if sizes else 0)


def counted(
    codes: Codes, categories: Sequence[Hashable] | None = None, groups: Sequence[Hashable] | None = None
) -> Counted:
    """Codes, counted; units without a code take no part.

    Args:
        codes: one sequence for each coder.
        categories: see `numbered`.
        groups: for each item the unit that it lies in, such as the picture of a box: units are what is drawn at random,
            so items of one are resampled together. None if each is a unit.
    """
    listed, table = numbered(codes, categories)
    if groups is not None and len(groups) != table.shape[1]:
        raise InputError(f"expected the unit of each of {table.shape[1]} items, got {len(groups)}")
    last = len(listed)
    rows = np.sort(np.where(table < 0, last, table).T, axis=1)
    kept = (rows < last).any(axis=1)
    rows = rows[kept]
    rows = rows[:, : int((rows < last).sum(axis=1).max(initial=0))]
    if groups is None:
        rows, times = np.unique(rows, axis=0, return_counts=True) if len(rows) else (rows, np.zeros(0, np.int64))
        return Counted(listed, np.where(rows == last, -1, rows), times)
    units = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    of = np.array([units[group] for group in groups], np.int64)[kept]
    _, of = np.unique(of, return_inverse=True) if len(of) else (of, of)
    return Counted(listed, np.where(rows == last, -1, rows), np.ones(len(rows), np.int64), of)


def crossed(
    a: Sequence[Hashable | None], b: Sequence[Hashable | None], categories: Sequence[Hashable] | None = None
) -> Ints:
    """The square table of two coders: how often ``a`` chose the row's category and ``b`` the column's.

    Units that one of them did not code are left out.

    Args:
        a: codes of the first coder.
        b: codes of the second, of the same units.
        categories: of the rows and columns; None for those that occur, in the order in which they appear.
    """
    if len(a) != len(b):
        raise InputError(f"two coders should have coded the same units, got {len(a)} and {len(b)} codes")
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if present(x) and present(y)]
    listed = list(dict.fromkeys(one for pair in pairs for one in pair)) if categories is None else categories
    rows, columns = numbered([[x for x, _ in pairs], [y for _, y in pairs]], listed)[1]
    q = len(dict.fromkeys(listed))
    return np.bincount(rows * q + columns, minlength=q * q).reshape(q, q).astype(np.int64)


def _sorted(values: list[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return values
