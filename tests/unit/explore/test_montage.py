import numpy as np
import pytest
from skimage import data

from studium.errors import InputError
from studium.explore.montage import montage


def flat(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def test_no_images():
    sheet = montage([])
    assert sheet.shape == (0, 0, 3)
    assert sheet.dtype == np.uint8


def test_one_picture_that_fits_is_unchanged():
    picture = data.astronaut()[:64, :64]
    assert (montage([picture], cell=64) == picture).all()


@pytest.mark.parametrize(("n", "columns", "shape"), [
    (1, None, (14, 14)), (2, None, (14, 26)), (5, None, (26, 38)), (5, 1, (62, 14)), (3, 9, (14, 110)),
])  # fmt: skip
def test_rows_and_columns(n, columns, shape):
    sheet = montage([flat(5, 5, 0)] * n, columns=columns, cell=10, border=2)
    assert sheet.shape == (*shape, 3)


def test_reading_order_proportions_and_background():
    sheet = montage([flat(40, 20, 10), flat(20, 40, 20), flat(1, 500, 30)], columns=2, cell=20, background=(1, 2, 3))
    assert (sheet[:20, 5:15] == 10).all()
    assert (sheet[:20, :5] == (1, 2, 3)).all()
    assert (sheet[5:15, 20:] == 20).all()
    assert (sheet[29:31, :20] == 30).any()
    assert (sheet[20:, 20:] == (1, 2, 3)).all()


def test_real_pictures_of_any_size():
    sheet = montage([data.astronaut(), data.coffee(), data.chelsea(), data.rocket()], cell=100)
    assert sheet.shape == (200, 200, 3)
    assert abs(sheet[:100, :100].mean() - data.astronaut().mean()) < 2


@pytest.mark.parametrize("bad", [
    np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8),
])  # fmt: skip
def test_not_a_picture(bad):
    with pytest.raises(InputError, match="image 1"):
        montage([flat(2, 2, 0), bad])


@pytest.mark.parametrize("bad", [{"cell": 0}, {"border": -1}, {"columns": 0}])
def test_sizes_that_cannot_be(bad):
    with pytest.raises(InputError):
        montage([], **bad)
