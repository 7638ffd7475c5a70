"""Whether groups of coders code differently: by gender, by party, by where they live.

Groups are compared within units, so that it does not matter who got which. Coders, not codes, were drawn: each has
leanings of their own, and codes of one coder are alike. A test that takes every code for a case of its own finds
differences that are not there. Here the labels of coders are permuted, and coders are resampled along with units.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core.multiple import holm
from studium.errors import InputError

__all__ = ["LEAST", "Contrast", "compare"]

LEAST = 3
"""Coders that a group has at least. Results of fewer would speak about single persons, and test nothing."""
PERMUTATIONS, RESAMPLES = 5000, 1000
_CELLS = 1 << 21
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two groups of coders.

    Attributes:
        a: the one group.
        b: the other.
        coders_a: how many.
        coders_b: how many.
        units: that at least one coder of each coded: only these are compared.
        mean_a: mean over these units of the mean of its coders.
        mean_b: likewise.
        difference: mean_a - mean_b.
        low: lower end of its 95 % interval, by a bootstrap over units and coders.
        high: upper end.
        p: two-sided, by permuting which coder is of which group.
        permutations: how many there were; all of them, if ``exact``.
        exact: whether they were all tried.
        smallest: the smallest p that so many coders can give.
        p_holm: adjusted for all comparisons made together (Holm); the same as p for one.
        reason: why they were not compared; empty if they were.
    """

    a: str
    b: str
    coders_a: int
    coders_b: int
    units: int = 0
    mean_a: float = math.nan
    mean_b: float = math.nan
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    permutations: int = 0
    exact: bool = False
    smallest: float = math.nan
    p_holm: float = math.nan
    reason: str = ""


def compare(values: npt.ArrayLike, groups: Sequence[str | None], seed: int = 0) -> list[Contrast]:
    """Compare every two groups of coders within units.

    Args:
        values: (coders, units) numbers, or 1 and 0 for whether a coder chose a value; NaN where there is no code.
        groups: of each coder; None for who did not say: they take no part.
        seed: of the bootstrap, and of the permutations where there are too many to try all.

    Returns:
        One for each two groups, by name; p_holm is of these together; `studium.core.multiple.holm` adjusts for more.

    References:
        Permutation: Good (2005), doi:10.1007/b138696; bootstrap over two ways: Owen (2007), doi:10.1214/07-AOAS122;
        Holm (1979), https://www.jstor.org/stable/4615733.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or len(table) != len(groups):
        raise InputError(f"expected numbers of {len(groups)} coders by units, got an array of shape {table.shape}")
    names = sorted({group for group in groups if group is not None})
    coded = [c for c, row in enumerate(table) if not np.isnan(row).all()]
    members = {name: [c for c in coded if groups[c] == name] for name in names}
    found = []
    for number, (a, b) in enumerate(combinations(names, 2)):
        random = np.random.default_rng([seed, number])
        found.append(_contrast(table, (a, members[a]), (b, members[b]), random))
    adjusted = holm([one.p for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, adjusted, strict=True)]


def _contrast(
    table: Floats, first: tuple[str, list[int]], second: tuple[str, list[int]], random: np.random.Generator
) -> Contrast:
    (a, of_a), (b, of_b) = first, second
    bare = Contrast(a, b, len(of_a), len(of_b))
    if min(len(of_a), len(of_b)) < LEAST:
        few = a if len(of_a) < LEAST else b
        return replace(bare, reason=f"fewer than {LEAST} coders who coded are {few}")
    own = table[of_a + of_b]
    labels = np.repeat([1.0, 0.0], [len(of_a), len(of_b)])
    (mean_a,), (mean_b,), (units,) = _means(own, labels[None], 1 - labels[None], np.ones((1, own.shape[1])))
    if not units:
        return replace(bare, reason="no unit was coded by coders of both")
    p, tried, exact = _permuted(own, labels, mean_a - mean_b, random)
    low, high = _resampled(own, len(of_a), random)
    alike = 2 if len(of_a) == len(of_b) else 1  # of equal groups the mirrored labels differ by as much
    smallest = alike / math.comb(len(own), len(of_a)) if exact else 1 / tried
    ends: dict[str, Any] = {
        "low": low,
        "high": high,
        "p": p,
        "permutations": tried,
        "exact": exact,
        "smallest": smallest,
    }
    means: dict[str, Any] = {"mean_a": float(mean_a), "mean_b": float(mean_b), "difference": float(mean_a - mean_b)}
    return replace(bare, units=int(units), **means, **ends)


def _means(own: Floats, in_a: Floats, in_b: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Means of two groups over the units that both coded, and how many these are, for each row of the others.

    Args:
        own: (coders, units).
        in_a: (rows, coders) how often each counts in the one group.
        in_b: likewise in the other.
        weights: (rows or 1, units) how often each unit counts.
    """
    there = ~np.isnan(own)
    numbers, seen = np.where(there, own, 0), there.astype(np.float64)
    n_a, n_b = in_a @ seen, in_b @ seen
    both = weights * ((n_a > 0) & (n_b > 0))
    total = both.sum(axis=1)
    divisor = np.where(total > 0, total, np.nan)
    mean_a = (both * (in_a @ numbers) / np.maximum(n_a, 1)).sum(axis=1) / divisor
    mean_b = (both * (in_b @ numbers) / np.maximum(n_b, 1)).sum(axis=1) / divisor
    return mean_a, mean_b, total


def _permuted(own: Floats, labels: Floats, found: float, random: np.random.Generator) -> tuple[float, int, bool]:
    """p, how many labellings were tried, and whether these are all."""
    n, k = len(labels), int(labels.sum())
    exact = math.comb(n, k) <= PERMUTATIONS
    if exact:
        chosen = np.array(list(combinations(range(n), k)))
        tried = np.zeros((len(chosen), n))
        np.put_along_axis(tried, chosen, 1.0, axis=1)
    else:
        tried = np.vstack([labels, random.permuted(np.tile(labels, (PERMUTATIONS - 1, 1)), axis=1)])
    every = np.ones((1, own.shape[1]))
    differences = np.concatenate(
        [_difference(own, tried[rows], 1 - tried[rows], every) for rows in _blocks(tried, own)]
    )
    differences = np.abs(differences[~np.isnan(differences)])  # labels by which no unit has both compare nothing
    return float((differences >= abs(found) - 1e-9).mean()), len(differences), exact


def _resampled(own: Floats, in_a: int, random: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval of the difference when coders, within their groups, and units are drawn with replacement."""
    of_b, units = len(own) - in_a, own.shape[1]
    a = np.hstack([_drawn(random, in_a), np.zeros((RESAMPLES, of_b))])
    b = np.hstack([np.zeros((RESAMPLES, in_a)), _drawn(random, of_b)])
    found = np.concatenate(
        [_difference(own, a[rows], b[rows], _drawn(random, units, rows.stop - rows.start)) for rows in _blocks(a, own)]
    )
    found = found[~np.isnan(found)]
    low, high = np.percentile(found, [2.5, 97.5]) if len(found) else (math.nan, math.nan)
    return float(low), float(high)


def _difference(own: Floats, in_a: Floats, in_b: Floats, weights: Floats) -> Floats:
    mean_a, mean_b, _ = _means(own, in_a, in_b, weights)
    return mean_a - mean_b


def _drawn(random: np.random.Generator, n: int, rows: int = RESAMPLES) -> Floats:
    """(rows, n) how often each of n comes when n are drawn with replacement."""
    return random.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64)


def _blocks(rows: Floats, own: Floats) -> Iterator[slice]:
    size = max(1, _CELLS // max(1, own.shape[1]))
    return (slice(at, min(at + size, len(rows))) for at in range(0, len(rows), size))
