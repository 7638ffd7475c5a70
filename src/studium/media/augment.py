"""Random changes of training pictures that leave their meaning alone.

Each takes a `numpy.random.Generator`, the only source of randomness: the same seed gives the same pictures.
"""

import math

import numpy as np
from PIL import Image, ImageEnhance

from studium.errors import InputError
from studium.media.transform import Picture, crop, rescale, rotate

__all__ = ["augment", "colour_jitter", "random_crop", "random_flip", "random_rotation"]


def random_crop(image: Picture, height: int, width: int, rng: np.random.Generator) -> Picture:
    """Cut ``height`` x ``width`` pixels out of a place drawn uniformly.

    Raises:
        InputError: if the picture is smaller than that.
    """
    rows, columns = image.shape[:2]
    if height > rows or width > columns:
        raise InputError(f"cannot crop {height} x {width} px from {rows} x {columns}; rescale or pad the picture first")
    top = int(rng.integers(rows - height + 1))
    left = int(rng.integers(columns - width + 1))
    return crop(image, (left, top, left + width, top + height))


def random_flip(image: Picture, rng: np.random.Generator, probability: float = 0.5) -> Picture:
    """Mirror left and right with the given probability."""
    return image[:, ::-1].copy() if rng.random() < probability else image.copy()


def random_rotation(image: Picture, rng: np.random.Generator, degrees: float = 10.0) -> Picture:
    """Turn by an angle drawn uniformly from ±``degrees``; size kept, corners black."""
    return rotate(image, float(rng.uniform(-degrees, degrees)))


def colour_jitter(
    image: Picture,
    rng: np.random.Generator,
    *,
    brightness: float = 0.2,
    contrast: float = 0.2,
    saturation: float = 0.2,
    hue: float = 0.0,
) -> Picture:
    """Multiply brightness, contrast and saturation, and turn the hue, by random amounts.

    Args:
        image: RGB uint8 H x W x 3.
        rng: source of randomness.
        brightness: b, 0..1; the factor is drawn uniformly from 1 ± b. 0 leaves brightness alone.
        contrast: likewise; contrast is the distance from the mean grey.
        saturation: likewise; saturation is the distance from the pixel's grey.
        hue: h, 0..0.5 turns of the colour circle; the turn is drawn uniformly from ±h.
    """
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": 2 * hue}
    for name, amount in amounts.items():
        if not 0 <= amount <= 1:
            raise InputError(f"{name} must lie between 0 and {'0.5' if name == 'hue' else '1'}; see colour_jitter")
    picture = Image.fromarray(image)
    steps = (
        (ImageEnhance.Brightness, brightness),
        (ImageEnhance.Contrast, contrast),
        (ImageEnhance.Color, saturation),
    )
    for enhance, amount in steps:
        factor = float(rng.uniform(1 - amount, 1 + amount))
        picture = enhance(picture).enhance(factor)
    turn = float(rng.uniform(-hue, hue))
    return np.asarray(_turn_hue(picture, turn) if hue else picture)


def augment(
    image: Picture, rng: np.random.Generator, *, size: int = 224, degrees: float = 10.0, jitter: float = 0.2
) -> Picture:
    """Rotate, rescale, crop at random, flip and jitter: one training picture.

    What a rotation uncovers is filled with the pixels of the edge: black corners would be something that only pictures
    of the training have.

    Args:
        image: RGB uint8 H x W x 3, any size.
        rng: source of randomness.
        size: side of the result in pixels; the shorter side is rescaled to 8/7 of it (256 for 224) before the crop.
        degrees: largest rotation either way.
        jitter: of brightness, contrast and saturation, as in `colour_jitter`.

    Returns:
        RGB uint8 size x size x 3.
    """
    turned = _turned(image, float(rng.uniform(-degrees, degrees)))
    cropped = random_crop(rescale(turned, shorter=size * 8 // 7, resample="bilinear"), size, size, rng)
    flipped = random_flip(cropped, rng)
    return colour_jitter(flipped, rng, brightness=jitter, contrast=jitter, saturation=jitter)


def _turned(image: Picture, degrees: float) -> Picture:
    """Turn about the centre; size kept, gaps filled with the pixels of the edge."""
    rows, columns = image.shape[:2]
    margin = math.ceil(max(rows, columns) * abs(math.sin(math.radians(degrees))))
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    return crop(rotate(wide, degrees), (margin, margin, margin + columns, margin + rows))


def _turn_hue(picture: Image.Image, turn: float) -> Image.Image:
    hsv = np.array(picture.convert("HSV"))
    hsv[..., 0] = (hsv[..., 0].astype(np.int64) + round(turn * 256)) % 256
    return Image.fromarray(hsv, mode="HSV").convert("RGB")
