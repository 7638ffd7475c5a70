import numpy as np
import pytest
from skimage import color

from studium.measure.lab import to_lab


def test_none():
    assert to_lab(np.zeros((3, 0), np.uint8)).shape == (3, 0)


@pytest.mark.parametrize(("level", "light"), [(0, 0), (255, 100), (119, 50.034)])
def test_greys_have_no_colour(level, light):
    assert to_lab(np.full((3, 1), level, np.uint8))[:, 0] == pytest.approx([light, 0, 0], abs=1e-3)


def test_parity_with_scikit_image():
    colours = np.random.default_rng(0).integers(0, 256, (5000, 3), dtype=np.uint8)
    np.testing.assert_allclose(to_lab(colours.T).T, color.rgb2lab(colours), atol=0.03)
