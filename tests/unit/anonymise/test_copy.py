"""One medium: what was found stays covered in every round, and in the frames of a film between."""

import numpy as np
import pytest

from studium.anonymise import Cover
from studium.anonymise.copy import Shown, copied
from studium.errors import DamagedStreamError
from studium.measure.cover import Seen

FIRST, SECOND = (10, 10, 20, 20), (40, 40, 50, 50)


class Kept:
    """A medium whose pictures are kept in memory."""

    suffix = "none"

    def __init__(self, pictures, moving):
        self.pictures, self.moving, self.remarks, self.out = pictures, moving, {}, []

    def read(self):
        return (Shown(pixels, number / 25, 1 / 25) for number, pixels in enumerate(self.pictures))

    def write(self, path, pictures):
        self.out = [shown.pixels for shown in pictures]

    def written(self, path):
        return iter(self.out)


class Red(Cover):
    """Finds the red square in a picture."""

    def find(self, picture, threshold=None):
        rows, columns = np.nonzero((picture == (255, 0, 0)).all(-1))
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None
        return [Seen("face", tuple(map(float, box)), 0.9)] if box else []


class Late(Cover):
    """Finds nothing at first; in the copy two places, one after the other, until they are black."""

    def find(self, picture, threshold=None):
        if threshold is None:
            return []
        lit = [box for box in (FIRST, SECOND) if part(picture, box).any()]
        return [Seen("face", tuple(map(float, box)), 0.4) for box in lit[:1]]


def part(picture, box):
    x0, y0, x1, y1 = box
    return picture[y0:y1, x0:x1]


def square(left, colour=(255, 0, 0)):
    picture = np.full((60, 80, 3), 90, np.uint8)
    picture[20:40, left : left + 20] = colour
    return picture


def test_no_pictures(tmp_path):
    with pytest.raises(DamagedStreamError):
        copied(Kept([], True), tmp_path, Red())


@pytest.mark.parametrize("moving", [True, False])
def test_where_a_face_is_missed_for_a_moment_it_is_covered_all_the_same(tmp_path, moving):
    turned = (250, 5, 5)
    film = Kept([square(10, turned), square(12), square(14, turned), square(16), square(18, turned)], moving)
    done = copied(film, tmp_path, Red())
    seen = [part(picture, (18, 20, 30, 40)).any() for picture in film.out]
    assert seen == ([False] * 5 if moving else [True, False, True, False, True])
    assert (done.faces, done.bridged, done.extended, done.left) == (2, moving, 2 * moving, 0)


@pytest.mark.parametrize("mode", ["fill", "blur"])
def test_what_was_found_in_one_copy_is_black_in_all_that_follow(tmp_path, mode):
    medium = Kept([np.full((60, 80, 3), 90, np.uint8)], False)
    done = copied(medium, tmp_path, Late(mode))
    assert (done.rounds, done.again, done.left) == (3, 2, 0)
    assert not part(medium.out[0], FIRST).any()
    assert not part(medium.out[0], SECOND).any()
