"""Colour of a picture: brightness, contrast, RGB, HSV and L*a*b* statistics, colourfulness and named colours."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.measure.at_size import AtSize
from studium.measure.colour_names import CHROMATIC, NAMES, named_shares
from studium.measure.histogram import contrast_range, intensity_counts, moments
from studium.measure.lab import to_lab
from studium.media.transform import Picture, grey

__all__ = ["Colour", "colourfulness", "hue_statistics", "lab_statistics", "shannon", "simpson"]

Plane = npt.NDArray[np.uint8]
HUE_BINS = 20
PART = 1 << 14
ATHEC = "doi:10.5117/CCR2022.1.009.PENG"
HASLER = "doi:10.1117/12.477378"
KE = "doi:10.1109/CVPR.2006.303"
SURVEY = "doi:10.1145/2207676.2208547"


def colourfulness(image: Picture) -> float:
    """Hasler & Suesstrunk's M3: sqrt(var rg + var yb) + .3 sqrt(mean rg² + mean yb²).

    rg = R - G and yb = (R + G) / 2 - B are signed, not their absolute values; variances are of the population.

    Args:
        image: RGB uint8 H x W x 3.

    Returns:
        0 (grey) to below 298; people call 15 slightly, 45 averagely and 82 highly colourful.

    References:
        Hasler & Suesstrunk (2003), doi:10.1117/12.477378.
    """
    red, green, blue = (image[..., channel].astype(np.int16) for channel in range(3))
    opponents = (red - green, red + green - 2 * blue)
    (rg, rg_sd), (yb, yb_sd) = ((float(x.mean()), float(x.std())) for x in opponents)
    return math.hypot(rg_sd, yb_sd / 2) + 0.3 * math.hypot(rg, yb / 2)


def lab_statistics(image: Picture) -> tuple[float, float, float, float]:
    """Mean and standard deviation of L*, and means of a* and b* (CIE 1976; sRGB, D65).

    Args:
        image: RGB uint8 H x W x 3.

    Returns:
        L* mean and SD on 0..100; a* (green to red) and b* (blue to yellow) on about -128..128.
    """
    sums = np.zeros(4)
    for part in _parts(_planes(image)):
        lab = to_lab(part)
        sums += (*lab.sum(axis=1, dtype=np.float64), (lab[0].astype(np.float64) ** 2).sum())
    light_mean, a_mean, b_mean, square = (float(x) for x in sums * 3 / image.size)
    return light_mean, math.sqrt(max(0.0, square - light_mean**2)), a_mean, b_mean


def hue_statistics(image: Picture) -> tuple[float, float, float, float, int]:
    """Saturation and hue in HSV.

    Hue is looked at where it is visible: saturation at least .2 and value .15 to .95 (Ke, Tang & Jing).

    Args:
        image: RGB uint8 H x W x 3.

    Returns:
        Saturation mean and standard deviation, 0..255; circular mean hue in degrees, 0 red, 120 green, 240 blue;
        hue concentration, the length of the mean hue vector, 0 (all around the circle) to 1 (one hue); hue count, the
        number of 20 equal hue bins holding more than 5 % of what the fullest bin holds. Without visible hue, or if hues
        cancel out, the mean hue is NaN; without visible hue the concentration is NaN and the count 0.

    References:
        Ke, Tang & Jing (2006), doi:10.1109/CVPR.2006.303; Mardia & Jupp (2000), doi:10.1002/9780470316979.
    """
    sums, bins = np.zeros(4), np.zeros(HUE_BINS, dtype=np.int64)
    for part in _parts(_planes(image)):
        high, chroma = _high_and_chroma(part)
        saturation = chroma * (np.float32(255) / np.maximum(high, 1))
        saturated = chroma.astype(np.int16) * 5 >= high  # S >= .2 without rounding
        visible = np.flatnonzero(saturated & (high >= 0.15 * 255) & (high <= 0.95 * 255))
        hue = _hue(part.take(visible, axis=1), high.take(visible), chroma.take(visible))
        turns = np.deg2rad(hue)
        sums += [float(x.sum(dtype=np.float64)) for x in (saturation, saturation**2, np.cos(turns), np.sin(turns))]
        bins += np.bincount((hue * (HUE_BINS / 360)).astype(np.intp), minlength=HUE_BINS)
    mean, square = (float(x) for x in sums[:2] * 3 / image.size)
    sd = math.sqrt(max(0.0, square - mean**2))
    if not bins.any():
        return mean, sd, math.nan, math.nan, 0
    east, north = (float(x) for x in sums[2:] / bins.sum())
    length = min(1.0, math.hypot(east, north))
    direction = math.degrees(math.atan2(north, east)) % 360 if length > 1e-6 else math.nan
    return mean, sd, direction, length, int((bins > 0.05 * bins.max()).sum())


def shannon(shares: npt.NDArray[np.float64]) -> float:
    """Shannon entropy -sum p ln p, in nats, of shares made to sum to 1: 0 to ln(len(shares)). NaN if all are 0."""
    if not shares.sum():
        return math.nan
    p = shares[shares > 0] / shares.sum()
    return max(0.0, -float(p @ np.log(p)))


def simpson(shares: npt.NDArray[np.float64]) -> float:
    """Simpson's diversity 1 - sum p² of shares made to sum to 1: 0 to 1 - 1 / len(shares). NaN if all are 0."""
    if not shares.sum():
        return math.nan
    p = shares / shares.sum()
    return max(0.0, 1 - float(p @ p))


HUE_COLUMNS = ("saturation_mean", "saturation_sd", "hue_mean", "hue_concentration", "hue_count")
LAB_COLUMNS = ("lightness_mean", "lightness_sd", "lab_a_mean", "lab_b_mean")

COLUMNS = (
    *(
        Column(f"{name}_{what}", "float32", f"{said} of {of}", "level", 0, high, source=source)
        for name, of, source in (
            ("brightness", "grey (BT.601 luma)", ATHEC),
            ("red", "red", ""),
            ("green", "green", ""),
            ("blue", "blue", ""),
            ("value", "V of HSV", ATHEC),
        )
        for what, said, high in (("mean", "mean", 255), ("sd", "standard deviation", 127.5))
    ),
    Column("contrast_range", "int32", "grey levels in the shortest interval with over 90 % of pixels", "levels", 1, 256,
           source=ATHEC),
    Column("saturation_mean", "float32", "mean of S of HSV", "level", 0, 255, source=ATHEC),
    Column("saturation_sd", "float32", "standard deviation of S of HSV", "level", 0, 127.5, source=ATHEC),
    Column("hue_mean", "float32", "circular mean of visible hue; NaN if none", "degrees", 0, 360,
           source="doi:10.1002/9780470316979"),
    Column("hue_concentration", "float32", "length of the mean hue vector, 1 for one hue; NaN if none", "", 0, 1,
           source="doi:10.1002/9780470316979"),
    Column("hue_count", "int32", "hues of 20 with over 5 % of the most frequent one's pixels", "", 0, 20, source=KE),
    Column("lightness_mean", "float32", "mean of CIE L*", "", 0, 100, source="ISO/CIE 11664-4:2019"),
    Column("lightness_sd", "float32", "standard deviation of CIE L*", "", 0, 50, source="ISO/CIE 11664-4:2019"),
    Column("lab_a_mean", "float32", "mean of CIE a*, green to red", "", -128, 128, source="ISO/CIE 11664-4:2019"),
    Column("lab_b_mean", "float32", "mean of CIE b*, blue to yellow", "", -128, 128, source="ISO/CIE 11664-4:2019"),
    Column("colourfulness", "float32", "Hasler & Suesstrunk's M3", "", 0, 298, source=HASLER),
    *(Column(f"share_{name}", "float32", f"share of {name} pixels", "share", 0, 1, source=SURVEY) for name in NAMES),
    Column("colour_variety_shannon", "float32", "entropy of the 8 chromatic shares; NaN without any", "nats",
           0, 2.0795, source=ATHEC),
    Column("colour_variety_simpson", "float32", "1 - sum p² of the 8 chromatic shares; NaN without any", "",
           0, 0.875, source=ATHEC),
)  # fmt: skip


@dataclass(frozen=True)
class Colour(AtSize):
    """Brightness, contrast, colour statistics, colourfulness and named colours of a picture.

    What a viewer takes in at a glance, as numbers: how light, how contrasted, how colourful, which colours. Good for
    comparing sources, parties or years, and as controls in a regression. Means and standard deviations (``_sd``, over
    the pixels of one picture) are in levels from 0, dark, to 255, light. People call a picture with a colourfulness of
    15 slightly, of 45 averagely and of 82 highly colourful. The eleven ``share_`` columns sum to 1 and say which basic
    colour term each pixel bears. The mean hue is an angle, 0 red, 120 green, 240 blue: 359 and 1 are neighbours, so
    never average it. Without visible colour, hue and variety are NaN, which is not 0.

    It sees pixels, not things: a red share says nothing about whose flag it is, and filters, borders and overlaid text
    count like the scene.

    Attributes:
        longest: pictures with a longer side are shrunk to it first, in px.
    """

    name: ClassVar[str] = "colour"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    longest: int = 512

    @property
    def columns(self) -> tuple[Column, ...]:
        """All statistics, one number each."""
        return COLUMNS

    def row(self, item: Picture) -> Mapping[str, Any]:
        """Measure one RGB picture."""
        image = self.shrunk(item)
        shares = named_shares(image)
        variety = np.array([shares[name] for name in CHROMATIC])
        return {
            **_level_statistics(image),
            **dict(zip(HUE_COLUMNS, hue_statistics(image), strict=True)),
            **dict(zip(LAB_COLUMNS, lab_statistics(image), strict=True)),
            "colourfulness": colourfulness(image),
            **{f"share_{name}": shares[name] for name in NAMES},
            "colour_variety_shannon": shannon(variety),
            "colour_variety_simpson": simpson(variety),
        }


def _level_statistics(image: Picture) -> dict[str, float]:
    counts = {"brightness": intensity_counts(grey(image))}
    counts |= dict(zip(("red", "green", "blue"), intensity_counts(image), strict=True))
    counts["value"] = np.bincount(_high_and_chroma(_planes(image))[0], minlength=256)
    row = {
        f"{name}_{what}": x for name, n in counts.items() for what, x in zip(("mean", "sd"), moments(n), strict=True)
    }
    return row | {"contrast_range": contrast_range(counts["brightness"])}


def _planes(image: Picture) -> Plane:
    return np.ascontiguousarray(image.reshape(-1, 3).T)


def _parts(planes: Plane) -> Iterator[Plane]:
    """The same pixels in parts that stay in the processor's cache: L*a*b* takes a third of the time."""
    for start in range(0, planes.shape[1], PART):
        yield planes[:, start : start + PART]


def _high_and_chroma(planes: Plane) -> tuple[Plane, Plane]:
    """The largest of red, green and blue, and how far it lies above the smallest."""
    red, green, blue = planes
    high = np.maximum(np.maximum(red, green), blue)
    return high, high - np.minimum(np.minimum(red, green), blue)


def _hue(planes: Plane, high: Plane, chroma: Plane) -> npt.NDArray[np.float32]:
    """Hue in degrees, 0 <= h < 360, of pixels with a chroma above 0."""
    red, green, blue = planes.astype(np.float32)
    scale = np.float32(60) / chroma
    around_green = np.where(high == planes[1], (blue - red) * scale + 120, (red - green) * scale + 240)
    hue = np.where(high == planes[0], (green - blue) * scale, around_green)
    return np.asarray(np.where(hue < 0, hue + np.float32(360), hue))
