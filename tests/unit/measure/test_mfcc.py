import numpy as np
import pytest
from sounds import ODD, read, remembered, tone, watched, write

from studium.errors import InputError, NoStreamError
from studium.measure.mfcc import Mfcc
from studium.testing import check_measure


@pytest.fixture(scope="module")
def reading(speech):
    return read(speech / "data" / "librivox" / "sense_and_sensibility_01_austen_64kb-0880.wav")


@pytest.mark.parametrize("n", [0, 511])
def test_less_than_a_window_is_refused(n):
    with pytest.raises(NoStreamError, match="shorter than one window"):
        watched(Mfcc(), np.ones(n, np.float32))


def test_silence_is_the_least_level():
    found = watched(Mfcc(), np.zeros(1000, np.float32))
    assert not found["mel_log1p_mean"].any()
    assert not found["mfcc_log1p_mean"].any()
    assert found["mfcc_db_mean"] == pytest.approx([-100 * 40**0.5] + [0] * 12, abs=1e-9)
    assert not found["mfcc_db_sd"].any()


def test_golden_reading(reading):
    # librosa 0.11.0, M as in test_spectrum.py: librosa.feature.mfcc(S=np.log1p(M), n_mfcc=13), and
    # librosa.feature.mfcc(S=librosa.power_to_db(M, top_db=None), n_mfcc=13); mean and standard deviation of rows
    golden = {
        "mfcc_log1p_mean": [0.1198581, 0.1440865, 0.1153776, 0.0869482, 0.0592005, 0.0524697, 0.0371945, 0.0275993,
                            0.0275473, 0.0260692, 0.0318862, 0.0319356, 0.0241499],
        "mfcc_log1p_sd": [0.1356378, 0.1747706, 0.136041, 0.1113383, 0.0850588, 0.0571915, 0.0593062, 0.0579317,
                          0.059061, 0.0594067, 0.0567869, 0.0527511, 0.0432195],
        "mfcc_db_mean": [-265.05215, 69.632156, -2.9239328, 37.551575, -14.692663, 18.927563, -1.5324334, -0.21162358,
                         5.8669538, 5.3204546, 0.1346783, 6.6598291, -0.23824115],
        "mfcc_db_sd": [69.97895, 40.503563, 16.468147, 16.826271, 14.087674, 8.772958, 7.3056717, 10.7, 7.206725,
                       7.992441, 6.108129, 7.00637, 5.1136627],
    }  # fmt: skip
    found = watched(Mfcc(), reading)
    assert found["mel_log1p_mean"][:5] == pytest.approx(
        [0.1550055, 0.1637817, 0.0901233, 0.0388453, 0.0514666], abs=1e-6
    )
    for name, values in golden.items():
        assert found[name] == pytest.approx(values, rel=1e-4, abs=1e-5), name


@pytest.mark.parametrize("sizes", [ODD, (160,), (10**6,)])
def test_blocks_make_no_difference(reading, sizes):
    whole = watched(Mfcc(), reading)
    for name, values in watched(Mfcc(), reading, sizes).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-6, atol=1e-9)


def test_sizes():
    found = watched(Mfcc(coefficients=20, bands=64), tone(440))
    assert {name: len(values) for name, values in found.items()} == {
        column.name: column.size for column in Mfcc(coefficients=20, bands=64).columns
    }
    assert {len(values) for values in found.values()} == {20, 64}


@pytest.mark.parametrize(("parameter", "value"), [("coefficients", 41), ("coefficients", 0), ("bands", 129)])
def test_impossible_sizes_are_refused(parameter, value):
    with pytest.raises(InputError, match=parameter):
        Mfcc(**{parameter: value})


def test_what_is_remembered_does_not_grow():
    assert remembered(Mfcc(), 300) == remembered(Mfcc(), 20)


def test_keeps_the_contract(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.3, 20_000)
    sounds = {"tone": tone(440, 1.3), "silence": np.zeros(9000), "noise": noise, "short": tone(99, 512 / 16_000)}
    check_measure(Mfcc(), [write(tmp_path / f"{name}.wav", samples) for name, samples in sounds.items()])
