"""From a decoder's planes to luminance and RGB: range, matrix, bit depth, transparency, interlacing."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Luma", "Scaler", "luma_of", "top_field"]

_UNTAGGED, _BT709, _BT601 = frozenset({0, 2, 3}), 1, 6  # AVColorSpace
_LIMITED, _FULL = 1, 2  # AVColorRange
_AREA, _ACCURATE = 0x20, 0x2000 | 0x40000 | 0x80000  # swscale: full chroma interpolation, accurate rounding, bit-exact
_HD_LINES = 720
_BYTES, _WORDS = np.dtype(np.uint8), np.dtype(np.uint16)


class Luma(NamedTuple):
    """Luminance as it is stored, line after line.

    Attributes:
        values: (n,), uint8, uint16 or float.
        width: px.
        height: number of lines.
        line: values from the beginning of one line to that of the next.
        black: value of black.
        white: value of white.
    """

    values: "NDArray[Any]"
    width: int
    height: int
    line: int
    black: int
    white: int

    @property
    def plane(self) -> "NDArray[Any]":
        """(height, width), not a copy."""
        size = self.values.itemsize
        return np.ndarray((self.height, self.width), self.values.dtype, self.values, 0, (self.line * size, size))

    @property
    def top_field(self) -> "Luma":
        """Every other line, from the first."""
        return self._replace(height=(self.height + 1) // 2, line=2 * self.line)


@lru_cache(maxsize=256)
def _luma(name: str, color_range: int) -> tuple[int, int, int] | None:
    """Of a format whose first plane is luminance and nothing else, in native bytes: its bits, and black and white."""
    found = re.fullmatch(r"(?:yuvj?4\d\dp|gray|nv(?:12|21|16|24|42))(?:(9|1\d)le)?", name)
    if found is None:
        return None
    bits = int(found[1] or 8)
    return (bits, 0, (1 << bits) - 1) if _is_full(name, color_range) else (bits, 16 << bits - 8, 235 << bits - 8)


def _is_full(name: str, color_range: int) -> bool:
    """Whether 0 is black and the largest value white."""
    if color_range in {_LIMITED, _FULL}:
        return color_range == _FULL
    return name.startswith(("yuvj", "gray"))


def luma_of(raw: Any) -> "Luma | None":
    """The stored luminance of a frame without a copy, or None where the format keeps none as a plane of its own."""
    if (luma := _luma(raw.format.name, raw.color_range)) is None:
        return None
    bits, black, white = luma
    plane = _plane_type()(raw, 0)  # without its two others, which ``raw.planes`` makes as well
    dtype = _BYTES if bits == 8 else _WORDS
    line = abs(plane.line_size) // dtype.itemsize
    return Luma(np.frombuffer(plane, dtype), raw.width, raw.height, line, black, white)


@cache
def _plane_type() -> Any:
    from av.video.plane import VideoPlane

    return VideoPlane


def _rows(plane: Any) -> "NDArray[np.uint8]":
    return np.frombuffer(plane, np.uint8).reshape(-1, abs(plane.line_size))


def top_field(raw: Any) -> Any:
    """Every other line of an interlaced frame, from the first: what the camera saw in one instant."""
    from av import VideoFrame

    field = VideoFrame(raw.width, (raw.height + 1) // 2, raw.format.name)
    for new, old in zip(field.planes, raw.planes, strict=True):
        to, lines = _rows(new), _rows(old)[: old.height : 2]
        high, wide = min(len(to), len(lines)), min(to.shape[1], lines.shape[1])
        to[:high, :wide] = lines[:high, :wide]
        to[high:] = to[high - 1]
    field.colorspace, field.color_range = raw.colorspace, raw.color_range
    return field


class Scaler:
    """Makes RGB of frames. One for each pass, as it keeps what it has set up for their format and size."""

    def __init__(self) -> None:
        self._reformatters: dict[object, Any] = {}

    def rgb(self, raw: Any, width: int, height: int, lines: int | None = None) -> "NDArray[np.uint8]":
        """The picture at this size, as stored: RGB uint8, (height, width, 3); what is transparent lies on white.

        Args:
            raw: the decoder's frame.
            width: px.
            height: px.
            lines: of the whole picture, if this is a field of it; they tell standard from high definition.
        """
        from av.video.reformatter import VideoReformatter

        if not raw.format.is_rgb:
            raw.color_range = _FULL if _is_full(raw.format.name, raw.color_range) else _LIMITED
            if raw.colorspace in _UNTAGGED:
                raw.colorspace = _BT709 if (lines or raw.height) >= _HD_LINES else _BT601
        alpha = any(part.is_alpha for part in raw.format.components) or raw.format.has_palette
        form = "rgba" if alpha else "rgb24"
        key = (raw.format.name, raw.width, raw.height, width, height)
        reformatter = self._reformatters.setdefault(key, VideoReformatter())
        made = reformatter.reformat(raw, width, height, form, interpolation=_AREA | _ACCURATE, threads=1)
        pixels = _rows(made.planes[0])[:height, : width * (4 if alpha else 3)].reshape(height, width, -1)
        return _on_white(pixels) if alpha else pixels


def _on_white(rgba: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    opacity = rgba[..., 3:].astype(np.uint16)
    mixed: NDArray[np.uint8] = ((rgba[..., :3] * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    return mixed
