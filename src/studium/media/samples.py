"""The samples of one sound, decoded in order and put where they are heard: 16 kHz, one channel."""

from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.errors import TruncatedFileError
from studium.media.container import ends_before, open_container, packets_from, packets_of, start_of, stream_of
from studium.media.damage import Stretch
from studium.media.timeline import RATE, TOLERANCE, Piece, on_grid, resampled, runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Samples"]

_LEAD = 1
"""Seconds to decode before a stretch, in which decoders with a memory settle."""
_ZERO_SCALE = {"u1": (128, 128), "i2": (0, 1 << 15), "i4": (0, 1 << 31), "f4": (0, 1), "f8": (0, 1)}
"""Of each type of sample: which value is silence, and how far from it full scale lies."""
_NEAR = 0.02
"""Seconds between two stretches of damage that are told as one."""
_HELD = 1000
"""Pieces without a time to look at together."""
_AT_ONCE = 60 * RATE
"""Samples of silence to give out together."""


class Samples:
    """Iterate over it for arrays of samples without a gap, from ``begin`` to ``end`` or to where the sound ends.

    Attributes:
        damage: when iteration is over, the stretches that could not be decoded, in seconds; they are silent.
    """

    def __init__(self, path: str | Path, begin: int = 0, end: int | None = None) -> None:
        """Say which samples of the file to give: ``begin <= i < end``."""
        self.path, self.begin, self.end = path, begin, end
        self.damage: list[Stretch] = []

    def __iter__(self) -> "Iterator[NDArray[np.float32]]":
        at = self.begin
        with closing(self._placed()) as placed:
            for first, samples in placed:
                if self.end is not None and max(first, at) >= self.end:
                    break
                if first > at:
                    yield from _silence(first - at)
                    at = first
                wanted = samples[at - first : None if self.end is None else self.end - first]
                at += len(wanted)
                if len(wanted):
                    yield wanted

    def _placed(self) -> "Generator[tuple[int, NDArray[np.float32]], None, None]":
        """Resampled arrays, and the index of the first sample of each, in the order of time."""
        with closing(open_container(self.path)) as container:
            stream = stream_of(container, "audio")
            stream.codec_context.thread_count = 1
            for time, rate, arrays in runs(self._pieces(container, stream), whole=self.begin == 0):
                yield from resampled(time, rate, arrays)

    def _pieces(self, container: Any, stream: Any) -> Iterator[Piece]:
        """What the decoder gives, each piece with the time that the file says."""
        origin, base = start_of(container), Fraction(stream.time_base)
        begin = Fraction(self.begin, RATE) - _LEAD
        if begin <= 0:
            yield from self._known(self._decoded(container, stream, packets_of(container, stream)))
            return
        beginning = list(islice(self._decoded(container, stream, packets_of(container, stream)), 3))
        packets = packets_from(container, stream, int((begin + origin) / base))
        if packets is None:
            packets = packets_of(container, stream)
        pieces = self._decoded(container, stream, packets)
        if first := next(pieces, None):
            yield from self._known(chain([on_grid(first, beginning, float(base))], pieces))

    def _decoded(self, container: Any, stream: Any, packets: Iterator[Any]) -> Iterator[Piece]:
        import av

        origin, base, context = start_of(container), Fraction(stream.time_base), stream.codec_context
        last = None
        for packet in packets:
            last = packet
            try:
                frames = context.decode(packet)
            except (av.error.FFmpegError, EOFError):
                self._miss(*_extent(packet, base, origin))
                continue
            for frame in frames:
                yield self._checked(_piece(frame, base, origin))
        if last is None:
            raise TruncatedFileError(f"{self.path}: it has a header, but no sound")
        for frame in _rest(context):
            yield self._checked(_piece(frame, base, origin))
        if ends_before(container, stream, _end(last)):
            self._miss(_extent(last, base, origin)[1], None)

    def _known(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Leave out pieces without a time that do not fit between those with one: a parser that lost its place."""
        held: list[Piece] = []
        end: float | None = None  # of the last piece with a time
        for piece in pieces:
            if piece.time is None and end is not None and len(held) < _HELD:
                held.append(piece)
                continue
            if held and end is not None and piece.time is not None:
                expected = end + sum(one.seconds for one in held)
                if abs(piece.time - expected) > TOLERANCE:
                    self._miss(end, piece.time)
                    held = []
            yield from held
            yield piece
            held, end = [], None if piece.time is None else piece.time + piece.seconds
        yield from held

    def _checked(self, piece: Piece) -> Piece:
        """The piece; silent where its samples are no numbers."""
        if np.isfinite(piece.samples).all():
            return piece
        if piece.time is not None:
            self._miss(piece.time, piece.time + piece.seconds)
        return Piece(piece.time, piece.rate, np.zeros_like(piece.samples))

    def _miss(self, start: float | None, end: float | None) -> None:
        if start is None or (end is not None and end <= self.begin / RATE):
            return
        if self.end is not None and start >= self.end / RATE:
            return
        if self.damage and (last := self.damage[-1][1]) is not None and start - last < _NEAR:
            self.damage[-1] = (self.damage[-1][0], end)
        else:
            self.damage.append((start, end))


def _extent(packet: Any, base: Fraction, origin: Fraction) -> tuple[float | None, float | None]:
    stamp = packet.dts if packet.pts is None else packet.pts
    if stamp is None:
        return None, None
    return float(stamp * base - origin), float((stamp + (packet.duration or 0)) * base - origin)


def _end(packet: Any) -> int:
    return int((packet.pts or packet.dts or 0) + (packet.duration or 0))


def _piece(frame: Any, base: Fraction, origin: Fraction) -> Piece:
    time = None if frame.pts is None else float(frame.pts * base - origin)
    return Piece(time, frame.sample_rate, _mono(frame))


def _mono(frame: Any) -> "NDArray[np.float32]":
    """One channel, -1 to 1: the mean of all; of surround sound, its stereo downmix's, which can be a little louder."""
    if frame.format.name.startswith("s64"):
        from av import AudioResampler

        (frame,) = AudioResampler("dblp", frame.layout, frame.sample_rate).resample(frame)
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    zero, scale = _ZERO_SCALE[data.dtype.str[1:]]
    if len(data) == 1:
        mixed = np.subtract(data[0], zero, dtype=np.float64)
    else:
        mixed = _weights(frame.layout) @ np.subtract(data, zero, dtype=np.float64)
    mono: NDArray[np.float32] = (mixed / scale).astype(np.float32)
    return mono


def _weights(layout: Any) -> "NDArray[np.float64]":
    """What each channel counts for. A plain mean would bury the speech of films, which is in the centre alone.

    References:
        ITU-R BS.775-3 (2012), annex 4: to stereo the centre and the surround channels count sqrt(1/2), low effects 0.
    """
    names = [channel.name for channel in layout.channels]
    if "FC" not in names or not {"FL", "FR"} <= set(names):
        return np.full(len(names), 1 / len(names))
    known = {"FL": 0.5, "FR": 0.5, "FC": 0.5**0.5, "LFE": 0.0}
    return np.array([known.get(name, 0.5**1.5) for name in names])


def _rest(context: Any) -> Iterator[Any]:
    import av

    try:
        yield from context.decode(None)
    except (av.error.FFmpegError, EOFError):
        return


def _silence(count: int) -> "Iterator[NDArray[np.float32]]":
    for begin in range(0, count, _AT_ONCE):
        yield np.zeros(min(_AT_ONCE, count - begin), np.float32)
