"""A share with its interval."""

import math
from dataclasses import dataclass

from studium.core.interval import wilson
from studium.errors import InputError

__all__ = ["Share", "share"]


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
