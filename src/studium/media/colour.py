"""Any pixel mode to sRGB: palettes, greys, CMYK, CIELAB, 16 bits, transparency, embedded colour profiles."""

import io
import logging
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from studium.errors import UnknownFormatError

__all__ = ["to_rgb"]

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
_SAME = 2
"""A profile whose colours lie within so many of 255 levels of sRGB is sRGB."""

logger = logging.getLogger(__name__)


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as 8-bit sRGB.

    Transparency is laid on white. 16-bit grey v becomes round(v / 257). An embedded colour profile that is not sRGB is
    applied (perceptual intent); CMYK without one is converted as r = (255 - c)(255 - k) / 255.

    Raises:
        UnknownFormatError: 32-bit integers or floats, whose white is not defined.
    """
    if image.mode == "RGB" and not {"icc_profile", "transparency"} & image.info.keys():
        return image
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = _from_16_bit(image)
    if image.mode in {"I", "F"}:
        raise UnknownFormatError(
            f"its pixels are 32-bit {'floats' if image.mode == 'F' else 'integers'}, whose black and white are not "
            "defined; convert it to 8 or 16 bits"
        )
    if not image.has_transparency_data:
        return _profiled(_opaque(image), profile)
    image = image.convert("LA" if image.mode in {"LA", "La"} else "RGBA")
    alpha = image.getchannel("A")
    rgb = _profiled(image.convert("L" if image.mode == "LA" else "RGB"), profile)
    if alpha.getextrema() == (255, 255):
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb, mask=alpha)
    return white


def _opaque(image: Image.Image) -> Image.Image:
    """Only modes that profiles know: L, RGB, CMYK, LAB."""
    if image.mode in _SPACES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.uint32)
    if image.info.get("photometric") == 0:  # TIFF's "white is zero", which Pillow honours up to 8 bits only
        values = 65535 - values
    grey = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    return Image.merge("LA", (grey, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))))


def _profiled(image: Image.Image, profile: bytes | None) -> Image.Image:
    transform = _to_srgb(profile, image.mode) if profile or image.mode == "LAB" else None
    if transform is None:
        return image.convert("RGB")
    return ImageCms.applyTransform(image, transform) or image


@lru_cache(maxsize=64)
def _to_srgb(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform of a profile to sRGB; None if it is sRGB already, or does not fit the pixels."""
    srgb = ImageCms.createProfile("sRGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else None
        if source is None or source.profile.xcolor_space.strip() != _SPACES[mode]:
            if mode != "LAB":
                logger.debug("a colour profile that does not fit %s pixels is left out", mode)
                return None
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
        return None if mode in {"L", "RGB"} and _is_identity(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError) as error:
        logger.debug("a broken colour profile is left out: %s", error)
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    patches = Image.fromarray(grid[..., 0] if mode == "L" else grid)
    moved = ImageCms.applyTransform(patches, transform) or patches
    return int(np.abs(np.asarray(moved).astype(int) - np.asarray(patches.convert("RGB"))).max()) <= _SAME
