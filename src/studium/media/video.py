"""Video, decoded frame by frame in constant memory. Times are exact: presentation time x time base."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile, takewhile
from pathlib import Path

from studium.errors import DamagedStreamError
from studium.media.damage import HALF_MICROSECOND, Ledger, told
from studium.media.frame import Frame
from studium.media.pictures import Pictures
from studium.media.shape import Shape

__all__ = ["Video", "VideoInfo"]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file says about its pictures, and what its first one is like.

    Attributes:
        width: in square pixels, upright; of the first picture that decodes (it may change later).
        height: in square pixels, upright.
        rotation: how far the stored pictures are turned clockwise to stand upright: 0, 90, 180 or 270 degrees.
        duration: from the first instant of the file to the end of the pictures, in seconds, as its header states it or
            the demuxer estimates it; None where neither can (a WebM from a browser, say). Only a pass tells for sure.
        rate: frames per second on average, or None; of no meaning where the rate varies.
        codec: "h264", "vp9" ...
        sound: whether there is sound as well.
    """

    width: int
    height: int
    rotation: int
    duration: float | None
    rate: float | None
    codec: str
    sound: bool


@dataclass(frozen=True)
class Video:
    """The pictures of a video file, or of a stretch of it.

    Attributes:
        path: the file.
        start: seconds from the first instant of the file; frames before it are left out.
        end: frames at or after it are left out; None for all.
    """

    path: str | Path
    start: float = 0.0
    end: float | None = None

    @cached_property
    def info(self) -> VideoInfo:
        """What the file says about itself.

        Raises:
            MediaError: it cannot be opened, or has no pictures.
        """
        with closing(Pictures(self.path)) as pictures:
            return _info(pictures)

    def frames(self, keyframes: bool = False) -> Iterator[Frame]:
        """Every frame in the order of time, in constant memory if they are not kept.

        Args:
            keyframes: only those that are stored whole, which is some ten times faster.

        Raises:
            MediaError: the file cannot be opened or has no pictures.
            DamagedStreamError: at the end, if not all of it could be decoded; the message says when.
        """
        with closing(Pictures(self.path, keyframes)) as pictures:
            ledger = Ledger(pictures.seconds, self.start, self.end)
            within: Iterator[Frame] = dropwhile(self._early, pictures.pass_over(self.start, ledger))
            if self.end is not None:
                end = self.end - HALF_MICROSECOND
                within = takewhile(lambda frame: frame.time < end, within)
            yield from within  # and no loop here that would hold a frame while the next is decoded
        if ledger.lost:
            raise DamagedStreamError(f"{self.path}: {_damage(ledger)}")

    def _early(self, frame: Frame) -> bool:
        return frame.time < self.start - HALF_MICROSECOND


def _damage(ledger: Ledger) -> str:
    frames = f"{ledger.count} frame{'s' * (ledger.count != 1)}" if ledger.count else "the file ends before its time"
    return f"could not be decoded: {told(ledger.lost)}; {frames}"


def _info(pictures: Pictures) -> VideoInfo:
    stream, context = pictures.stream, pictures.stream.codec_context
    duration = None
    if stream.duration is not None:
        duration = pictures.seconds((stream.start_time or 0) + stream.duration)
    elif pictures.container.duration is not None:
        duration = pictures.container.duration / 1_000_000
    rate, codec, sound = pictures.rate, context.name, bool(pictures.container.streams.audio)
    first = next(pictures.pass_over(), None)
    shape = first.shape if first else Shape(context.width, context.height)
    return VideoInfo(
        shape.width, shape.height, shape.rotation, duration, None if rate is None else float(rate), codec, sound
    )
