"""Units as points in the plane."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore.arrays import Matrix, matrix
from studium.explore.threads import one_thread_each

__all__ = ["TSNE_ROWS", "coordinates"]

TSNE_ROWS = 20_000
"""t-SNE of more rows takes many minutes: draw a sample, or use "pca"."""

PERPLEXITY = 30


def coordinates(X: ArrayLike, method: Literal["tsne", "pca"] = "tsne", *, seed: int = 0) -> NDArray[np.float32]:
    """Place rows in the unit square, neighbours near each other; the same for the same input and seed.

    Args:
        X: (n, d) numbers.
        method: "tsne" (doi:10.1145/3292500: neighbourhoods; distances between far groups mean nothing), or "pca" (the
            two directions of largest variance). Up to 3 rows have no neighbourhoods, and are placed by PCA.
        seed: of t-SNE.

    Returns:
        (n, 2) float32 in [0, 1]: both axes on one scale, centred; all .5 if all rows are equal.

    Raises:
        InputError: X is not (n, d) or not finite, an unknown method, or too many rows for t-SNE.
    """
    rows = matrix(X)
    if method not in ("tsne", "pca"):
        raise InputError(f'method must be "tsne" or "pca", got {method!r}')
    plane = _pca(rows)
    if method == "tsne" and len(rows) > TSNE_ROWS:
        raise InputError(f'"tsne" takes up to {TSNE_ROWS:,} rows, got {len(rows):,}: draw a sample, or use "pca"')
    if method == "tsne" and len(rows) > 3 and np.ptp(plane) > 0:
        plane = _tsne(rows, plane, seed)
    return _unit_square(plane)


def _pca(rows: Matrix) -> NDArray[np.float64]:
    """Scores on the first two principal components (n, 2); the largest loading of each is positive."""
    if len(rows) == 0:
        return np.zeros((0, 2))
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    scores = centred @ (axes * np.sign(largest))
    return np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))


def _tsne(rows: Matrix, start: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """t-SNE from PCA, whose first axis is scaled to a standard deviation of .0001 as its authors advise."""
    with one_thread_each():
        from sklearn.manifold import TSNE

        small = (start / start[:, 0].std() * 1e-4).astype(np.float32)
        perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
        model = TSNE(2, perplexity=perplexity, init=small, random_state=seed, n_jobs=1)
        return np.asarray(model.fit_transform(rows), np.float64)


def _unit_square(plane: NDArray[np.float64]) -> NDArray[np.float32]:
    if len(plane) == 0:
        return plane.astype(np.float32)
    low, high = plane.min(axis=0), plane.max(axis=0)
    extent = (high - low).max()
    if extent == 0:
        return np.full(plane.shape, 0.5, np.float32)
    out: NDArray[np.float32] = np.clip((plane - (low + high) / 2) / extent + 0.5, 0, 1).astype(np.float32)
    return out
