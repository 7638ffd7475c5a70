"""k-means as scikit-learn fits it, to the same clusters, in less time.

scikit-learn draws the k-means++ centres of one start after the other and runs the starts in turn. Nothing in the random
stream depends on the data, so here all draws come first; the starts then choose their centres side by side, sharing one
matrix product, and run in parallel, one thread each.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studium.explore.arrays import Matrix

__all__ = ["Fit", "descend", "fit", "squared_distances"]

CHUNK = 2048
ALL_AT_ONCE = 4096
"""Up to this many rows, all squared distances are computed once (float32: 64 MB)."""

Distances = Callable[[NDArray[np.intp]], Matrix]
"""Indices of m rows -> squared distances (m, n) to all rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One k-means solution: labels (n,) int32, centres (K, d), inertia (sum of squared distances)."""

    labels: NDArray[np.int32]
    centres: Matrix
    inertia: float


def fit(
    X: Matrix, K: int, seed: int, pool: ThreadPoolExecutor, measured: Distances | None = None, starts: int = 10
) -> Fit:
    """The solution of ``KMeans(K, n_init=starts, random_state=seed).fit(X)``.

    Args:
        X: (n, d) float32 or float64, finite.
        K: number of clusters, at most the number of different rows.
        seed: of the k-means++ draws.
        pool: threads, each limited to one core.
        measured: `squared_distances` of X, if several K are fitted to it.
        starts: how many, of which the one of least inertia is returned.
    """
    measured = measured or squared_distances(X, pool)
    random = np.random.RandomState(seed)
    opened = [_Start.draw(X, K, random) for _ in range(starts)]
    _plus_plus(opened, measured)
    best, *others = pool.map(lambda start: descend(X, X[start.centres]), opened)
    for other in others:
        if other.inertia < best.inertia and not _same(other.labels, best.labels, K):
            best = other
    return best


def descend(X: Matrix, centres: Matrix) -> Fit:
    """Lloyd's algorithm from given centres (K, d)."""
    from sklearn.cluster import KMeans

    model = KMeans(len(centres), init=centres, n_init=1).fit(X)
    return Fit(model.labels_, model.cluster_centers_, float(model.inertia_))


def squared_distances(X: Matrix, pool: ThreadPoolExecutor) -> Distances:
    """How far all rows of X lie from chosen ones: looked up for a small X, computed when asked for a large one.

    As scikit-learn does: X centred, products in float64, result in the dtype of X.
    """
    centred = X - X.mean(axis=0)
    blocks = [centred[start : start + CHUNK] for start in range(0, len(X), CHUNK)]

    def compute(rows: NDArray[np.intp]) -> Matrix:
        chosen = centred[rows].astype(np.float64)
        return np.hstack(list(pool.map(lambda block: _squared(chosen, block), blocks)))

    if len(X) > ALL_AT_ONCE:
        return compute
    everything = compute(np.arange(len(X)))
    return lambda rows: everything[rows]


def _squared(A: NDArray[np.float64], block: Matrix) -> Matrix:
    B = block.astype(np.float64)
    D = -2 * (A @ B.T)
    D += np.einsum("ij,ij->i", A, A)[:, None]
    D += np.einsum("ij,ij->i", B, B)
    return np.maximum(D, 0).astype(block.dtype)


@dataclass(slots=True)
class _Start:
    """One start of k-means++: its draws, the centres chosen so far, and what they leave uncovered."""

    draws: list[NDArray[np.float64]]
    centres: list[int]
    nearest: Matrix
    left: Matrix

    @classmethod
    def draw(cls, X: Matrix, K: int, random: np.random.RandomState) -> "_Start":
        """Take from the random stream what scikit-learn takes for one start: a row, then 2 + log K numbers a step."""
        ones = np.ones(len(X), X.dtype)
        first = int(random.choice(len(X), p=ones / ones.sum()))
        trials = 2 + int(np.log(K))
        return cls([random.uniform(size=trials) for _ in range(K - 1)], [first], ones, ones[:1])

    def candidates(self, step: int) -> NDArray[np.intp]:
        """Rows drawn in proportion to their squared distance to the nearest centre."""
        ids = np.searchsorted(np.cumsum(self.nearest), self.draws[step] * self.left)
        return np.minimum(ids, self.nearest.size - 1)

    def choose(self, ids: NDArray[np.intp], distance: Matrix) -> None:
        """Greedy: keep the candidate that leaves the smallest sum of squared distances."""
        nearest = np.minimum(self.nearest, distance)
        left = nearest @ np.ones((nearest.shape[1], 1), nearest.dtype)
        best = int(np.argmin(left))
        self.centres.append(int(ids[best]))
        self.nearest, self.left = nearest[best], left[best]


def _plus_plus(starts: list[_Start], measured: Distances) -> None:
    """Greedy k-means++: choose the centres of all starts, in step."""
    for start, row in zip(starts, measured(np.array([start.centres[0] for start in starts])), strict=True):
        start.nearest, start.left = row, row[None] @ np.ones_like(row)
    for step in range(len(starts[0].draws)):
        ids = [start.candidates(step) for start in starts]
        rows = measured(np.concatenate(ids)).reshape(len(starts), len(ids[0]), -1)
        for start, chosen, distance in zip(starts, ids, rows, strict=True):
            start.choose(chosen, distance)


def _same(a: NDArray[np.int32], b: NDArray[np.int32], K: int) -> bool:
    """Whether two labellings put together the same rows, whatever they call the clusters."""
    name = np.full(K, -1)
    name[a] = b
    return bool((name[a] == b).all())
