"""Nearest neighbours by cosine, exact; similarity across modalities; recall of retrieval."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore.arrays import matrix, table_of_rows, unit_rows

__all__ = ["Hits", "ranks", "recall_at", "similarity", "top"]

BLOCK = 16384
"""Rows read at a time: 32 MB of 512 float32."""

SLACK = 1e-5  # float32 products of unit rows are off by less; what comes this close is computed again in float64


class Hits(NamedTuple):
    """The nearest rows of each query, best first: row (..., k) int64 and cosine (..., k) float64."""

    row: NDArray[np.int64]
    score: NDArray[np.float64]


def top(query: ArrayLike, X: ArrayLike, k: int) -> Hits:
    """The k rows of X with the highest cosine to each query, exact; ties by row number.

    X is read block by block and never copied whole: a float16 memory map larger than memory will do. A row of zeros has
    no direction: its cosine counts as 0.

    Args:
        query: (d,) or (q, d) numbers.
        X: (n, d) numbers.
        k: neighbours wanted; if X has fewer rows, all of them.

    Returns:
        Hits of shape (min(k, n),) for one query, (q, min(k, n)) for several.

    Raises:
        InputError: shapes that do not fit, k below 1, NaN or infinity, or a query of zeros.
    """
    asked, rows = np.asarray(query), table_of_rows(X)
    many = matrix(np.atleast_2d(asked), "query").astype(np.float64)
    if asked.ndim > 2 or many.shape[1] != rows.shape[1]:
        raise InputError(f"query must be (d,) or (q, d) with the d = {rows.shape[1]} of X; got shape {asked.shape}")
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}")
    if not many.any(axis=1).all():
        raise InputError("a query must not be all zeros: it has no direction")
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    best = [Hits(np.zeros(0, np.int64), np.zeros(0)) for _ in many]
    for start in range(0, len(rows), BLOCK):
        best = _merge(best, many, rows, start, k)
    shape = len(many), min(k, len(rows))
    row = np.array([hits.row for hits in best], np.int64).reshape(shape)
    score = np.array([hits.score for hits in best], np.float64).reshape(shape)
    return Hits(row[0], score[0]) if asked.ndim == 1 else Hits(row, score)


def _merge(best: list[Hits], queries: NDArray[np.float64], rows: NDArray[Any], start: int, k: int) -> list[Hits]:
    """The best of what was found so far and of one block of rows."""
    block = np.asarray(rows[start : start + BLOCK])
    finite = np.isfinite(block).all(axis=1)
    if not finite.all():
        bad = start + int(np.argmin(finite))
        raise InputError(f"X must be finite: row {bad} holds NaN or infinity; leave out what could not be measured")
    rough = queries.astype(np.float32) @ unit_rows(block).T
    return [
        _best_of(hits, query, block, scores, start, k) for hits, query, scores in zip(best, queries, rough, strict=True)
    ]


def _best_of(
    hits: Hits, query: NDArray[np.float64], block: NDArray[Any], rough: NDArray[np.float32], start: int, k: int
) -> Hits:
    """Score in float64 what may be among the best k, each row by itself: equal rows tie whatever their place."""
    bar = np.partition(rough, len(rough) - k)[len(rough) - k] if len(rough) > k else np.float32(-2)
    if len(hits.score) == k:
        bar = max(bar, hits.score[-1])
    may = np.flatnonzero(rough >= bar - SLACK)
    wide = block[may].astype(np.float64)
    length = np.sqrt((wide * wide).sum(axis=1))
    exact = np.clip((wide * query).sum(axis=1) / np.where(length > 0, length, 1.0), -1, 1)
    row, score = np.concatenate([hits.row, may + start]), np.concatenate([hits.score, exact])
    order = np.argsort(-score, kind="stable")[:k]
    return Hits(row[order], score[order])


def similarity(A: ArrayLike, B: ArrayLike) -> NDArray[np.float32]:
    """Cosines of all rows of A with all rows of B, such as images with texts of one joint space.

    Args:
        A: (n, d) numbers.
        B: (m, d) numbers.

    Returns:
        (n, m) float32 in [-1, 1]; 0 for a row of zeros.

    Raises:
        InputError: shapes that do not fit, or NaN or infinity.
    """
    left, right = matrix(A, "A"), matrix(B, "B")
    if left.shape[1] != right.shape[1]:
        raise InputError(f"A and B must have as many columns as each other, got {left.shape[1]} and {right.shape[1]}")
    out: NDArray[np.float32] = np.clip(unit_rows(left) @ unit_rows(right).T, -1, 1)
    return out


def ranks(S: ArrayLike) -> NDArray[np.int64]:
    """Where each query finds its own match: row i of S belongs to column i.

    Args:
        S: (n, n) similarities; transpose it for the other direction.

    Returns:
        (n,) from 1. Ties count against the match: if all scores are equal, every rank is n.

    Raises:
        InputError: S is not square, or holds NaN or infinity.
    """
    scores = matrix(S, "S")
    if scores.shape[0] != scores.shape[1]:
        raise InputError(f"S must be square, query i matching column i; got shape {scores.shape}")
    out: NDArray[np.int64] = (scores >= np.diagonal(scores)[:, None]).sum(axis=1)
    return out


def recall_at(rank: ArrayLike, at: Sequence[int] = (1, 5, 10)) -> Mapping[int, float]:
    """Share of queries whose match is among the first 1, 5 and 10: R@1, R@5, R@10.

    Args:
        rank: (n,) from 1, as from `ranks`; n at least 1.
        at: the cut-offs.

    Raises:
        InputError: no ranks, or a rank below 1.
    """
    values = np.asarray(rank)
    if values.ndim != 1 or not len(values) or values.min() < 1:
        raise InputError("recall needs one rank per query, from 1 (the first place); got none, or one below 1")
    return {cut: float(np.mean(values <= cut)) for cut in at}
