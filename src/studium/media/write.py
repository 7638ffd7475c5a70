"""Pictures and films to files that hold pixels and times, and nothing else: no metadata, no thumbnail, no sound."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image, TiffImagePlugin

from studium.errors import InputError, MissingExtraError, TooLargeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SUFFIXES", "FilmWriter", "scaled", "write_pages"]

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "TIFF": "tif"}
"""What pictures can be written as, and how such files are called."""

_QUALITY = 95
_TICKS = 360_000
"""Of the clock of a film, in a second: whole for milliseconds, for 90 kHz, and for every usual rate, 29.97 too."""
_MOST = 2**31 - 1
"""Ticks that a picture can be shown in an MP4."""
_WIDEST = 16_384
"""Pixels along a side that x264 encodes."""
_BT709, _LIMITED, _FULL = 1, 1, 2  # AVColorSpace, AVColorRange
_LAST = Fraction(1, 25)
"""Seconds for which the last picture is shown where nothing says how long."""


def write_pages(path: Path, pages: Iterable["NDArray[np.uint8]"], form: str) -> None:
    """Write pictures.

    Args:
        path: the file.
        pages: RGB uint8, H x W x 3; exactly one, but for a TIFF.
        form: "JPEG" (quality 95, colours at full resolution), "PNG" or "TIFF" (both exact).

    Raises:
        InputError: another format, no picture, or more than it can hold.
    """
    if form not in SUFFIXES:
        raise InputError(f"expected one of {', '.join(SUFFIXES)}, got {form!r}")
    images = (Image.fromarray(pixels) for pixels in pages)
    first, second = next(images, None), next(images, None)
    if first is None or (second is not None and form != "TIFF"):
        raise InputError(f"a {form} needs {'a picture' if form == 'TIFF' else 'exactly one picture'}")
    if form == "JPEG":
        first.save(path, form, quality=_QUALITY, subsampling=0)
    elif form == "PNG":
        first.save(path, form)
    else:
        with TiffImagePlugin.AppendingTiffWriter(path, new=True) as tiff:  # Pillow's save_all would keep every page
            for image in chain([first], [second] if second else [], images):
                image.save(tiff, form, compression="tiff_adobe_deflate")
                tiff.newFrame()


def scaled(pixels: "NDArray[np.uint8]", width: int, height: int) -> "NDArray[np.uint8]":
    """A picture, RGB uint8 H x W x 3, at this size in px; the picture itself if it has it."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


class FilmWriter:
    """A film as H.264 in MP4, written picture by picture; the same pictures make the same bytes.

    Every picture is shown from its own time on, exact to 1/360,000 s; of two that are nearer to each other than that,
    the second is shown that much later. Sides are made even by repeating the last column or row, as players expect.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        """Begin to write.

        Args:
            path: the file.
            width: of the pictures, px.
            height: px.

        Raises:
            MissingExtraError: PyAV is not installed.
            InputError: PyAV's FFmpeg was built without x264.
            TooLargeError: a side is longer than x264 can encode.
        """
        if max(width, height) > _WIDEST:
            raise TooLargeError(f"a film can have sides of at most {_WIDEST:,} px, got {width:,} x {height:,}")
        try:
            import av
        except ImportError as error:
            raise MissingExtraError("av", "video") from error
        if "libx264" not in av.codecs_available:
            raise InputError(
                "this PyAV cannot encode H.264 (libx264); install its wheel:  pip install --only-binary=av av"
            )
        self.width, self.height = width, height
        settings = {"movflags": "faststart", "fflags": "+bitexact", "movie_timescale": str(_TICKS)}
        self._container = av.open(f"file:{path}", "w", format="mp4", options=settings)
        self._stream: Any = self._container.add_stream("libx264", options={"crf": "18", "preset": "fast", "bf": "0"})
        context = self._stream.codec_context
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = context.time_base = Fraction(1, _TICKS)
        context.colorspace, context.color_range, context.thread_count = _BT709, _LIMITED, 1
        self._lasts: dict[int, int] = {}
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if exception[0] is None:
            self.finish()
        else:
            self._container.close()

    def add(self, pixels: "NDArray[np.uint8]", time: float, duration: float) -> None:
        """Write the next picture.

        Args:
            pixels: RGB uint8, H x W x 3, of the size of the film.
            time: when it is shown, in seconds from the first picture; later than the last one.
            duration: how long, in seconds; it counts for the last picture alone, and 0 stands for 1/25.

        Raises:
            InputError: a picture of another size.
            TooLargeError: it comes later after the last one than the format can say, more than 1 h 39 min.
        """
        from av import VideoFrame

        if pixels.shape[:2] != (self.height, self.width):
            raise InputError(f"expected a picture of {self.width} x {self.height} px, got {pixels.shape}; scale it")
        frame = VideoFrame.from_ndarray(_even(pixels), "rgb24").reformat(
            format="yuv420p", src_color_range=_FULL, dst_colorspace=_BT709, dst_color_range=_LIMITED
        )
        frame.time_base, frame.pts = Fraction(1, _TICKS), max(round(time * _TICKS), self._last + 1)
        lasts = round((duration or _LAST) * _TICKS)
        if max(frame.pts - self._last, lasts) > _MOST:
            raise TooLargeError(f"at {time:.3f} s: a picture is shown for longer than {_MOST / _TICKS:.0f} s")
        self._last, self._lasts[frame.pts] = frame.pts, lasts
        self._mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and the header."""
        self._mux(self._stream.encode(None))
        self._container.close()

    def _mux(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            packet.duration = self._lasts.pop(packet.pts)
            self._container.mux(packet)


def _even(pixels: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    odd = pixels.shape[0] % 2, pixels.shape[1] % 2
    return np.pad(pixels, ((0, odd[0]), (0, odd[1]), (0, 0)), "edge") if any(odd) else pixels
