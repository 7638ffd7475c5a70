"""Persons: templates of faces that belong together. Distances are Euclidean, as the network was trained with them.

Arrays in, arrays out: whether templates may be made and compared at all is asked elsewhere, `studium.core.legal`.

References:
    Biemann (2006), Chinese Whispers, TextGraphs-1, https://aclanthology.org/W06-3812; Otto, Wang & Jain (2018),
    Clustering millions of faces by identity, doi:10.1109/TPAMI.2017.2679100 (graphs of nearest neighbours).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError
from studium.explore.arrays import matrix

__all__ = ["SAME", "TOGETHER", "Persons", "distances", "persons"]

SAME = 0.6
"""Distance below which two faces count as one person, 1:1: the radius that dlib's network was trained with."""

TOGETHER = 0.5
"""The same for many faces: n of them have n^2 / 2 chances to be wrong, and one wrong link joins two persons."""

NEIGHBOURS = 100  # of each face that are looked at; what keeps the graph small where one person has thousands
ROUNDS = 50  # most; it settles in about ten
_CELLS = 1 << 22  # distances held at once: 32 MB


class Persons(NamedTuple):
    """n faces as p persons.

    Attributes:
        person: (n,) int32: number of the person, 0 has the most faces. A face like no other is a person of its own.
        medoid: (p,) int64: row of the face with the smallest mean distance to the others of its person.
        distance: (n,) float32: of each face to the medoid of its person.
    """

    person: NDArray[np.int32]
    medoid: NDArray[np.int64]
    distance: NDArray[np.float32]


class _Graph(NamedTuple):
    """Neighbours of row v: ``to[at[v]:at[v + 1]]``, with their weights."""

    at: NDArray[np.int64]
    to: NDArray[np.int64]
    weight: NDArray[np.float64]


def distances(A: ArrayLike, B: ArrayLike) -> NDArray[np.float32]:
    """Euclidean distances of all rows of A to all rows of B.

    Args:
        A: (n, d) numbers.
        B: (m, d) numbers.

    Returns:
        (n, m) float32, at least 0; exact for equal rows.

    Raises:
        InputError: shapes that do not fit, or NaN or infinity.
    """
    left, right = matrix(A, "A").astype(np.float64), matrix(B, "B").astype(np.float64)
    if left.shape[1] != right.shape[1]:
        raise InputError(f"A and B must have as many columns as each other, got {left.shape[1]} and {right.shape[1]}")
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
    out: NDArray[np.float32] = np.sqrt(np.where(squares < 1e-12, 0, squares)).astype(np.float32)
    return out


def persons(X: ArrayLike, threshold: float = TOGETHER, seed: int = 0) -> Persons:
    """Which faces show the same person, by Chinese whispers on the graph of faces nearer than ``threshold``.

    Every face takes, again and again, the person that most speaks for: the sum over its neighbours of threshold minus
    distance. Unlike with connected components, one wrong link does not join two persons; unlike with average linkage,
    memory grows with the number of faces and not with its square. The same rows in the same order give the same result.

    Args:
        X: (n, d) templates.
        threshold: distance in X, above 0.
        seed: of the order in which faces are asked.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, or a threshold that is not above 0.
    """
    rows = matrix(X).astype(np.float32)
    if not threshold > 0:
        raise InputError(f"the threshold is a distance above 0, such as {TOGETHER}, got {threshold}")
    label = _whispers(_graph(rows, threshold), seed)
    names, first, group, size = np.unique(label, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -size))
    number = np.empty(len(names), np.int32)
    number[order] = np.arange(len(names), dtype=np.int32)
    person = number[group.ravel()]
    medoid, distance = _medoids(rows, person, len(names))
    return Persons(person, medoid, distance)


def _graph(rows: NDArray[np.float32], threshold: float) -> _Graph:
    """Links between each face and its nearest, both ways."""
    n, height = len(rows), max(1, _CELLS // max(1, len(rows)))
    keys, weights = [np.zeros(0, np.int64)], [np.zeros(0)]
    for start in range(0, n, height):
        near = distances(rows[start : start + height], rows)
        near[np.arange(len(near)), np.arange(start, start + len(near))] = np.inf
        if n > NEIGHBOURS:
            far = np.partition(near, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1 : NEIGHBOURS]
            near = np.where(near <= far, near, np.inf)
        i, j = np.nonzero(near < threshold)
        keys += [(i + start) * n + j, j * n + i + start]
        weights += [threshold - near[i, j].astype(np.float64)] * 2
    key, once = np.unique(np.concatenate(keys), return_index=True)
    at = np.searchsorted(key, np.arange(n + 1) * n)
    return _Graph(at, key % max(1, n), np.concatenate(weights)[once])


def _whispers(graph: _Graph, seed: int) -> NDArray[np.int64]:
    rng, label = np.random.default_rng(seed), np.arange(len(graph.at) - 1)
    linked = np.flatnonzero(np.diff(graph.at))
    for _ in range(ROUNDS):
        changed = False
        for v in rng.permutation(linked):
            part = slice(graph.at[v], graph.at[v + 1])
            heard, which = np.unique(label[graph.to[part]], return_inverse=True)
            says = heard[np.argmax(np.bincount(which.ravel(), graph.weight[part]))]
            changed |= bool(says != label[v])
            label[v] = says
        if not changed:
            break
    return label


def _medoids(
    rows: NDArray[np.float32], person: NDArray[np.int32], p: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    medoid, distance = np.empty(p, np.int64), np.empty(len(rows), np.float32)
    order = np.argsort(person, kind="stable")
    for number, members in enumerate(np.split(order, np.searchsorted(person[order], np.arange(1, p)))):
        if not len(members):  # no face at all
            continue
        height = max(1, _CELLS // len(members))
        total = [
            distances(rows[members[start : start + height]], rows[members]).sum(axis=1, dtype=np.float64)
            for start in range(0, len(members), height)
        ]
        medoid[number] = members[np.argmin(np.concatenate(total))]
        distance[members] = distances(rows[members], rows[medoid[number]][None])[:, 0]
    return medoid, distance
