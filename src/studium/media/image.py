"""Image files to pixels: RGB, 8 bits, upright. The only place that decodes images."""

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from studium.core.suffixes import decoder, suffixes
from studium.errors import InputError, MediaError, TruncatedFileError, UnknownFormatError
from studium.media.colour import to_rgb
from studium.media.readers import media_errors, open_file, open_image, orientation_of

__all__ = ["MAX_PIXELS", "decode", "suffixes"]

MAX_PIXELS = 120_000_000
"""Default of the largest picture: more than the 108 megapixels of today's largest phones; about 1 GB while decoding."""

OVERHANG = 1 / 2500
"""Largest share of a side by which a scaled JPEG may reach beyond the picture."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(
    source: str | Path | bytes, *, detail: int | None = None, max_pixels: int = MAX_PIXELS, truncated: bool = False
) -> NDArray[np.uint8]:
    """Decode an image; of an animation or a document, its first frame or page.

    JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC and AVIF, recognised by their bytes; other formats by an installed plugin
    (entry point `studium.core.suffixes.DECODERS`), chosen by the suffix of a path. The same bytes and arguments give
    the same pixels. Threads may decode at the same time: the codecs run outside Python's lock.

    Args:
        source: a path, or the bytes of a file.
        detail: shorter side in px that must be kept, or None for every pixel. A JPEG is decoded at 1/2, 1/4 or 1/8 of
            its size if its shorter side stays at or above it and the scale fits its sides; other formats keep all.
        max_pixels: largest width x height, as the header states them before any scaling.
        truncated: True to take what there is of a file that ends, or breaks, inside its pixels; the rest stays black,
            or grey in a JPEG.

    Returns:
        uint8, (height, width, 3), sRGB, contiguous, read-only. Upright by EXIF; transparency on white; colour
        profiles applied; 16-bit grey scaled by 1 / 257.

    Raises:
        MediaError: the picture cannot be had: `EmptyFileError`, `UnreadableFileError`, `UnknownFormatError`,
            `TruncatedFileError` or `TooLargeError`.
        InputError: an impossible argument.
    """
    _check(detail, max_pixels, truncated)
    where = f"{len(source):,} bytes" if isinstance(source, bytes) else str(source)
    plugin = None if isinstance(source, bytes) else decoder(source)
    with media_errors(where), open_file(source) as fp:
        if plugin:
            return _from_plugin(Path(str(source)), *plugin)
        image = open_image(fp, max_pixels)
        turn = orientation_of(image, fp)
        _shrink(image, detail)
        _load(image, fp, truncated)
        rgb = to_rgb(image)
        return _pixels(rgb.transpose(_TURNS[turn]) if turn in _TURNS else rgb)


def _check(detail: int | None, max_pixels: int, truncated: bool) -> None:
    if detail is not None and detail < 1:
        raise InputError(f"detail must be at least 1 px, or None for every pixel, got {detail}")
    if max_pixels < 1:
        raise InputError(f"max_pixels must be at least 1, got {max_pixels}")
    if ImageFile.LOAD_TRUNCATED_IMAGES and not truncated:
        raise InputError(
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is True, so cut-off pictures would pass as whole; some code in this "
            "process has set it: set it to False, or pass truncated=True"
        )


def _shrink(image: ImageFile.ImageFile, detail: int | None) -> None:
    """Ask the JPEG decoder for the smallest of 1/8, 1/4, 1/2 that keeps ``detail`` and fits the picture.

    A side that the scale does not divide ends in a pixel that overhangs the picture, which moves its centre; embeddings
    notice (``benchmarks/decode.py``), so a scale that overhangs by more than `OVERHANG` of a side is passed over.
    """
    if detail is None or image.format != "JPEG":
        return
    for scale in (8, 4, 2):
        kept = -(-min(image.size) // scale) >= detail
        if kept and all(-side % scale <= OVERHANG * side for side in image.size):
            image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
            return


def _load(image: ImageFile.ImageFile, fp: BinaryIO, truncated: bool) -> None:
    """Decode. If it breaks and ``truncated``, keep the rows that came, which Pillow holds already."""
    if truncated and image.format == "JPEG":
        at = fp.tell()
        fp.seek(0)
        image.fp = io.BytesIO(fp.read() + b"\xff\xd9")  # an end marker makes the codec hand out what it holds
        image.fp.seek(at)
    try:
        image.load()
    except Exception:  # broken bytes raise anything
        if not truncated or image._im is None:
            raise
        image.tile = []


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of an RGB image in one copy; ``numpy.asarray`` makes two, a fifth of the time of a large JPEG."""
    width, height = image.size
    encoder = Image._getencoder("RGB", "raw", ("RGB",))
    try:
        encoder.setimage(image.im, (0, 0, width, height))
        done, _, data = encoder.encode(width * height * 3)
    finally:
        encoder.cleanup()
    if done != len(data) or len(data) != width * height * 3:
        data = image.tobytes()
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def _from_plugin(path: Path, name: str, function: Any) -> NDArray[np.uint8]:
    try:
        pixels = function(path)
    except MediaError:
        raise
    except OSError:
        raise
    except Exception as error:
        raise UnknownFormatError(f"its decoder {name} failed: {type(error).__name__}: {error}") from error
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        got = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise UnknownFormatError(f"its decoder {name} must return uint8 (height, width, 3), got {got}")
    if pixels.size == 0:
        raise TruncatedFileError(f"its decoder {name} returned no pixels: {pixels.shape}")
    pixels = np.ascontiguousarray(pixels).view()
    pixels.flags.writeable = False
    return pixels
