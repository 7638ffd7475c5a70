"""Videos to frames: every so many seconds, all keyframes, or the middle. Nothing is decoded, the packets tell times."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, ClassVar

from studium.core.column import Column
from studium.core.protocols import Unitizer
from studium.core.unit import Span
from studium.errors import InputError
from studium.media.damage import HALF_MICROSECOND
from studium.media.pictures import Pictures

if TYPE_CHECKING:
    from studium.media.video import Video

__all__ = ["Frames", "shown_every"]


def shown_every(times: Sequence[float], every: float, start: float = 0.0, end: float = inf) -> list[float]:
    """The frames that are shown at ``start``, ``start + every``, ``start + 2 * every`` ... before ``end``.

    Args:
        times: when each frame begins to be shown, in seconds, ascending; it is shown until the next one.
        every: seconds.
        start: the first instant, in seconds.
        end: when the last frame ceases to be shown, in seconds.

    Returns:
        Their times, each once, also if one frame is shown at several instants; none for instants before the first.
    """
    found: list[float] = []
    step, count = Fraction(every), 0
    for time, until in zip(times, [*times[1:], end], strict=False):
        count = max(count, -int(-(Fraction(time) - Fraction(start) - Fraction(1, 2_000_000)) // step))
        if float(start + count * step) < until - HALF_MICROSECOND:
            found.append(time)
    return found


@dataclass(frozen=True)
class Frames(Unitizer):
    """Frames of a video or a shot: one every so many seconds, all keyframes, or the one in the middle.

    Every ``every`` seconds of the video the frame that is shown then becomes a unit, named by the exact time at which
    it begins to be shown: a video of 60 s gives 30 frames at ``every=2``. A frame that is shown at several of these
    instants, as in a video of few frames a second, is one unit. Keyframes are those that the file stores whole; where
    they lie is the encoder's choice (often at cuts, and every few seconds), so they are quick to read but no sample of
    the video by time. ``middle`` takes the frame that is shown halfway: of shots, one frame for each.

    Frames that cannot be decoded are units too, and fail when they are loaded.

    Attributes:
        every: seconds from one frame to the next.
        keyframes: take all keyframes.
        middle: take the frame in the middle.
    """

    every: float | None = None
    keyframes: bool = False
    middle: bool = False

    name: ClassVar[str] = "frames"
    version: ClassVar[str] = "2"
    takes: ClassVar[str] = "video"
    makes: ClassVar[str] = "frame"

    def __post_init__(self) -> None:
        """Refuse parameters that do not say which frames."""
        if (self.every is not None) + self.keyframes + self.middle != 1:
            raise InputError(
                "frames takes one of every (seconds), keyframes = true and middle = true, "
                f"got every={self.every}, keyframes={self.keyframes}, middle={self.middle}"
            )
        if self.every is not None and not 1e-6 <= self.every < inf:
            raise InputError(f"every should be the seconds from one frame to the next, such as 2.0, got {self.every}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The time that each frame stands for."""
        about = "how much of the video (or shot) it stands for: from it, or from the beginning, to the next one taken"
        return (Column("stands_for", "float64", about, "s", low=0),)

    def __call__(self, media: "Video") -> Iterable[Span]:
        """The frames of one video, in order.

        Raises:
            MediaError: it cannot be opened, or has no pictures.
        """
        with closing(Pictures(media.path)) as pictures:
            found = sorted(pictures.times())
            end = pictures.end
        if media.end is not None:
            end = min(end, media.end)
        low, high = media.start - HALF_MICROSECOND, end - HALF_MICROSECOND
        found = [(time, key) for time, key in found if low <= time and (media.end is None or time < high)]
        times = self._taken(found, media.start, end)
        edges = [min(media.start, *times[:1]), *times[1:], max(end, *times[-1:])] if times else []
        return [
            Span(time, values={"stands_for": until - since})
            for time, (since, until) in zip(times, pairwise(edges), strict=True)
        ]

    def _taken(self, found: Sequence[tuple[float, bool]], start: float, end: float) -> list[float]:
        """The times of the frames taken, of all of them with whether they are stored whole."""
        if self.keyframes:
            return list(dict.fromkeys(time for time, key in found if key))
        times = list(dict.fromkeys(time for time, _ in found))
        if self.every is None:
            half = (start + end) / 2 + HALF_MICROSECOND
            return times[max(0, bisect_right(times, half) - 1) :][:1]
        return shown_every(times, self.every, start, end)
