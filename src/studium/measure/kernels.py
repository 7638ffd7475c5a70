"""Kernels, pooling and padding as they are taught: short, exact, numpy only.

What deep learning calls a convolution is a cross-correlation: the kernel is not flipped,

    y_ij = sum_uv K_uv X_(i+u, j+v).

Turn the kernel by 180 degrees (``kernel[::-1, ::-1]``) for the convolution of signal processing. Dumoulin & Visin
(2016), A guide to convolution arithmetic for deep learning, doi:10.48550/arXiv.1603.07285.
"""

import math

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from studium.errors import InputError

__all__ = [
    "LAPLACIAN",
    "SOBEL_X",
    "SOBEL_Y",
    "average_pool",
    "box_kernel",
    "convolve",
    "gaussian_kernel",
    "gradient_magnitude",
    "laplacian",
    "max_pool",
    "zero_pad",
]

Array = npt.NDArray[np.float64]


def _constant(rows: list[list[float]]) -> Array:
    kernel = np.array(rows, dtype=np.float64)
    kernel.setflags(write=False)
    return kernel


SOBEL_X = _constant([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
"""Brightness rising to the right is positive."""

SOBEL_Y = _constant([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
"""Brightness rising downwards is positive."""

LAPLACIAN = _constant([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
"""Sum of the second derivatives: the four neighbours minus four times the pixel."""


def box_kernel(size: int) -> Array:
    """Average of ``size`` x ``size`` pixels: every weight is 1 / size²."""
    if size < 1:
        raise InputError(f"a kernel needs at least 1 x 1 pixels, got size={size}")
    return np.full((size, size), 1 / size**2)


def gaussian_kernel(sigma: float, radius: int | None = None) -> Array:
    """Weights exp(-(u² + v²) / 2 sigma²), divided by their sum.

    Args:
        sigma: standard deviation in pixels, above 0.
        radius: the kernel has 2 radius + 1 pixels a side; None takes three standard deviations, rounded up.
    """
    if sigma <= 0:
        raise InputError(f"sigma must be above 0 pixels, got {sigma}")
    if radius is not None and radius < 0:
        raise InputError(f"radius must be at least 0 pixels, got {radius}")
    reach = math.ceil(3 * sigma) if radius is None else radius
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel = np.outer(weights, weights)
    return np.asarray(kernel / kernel.sum())


def zero_pad(x: npt.ArrayLike, width: int) -> Array:
    """Surround H x W (x C) with ``width`` rows and columns of zeros."""
    inner = np.asarray(x, dtype=np.float64)
    return np.pad(inner, [(width, width)] * 2 + [(0, 0)] * (inner.ndim - 2))


def convolve(x: npt.ArrayLike, kernel: npt.ArrayLike, *, padding: int = 0, stride: int = 1) -> Array:
    """y_ij = sum_uv K_uv X_(stride i + u, stride j + v), for every place where the kernel fits.

    Args:
        x: H x W, or H x W x C (each channel on its own).
        kernel: k x l weights.
        padding: rows and columns of zeros put around ``x`` first; (k - 1) / 2 keeps the size of ``x``.
        stride: step between two places of the kernel, in pixels.

    Returns:
        float64, (H + 2 padding - k) // stride + 1 rows, columns likewise.

    Raises:
        InputError: if the kernel is larger than the padded ``x``.
    """
    weights = np.asarray(kernel, dtype=np.float64)
    if weights.ndim != 2:
        raise InputError(f"a kernel has two dimensions, got {weights.ndim}")
    windows = _windows(zero_pad(x, padding), (weights.shape[0], weights.shape[1]), stride)
    return np.asarray(np.einsum("...uv,uv->...", windows, weights))


def gradient_magnitude(x: npt.ArrayLike, *, padding: int = 0) -> Array:
    """Steepness of the brightness: the length of (Sobel x, Sobel y)."""
    return np.hypot(convolve(x, SOBEL_X, padding=padding), convolve(x, SOBEL_Y, padding=padding))


def laplacian(x: npt.ArrayLike, *, padding: int = 0) -> Array:
    """`convolve` with `LAPLACIAN`: 0 in flat and evenly sloping regions, large on both sides of an edge."""
    return convolve(x, LAPLACIAN, padding=padding)


def max_pool(x: npt.ArrayLike, size: int, stride: int | None = None) -> Array:
    """Largest value of every ``size`` x ``size`` window; ``stride`` is ``size`` unless given; the rest is left out."""
    windows = _windows(np.asarray(x, dtype=np.float64), (size, size), size if stride is None else stride)
    return np.asarray(windows.max(axis=(-2, -1)))


def average_pool(x: npt.ArrayLike, size: int, stride: int | None = None) -> Array:
    """Mean of every ``size`` x ``size`` window; ``stride`` is ``size`` unless given; the rest is left out."""
    windows = _windows(np.asarray(x, dtype=np.float64), (size, size), size if stride is None else stride)
    return np.asarray(windows.mean(axis=(-2, -1)))


def _windows(x: Array, shape: tuple[int, int], stride: int) -> Array:
    if x.ndim not in (2, 3) or min(shape) < 1 or shape[0] > x.shape[0] or shape[1] > x.shape[1]:
        raise InputError(f"a window of {shape[0]} x {shape[1]} does not fit into an array of shape {x.shape}; pad it")
    if stride < 1:
        raise InputError(f"stride must be at least 1 pixel, got {stride}")
    return sliding_window_view(x, shape, axis=(0, 1))[::stride, ::stride]
