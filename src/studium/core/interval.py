"""Confidence intervals of shares."""

import numpy as np
import numpy.typing as npt

from studium.errors import InputError

__all__ = ["Z", "wilson"]

Z = 1.959963984540054
"""97.5 % of the normal distribution lie below: the limits of a 95 % interval."""


def wilson(share: npt.ArrayLike, n: int) -> npt.NDArray[np.float64]:
    """Wilson's 95 % score interval of shares of n independent cases.

    >>> wilson([0, 0.5], 10).round(4).tolist()
    [[0.0, 0.2775], [0.2366, 0.7634]]

    Args:
        share: 0 to 1, of any shape; NaN stays NaN.
        n: cases, 1 or more.

    Returns:
        The shape of ``share``, and 2: lower and upper end. Exactly 0 for a share of 0, and 1 for one of 1.

    Raises:
        InputError: no cases, or a share outside of 0 to 1.

    References:
        Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    p = np.asarray(share, np.float64)
    if n < 1 or ((p < 0) | (p > 1)).any():
        raise InputError(f"an interval needs shares from 0 to 1 of at least one case, got {p.tolist()} of {n}")
    middle, scale = p + Z**2 / (2 * n), 1 + Z**2 / n
    half = Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low = np.where(p == 0, 0, (middle - half) / scale)
    return np.stack([low, np.where(p == 1, 1, (middle + half) / scale)], axis=-1)
