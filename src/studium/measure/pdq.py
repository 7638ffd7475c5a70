"""PDQ, the 256-bit perceptual hash of the hash-sharing programmes against abuse and terrorist content."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.measure.at_size import AtSize
from studium.media.transform import Picture

__all__ = ["Pdq", "pdq"]

SIDE, KEPT = 64, 16
LUMA = (0.299, 0.587, 0.114)
SOURCE = (
    "Meta (2019), The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm, "
    "https://github.com/facebook/ThreatExchange/blob/main/hashing/hashing.pdf"
)

Matrix = npt.NDArray[np.float64]


def pdq(image: Picture) -> tuple[bytes, int]:
    """Hash one picture.

    Luma, two passes of a box filter, 64 x 64 samples, the 16 x 16 lowest DCT coefficients without the mean, a bit for
    each above their median. The filters are linear and separable, so a sample is one weighted sum per side.
    Coefficients are rounded to 1e-6, so that a picture of one colour hashes to zeros and not to floating-point noise.

    Args:
        image: RGB uint8 H x W x 3, of any size; nothing is downscaled here.

    Returns:
        32 bytes (``.hex()`` is the usual text) and the quality, 0 (one colour) to 100; discard hashes below 50.

    References:
        Meta (2019), https://github.com/facebook/ThreatExchange/blob/main/hashing/hashing.pdf.
    """
    height, width = image.shape[:2]
    luma = image[..., 0] * LUMA[0] + image[..., 1] * LUMA[1] + image[..., 2] * LUMA[2]
    down, across = _taps(height), _taps(width)
    samples = np.einsum("ik,ikx->ix", down.weights, luma[down.places])
    samples = np.einsum("jk,ijk->ij", across.weights, samples[:, across.places])
    basis = _basis()
    coefficients = np.round(basis @ samples @ basis.T, 6)
    above = coefficients > np.partition(coefficients, 127, axis=None)[127]
    return np.packbits(above[::-1, ::-1]).tobytes(), _quality(samples)


@dataclass(frozen=True)
class Pdq(AtSize):
    """PDQ: a 256-bit fingerprint of how a picture looks, to find copies of it, and how far to trust it.

    Two files of the same picture, resized, recompressed or slightly blurred, usually differ in at most 31 of 256 bits;
    two unrelated pictures in about 128. Count the bits that differ (Hamming distance), or let `duplicates` do it. It is
    the hash in which platforms share lists of known abuse and terrorist content; `phash` is shorter and less exact.

    It does not find what was mirrored, turned, framed or cropped (already 5 % of a side is too much), and it does not
    know what a picture shows: two photographs of one event are strangers to it. With a quality below 50 (a plain sky, a
    blank slide) ignore the hash, since unrelated plain pictures get hashes that are near each other.

    Attributes:
        longest: pictures with a longer side are shrunk to it first, in px. That is faster, and differs from the hash of
            all pixels (in 4 to 20 of 256 bits on four photographs, since the filter's windows are whole pixels), so
            hash both sides of a comparison alike.
    """

    name: ClassVar[str] = "pdq"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    longest: int = 512

    @property
    def columns(self) -> tuple[Column, ...]:
        """The hash, 32 bytes, and its quality."""
        return (
            Column("pdq", "binary", "256-bit PDQ hash; copies are usually at most 31 bits apart", source=SOURCE),
            Column(
                "pdq_quality", "int32", "gradient in the picture; discard hashes below 50", "", 0, 100, source=SOURCE
            ),
        )

    def row(self, item: Picture) -> Mapping[str, Any]:
        """Hash one RGB picture."""
        hashed, quality = pdq(self.shrunk(item))
        return {"pdq": hashed, "pdq_quality": quality}


def _quality(samples: Matrix) -> int:
    steps = sum(np.abs(np.trunc(np.diff(samples, axis=axis) * 100 / 255)).sum() for axis in (0, 1))
    return min(100, int(steps / 90))


class Taps(NamedTuple):
    """What each of the 64 samples of a side is made of: 64 x k places and their weights, which sum to 1."""

    places: npt.NDArray[np.intp]
    weights: Matrix


@lru_cache(maxsize=512)
def _taps(length: int) -> Taps:
    """Filter a side twice with a box (clipped at the ends) and sample 64 places of it, all in one."""
    window = -(-length // 128)
    ahead = (window + 2) // 2
    pixels = np.arange(length)
    start, stop = np.maximum(pixels + ahead - window, 0), np.minimum(pixels + ahead, length)
    sampled = ((np.arange(SIDE) + 0.5) * length / SIDE).astype(np.intp)
    first, last = start[start[sampled]], stop[stop[sampled] - 1]
    reach = int((last - first).max())
    places = np.minimum(first, length - reach)[:, None] + np.arange(reach)
    weights = np.empty(places.shape)
    for row, (sample, near) in enumerate(zip(sampled, places, strict=True)):
        within = slice(start[sample], stop[sample])
        box = (near >= start[within, None]) & (near < stop[within, None])
        weights[row] = (box / (stop - start)[within, None]).mean(axis=0)
    return Taps(places, weights)


@cache
def _basis() -> Matrix:
    """Rows 1 to 16 of the DCT-II of 64 points, scaled by sqrt(2 / 64)."""
    rows = np.arange(1, KEPT + 1)
    return np.asarray(np.sqrt(2 / SIDE) * np.cos(np.pi / (2 * SIDE) * np.outer(rows, 2 * np.arange(SIDE) + 1)))
