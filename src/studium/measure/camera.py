"""What the camera does, told apart from what moves before it: pan, tilt, zoom and roll, and the share that moves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.measure.flow import CameraMove, camera_field, camera_move, dense, opencv, residual, sparse
from studium.measure.pairs import Grey, PairWatcher, check_number
from studium.measure.parameters import check_whole
from studium.media.video import Video
from studium.media.watch import WatchingMeasure

__all__ = ["CameraMotion"]

FEWEST, AGREEING = 12, 6
"""Corners without which nothing can be said of two pictures, and tracks that must agree on a move to believe it."""

MOVES = ("pan", "tilt", "zoom", "roll")

SOURCE = (
    "corners: doi:10.1109/CVPR.1994.323794; there and back: doi:10.1109/ICPR.2010.675; "
    "the move most agree on: doi:10.1145/358669.358692"
)
FLOW = "flow: doi:10.1007/978-3-319-46493-0_29"

COLUMNS = (
    *(
        Column(f"{name}_{what}", "float64", f"{said} rate of {way}; null if nothing is known", unit, low, source=SOURCE)
        for name, way, unit in (
            ("pan", "panning, right is positive", "widths/s"),
            ("tilt", "tilting, up is positive", "widths/s"),
            ("zoom", "zooming, in is positive: ln of the scale", "1/s"),
            ("roll", "rolling, clockwise is positive", "degrees/s"),
        )
        for what, said, low in (("mean", "mean", None), ("abs_mean", "mean absolute", 0))
    ),
    Column("moving_share_mean", "float64", "mean share of pixels that move beside the camera; null if nothing is known",
           "share", 0, 1, source=FLOW),
    Column("camera_static_share", "float64", "share of the known pairs in which the camera stands still", "share", 0, 1,
           source=SOURCE),
    Column("camera_pairs", "int64", "pairs of frames in which the move of the camera is known", "pairs", 0),
    Column("camera_cuts", "int64", "pairs of frames left out as cuts: their pictures share too little", "pairs", 0),
    Column("camera_unknown", "int64", "pairs of frames too plain, dark or small to say anything", "pairs", 0),
    Column("camera_seconds", "float64", "time that the known pairs span", "s", 0),
)  # fmt: skip


@dataclass(frozen=True)
class CameraMotion(WatchingMeasure):
    """Pan, tilt, zoom and roll of the camera, and how much of the picture moves by itself.

    Corners are followed from frame to frame; the shift, zoom and turn that most of them share is the camera's. What
    the dense flow shows beside it is the motion of things. Good for filming style (tripod or hand, calm or restless)
    and for the motion of people where the camera moves as well, which `motion` cannot tell apart. Rates are means over
    time: 0.1 widths/s is a pan by a tenth of the picture's width each second, a zoom of 0.1/s makes things about 10 %
    larger each second. The ``_mean`` of a camera that swings to and fro is 0, its ``_abs_mean`` is not. All are per
    second and in widths of the picture, so that resolution and frame rate do not matter.

    It sees pictures, not cameras: a wall of water, or a face that fills the picture, moves "the camera"; a digital zoom
    counts as a zoom, walking forward too. Things that move with the camera, as captions do, count as moving. How much
    is moving depends on the parameters: compare only what was measured with the same.

    Attributes:
        width: frames are scaled down to it before they are compared, in px.
        every: seconds from one compared frame to the next, on average; 0 for every frame.
        still: the camera stands still if no point of the picture goes faster, in widths/s.
        moving: a pixel moves if it goes faster beside the camera, in widths/s; with the defaults 1 px a step. Flow is
            not exact to half a pixel: where steps are shorter, take more.
        cut: two frames between which less than this share of the corners keeps to one move are a cut, and do not count.
    """

    name: ClassVar[str] = "camera_motion"
    version: ClassVar[str] = "3"
    takes: ClassVar[str] = "video"

    width: int = 320
    every: float = 0.1
    still: float = 0.01
    moving: float = 0.03125
    cut: float = 0.1

    def __post_init__(self) -> None:
        """Refuse impossible parameters at the door."""
        check_whole(self, "width", 1)
        check_number(self, "every", 0)
        check_number(self, "still", 0)
        check_number(self, "moving", 0)
        check_number(self, "cut", 0, 1)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Eight rates, two shares and what they rest on."""
        return COLUMNS

    def prepare(self) -> None:
        """Say before the run if OpenCV is missing."""
        opencv()

    def watch(self, medium: Video) -> Watcher:
        """Begin to watch a video."""
        return _Watcher(self)


class _Watcher(PairWatcher):
    def __init__(self, measure: CameraMotion) -> None:
        super().__init__(measure.width, measure.every)
        self._measure = measure
        self._moved, self._moved_abs = np.zeros(4), np.zeros(4)
        self._seconds = self._moving = 0.0
        self._pairs = self._static = self._cuts = self._unknown = 0

    def compare(self, before: Grey, after: Grey, begin: float, end: float) -> None:
        height, width = before.shape
        tracks = sparse(before, after)
        move = camera_move(tracks, width, height)
        if tracks.corners < FEWEST:
            self._unknown += 1
        elif move is None or move.inliers < max(AGREEING, self._measure.cut * tracks.corners):
            self._cuts += 1
        else:
            camera = camera_field(move, width, height)
            speed = width * (end - begin)  # px of this pair that are one width/s
            self._add(move, end - begin, width)
            self._static += _fastest(camera) <= self._measure.still * speed
            self._moving += _share_above(residual(dense(before, after), camera), self._measure.moving * speed)

    def _add(self, move: CameraMove, seconds: float, width: int) -> None:
        moved = np.array([-move.dx / width, move.dy / width, math.log(move.scale), -move.turn])
        self._moved += moved
        self._moved_abs += np.abs(moved)
        self._seconds += seconds
        self._pairs += 1

    def result(self) -> Mapping[str, Any]:
        return {
            **_rates("mean", self._moved, self._seconds),
            **_rates("abs_mean", self._moved_abs, self._seconds),
            "moving_share_mean": self._moving / self._pairs if self._pairs else None,
            "camera_static_share": self._static / self._pairs if self._pairs else None,
            "camera_pairs": self._pairs,
            "camera_cuts": self._cuts,
            "camera_unknown": self._unknown,
            "camera_seconds": self._seconds,
        }


def _rates(what: str, moved: npt.NDArray[np.float64], seconds: float) -> dict[str, float | None]:
    return {f"{name}_{what}": x / seconds if seconds else None for name, x in zip(MOVES, moved.tolist(), strict=True)}


def _fastest(field: npt.NDArray[np.float32]) -> float:
    """Of a camera move, which is fastest in some corner."""
    return float(np.hypot(*np.moveaxis(field[[0, 0, -1, -1], [0, -1, 0, -1]], -1, 0)).max())


def _share_above(beside: npt.NDArray[np.float32], speed: float) -> float:
    """Share of the pixels that can be followed which go faster."""
    return float((beside > speed).sum() / max(1, np.isfinite(beside).sum()))
