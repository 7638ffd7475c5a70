"""All pairs of binary hashes within a Hamming distance, exact, without comparing all with all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore.threads import cores

__all__ = ["hashes_array", "near"]

CANDIDATES = 1 << 20
"""Candidate pairs looked at together by one thread: about 60 MB."""

Words = NDArray[np.uint64]
Positions = NDArray[np.int64]
Found = tuple[Positions, Positions, NDArray[np.int32]]


def hashes_array(hashes: ArrayLike) -> NDArray[np.uint8]:
    """Hashes as (n, b) uint8, b bytes each.

    Raises:
        InputError: another shape or dtype.
    """
    out = np.asarray(hashes)
    if out.ndim != 2 or out.dtype != np.uint8 or out.shape[1] == 0:
        raise InputError(f"hashes must be (n, bytes) uint8; got shape {out.shape}, dtype {out.dtype}")
    return out


def near(hashes: NDArray[np.uint8], threshold: int) -> Found:
    """Pairs i < j at most ``threshold`` bits apart, sorted by i, then j; and their distances.

    Pigeonhole (multi-index hashing, doi:10.1109/TPAMI.2013.231): of m parts of two hashes at most t bits apart, one
    differs in at most t // m bits. So for each part the hashes are sorted by it, and only those are compared whose part
    is equal or differs in so few bits. Hashes are 16 bits a part: for 256 bits and t = 31, one bit in one part.
    """
    n = len(hashes)
    words, parts = _words(hashes), _parts(hashes)
    masks = _masks(threshold // parts.shape[1])
    with ThreadPoolExecutor(cores()) as pool:
        found = list(pool.map(lambda part: _join(words, part, masks, threshold), parts.T))
    pairs, first = np.unique(np.concatenate([i * n + j for i, j, _ in found]), return_index=True)
    distance = np.concatenate([d for _, _, d in found])[first]
    return pairs // max(n, 1), pairs % max(n, 1), distance


def _words(hashes: NDArray[np.uint8]) -> Words:
    """Hashes as (n, w) 64-bit words, padded with zero bytes."""
    width = -(-hashes.shape[1] // 8) * 8
    padded = np.zeros((len(hashes), width), np.uint8)
    padded[:, : hashes.shape[1]] = hashes
    return padded.view(np.uint64)


def _parts(hashes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Hashes as (n, m) parts of 16 bits; a last odd byte is a part of its own."""
    even = np.pad(hashes, ((0, 0), (0, hashes.shape[1] % 2)))
    return np.ascontiguousarray(even).view(np.uint16)


def _masks(bits: int) -> list[int]:
    """All 16-bit numbers with at most ``bits`` ones."""
    return [
        sum(1 << bit for bit in chosen) for ones in range(min(bits, 16) + 1) for chosen in combinations(range(16), ones)
    ]


def _join(words: Words, part: NDArray[np.uint16], masks: list[int], threshold: int) -> Found:
    """Pairs within the threshold whose part differs by one of the masks."""
    order = np.argsort(part, kind="stable")
    keys, ordered = part[order], words[order]
    starts = np.zeros((1 << 16) + 1, np.int64)
    np.cumsum(np.bincount(part, minlength=1 << 16), out=starts[1:])
    found: list[Found] = []
    for mask in masks:
        for left, right in _candidates(keys, starts, mask):
            close, distance = _within(ordered, left, right, threshold)
            a, b = order[left[close]], order[right[close]]
            found.append((np.minimum(a, b), np.maximum(a, b), distance))
    return tuple(map(np.concatenate, zip(*found, strict=True))) if found else _nothing()  # type: ignore[return-value]


def _candidates(keys: NDArray[np.uint16], starts: Positions, mask: int) -> Iterator[tuple[Positions, Positions]]:
    """Positions in sorted order whose keys differ by exactly ``mask``, each pair once, in pieces."""
    here = np.arange(len(keys))
    partner = keys ^ np.uint16(mask)
    low = starts[partner] if mask else here + 1
    high = starts[partner.astype(np.int64) + 1]
    counts = np.where(partner >= keys, high - low, 0)
    ends = np.cumsum(counts)
    begin, total = 0, int(ends[-1]) if len(ends) else 0
    while begin < total:
        end = min(begin + CANDIDATES, total)
        wanted = np.arange(begin, end)
        first_row, last_row = np.searchsorted(ends, [begin, end - 1], side="right")
        rows = slice(first_row, last_row + 1)
        first = ends[rows] - counts[rows]
        share = np.minimum(ends[rows], end) - np.maximum(first, begin)
        yield np.repeat(here[rows], share), wanted + np.repeat(low[rows] - first, share)
        begin = end


def _within(words: Words, left: Positions, right: Positions, threshold: int) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Which candidates are within the threshold, and their distances; most fall at the first word or two."""
    alive = np.arange(len(left))
    distance = np.zeros(len(left), np.int32)
    for word in range(words.shape[1]):
        column = words[:, word]
        distance = distance + np.bitwise_count(column[left[alive]] ^ column[right[alive]])
        close = distance <= threshold
        alive, distance = alive[close], distance[close]
    return alive, distance


def _nothing() -> Found:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32)
