"""Voice activity: golden segments of silero's own `get_speech_timestamps` (silero-vad 6.2.3, same weights)."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from speaking import chord, jfk, recording, samples

from studium.errors import MissingExtraError
from studium.measure import voice
from studium.measure.voice import STEP, Hysteresis, Segment, Step, Voice, segments, steps

GOLDEN = {
    "jfk.wav": [(5152, 36320), (52256, 71136), (86048, 122848), (130592, 169952)],
    "0870": [(5152, 110560)],
    "0880": [(3616, 46048)],
    "0890": [(4128, 82912)],
    "0920": [(5152, 94176)],
    "0930": [(4128, 49120)],
    "001.wav": [(3104, 17526)],  # to its last sample, which is in a step of its own
    "004.wav": [(4640, 12768), (14368, 21984)],
}


def places(sound, pieces=1):
    return [segment[:2] for segment in segments(steps(np.array_split(sound, pieces)))]


def test_nothing_is_no_speech():
    assert list(steps([])) == []
    assert list(steps([np.empty(0, np.float32)])) == []
    assert list(segments([])) == []


def test_one_step():
    (step,) = steps([np.zeros(STEP, np.float32)])
    assert len(step.samples) == STEP
    assert 0 <= step.probability < 0.1


def test_the_last_step_may_be_short():
    assert [len(step.samples) for step in steps([np.zeros(STEP + 100, np.float32)])] == [STEP, 100]


@pytest.mark.parametrize("name", GOLDEN)
def test_segments_are_those_of_silero(name):
    assert places(samples(recording(name))) == GOLDEN[name]


def test_pieces_of_any_length_make_no_difference():
    whole = [step.probability for step in steps([jfk()])]
    pieces = np.split(jfk(), [1, 500, 513, 5000, 5001, 77777])
    assert [step.probability for step in steps(pieces)] == whole


def test_what_was_heard_is_not_kept():
    ears, block = Voice(), np.zeros(10 * STEP + 5, np.float32)
    assert len(list(ears.hear(block))) == 10
    assert all(getattr(value, "nbytes", 0) < 4 * STEP for value in vars(ears).values())
    assert not any(np.shares_memory(block, value) for value in vars(ears).values() if isinstance(value, np.ndarray))


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(48000, np.float32),
        np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32),
        chord(3),
        np.ones(48000, np.float32),
        np.full(48000, 1e30, np.float32),
    ],
    ids=["silence", "noise", "chord", "constant", "huge"],
)
def test_what_nobody_says(sound):
    assert places(sound) == []


def test_threads_do_not_disturb_each_other():
    sounds = [jfk(), samples(recording("0870")), chord(5)] * 2
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(places, sounds)) == [places(sound) for sound in sounds]


def made(*runs):
    """Steps of silence and speech: (probability, how many) ..."""
    return [Step(np.zeros(STEP, np.float32), value) for value, count in runs for _ in range(count)]


def spoken(*runs):
    return [(segment.start, segment.end) for segment in segments(made(*runs))]


def test_speech_of_250_ms_is_none():
    assert spoken((0, 20), (1, 7), (0, 20)) == []  # 224 ms
    assert spoken((0, 20), (1, 8), (0, 20)) == [(20 * STEP - 480, 28 * STEP + 480)]  # 256 ms


def test_a_pause_of_100_ms_ends_speech():
    assert spoken((1, 10), (0, 4), (1, 10), (0, 9)) == [(0, 24 * STEP + 480)]
    assert spoken((1, 10), (0, 5), (1, 10), (0, 9)) == [(0, 10 * STEP + 480), (15 * STEP - 480, 25 * STEP + 480)]


def test_hysteresis():
    assert spoken((0.49, 20)) == []
    assert spoken((0.5, 10), (0.35, 10), (0.49, 10), (0, 9)) == [(0, 30 * STEP + 480)]
    assert spoken((1, 10), (0.34, 1), (0.4, 2), (0.34, 1), (1, 1), (0, 9)) == [(0, 15 * STEP + 480)]
    assert spoken((1, 10), (0.34, 1), (0.4, 3), (0.34, 1), (1, 1), (0, 9)) == [(0, 10 * STEP + 480)]


def test_the_probability_is_that_of_the_speech_alone():
    rules = Hysteresis()
    found = [segment for step in made((0, 9), (0.8, 10), (0.6, 10), (0.1, 20)) if (segment := rules.take(step))]
    assert found == [Segment(9 * STEP - 480, 29 * STEP + 480, pytest.approx(0.7))]
    assert rules.finish() is None


def test_without_the_extra(monkeypatch):
    voice.network.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"studium\[speech\]"):
        Voice()
