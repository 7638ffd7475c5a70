"""A coder over time: whether they come to agree less, or more, with the others, the longer they code.

Coders tire, learn, and slide into rules of their own. In the order in which one of them coded, units are cut into
blocks; a trend over the blocks is tested. Units should come in an order that says nothing, as tasks give them; a trend
may also be that of the others.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.agreement.counts import present
from studium.core.interval import Z, wilson
from studium.errors import InputError

__all__ = ["BLOCKS", "FEWEST", "Block", "Drift", "agreeing", "apart", "drift", "trend"]

BLOCKS, FEWEST = 5, 10
"""Blocks of a coder's units, and how many units each has at least; of few units there are fewer blocks."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a coder's work.

    Attributes:
        first: number of its first unit, from 1, among those that others coded too.
        last: number of its last.
        value: mean of the block.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    first: int
    last: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Drift:
    """A coder over time.

    Attributes:
        units: that others coded too.
        blocks: in their order; empty if there are too few units.
        slope: change from one block to the next, by least squares.
        z: of the trend test; above 0 if the values grow.
        p: of it, two-sided.
        reason: why there is no test; empty if there is one.
    """

    units: int
    blocks: tuple[Block, ...]
    slope: float
    z: float
    p: float
    reason: str = ""


def agreeing(own: Sequence[Hashable | None], others: Sequence[Sequence[Hashable | None]]) -> Floats:
    """For each unit the share of the other coders who say the same; NaN where nobody else, or not this one, coded.

    >>> agreeing(["a", "b", None], [["a", "a", "a"], [None, "b", "a"]]).tolist()
    [1.0, 0.5, nan]
    """
    return _compared(own, others, lambda mine, theirs: sum(mine == one for one in theirs) / len(theirs))


def apart(own: Sequence[float | None], others: Sequence[Sequence[float | None]]) -> Floats:
    """For each unit by how much a number is above the mean of the other coders'; NaN as in `agreeing`."""
    return _compared(own, others, lambda mine, theirs: mine - float(np.mean(theirs)))


def drift(values: npt.ArrayLike, blocks: int = BLOCKS, *, shares: bool = True) -> Drift:
    """A coder's values in the order in which they coded: means of blocks with intervals, and a test for a trend.

    Args:
        values: (n,) of each unit, in order; NaN is left out.
        blocks: how many, at least 2; fewer if there are not `FEWEST` units for each.
        shares: whether the values are shares from 0 to 1 (`agreeing`), with Wilson's intervals, which are wide of
            shares of several others; else numbers (`apart`), with those of a mean.

    References:
        Cochran (1954), doi:10.2307/3001616; Armitage (1955), doi:10.2307/3001775.
    """
    given = np.asarray(values, np.float64).ravel()
    given = given[~np.isnan(given)]
    if blocks < 2:
        raise InputError(f"a trend needs at least 2 blocks, got {blocks}")
    if len(given) < 2 * FEWEST:
        why = f"{len(given)} units that others coded too; a trend needs {2 * FEWEST}"
        return Drift(len(given), (), math.nan, math.nan, math.nan, why)
    parts = np.array_split(np.arange(len(given)), min(blocks, len(given) // FEWEST))
    number = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    slope = float(np.polyfit(number, given, 1)[0])
    z, p = trend(given, number)
    why = "" if math.isfinite(z) else "all values are the same"
    found = [Block(int(at[0]) + 1, int(at[-1]) + 1, *_mean(given[at], shares)) for at in parts]
    return Drift(len(given), tuple(found), slope, z, p, why)


def trend(values: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[float, float]:
    """Cochran and Armitage's test: whether values grow with scores.

    Of values 0 and 1 it is theirs; of others, the score test of a line, which has the same form.

    Args:
        values: (n,) such as whether a case has a property.
        scores: (n,) such as the dose, or the number of the block.

    Returns:
        z, above 0 if values grow; and p, two-sided. NaN if nothing varies.
    """
    y, x = np.asarray(values, np.float64), np.asarray(scores, np.float64)
    spread = float(((y - y.mean()) ** 2).mean() * ((x - x.mean()) ** 2).sum()) if len(y) else 0.0
    if not spread > 0:
        return math.nan, math.nan
    z = float(((x - x.mean()) * (y - y.mean())).sum()) / math.sqrt(spread)
    return z, math.erfc(abs(z) / math.sqrt(2))


def _compared(own: Sequence[Any], others: Sequence[Sequence[Any]], how: Callable[[Any, list[Any]], float]) -> Floats:
    if any(len(other) != len(own) for other in others):
        raise InputError(f"coders should have coded the same units, got {len(own)} and {[len(o) for o in others]}")
    found = np.full(len(own), np.nan)
    for at, mine in enumerate(own):
        theirs = [other[at] for other in others if present(other[at])]
        if present(mine) and theirs:
            found[at] = how(mine, theirs)
    return found


def _mean(values: Floats, shares: bool) -> tuple[float, float, float]:
    """Mean and 95 % interval."""
    mean = float(values.mean())
    if shares:
        low, high = wilson(min(1.0, max(0.0, mean)), len(values)).tolist()
        return mean, low, high
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half
