"""The pictures of one open file, decoded in order from its beginning or from any keyframe, with their exact times."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from studium.errors import TruncatedFileError
from studium.media.container import ends_before, open_container, packets_from, packets_of, start_of, stream_of
from studium.media.damage import Ledger
from studium.media.frame import Frame
from studium.media.planes import Scaler
from studium.media.shape import Shape

__all__ = ["Pictures"]

_NO_STAMPS = 0x80
"""Flag of demuxers of bare streams, which have no time stamps: their pictures are counted."""
_BIDIRECTIONAL = frozenset({"mpeg1video", "mpeg2video", "mpeg4", "vc1", "wmv3"})
"""Codecs in whose streams no picture rests on a B-frame."""
_REFERRED = frozenset({"vp8", "libvpx"})
"""Codecs that have pictures which are only referred to, and not shown."""
_SECOND_FIELD = Fraction(3, 4)
"""Share of a frame in which the packet of its second field may lie."""
_REPEATED = 8
"""Largest MPEG-4 packet, in bytes, that only says "the same picture again"."""


class Pictures:
    """A file held open, and its pictures. One pass at a time.

    One thread decodes: studium works on many files at once, and what comes of damaged ones is then the same each time.

    Attributes:
        path: the file.
        stream: PyAV's stream.
        ledger: what the pass under way could not decode so far.
    """

    def __init__(self, path: str | Path, keyframes: bool = False) -> None:
        """Open it.

        Args:
            path: the file.
            keyframes: whether to decode only those pictures that are stored whole.

        Raises:
            MediaError: it cannot be opened, or has no pictures.
        """
        self.path, self.keyframes = path, keyframes
        self._scaler, self._shapes = Scaler(), dict[object, Shape]()
        self.ledger = Ledger(self.seconds)
        self._open()

    def _open(self) -> None:
        self.container = open_container(self.path)
        try:
            self.stream = stream_of(self.container, "video")
        except BaseException:
            self.container.close()
            raise
        self._counted = bool(self.container.format.flags & _NO_STAMPS)
        self.stream.codec_context.thread_count = 1
        if self.keyframes and not self._counted:
            self.stream.codec_context.skip_frame = "NONKEY"
        self._codec = self.stream.codec_context.name
        self.origin, self._base = start_of(self.container), Fraction(self.stream.time_base)
        if self.container.format.name == "avi" and self.stream.codec_context.has_b_frames and self.rate:
            self.origin += 1 / self.rate  # AVI says when to decode; FFmpeg then shows the first picture a frame late
        down = self._base.denominator * self.origin.denominator
        self._line = int(self._base * down), int(self.origin * down), down
        self._tick = self._base.as_integer_ratio()
        self._used = False
        self._lead: int | None = None
        self._last: tuple[int, int] | None = None
        self._ends = self.read_to = 0

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    @property
    def rate(self) -> Fraction | None:
        """Frames per second on average, as the file says or the demuxer guesses; None if neither."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return Fraction(rate) if rate else None

    def seconds(self, stamp: int) -> float:
        """The time of a stamp of the stream, in seconds from the first instant of the file."""
        if self._counted:
            return float(stamp / (self.rate or Fraction(25)))
        up, off, down = self._line
        return (stamp * up - off) / down  # of integers, so correctly rounded

    def stamp(self, time: float) -> int:
        """The last stamp of the stream that is not after ``time``, to the microsecond."""
        return int((Fraction(time) + Fraction(1, 2_000_000) + self.origin) / self._base // 1)

    def packets(self, time: float = 0.0) -> Iterator[Any]:
        """Packets in the order of the file from its beginning, or from a keyframe that is shown at ``time`` or before.

        Those that become a picture have a time stamp. Where the container gives none at all, they are counted.
        """
        if self._used:
            self.container.close()
            self._open()
        sought = time > 0 and not self._counted
        packets = self._sought(time) if sought else packets_of(self.container, self.stream)
        self._used, straight = True, not self.stream.codec_context.has_b_frames
        for number, packet in enumerate(packets):
            self.read_to = packet.pts if packet.dts is None else packet.dts
            if packet.pts is None and (self._counted or straight):
                packet.pts = number if self._counted else packet.dts
            yield packet

    def _sought(self, time: float) -> Iterator[Any]:
        """Packets from a keyframe that is shown at ``time`` or before; from the beginning if none can be sought."""
        packets = packets_from(self.container, self.stream, self.stamp(time))
        if packets is None:
            self.container.close()
            self._open()
            return packets_of(self.container, self.stream)
        key = next(packets)
        self._lead = key.pts
        return chain([key], packets)

    def times(self) -> Iterator[tuple[float, bool]]:
        """When each picture is shown that the file holds, in the order of the file, and whether it is stored whole.

        Nothing is decoded, so pictures that cannot be decoded are among them.

        Raises:
            TruncatedFileError: there are none.
        """
        found = False
        for packet in self.packets():
            if self.shows(packet):
                found = True
                self._ends = max(self._ends, packet.pts + (packet.duration or 0))
                yield self.seconds(packet.pts), packet.is_keyframe
        if not found:
            raise TruncatedFileError(f"{self.path}: it has a header, but no pictures")

    @property
    def end(self) -> float:
        """Where the pictures end that were read so far, in seconds."""
        return self.seconds(self._ends)

    def keyframe_before(self, time: float) -> int | None:
        """Decoding stamp of the last keyframe whose stamp in the container's index is not after ``time``, or None."""
        entries = self.stream.index_entries
        found = entries.search_timestamp(self.stamp(time)) if len(entries) else -1
        return entries[found].timestamp if found >= 0 else None

    def pass_over(self, time: float = 0.0, ledger: Ledger | None = None) -> Iterator[Frame]:
        """Every frame in their order, from the beginning or from a keyframe at or before ``time``.

        Args:
            time: in seconds.
            ledger: where to book what is missing, complete when the pass has come to its end.

        Raises:
            TruncatedFileError: there is no picture at all in the file.
        """
        packets = self.packets(time)
        first = next(packets, None)
        if first is None and time <= 0:
            raise TruncatedFileError(f"{self.path}: it has a header, but no pictures")
        self.ledger = ledger or Ledger(self.seconds)
        self._last, self._ends = None, 0
        yield from self._timed(self._decoded(chain([first] if first else [], packets)))
        short = not self._counted and ends_before(self.container, self.stream, self._ends)
        self.ledger.finish(self._ends if short else None)

    def _timed(self, raws: Iterator[Any]) -> Iterator[Frame]:
        """Good frames, each shown until the next; where that is missing, and at the end, as long as the file says."""
        held: Frame | None = None
        for raw in raws:
            frame = self._admitted(raw)
            if held and frame and not (self.keyframes or self.ledger.was_missing(held.time)):
                held.duration = frame.time - held.time
            if held and frame:
                yield held
            held = frame or held
        if held:
            yield held

    def _decoded(self, packets: Iterator[Any]) -> Iterator[Any]:
        import av

        context = self.stream.codec_context
        for packet in packets:
            booked = not self._counted and self.shows(packet) and (packet.is_keyframe or not self.keyframes)
            if booked:
                self.ledger.read(packet.pts, packet.is_keyframe)
            try:
                yield from context.decode(packet)
            except (av.error.FFmpegError, EOFError):
                if self._counted:
                    self.ledger.lose(self._next_stamp())
                elif booked and not self._is_last_link(packet):
                    self.ledger.fail()
            if packet.pts is not None:
                self._ends = max(self._ends, packet.pts + (packet.duration or 0))
        try:
            yield from context.decode(None)
        except (av.error.FFmpegError, EOFError):
            return

    def shows(self, packet: Any) -> bool:
        """Whether a packet should become a picture of its own that is shown."""
        if packet.pts is None or packet.is_discard or (self._lead is not None and packet.pts < self._lead):
            return False
        if self._codec in _REFERRED:
            return bool(bytes(packet)[0] & 0x10)
        return not (self._codec in _BIDIRECTIONAL and packet.size <= _REPEATED)

    def _is_last_link(self, packet: Any) -> bool:
        """Whether no other picture rests on this one: B-frames of the older codecs, and what the container says."""
        late = bool(packet.pts < self._ends - (packet.duration or 0))
        return bool(packet.is_disposable) or (late and self._codec in _BIDIRECTIONAL)

    def _admitted(self, raw: Any) -> Frame | None:
        """The frame, unless it is broken or comes too late; what is missing the ledger tells."""
        stamp = self._next_stamp() if self._counted or raw.pts is None else raw.pts
        if (self._lead is not None and stamp < self._lead) or (self._last is not None and stamp <= self._last[0]):
            return None
        if self._counted and self.keyframes and not raw.key_frame:
            self._last = stamp, 1
            return None
        covers = round(_SECOND_FIELD / (self._base * (self.rate or 25))) if raw.interlaced_frame else 0
        ticks = raw.duration or 0
        self._last = stamp, ticks
        if not self.ledger.come(stamp, not raw.is_corrupt, covers):
            return None
        return Frame(raw, self.seconds(stamp), self._lasts(ticks), self._shape(raw), self._scaler)

    def _shape(self, raw: Any) -> Shape:
        key = (raw.width, raw.height, raw.rotation)
        if (
            key not in self._shapes
        ):  # its side data, once asked for, keep a frame in memory until Python collects cycles
            self._shapes[key] = Shape.of(raw, self.stream.sample_aspect_ratio)
        return self._shapes[key]

    def _next_stamp(self) -> int:
        """Of a picture that has none, after those of the last one."""
        if self._last is None:
            return 0 if self._counted else self.stream.start_time or 0
        stamp, duration = self._last
        if self._counted:
            return stamp + 1
        return stamp + max(1, duration or round(1 / (self._base * (self.rate or 25))))

    def _lasts(self, ticks: int) -> float:
        up, down = self._tick
        return 0.0 if self._counted else ticks * up / down
