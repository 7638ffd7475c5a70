import math

import cv2
import numpy as np
import pytest
from scipy import stats

from studium.errors import InputError
from studium.measure import histogram as h
from studium.media.transform import grey


def counts(**levels):
    made = np.zeros(256, np.int64)
    for level, n in levels.items():
        made[int(level[1:])] = n
    return made


def test_one_level():
    one = counts(_77=9)
    assert h.moments(one) == (77, 0)
    assert math.isnan(h.bimodality(one))
    assert h.otsu(one)[0] == 0
    assert math.isnan(h.otsu(one)[1])
    assert h.entropy(one) == 0
    assert h.contrast_range(one) == 1


def test_two_levels():
    two = counts(_10=5, _200=5)
    assert h.moments(two) == (105, 95)
    assert h.bimodality(two) == pytest.approx(1)
    assert h.otsu(two) == (10, pytest.approx(1))
    assert h.entropy(two) == 1
    assert h.contrast_range(two) == 191


def test_known_shapes():
    uniform = np.full(256, 3)
    assert h.bimodality(uniform) == pytest.approx(5 / 9, abs=1e-4)
    assert h.entropy(uniform) == 8
    assert h.contrast_range(uniform) == 231  # 231 / 256 is the first share above .9
    normal = np.rint(1e6 * stats.norm(128, 20).pdf(np.arange(256))).astype(np.int64)
    assert h.bimodality(normal) == pytest.approx(1 / 3, abs=1e-3)
    assert h.otsu(normal)[1] == pytest.approx(2 / math.pi, abs=1e-3)


def test_more_than_ninety_per_cent_means_more():
    assert h.contrast_range(counts(_0=90, _255=10)) == 256
    assert h.contrast_range(counts(_0=91, _255=9)) == 1


def test_golden_astronaut(astronaut):
    by_opencv = h.intensity_counts(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY))
    assert h.moments(by_opencv) == (pytest.approx(115.4051, abs=1e-4), pytest.approx(75.1231, abs=1e-4))
    assert h.contrast_range(by_opencv) == 207
    assert h.otsu(by_opencv)[0] == 100
    assert h.entropy(by_opencv) == pytest.approx(7.453647, abs=1e-6)
    ours = h.intensity_counts(grey(astronaut))
    assert h.moments(ours) == (pytest.approx(115.4051, abs=0.01), pytest.approx(75.1231, abs=0.01))


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_parity(photos, name):
    image = grey(photos[name])
    found = h.intensity_counts(image)
    assert h.otsu(found)[0] == cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)[0]
    assert h.moments(found) == (pytest.approx(image.mean()), pytest.approx(image.std()))
    skewness, kurtosis = stats.skew(image, axis=None), stats.kurtosis(image, axis=None, fisher=False)
    assert h.bimodality(found) == pytest.approx((skewness**2 + 1) / kurtosis)


def test_counts_of_channels(astronaut):
    found = h.intensity_counts(astronaut)
    assert found.shape == (3, 256)
    assert (found[2] == np.bincount(astronaut[..., 2].ravel(), minlength=256)).all()


@pytest.mark.parametrize("bins", [32, 64, 256])
def test_measure(astronaut, bins):
    table = h.Histogram(bins=bins)([astronaut, astronaut // 2])
    expected = np.histogram(grey(astronaut), bins=bins, range=(0, 256))[0] / 512**2
    np.testing.assert_allclose(table["intensity_histogram"][0], expected, rtol=1e-6)
    np.testing.assert_allclose(table["intensity_histogram"].sum(axis=1), 1, rtol=1e-5)
    assert table["intensity_threshold"][0] == 100
    assert table["intensity_separability"][0] == pytest.approx(0.7824, abs=1e-4)


@pytest.mark.parametrize("bins", [3, 48, 255])
def test_uneven_bins_are_refused(bins):
    with pytest.raises(InputError, match="divide the 256 grey levels"):
        h.Histogram(bins=bins)
