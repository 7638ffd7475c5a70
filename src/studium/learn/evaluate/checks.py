"""What evaluation is handed, checked at the door: labels, scores, probabilities, weights, groups."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError

__all__ = ["Floats", "Ints", "effective", "labels", "mean", "numbered", "numbers", "probabilities", "weights_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def labels(given: ArrayLike, name: str, n: int | None = None, k: int | None = None) -> Ints:
    """Numbers of values, from 0: (n,) whole numbers or booleans, below k."""
    found = _array(given, name)
    found = found.astype(np.int64) if found.size == 0 else found
    top = "0" if k is None else f"0 to {k - 1}"
    whole = found.ndim == 1 and found.dtype.kind in "biu" and len(found) == (len(found) if n is None else n)
    if not whole or (found < 0).any() or (k is not None and (found >= k).any()):
        size = "" if n is None else f"{n} "
        raise InputError(
            f"{name} should be {size}whole numbers from {top}, one for each unit; got {found.dtype} of shape "
            f"{found.shape}; number the values in the order of the codebook"
        )
    return found.astype(np.int64)


def numbers(given: ArrayLike, name: str, n: int | None = None) -> Floats:
    """(n,) finite numbers."""
    found = _array(given, name, np.float64)
    if found.ndim != 1 or (n is not None and len(found) != n) or not np.isfinite(found).all():
        size = "" if n is None else f"{n} "
        raise InputError(
            f"{name} should be {size}finite numbers, one for each unit; got shape {found.shape} with "
            f"{int((~np.isfinite(found)).sum())} that are not finite; leave units without a prediction out and say so"
        )
    return found


def probabilities(given: ArrayLike, n: int) -> Floats:
    """(n,) probabilities of value 1, or (n, k) of each value with rows that sum to 1."""
    found = _array(given, "probabilities", np.float64)
    if found.ndim not in (1, 2) or len(found) != n:
        raise InputError(f"probabilities should be ({n},) of value 1 or ({n}, k) of all; got {found.shape}")
    if not (found >= 0).all() or not (_whole(found) if found.ndim == 2 else (found <= 1).all()):
        raise InputError("probabilities should be from 0 to 1, and each row of several values have the sum 1")
    return found


def weights_of(given: ArrayLike | None, n: int) -> Floats:
    """(n,) weights, 0 or more; None for 1 each."""
    if given is None:
        return np.ones(n)
    found = _array(given, "weights", np.float64)
    if found.shape != (n,) or not ((found >= 0) & (found < np.inf)).all():
        raise InputError(f"weights should be {n} numbers of 0 or more, 1 / P(drawn), one for each unit")
    return found


def numbered(groups: Sequence[Any] | npt.NDArray[Any] | None, n: int) -> Ints:
    """The number of the group of each unit, in order of appearance; None if each unit is one of its own."""
    if groups is None:
        return np.arange(n)
    numbers_: dict[Any, int] = {}
    names = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    if any(isinstance(one, float) and math.isnan(one) for one in names):
        raise InputError("groups should be names, one for each unit; got NaN, which names none")
    try:
        found = np.array([numbers_.setdefault(one, len(numbers_)) for one in names], np.int64)
    except TypeError as error:
        raise InputError(f"groups should be names, one for each unit: {error}") from error
    if len(found) != n:
        raise InputError(f"groups should be {n} names, one for each label; got {len(found)}")
    return found


def mean(values: Floats, weights: Floats) -> float | None:
    """The weighted mean; None of nothing."""
    whole = float(weights @ np.ones(len(weights)))  # as the sum of the products, so that the mean of ones is exactly 1
    return float(weights @ values) / whole if whole > 0 else None


def effective(weights: Floats, group: Ints) -> int:
    """How many equally weighted cases the groups are worth (Kish), rounded down; 0 of nothing."""
    heavy = np.bincount(group, weights / weights.max(initial=1e-300))
    whole = float(heavy.sum())
    return max(1, int(whole**2 / float(heavy @ heavy) + 1e-9)) if whole > 0 else 0


def _whole(rows: Floats) -> bool:
    return rows.shape[1] > 1 and bool(np.allclose(rows.sum(axis=1), 1, atol=1e-4))


def _array(given: ArrayLike, name: str, dtype: type[np.float64] | None = None) -> npt.NDArray[Any]:
    try:
        return np.asarray(given, dtype)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} should be numbers, with as many in each row: {error}") from error
