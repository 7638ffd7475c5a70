"""What every part of explore asks of the arrays handed to it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studium.errors import InputError

__all__ = ["Matrix", "matrix", "table_of_rows", "unit_rows"]

Matrix = NDArray[np.floating[Any]]
"""One row per unit, one column per feature; float32 or float64."""


def table_of_rows(X: ArrayLike, name: str = "X") -> NDArray[Any]:
    """``X`` as a real (n, d) array, neither copied nor read if it is one already (a memory map stays one).

    Raises:
        InputError: not two-dimensional, without columns, or not numbers.
    """
    rows = X if isinstance(X, np.ndarray) else np.asarray(X)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"{name} must have shape (n, d) with d >= 1, one row per unit; got shape {rows.shape}")
    if rows.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers, got dtype {rows.dtype}")
    return rows


def matrix(X: ArrayLike, name: str = "X") -> Matrix:
    """``X`` as a finite C-contiguous (n, d) array: float64 stays float64, anything narrower becomes float32.

    Raises:
        InputError: as `table_of_rows`, or NaN or infinity in a row.
    """
    rows = table_of_rows(X, name)
    exact_in_32 = rows.dtype in (np.float16, np.float32) or rows.dtype.itemsize <= 2
    out: Matrix = np.ascontiguousarray(rows, dtype=np.float32 if exact_in_32 else np.float64)
    bad = np.flatnonzero(~np.isfinite(out).all(axis=1))
    if bad.size:
        raise InputError(
            f"{name} must be finite: {bad.size} of {len(out)} rows hold NaN or infinity (first: row {bad[0]}); "
            "leave out the units that could not be measured"
        )
    return out


def unit_rows(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Rows scaled to length 1, float32; a row of zeros has no direction and stays zeros."""
    wide = rows.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    wide /= np.where(length > 0, length, 1.0)[:, None]
    return wide.astype(np.float32)
