"""Near-duplicates: pairs of alike hashes or embeddings, and the groups they form."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore import hamming
from studium.explore.arrays import matrix, unit_rows

__all__ = ["Groups", "Pairs", "embedding_pairs", "groups", "hamming_pairs"]

BLOCK = 4096
SLACK = 1e-5  # float32 products of unit rows are off by less; what comes this close is computed again in float64


class Pairs(NamedTuple):
    """Pairs of rows i < j (int64), sorted by i, then j, and how far apart (bits) or how alike (cosine) they are."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    value: NDArray[Any]


class Groups(NamedTuple):
    """Connected components of pairs.

    Attributes:
        group: (n,) int32: 0 .. G - 1 in the order of their first members; -1 for a row without a pair.
        size: (G,) int64, at least 2.
        exemplar: (G,) int64: the member with the most pairs in its group, the first of them if there are several.
    """

    group: NDArray[np.int32]
    size: NDArray[np.int64]
    exemplar: NDArray[np.int64]


def hamming_pairs(
    hashes: ArrayLike, threshold: int = 31, *, quality: ArrayLike | None = None, least: int = 50
) -> Pairs:
    """All pairs of hashes at most ``threshold`` bits apart: near-duplicates by PDQ or pHash.

    The defaults are those of PDQ (256 bits): 31 bits, and no hash of quality 49 or less, since that of a nearly blank
    picture says little. k equal hashes are k (k - 1) / 2 pairs.

    Args:
        hashes: (n, bytes) uint8.
        threshold: largest distance in bits.
        quality: (n,) PDQ quality 0 .. 100, or None not to look at it.
        least: smallest quality that takes part.

    Returns:
        Pairs; ``value`` is the distance in bits, int32.

    Raises:
        InputError: hashes of another shape or dtype, a negative threshold, or a quality missing.
    """
    codes = hamming.hashes_array(hashes)
    if threshold < 0:
        raise InputError(f"threshold is a number of bits, at least 0; got {threshold}")
    kept = np.arange(len(codes))
    if quality is not None:
        marks = np.asarray(quality)
        if marks.shape != (len(codes),):
            raise InputError(f"quality must have shape ({len(codes)},), one per hash; got {marks.shape}")
        kept = np.flatnonzero(marks >= least)
    i, j, distance = hamming.near(codes[kept], threshold)
    return Pairs(kept[i], kept[j], distance)


def embedding_pairs(X: ArrayLike, threshold: float) -> Pairs:
    """All pairs of rows whose cosine is at least ``threshold``, exact.

    The threshold depends on the model: look at pairs around the one you choose. Measured on 21 pictures of scikit-image
    and scikit-learn, with ``embed``'s "efficientnet-lite0": the 210 unrelated pairs have cosines up to .49 (99 % up to
    .41); a picture and itself halved, flipped, 30 % brighter or cropped by 10 % at least .87, .94, .89 and .89, at JPEG
    quality 30 at least .69, in grey .74. With "conse" unrelated pairs reach .92, above many copies: no threshold fits.

    Args:
        X: (n, d) numbers. A row of zeros has no direction, and is in no pair.
        threshold: smallest cosine, in (0, 1].

    Returns:
        Pairs; ``value`` is the cosine, float64.

    Raises:
        InputError: X is not (n, d) or not finite, or a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold is a cosine in (0, 1], got {threshold}")
    rows = matrix(X)
    units = unit_rows(rows)
    found = [np.zeros((2, 0), np.int64)]
    for top in range(0, len(rows), BLOCK):
        for start in range(top, len(rows), BLOCK):
            close = units[top : top + BLOCK] @ units[start : start + BLOCK].T >= threshold - SLACK
            a, b = np.nonzero(np.triu(close, 1) if start == top else close)
            found.append(np.stack([a + top, b + start]))
    i, j = np.hstack(found)
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    value = _cosines(rows, i, j)
    sure = value >= threshold
    return Pairs(i[sure], j[sure], value[sure])


def _cosines(rows: NDArray[Any], i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosines of given pairs of rows in float64; exactly 1 for equal rows."""
    out = np.empty(len(i))
    for start in range(0, len(i), BLOCK):
        here = slice(start, start + BLOCK)
        a, b = rows[i[here]].astype(np.float64), rows[j[here]].astype(np.float64)
        lengths = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
        out[here] = np.minimum((a * b).sum(axis=1) / lengths, 1)
    return out


def groups(pairs: Pairs, n: int) -> Groups:
    """Connected components: rows linked by a chain of pairs, also where its ends are no pair.

    Args:
        pairs: of rows 0 .. n - 1.
        n: number of rows.

    Raises:
        InputError: a pair points beyond n.
    """
    i, j = np.asarray(pairs.i, np.int64), np.asarray(pairs.j, np.int64)
    if len(i) and not (min(i.min(), j.min()) >= 0 and max(i.max(), j.max()) < n):
        raise InputError(f"pairs must be of rows 0 to {n - 1}; got {min(i.min(), j.min())} to {max(i.max(), j.max())}")
    root = _roots(i, j, n)
    degree = np.bincount(np.concatenate([i, j]), minlength=n)
    paired = np.flatnonzero(degree)
    firsts, code = np.unique(root[paired], return_inverse=True)
    group = np.full(n, -1, np.int32)
    group[paired] = code
    order = np.lexsort((paired, -degree[paired], code))
    exemplar = paired[order][np.searchsorted(code[order], np.arange(len(firsts)))]
    return Groups(group, np.bincount(code, minlength=len(firsts)), exemplar)


def _roots(i: NDArray[np.int64], j: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The smallest row of each component: hook the larger root to the smaller, shorten, until nothing moves."""
    root = np.arange(n)
    while True:
        a, b = root[i], root[j]
        apart = a != b
        if not apart.any():
            return root
        np.minimum.at(root, np.maximum(a, b)[apart], np.minimum(a, b)[apart])
        while (root[root] != root).any():
            root = root[root]
