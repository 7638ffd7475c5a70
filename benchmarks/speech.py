"""Speech: word errors and speed of Whisper base, speed of voice activity, and what is written where nobody speaks.

    python benchmarks/speech.py words      # word error rate on real recordings
    python benchmarks/speech.py speed      # real-time factors, one and two sounds at once
    python benchmarks/speech.py voice      # real-time factor of voice activity
    python benchmarks/speech.py nobody     # text over calls, horns and weather, with and without the guards

Recordings: a president's sentence (11 s) and five LibriVox readings (25 s) with their transcripts, and the sounds of
Debian's tuxpaint-stamps; `tests/fetch.py` fetches them and the weights.

Word error rate: substitutions + deletions + insertions over the words of the transcript, summed over all recordings.
Both texts are lower case, without punctuation (a hyphen divides words, an apostrophe does not), abbreviations of titles
written out; numbers count as right only if they are written as they are spoken. The transcript of 0920 has "a more a
amiable": it is scored as it is.

Real-time factor: seconds of computing (wall clock, and CPU time of all threads) per second of sound, medians of three.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fetch
from edits import edits
from speaking import Samples, heard, recording, samples

from studium.measure.voice import segments, steps
from studium.media.audio import RATE, Sound
from studium.unitize.speech import Speech
from studium.unitize.transcribe import whisper

JFK = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
READINGS = ("0870", "0880", "0890", "0920", "0930")
TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
CALLS = ("animals", "vehicles", "household", "naturalforces", "hobbies", "town", "military")
ROUNDS = 3


def transcripts() -> dict[str, str]:
    (listed,) = fetch.speech().rglob("librivox/transcription")
    found = re.findall(r"<s> (.+?) </s> \(.+-(\d+)\)", listed.read_text())
    return {"jfk.wav": JFK, **{number: text for text, number in found if number in READINGS}}


def normal(text: str) -> list[str]:
    words = re.sub(r"[^\w\s]", "", re.sub(r"[-–—]", " ", text.lower())).split()
    return [TITLES.get(word, word) for word in words]


def words() -> None:
    speech, wrong, total = Speech(str(fetch.whisper())), 0, 0
    for name, said in transcripts().items():
        written = " ".join(span.text or "" for span in heard(speech, samples(recording(name))))
        missed, count = edits(normal(said), normal(written)), len(normal(said))
        wrong, total = wrong + missed, total + count
        print(f"{name:>8}: {missed} of {count} words wrong: {written}")
    print(f"word error rate {wrong / total:.3f} ({wrong} of {total})")


def reading() -> Samples:
    """All recordings, with a second between them: 42 s."""
    pause = np.zeros(RATE, np.float32)
    return np.concatenate([part for name in transcripts() for part in (samples(recording(name)), pause)])


def speed() -> None:
    for threads, at_once in ((1, 1), (1, 2), (2, 1), (2, 2)):
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        subprocess.run([sys.executable, __file__, f"_speed{at_once}"], env=environment, check=True)


def _speed(at_once: int) -> None:
    speech, sound = Speech(str(fetch.whisper())), reading()
    heard(speech, sound[: 5 * RATE])
    wall, cpu = [], []
    for _ in range(ROUNDS):
        start, used = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda _: heard(speech, sound), range(at_once)))
        seconds = at_once * len(sound) / RATE
        wall.append((time.perf_counter() - start) / seconds)
        cpu.append((time.process_time() - used) / seconds)
    print(
        f"{os.environ['OMP_NUM_THREADS']} threads a call, {at_once} sounds at once: real-time factor "
        f"{statistics.median(wall):.3f} wall, {statistics.median(cpu):.3f} CPU",
        flush=True,
    )


def voice() -> None:
    sound, cpu = reading(), []
    for _ in range(ROUNDS):
        used = time.process_time()
        count = len(list(segments(steps([sound]))))
        cpu.append((time.process_time() - used) / (len(sound) / RATE))
    factor = statistics.median(cpu)
    print(f"voice activity: real-time factor {factor:.5f} CPU, {count} segments in {len(sound) / RATE:.0f} s")


def nobody() -> None:
    root, model, speech = fetch.stamps(), whisper(str(fetch.whisper())), Speech(str(fetch.whisper()))
    files = [file for top in CALLS for file in sorted((root / top).rglob("*.ogg")) if "_desc" not in file.name]
    alone, voiced, written = 0, 0, []
    for file in files:
        sound = Sound(file).samples()
        alone += any(one.text for one in model.transcribe(sound))
        spans = heard(speech, sound)
        voiced += bool(spans)
        written += [(file.name, span.text) for span in spans if span.text]
    print(f"{len(files)} sounds: Whisper alone writes text for {alone}; {voiced} have voice, {len(written)} get text:")
    for name, text in written:
        print(f"{name:>24}: {text}")


if __name__ == "__main__":
    for name in sys.argv[1:] or ["words", "speed", "voice", "nobody"]:
        if name.startswith("_speed"):
            _speed(int(name.removeprefix("_speed")))
        else:
            {"words": words, "speed": speed, "voice": voice, "nobody": nobody}[name]()
