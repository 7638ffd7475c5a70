import numpy as np
import pytest
from sounds import read, tone

from studium.measure import pitch


def found(samples):
    return pitch.yin(np.lib.stride_tricks.sliding_window_view(samples, pitch.FRAME)[::160])


def test_no_frames():
    assert pitch.yin(np.zeros((0, pitch.FRAME))).shape == (0,)


def test_one_tone():
    # librosa.yin(y, fmin=60, fmax=600, sr=16000, frame_length=1024, hop_length=160) has a median of 440.547: its window
    # narrows as the lag grows, the paper's does not, and is nearer
    assert np.median(found(tone(440))) == pytest.approx(440.11, abs=0.01)


@pytest.mark.parametrize("hertz", [60.5, 80, 100.3, 123.4, 220, 333.3, 440, 523.25, 599])
@pytest.mark.parametrize("amplitude", [1e-4, 0.5])
def test_many_tones(hertz, amplitude):
    assert found(tone(hertz, 0.3, amplitude)) == pytest.approx(hertz, rel=6e-4)


def test_a_voice_is_its_fundamental_not_its_loudest_part():
    voice = sum(tone(120 * k, 0.5, 0.3 if k == 4 else 0.05) for k in range(1, 12))
    assert found(voice) == pytest.approx(120, rel=1e-3)
    assert found(voice - 0.05 * tone(120, 0.5, 1)) == pytest.approx(120, rel=1e-3)  # not even there


def test_a_noisy_voice_is_not_taken_for_an_octave_below():
    noise = np.random.default_rng(0).normal(0, 0.02, 16_000)
    assert found(tone(300) * 0.4 + noise) == pytest.approx(300, rel=0.03)


@pytest.mark.parametrize("what", ["silence", "constant", "white", "click", "faint"])
def test_what_has_no_pitch(what):
    made = {
        "silence": lambda: np.zeros(4000, np.float32),
        "constant": lambda: np.full(4000, 0.7, np.float32),
        "white": lambda: np.random.default_rng(0).normal(0, 0.1, 4000),
        "click": lambda: np.eye(1, 4000, 2000)[0],
        "faint": lambda: tone(200, 0.25, 1e-6),
    }
    assert np.isnan(found(made[what]())).all()


def test_loud_and_offset_make_no_difference():
    voice = sum(tone(150 * k, 0.3, 0.1) for k in range(1, 6))
    assert found(voice * 8 + 3) == pytest.approx(found(voice), rel=1e-5)


@pytest.mark.parametrize(
    ("file", "median"),
    [  # of voiced frames by Praat: parselmouth.Sound(file).to_pitch(0.01, 60, 600), praat-parselmouth 0.4
        ("jfk.wav", 237.31),
        ("data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav", 100.18),
        ("data/librivox/sense_and_sensibility_01_austen_64kb-0890.wav", 92.32),
        ("data/cards/001.wav", 110.72),
        ("data/cards/005.wav", 99.08),
    ],
)
def test_medians_are_those_of_praat(speech, file, median):
    assert np.nanmedian(found(read(speech / file))) == pytest.approx(median, rel=0.022)
