import numpy as np
import pytest
from sounds import ODD, read, remembered, tone, watched, write

from studium.errors import NoStreamError
from studium.measure import spectrum
from studium.measure.sound import SoundFeatures
from studium.media.audio import Sound
from studium.testing import check_measure

NAMES = [column.name for column in SoundFeatures().columns]
PITCH = {"pitch_median", "pitch_range", "voiced_share"}


def of(samples, sizes=(16_000,)):
    return watched(SoundFeatures(), samples, sizes)


@pytest.mark.parametrize("n", [0, 1, 511])
def test_less_than_a_window_is_refused(n):
    with pytest.raises(NoStreamError, match=r"sound\.wav: the sound is shorter than one window \(32 ms\)"):
        of(np.ones(n, np.float32))


def test_one_window():
    found = of(tone(440, 512 / 16_000))
    assert list(found) == NAMES
    assert found["spectral_centroid_mean"] == pytest.approx(440, abs=1)
    assert found["spectral_centroid_sd"] == 0
    assert [name for name, value in found.items() if value is None] == [
        "spectral_flux_mean",
        "spectral_flux_sd",
        *("pitch_median", "pitch_range", "voiced_share"),
    ]


def test_silence_has_no_shape():
    found = of(np.zeros(16_000, np.float32))
    assert {name for name, value in found.items() if value is not None} == {"voiced_share"}
    assert found["voiced_share"] == 0


def test_a_tone():
    found = of(tone(440))
    assert found["zero_crossing_rate_mean"] == pytest.approx(0.055, abs=0.001)
    assert found["spectral_centroid_mean"] == pytest.approx(440.262, abs=0.001)
    assert found["spectral_bandwidth_mean"] < 100
    assert found["spectral_rolloff_mean"] == pytest.approx(468.75)
    assert found["spectral_flatness_mean"] < 1e-6
    assert found["spectral_flux_mean"] < 1e-4
    assert found["pitch_median"] == pytest.approx(440.11, abs=0.01)
    assert found["pitch_range"] < 0.01
    assert found["voiced_share"] == 1


def test_digital_silence_is_left_out():
    silence = np.zeros(16_000, np.float32)
    alone, between = of(tone(440)), of(np.concatenate([silence, tone(440), silence]))
    assert between["spectral_centroid_mean"] == pytest.approx(alone["spectral_centroid_mean"], rel=0.02)
    assert between["voiced_share"] == pytest.approx(1 / 3, abs=0.02)


def test_values_are_those_of_the_functions(speech):
    samples = read(speech / "data" / "librivox" / "sense_and_sensibility_01_austen_64kb-0880.wav")
    frames = spectrum.framed(samples)
    magnitudes = np.abs(spectrum.stft(frames))
    expected = {
        "zero_crossing_rate": spectrum.zero_crossing_rate(frames),
        **{
            f"spectral_{name}": getattr(spectrum, name)(magnitudes)
            for name in ("centroid", "bandwidth", "rolloff", "flatness", "flux")
        },
    }
    found = of(samples)
    assert set(found) == {f"{name}_{what}" for name in expected for what in ("mean", "sd")} | PITCH
    for name, values in expected.items():
        assert found[f"{name}_mean"] == pytest.approx(values.mean(dtype=float), rel=1e-6)
        assert found[f"{name}_sd"] == pytest.approx(values.std(dtype=float), rel=1e-6)


def test_pitch_of_a_glide():
    # from 100 to 200 Hz, an octave, at a steady pace: the middle half spans half of it
    time = np.arange(80_000) / 16_000
    phase = 2 * np.pi * 100 * (2 ** (time / 5) - 1) * 5 / np.log(2)
    found = of((0.3 * np.sin(phase)).astype(np.float32))
    assert found["pitch_median"] == pytest.approx(100 * 2**0.5, rel=0.01)
    assert found["pitch_range"] == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("sizes", [ODD, (160,), (10**6,)])
def test_blocks_make_no_difference(speech, sizes):
    samples = read(speech / "jfk.wav")
    whole = of(samples)
    for name, value in of(samples, sizes).items():
        assert value == pytest.approx(whole[name], rel=1e-6), name


def test_what_is_remembered_does_not_grow():
    assert remembered(SoundFeatures(), 300) == remembered(SoundFeatures(), 20)


def test_files_are_measured_as_their_samples(speech, videos):
    found = SoundFeatures()([Sound(speech / "jfk.wav"), Sound(videos / "bigbuckbunny.mp4")])
    direct = of(read(speech / "jfk.wav"))
    assert {name: values[0] for name, values in found.items()} == pytest.approx(direct, rel=1e-6)
    assert 0 < found["spectral_centroid_mean"][1] < 8000


def test_keeps_the_contract(tmp_path):
    rng = np.random.default_rng(0)
    sounds = {
        "tone": tone(440, 1.3),
        "silence": np.zeros(9000),
        "noise": rng.normal(0, 0.3, 20_000),
        "click": np.eye(1, 512, 256)[0],
        "square": np.sign(tone(599, 0.3)),
    }
    check_measure(SoundFeatures(), [write(tmp_path / f"{name}.wav", samples) for name, samples in sounds.items()])
