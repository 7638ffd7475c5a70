"""More of what a model is unsure of, with known probabilities.

A sample of the most uncertain units alone would be cheap to learn from, and good for nothing else: nobody could say of
which population its shares are. Here every unit has a chance, larger where the model is less sure. With the weight
1 / P(drawn) the codes estimate means, shares and figures of all units without bias (Horvitz & Thompson 1952).

The draw is systematic with unequal probabilities (Madow 1949), along a random order. Where it is known what units are
like, the order is one in which neighbours are alike, drawn anew each time: two that are nearly the same are hardly ever
drawn together, and the probabilities are exactly those asked for (as Stevens & Olsen 2004 do on maps).

References:
    Horvitz, D. G. & Thompson, D. J. (1952). A generalization of sampling without replacement from a finite universe.
    Journal of the American Statistical Association 47.
    Madow, W. G. (1949). On the theory of systematic sampling, II. Annals of Mathematical Statistics 20.
    Stevens, D. L. & Olsen, A. R. (2004). Spatially balanced sampling of natural resources. Journal of the American
    Statistical Association 99.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studium.coding.sample.drawn import Drawn, Floats, Ints, systematic
from studium.errors import InputError

__all__ = ["chances", "draw", "uncertainty"]

_BY = ("entropy", "margin")


def uncertainty(p: Floats, several: bool = False, by: str = "entropy") -> Floats:
    """How unsure a model is of n units, from 0 to 1.

    Args:
        p: (n, k) probabilities.
        several: whether the classes do not exclude each other; then it is the mean over classes.
        by: "entropy", as a share of the largest there can be; or "margin": 1 less what the two most probable classes
            differ by.

    Raises:
        InputError: probabilities that are none, or of less than two classes.
    """
    if by not in _BY:
        raise InputError(f"by should be one of {', '.join(_BY)}, got {by!r}")
    table = np.asarray(p, np.float64)
    if table.ndim != 2 or not ((table >= 0) & (table <= 1)).all() or table.shape[1] < (1 if several else 2):
        raise InputError(f"expected (n, k) probabilities of at least two classes, got {table.shape}")
    if several:
        pairs = [uncertainty(np.stack([1 - one, one], axis=1), by=by) for one in table.T]
        return np.asarray(np.mean(pairs, axis=0))
    if by == "margin":
        top = np.sort(table, axis=1)
        return np.asarray(1 - (top[:, -1] - top[:, -2]))
    logs = np.log(np.where(table > 0, table, 1.0))
    return np.asarray(-(table * logs).sum(axis=1) / np.log(table.shape[1]))


def chances(unsure: Floats, n: int, floor: float = 0.3) -> Floats:
    """The probability with which each unit is drawn: the sum is n, and none is above 1.

    Args:
        unsure: (m,) sizes, 0 or more.
        n: how many are drawn.
        floor: share of the draws that is spent on all units alike; the rest is in proportion to ``unsure``.

    Raises:
        InputError: sizes, n or a floor that cannot be.
    """
    sizes = np.asarray(unsure, np.float64)
    if sizes.ndim != 1 or not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise InputError("expected a finite number, 0 or more, for each unit")
    if not (1 <= n <= len(sizes) and 0 < floor <= 1):
        raise InputError(
            f"expected from 1 to {len(sizes)} units to draw, and a floor above 0 and at most 1; got {n} and {floor}: "
            "without a floor some units have no chance, and nothing can be said of them"
        )
    total = sizes.sum()
    even = np.full(len(sizes), 1 / len(sizes))
    mixed = floor * even + (1 - floor) * (sizes / total if total > 0 else even)
    found = np.zeros(len(sizes))
    certain = np.zeros(len(sizes), np.bool_)
    while True:  # those that come out above 1 are certain, and leave fewer draws to the others
        rest = n - certain.sum()
        share = mixed[~certain]
        found[certain], found[~certain] = 1.0, rest * share / share.sum() if len(share) else 0.0
        above = found > 1
        if not above.any():
            return found
        certain |= above


def draw(chance: Floats, X: Floats | None = None, groups: Sequence[str | None] | None = None, seed: int = 0) -> Drawn:
    """Draw a sample with these probabilities, spread over the units.

    Of each group at most one unit is drawn: the group with the sum of its units' probabilities (at most 1), and then
    one of its units in proportion to theirs.

    Args:
        chance: (m,) as `chances` gives it.
        X: (m, d) what units are like; None if nobody knows.
        groups: (m,) names of near-duplicates; None for a unit that has none.
        seed: of the draw.
    """
    each = np.asarray(chance, np.float64)
    rng = np.random.default_rng(seed)
    group = _numbered(groups or [None] * len(each), len(each))
    together = np.bincount(group, each)
    member = _members(each, group, rng)
    place = np.arange(len(each)) if X is None else _laid_out(np.asarray(X, np.float64), rng)
    rank = np.empty(len(each), np.int64)
    rank[place if X is not None else rng.permutation(len(each))] = np.arange(len(each))
    order = np.argsort(rank[member], kind="stable")
    taken = systematic(np.minimum(together, 1.0)[order], rng.random())
    rows = np.sort(member[order[taken]])
    share = each / together[group]
    return Drawn(rows, (np.minimum(together, 1.0)[group] * share)[rows], len(each), seed)


def _numbered(groups: Sequence[str | None], n: int) -> Ints:
    """The number of the group of each unit, in order of appearance; a unit without one is one of its own."""
    if len(groups) != n:
        raise InputError(f"expected a group, or None, for each of {n} units, got {len(groups)}")
    found: dict[tuple[str, str | int], int] = {}
    keys = [("unit", row) if one is None else ("group", one) for row, one in enumerate(groups)]
    return np.array([found.setdefault(key, len(found)) for key in keys], np.int64)


def _members(chance: Floats, group: Ints, rng: np.random.Generator) -> Ints:
    """One unit of each group, in proportion to ``chance``: that of the largest log(u) / chance."""
    with np.errstate(divide="ignore"):
        keys = np.log(rng.random(len(chance))) / chance
    order = np.lexsort((-keys, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    return np.asarray(order[first], np.int64)


def _laid_out(X: Floats, rng: np.random.Generator) -> Ints:
    """An order in which neighbours are alike.

    Units are parted along their widest column, again and again, at the widest gap in the middle half, and which part
    comes first is drawn.
    """
    waiting, done = [np.arange(len(X))], list[npt.NDArray[np.int64]]()
    while waiting:
        rows = waiting.pop()
        if len(rows) < 2:
            done.append(rows)
            continue
        some = X[rows]
        widest = int(some.var(axis=0).argmax())
        order = np.argsort(some[:, widest], kind="stable")
        first = len(rows) // 4
        gaps = np.diff(some[order, widest])[first : len(rows) - 1 - first]
        cut = first + int(gaps.argmax()) + 1
        across = rows[order]
        waiting += [across[:cut], across[cut:]][:: 1 if rng.random() < 0.5 else -1]
    return np.concatenate(done) if done else np.zeros(0, np.int64)
