"""Sound as 16 kHz mono float32, streamed: sample i is heard at i / 16,000 s from the first instant of the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studium.errors import DamagedStreamError, InputError
from studium.media.damage import told
from studium.media.samples import Samples
from studium.media.timeline import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RATE", "Block", "Sound"]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of sound.

    Attributes:
        start: of its first sample, in seconds from the first instant of the file.
        samples: mono, float32, nominally -1 to 1 (lossy codecs overshoot a little).
    """

    start: float
    samples: "NDArray[np.float32]"


@dataclass(frozen=True)
class Sound:
    """The sound of a file (audio or video), or of a stretch of it.

    A stretch is decoded from a second before its start on, and equals the same samples of the whole: exactly for PCM,
    FLAC, ALAC, MP3 and Opus, and to some 1e-3 for AAC and AC-3, whose decoders fill in noise. Vorbis in Matroska or
    WebM, whose clocks tick in milliseconds, may lie half a tick beside it.

    Attributes:
        path: the file.
        start: seconds from the first instant of the file.
        end: where to stop; None for the end of the sound.
    """

    path: str | Path
    start: float = 0.0
    end: float | None = None

    def blocks(self, seconds: float = 1.0) -> Iterator[Block]:
        """The sound in blocks of ``seconds``, the last one shorter; silence where the stream has a gap.

        All channels are averaged; a late start, gaps and what does not decode are silence, what overlaps is cut.

        Raises:
            MediaError: the file cannot be opened, or has no sound.
            DamagedStreamError: at the end, if not all of it could be decoded; the message says when.
        """
        size = round(seconds * RATE)
        if size < 1:
            raise InputError(f"a block needs at least one sample, 1 / 16,000 s, got seconds={seconds}")
        at = round(self.start * RATE)
        samples = Samples(self.path, at, None if self.end is None else round(self.end * RATE))
        held: list[NDArray[np.float32]] = []
        for piece in samples:
            held.append(piece)
            if sum(map(len, held)) < size:
                continue
            whole = np.concatenate(held)
            for begin in range(0, len(whole) - size + 1, size):
                yield Block(at / RATE, whole[begin : begin + size])
                at += size
            held = [whole[len(whole) // size * size :]]
        if sum(map(len, held)):
            yield Block(at / RATE, np.concatenate(held))
        if samples.damage:
            raise DamagedStreamError(f"{self.path}: sound could not be decoded: {told(samples.damage)}")

    def samples(self) -> "NDArray[np.float32]":
        """All of it at once, (n,) float32: 230 MB an hour, so for stretches.

        Raises:
            MediaError: the file cannot be opened, or has no sound.
            DamagedStreamError: not all of it could be decoded; `blocks` gives what could be.
        """
        return np.concatenate([np.zeros(0, np.float32), *(block.samples for block in self.blocks())])
