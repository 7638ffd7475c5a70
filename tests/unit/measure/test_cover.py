"""Covering one picture in memory."""

import numpy as np
import pytest
from lettering import font_for
from PIL import Image, ImageDraw

from studium.anonymise import Cover
from studium.errors import InputError
from studium.measure.centerface import find_faces
from studium.measure.cover import CHECK
from studium.media.fill import MODES


def test_a_picture_without_a_face_is_returned_as_it_is():
    empty = np.full((100, 120, 3), 90, np.uint8)
    assert Cover()(empty) is empty


@pytest.mark.parametrize("mode", MODES)
def test_the_face_is_gone_and_the_rest_is_not(mode, astronaut):
    picture = astronaut
    (face,) = find_faces(picture)
    made = Cover(mode=mode)(picture)
    x0, y0, x1, y1 = (round(edge) for edge in face.box)
    wide, high = (x1 - x0) * 3 // 10, (y1 - y0) * 3 // 10
    assert find_faces(made, CHECK) == []
    changed = (made != picture).any(-1)
    assert changed[y0 - high : y1 + high, x0 - wide : x1 + wide].mean() > 0.9
    assert changed.mean() < 0.2
    if mode == "fill":
        assert not made[y0 - high : y1 + high, x0 - wide : x1 + wide].any()


def test_letters_as_high_as_a_third_of_the_picture_are_covered_whole():
    paper, ink = (230, 225, 210), (20, 20, 120)
    sign = Image.new("RGB", (1200, 700), paper)
    ImageDraw.Draw(sign).text((20, 80), "SALE", font=font_for("Latn", 440), fill=ink)
    picture = np.asarray(sign)
    made = Cover(lines=True, smallest=200)(picture)
    assert (picture == ink).all(-1).sum() > 10_000
    assert not (made == ink).all(-1).any()


@pytest.mark.parametrize(
    "settings",
    [{"mode": "smile"}, {"mode": ["fill"]}, {"threshold": 0}, {"threshold": 1.5}, {"threshold": "high"},
     {"smallest": 0}, {"smallest": True}, {"lines": "no"}],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        Cover(**settings)
