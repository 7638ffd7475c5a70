"""What coded pairs say of clusterings: do clusters hold what belongs together, and does it lie together?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from studium.coding.pairs.draw import pairs_of
from studium.coding.sample.drawn import Floats
from studium.coding.sample.estimate import Estimate, share
from studium.errors import InputError

__all__ = ["MEASURES", "RESAMPLES", "Change", "Cohesion", "Figure", "cohesion"]

MEASURES = ("share", "cluster_share", "recall", "f1")
RESAMPLES = 2000
_AT_ONCE = 2_000_000  # pairs resampled in memory


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a clustering; NaN where there is none.

    Attributes:
        value: estimate for all pairs of units.
        low: lower end of the 95 % interval: Wilson's, by the standard error of the draw.
        high: upper end.
        bootstrap_low: lower end of the percentile bootstrap over pairs.
        bootstrap_high: upper end.
        n: pairs that it rests on.
    """

    value: float
    low: float
    high: float
    bootstrap_low: float
    bootstrap_high: float
    n: int


@dataclass(frozen=True, slots=True)
class Cohesion:
    """What the pairs say of one clustering.

    Attributes:
        pairs: coded pairs that lie in one cluster.
        share: of all pairs within clusters that are the same: large clusters count most. As a classifier of pairs the
            clustering has this precision.
        cluster_share: the same of each cluster, and of these the mean: all clusters count alike.
        recall: of all pairs that are the same, those which lie in one cluster.
        f1: harmonic mean of ``share`` and ``recall``.
    """

    pairs: int
    share: Figure
    cluster_share: Figure
    recall: Figure
    f1: Figure


@dataclass(frozen=True, slots=True)
class Change:
    """How much a figure of clustering ``b`` is above that of ``a``, by the same pairs.

    Attributes:
        measure: one of `MEASURES`.
        a: number of the one clustering.
        b: number of the other.
        change: b - a.
        low: lower end of the 95 % interval (percentile bootstrap over pairs).
        high: upper end.
        p: two-sided, of no difference, by the share of resamples on the other side of 0; at least 2 / `RESAMPLES`.
    """

    measure: str
    a: int
    b: int
    change: float
    low: float
    high: float
    p: float


def cohesion(
    same: npt.ArrayLike, chance: npt.ArrayLike, cluster: npt.ArrayLike, sizes: Sequence[npt.ArrayLike], seed: int = 0
) -> tuple[list[Cohesion], list[Change]]:
    """Judge clusterings by coded pairs; each pair counts by 1 / P(drawn).

    Args:
        same: (m,) whether each pair was coded as the same.
        chance: (m,) the probability with which it was drawn, of `draw_pairs`.
        cluster: (m, c) the cluster that both lie in, by each of c clusterings; -1 if in none together.
        sizes: for each clustering the units of each cluster, by number.
        seed: of the bootstrap.

    Returns:
        One `Cohesion` for each clustering, and the differences of every two of them in every measure.

    Raises:
        InputError: what does not belong together.
    """
    y, p, of = np.asarray(same, np.float64), np.asarray(chance, np.float64), np.asarray(cluster, np.int64)
    if not (y.shape == p.shape == of.shape[:1] and of.ndim == 2 and of.shape[1] == len(sizes)):
        raise InputError(
            f"expected (m,) codes and chances, (m, c) clusters and c times sizes, got {y.shape}, {p.shape}, {of.shape} "
            f"and {len(sizes)}"
        )
    together = (of >= 0).astype(np.float64)
    each = [1 / np.maximum(pairs_of(one), 1) for one in sizes]  # how much a pair counts, if every cluster counts 1
    even = np.stack([np.where(of[:, c] >= 0, each[c][of[:, c]], 0) for c in range(len(sizes))], axis=1)
    parts = _parts(y, together, even)
    resampled = _resampled(parts, 1 / p, seed)
    found = [
        _one(y, p, together[:, c], even[:, c], {m: resampled[m][:, c] for m in MEASURES}) for c in range(len(sizes))
    ]
    changes = [
        _change(measure, (a, b), [getattr(found[c], measure).value for c in (a, b)], resampled[measure])
        for measure in MEASURES
        for a, b in combinations(range(len(sizes)), 2)
    ]
    return found, changes


Parts = dict[str, tuple[Floats, Floats]]


def _parts(y: Floats, together: Floats, even: Floats) -> Parts:
    """Numerator and denominator of each measure, (m, c) each: all of them are ratios."""
    own = y[:, None]
    return {
        "share": (own * together, together),
        "cluster_share": (own * even, even),
        "recall": (own * together, np.broadcast_to(own, together.shape)),
        "f1": (2 * own * together, own + together),
    }


def _resampled(parts: Parts, w: Floats, seed: int) -> dict[str, Floats]:
    """Each measure of every clustering, (`RESAMPLES`, c), with pairs drawn anew."""
    m = len(w)
    if not m:
        return {name: np.full((1, top.shape[1]), math.nan) for name, (top, _) in parts.items()}
    rng, rows = np.random.default_rng(seed), max(1, _AT_ONCE // m)
    found: dict[str, list[Floats]] = {name: [] for name in parts}
    for start in range(0, RESAMPLES, rows):
        counts = rng.multinomial(m, np.full(m, 1 / m), size=min(rows, RESAMPLES - start)) * w
        for name, (top, below) in parts.items():
            with np.errstate(invalid="ignore", divide="ignore"):  # a resample without any pair that counts
                found[name].append((counts @ top) / (counts @ below))
    return {name: np.concatenate(some) for name, some in found.items()}


def _one(y: Floats, p: Floats, together: Floats, even: Floats, resampled: dict[str, Floats]) -> Cohesion:
    direct = {
        "share": share(y, p, among=together),
        "cluster_share": share(y, p, among=even),
        "recall": share(together, p, among=y),
        "f1": _f1(share(y * together, p, among=np.maximum(y, together))),
    }
    figures = {name: _figure(one, resampled[name]) for name, one in direct.items()}
    return Cohesion(int(together.sum()), **figures)


def _f1(jaccard: Estimate) -> Estimate:
    """F1 is 2 J / (1 + J), with J the share of pairs that are the same and lie together, of those that are either.

    It rises with J, so the ends of J's interval become those of F1 (Lam, Gopal & Qian 2023, arXiv:2309.14621).
    """
    value, low, high = (2 * one / (1 + one) for one in (jaccard.value, jaccard.low, jaccard.high))
    return replace(jaccard, value=value, se=2 * jaccard.se / (1 + jaccard.value) ** 2, low=low, high=high)


def _figure(one: Estimate, resampled: Floats) -> Figure:
    low, high = max(one.low, 0.0), min(one.high, 1.0)
    if math.isnan(one.value):
        low = high = math.nan
    return Figure(one.value, low, high, *_middle(resampled), one.n)


def _change(measure: str, which: tuple[int, int], values: list[float], resampled: Floats) -> Change:
    apart = resampled[:, which[1]] - resampled[:, which[0]]
    known = apart[~np.isnan(apart)]
    sides = ((known <= 0).sum(), (known >= 0).sum())
    p = min(1.0, float(2 * (min(sides) + 1) / (len(known) + 1))) if len(known) else math.nan
    return Change(measure, *which, values[1] - values[0], *_middle(apart), p)


def _middle(resampled: Floats) -> tuple[float, float]:
    """The middle 95 %; NaN if none is known."""
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.percentile(known, [2.5, 97.5]).tolist()
    return low, high
