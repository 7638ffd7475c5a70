"""Where one picture turns into another by degrees: all between the two is a mixture of them.

If A and B are frames before and after a dissolve, a frame between them is (1 - a) A + a B with a rising from 0 to 1, so
all follows from the squared distances between frames: a is where the frame falls on the line from A to B, and what is
left is its distance from that line. A camera that moves leaves the line at once.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.unitize.likeness import likeness, unmoved

__all__ = [
    "Candidate",
    "Dissolve",
    "Mixtures",
    "candidates",
    "change_left_over",
    "dissolves",
    "distances",
    "likeness_of_ends",
    "mixtures",
]

Floats = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]

HALVES = (2, 3, 4, 5, 6, 7, 8, 10, 12)
"""Half the lengths that are tried, in steps of `PERIOD`."""

PERIOD = 0.08
"""Seconds between the frames that are looked at; a dissolve shorter than four of them is taken for a cut."""

_SLOWEST = 0.15  # seconds between frames from which a dissolve cannot be seen
_WEIGHTS = (0.9, -14.9, 6.2, 7.9)  # of 1, ends, dip, left over (benchmarks/shots_fit.py)


@dataclass(frozen=True, slots=True)
class Dissolve:
    """From frame ``first``, the last of the shot before, to frame ``last``, the first of the shot after."""

    first: int
    last: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two frames, one every `PERIOD`, between which all are mixtures; ``dip`` as in `Mixtures`, at least -.5."""

    first: int
    last: int
    dip: float


@dataclass(frozen=True, slots=True)
class Mixtures:
    """How well the frames between two ends are mixtures of them, for many pairs of ends: arrays of one length.

    Attributes:
        first: index of the end before.
        last: index of the end after.
        change: mean squared difference between the ends.
        unlike: the change as a share of their variances: about 1 if they have nothing in common.
        off: mean squared distance from the line between the ends, as a share of the change.
        uneven: root mean square of a - (a if it rose evenly).
        jump: largest step of a from one frame to the next.
        dip: by what share the variance is lower between the ends.
        outside: change just before and after, as a share of the change.
    """

    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]
    change: Floats
    unlike: Floats
    off: Floats
    uneven: Floats
    jump: Floats
    dip: Floats
    outside: Floats


def distances(frames: Floats, reach: int) -> Floats:
    """Mean squared differences between frames that are at most ``reach`` apart.

    Args:
        frames: (n, pixels).
        reach: how far.

    Returns:
        (reach + 1, n): [k, i] between frames i and i + k; infinite where there is none.
    """
    count = len(frames)
    found = np.full((reach + 1, count), np.inf)
    for apart in range(min(reach, count - 1) + 1):
        change = frames[apart:] - frames[: count - apart]
        found[apart, : count - apart] = np.einsum("ij,ij->i", change, change) / frames.shape[1]
    return found


def mixtures(frames: Floats, half: int) -> Mixtures:
    """Every two frames 2 x ``half`` apart, and how well all between them are their mixtures.

    Args:
        frames: (n, pixels).
        half: half the distance of the ends.
    """
    return _mixtures(distances(frames, 2 * half), frames.var(axis=1), half)


def _mixtures(apart: Floats, variance: Floats, half: int) -> Mixtures:
    """Of `distances` and variances (n,); in arrays of two axes, frames on the way go down, ends across."""
    span = 2 * half
    first = np.arange(2, apart.shape[1] - span - 2)
    last = first + span
    step = np.arange(1, span)[:, None]
    change = apart[span, first] + 1e-6
    to_first, to_last = apart[step, first], apart[span - step, first + step]
    share = (to_first + change - to_last) / (2 * change)
    off = to_first - share**2 * change
    steps = np.diff(share, axis=0, prepend=0, append=1)
    ends = variance[first] + variance[last]
    return Mixtures(
        first, last, change,
        unlike=change / (ends + 2),
        off=off.mean(axis=0) / change,
        uneven=np.sqrt(np.square(share - step / span).mean(axis=0)),
        jump=steps.max(axis=0),
        dip=1 - variance[first + step].mean(axis=0) / (ends / 2 + 1),
        outside=np.maximum(apart[2, first - 2], apart[2, last]) / change,
    )  # fmt: skip


def dissolves(frames: Grey, times: Floats, threshold: float = 0.5) -> list[Dissolve]:
    """Dissolves of .3 to 2 s, in order; no two overlap.

    Args:
        frames: (n, 27, 48), grey levels.
        times: (n,), seconds, rising.
        threshold: least confidence.
    """
    apart = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    if not 0 < apart <= _SLOWEST:
        return []
    step = max(1, round(PERIOD / apart))
    some = frames[::step]
    found = []
    for one in candidates(some):
        ends = likeness_of_ends(some, one)
        if _probability(ends, one.dip, 1.0) >= threshold:  # it can be one, so a closer look is worth it
            confidence = _probability(ends, one.dip, change_left_over(some, one))
            found.append(Dissolve(one.first * step, one.last * step, confidence))
    return [one for one in found if one.confidence >= threshold]


def _small(frames: Grey) -> Floats:
    """Frames averaged to 16 x 9, as vectors: coarse, so that a little motion does not matter."""
    lines = frames[:, ::3].astype(np.uint16) + frames[:, 1::3] + frames[:, 2::3]
    small: Floats = (lines[:, :, ::3] + lines[:, :, 1::3] + lines[:, :, 2::3]).reshape(len(frames), -1) / 9
    return small


def candidates(frames: Grey) -> list[Candidate]:
    """The best mixtures that do not overlap, in order.

    Args:
        frames: (n, 27, 48), grey levels, one every `PERIOD`.
    """
    small = _small(frames)
    apart, variance = distances(small, 2 * HALVES[-1]), small.var(axis=1)
    fitting = [_fitting(_mixtures(apart, variance, half)) for half in HALVES if len(small) > 2 * half + 4]
    score, first, last, dip = np.concatenate([np.empty((4, 0)), *fitting], axis=1)
    chosen: list[Candidate] = []
    left = np.arange(len(score))
    while len(left):
        best = left[score[left].argmax()]
        chosen.append(Candidate(int(first[best]), int(last[best]), max(float(dip[best]), -0.5)))
        left = left[(first[left] >= last[best]) | (last[left] <= first[best])]
    return sorted(chosen, key=lambda one: one.first)


def _fitting(some: Mixtures) -> Floats:
    """Those that may be a dissolve: (4, n), how well they fit, first, last, dip.

    The more changes, and the more of it evenly, the better they fit.
    """
    score = np.sqrt(some.change) * (1 - 2 * some.off - 2 * some.uneven - 0.5 * np.sqrt(some.outside))
    fit = (some.change > 30) & (some.unlike > 0.06) & (some.outside < 1)
    fit &= (some.jump < 0.5) & (some.off < 0.25) & (some.uneven < 0.2)
    return np.stack([score, some.first, some.last, some.dip])[:, fit]


def likeness_of_ends(frames: Grey, candidate: Candidate) -> float:
    """How like the frames before and after are, as in `likeness`."""
    first, last = candidate.first, candidate.last
    return likeness(frames[first - 1 : first + 1], frames[last : last + 2])


def change_left_over(frames: Grey, candidate: Candidate) -> float:
    """The share of the change on the way that motion does not explain, as in `unmoved`, in steps of up to .24 s."""
    first, last = candidate.first, candidate.last
    return unmoved(frames[first : last + 1 : min(3, max(1, (last - first) // 4))])


def _probability(ends: float, dip: float, left_over: float) -> float:
    weights = zip(_WEIGHTS, (1.0, ends, dip, left_over), strict=True)
    return 1 / (1 + math.exp(-sum(weight * value for weight, value in weights)))
