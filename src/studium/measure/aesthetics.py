"""Composition and texture: edges, sharpness, depth of field, rule of thirds, symmetry, entropy, complexity.

Every function takes a grey picture, uint8 H x W (`transform.grey`), unless it says otherwise. Edges and sharpness
depend on the size of the picture: compare pictures of one size, as the `Aesthetics` measure does.
"""

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.core.column import Column
from studium.errors import MissingExtraError
from studium.measure.at_size import AtSize
from studium.measure.histogram import entropy, intensity_counts, otsu
from studium.media.transform import Picture, grey

__all__ = [
    "Aesthetics",
    "complexity",
    "depth_of_field",
    "edge_distance",
    "edges",
    "rule_of_thirds",
    "saliency",
    "sharpness",
    "symmetry",
]

EDGE_POINTS = 1000
SALIENCY_SIDE = 64
ATHEC = "doi:10.5117/CCR2022.1.009.PENG"
THIRDS = f"{ATHEC}; saliency: doi:10.1109/CVPR.2007.383267"


def edges(image: Picture) -> npt.NDArray[np.bool_]:
    """Edge pixels after Canny, with Otsu's threshold t as the upper and t / 2 as the lower threshold.

    Returns:
        bool H x W, all False for a picture of one level. Its mean is the edge density.

    References:
        Canny (1986), doi:10.1109/TPAMI.1986.4767851; Peng (2022), doi:10.5117/CCR2022.1.009.PENG.
    """
    threshold, separability = otsu(intensity_counts(image))
    if math.isnan(separability):
        return np.zeros(image.shape, dtype=np.bool_)
    return np.asarray(_cv2().Canny(image, threshold / 2, threshold) > 0)


def edge_distance(found: npt.NDArray[np.bool_]) -> float:
    """Mean distance of two edge pixels, as a share of the diagonal: low if detail is in one place.

    Args:
        found: bool H x W, as `edges` gives; of more than 1,000 edge pixels 1,000 are drawn (always the same
            ones), which costs a standard error of about .004 on photographs.

    Returns:
        0..1; NaN with fewer than two edge pixels.
    """
    points = np.argwhere(found).astype(np.float32)
    if len(points) < 2:
        return math.nan
    if len(points) > EDGE_POINTS:
        points = points[np.random.default_rng(0).choice(len(points), EDGE_POINTS, replace=False)]
    n = len(points)
    total = sum(_distances(points[start : start + 50], points) for start in range(0, n, 50))
    return total / (n * (n - 1)) / math.hypot(found.shape[0], found.shape[1])


def sharpness(image: Picture) -> float:
    """Standard deviation of the Laplacian (4 neighbours; mirrored at the border), 0 for a flat picture.

    References:
        Pech-Pacheco et al. (2000), doi:10.1109/ICPR.2000.903548.
    """
    return _sd(_laplacian(image))


def depth_of_field(image: Picture) -> float:
    """Share of the detail (absolute Laplacian) that lies in the inner 4 of 4 x 4 blocks.

    Returns:
        0..1; above .25 if the middle is sharper than the rest, as with a low depth of field. NaN if the picture is
        flat or has a side below 4 px.

    References:
        after Datta et al. (2006), doi:10.1007/11744078_23, who use wavelet coefficients.
    """
    height, width = image.shape
    detail = np.abs(_laplacian(image))
    total = int(detail.sum(dtype=np.int64))
    if min(height, width) < 4 or not total:
        return math.nan
    inner = detail[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return int(inner.sum(dtype=np.int64)) / total


def saliency(image: Picture) -> npt.NDArray[np.float64]:
    """Where a picture draws the eye: the spectral residual of its 64 x 64 version.

    Returns:
        float64 64 x 64, sums to 1; all NaN if the picture is flat.

    References:
        Hou & Zhang (2007), doi:10.1109/CVPR.2007.383267.
    """
    cv2 = _cv2()
    small = cv2.resize(image, (SALIENCY_SIDE, SALIENCY_SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    if small.min() == small.max():
        return np.full((SALIENCY_SIDE, SALIENCY_SIDE), math.nan)
    spectrum = np.fft.fft2(small)
    amplitude = np.log1p(np.abs(spectrum))  # 1 is far below the rounding noise of 8-bit levels, and above 0
    residual = amplitude - cv2.blur(amplitude, (3, 3), borderType=cv2.BORDER_REPLICATE)
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    smooth = cv2.GaussianBlur(np.abs(back) ** 2, (0, 0), 2.5)
    return np.asarray(smooth / smooth.sum())


def rule_of_thirds(salient: npt.NDArray[np.float64], height: int, width: int) -> tuple[float, float, float]:
    """How a picture's saliency lies to the lines that cut its sides in three.

    Args:
        salient: square array that sums to 1, as `saliency` gives.
        height: of the picture in pixels.
        width: of the picture in pixels.

    Returns:
        Distance of the centre of saliency to the nearest of the four crossings of the lines, as a share of the diagonal
        (0 to 1/3); share of saliency in the two bands around the horizontal lines (1/4 to 5/12 and 7/12 to 3/4 of the
        height; 1/3 if it is spread evenly); the same for the vertical lines. NaN if the saliency is.

    References:
        Peng (2022), doi:10.5117/CCR2022.1.009.PENG; Amirshahi et al. (2014), doi:10.1163/22134913-00002024.
    """
    ends = np.linspace(0, 1, len(salient) + 1)
    places = (ends[:-1] + ends[1:]) / 2
    rows, columns = salient.sum(axis=1), salient.sum(axis=0)
    down, right = (min(abs(float(share @ places) - third) for third in (1 / 3, 2 / 3)) for share in (rows, columns))
    distance = math.hypot(down * height, right * width) / math.hypot(height, width)
    in_band = sum(np.diff(np.clip(ends, third - 1 / 12, third + 1 / 12)) for third in (1 / 3, 2 / 3)) * len(salient)
    return float(distance), float(rows @ in_band), float(columns @ in_band)


def symmetry(image: Picture) -> float:
    """Likeness of the picture and its mirror image, left and right: 1 - mean |I - flip I| / 255, 0..1 (1: the same)."""
    cv2 = _cv2()
    return 1 - float(cv2.norm(image, cv2.flip(image, 1), cv2.NORM_L1)) / (255 * image.size)


def complexity(image: Picture) -> float:
    """Visual complexity: bytes per pixel of the picture as a JPEG of quality 75, 4:2:0.

    The file's header (about 600 bytes) counts, so the value means little for pictures of a few hundred pixels.

    Args:
        image: RGB uint8 H x W x 3.

    References:
        Machado et al. (2015), doi:10.1016/j.actpsy.2015.06.005.
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75, subsampling="4:2:0")
    return file.tell() / (image.size // 3)


@dataclass(frozen=True)
class Aesthetics(AtSize):
    """Composition and texture of a picture.

    How detail is spread over a picture: how much there is (edge density, entropy, complexity), how sharp it is, and
    where it lies (edge distance, depth of field, rule of thirds, symmetry). Good for telling styles apart, such as
    snapshots, staged photographs and graphics. High edge density and complexity mean a busy picture; a depth of field
    above .25 means a middle sharper than the rest; a small distance to the thirds means that what draws the eye lies
    near a crossing of the thirds.

    These are proxies computed from pixels. None of them is beauty or quality: noise and JPEG artefacts count as
    detail, and so does overlaid text. A value without meaning (a flat picture) is NaN.

    Attributes:
        longest: pictures with a longer side are shrunk to it first, in px, since edges and sharpness depend on
            the size; smaller ones are not enlarged and compare with others of their size only.
    """

    name: ClassVar[str] = "aesthetics"
    version: ClassVar[str] = "2"
    takes: ClassVar[str] = "image"

    longest: int = 512

    @property
    def columns(self) -> tuple[Column, ...]:
        """Ten numbers."""
        return COLUMNS

    def prepare(self) -> None:
        """Say before the run if OpenCV is missing."""
        _cv2()

    def row(self, item: Picture) -> Mapping[str, Any]:
        """Measure one RGB picture."""
        image = self.shrunk(item)
        intensity = grey(image)
        found = edges(intensity)
        thirds = rule_of_thirds(saliency(intensity), *intensity.shape)
        return {
            "edge_density": float(found.mean()),
            "edge_distance": edge_distance(found),
            "sharpness": sharpness(intensity),
            "depth_of_field": depth_of_field(intensity),
            **dict(zip(("thirds_distance", "thirds_rows", "thirds_columns"), thirds, strict=True)),
            "symmetry": symmetry(intensity),
            "entropy": entropy(intensity_counts(intensity)),
            "complexity": complexity(image),
        }


COLUMNS = (
    Column("edge_density", "float32", "share of edge pixels (Canny)", "share", 0, 1, source=ATHEC),
    Column("edge_distance", "float32", "mean distance of two edge pixels; NaN with fewer than two", "diagonals", 0, 1,
           source=ATHEC),
    Column("sharpness", "float32", "standard deviation of the Laplacian of grey", "levels", 0, 1020,
           source="doi:10.1109/ICPR.2000.903548"),
    Column("depth_of_field", "float32", "share of detail in the inner quarter; NaN if flat or below 4 px", "share",
           0, 1, source="after doi:10.1007/11744078_23"),
    Column("thirds_distance", "float32", "centre of saliency to the nearest crossing of thirds; NaN if flat",
           "diagonals", 0, 1 / 3, source=THIRDS),
    Column("thirds_rows", "float32", "share of saliency around the horizontal lines of thirds; NaN if flat", "share",
           0, 1, source=THIRDS),
    Column("thirds_columns", "float32", "share of saliency around the vertical lines of thirds; NaN if flat", "share",
           0, 1, source=THIRDS),
    Column("symmetry", "float32", "likeness to the mirror image, left and right", "share", 0, 1, source=ATHEC),
    Column("entropy", "float32", "Shannon entropy of grey levels", "bits", 0, 8, source=ATHEC),
    Column("complexity", "float32", "bytes per pixel of a JPEG of quality 75", "bytes/px", 0,
           source="doi:10.1016/j.actpsy.2015.06.005"),
)  # fmt: skip


def _distances(some: npt.NDArray[np.float32], points: npt.NDArray[np.float32]) -> float:
    """Sum of the distances of some points to all points."""
    down, right = (some[:, axis, None] - points[:, axis] for axis in (0, 1))
    return float(np.sqrt(down * down + right * right).sum(dtype=np.float64))


def _laplacian(image: Picture) -> npt.NDArray[np.int16]:
    cv2 = _cv2()
    return np.asarray(cv2.Laplacian(image, cv2.CV_16S, ksize=1))


def _sd(x: npt.NDArray[np.int16]) -> float:
    return float(_cv2().meanStdDev(x)[1][0, 0])


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "images") from error
    return cv2
