"""Against scipy, and against numbers that librosa 0.11.0 made.

They were made in an environment of their own (pip install librosa==0.11.0), with y the samples and

    k = dict(n_fft=512, hop_length=160, win_length=400, center=False)
    S = np.abs(librosa.stft(y, **k))
    M = librosa.feature.melspectrogram(y=y, sr=16000, n_mels=40, power=2, **k)
"""

import numpy as np
import pytest
from scipy import fft, signal
from sounds import read, tone

from studium.measure import spectrum as s


@pytest.fixture(scope="module")
def reading(speech):
    """2.99 s of a LibriVox reading, none of it digital silence."""
    return read(speech / "data" / "librivox" / "sense_and_sensibility_01_austen_64kb-0880.wav")


def magnitudes(samples):
    return np.abs(s.stft(s.framed(samples)))


@pytest.mark.parametrize(("n", "frames"), [(0, 0), (1, 0), (511, 0), (512, 1), (671, 1), (672, 2), (16_000, 97)])
def test_frames(n, frames):
    cut = s.framed(np.zeros(n, np.float32))
    assert cut.shape == (frames, 512)
    assert s.stft(cut).shape == (frames, 257)
    assert s.stft(cut).dtype == np.complex64


def test_no_frames_have_no_values():
    none = magnitudes(np.zeros(0, np.float32))
    for feature in (s.centroid, s.bandwidth, s.rolloff, s.flatness, s.flux):
        assert feature(none).shape == (0,)
    assert s.zero_crossing_rate(np.zeros((0, 512))).shape == (0,)
    assert s.mfcc(s.decibel(none @ s.mel_filterbank(40).T), 13).shape == (0, 13)


def test_golden_tone():
    found = magnitudes(tone(440))
    assert (found.argmax(axis=1) == 14).all()
    assert s.frequencies()[14] == 437.5
    assert found[0, 14] == pytest.approx(49.8739, abs=1e-4)
    assert s.centroid(found).mean() == pytest.approx(440.26227, abs=1e-4)
    assert s.zero_crossing_rate(s.framed(tone(440))).mean() == pytest.approx(2 * 440 / 16_000, abs=2.5 / 400)


@pytest.mark.parametrize("hertz", [50, 440, 1234.5, 7000])
def test_equal_to_scipy(hertz):
    samples = tone(hertz).astype(np.float64) + np.random.default_rng(0).normal(0, 0.1, 16_000)
    window = np.pad(signal.get_window("hann", 400), 56)
    _, _, theirs = signal.stft(samples, window=window, nperseg=512, noverlap=352, boundary=None, padded=False)
    ours = s.stft(s.framed(samples))
    assert ours.dtype == np.complex128
    np.testing.assert_allclose(ours.T, theirs * window.sum(), atol=1e-12)


def test_shapes_of_spectra_are_librosas(reading):
    # librosa.feature.spectral_centroid(S=S, sr=16000) and so on; zero_crossing_rate(y[56:], frame_length=400,
    # hop_length=160, center=False): mean and standard deviation
    golden = {
        s.centroid: (1213.7185741, 911.2875295),
        s.bandwidth: (1269.7849852, 311.8864788),
        s.rolloff: (2422.9307432, 1375.8822969),
        s.flatness: (0.0061287, 0.0162627),
    }
    found = magnitudes(reading)
    for feature, (mean, sd) in golden.items():
        assert feature(found).mean() == pytest.approx(mean, rel=1e-5), feature.__name__
        assert feature(found).std() == pytest.approx(sd, rel=1e-5), feature.__name__
    crossings = s.zero_crossing_rate(s.framed(reading))
    assert (crossings.mean(), crossings.std()) == (
        pytest.approx(0.092728, abs=5e-7),
        pytest.approx(0.1245762, abs=5e-7),
    )


def test_extreme_shapes():
    click = np.zeros(512, np.float32)
    click[256] = 1
    assert s.flatness(magnitudes(click)) == pytest.approx(1)
    assert s.centroid(magnitudes(click)) == pytest.approx(4000)
    noise = np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)
    assert s.flatness(magnitudes(noise)).mean() == pytest.approx(np.exp(-np.euler_gamma), abs=0.02)
    assert s.centroid(magnitudes(noise)).mean() == pytest.approx(4000, rel=0.01)
    assert s.rolloff(magnitudes(noise)).mean() == pytest.approx(0.85 * 8000, rel=0.01)
    assert s.zero_crossing_rate(s.framed(noise)).mean() == pytest.approx(0.5, abs=0.01)


def test_flux_is_0_for_the_same_and_2_for_the_other():
    low, high = np.eye(257)[5], np.eye(257)[200]
    assert s.flux(np.array([low, 3 * low, high])) == pytest.approx([0, 2])


def test_silence_has_no_centre_and_no_change():
    silence = np.zeros((2, 257))
    for feature in (s.centroid, s.bandwidth, s.flux):
        assert np.isnan(feature(silence)).all()
    assert (s.rolloff(silence) == 0).all()
    assert (s.decibel(silence) == -100).all()


@pytest.mark.parametrize(
    ("htk", "peaks", "values", "total", "weighted"),
    [  # librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, htk=htk, dtype=np.float64)
        (False, (26, 56, 237), (0.012996009326, 0.0072597902984, 0.0017454237078), 1.27933312580, 97.5564085212),
        (True, (22, 59, 239), (0.010301549417, 0.0063447096962, 0.0019359680427), 1.27807045629, 99.9971822059),
    ],
)
def test_mel_filters_are_librosas(htk, peaks, values, total, weighted):
    filters = s.mel_filterbank(40, htk)
    assert tuple(filters.argmax(axis=1)[[10, 20, 39]]) == peaks
    assert filters.max(axis=1)[[10, 20, 39]] == pytest.approx(values, rel=1e-9)
    assert filters.sum() == pytest.approx(total, rel=1e-9)
    assert (filters @ np.arange(257)).sum() == pytest.approx(weighted, rel=1e-9)


@pytest.mark.parametrize(("bands", "htk"), [(1, False), (13, True), (40, False), (40, True), (128, False)])
def test_every_mel_filter_hears_something(bands, htk):
    assert (s.mel_filterbank(bands, htk).max(axis=1) > 0).all()


def test_mel_filters_are_kept_as_they_are():
    with pytest.raises(ValueError, match="read-only"):
        s.mel_filterbank(40)[0] = 0


def test_golden_mfcc_of_the_tone():
    mel = magnitudes(tone(440)) ** 2 @ s.mel_filterbank(40).T
    by_log1p = s.mfcc(np.log1p(mel), 5)[0]
    assert by_log1p == pytest.approx([1.308446, 1.6787963, 1.1978765, 0.502429, -0.27173337], abs=1e-5)
    levels = s.decibel(mel)
    by_db = s.mfcc(np.maximum(levels, levels.max() - 80), 5)[0]  # librosa's top_db
    assert by_db == pytest.approx([-330.34818, 85.952774, 57.737015, 21.519398, -11.710787], abs=1e-3)


def test_mfcc_are_those_of_scipy(reading):
    levels = s.decibel(magnitudes(reading) ** 2 @ s.mel_filterbank(40).T)
    theirs = fft.dct(levels, norm="ortho")
    np.testing.assert_allclose(s.mfcc(levels, 40), theirs, atol=1e-10)
    np.testing.assert_allclose(s.mfcc(levels, 13), theirs[:, :13], atol=1e-10)
