"""Ordered classes as k - 1 problems: is it above class 1, above class 2, and so on.

Each is learned by itself. Where the steps of a unit fall, their differences are the probabilities of its classes. Where
they contradict each other (it is surer above a class than above a lower one), they are made to fall, which leaves
nothing for some class; so that none is ruled out for that, a tenth of Frank & Hall's products is mixed in.

References:
    Frank & Hall (2001), A Simple Approach to Ordinal Classification, doi:10.1007/3-540-44795-4_13.
"""

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats

__all__ = ["above", "exceedances", "middle"]

_MIXED = 0.1
_ROUNDED = 1e-9  # what is surer by less does not contradict


def exceedances(p: ArrayLike) -> Floats:
    """Probabilities of k ordered classes, from those of exceeding the first k - 1 of them.

    >>> exceedances([[0.75, 0.5], [0.25, 0.5]]).round(4).tolist()
    [[0.25, 0.25, 0.5], [0.7295, 0.0091, 0.2614]]

    Args:
        p: (n, k - 1), 0 to 1: P(y > class j), j from the lowest.

    Returns:
        (n, k), 0 to 1; rows sum to 1.
    """
    given = np.asarray(p, np.float64)
    if given.ndim != 2 or not given.shape[1] or not ((given >= 0) & (given <= 1)).all():
        raise InputError(
            f"probabilities of exceeding k - 1 classes are needed, (n, k - 1) of 0 to 1; got {given.shape}"
        )
    falling = np.minimum.accumulate(given, axis=1)
    ends, nothing = np.ones((len(given), 1)), np.zeros((len(given), 1))
    steps = np.hstack([ends, falling]) - np.hstack([falling, nothing])
    products = np.hstack([ends, given]) * np.hstack([1 - given, ends])  # above the class before, and not above it
    mixed = (1 - _MIXED) * steps + _MIXED * products / products.sum(axis=1, keepdims=True)
    return np.asarray(np.where((given - falling > _ROUNDED).any(axis=1, keepdims=True), mixed, steps))


def above(shares: Floats) -> Floats:
    """Of (n, k) shares of ordered classes: (n, k - 1) shares above each but the highest; 1 and 0 of certain ones."""
    return np.asarray(np.clip(np.cumsum(shares[:, ::-1], axis=1)[:, -2::-1], 0.0, 1.0))


def middle(p: Floats) -> npt.NDArray[np.int64]:
    """The number of the class in which the middle of each row's probability lies: it errs by the fewest steps.

    >>> middle(np.array([[0.4, 0.2, 0.4], [0.5, 0.0, 0.5], [0.1, 0.2, 0.7]])).tolist()
    [1, 0, 2]
    """
    return np.asarray((above(p) > 0.5).sum(axis=1))
