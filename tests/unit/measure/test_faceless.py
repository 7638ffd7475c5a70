"""Covering faces before a picture leaves the machine."""

import numpy as np

from studium.measure.centerface import find_faces
from studium.measure.cover import CHECK, Cover
from studium.measure.faceless import faceless, faces_in


def test_a_picture_without_a_face_stays_as_it_is():
    empty = np.full((90, 120, 3), 90, np.uint8)
    assert faceless(empty) is empty
    assert faces_in(empty) == 0


def test_no_face_is_found_in_what_is_left(astronaut):
    assert faces_in(astronaut) >= 1
    made = faceless(astronaut)
    assert find_faces(made, CHECK) == []
    assert (made == Cover()(astronaut)).all(), "the same as an anonymised copy"
    assert (made == astronaut).all(-1).mean() > 0.8
