"""Which pictures of a stream were promised and never came, by comparing what was read with what was decoded."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

__all__ = ["HALF_MICROSECOND", "Ledger", "Stretch", "told"]

Stretch = tuple[float, float | None]
"""From when until when, in seconds; None for the end of the file."""

HALF_MICROSECOND = 5e-7
"""Times are compared to the microsecond, which names units."""

_LISTED = 20


class Ledger:
    """Books what a pass reads and decodes, by the time stamps of the stream.

    A decoder returns pictures in the order of their time, so what was read and lies before one that came will not come
    any more: that is exact however many pictures the decoder holds back. Pictures that rest on a broken one come, but
    show what never was, so they count as missing too, until the next that is stored whole.

    Attributes:
        lost: the stretches without a picture: from the first that is missing to the next that is there.
        count: how many pictures are missing.
    """

    def __init__(self, seconds: Callable[[int], float], begin: float = 0.0, end: float | None = None) -> None:
        """Begin to book.

        Args:
            seconds: the time of a stamp.
            begin: what is missing before it does not count, in seconds.
            end: what is missing at or after it does not count; None for all.
        """
        self.lost: list[Stretch] = []
        self.count = 0
        self._seconds, self._begin, self._end = seconds, begin, end
        self._waiting: list[_Read] = []
        self._groups = [_Group(), _Group()]  # the pictures before the last keyframe, and those from it on
        self._order = 0
        self._covered: int | None = None

    def read(self, stamp: int, key: bool) -> None:
        """A packet that should become a picture is handed to the decoder."""
        self._order += 1
        if key:
            self._groups = [self._groups[-1], _Group(stamp)]
        group = self._groups[-1]
        leads = group.key is not None and stamp < group.key  # shown before the keyframe, so it may rest on both groups
        heappush(self._waiting, _Read(stamp, self._order, key, self._groups if leads else [group]))

    def fail(self) -> None:
        """What was read last cannot be decoded, and others rest on it."""
        self._groups[-1].fail(self._order)

    def come(self, stamp: int, whole: bool, covers: int = 0) -> bool:
        """A picture came.

        Args:
            stamp: its time.
            whole: whether the decoder found nothing wrong with it.
            covers: ticks from its stamp in which no other picture is expected (its second field).

        Returns:
            Whether it is good, and rests on good ones.
        """
        while self._waiting and self._waiting[0].stamp < stamp:
            self._miss(heappop(self._waiting))
        found = self._waiting and self._waiting[0].stamp == stamp
        read = heappop(self._waiting) if found else _Read(stamp, self._order, False, self._groups[-1:])
        if not whole:
            read.groups[-1].fail(read.order)
        if min([group.failed for group in read.groups]) <= read.order:
            self.lose(stamp)
            return False
        self._covered = stamp + covers
        if self.lost and self.lost[-1][1] is None:
            self.lost[-1] = (self.lost[-1][0], min(self._seconds(stamp), inf if self._end is None else self._end))
        return True

    def lose(self, stamp: int) -> None:
        """The picture of this stamp is missing."""
        time = self._seconds(stamp)
        if time >= self._begin - HALF_MICROSECOND and (self._end is None or time < self._end - HALF_MICROSECOND):
            self.count += 1
            self._open(time)

    def was_missing(self, time: float) -> bool:
        """Whether the last stretch without a picture lies after ``time``."""
        return bool(self.lost) and self.lost[-1][0] > time

    def finish(self, short_from: int | None = None) -> None:
        """Nothing more comes; ``short_from`` is where the file ends, if it ends before its time."""
        while self._waiting:
            self._miss(heappop(self._waiting))
        if short_from is not None and (self._end is None or self._seconds(short_from) < self._end):
            self._open(self._seconds(short_from))

    def _miss(self, read: "_Read") -> None:
        if self._covered is not None and read.stamp < self._covered:
            return
        if read.key:
            read.groups[-1].fail(read.order)
        self.lose(read.stamp)

    def _open(self, time: float) -> None:
        if not (self.lost and self.lost[-1][1] is None):
            self.lost.append((time, None))


@dataclass(slots=True)
class _Group:
    """Pictures from one keyframe to the next: its stamp, and the place of the first that failed in their order."""

    key: int | None = None
    failed: float = inf

    def fail(self, order: int) -> None:
        self.failed = min(self.failed, order)


class _Read(NamedTuple):
    """A packet that was read: its time, its place in the order of the file, and the groups that it may rest on."""

    stamp: int
    order: int
    key: bool
    groups: list[_Group]


def told(stretches: list[Stretch]) -> str:
    """In words: "12.480 to 12.960 s, from 31.200 s to the end"."""
    words = [f"from {a:.3f} s to the end" if b is None else f"{a:.3f} to {b:.3f} s" for a, b in stretches[:_LISTED]]
    more = len(stretches) - _LISTED
    return ", ".join(words) + (f" and {more} more stretches" if more > 0 else "")
