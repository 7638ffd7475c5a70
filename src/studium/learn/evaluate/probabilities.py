"""How good probabilities are: Brier score, log-loss, and whether they come true (reliability, ECE, MCE).

All take ``true``, (n,) numbers of the true values from 0, and either (n,) probabilities of value 1 or (n, k) of all
values; and ``weights``, 1 / P(the unit was drawn), None for equal ones. All are None of nothing.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, Ints, labels, mean, probabilities, weights_of

__all__ = [
    "Bin",
    "Reliability",
    "brier",
    "ece",
    "log_loss",
    "log_losses",
    "mce",
    "ranks",
    "reliability",
    "squared_distances",
]


@dataclass(frozen=True)
class Bin:
    """Units whose probabilities are alike.

    Attributes:
        n: units.
        share: of the weight of all units.
        probability: their mean probability.
        came_true: the share of them for which it came true.
    """

    n: int
    share: float
    probability: float
    came_true: float


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram and its two summaries.

    Attributes:
        bins: those with units, by rising probability.
        ece: expected calibration error: mean distance of came_true and probability, weighted by share; 0 to 1. Of few
            units it is too high by chance alone. None of nothing.
        mce: the greatest of them.
    """

    bins: tuple[Bin, ...]
    ece: float | None
    mce: float | None


def log_losses(true: Ints, p: Floats) -> Floats:
    """-log of the probability of the true value of each unit, in nats; 0 in float64 counts as 2e-308 (708 nats)."""
    return np.asarray(-np.log(np.maximum(_own(true, p), np.finfo(np.float64).tiny)))


def squared_distances(true: Ints, p: Floats) -> Floats:
    """Squared error of (n,) probabilities, 0 to 1; of (n, k) summed over values, 0 to 2."""
    if p.ndim == 1:
        return np.asarray((p - true) ** 2)
    return np.asarray((p**2).sum(axis=1) - 2 * _own(true, p) + 1)


def log_loss(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean of -log of the probability of the true value, in nats; 0 is perfect.

    >>> round(log_loss([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.472288
    """
    given, table, heavy = _checked(true, p, weights)
    return mean(log_losses(given, table), heavy)


def brier(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Brier score, 0 is perfect: of (n,) probabilities 0 to 1; of (n, k) summed over values 0 to 2.

    Of two values the second is therefore twice the first.

    >>> round(brier([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.158125

    References:
        Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    given, table, heavy = _checked(true, p, weights)
    return mean(squared_distances(given, table), heavy)


def reliability(
    true: ArrayLike,
    p: ArrayLike,
    weights: ArrayLike | None = None,
    bins: int = 10,
    by: Literal["width", "quantile"] = "width",
) -> Reliability:
    """Whether what gets a probability of .7 is true in 70 % of cases.

    Of (n,) probabilities those of value 1 are judged; of (n, k) those of the most probable value (the first of
    several), which comes true where it is the right one.

    Args:
        true: (n,) numbers of the true values, from 0.
        p: (n,) or (n, k) probabilities.
        weights: (n,) 0 or more; None for equal ones.
        bins: 1 or more.
        by: "width": [a, b) of equal width, the last closed; "quantile": of as equal weight as ties permit, as like
            probabilities are in one bin.

    References:
        Guo et al. (2017), doi:10.48550/arXiv.1706.04599; Nguyen & O'Connor (2015), doi:10.18653/v1/D15-1182
        (equal weight).
    """
    if bins < 1 or by not in ("width", "quantile"):
        raise InputError(f'bins should be 1 or more, by "width" or "quantile"; got {bins} by {by!r}')
    given, table, heavy = _checked(true, p, weights)
    if table.ndim == 2:
        top = table.argmax(axis=1)
        given, table = (top == given).astype(np.int64), table[np.arange(len(top)), top]
    kept = heavy > 0
    given, table, heavy = given[kept], table[kept], heavy[kept]
    if not len(given):
        return Reliability((), None, None)
    number = _by_width(table, bins) if by == "width" else _by_quantile(table, heavy, bins)
    return _summary(given, table, heavy / heavy.sum(), number)


def ece(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Expected calibration error with ten bins of .1; see `reliability` for others."""
    return reliability(true, p, weights).ece


def mce(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Greatest calibration error with ten bins of .1; see `reliability` for others."""
    return reliability(true, p, weights).mce


def ranks(values: Floats, weights: Floats) -> Floats:
    """Share of the weight that lies below each value, and half of that of its equals: 0 to 1."""
    _, number = np.unique(values, return_inverse=True)
    heavy = np.bincount(number, weights)
    return np.asarray(((np.cumsum(heavy) - heavy / 2) / heavy.sum())[number])


def _by_width(p: Floats, bins: int) -> Ints:
    return np.searchsorted(np.arange(1, bins) / bins, p, side="right")  # 3 / 10 is .3, but 3 * .1 is not


def _by_quantile(p: Floats, weights: Floats, bins: int) -> Ints:
    return np.minimum((ranks(p, weights) * bins).astype(np.int64), bins - 1)


def _summary(true: Ints, p: Floats, share: Floats, number: Ints) -> Reliability:
    heavy, n = np.bincount(number, share), np.bincount(number)
    used = np.flatnonzero(n)
    said, came = (np.bincount(number, share * of)[used] / heavy[used] for of in (p, true))
    gaps = np.abs(said - came)
    columns = (n[used].tolist(), heavy[used].tolist(), said.tolist(), came.tolist())
    rows = tuple(Bin(*row) for row in zip(*columns, strict=True))
    return Reliability(rows, float(heavy[used] @ gaps), float(gaps.max()))


def _own(true: Ints, p: Floats) -> Floats:
    return np.where(true == 1, p, 1 - p) if p.ndim == 1 else p[np.arange(len(true)), true]


def _checked(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None) -> tuple[Ints, Floats, Floats]:
    given = labels(true, "true")
    table = probabilities(p, len(given))
    labels(given, "true", k=2 if table.ndim == 1 else table.shape[1])
    return given, table, weights_of(weights, len(given))
