"""Krippendorff's alpha, for any number of coders, missing codes, and nominal, ordinal, interval and ratio values.

alpha = 1 - D_o / D_e: the disagreement within units, beside that of codes paired at random. What two values differ by
depends on the level: nominal, whether they are the same; interval, the square of their difference; ratio, of their
difference over their sum; ordinal, of how many codes lie between them, which is the interval difference of mid-ranks.

References:
    Krippendorff (2011), Computing Krippendorff's alpha-reliability, https://repository.upenn.edu/asc_papers/43;
    Krippendorff (2018), Content Analysis, ISBN 978-1506395661; sets: Passonneau (2006), MASI, LREC.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.agreement.counts import Codes, Counted, counted
from studium.errors import InputError

__all__ = ["LEVELS", "Alpha", "krippendorff_alpha"]

LEVELS = ("nominal", "ordinal", "interval", "ratio", "sets")
Floats = npt.NDArray[np.float64]
_BLOCK = 1 << 21  # cells that are held at once


def krippendorff_alpha(codes: Codes, level: str = "nominal", categories: Sequence[Hashable] | None = None) -> float:
    """Krippendorff's alpha: 1 perfect, 0 as by chance; NaN if it is not defined.

    >>> round(krippendorff_alpha(["aabbdcccedda", "babbbccceddd"]), 6)
    0.691964

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code. Of interval and ratio
            level numbers, of sets frozensets.
        level: "nominal", "ordinal", "interval", "ratio", or "sets" (MASI distance).
        categories: all that could be given, for ordinal codes from low to high; None for those that occur, sorted.

    Raises:
        InputError: no such level, codes that are not of it, or coders with unequal numbers of units.
    """
    items = counted(codes, categories)
    return float(Alpha(items, level).values(items.once)[0])


@dataclass(frozen=True, eq=False)
class Alpha:
    """Alpha of resamples of the same units.

    Attributes:
        items: counted codes, which tell the categories.
        level: one of `LEVELS`.
    """

    items: Counted
    level: str

    def __post_init__(self) -> None:
        """Refuse codes that are not of the level."""
        if self.level not in LEVELS:
            raise InputError(f"expected a level out of {', '.join(LEVELS)}, got {self.level!r}")
        numeric, given = self.level in {"interval", "ratio"}, self.items.categories
        if numeric and (odd := [value for value in given if not _finite(value)]):
            raise InputError(f"{self.level} codes should be finite numbers, got {odd[:3]}; or take nominal or ordinal")
        if self.level == "ratio" and any(value < 0 for value in given):
            raise InputError("ratio codes should be at least 0, as 0 means none of it; or take interval")
        if self.level == "sets" and not all(isinstance(value, frozenset) for value in given):
            raise InputError(f"codes that are sets should be frozensets, got {given[:3]}")

    def values(self, weights: Floats) -> Floats:
        """(rows,) alpha of each resample, NaN where it is not defined; see `BeyondChance.values`."""
        found = np.full(len(weights), np.nan)
        for rows in _blocks(len(weights), self.items.numbers.size + len(self.items.categories)):
            observed, expected, n, _ = self._parts(weights[rows])
            there = expected > 1e-12 * np.maximum(n, 1)
            found[rows] = np.where(there, 1 - (n - 1) * observed / np.where(there, expected, 1), np.nan)
        return found

    def slopes(self) -> Floats:
        """(patterns,) how alpha of all codes changes with how often each pattern counts; 0 of what has no pair.

        Of alpha without its factor (n - 1) / n for few codes, as Gwet's variance is.
        """
        weights = self.items.once
        (observed,), (expected,), (n,), (tally, far) = self._parts(weights)
        own, coded = self._within(tally)[0], self.items.coded * self.items.paired
        change = coded * observed + n * (own - 2 * observed / expected * self._given(far[0]))
        if self.level == "ordinal":
            by_rank = self._by_rank(tally[0], weights[0], observed / expected)
            change += n * self._given(np.cumsum(by_rank[::-1])[::-1] - by_rank / 2)
        return np.where(self.items.paired, -change / expected, 0)

    def _parts(self, weights: Floats) -> tuple[Floats, Floats, Floats, tuple[Floats, Floats]]:
        """What is n D_o, n (n - 1) D_e, n; and how often each category was given, and how far all codes are from it."""
        tally = self.items.tally(weights, self.items.paired.astype(np.float64))
        far = self._from(tally)
        observed = (weights * self._within(tally)).sum(axis=1)
        return observed, (tally * far).sum(axis=1), tally.sum(axis=1), (tally, far)

    def _places(self, tally: Floats) -> Floats:
        """(rows, q) where the categories lie on the scale: mid-ranks, or (1, q) their values, 1 apart at most."""
        if self.level == "ordinal":
            return np.asarray(np.cumsum(tally, axis=1) - tally / 2)
        found = np.array(self.items.categories, np.float64)[None]
        if not found.size:
            return found
        return np.asarray((found - found.mean()) / (np.ptp(found) or 1))  # in any unit alike: no square gets lost

    def _within(self, tally: Floats) -> Floats:
        """(rows, patterns), or of one row, sum of the differences of the codes of each, over one less than they are."""
        if self.level not in {"ordinal", "interval"}:
            return self._fixed[None]
        there = self.items.numbers >= 0
        places = np.where(there, self._places(tally)[:, self.items.numbers], 0)
        r = self.items.coded
        spread = r * (places**2).sum(axis=2) - places.sum(axis=2) ** 2
        return np.asarray(np.where(r >= 2, 2 * np.maximum(spread, 0) / np.maximum(r - 1, 1), 0))

    @cached_property
    def _fixed(self) -> Floats:
        numbers, r = self.items.numbers, self.items.coded
        found = np.zeros(len(r))
        for one in range(numbers.shape[1]):
            for other in range(one + 1, numbers.shape[1]):
                both = numbers[:, other] >= 0
                found[both] += 2 * self._difference(numbers[both, one], numbers[both, other])
        return np.asarray(found / np.maximum(r - 1, 1))

    def _from(self, tally: Floats) -> Floats:
        """(rows, q) sum over all codes of their difference from each category."""
        n = tally.sum(axis=1, keepdims=True)
        if self.level == "nominal":
            return np.asarray(n - tally)
        if self.level in {"ordinal", "interval"}:
            places = self._places(tally)
            first = (tally * places).sum(axis=1, keepdims=True)
            second = (tally * places**2).sum(axis=1, keepdims=True)
            return np.asarray(np.maximum(n * places**2 - 2 * places * first + second, 0))
        every, found = np.arange(len(self.items.categories)), np.zeros_like(tally)
        for some in _blocks(len(every), len(every)):
            found[:, some] = tally @ self._difference(every[:, None], every[None, some])
        return found

    def _difference(self, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> Floats:
        """What categories differ by, by their numbers."""
        if self.level == "nominal":
            return np.asarray(a != b, np.float64)
        if self.level == "sets":
            return np.asarray(self._masi[a, b])
        values = np.array(self.items.categories, np.float64)
        total = values[a] + values[b]
        return np.asarray(((values[a] - values[b]) / np.where(total == 0, 1, total)) ** 2)

    @cached_property
    def _masi(self) -> Floats:
        given = self.items.categories
        return np.array([[_masi(a, b) for b in given] for a in given]).reshape(len(given), len(given))

    def _given(self, each: Floats) -> Floats:
        """(patterns,) sum over the codes of each pattern of (q,) values of the categories; 0 where there is no pair."""
        found = np.where(self.items.numbers >= 0, each[self.items.numbers], 0).sum(axis=1)
        return np.asarray(found * self.items.paired)

    def _by_rank(self, tally: Floats, weights: Floats, ratio: float) -> Floats:
        """(q,) how n D_o - ratio n (n - 1) D_e changes with each mid-rank."""
        numbers, r = self.items.numbers, self.items.coded
        (ranks,) = self._places(tally[None])
        there = (numbers >= 0) & self.items.paired[:, None]
        own = np.where(there, ranks[numbers], 0)
        each = 4 * (r[:, None] * own - own.sum(axis=1, keepdims=True)) / np.maximum(r - 1, 1)[:, None]
        within = np.bincount(numbers[there], (each * weights[:, None])[there], len(ranks))
        return np.asarray(within - ratio * 4 * tally * (tally.sum() * ranks - tally @ ranks))


def _finite(value: object) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _masi(a: frozenset[Any], b: frozenset[Any]) -> float:
    """1 - Jaccard x (1 of equal sets, 2/3 of a subset, 1/3 of sets that overlap)."""
    if a == b:
        return 0.0
    kind = 2 / 3 if a <= b or b <= a else 1 / 3
    return 1 - kind * len(a & b) / len(a | b)


def _blocks(n: int, wide: int) -> Iterator[slice]:
    size = max(1, _BLOCK // max(1, wide))
    return (slice(at, min(at + size, n)) for at in range(0, n, size))
