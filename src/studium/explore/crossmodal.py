"""Across modalities: every picture with every text, block by block, and how well what belongs together finds itself.

Works on any two tables of vectors in one space (pictures and captions by CLIP), larger than memory if they must be.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore.arrays import table_of_rows
from studium.explore.search import recall_at

__all__ = ["Block", "Retrieval", "blocks", "paired", "ranks_of_own", "retrieval", "softmax"]

CELLS = 2**24
"""Cosines held at a time: 128 MB of float64."""

TIE = 1e-9  # cosines of float64 that differ by less are the same: sums in another order, not other vectors

Pairs = NDArray[np.int64]


class Block(NamedTuple):
    """Some rows of a similarity matrix: the first of them, and their cosines, rows x m float64."""

    start: int
    cosine: NDArray[np.float64]


class Retrieval(NamedTuple):
    """How well queries find their own.

    Attributes:
        n: queries that have something of their own.
        among: what they are looked for in.
        recall: cut-off -> share of the queries with one of their own among the first; R@1, R@5, R@10.
        median: rank, from 1; half of the queries find one of their own at or before it.
        chance: cut-off -> the recall to expect of a random order.
    """

    n: int
    among: int
    recall: dict[int, float]
    median: float
    chance: dict[int, float]


def blocks(A: ArrayLike, B: ArrayLike, cells: int = CELLS) -> Iterator[Block]:
    """The cosines of all rows of A with all rows of B, some rows of A at a time, in order.

    A is read block by block and never copied whole, B is held as float64. A row of zeros has no direction: its cosines
    count as 0.

    Args:
        A: (n, d) numbers; a memory map will do.
        B: (m, d) numbers, m at least 1.
        cells: cosines held at a time, at least one row of them.

    Raises:
        InputError: shapes that do not fit, or NaN or infinity.
    """
    rows, columns = table_of_rows(A, "A"), table_of_rows(B, "B")
    if rows.shape[1] != columns.shape[1] or not len(columns):
        raise InputError(
            f"A and B should have as many columns as each other, and B at least one row; got {rows.shape} and "
            f"{columns.shape}"
        )
    right = _directions(columns, "B", 0).T
    step = max(1, cells // right.shape[1])
    for start in range(0, len(rows), step):
        left = _directions(rows[start : start + step], "A", start)
        cosine = left @ right
        yield Block(start, np.clip(cosine, -1, 1, out=cosine))


def softmax(cosine: ArrayLike, temperature: float, axis: int = 1) -> NDArray[np.float64]:
    """From cosines to shares that sum to 1, by exp(cosine / temperature): over the texts of each picture, or back.

    Args:
        cosine: (n, m).
        temperature: greater than 0; CLIP's is .01.
        axis: 1 for rows that sum to 1, 0 for columns.

    Raises:
        InputError: no matrix, NaN or infinity in it, or a temperature that is not above 0.
    """
    table = table_of_rows(cosine, "cosine").astype(np.float64)
    if not (isinstance(temperature, int | float | np.number) and np.isfinite(temperature) and temperature > 0):
        raise InputError(f"temperature should be a number above 0, got {temperature!r}; CLIP's is 0.01")
    if axis not in {0, 1}:
        raise InputError(f"axis should be 0 or 1, got {axis!r}")
    if not table.size:
        return table
    best = table.max(axis=axis, keepdims=True)
    if not (np.isfinite(best).all() and np.isfinite(table.min())):
        raise InputError("cosine should be finite, got NaN or infinity; leave out what was not measured")
    table -= best  # in place: of 100,000 pictures and 5,000 texts it is 4 GB
    with np.errstate(over="ignore"):  # -inf is a share of 0
        table /= temperature
    np.exp(table, out=table)
    table /= table.sum(axis=axis, keepdims=True)
    return table


def paired(A: ArrayLike, B: ArrayLike, pairs: ArrayLike) -> NDArray[np.float64]:
    """The cosine of each pair of a row of A and a row of B, by itself: of a picture and its caption.

    Args:
        A: (n, d) numbers.
        B: (m, d) numbers.
        pairs: (p, 2) numbers of rows.

    Raises:
        InputError: shapes that do not fit, or NaN or infinity.
    """
    rows, columns, which = table_of_rows(A, "A"), table_of_rows(B, "B"), _pairs(pairs, A, B)
    if rows.shape[1] != columns.shape[1]:
        raise InputError(f"A and B should have as many columns as each other, got {rows.shape} and {columns.shape}")
    out = np.empty(len(which))
    step = max(1, CELLS // rows.shape[1])
    for start in range(0, len(which), step):
        part = which[start : start + step]
        left, right = _directions(rows[part[:, 0]], "A", 0), _directions(columns[part[:, 1]], "B", 0)
        out[start : start + step] = (left * right).sum(axis=1)
    return np.clip(out, -1, 1)


def ranks_of_own(A: ArrayLike, B: ArrayLike, pairs: ArrayLike) -> NDArray[np.int64]:
    """Where each row of A finds the best of its own rows of B, from 1; 0 for rows that have none of their own.

    Ties count against it: what is as near as its own, and not its own, stands before it. Exact, block by block.

    Args:
        A: (n, d) numbers: the queries.
        B: (m, d) numbers: what is looked for.
        pairs: (p, 2) numbers of rows of A and of B that belong together; any number for each.

    Returns:
        (n,) int64.
    """
    which = np.unique(_pairs(pairs, A, B), axis=0)
    ranks = np.zeros(len(table_of_rows(A, "A")), np.int64)
    for start, cosine in blocks(A, B):
        inside = (which[:, 0] >= start) & (which[:, 0] < start + len(cosine))
        row, column = which[inside, 0] - start, which[inside, 1]
        best = np.full(len(cosine), -np.inf)
        np.maximum.at(best, row, cosine[row, column])
        cosine[row, column] = -np.inf
        before = (cosine >= best[:, None] - TIE).sum(axis=1)
        ranks[start : start + len(cosine)] = np.where(np.isfinite(best), before + 1, 0)
    return ranks


def retrieval(A: ArrayLike, B: ArrayLike, pairs: ArrayLike, at: tuple[int, ...] = (1, 5, 10)) -> Retrieval:
    """How well rows of A find their own among the rows of B: R@1, R@5, R@10 and the median rank, ties as worst.

    Args:
        A: (n, d) numbers: the queries; those without any of their own take no part.
        B: (m, d) numbers: what is looked for.
        pairs: (p, 2) numbers of rows that belong together, p at least 1.
        at: the cut-offs.

    Raises:
        InputError: no pairs, or arrays that do not fit.
    """
    which = np.unique(_pairs(pairs, A, B), axis=0)
    if not len(which):
        raise InputError("retrieval needs at least one pair of rows that belong together, got none")
    ranks = ranks_of_own(A, B, which)
    asked = ranks > 0
    among, own = len(table_of_rows(B, "B")), np.bincount(which[:, 0], minlength=len(ranks))[asked]
    chance = {cut: float(np.mean([_chance(count, among, cut) for count in own])) for cut in at}
    return Retrieval(int(asked.sum()), among, dict(recall_at(ranks[asked], at)), float(np.median(ranks[asked])), chance)


def _chance(own: int, among: int, cut: int) -> float:
    """Probability that at least one of ``own`` of ``among`` is among the first ``cut`` of a random order."""
    misses = 1.0
    for drawn in range(min(cut, among)):
        misses *= max(0, among - own - drawn) / (among - drawn)
    return 1 - misses


def _directions(rows: NDArray[Any], name: str, start: int) -> NDArray[np.float64]:
    """Rows of length 1, float64; a row of zeros stays zeros."""
    wide = np.asarray(rows, np.float64)
    finite = np.isfinite(wide).all(axis=1)
    if not finite.all():
        bad = start + int(np.argmin(finite))
        raise InputError(f"{name} should be finite: row {bad} holds NaN or infinity; leave out what was not measured")
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1))


def _pairs(pairs: ArrayLike, A: ArrayLike, B: ArrayLike) -> Pairs:
    which = np.asarray(pairs)
    which = which.reshape(0, 2).astype(np.int64) if which.size == 0 else which
    sizes = [len(table_of_rows(A, "A")), len(table_of_rows(B, "B"))]
    if which.ndim != 2 or which.shape[1] != 2 or which.dtype.kind not in "iu":
        raise InputError(f"pairs should be whole numbers of rows, (p, 2); got {which.dtype} of shape {which.shape}")
    if ((which < 0) | (which >= sizes)).any():
        raise InputError(f"pairs name rows that are not there: A has {sizes[0]} rows, B has {sizes[1]}")
    return which.astype(np.int64)
