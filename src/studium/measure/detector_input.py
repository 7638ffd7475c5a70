"""Pictures as an object detector takes them, and its boxes back in pixels of the picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.measure.detector_description import Description
from studium.media.transform import Picture

__all__ = ["Fit", "beside", "fit", "planes"]

Boxes = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture lies in the input: a pixel at (x, y) goes to (left + x * wider, top + y * higher)."""

    wider: float = 1.0
    higher: float = 1.0
    left: int = 0
    top: int = 0

    def back(self, boxes: Boxes) -> Boxes:
        """Boxes (n x 4, x0 y0 x1 y1) in px of the input, in px of the picture."""
        moved: Boxes = (boxes - [self.left, self.top] * 2) / ([self.wider, self.higher] * 2)
        return moved


def fit(picture: Picture, size: tuple[int, int] | None, resize: str, fill: int) -> tuple[Picture, Fit]:
    """A picture in the size of the input (bilinear, antialiased), and where it lies there.

    Args:
        picture: RGB uint8, H x W x 3.
        size: height and width of the input; None to leave the picture as it is.
        resize: as in `Description`.
        fill: grey level of the bars.
    """
    if size is None or resize == "none":
        return picture, Fit()
    (height, width), (high, wide) = picture.shape[:2], size
    if resize != "stretch":
        ratio = min(size[0] / height, size[1] / width)
        high, wide = max(1, round(height * ratio)), max(1, round(width * ratio))
    small = np.asarray(Image.fromarray(picture).resize((wide, high), Image.Resampling.BILINEAR))
    top, left = ((size[0] - high) // 2, (size[1] - wide) // 2) if resize == "letterbox" else (0, 0)
    canvas = np.full((*size, 3), fill, np.uint8)
    canvas[top : top + high, left : left + wide] = small
    return canvas, Fit(wide / width, high / height, left, top)


def beside(boxes: Boxes, picture: Picture, canvas: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    """Which boxes lie in the bars beside the picture, and so show nothing that is in it.

    Args:
        boxes: n x 4, x0 y0 x1 y1, in px of the picture.
        picture: what they are of.
        canvas: the picture with its bars, in px of the picture.
    """
    height, width = picture.shape[:2]
    return _meet(boxes, canvas) & ~_meet(boxes, (0, 0, width, height)) & np.isfinite(boxes).all(axis=1)


def _meet(boxes: Boxes, area: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    x0, y0, x1, y1 = area
    return np.logical_and((boxes[:, :2] < [x1, y1]).all(axis=1), (boxes[:, 2:] > [x0, y0]).all(axis=1))


def planes(picture: Picture, description: Description, dtype: str) -> npt.NDArray[np.generic]:
    """The numbers of a picture as the network takes them: H x W x 3 of ``dtype``."""
    ordered = picture if description.channels == "rgb" else picture[..., ::-1]
    if dtype == "uint8":
        return np.ascontiguousarray(ordered)
    numbers = ordered.astype(np.float32) / np.float32(description.scale)
    mean, std = (np.array(three, np.float32) for three in (description.mean, description.std))
    if description.channels == "bgr":
        mean, std = mean[::-1], std[::-1]
    return ((numbers - mean) / std).astype(dtype)
