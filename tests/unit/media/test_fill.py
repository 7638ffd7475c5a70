"""Covering boxes: nothing of what was there comes through, and nothing else changes."""

import numpy as np
import pytest

from studium.errors import InputError
from studium.media.fill import BLOCKS, MODES, covered, grown

RNG = np.random.default_rng(0)


def noise(height=60, width=80):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("mode", MODES)
def test_no_boxes_is_the_picture_itself(mode):
    picture = noise()
    assert covered(picture, [], mode) is picture


@pytest.mark.parametrize("mode", MODES)
def test_outside_the_boxes_nothing_changes(mode):
    picture, box = noise(), (10, 5, 50, 45)
    before = picture.copy()
    made = covered(picture, [box, (70, 50, 80, 60)], mode)
    outside = np.ones(picture.shape[:2], bool)
    outside[5:45, 10:50] = outside[50:, 70:] = False
    assert (made[outside] == picture[outside]).all()
    assert (picture == before).all()
    assert (made[5:45, 10:50] != picture[5:45, 10:50]).any(-1).mean() > 0.9


def test_filled_is_black_whatever_was_there():
    made = covered(noise(), [(10, 5, 50, 45)])
    assert not made[5:45, 10:50].any()
    assert (made == covered(np.full((60, 80, 3), 255, np.uint8), [(10, 5, 50, 45)])).all(-1)[5:45, 10:50].all()


def test_pixelated_has_at_most_so_many_squares():
    made = covered(noise(200, 300), [(20, 10, 180, 110)], "pixelate")[10:110, 20:180]
    assert len(np.unique(made.reshape(-1, 3), axis=0)) <= BLOCKS * BLOCKS
    changes = (np.diff(made.astype(int), axis=1) != 0).any((0, 2)).sum()
    assert changes <= BLOCKS - 1


@pytest.mark.parametrize("size", [(40, 40), (900, 700)])
def test_blurred_keeps_the_mean_and_little_else(size):
    made = covered(noise(*size), [(0, 0, size[1], size[0])], "blur")
    assert abs(made.mean() - 127.5) < 4
    assert made.std() < 8  # of noise with a standard deviation of 74


@pytest.mark.parametrize("mode", MODES)
def test_one_pixel_and_all_of_the_picture(mode):
    assert covered(noise(), [(79, 59, 80, 60), (0, 0, 80, 60)], mode).shape == (60, 80, 3)


def test_an_unknown_mode_is_refused():
    with pytest.raises(InputError, match="fill, pixelate, blur"):
        covered(noise(), [], "smile")


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((10, 10, 20, 30), 0.3, (7, 4, 23, 36)),  # 30 % of the width left and right, of the height above and below
        ((10.4, 10.6, 19.5, 29.5), 0.0, (10, 10, 20, 30)),  # whole pixels, outwards
        ((0, 0, 80, 60), 0.3, (0, 0, 80, 60)),
        ((-30, -30, -20, -20), 0.3, None),
    ],
)
def test_boxes_grow_inside_the_picture(box, margin, expected):
    assert grown(box, margin, 80, 60) == expected
