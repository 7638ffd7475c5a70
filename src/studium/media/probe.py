"""What an image's header says, without decoding a pixel."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import ImageFile

from studium.media import formats
from studium.media.readers import media_errors, open_file, open_image, orientation_of

__all__ = ["ImageInfo", "probe"]

_NO_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The header of an image file.

    Attributes:
        format: one of `studium.media.formats.FORMATS`; of the bytes, whatever the suffix says.
        mode: Pillow's name of the stored pixels: "RGB", "L", "P", "CMYK", "I;16" ...
        width: px, upright.
        height: px, upright.
        frames: frames of an animation, pages of a TIFF, pictures in a HEIC; else 1.
        orientation: 1-8 as in EXIF; 1 lies upright in the file.
        has_alpha: True if the file can hold transparent pixels.
        bytes: size of the file.
    """

    format: str
    mode: str
    width: int
    height: int
    frames: int
    orientation: int
    has_alpha: bool
    bytes: int


def probe(source: str | Path | bytes) -> ImageInfo:
    """Read the header of an image, however large the picture is (a GIF or WebP: as large as Pillow opens one).

    Raises:
        MediaError: as `studium.media.image.decode`, as far as the header shows it.
    """
    where = f"{len(source):,} bytes" if isinstance(source, bytes) else str(source)
    with media_errors(where), open_file(source) as fp:
        image = open_image(fp, _NO_LIMIT)
        turn = orientation_of(image, fp)
        width, height = image.size if turn < 5 else image.size[::-1]
        form = str(image.format)
        return ImageInfo(
            format=form,
            mode=image.mode,
            width=width,
            height=height,
            frames=_frames(image, fp),
            orientation=turn,
            has_alpha=image.has_transparency_data,
            bytes=fp.seek(0, 2),
        )


def _frames(image: ImageFile.ImageFile, fp: BinaryIO) -> int:
    if image.format == "GIF":
        return max(1, sum(1 for _ in formats.gif_frames(fp)))
    if image.format == "TIFF":
        return sum(1 for _ in formats.tiff_directories(fp))
    return int(getattr(image, "n_frames", 1))
