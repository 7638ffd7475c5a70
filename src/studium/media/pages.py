"""Every picture of an image file: the frames of an animation, the pages of a document."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile

from studium.core.suffixes import decoder
from studium.errors import TooLargeError
from studium.media.colour import to_rgb
from studium.media.image import MAX_PIXELS, decode
from studium.media.probe import probe
from studium.media.readers import media_errors, open_file, open_image, orientation_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Page", "pages"]


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """One picture of several.

    Attributes:
        pixels: uint8, (height, width, 3), sRGB, upright, as `studium.media.image.decode` gives it.
        seconds: how long it is shown; 0 where the file does not say.
    """

    pixels: "NDArray[np.uint8]"
    seconds: float = 0.0


def pages(path: str | Path, max_pixels: int = MAX_PIXELS) -> Iterator[Page]:
    """All pictures of a file, in their order, one at a time; of most files it is one.

    Args:
        path: the file.
        max_pixels: largest width x height of each.

    Raises:
        MediaError: one of them cannot be had; see `studium.media.image.decode`.
    """
    if decoder(path) or probe(path).frames == 1:
        yield Page(decode(path, max_pixels=max_pixels))
        return
    with media_errors(str(path)), open_file(path) as fp:
        image = open_image(fp, max_pixels)
        for number in range(int(getattr(image, "n_frames", 1))):
            image.seek(number)
            if image.width * image.height > max_pixels:
                raise TooLargeError(f"picture {number + 1} has more than max_pixels = {max_pixels:,}; raise it")
            turn = orientation_of(image, fp)
            image.load()
            yield Page(_upright(to_rgb(image), turn), _seconds(image))


def _seconds(image: ImageFile.ImageFile) -> float:
    return float(image.info.get("duration") or 0) / 1000


def _upright(image: Image.Image, turn: int) -> "NDArray[np.uint8]":
    """The pixels, turned as EXIF's orientation (1 to 8) says."""
    pixels = np.asarray(image)
    if turn >= 5:
        pixels = pixels.swapaxes(0, 1)
    if turn in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if turn in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    upright = np.ascontiguousarray(pixels).view()
    upright.flags.writeable = False
    return upright
