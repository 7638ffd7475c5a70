"""Frames of a film, spread evenly: what a coder or a network is shown of it."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from studium.errors import MediaError
from studium.media.damage import HALF_MICROSECOND
from studium.media.pictures import Pictures
from studium.media.reader import Reader
from studium.media.transform import Picture
from studium.media.video import Video

__all__ = ["Taken", "frames_of"]

Taken = tuple[float, Picture]


def frames_of(film: Video, count: int, detail: int | None = None) -> list[Taken]:
    """Frames of a film, spread evenly, in the order of time: (seconds from the first instant of the file, RGB uint8).

    The stretch from the first frame to the end is cut into ``count`` equal parts; of each the frame is taken that is
    shown in its middle. A frame that is shown in several is taken once.

    Args:
        film: or a stretch of one.
        count: at most so many.
        detail: the shorter side in px to scale down to; None for every pixel.

    Raises:
        MediaError: it cannot be opened, has no frame there, or one that is needed cannot be decoded.
    """
    times = _middles(film, count)
    with closing(Reader(Path(film.path))) as reader:
        return [(time, reader.at(time).rgb(detail)) for time in times]


def _middles(film: Video, count: int) -> list[float]:
    """When the frames are shown that are taken: told by the packets, nothing is decoded."""
    with closing(Pictures(film.path)) as pictures:
        times = sorted(_within(film, (time for time, _ in pictures.times())))
        end = pictures.end if film.end is None else min(film.end, pictures.end)
    if not times:
        raise MediaError(f"{film.path}: no frame begins from {film.start:g} s on, before {film.end} s")
    part = max(0.0, end - times[0]) / count
    middles = [times[0] + (number + 0.5) * part + HALF_MICROSECOND for number in range(count)]
    return list(dict.fromkeys(times[bisect_right(times, middle) - 1] for middle in middles))


def _within(film: Video, times: Iterator[float]) -> Iterator[float]:
    low = film.start - HALF_MICROSECOND
    high = None if film.end is None else film.end - HALF_MICROSECOND
    return (time for time in times if low <= time and (high is None or time < high))
