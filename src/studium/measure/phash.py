"""The 64-bit DCT perceptual hash (pHash): near-duplicates have hashes few bits apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.core.column import Column
from studium.measure.per_item import PerItem
from studium.media.transform import Picture, check_rgb

__all__ = ["Phash", "phash"]

SIDE, KEPT = 32, 8
SOURCE = (
    "Zauner (2010), Implementation and benchmarking of perceptual image hash functions, "
    "https://www.phash.org/docs/pubs/thesis_zauner.pdf"
)


def phash(image: Picture) -> bytes:
    """Hash one picture, as ``imagehash.phash`` does.

    Grey, 32 x 32 (Lanczos), the 8 x 8 lowest DCT-II coefficients, a bit for each above their median. Coefficients are
    rounded to 1e-6 before they are compared, so that pictures with exact ties (one colour, pure gradients) do not get
    bits from floating-point noise.

    Args:
        image: RGB uint8 H x W x 3.

    Returns:
        8 bytes, coefficients row by row from the mean on, the first bit highest (``.hex()`` is imagehash's text).

    References:
        Krawetz (2011), https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html; Zauner (2010),
        Implementation and benchmarking of perceptual image hash functions; imagehash 4.3.
    """
    small = Image.fromarray(image).convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    basis = _basis()
    coefficients = np.round(basis @ np.asarray(small, dtype=np.float64) @ basis.T, 6)
    return np.packbits(coefficients > np.median(coefficients)).tobytes()


@dataclass(frozen=True)
class Phash(PerItem):
    """pHash: a 64-bit fingerprint of how a picture looks, to find copies of it quickly.

    It keeps the coarse light and dark of the picture: resized, recompressed or slightly brightened copies differ in few
    of the 64 bits, unrelated pictures in about 32. Count the bits that differ (Hamming distance); the fewer, the
    likelier a copy, and among many pictures some near pairs are chance. It is the hash that ``imagehash.phash`` makes,
    so it compares with lists made with that; to find duplicates within a study take `pdq`.

    It is blind to colour, and does not find what was mirrored, turned, framed or cropped. Plain slides and dark frames
    get hashes near each other, and nothing here warns of it, as the quality of `pdq` does.
    """

    name: ClassVar[str] = "phash"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    @property
    def columns(self) -> tuple[Column, ...]:
        """One hash of 8 bytes."""
        about = "64-bit DCT perceptual hash (imagehash.phash); compare by Hamming distance"
        return (Column("phash", "binary", about, source=SOURCE),)

    def row(self, item: Picture) -> Mapping[str, Any]:
        """Hash one RGB picture."""
        return {"phash": phash(check_rgb(item))}


@cache
def _basis() -> npt.NDArray[np.float64]:
    """The first 8 rows of the DCT-II of 32 points."""
    return np.asarray(np.cos(np.pi / SIDE * np.outer(np.arange(KEPT), np.arange(SIDE) + 0.5)))
