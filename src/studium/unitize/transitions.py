"""Cuts, dissolves and fades in a row of small grey pictures. Arrays in, a list out: no video is needed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.unitize.blanks import Blank, blanks
from studium.unitize.dissolves import dissolves
from studium.unitize.likeness import differences, likeness

__all__ = ["MARGIN", "Transition", "across", "sudden", "transitions"]

Floats = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]

MARGIN = 3.0
"""Seconds on either side of a frame that decide what is found there (apart from blank stretches of any length)."""

_BEFORE, _AFTER = (1, 3, 6), (0, 2, 5)  # frames around a cut: a flash of three or fewer is in none of some two
_SAME = 0.8  # neighbours that are as like as this need no closer look: a probability of .03
_WEIGHTS = (14.6, -22.9)  # of 1 and the likeness (benchmarks/shots_fit.py)


@dataclass(frozen=True, slots=True)
class Transition:
    """How one shot becomes the next.

    Attributes:
        kind: "cut", "dissolve" (by mixture) or "fade" (through black or white).
        first: index of its first frame.
        last: index of the first frame that shows the next shot alone; of a cut the same as ``first``.
        confidence: 0 to 1.
    """

    kind: str
    first: int
    last: int
    confidence: float


def transitions(frames: Grey, times: Floats, threshold: float = 0.5) -> list[Transition]:
    """Find the transitions between shots.

    Args:
        frames: (n, 27, 48), grey levels 0 to 255.
        times: (n,), seconds, rising.
        threshold: least confidence.

    Returns:
        In order; none overlap. Black or white at the beginning or the end is part of the shot beside it.
    """
    taken = np.zeros(len(frames) + 1, bool)
    blank = blanks(frames, times)
    for stretch in blank:
        taken[stretch.first : stretch.last + 1] = True
    cuts = [cut for cut in _cuts(frames, taken) if cut.confidence >= threshold]
    taken[[cut.first for cut in cuts]] = True
    mixed = [
        Transition("dissolve", one.first + 1, one.last, one.confidence)
        for one in dissolves(frames, times, threshold)
        if not taken[one.first + 1 : one.last].any()
    ]
    found = [*_fades(frames, blank), *cuts, *mixed]
    return sorted((one for one in found if one.confidence >= threshold), key=lambda one: one.first)


def _fades(frames: Grey, blank: list[Blank]) -> Iterator[Transition]:
    for one in blank:
        before, after = one.first - 1, one.last
        if before >= 0 and after < len(frames):
            alike = likeness(frames[[max(before - 2, 0), before]], frames[[after, min(after + 2, len(frames) - 1)]])
            yield Transition("fade", one.first, one.last, _probability(alike))


def _cuts(frames: Grey, taken: npt.NDArray[np.bool_]) -> Iterator[Transition]:
    for index in sudden(differences(frames)):
        if not taken[index] and likeness(frames[index - 1 : index], frames[index : index + 1]) < _SAME:
            yield Transition("cut", index, index, _probability(across(frames, index)))


def sudden(changes: Floats) -> list[int]:
    """Frames that differ from the one before, and by more than their neighbours do.

    Args:
        changes: as of `differences`.
    """
    if not len(changes):
        return []
    around = np.delete(np.lib.stride_tricks.sliding_window_view(np.pad(changes, 2), 5), 2, axis=1)
    peak = (changes > 1.5) & (changes >= around.max(axis=1)) & (changes > 1.3 * np.median(around, axis=1))
    return [int(index) + 1 for index in np.flatnonzero(peak)]


def across(frames: Grey, index: int) -> float:
    """Likeness of the frames before ``index`` to those from there on; a flash of three frames leaves it high."""
    before = [i for i in (index - back for back in _BEFORE) if i >= 0]
    after = [i for i in (index + on for on in _AFTER) if i < len(frames)]
    return likeness(frames[before], frames[after])


def _probability(alike: float) -> float:
    return 1 / (1 + math.exp(-(_WEIGHTS[0] + _WEIGHTS[1] * alike)))
