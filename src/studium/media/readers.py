"""Pillow's readers, each called for the one format it reads, with every exception turned into a `MediaError`.

``PIL.Image.open`` is not used: it tries every reader it has, and judges size by a limit that the whole process shares.
Where Pillow would warn about broken metadata, it is not read (EXIF of a JPEG or TIFF) or is an error here (a TIFF's
directories); only broken EXIF in an AVIF still makes Pillow warn, while the picture is decoded.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from studium.errors import (
    EmptyFileError,
    InputError,
    MediaError,
    TooLargeError,
    TruncatedFileError,
    UnknownFormatError,
    UnreadableFileError,
)
from studium.media import formats

__all__ = ["media_errors", "open_file", "open_image", "orientation_of"]

_UNSUPPORTED = ("cannot handle", "unknown", "unsupported", "not supported", "not yet supported", "not implemented")


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """The resolution is not wanted, and looking for it parses, and warns about, broken EXIF."""


class _Tiff(TiffImageFile):
    def _setup(self) -> None:
        super()._setup()
        self._size = self._tile_size  # as stored; turning it upright is done once, for every format
        self.info["photometric"] = self.tag_v2.get(262)

    def load_prepare(self) -> None:
        """Without Pillow's process-wide size limit: `open_image` has judged the size."""
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size, None).im
        ImageFile.ImageFile.load_prepare(self)

    def load_end(self) -> None:
        """Neither turned (see `_setup`) nor searched for EXIF, which would warn if broken."""


_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "AVIF": AvifImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "JPEG": _Jpeg,
    "PNG": PngImageFile,
    "TIFF": _Tiff,
    "WEBP": WebPImageFile,
}


@contextmanager
def media_errors(where: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into the right `MediaError`, with ``where`` and the reason in its message."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # broken bytes raise anything, from struct.error to ZeroDivisionError
        raise _translated(error)(f"{where}: {str(error) or type(error).__name__}") from error


def _translated(error: Exception) -> type[MediaError]:
    if isinstance(error, MediaError):
        return type(error)
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        return TooLargeError
    if isinstance(error, OSError) and error.errno is not None:
        return UnreadableFileError
    if any(word in str(error).lower() for word in _UNSUPPORTED):
        return UnknownFormatError
    return TruncatedFileError


@contextmanager
def open_file(source: str | Path | bytes) -> Iterator[BinaryIO]:
    """An image file, or its bytes, as a seekable stream.

    Raises:
        EmptyFileError: it has no bytes.
        UnreadableFileError: it is missing, not a regular file, or not ours to read.
    """
    with io.BytesIO(source) if isinstance(source, bytes) else _open_path(Path(source)) as stream:
        if not stream.read(1):
            raise EmptyFileError("the file is empty")
        yield stream


def _open_path(path: Path) -> BinaryIO:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe or a device could wait for ever
            raise UnreadableFileError("a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file")
        return path.open("rb")
    except OSError as error:
        raise UnreadableFileError(os.strerror(error.errno) if error.errno else str(error)) from error
    except ValueError as error:  # a null character in the path
        raise UnreadableFileError(str(error)) from error


def open_image(fp: BinaryIO, max_pixels: int) -> ImageFile.ImageFile:
    """The image in a stream, its header read and its size judged, no pixel decoded.

    Raises:
        UnknownFormatError: the first bytes are those of none of `formats.FORMATS`.
        TooLargeError: more than ``max_pixels`` pixels.
    """
    form = formats.sniff(fp)
    if form is None:
        raise UnknownFormatError(f"not an image: its bytes are none of {', '.join(formats.FORMATS)}")
    _judge_before_opening(fp, form, max_pixels)
    fp.seek(0)
    image = _reader(form)(fp)
    _judge(image.size, max_pixels)
    return image


def _reader(form: str) -> type[ImageFile.ImageFile]:
    if form == "HEIF":
        from pi_heif import HeifImageFile

        heif: type[ImageFile.ImageFile] = HeifImageFile
        return heif
    return _READERS[form]


def _judge_before_opening(fp: BinaryIO, form: str, max_pixels: int) -> None:
    """What opening alone would allocate, warn about, or compare with Pillow's own limit."""
    limit = Image.MAX_IMAGE_PIXELS
    if form == "WEBP":
        _judge(formats.webp_size(fp), max_pixels)
        _judge(formats.webp_size(fp), 2 * limit if limit else max_pixels, "PIL.Image.MAX_IMAGE_PIXELS x 2")
    elif form == "GIF":
        size = next(formats.gif_frames(fp), None)
        _judge(size, max_pixels)
        _judge(size, limit or max_pixels, "PIL.Image.MAX_IMAGE_PIXELS")
    elif form == "TIFF":
        pages = formats.tiff_directories(fp)
        next(pages, None)
        next(pages, None)  # the first page is checked on the way to the second


def _judge(size: tuple[int, int] | None, limit: int, name: str = "max_pixels") -> None:
    if size and size[0] * size[1] > limit:
        raise TooLargeError(
            f"{size[0]:,} x {size[1]:,} pixels are more than {name} = {limit:,}; raise it to decode such a picture"
        )


def orientation_of(image: ImageFile.ImageFile, fp: BinaryIO) -> int:
    """How the picture lies in its file, 1-8 as in EXIF; 1 is upright. Call it before decoding."""
    if isinstance(image, TiffImageFile):
        value = image.tag_v2.get(274, 1)
        return value if value in range(1, 9) else 1
    exif = image.info.get("exif") or b""
    if isinstance(image, PngImageFile) and not exif:
        at = fp.tell()
        exif = formats.png_exif(fp)
        fp.seek(at)
    return formats.orientation(exif)
