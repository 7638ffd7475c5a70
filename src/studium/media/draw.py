"""Pictures with boxes drawn on them, to see what was found where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from studium.core.unit import Points
from studium.media.region import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Mark", "marked"]

_COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#e6007e")
_CORNERS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to draw.

    Attributes:
        box: (x0, y0, x1, y1) in pixels of the picture, x1 and y1 exclusive.
        points: four corners are joined to a frame in place of the box; any other points are dots in it.
        label: what stands at it; things of one label have one colour.
        said: what else stands at it, such as a confidence.
    """

    box: Box
    points: Points | None = None
    label: str = ""
    said: str = ""

    def scaled(self, factor: float) -> "Mark":
        """The mark in a picture that was shrunk by a factor, at least one pixel large."""
        x0, y0, x1, y1 = (round(edge * factor) for edge in self.box)
        points = self.points and tuple((x * factor, y * factor) for x, y in self.points)
        return replace(self, box=(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), points=points)


def marked(picture: "NDArray[np.uint8]", marks: Sequence[Mark]) -> "NDArray[np.uint8]":
    """A copy of an RGB picture (uint8, H x W x 3) with marks drawn on it; lines and letters grow with its size."""
    from PIL import Image, ImageDraw, ImageFont

    drawn = Image.fromarray(picture)
    line = max(1, round(min(drawn.size) / 240))
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(size=max(9, 5 * line + 4))
    for mark in sorted(marks, key=lambda mark: _size(mark.box), reverse=True):  # small ones on top
        colour = _COLOURS[crc32(mark.label.encode()) % len(_COLOURS)]
        _outline(draw, mark, colour, line)
        if text := " ".join(part for part in (mark.label, mark.said) if part):
            _caption(draw, mark.box, text, colour, font)
    return np.asarray(drawn).copy()


def _size(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _outline(draw: Any, mark: Mark, colour: str, line: int) -> None:
    x0, y0, x1, y1 = mark.box
    points = mark.points or ()
    if len(points) == _CORNERS:
        draw.line([*points, points[0]], fill=colour, width=line, joint="curve")
        return
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=line)
    for x, y in points:
        draw.ellipse((x - line, y - line, x + line, y + line), fill=colour)


def _caption(draw: Any, box: Box, text: str, colour: str, font: Any) -> None:
    """Above the box, or in it where there is no room above; further left where it would stick out."""
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x, y = max(0, min(box[0], draw.im.size[0] - (right - left) - 5)), box[1] - (bottom - top) - 4
    y = y if y >= 0 else box[1]
    draw.rectangle((x, y, x + right - left + 4, y + bottom - top + 4), fill=colour)
    draw.text((x + 2 - left, y + 2 - top), text, fill="white", font=font)
