"""Sounds for the tests: tones, files, and blocks of awkward sizes."""

import pickle
import wave

import numpy as np

from studium.media.audio import RATE, Block, Sound


def tone(hertz, seconds=1.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def read(path):
    """Samples of a 16 kHz mono WAV with 16 bits, read by the standard library."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def write(path, samples):
    """A `Sound` of the samples (rounded to 16 bits)."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes())
    return Sound(path)


def watched(measure, samples, sizes=(RATE,)):
    """What a measure says of samples that come in blocks of these sizes, over and over."""
    watcher, at = measure.watch(Sound("sound.wav")), 0
    while at < len(samples):
        for size in sizes:
            watcher.see(Block(at / RATE, samples[at : at + size]))
            at += size
    return watcher.result()


def remembered(measure, seconds):
    """Bytes of what a watcher keeps after so many seconds of noise."""
    watcher = measure.watch(Sound("sound.wav"))
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    for second in range(seconds):
        watcher.see(Block(float(second), noise))
    return len(pickle.dumps(watcher))


ODD = (1, 0, 511, 160, 16_000, 7, 40_001, 2)
"""Sizes of blocks."""
