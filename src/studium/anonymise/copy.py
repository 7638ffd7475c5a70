"""One medium: look, cover, write the copy, look at the copy, and cover what is still found, until nothing is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from studium.anonymise.tracks import linked
from studium.errors import DamagedStreamError, MediaError
from studium.measure.cover import DOUBTFUL, ROUNDS, Cover, Seen, boxes_of
from studium.media.fill import covered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Copied", "Look", "Medium", "Shown", "copied"]

Look = Callable[[Callable[[Any], list[Seen]], Iterable[Any]], Iterator[list[Seen]]]
"""What ``map`` does: a function of one picture, many pictures, what it returns for each, in their order."""


class Shown(NamedTuple):
    """A picture of a medium: RGB uint8 H x W x 3, when it is shown and how long, in seconds."""

    pixels: "NDArray[np.uint8]"
    time: float
    duration: float


class Medium(Protocol):
    """What can be copied: pictures that can be read again and again, and written.

    Attributes:
        moving: whether its pictures follow each other, so that faces can be followed through them.
        suffix: of the copy, without dot.
        remarks: what the reader should know about the copy, complete once it was read.
    """

    moving: bool
    suffix: str
    remarks: dict[str, str]

    def read(self) -> Iterator[Shown]:
        """Its pictures, one at a time; the same each time."""

    def write(self, path: Path, pictures: Iterator[Shown]) -> None:
        """Write pictures as a medium of its kind."""

    def written(self, path: Path) -> Iterator["NDArray[np.uint8]"]:
        """The pictures of a file that `write` has written, as they come out of it."""


@dataclass
class Copied:
    """What became of one medium.

    Attributes:
        frames: its pictures.
        faces: boxes of faces that were found, over all pictures.
        lines: boxes of lines of text.
        doubtful: faces with a confidence below `DOUBTFUL`.
        tracks: faces, and lines, that were followed through a film.
        bridged: boxes that were filled in where a face was missed inside a track.
        extended: boxes that were filled in before and after tracks.
        rounds: how often it was written.
        again: boxes that were found in the copy, and covered as well.
        left: boxes that are still found in the last copy.
        frames_left: its pictures that have any.
        remarks: what a reader should know.
    """

    frames: int = 0
    faces: int = 0
    lines: int = 0
    doubtful: int = 0
    tracks: int = 0
    bridged: int = 0
    extended: int = 0
    rounds: int = 0
    again: int = 0
    left: int = 0
    frames_left: int = 0
    remarks: dict[str, str] = field(default_factory=dict)


def copied(medium: Medium, path: Path, cover: Cover, each: Look = map) -> Copied:
    """Write a copy in which nothing that is to be covered can be found any more.

    Args:
        medium: what is copied.
        path: where to; overwritten in every round.
        cover: what is covered, and how.
        each: how to look at many pictures; ``map``, or one that does so in several threads.

    Raises:
        MediaError: the medium cannot be read, or its copy does not come back whole.
    """
    done = Copied()
    found = list(each(lambda shown: cover.find(shown.pixels), medium.read()))
    done.frames = len(found)
    if not found:
        raise DamagedStreamError(f"none of its pictures could be decoded: {medium.remarks.get('damage', '')}")
    _count(done, found)
    first = _followed(found, medium.moving, done)
    again: list[list[Seen]] = [[] for _ in found]
    while True:
        done.rounds += 1
        medium.write(path, _covered(medium.read(), first, again, cover.mode))
        left = list(each(cover.remaining, medium.written(path)))
        if len(left) != done.frames:
            raise MediaError(f"of {done.frames} pictures written, {len(left)} came back; nothing was kept")
        done.left, done.frames_left = sum(map(len, left)), sum(map(bool, left))
        if not done.left or done.rounds == ROUNDS:
            done.remarks = dict(medium.remarks)
            return done
        done.again += done.left
        more = _followed(left, medium.moving)
        again = [[*old, *new] for old, new in zip(again, more, strict=True)]


def _count(done: Copied, found: Sequence[Sequence[Seen]]) -> None:
    every = [one for seen in found for one in seen]
    done.faces = sum(one.what == "face" for one in every)
    done.lines = len(every) - done.faces
    done.doubtful = sum(one.confidence < DOUBTFUL for one in every)


def _followed(found: Sequence[list[Seen]], moving: bool, done: Copied | None = None) -> list[list[Seen]]:
    """With what is filled in between and beside the frames of a film; faces and lines apart."""
    if not moving:
        return list(found)
    made: list[list[Seen]] = [[] for _ in found]
    for what in ("face", "line"):
        tracks = linked([[one.box for one in seen if one.what == what] for seen in found])
        for frame, boxes in zip(made, tracks.boxes, strict=True):
            frame += [Seen(what, box, 1.0) for box in boxes]
        if done:
            done.tracks += tracks.tracks
            done.bridged += tracks.bridged
            done.extended += tracks.extended
    return made


def _covered(
    pictures: Iterator[Shown], first: Sequence[list[Seen]], again: Sequence[list[Seen]], mode: str
) -> Iterator[Shown]:
    for shown, seen, more in zip(pictures, first, again, strict=False):  # what was not looked at is not written
        made = covered(shown.pixels, boxes_of(seen, shown.pixels), mode)
        yield shown._replace(pixels=covered(made, boxes_of(more, made), "fill"))
