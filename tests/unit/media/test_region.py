"""Parts of pictures: cut with their surroundings, held to the picture, and how much they cover."""

import numpy as np
import pytest

from studium.errors import InputError
from studium.media.draw import Mark, marked
from studium.media.region import covered, region, union


def picture(height=40, width=60):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)


def test_a_region_brings_half_its_larger_side_with_it_and_no_more_than_there_is():
    whole = picture()
    found = region(whole, (20, 10, 30, 16), ((25.0, 12.5),))
    assert found.picture.shape == (6 + 10, 10 + 10, 3)
    assert found.box == (5, 5, 15, 11)
    assert found.points == ((10.0, 7.5),)
    np.testing.assert_array_equal(found.cut, whole[10:16, 20:30])
    corner = region(whole, (0, 0, 10, 10))
    assert corner.box == (0, 0, 10, 10)
    assert corner.picture.shape == (15, 15, 3)
    assert corner.points is None
    all_of_it = region(whole, (0, 0, 60, 40))
    np.testing.assert_array_equal(all_of_it.cut, whole)
    np.testing.assert_array_equal(all_of_it.picture, whole)


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, 61, 5), (0, 0, 5, 41)])
def test_a_box_outside_the_picture_is_an_error_that_says_both(box):
    with pytest.raises(InputError, match=r"does not lie in the picture of 60 x 40 px"):
        region(picture(), box)


def test_what_boxes_cover_counts_every_pixel_once():
    assert union([]) == 0
    assert covered([], 10, 10) == 0.0
    assert covered([(0, 0, 10, 10)], 10, 10) == 1.0
    assert covered([(0, 0, 5, 10), (0, 0, 5, 10)], 10, 10) == 0.5
    assert union([(0, 0, 6, 6), (3, 3, 9, 9)]) == 36 + 36 - 9
    rng = np.random.default_rng(1)
    for _ in range(20):
        corners = rng.integers(0, 50, (8, 2))
        boxes = [(int(x), int(y), int(x) + int(w), int(y) + int(h)) for (x, y), (w, h) in
                 zip(corners, rng.integers(1, 20, (8, 2)), strict=True)]  # fmt: skip
        painted = np.zeros((70, 70), bool)
        for x0, y0, x1, y1 in boxes:
            painted[y0:y1, x0:x1] = True
        assert union(boxes) == painted.sum()


def test_marks_are_drawn_on_a_copy():
    whole = np.full((200, 300, 3), 128, np.uint8)
    nothing = marked(whole, [])
    np.testing.assert_array_equal(nothing, whole)
    drawn = marked(whole, [Mark((50, 60, 150, 160), None, "acme", "0.90")])
    assert (whole == 128).all()
    changed = (drawn != whole).any(axis=2)
    assert changed[60, 50:150].all()  # the upper edge
    assert changed[60:160, 149].all()  # the right edge lies in the box
    assert not changed[70:150, 60:140].any()  # what is in it can be seen
    assert changed[40:58].any()  # the caption above it
    tilted = marked(whole, [Mark((50, 60, 150, 160), ((60, 70), (140, 60), (150, 150), (55, 160)))])
    assert (tilted[70, 60] != 128).any()
    assert not (tilted[60, 50] != 128).any()
    at_the_right = marked(whole, [Mark((290, 60, 299, 160), None, "acme", "0.90")])
    widths = [(one[40:58] != whole[40:58]).any(axis=(0, 2)).sum() for one in (drawn, at_the_right)]
    assert widths[0] == widths[1]  # nothing of the caption is cut off
    at_the_top = marked(whole, [Mark((0, 0, 300, 200), None, "a very long label that leaves the picture " * 3)])
    assert at_the_top.shape == whole.shape


def test_one_label_has_one_colour():
    whole = np.full((100, 100, 3), 128, np.uint8)
    one, other, again = (marked(whole, [Mark((10, 10, 90, 90), None, label)])[89, 50] for label in "aba")
    assert (one == again).all()
    assert (one != other).any()


def test_marks_shrink_with_the_picture():
    mark = Mark((10, 20, 30, 41), ((10.0, 20.0), (30.0, 41.0)), "acme")
    assert mark.scaled(0.5) == Mark((5, 10, 15, 20), ((5.0, 10.0), (15.0, 20.5)), "acme")
    assert mark.scaled(0.01).box == (0, 0, 1, 1)
