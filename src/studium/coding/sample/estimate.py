"""What a sample says of all units that it was drawn from: means, shares and ratios, with their standard errors.

Every unit counts by its weight, 1 / P(drawn), divided by the sum of all weights (Hajek). The standard error is that of
the design: within strata, with the finite population correction, and of whole clusters where these were drawn. Of a
stratified sample it is sqrt(sum of (N_h / N)^2 (1 - f_h) s_h^2 / n_h); of other probabilities Hajek's approximation,
which needs no joint ones.

References:
    Hajek, J. (1964). Asymptotic theory of rejective sampling. Annals of Mathematical Statistics 35.
    doi:10.1214/aoms/1177700375
    Kish, L. (1965). Survey sampling, section 11.7.
    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive
    counts. Survey Methodology 24.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studium.coding.sample.drawn import Floats
from studium.core.interval import Z, wilson
from studium.errors import InputError

__all__ = ["Estimate", "hajek", "mean", "n_eff", "ratio", "share"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate; NaN where there is none.

    Attributes:
        value: of all units of the frame.
        se: its standard error by the design; NaN if a stratum has one unit alone, and not all it has.
        low: lower end of the 95 % interval.
        high: upper end.
        n: units that it rests on.
        n_eff: how many units their weights leave (Kish).
    """

    value: float
    se: float
    low: float
    high: float
    n: int
    n_eff: float


def n_eff(weights: npt.ArrayLike) -> float:
    """Kish's effective number of units, (sum w)^2 / sum w^2: what unequal weights leave of n.

    >>> n_eff([1, 1, 1, 1]), n_eff([1, 1, 4])
    (4.0, 2.0)
    """
    w = np.asarray(weights, np.float64)
    return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def hajek(y: npt.ArrayLike, chance: npt.ArrayLike) -> float:
    """The mean of all units, sum(w y) / sum(w) with w = 1 / chance; NaN of nothing.

    >>> hajek([1, 0, 0], [0.5, 0.25, 0.25])
    0.2
    """
    values, w = np.asarray(y, np.float64), 1 / np.asarray(chance, np.float64)
    return float(values @ w / w.sum()) if len(w) else math.nan


def mean(
    y: npt.ArrayLike,
    chance: npt.ArrayLike,
    stratum: Sequence[Hashable] | None = None,
    cluster: Sequence[Hashable] | None = None,
) -> Estimate:
    """The mean of all units, with an interval by the normal distribution.

    Args:
        y: (n,) values of the units drawn.
        chance: (n,) the probability with which each was drawn.
        stratum: (n,) that they were drawn in.
        cluster: (n,) if whole clusters were drawn: which.
    """
    return ratio(y, np.ones(len(np.asarray(y))), chance, stratum, cluster)


def share(
    y: npt.ArrayLike,
    chance: npt.ArrayLike,
    stratum: Sequence[Hashable] | None = None,
    cluster: Sequence[Hashable] | None = None,
    among: npt.ArrayLike | None = None,
) -> Estimate:
    """The share of all units that have something, with Wilson's interval.

    It is that of as many units as would, drawn one by one, have the same standard error (Korn & Graubard 1998); so it
    holds near 0 and 1 too.

    Args:
        y: (n,) 1 or True of the units that have it, 0 or False of the others.
        chance: as for `mean`.
        stratum: as for `mean`.
        cluster: as for `mean`.
        among: (n,) how much each unit counts, 0 or more: 1 and 0 for a share among some of them; None for all alike.

    Raises:
        InputError: values that are neither 0 nor 1.
    """
    values = np.asarray(y, np.float64)
    if not np.isin(values, (0.0, 1.0)).all():
        raise InputError("a share is of units that have something (1) or not (0); take mean for other numbers")
    x = np.ones(len(values)) if among is None else np.asarray(among, np.float64)
    found = ratio(values * x, x, chance, stratum, cluster)
    if math.isnan(found.value) or math.isnan(found.se):
        return found
    if len(said := np.unique(values[x != 0])) == 1:  # all or none: sums may differ in their last digit, shares may not
        found = replace(found, value=float(said[0]), se=0.0)
    p, se = found.value, found.se
    if (np.asarray(chance)[x != 0] >= 1).all():
        return replace(found, low=p, high=p)  # all units there are
    like = p * (1 - p) / se**2 if se > 0 else found.n_eff
    low, high = wilson(p, max(1, int(like))).tolist()
    return replace(found, low=low, high=high)


def ratio(
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    chance: npt.ArrayLike,
    stratum: Sequence[Hashable] | None = None,
    cluster: Sequence[Hashable] | None = None,
) -> Estimate:
    """The sum of y over the sum of x in all units: euros for each post, F1 as 2 TP over (TP + FP) + (TP + FN).

    >>> ratio([10, 0, 4], [2, 1, 4], [0.5, 0.5, 1]).value
    2.4

    Args:
        y: (n,) numerators of the units drawn.
        x: (n,) denominators.
        chance: (n,) the probability with which each was drawn, above 0 and at most 1.
        stratum: (n,) that they were drawn in.
        cluster: (n,) if whole clusters were drawn: which.

    Raises:
        InputError: lengths that differ, or probabilities that are none.
    """
    top, below, p = (np.asarray(one, np.float64) for one in (y, x, chance))
    if not (top.ndim == 1 and top.shape == below.shape == p.shape and ((p > 0) & (p <= 1 + 1e-9)).all()):
        raise InputError(
            f"expected values and as many probabilities above 0 and at most 1, got {top.shape}, {below.shape} and "
            f"{p.shape}"
        )
    w = 1 / np.minimum(p, 1)
    n, total = int((below != 0).sum()), float(w @ below)
    if not total:
        return Estimate(math.nan, math.nan, math.nan, math.nan, n, 0.0)
    value = float(w @ top) / total
    residual = (top - value * below) / total
    se = math.sqrt(_variance(residual, p, _numbers(stratum, len(p)), cluster))
    return Estimate(value, se, value - Z * se, value + Z * se, n, n_eff(w * below))


def _variance(e: Floats, p: Floats, stratum: npt.NDArray[np.int64], cluster: Sequence[Hashable] | None) -> float:
    """Of the estimated total of e: Hajek's approximation in each stratum, of clusters where these were drawn."""
    if cluster is not None:
        _, first, which = np.unique(_numbers(cluster, len(e)), return_index=True, return_inverse=True)
        e, p, stratum = np.bincount(which, e).astype(np.float64), p[first], stratum[first]
    found = 0.0
    for one in np.unique(stratum):
        here = stratum == one
        z, room, n = e[here] / p[here], np.maximum(1 - p[here], 0), int(here.sum())
        if not room.any():
            continue  # all units there are
        if n < 2:
            return math.nan
        found += n / (n - 1) * float(room @ (z - room @ z / room.sum()) ** 2)
    return found


def _numbers(names: Sequence[Hashable] | None, n: int) -> npt.NDArray[np.int64]:
    if names is None:
        return np.zeros(n, np.int64)
    if len(names) != n:
        raise InputError(f"expected a stratum, or cluster, for each of {n} units, got {len(names)}")
    found: dict[Hashable, int] = {}
    return np.array([found.setdefault(name, len(found)) for name in names], np.int64)
