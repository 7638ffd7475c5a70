"""Speech activity: golden seconds of a real sentence, and the reason where there is none."""

import math

import fetch
import numpy as np
import pytest
from speaking import chord, heard, jfk, recording

from studium.measure.speech_activity import SpeechActivity
from studium.media.audio import RATE, Sound
from studium.testing import check_measure


def test_nothing():
    row = heard(SpeechActivity(), np.zeros(0, np.float32))
    assert math.isnan(row.pop("speech_share"))
    assert row == {"speech_seconds": 0, "speech_segments": 0, "no_speech": "too short"}


def test_a_sentence():
    seconds = (36320 - 5152 + 71136 - 52256 + 122848 - 86048 + 169952 - 130592) / RATE
    assert heard(SpeechActivity(), jfk()) == {
        "speech_seconds": seconds,
        "speech_share": seconds / 11,
        "speech_segments": 4,
        "no_speech": None,
    }


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (jfk()[: RATE // 4], "too short"),
        (np.zeros(RATE, np.float32), "silent"),
        (np.full(RATE, 0.00099, np.float32), "silent"),
        (np.full(RATE, 0.002, np.float32), "no voice"),
        (chord(3), "no voice"),
        (jfk()[5000 + 2 * RATE :][: RATE * 3 // 10], "no voice"),
    ],
    ids=["a quarter of a second", "zeros", "60 dB below", "54 dB below", "music", "0.3 s between words"],
)
def test_the_reason_for_no_speech(sound, reason):
    row = heard(SpeechActivity(), sound)
    assert (row["speech_seconds"], row["speech_share"], row["speech_segments"]) == (0, 0, 0)
    assert row["no_speech"] == reason


def test_speech_and_music_in_one_file():
    row = heard(SpeechActivity(), np.concatenate([chord(5), jfk()]))
    assert row["speech_seconds"] == pytest.approx(7.89, abs=0.3)
    assert row["speech_share"] == row["speech_seconds"] / 16


def test_the_contract():
    files = [recording("jfk.wav"), recording("0880"), fetch.videos() / "bigbuckbunny.mp4"]
    check_measure(SpeechActivity(), [Sound(file) for file in files])
