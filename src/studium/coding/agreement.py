"""How far coders agree: percent agreement, and Cohen's kappa for two of them.

People and machines alike count as coders. A value that is missing is None, and takes no part.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.core.interval import wilson
from studium.errors import InputError

__all__ = ["Kappa", "Share", "cohen_kappa", "crossed", "percent_agreement", "share"]

RESAMPLES = 1000

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A share with its 95 % confidence interval; NaN of nothing.

    Attributes:
        k: how many have it.
        n: of how many.
        value: k / n.
        low: lower end of the interval.
        high: upper end.
    """

    k: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two coders.

    Attributes:
        units: that both coded.
        agreement: share of them that both coded alike.
        kappa: agreement beyond chance: 1 perfect, 0 as by chance; NaN if it is not defined.
        se: large-sample standard error.
        low: lower end of the 95 % interval (percentile bootstrap over units).
        high: upper end.
        undefined: share of resamples without a kappa, left out of the interval.
        reason: why there is no kappa; empty if there is one.
    """

    units: int
    agreement: Share
    kappa: float
    se: float
    low: float
    high: float
    undefined: float
    reason: str = ""


def share(k: int, n: int) -> Share:
    """A share, k of n, with Wilson's score interval; see `studium.core.interval.wilson`.

    >>> round(share(0, 10).high, 4), round(share(9, 10).low, 4)
    (0.2775, 0.5958)
    """
    if not 0 <= k <= n:
        raise InputError(f"a share is of k out of n with 0 <= k <= n, got k = {k}, n = {n}")
    if n == 0:
        return Share(0, 0, math.nan, math.nan, math.nan)
    low, high = wilson(k / n, n).tolist()
    return Share(k, n, k / n, low, high)


def percent_agreement(codes: Sequence[Sequence[Hashable | None]]) -> float:
    """Share of pairs of coders that agree, averaged over units with at least two codes; NaN if there are none.

    >>> percent_agreement([["a", "b", None], ["a", "a", "b"], ["a", "b", "b"]])
    0.777...

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
    """
    if len({len(coder) for coder in codes}) > 1:
        raise InputError(f"coders should have coded the same units, got {[len(coder) for coder in codes]} codes")
    shares = []
    for unit in zip(*codes, strict=True):
        counts = Counter(code for code in unit if code is not None)
        r = counts.total()
        if r >= 2:
            shares.append(sum(c * (c - 1) for c in counts.values()) / (r * (r - 1)))
    return float(np.mean(shares)) if shares else math.nan


def crossed(a: Sequence[Hashable | None], b: Sequence[Hashable | None]) -> Counts:
    """The square table of two coders: how often ``a`` chose the row's category and ``b`` the column's.

    Units that one of them did not code are left out. Categories are in the order in which they appear.
    """
    if len(a) != len(b):
        raise InputError(f"two coders should have coded the same units, got {len(a)} and {len(b)} codes")
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    numbers = {category: at for at, category in enumerate(dict.fromkeys(one for pair in pairs for one in pair))}
    table = np.zeros((len(numbers), len(numbers)), np.int64)
    for x, y in pairs:
        table[numbers[x], numbers[y]] += 1
    return table


def cohen_kappa(table: npt.ArrayLike, seed: int = 0) -> Kappa:
    """Cohen's kappa for nominal codes, from the table of two coders.

    With one category there is nothing to agree about beyond chance: kappa is NaN, and ``reason`` says so. Where one
    category is rare, kappa is low however often coders agree: report both.

    >>> found = cohen_kappa([[20, 5], [10, 15]])
    >>> round(found.kappa, 6), round(found.se, 6), found.agreement.value
    (0.4, 0.126996, 0.7)

    Args:
        table: counts, q x q, as `crossed` makes it.
        seed: of the bootstrap.

    References:
        Cohen (1960), doi:10.1177/001316446002000104; standard error: Fleiss, Cohen & Everitt (1969),
        doi:10.1037/h0028106.
    """
    counts = _counts(table)
    n = int(counts.sum())
    agreement = share(int(np.trace(counts)), n)
    if reason := _undefined(counts):
        return Kappa(n, agreement, math.nan, math.nan, math.nan, math.nan, math.nan, reason)
    cells = np.nonzero(counts)
    kappa = float(_kappas(counts[cells][None], cells)[0])
    resampled = _kappas(np.random.default_rng(seed).multinomial(n, counts[cells] / n, size=RESAMPLES), cells)
    lost = np.isnan(resampled)
    low, high = np.percentile(resampled[~lost], [2.5, 97.5]) if not lost.all() else (math.nan, math.nan)
    return Kappa(n, agreement, kappa, _standard_error(counts, kappa), float(low), float(high), float(lost.mean()))


def _counts(table: npt.ArrayLike) -> Counts:
    counts = np.asarray(table)
    if counts.size == 0:
        return np.zeros((0, 0), np.int64)
    whole = np.issubdtype(counts.dtype, np.integer) and bool((counts >= 0).all())
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not whole:
        raise InputError(
            f"expected a square table of counts, whole numbers of at least 0, got {counts.dtype} of shape "
            f"{counts.shape}; make one with crossed(a, b)"
        )
    return counts.astype(np.int64)


def _undefined(counts: Counts) -> str:
    if counts.sum() == 0:
        return "no unit was coded by both"
    used = counts.sum(axis=0) + counts.sum(axis=1) > 0
    return "" if used.sum() > 1 else "both used one category only"


def _kappas(draws: Counts, cells: tuple[npt.NDArray[np.intp], ...]) -> Floats:
    """Kappa of each table of a stack; NaN where chance alone would make the coders agree.

    Args:
        draws: one table a row; of a table only the cells that are not empty, so that many categories stay small.
        cells: row and column of each.
    """
    p = draws / draws.sum(axis=1, keepdims=True)
    observed = p[:, cells[0] == cells[1]].sum(axis=1)
    categories = np.arange(np.max(cells) + 1)
    rows, columns = (p @ (of[:, None] == categories).astype(np.float64) for of in cells)
    expected = (rows * columns).sum(axis=1)
    room = 1 - expected
    defined = room > 1e-12
    return np.where(defined, (observed - expected) / np.where(defined, room, 1), np.nan)


def _standard_error(counts: Counts, kappa: float) -> float:
    n = counts.sum()
    p = counts / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected = float(rows @ columns)
    weights = rows[None, :] + columns[:, None]  # of cell (i, j): share of j among the rows, of i among the columns
    diagonal = np.diag(p)
    a = (diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum()
    b = (1 - kappa) ** 2 * ((p - np.diag(diagonal)) * weights**2).sum()
    c = (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, a + b - c) / n) / (1 - expected)
