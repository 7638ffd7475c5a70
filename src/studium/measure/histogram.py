"""How grey levels are spread: the histogram, and whether it has two peaks.

Everything here follows from the 256 counts of `intensity_counts`, so it is exact.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.core.column import Column
from studium.errors import InputError
from studium.measure.at_size import AtSize
from studium.measure.parameters import check_whole
from studium.media.transform import Picture, grey

__all__ = ["Histogram", "bimodality", "contrast_range", "entropy", "intensity_counts", "moments", "otsu"]

Counts = npt.NDArray[np.int64]
LEVELS = np.arange(256)


def intensity_counts(image: Picture) -> Counts:
    """Pixels of every level.

    Args:
        image: grey uint8 H x W, or RGB uint8 H x W x 3.

    Returns:
        int64, 256 for grey, 3 x 256 for RGB.
    """
    counts = np.array(Image.fromarray(image).histogram(), dtype=np.int64)
    return counts.reshape(3, 256) if image.ndim == 3 else counts


def moments(counts: Counts) -> tuple[float, float]:
    """Mean and standard deviation (of the population) of the levels that were counted."""
    n = int(counts.sum())
    total, squares = int(counts @ LEVELS), int(counts @ LEVELS**2)
    return total / n, math.sqrt(n * squares - total**2) / n


def bimodality(counts: Counts) -> float:
    """Sarle's bimodality coefficient (skewness² + 1) / kurtosis of all pixels (a population: no sample correction).

    Returns:
        0..1: 5/9 for a uniform and 1/3 for a normal distribution, 1 for two equally frequent levels; above 5/9
        suggests two peaks. NaN if all pixels have one level.

    References:
        Pfister et al. (2013), doi:10.3389/fpsyg.2013.00700.
    """
    mean, sd = moments(counts)
    if sd == 0:
        return math.nan
    z = (LEVELS - mean) / sd
    share = counts / counts.sum()
    return min(1.0, float((share @ z**3) ** 2 + 1) / float(share @ z**4))


def otsu(counts: Counts) -> tuple[int, float]:
    """Otsu's threshold t, which parts levels <= t from levels > t, and how well it parts them.

    Returns:
        The level with the largest between-class variance (the lowest of several), and that variance as a share of
        the total variance, 0..1 (1: two levels only). (0, NaN) if all pixels have one level.

    References:
        Otsu (1979), doi:10.1109/TSMC.1979.4310076.
    """
    mean, sd = moments(counts)
    if sd == 0:
        return 0, math.nan
    share = counts / counts.sum()
    below, partial = np.cumsum(share)[:-1], np.cumsum(share * LEVELS)[:-1]
    inside = (below > 0) & (np.cumsum(counts)[:-1] < counts.sum())
    spread = np.where(inside, below * (1 - below), 1.0)
    between = np.where(inside, (mean * below - partial) ** 2 / spread, 0.0)
    level = int(between.argmax())
    return level, min(1.0, float(between[level]) / sd**2)


def entropy(counts: Counts) -> float:
    """Shannon entropy of the levels in bits, 0 (one level) to 8 (all equally often)."""
    share = counts[counts > 0] / counts.sum()
    return max(0.0, -float(share @ np.log2(share)))


def contrast_range(counts: Counts, coverage: float = 0.9) -> int:
    """Levels in the shortest interval that holds more than ``coverage`` of the pixels: 1 (one level) to 256.

    References:
        Ke, Tang & Jing (2006), doi:10.1109/CVPR.2006.303; Peng (2022), doi:10.5117/CCR2022.1.009.PENG.
    """
    cumulative = np.concatenate([[0], np.cumsum(counts)])
    ends = np.searchsorted(cumulative, cumulative[:-1] + coverage * cumulative[-1], side="right")
    return int((ends - LEVELS)[ends <= 256].min())


@dataclass(frozen=True)
class Histogram(AtSize):
    """How the grey levels of a picture are spread: their histogram, and whether it has two peaks.

    The histogram is a vector of shares, from dark to light, that sum to 1: use it to compare exposure or as features of
    a classifier. Bimodality and separability tell dark-on-light pictures (text, drawings, silhouettes, backlight) from
    evenly lit ones: bimodality above 5/9 suggests two peaks, separability near 1 means that one threshold parts the
    picture into two nearly uniform tones. A strongly skewed histogram with one peak can also exceed 5/9.

    Where in the picture a tone lies is not in the histogram: two quite different pictures can share one.

    Attributes:
        bins: number of bins, each of 256 / bins levels: 1, 2, 4, 8, 16, 32, 64, 128 or 256.
        longest: pictures with a longer side are shrunk to it first, in px.
    """

    name: ClassVar[str] = "histogram"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    bins: int = 64
    longest: int = 512

    def __post_init__(self) -> None:
        """Refuse an impossible size, and bins of unequal width."""
        super().__post_init__()
        check_whole(self, "bins", 1, 256)
        if 256 % self.bins:
            raise InputError(
                f"{self.name}: bins should divide the 256 grey levels evenly (32, 64 ...), got {self.bins}"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """The histogram and three numbers about its shape."""
        return (
            Column("intensity_histogram", "float32", "share of pixels per grey bin, dark to light", "share",
                   0, 1, size=self.bins),
            Column("intensity_bimodality", "float32", "Sarle's bimodality coefficient of grey; above 5/9 suggests two "
                   "peaks; NaN if one level", "", 0, 1, source="doi:10.3389/fpsyg.2013.00700"),
            Column("intensity_separability", "float32", "between-class share of grey variance at Otsu's threshold; NaN "
                   "if one level", "share", 0, 1, source="doi:10.1109/TSMC.1979.4310076"),
            Column("intensity_threshold", "int32", "Otsu's threshold of grey; 0 if one level", "level", 0, 255,
                   source="doi:10.1109/TSMC.1979.4310076"),
        )  # fmt: skip

    def row(self, item: Picture) -> Mapping[str, Any]:
        """Measure one RGB picture."""
        counts = intensity_counts(grey(self.shrunk(item)))
        threshold, separability = otsu(counts)
        return {
            "intensity_histogram": counts.reshape(self.bins, -1).sum(axis=1) / counts.sum(),
            "intensity_bimodality": bimodality(counts),
            "intensity_separability": separability,
            "intensity_threshold": threshold,
        }
