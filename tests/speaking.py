"""Recorded speech as arrays, and parts that listen to arrays."""

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fetch
import numpy as np
from numpy.typing import NDArray

from studium.media.audio import RATE, Block

__all__ = ["blocks", "chord", "heard", "jfk", "recording", "samples"]

Samples = NDArray[np.float32]


def samples(path: Path) -> Samples:
    """The samples of a 16 kHz mono WAV file."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def recording(name: str) -> Path:
    """A file of `fetch.speech` by its name: "jfk.wav", "001.wav", or the number of a LibriVox reading."""
    (found,) = fetch.speech().rglob(name if name.endswith(".wav") else f"*-{name}.wav")
    return found


def jfk() -> Samples:
    """11 s: and so my fellow Americans ..."""
    return samples(recording("jfk.wav"))


def chord(seconds: float = 8) -> Samples:
    """A trembling A major chord."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) for f in (220.0, 277.18, 329.63, 440.0))
    return (0.1 * tones * (1 + np.sin(4 * np.pi * time))).astype(np.float32)


def blocks(sound: Samples, start: float = 0.0, seconds: float = 1.0) -> Iterator[Block]:
    """A sound as it goes by."""
    size = round(seconds * RATE)
    for first in range(0, len(sound), size):
        yield Block(start + first / RATE, sound[first : first + size])


def heard(part: Any, sound: Samples, start: float = 0.0, seconds: float = 1.0) -> Any:
    """What a part that listens finds in a sound that begins at ``start`` seconds."""
    part.prepare()
    watcher = part.watch(None)
    for block in blocks(sound, start, seconds):
        watcher.see(block)
    return watcher.result()
