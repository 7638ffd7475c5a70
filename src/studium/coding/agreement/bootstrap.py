"""Intervals by resampling units, and standard errors by the delta method.

Units are what was drawn at random: they are resampled with all their codes. As units that were coded alike are one
pattern, a resample is one multinomial draw, however many units there are.

References:
    Efron & Tibshirani (1993), doi:10.1201/9780429246593, chapters 13 and 21.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studium.coding.agreement.counts import Counted

__all__ = ["RESAMPLES", "Coefficient", "Resampled", "interval", "resampled"]

RESAMPLES = 1000
_CELLS = 1 << 22  # of weights that are held at once

Floats = npt.NDArray[np.float64]


class Coefficient(Protocol):
    """What is computed from counted codes."""

    def values(self, weights: Floats) -> Floats:
        """(rows,) the coefficient where each pattern counts as often as a row of (rows, patterns) says; or NaN."""

    def slopes(self) -> Floats:
        """(patterns,) how the coefficient changes with how often each pattern counts; 0 of what takes no part."""


@dataclass(frozen=True)
class Resampled:
    """A coefficient with its uncertainty.

    Attributes:
        value: of all codes; NaN if it is not defined.
        se: standard error of the same units by the delta method (the infinitesimal jackknife): what the bootstrap's
            spread comes to in large samples; NaN if fewer than two units have two codes.
        low: lower end of the 95 % interval (percentile bootstrap over units).
        high: upper end.
        undefined: share of resamples in which it is not defined, left out of the interval.
    """

    value: float
    se: float
    low: float
    high: float
    undefined: float


def resampled(
    items: Counted, coefficients: Sequence[Coefficient], seed: int = 0, resamples: int = RESAMPLES
) -> list[Resampled]:
    """Coefficients of the same codes, from the same resamples.

    Args:
        items: the codes.
        coefficients: of these.
        seed: of the draws.
        resamples: how many.
    """
    drawn: list[list[Floats]] = [[] for _ in coefficients]
    random, rows = np.random.default_rng(seed), max(1, _CELLS // max(1, len(items.times)))
    points = [float(one.values(items.once)[0]) for one in coefficients]
    for at in range(0, resamples if len(items.times) else 0, rows):
        weights = _draw(items, random, min(rows, resamples - at))
        for one, values in zip(coefficients, drawn, strict=True):
            values.append(one.values(weights))
    found = []
    for one, point, values in zip(coefficients, points, drawn, strict=True):
        if math.isnan(point):
            found.append(Resampled(*[math.nan] * 5))
        else:
            low, high, undefined = interval(np.concatenate(values))
            found.append(Resampled(point, _standard_error(items, one.slopes()), low, high, undefined))
    return found


def interval(values: Floats) -> tuple[float, float, float]:
    """2.5 % and 97.5 % of the values of resamples, and the share of those that are NaN, which are left out."""
    lost = np.isnan(values)
    if lost.all():
        return math.nan, math.nan, 1.0
    low, high = np.percentile(values[~lost], [2.5, 97.5])
    return float(low), float(high), float(lost.mean())


def _draw(items: Counted, random: np.random.Generator, rows: int) -> Floats:
    """(rows, patterns) how often each comes when units are drawn with replacement."""
    if items.groups is None:
        n = int(items.times.sum())
        return random.multinomial(n, items.times / n, size=rows).astype(np.float64)
    n = int(items.groups.max()) + 1
    return random.multinomial(n, np.full(n, 1 / n), size=rows)[:, items.groups].astype(np.float64)


def _standard_error(items: Counted, slopes: Floats) -> float:
    """By the delta method: from what each unit adds; n are those that tell of agreement."""
    if items.groups is None:
        n, spread = items.units, float((items.times * slopes**2).sum())
    else:
        n, spread = len(np.unique(items.groups[items.paired])), float((np.bincount(items.groups, slopes) ** 2).sum())
    return math.sqrt(n / (n - 1) * spread) if n > 1 else math.nan
