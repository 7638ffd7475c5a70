"""Boxes of one face in many frames: linked by overlap, and filled in where the detector missed it for a moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EXTENSION", "GAP", "Linked", "linked", "overlaps"]

Corners = tuple[float, float, float, float]

GAP = 15
"""Most frames in a row in which a face may be missed and its boxes are filled in."""

EXTENSION = 5
"""Frames before the first and after the last of a track that are covered as well."""

OVERLAP = 0.2
"""Least intersection over union of two boxes of one track."""


@dataclass(slots=True)
class _Track:
    frames: list[int] = field(default_factory=list)
    boxes: list[Corners] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Linked:
    """Boxes of every frame.

    Attributes:
        boxes: of each frame: those that were found, and those that were filled in.
        tracks: how many faces were followed.
        bridged: boxes filled in between two frames in which the face was found.
        extended: boxes filled in before the first and after the last of a track.
    """

    boxes: list[list[Corners]]
    tracks: int
    bridged: int
    extended: int


def linked(found: Sequence[Sequence[Corners]], gap: int = GAP, extension: int = EXTENSION) -> Linked:
    """Link boxes of successive frames into tracks, and fill in what lies between and beside them.

    Args:
        found: boxes (x0, y0, x1, y1) of each frame.
        gap: most frames in a row without a box that a track bridges, by straight lines between its ends.
        extension: frames before and after a track that get its first and last box.
    """
    boxes = [list(frame) for frame in found]
    tracks = _tracks(found, gap)
    bridged = extended = 0
    for track in tracks:
        for frame, box in _between(track):
            boxes[frame].append(box)
            bridged += 1
        for frame, box in _beside(track, extension, len(found)):
            boxes[frame].append(box)
            extended += 1
    return Linked(boxes, len(tracks), bridged, extended)


def _tracks(found: Sequence[Sequence[Corners]], gap: int) -> list[_Track]:
    done: list[_Track] = []
    living: list[_Track] = []
    for number, boxes in enumerate(found):
        done += [track for track in living if number - track.frames[-1] > gap + 1]
        living = [track for track in living if number - track.frames[-1] <= gap + 1]
        pairs = _pairs([track.boxes[-1] for track in living], boxes)
        for at, box in enumerate(boxes):
            if at not in pairs:
                living.append(_Track())
            track = living[pairs.get(at, -1)]
            track.frames.append(number)
            track.boxes.append(box)
    return done + living


def _pairs(last: Sequence[Corners], new: Sequence[Corners]) -> dict[int, int]:
    """Index of a new box -> index of the last box that it overlaps most; each once, the best pairs first."""
    table = overlaps(last, new)
    order = np.argsort(-table, axis=None, kind="stable")
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for old, at in zip(*(axis.tolist() for axis in np.unravel_index(order, table.shape)), strict=True):
        if table[old, at] < OVERLAP:
            break
        if old not in taken and at not in pairs:
            pairs[at] = old
            taken.add(old)
    return pairs


def overlaps(first: Sequence[Corners], second: Sequence[Corners]) -> "NDArray[np.float64]":
    """Intersection over union of every box of one list with every box of another: n x m, 0 to 1."""
    a = np.array(first, float).reshape(-1, 1, 4)
    b = np.array(second, float).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = sides.clip(0).prod(-1)
    areas = [(c[..., 2:] - c[..., :2]).prod(-1) for c in (a, b)]
    shares: NDArray[np.float64] = common / np.maximum(areas[0] + areas[1] - common, 1e-9)
    return shares


def _between(track: _Track) -> Iterator[tuple[int, Corners]]:
    for i in range(len(track.frames) - 1):
        first, end = track.frames[i], track.frames[i + 1]
        low, high = np.array(track.boxes[i]), np.array(track.boxes[i + 1])
        for frame in range(first + 1, end):
            x0, y0, x1, y1 = (low + (high - low) * ((frame - first) / (end - first))).tolist()
            yield frame, (x0, y0, x1, y1)


def _beside(track: _Track, extension: int, count: int) -> Iterator[tuple[int, Corners]]:
    first, last = track.frames[0], track.frames[-1]
    for frame in range(max(0, first - extension), first):
        yield frame, track.boxes[0]
    for frame in range(last + 1, min(count, last + 1 + extension)):
        yield frame, track.boxes[-1]
