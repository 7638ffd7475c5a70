"""Pictures to pictures: crop, pad, resize, rotate, blend, and to numbers: grey, normalise.

A picture is a uint8 array, H x W x 3 (RGB) or H x W (grey). Nothing is changed in place. Resampling is Pillow's, which
widens its filter when it shrinks (antialiasing).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.errors import InputError

__all__ = [
    "blend",
    "centre_crop",
    "check_rgb",
    "crop",
    "downscale",
    "grey",
    "normalise",
    "pad",
    "rescale",
    "rotate",
    "same_size",
    "squish",
]

Picture = npt.NDArray[np.uint8]
"""RGB uint8 H x W x 3, or grey uint8 H x W."""

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def check_rgb(image: Picture) -> Picture:
    """Return ``image`` if it is RGB uint8 H x W x 3 with at least one pixel.

    Raises:
        InputError: if it is anything else; nothing is converted silently.
    """
    got = f"{type(image).__name__}"
    if isinstance(image, np.ndarray):
        if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size:
            return image
        got = f"{image.dtype} {' x '.join(map(str, image.shape))}"
    raise InputError(
        f"expected a picture as RGB uint8 H x W x 3 with at least one pixel, got {got}; "
        "read files with studium.media, or convert: np.asarray(PIL.Image.open(path).convert('RGB'))"
    )


def grey(image: Picture) -> Picture:
    """Luma of ITU-R BT.601, rounded: .299 R + .587 G + .114 B.

    Args:
        image: RGB uint8 H x W x 3.

    Returns:
        uint8 H x W, 0 black, 255 white.
    """
    return np.asarray(Image.fromarray(image).convert("L"))


def crop(image: Picture, box: tuple[int, int, int, int]) -> Picture:
    """Cut out a rectangle.

    Args:
        image: uint8 H x W or H x W x 3.
        box: (x0, y0, x1, y1) in pixels, x1 and y1 exclusive, inside the picture.

    Raises:
        InputError: if the box is empty or leaves the picture.
    """
    x0, y0, x1, y1 = box
    height, width = image.shape[:2]
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise InputError(f"box {box} is not inside a picture {width} px wide and {height} px high; pad it first")
    return image[y0:y1, x0:x1].copy()


def centre_crop(image: Picture, height: int, width: int) -> Picture:
    """Cut ``height`` x ``width`` pixels out of the middle (half a pixel up and left if the rest is odd).

    Raises:
        InputError: if the picture is smaller than that.
    """
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return crop(image, (left, top, left + width, top + height))


def pad(image: Picture, height: int, width: int, fill: int = 0) -> Picture:
    """Put the picture in the middle of a ``height`` x ``width`` canvas of grey level ``fill`` (letterbox).

    Raises:
        InputError: if the picture is larger than the canvas.
    """
    down, right = height - image.shape[0], width - image.shape[1]
    if down < 0 or right < 0:
        raise InputError(
            f"cannot pad a picture of {image.shape[0]} x {image.shape[1]} px to {height} x {width}; rescale it first"
        )
    around = [(down // 2, down - down // 2), (right // 2, right - right // 2)]
    return np.pad(image, around + [(0, 0)] * (image.ndim - 2), constant_values=fill)


def squish(image: Picture, height: int, width: int, resample: str = "bicubic") -> Picture:
    """Resize to ``height`` x ``width`` pixels; the aspect ratio is not kept.

    Args:
        image: uint8 H x W or H x W x 3.
        height: pixels, at least 1.
        width: pixels, at least 1.
        resample: "nearest", "box", "bilinear", "bicubic" or "lanczos".
    """
    return np.asarray(Image.fromarray(image).resize((width, height), _filter(resample)))


def rescale(
    image: Picture, *, shorter: int | None = None, longer: int | None = None, resample: str = "bicubic"
) -> Picture:
    """Resize so that one side has the given length; the aspect ratio is kept.

    Args:
        image: uint8 H x W or H x W x 3.
        shorter: pixels of the shorter side, or
        longer: pixels of the longer side; exactly one of the two. The other side is rounded down, at least 1 px.
        resample: as in `squish`.
    """
    size = image.shape[:2]
    if (shorter is None) == (longer is None):
        raise InputError(f"give exactly one of shorter and longer, got shorter={shorter}, longer={longer}")
    target, side = (shorter, min(size)) if shorter is not None else (longer or 0, max(size))
    if target < 1:
        raise InputError(f"a side must be at least 1 px, got {target}")
    height, width = (max(1, target * n // side) for n in size)
    return squish(image, height, width, resample)


def downscale(image: Picture, longest: int) -> Picture:
    """Shrink a picture whose longer side exceeds ``longest`` pixels to that; smaller ones stay as they are.

    Averages whole blocks of pixels as far as the size goes into it, then bilinear with antialiasing (Pillow's
    ``reducing_gap=1``). The measures share it, so that scale-dependent values are comparable.
    """
    height, width = image.shape[:2]
    side = max(height, width)
    if side <= longest:
        return image
    size = (max(1, longest * width // side), max(1, longest * height // side))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0))


def rotate(image: Picture, degrees: float, fill: int = 0) -> Picture:
    """Turn counter-clockwise about the centre, bilinear; size kept, corners cut off, gaps of grey level ``fill``."""
    colour = fill if image.ndim == 2 else (fill,) * image.shape[2]
    return np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=colour))


def normalise(image: Picture, mean: Sequence[float], std: Sequence[float]) -> npt.NDArray[np.float32]:
    """Scale to 0..1, then centre and scale each channel: (x / 255 - mean) / std.

    Args:
        image: RGB uint8 H x W x 3.
        mean: three numbers on the 0..1 scale, as the model was trained with (ImageNet: .485 .456 .406).
        std: three positive numbers (ImageNet: .229 .224 .225).

    Returns:
        float32 H x W x 3.
    """
    scale = 1 / (255 * np.asarray(std, dtype=np.float64))
    offset = np.asarray(mean, dtype=np.float64) / np.asarray(std, dtype=np.float64)
    return image.astype(np.float32) * scale.astype(np.float32) - offset.astype(np.float32)


def same_size(image: Picture, size: int = 224, resample: str = "bicubic") -> Picture:
    """Make every picture ``size`` x ``size``: resize the shorter side to ``size``, then crop the centre."""
    return centre_crop(rescale(image, shorter=size, resample=resample), size, size)


def blend(first: Picture, second: Picture, alpha: float) -> Picture:
    """Mix two pictures pixel by pixel: (1 - alpha) first + alpha second, rounded half to even.

    Args:
        first: uint8 array.
        second: uint8 array of the same shape.
        alpha: 0 gives the first, 1 the second.
    """
    if first.shape != second.shape:
        raise InputError(f"pictures must have the same shape to be blended, got {first.shape} and {second.shape}")
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha}")
    return np.rint((1 - alpha) * first.astype(np.float64) + alpha * second).astype(np.uint8)


def _filter(name: str) -> Image.Resampling:
    if name not in RESAMPLING:
        raise InputError(f"unknown resampling {name!r}; known: {', '.join(RESAMPLING)}")
    return RESAMPLING[name]
