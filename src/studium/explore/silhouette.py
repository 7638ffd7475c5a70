"""Silhouettes: how much nearer a row is to its own cluster than to the next one (doi:10.1016/0377-0427(87)90125-7)."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore.arrays import Matrix, matrix
from studium.explore.threads import one_thread_each

__all__ = ["distances", "from_distances", "in_blocks", "samples"]

BLOCK = 1024
"""Rows of one tile: three float64 tiles of 1,024 x 1,024 are 24 MB a thread."""

Sums = NDArray[np.float64]


def samples(X: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Silhouette of every row with Euclidean distances, exact.

    Args:
        X: (n, d) numbers.
        labels: (n,) integers, at least two different ones.

    Returns:
        (n,) in [-1, 1]; 0 for the only member of a cluster.

    Raises:
        InputError: fewer than two clusters, or lengths that differ.
    """
    rows = matrix(X)
    codes = np.asarray(labels)
    if codes.shape != (len(rows),):
        raise InputError(f"labels must have shape ({len(rows)},), one per row of X; got {codes.shape}")
    found, codes = np.unique(codes, return_inverse=True)
    if len(found) < 2:
        raise InputError(f"silhouettes compare clusters: expected at least 2 different labels, got {len(found)}")
    with one_thread_each() as pool:
        return in_blocks(rows, codes, pool)


def distances(rows: Matrix) -> NDArray[np.float64]:
    """All Euclidean distances, (n, n) float64: for n up to a few thousand."""
    wide = rows.astype(np.float64)
    return _tile(wide, wide, same=True).astype(np.float64, copy=False)


def from_distances(D: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Silhouettes from all distances (n, n) and labels 0 .. K - 1 that all occur."""
    return _silhouettes(D @ _members(labels), labels)


def in_blocks(
    rows: Matrix, labels: NDArray[np.integer], pool: ThreadPoolExecutor, *, single: bool = False
) -> NDArray[np.float64]:
    """As `from_distances`, from tiles of the upper triangle only: half the work, and n x K numbers of memory.

    The tiles are added in one fixed order, so the result does not depend on the number of threads. ``single`` measures
    distances in float32: half the time, and off by some 1e-6 (more within clusters of near-duplicates).
    """
    dtype = np.float32 if single else np.float64
    if single:
        rows = (rows - rows.mean(axis=0)).astype(dtype)
    members: Matrix = _members(labels).astype(dtype)
    sums = np.zeros(members.shape)
    for strip in pool.map(lambda first: _strip(rows, members, first), range(0, len(rows), BLOCK)):
        for at, part in strip:
            sums[at : at + len(part)] += part
    return _silhouettes(sums, labels)


def _strip(rows: Matrix, members: Matrix, first: int) -> list[tuple[int, Matrix]]:
    """Distances of one block of rows to itself and to all later ones, added up per cluster, for both sides."""
    here = slice(first, first + BLOCK)
    left = rows[here].astype(members.dtype)
    mine = np.zeros((len(left), members.shape[1]))
    theirs = []
    for start in range(first, len(rows), BLOCK):
        there = slice(start, start + BLOCK)
        D = _tile(left, rows[there].astype(members.dtype), same=start == first)
        mine += D @ members[there]
        if start > first:
            theirs.append((start, D.T @ members[here]))
    return [(first, mine), *theirs]


def _tile(A: Matrix, B: Matrix, *, same: bool) -> Matrix:
    D: Matrix = A @ B.T
    D *= -2
    D += np.einsum("ij,ij->i", A, A)[:, None]
    D += np.einsum("ij,ij->i", B, B)
    np.maximum(D, 0, out=D)
    if same:
        np.fill_diagonal(D, 0)
    np.sqrt(D, out=D)
    return D


def _members(labels: NDArray[np.integer]) -> Sums:
    """(n, K), 1 where a row belongs to a cluster."""
    out = np.zeros((len(labels), int(labels.max()) + 1))
    out[np.arange(len(labels)), labels] = 1
    return out


def _silhouettes(sums: Sums, labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Silhouettes from the sum of distances of every row to every cluster."""
    rows = np.arange(len(labels))
    sizes = np.bincount(labels)
    own = sums[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    others = sums / sizes
    others[rows, labels] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(own, nearest)
    defined = (sizes[labels] > 1) & (larger > 0)
    return np.where(defined, (nearest - own) / np.where(defined, larger, 1), 0.0)
