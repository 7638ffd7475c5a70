"""Motion by differences of frames, as Dietrich (2021) measured how members of Congress cross the aisle."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.errors import InputError
from studium.measure.flow import opencv
from studium.measure.pairs import MICROSECOND, Grey, PairWatcher, check_number
from studium.measure.parameters import check_whole
from studium.media.video import Video
from studium.media.watch import WatchingMeasure

__all__ = ["Motion", "changed"]

SOURCE = (
    "after Dietrich (2021), Using Motion Detection to Measure Social Polarization in the U.S. House of "
    "Representatives, Political Analysis"
)


def changed(before: Grey, after: Grey, threshold: int = 25) -> npt.NDArray[np.bool_]:
    """Which pixels change by more than ``threshold`` of 255 grey levels between two pictures, H x W uint8 each."""
    return np.asarray(opencv().absdiff(before, after) > threshold)


COLUMNS = (
    Column("motion_mean", "float64", "mean share of changed pixels; null without a pair", "share", 0, 1, source=SOURCE),
    Column("motion_max", "float64", "the same in the window where it is largest; null without a pair", "share", 0, 1,
           source=SOURCE),
    Column("motion_sd", "float64", "standard deviation over pairs of frames; null without a pair", "share", 0, 0.5,
           source=SOURCE),
    Column("motion_pairs", "int64", "pairs of frames compared", "pairs", 0),
    Column("motion_cuts", "int64", "pairs of frames left out as cuts", "pairs", 0),
    Column("motion_seconds", "float64", "time that the pairs compared span", "s", 0),
)  # fmt: skip


@dataclass(frozen=True)
class Motion(WatchingMeasure):
    """How much moves in a video: the share of pixels that change from one moment to the next.

    Grey pictures are smoothed and subtracted; a pixel has changed if it differs by more than the threshold. Good for a
    camera that stands still: how lively a floor, a square or a debate is. It was made for the overhead shots of the
    U.S. House: many changed pixels, many members on their way. ``motion_max`` is the liveliest window. Video with fewer
    than two frames has no motion to speak of: 0 pairs, and nulls.

    It cannot tell who moves: a pan of the camera changes more pixels than a crowd, flicker and captions count, and what
    is near the camera counts more than what is far. With a moving camera take `camera_motion`. A cut is left out only
    if it changes more than the share ``cut`` of the picture; measure shots to be sure of none. Compare videos only
    with the same parameters: the longer the steps, the more changes in one.

    Attributes:
        threshold: grey levels of 255 that a pixel must differ by more than.
        blur: side of the Gaussian window that takes out noise first, in px of the scaled picture, odd; 1 for none.
        width: frames are scaled down to it before they are compared, in px.
        every: seconds from one compared frame to the next, on average; 0 for every frame, as Dietrich did, which
            measures less motion the higher the frame rate.
        roi: the region that counts: left, top, right, bottom as shares of the picture.
        window: seconds of a window of ``motion_max``; what remains at the end belongs to the last one.
        cut: pairs in which more than this share of the whole picture changes are cuts, and do not count.
    """

    name: ClassVar[str] = "motion"
    version: ClassVar[str] = "3"
    takes: ClassVar[str] = "video"

    threshold: int = 25
    blur: int = 5
    width: int = 320
    every: float = 0.1
    roi: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)
    window: float = 1.0
    cut: float = 0.6

    def __post_init__(self) -> None:
        """Refuse impossible parameters at the door."""
        check_whole(self, "threshold", 0, 254)
        check_whole(self, "blur", 1, 99)
        check_whole(self, "width", 1)
        check_number(self, "every", 0)
        check_number(self, "window", 0, above=True)
        check_number(self, "cut", 0, 1)
        if self.blur % 2 == 0:
            raise InputError(f"motion: blur should be odd, so that the window has a middle, got {self.blur}")
        if not _is_region(self.roi):
            raise InputError(
                "motion: roi should be left, top, right, bottom as shares of the picture, left < right and "
                f"top < bottom, got {self.roi!r}; leave it out for the whole picture"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """Six numbers."""
        return COLUMNS

    def prepare(self) -> None:
        """Say before the run if OpenCV is missing."""
        opencv()

    def watch(self, medium: Video) -> Watcher:
        """Begin to watch a video."""
        return _Watcher(self)


class _Watcher(PairWatcher):
    def __init__(self, measure: Motion) -> None:
        super().__init__(measure.width, measure.every)
        self._measure = measure
        self._shares, self._windows = _Shares(), _Windows()
        self._cuts, self._seconds = 0, 0.0

    def seen(self, grey: Grey) -> Grey:
        blur = self._measure.blur
        return np.asarray(opencv().GaussianBlur(grey, (blur, blur), 0))

    def compare(self, before: Grey, after: Grey, begin: float, end: float) -> None:
        differs = changed(before, after, self._measure.threshold)
        if differs.mean() > self._measure.cut:
            self._cuts += 1
            return
        share = float(differs[_inside(self._measure.roi, *differs.shape)].mean())
        self._shares.add(share)
        self._windows.add(share, self._window_at(begin))
        self._seconds += end - begin

    def result(self) -> Mapping[str, Any]:
        mean, sd = self._shares.moments()
        return {
            "motion_mean": mean,
            "motion_max": self._windows.largest(self._window_at(self.last)) if self._shares.count else None,
            "motion_sd": sd,
            "motion_pairs": self._shares.count,
            "motion_cuts": self._cuts,
            "motion_seconds": self._seconds,
        }

    def _window_at(self, time: float) -> int:
        """The number of the window in which a time lies; at the end of the video, how many are full."""
        return math.floor((time - self.first + MICROSECOND / 2) / self._measure.window)


class _Shares:
    """Mean and standard deviation (of the population) as values come, by Welford's recurrence."""

    def __init__(self) -> None:
        self.count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.count += 1
        away = value - self._mean
        self._mean += away / self.count
        self._squares += away * (value - self._mean)

    def moments(self) -> tuple[float | None, float | None]:
        return (self._mean, math.sqrt(self._squares / self.count)) if self.count else (None, None)


@dataclass
class _Window:
    number: int
    total: float = 0.0
    count: int = 0


class _Windows:
    """The largest mean of a window. Two are kept open, for what is left at the end joins the last full one."""

    def __init__(self) -> None:
        self._closed, self._open = 0.0, list[_Window]()

    def add(self, share: float, number: int) -> None:
        if not self._open or self._open[-1].number != number:
            self._open.append(_Window(number))
        if len(self._open) == 3:
            closed = self._open.pop(0)
            self._closed = max(self._closed, closed.total / closed.count)
        self._open[-1].total += share
        self._open[-1].count += 1

    def largest(self, full: int) -> float:
        """Of all windows, of which so many are ``full``."""
        *before, last = self._open
        if before and before[0].number == full - 1:
            last = _Window(full - 1, before[0].total + last.total, before[0].count + last.count)
            before = []
        return max(self._closed, *(window.total / window.count for window in [*before, last]))


def _is_region(roi: Any) -> bool:
    if not isinstance(roi, tuple) or len(roi) != 4 or not all(isinstance(x, int | float) for x in roi):
        return False
    left, top, right, bottom = roi
    return bool(0 <= left < right <= 1 and 0 <= top < bottom <= 1)


def _inside(roi: tuple[float, ...], height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels in a region, at least one each."""
    left, right = _pixels(roi[0], roi[2], width)
    top, bottom = _pixels(roi[1], roi[3], height)
    return slice(top, bottom), slice(left, right)


def _pixels(begin: float, end: float, size: int) -> tuple[int, int]:
    first = min(round(begin * size), size - 1)
    return first, max(first + 1, round(end * size))
