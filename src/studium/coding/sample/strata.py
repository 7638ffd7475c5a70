"""Draws by strata: parts of the frame of which each gets its share of the sample; or of which some are drawn whole.

References:
    Cochran, W. G. (1977). Sampling techniques, 3rd edition, chapters 5 and 9.
    Neyman, J. (1934). On the two different aspects of the representative method. Journal of the Royal Statistical
    Society 97. doi:10.2307/2342192
"""

from collections.abc import Sequence

import numpy as np

from studium.coding.sample.drawn import Drawn, Floats, Ints, Stratum, between
from studium.coding.sample.unequal import draw
from studium.errors import InputError

__all__ = ["ALLOCATIONS", "LEAST", "allocate", "binned", "clusters", "stratified"]

ALLOCATIONS = ("proportional", "equal", "neyman")
LEAST = 2
"""Units of each stratum that are drawn at least: of one alone nobody knows how it differs from the others."""


def allocate(
    sizes: Sequence[int], n: int, allocation: str = "proportional", spread: Sequence[float] | None = None
) -> Ints:
    """How many of n units are drawn in each stratum; the sum is n.

    "proportional" follows the sizes, "equal" gives all the same, "neyman" follows size x spread, which has the least
    variance. Each stratum gets at least `LEAST` units, or all it has; what is left over by rounding goes to the largest
    remainders (Hamilton).

    >>> allocate([700, 200, 100], 50, "neyman", [0.1, 0.3, 0.5]).tolist()
    [19, 17, 14]

    Args:
        sizes: units of each stratum, at least 1.
        n: units to draw.
        allocation: one of `ALLOCATIONS`.
        spread: "neyman": the standard deviation of what is coded in each stratum, as far as it can be guessed.

    Raises:
        InputError: n that is too small or too large, or a spread that is none.
    """
    most = np.asarray(sizes, np.int64)
    least = np.minimum(LEAST, most)
    if not (len(most) and (most > 0).all() and least.sum() <= n <= most.sum()):
        raise InputError(
            f"expected from {least.sum()} units ({LEAST} of each of {len(most)} strata, where they have them) to "
            f"{most.sum()}, got {n}; draw more, or make fewer strata"
        )
    wanted = _wanted(most.astype(np.float64), allocation, spread)
    found, fixed = np.zeros(len(most)), np.zeros(len(most), np.bool_)
    while True:  # strata that come out below their least, or above their most, keep that; the others share what is left
        found[~fixed] = (n - found[fixed].sum()) * wanted[~fixed] / max(wanted[~fixed].sum(), 1e-300)
        over, under = np.maximum(found - most, 0).sum(), np.maximum(least - found, 0).sum()
        low, high = (found < least) & ~fixed, (found > most) & ~fixed
        if not (low | high).any():
            return _rounded(found, n, least, most)
        cut = high if over >= under else low
        found[cut] = (most if over >= under else least)[cut]
        fixed = fixed | cut


def _wanted(sizes: Floats, allocation: str, spread: Sequence[float] | None) -> Floats:
    if allocation not in ALLOCATIONS:
        raise InputError(f"allocation should be one of {', '.join(ALLOCATIONS)}, got {allocation!r}")
    if (allocation == "neyman") != (spread is not None):
        raise InputError("a spread belongs to the allocation neyman, and only there; name a column that tells it")
    if allocation == "equal":
        return np.ones(len(sizes))
    if spread is None:
        return sizes
    spreads = np.asarray(spread, np.float64)
    if spreads.shape != sizes.shape or not (np.isfinite(spreads) & (spreads >= 0)).all() or not spreads.any():
        raise InputError(f"expected a spread of 0 or more for each of {len(sizes)} strata, some above 0; got {spread}")
    return np.asarray(sizes * spreads)


def _rounded(shares: Floats, n: int, least: Ints, most: Ints) -> Ints:
    """Whole numbers within bounds whose sum is n: what is missing goes to the largest remainders."""
    found = np.clip(np.floor(shares + 1e-9).astype(np.int64), least, most)
    while found.sum() != n:
        step = 1 if found.sum() < n else -1
        room = (found < most) if step > 0 else (found > least)
        at = np.where(room, step * (shares - found), -np.inf).argmax()
        found[at] += step
    return found


def stratified(
    strata: Sequence[str],
    n: int,
    allocation: str = "proportional",
    spread: dict[str, float] | None = None,
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
) -> Drawn:
    """Draw within each stratum at random: in stratum h with the probability n_h / N_h.

    Args:
        strata: the stratum of each unit of the frame.
        n: units to draw.
        allocation: see `allocate`.
        spread: stratum -> standard deviation of what is coded; for "neyman".
        groups: near-duplicates, of which at most one is drawn in a stratum; see `draw`.
        seed: of the draw.
    """
    names, number = np.unique(np.asarray(strata, np.str_), return_inverse=True)
    sizes = np.bincount(number, minlength=len(names))
    each = None if spread is None else [spread[name] for name in names.tolist()]
    shares = allocate(sizes.tolist(), n, allocation, each)
    seeds = np.random.default_rng(seed).integers(2**32, size=len(names))
    drawn = []
    for stratum, (size, share) in enumerate(zip(sizes, shares, strict=True)):
        rows = np.flatnonzero(number == stratum)
        within = None if groups is None else [groups[row] for row in rows.tolist()]
        some = draw(np.full(size, share / size), None, within, int(seeds[stratum]))
        drawn.append((rows[some.rows], some.chance))
    rows, chance = (np.concatenate([part[one] for part in drawn]) for one in (0, 1))
    order = np.argsort(rows)
    told = np.bincount(number[rows], minlength=len(names))
    found = {name: Stratum(int(N), int(m)) for name, N, m in zip(names.tolist(), sizes, told, strict=True)}
    of = tuple(names[number[rows[order]]].tolist())
    return Drawn(rows[order].astype(np.int64), chance[order], len(number), seed, of, found)


def clusters(cluster: Sequence[str], n: int, seed: int = 0) -> Drawn:
    """Draw n whole clusters at random, and with them all of their units.

    Units of one cluster are alike, so that such a sample tells less than as many units drawn one by one: n counts.
    """
    names, number = np.unique(np.asarray(cluster, np.str_), return_inverse=True)
    between(n, len(names), "clusters")
    taken = np.random.default_rng(seed).permutation(len(names))[:n]
    rows = np.flatnonzero(np.isin(number, taken))
    sizes = np.bincount(number, minlength=len(names))
    whole = np.isin(np.arange(len(names)), taken) * sizes
    drawn = {name: Stratum(int(N), int(m)) for name, N, m in zip(names.tolist(), sizes, whole, strict=True)}
    chance = np.full(len(rows), n / len(names))
    return Drawn(rows, chance, len(number), seed, tuple(names[number[rows]].tolist()), drawn)


def binned(values: Sequence[float | None], bins: int = 4) -> list[str | None]:
    """Numbers as strata of about the same size, named by their bounds; None stays None.

    Equal numbers are in one stratum, so that there may be fewer than asked for.

    >>> binned([1, 2, 3, 4, None], 2)
    ['1 to 2', '1 to 2', '3 to 4', '3 to 4', None]
    """
    if bins < 2:
        raise InputError(f"expected at least 2 bins, got {bins}")
    known = np.array([value for value in values if value is not None and np.isfinite(value)], np.float64)
    if not len(known):
        return [None] * len(values)
    ends = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="lower"))
    which = np.searchsorted(ends, known, side="left")
    names = {at: f"{known[which == at].min():g} to {known[which == at].max():g}" for at in np.unique(which).tolist()}
    each = iter(which.tolist())
    return [names[next(each)] if value is not None and np.isfinite(value) else None for value in values]
