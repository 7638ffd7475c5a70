"""Pairs of units to compare ("the same content?"), drawn so that one set of pairs judges several clusterings.

Of each clustering pairs are drawn that lie in one cluster; and pairs are drawn of any two units, which mostly lie in
different ones: without these, whoever splits every group into many small ones would always win. All pairs together
judge each clustering, for each has a known probability to be among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.sample.drawn import Floats, Ints
from studium.errors import InputError

__all__ = ["WEIGHTINGS", "Pairs", "draw_pairs", "pairs_of"]

WEIGHTINGS = ("pair", "cluster", "both")


@dataclass(frozen=True, eq=False)
class Pairs:
    """A sample of pairs.

    Attributes:
        rows: (m, 2) numbers of the units of each pair, the smaller first; in a random order.
        chance: (m,) the probability with which each pair was drawn.
        cluster: (m, c) number of the cluster that both lie in, by each of c clusterings; -1 if in none together.
        sizes: for each clustering the units of each cluster, by number.
        frame: how many pairs there are of all units.
        seed: of the draw.
    """

    rows: Ints
    chance: Floats
    cluster: Ints
    sizes: tuple[Ints, ...]
    frame: int
    seed: int


def draw_pairs(
    labels: Sequence[npt.ArrayLike], n: int = 500, across: int = 250, weighting: str = "both", seed: int = 0
) -> Pairs:
    """Draw about n pairs within clusters, and ``across`` pairs of any two units; the same pair counts once.

    Args:
        labels: for each clustering (N,) the number of each unit's cluster, from 0; below 0 if it is in none.
        n: pairs within clusters, parted evenly among the clusterings.
        across: pairs of any two units, clustered or not.
        weighting: "pair": every pair of a clustering has the same probability, so that large clusters have most of
            them; "cluster": every cluster has the same number, as far as it has so many; "both": half of each.
        seed: of the draw.

    Raises:
        InputError: clusterings that are of different units, or have no cluster of two.
    """
    tables = [np.asarray(one, np.int64) for one in labels]
    if not tables or len({one.shape for one in tables}) != 1 or tables[0].ndim != 1:
        raise InputError(f"expected clusterings of the same units, got {[one.shape for one in tables]}")
    if weighting not in WEIGHTINGS:
        raise InputError(f"weighting should be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
    if n < 1 or across < 0:
        raise InputError(f"expected at least 1 pair within clusters and 0 or more across, got {n} and {across}")
    N, rng = len(tables[0]), np.random.default_rng(seed)
    frame = int(pairs_of(N))
    within = [_Within.of(one, n / len(tables), weighting) for one in tables]
    numbers = [rng.choice(frame, min(across, frame), replace=False)]
    numbers += [one.draw(rng) for one in within]
    rows = _units(rng.permutation(np.unique(np.concatenate(numbers))))
    with np.errstate(divide="ignore"):  # a probability of 1
        missed = np.log1p(np.full(len(rows), -min(across, frame) / frame))
        for one in within:
            missed = missed + np.log1p(-one.chance(rows))
    cluster = np.stack([one.together(rows) for one in within], axis=1)
    return Pairs(rows, -np.expm1(missed), cluster, tuple(one.sizes for one in within), frame, seed)


def pairs_of(n: npt.ArrayLike) -> Any:
    """How many pairs n units have."""
    sizes = np.asarray(n, np.int64)
    return sizes * (sizes - 1) // 2


@dataclass(frozen=True, eq=False)
class _Within:
    """The pairs within clusters of one clustering, and how many of each cluster are drawn on average."""

    labels: Ints
    sizes: Ints
    expected: Floats

    @classmethod
    def of(cls, labels: Ints, n: float, weighting: str) -> "_Within":
        sizes = np.bincount(labels[labels >= 0])
        pairs = pairs_of(sizes)
        if not pairs.any():
            raise InputError("a clustering has no cluster of two units or more; leave it out, or cluster otherwise")
        by_pair, by_cluster = pairs / pairs.sum(), (pairs > 0) / (pairs > 0).sum()
        shares = {"pair": by_pair, "cluster": by_cluster, "both": (by_pair + by_cluster) / 2}[weighting]
        return cls(labels, sizes, _capped(shares, pairs.astype(np.float64), n))

    def draw(self, rng: np.random.Generator) -> Ints:
        """Numbers of pairs of all units, see `_units`: within each cluster at random, without any twice."""
        order = rng.permutation(len(self.sizes))
        ends = np.floor(np.cumsum(self.expected[order]) + rng.random() + 1e-9).astype(np.int64)
        counts = np.empty(len(order), np.int64)
        counts[order] = np.diff(ends, prepend=0)
        by_cluster = np.argsort(self.labels, kind="stable")
        first = np.searchsorted(self.labels[by_cluster], np.arange(len(self.sizes)))
        found = [np.zeros(0, np.int64)]
        for size, count, start in zip(self.sizes.tolist(), counts.tolist(), first.tolist(), strict=True):
            if count:
                inside = _units(rng.choice(size * (size - 1) // 2, count, replace=False))
                members = np.sort(by_cluster[start + inside], axis=1)
                found.append(pairs_of(members[:, 1]) + members[:, 0])
        return np.concatenate(found)

    def together(self, rows: Ints) -> Ints:
        """The cluster that both units of each pair lie in; -1 if there is none."""
        one, other = self.labels[rows[:, 0]], self.labels[rows[:, 1]]
        return np.where((one == other) & (one >= 0), one, -1)

    def chance(self, rows: Ints) -> Floats:
        """The probability with which each pair is drawn here; 0 if it is in no cluster."""
        which = self.together(rows)
        each = self.expected / np.maximum(pairs_of(self.sizes), 1)
        return np.where(which >= 0, np.minimum(each, 1.0)[which], 0.0)


def _capped(shares: Floats, most: Floats, n: float) -> Floats:
    """As many in proportion to the shares, but nowhere more than there is."""
    if n >= most.sum():
        return most
    found, full = np.zeros(len(shares)), np.zeros(len(shares), np.bool_)
    while True:
        found[~full] = (n - most[full].sum()) * shares[~full] / shares[~full].sum()
        found[full] = most[full]
        above = found > most
        if not above.any():
            return found
        full |= above


def _units(numbers: Ints) -> Ints:
    """The two units of each pair, the smaller first, of pairs numbered (0, 1), (0, 2), (1, 2), (0, 3) ..."""
    t = np.asarray(numbers, np.int64)
    high = ((1 + np.sqrt(1 + 8 * t.astype(np.float64))) // 2).astype(np.int64)
    high -= pairs_of(high) > t  # of large numbers the root may be off by one
    high += pairs_of(high + 1) <= t
    return np.stack([t - pairs_of(high), high], axis=1)
