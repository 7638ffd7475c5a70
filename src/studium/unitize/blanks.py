"""Black and white pictures: where they are, and how far the fades around them reach."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Blank", "are_blank", "blanks"]

_FLAT = 2.0  # levels: standard deviation of a picture of nothing
_BLACK, _WHITE = 40.0, 215.0
_GROWTH = 1.04  # contrast that grows by less within a tenth of a second is not that of a fade


@dataclass(frozen=True, slots=True)
class Blank:
    """A stretch of blank frames and the fades around it.

    Attributes:
        first: the first frame that is not as bright or dark as the shot before.
        black: the first blank frame.
        end: the first frame that is blank no more.
        last: the first frame that is as it is in the shot after.
    """

    first: int
    black: int
    end: int
    last: int


def are_blank(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which pictures show nothing but black, or nothing but white.

    Args:
        frames: (n, height, width), grey levels 0 to 255.
    """
    level = frames.sum(axis=(1, 2), dtype=np.uint32) / math.prod(frames.shape[1:])
    blank: npt.NDArray[np.bool_] = (level < _BLACK) | (level > _WHITE)
    if blank.any():
        blank[blank] = frames[blank].std(axis=(1, 2)) < _FLAT
    return blank


def blanks(frames: npt.NDArray[np.uint8], times: npt.NDArray[np.float64]) -> list[Blank]:
    """Every stretch of blank frames.

    Args:
        frames: (n, height, width), grey levels 0 to 255.
        times: (n,), seconds, rising.
    """
    if not len(frames):
        return []
    blank = are_blank(frames)
    if not blank.any():
        return []
    contrast = frames.reshape(len(frames), -1).std(axis=1)
    tenth = max(1, round(0.1 / float(np.median(np.diff(times))))) if len(frames) > 1 else 1
    edges = np.flatnonzero(np.diff(np.concatenate([[0], blank.astype(np.int8), [0]])))
    found = []
    for black, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        first = black - _ramp(contrast[:black][::-1], tenth)
        found.append(Blank(first, black, end, end + _ramp(contrast[end:], tenth)))
    return found


def _ramp(contrast: npt.NDArray[np.float64], tenth: int) -> int:
    """How many frames it takes to full contrast; ``contrast`` begins beside the blank, ``tenth`` are .1 s of it."""
    top = 0
    while len(ahead := contrast[top + 1 : top + 1 + tenth]) and ahead.max() > contrast[top] * _GROWTH:
        top += 1 + int(ahead.argmax())
    return top
