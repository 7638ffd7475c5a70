"""Iterative k-means: find the cohesive clusters, set them aside, look again at what is left."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore import kmeans, silhouette
from studium.explore.arrays import Matrix, matrix
from studium.explore.threads import one_thread_each

__all__ = ["Cluster", "Clusters", "Iterative", "Progress", "Tried", "iterative"]

Progress = Callable[[str], None]
"""Told what is being done; an exception it raises (or Ctrl-C) ends the work before the next fit."""


@dataclass(frozen=True, slots=True)
class Iterative:
    """Parameters of `iterative`.

    Attributes:
        step: K grows by this much, and starts with it.
        threshold: a cluster stays if its mean silhouette is above this. Depends on the embedding: report it.
        sample: rows on which K is chosen in each round.
        stop: the search ends when no more than this many rows are left.
        window: consecutive K whose silhouettes are averaged before they are compared.
    """

    step: int = 5
    threshold: float = 0.04
    sample: int = 1000
    stop: int = 20
    window: int = 3

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        for name, low in (("step", 2), ("sample", 3), ("stop", 0), ("window", 1)):
            if getattr(self, name) < low:
                raise InputError(f"{name} must be at least {low}, got {getattr(self, name)}")
        if not -1 <= self.threshold <= 1:
            raise InputError(f"threshold is a silhouette, from -1 to 1; got {self.threshold}")


@dataclass(frozen=True, slots=True)
class Tried:
    """One K tried on the sample of a round, and the mean silhouette it had there."""

    round: int
    K: int
    silhouette: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster: its size, its mean silhouette, and the round (from 1) and the K that found it."""

    label: int
    size: int
    silhouette: float
    round: int
    K: int


@dataclass(frozen=True, eq=False)
class Clusters:
    """What `iterative` found among n rows.

    Attributes:
        labels: (n,) int32, 0 .. C - 1 in the order found; -1 for unassigned.
        silhouette: (n,) float32 in [-1, 1], among the rows of the round that found the cluster; NaN for unassigned.
        distance: (n,) float32, to the centre of the own cluster; NaN for unassigned.
        table: the clusters.
        history: every K tried, in order: what a plot of the choice of K shows.
    """

    labels: NDArray[np.int32]
    silhouette: NDArray[np.float32]
    distance: NDArray[np.float32]
    table: tuple[Cluster, ...] = ()
    history: tuple[Tried, ...] = ()

    @property
    def unassigned(self) -> float:
        """Share of rows in no cluster, in [0, 1]; 0 if there are no rows. Belongs into every report."""
        return float(np.mean(self.labels < 0)) if len(self.labels) else 0.0

    def representatives(self, count: int) -> list[NDArray[np.intp]]:
        """For each cluster up to ``count`` members, the nearest to its centre first; ties in row order."""
        members = (np.flatnonzero(self.labels == cluster.label) for cluster in self.table)
        return [rows[np.argsort(self.distance[rows], kind="stable")[:count]] for rows in members]


@dataclass(frozen=True, eq=False)
class _Round:
    """A partition of the rows that were left: fit, silhouette of each row, and the K that were tried for it."""

    fit: kmeans.Fit | None
    silhouette: NDArray[np.float64]
    tried: list[tuple[int, float]] = field(default_factory=list)


def iterative(
    X: ArrayLike, how: Iterative | None = None, *, seed: int = 0, fast: bool = False, progress: Progress | None = None
) -> Clusters:
    """Cluster rows by iterative k-means on Euclidean distances.

    Each round draws ``sample`` of the rows that are left; fits k-means (10 starts) with K = step, 2 step, ... to them
    until the mean silhouette, averaged over ``window`` consecutive K, stops rising, or K comes to the number of rows
    or exceeds that of different rows; takes the smallest K of the best window (the best K, if there are too few for a
    window); fits k-means with it to all rows that are left; and sets aside the clusters whose mean silhouette is above
    ``threshold``. The search ends when at most ``stop`` rows are left, when a round finds no such cluster, or when no K
    can be tried (fewer than ``step`` + 1 rows, or fewer than ``step`` different ones): what is left is unassigned.

    The clusters are those of the plain algorithm in scikit-learn with one thread (``benchmarks/cluster.py``).

    Args:
        X: (n, d) numbers, as they should be compared: scale or L2-normalise them before.
        how: parameters; None for the defaults.
        seed: of the samples and of k-means.
        fast: fit all rows from three starts, one of them the centres found on the sample, and measure silhouettes in
            float32. Finds other clusters than the default; how close to the truth is in ``benchmarks/cluster.py``.
        progress: called with one line for every K tried and every round.

    Returns:
        The clusters. Nothing is dropped: every row has a label or -1.

    Raises:
        InputError: X is not (n, d), or holds NaN or infinity.
    """
    rows, how, tell = matrix(X), how or Iterative(), progress or _quiet
    found = _Found(len(rows))
    rest = np.arange(len(rows))
    random = np.random.default_rng(seed)
    with one_thread_each() as pool:
        search = _Search(how, seed, fast, pool, tell)
        while len(rest) > how.stop:
            left = rows if len(rest) == len(rows) else rows[rest]
            drawn = None if len(rest) <= how.sample else random.choice(len(rest), how.sample, replace=False)
            kept = found.add(rest, left, search.round(left, drawn), how.threshold)
            tell(f"{len(rows) - len(rest) + kept.sum():,} of {len(rows):,} rows in {len(found.table)} clusters")
            if not kept.any():
                break
            rest = rest[~kept]
    return found.clusters()


def _quiet(message: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class _Search:
    """One search: its parameters, and the threads that fit."""

    how: Iterative
    seed: int
    fast: bool
    pool: ThreadPoolExecutor
    tell: Progress

    def round(self, left: Matrix, drawn: NDArray[np.intp] | None) -> _Round:
        """Choose K on the rows ``drawn`` (None: on all) and partition all rows that are left."""
        chosen, tried = self._choose(left if drawn is None else left[drawn])
        if chosen is None or drawn is None:
            return _Round(chosen and chosen[0], chosen[1] if chosen else np.zeros(0), tried)
        fit = self._fit_all(left, chosen[0].centres)
        return _Round(fit, silhouette.in_blocks(left, fit.labels, self.pool, single=self.fast), tried)

    def _fit_all(self, left: Matrix, centres: Matrix) -> kmeans.Fit:
        """Fit all rows that are left with the K of these centres; if fast, from them and from two more starts."""
        K = len(centres)
        self.tell(f"{K} clusters of {len(left):,} rows")
        if not self.fast:
            return kmeans.fit(left, K, self.seed, self.pool)
        from_sample = self.pool.submit(kmeans.descend, left, centres)
        drawn = kmeans.fit(left, K, self.seed, self.pool, starts=2)
        return min(from_sample.result(), drawn, key=lambda fit: fit.inertia)

    def _choose(self, sample: Matrix) -> tuple[tuple[kmeans.Fit, NDArray[np.float64]] | None, list[tuple[int, float]]]:
        """The best fit to the sample with its silhouettes (None if no K can be tried), and all K tried."""
        fits: list[tuple[kmeans.Fit, NDArray[np.float64]]] = []
        means: list[float] = []
        for fit, values in self._fits(sample):
            fits.append((fit, values))
            means.append(float(values.mean()))
            self.tell(f"K = {len(fit.centres)}: silhouette {means[-1]:.3f} in a sample of {len(sample):,}")
            if _peaked(means, self.how.window):
                break
        tried = [(len(fit.centres), mean) for (fit, _), mean in zip(fits, means, strict=True)]
        return (fits[int(np.argmax(_averages(means, self.how.window)))] if fits else None), tried

    def _fits(self, sample: Matrix) -> Iterator[tuple[kmeans.Fit, NDArray[np.float64]]]:
        most = min(len(sample) - 1, len(np.unique(sample, axis=0)))
        measured = kmeans.squared_distances(sample, self.pool)
        D = silhouette.distances(sample) if len(sample) <= kmeans.ALL_AT_ONCE else None
        for K in range(self.how.step, most + 1, self.how.step):
            fit = kmeans.fit(sample, K, self.seed, self.pool, measured)
            if D is None:
                yield fit, silhouette.in_blocks(sample, fit.labels, self.pool)
            else:
                yield fit, silhouette.from_distances(D, fit.labels)


def _averages(means: list[float], window: int) -> NDArray[np.float64]:
    """Means over every full window; the values themselves if there are too few for one."""
    width = window if len(means) >= window else 1
    return np.convolve(means, np.full(width, 1 / width), "valid")


def _peaked(means: list[float], window: int) -> bool:
    """Whether the last full window is no better than the one before."""
    if len(means) <= window:
        return False
    averages = _averages(means, window)
    return bool(averages[-1] <= averages[-2])


class _Found:
    """The clusters found so far."""

    def __init__(self, n: int) -> None:
        self.labels = np.full(n, -1, np.int32)
        self.silhouette = np.full(n, np.nan, np.float32)
        self.distance = np.full(n, np.nan, np.float32)
        self.table: list[Cluster] = []
        self.history: list[Tried] = []
        self.rounds = 0

    def add(self, rest: NDArray[np.intp], left: Matrix, result: _Round, threshold: float) -> NDArray[np.bool_]:
        """Note the cohesive clusters of a round; which of the rows that were left they hold."""
        self.rounds += 1
        self.history += [Tried(self.rounds, K, value) for K, value in result.tried]
        kept = np.zeros(len(rest), bool)
        if result.fit is None:
            return kept
        K = len(result.fit.centres)
        sizes = np.bincount(result.fit.labels, minlength=K)
        means = np.bincount(result.fit.labels, result.silhouette, K) / np.maximum(sizes, 1)
        for k in np.flatnonzero((sizes > 0) & (means > threshold)):
            here = result.fit.labels == k
            kept |= here
            label = len(self.table)
            self.table.append(Cluster(label, int(sizes[k]), float(means[k]), self.rounds, K))
            self.labels[rest[here]] = label
            self.silhouette[rest[here]] = result.silhouette[here]
            self.distance[rest[here]] = np.linalg.norm(left[here] - result.fit.centres[k], axis=1)
        return kept

    def clusters(self) -> Clusters:
        """The result."""
        return Clusters(self.labels, self.silhouette, self.distance, tuple(self.table), tuple(self.history))
