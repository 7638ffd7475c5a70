"""Cohen's kappa of two coders, plain or weighted, with its standard error and a bootstrap interval."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.coding.agreement.bootstrap import RESAMPLES, interval
from studium.coding.agreement.share import Share, share
from studium.errors import InputError

__all__ = ["WEIGHTS", "Kappa", "cohen_kappa"]

WEIGHTS = ("nominal", "linear", "quadratic")
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two coders.

    Attributes:
        units: that both coded.
        agreement: share of them that both coded alike.
        kappa: agreement beyond chance: 1 perfect, 0 as by chance; NaN if it is not defined.
        se: large-sample standard error.
        low: lower end of the 95 % interval (percentile bootstrap over units).
        high: upper end.
        undefined: share of resamples without a kappa, left out of the interval.
        reason: why there is no kappa; empty if there is one.
    """

    units: int
    agreement: Share
    kappa: float
    se: float
    low: float
    high: float
    undefined: float
    reason: str = ""


def cohen_kappa(table: npt.ArrayLike, seed: int = 0, weights: str = "nominal") -> Kappa:
    """Cohen's kappa, from the table of two coders.

    With one category there is nothing to agree about beyond chance: kappa is NaN, and ``reason`` says so. Where one
    category is rare, kappa is low however often coders agree: report both.

    >>> found = cohen_kappa([[20, 5], [10, 15]])
    >>> round(found.kappa, 6), round(found.se, 6), found.agreement.value
    (0.4, 0.126996, 0.7)

    Args:
        table: counts, q x q, as `crossed` makes it.
        seed: of the bootstrap.
        weights: how bad it is to differ: "nominal" (all alike), "linear" or "quadratic" in the distance of the
            categories, which then come in their order.

    References:
        Cohen (1960), doi:10.1177/001316446002000104; (1968), doi:10.1037/h0026256; standard error: Fleiss, Cohen &
        Everitt (1969), doi:10.1037/h0028106.
    """
    counts = _counts(table)
    n = int(counts.sum())
    agreement, near = share(int(np.trace(counts)), n), _nearness(len(counts), weights)
    if reason := _undefined(counts):
        return Kappa(n, agreement, math.nan, math.nan, math.nan, math.nan, math.nan, reason)
    cells = np.nonzero(counts)
    kappa = float(_kappas(counts[cells][None], cells, near)[0])
    draws = np.random.default_rng(seed).multinomial(n, counts[cells] / n, size=RESAMPLES)
    low, high, undefined = interval(_kappas(draws, cells, near))
    return Kappa(n, agreement, kappa, _standard_error(counts / n, near, kappa) / math.sqrt(n), low, high, undefined)


def _counts(table: npt.ArrayLike) -> Counts:
    counts = np.asarray(table)
    if counts.size == 0:
        return np.zeros((0, 0), np.int64)
    whole = np.issubdtype(counts.dtype, np.integer) and bool((counts >= 0).all())
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not whole:
        raise InputError(
            f"expected a square table of counts, whole numbers of at least 0, got {counts.dtype} of shape "
            f"{counts.shape}; make one with crossed(a, b)"
        )
    return counts.astype(np.int64)


def _nearness(q: int, weights: str) -> Floats:
    """(q, q) 1 for the same category, 0 for the farthest."""
    if weights not in WEIGHTS:
        raise InputError(f"expected weights out of {', '.join(WEIGHTS)}, got {weights!r}")
    if weights == "nominal":
        return np.eye(q)
    apart = np.abs(np.subtract.outer(np.arange(q), np.arange(q))) / max(1, q - 1)
    return np.asarray(1 - (apart if weights == "linear" else apart**2))


def _undefined(counts: Counts) -> str:
    if counts.sum() == 0:
        return "no unit was coded by both"
    used = counts.sum(axis=0) + counts.sum(axis=1) > 0
    return "" if used.sum() > 1 else "both used one category only"


def _kappas(draws: Counts, cells: tuple[npt.NDArray[np.intp], ...], near: Floats) -> Floats:
    """Kappa of each table of a stack; NaN where chance alone would make the coders agree.

    Args:
        draws: one table a row; of a table only the cells that are not empty, so that many categories stay small.
        cells: row and column of each.
        near: (q, q) how near categories are.
    """
    p = draws / draws.sum(axis=1, keepdims=True)
    observed = p @ near[cells]
    categories = np.arange(len(near))
    rows, columns = (p @ (of[:, None] == categories).astype(np.float64) for of in cells)
    expected = (rows @ near * columns).sum(axis=1)
    room = 1 - expected
    defined = room > 1e-12
    return np.where(defined, (observed - expected) / np.where(defined, room, 1), np.nan)


def _standard_error(p: Floats, near: Floats, kappa: float) -> float:
    """Standard error of kappa of one unit, by the delta method."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected = float(rows @ near @ columns)
    by_margins = (near @ columns)[:, None] + (rows @ near)[None, :]
    spread = (p * (near - by_margins * (1 - kappa)) ** 2).sum() - (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, float(spread))) / (1 - expected)
