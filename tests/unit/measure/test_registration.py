"""Registration: a template laid over a picture of itself, moved back to where it belongs, and poses that cannot be."""

import cv2
import fetch
import logo_pictures
import numpy as np
import pytest

from studium.measure.registration import (
    Pyramid,
    agreement,
    corners_of,
    distortion,
    plausible,
    refined,
    template,
)

TRUE = np.array([(132.0, 84.0), (301.0, 102.0), (288.0, 260.0), (120.0, 251.0)])


@pytest.fixture(scope="module")
def mark():
    return logo_pictures.mark("netflix").astype(np.float32) / 255


@pytest.fixture(scope="module")
def netflix(mark):
    return template(1 - mark, mark, 1.0)


@pytest.fixture(scope="module")
def pasted(mark):
    """A light mark on a dark photograph, its corners at `TRUE`."""
    photo = cv2.imread(str(fetch.photos() / "coffee.png"), cv2.IMREAD_GRAYSCALE) // 2
    high, wide = mark.shape
    frame = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32) - np.float32(0.5)
    to = cv2.getPerspectiveTransform(frame, TRUE.astype(np.float32))
    share = cv2.warpPerspective(cv2.GaussianBlur(mark, (0, 0), 1), to, photo.shape[::-1], flags=cv2.INTER_LINEAR)
    return (photo * (1 - share) + 230 * share).astype(np.uint8)


def pose_of(corners, given):
    flat = np.array([(0, 0), (given.wide, 0), (given.wide, given.high), (0, given.high)], np.float32)
    return cv2.getPerspectiveTransform(flat, np.asarray(corners, np.float32))


def test_a_blank_picture_agrees_with_nothing(netflix):
    pyramid = Pyramid(np.full((300, 300), 90, np.uint8))
    pose = pose_of(TRUE, netflix)
    assert agreement(pyramid, netflix, pose, False) == pytest.approx((0, 0), abs=1e-3)
    assert np.isfinite(refined(pyramid, netflix, pose, False)).all()


def test_a_mark_agrees_with_itself(pasted, netflix):
    found = agreement(Pyramid(pasted), netflix, pose_of(TRUE, netflix), True)
    assert found.edges > 0.95
    assert found.contour > 0.9
    other = agreement(Pyramid(pasted), netflix, pose_of(TRUE, netflix), False)
    assert other.edges < -0.9
    assert other.contour < 0.1


def test_a_pose_beside_the_mark_moves_onto_it(pasted, netflix):
    pyramid = Pyramid(pasted)
    start = pose_of(TRUE + np.array([(9, 5), (3, 8), (10, 3), (6, 4)]), netflix)
    moved = refined(pyramid, netflix, start, True)
    assert np.abs(corners_of(start, netflix) - TRUE).max() > 9
    assert np.abs(corners_of(moved, netflix) - TRUE).max() < 2.5
    assert plausible(moved, netflix, start)


def test_a_hidden_third_does_not_drag_it_away(pasted, netflix):
    covered = pasted.copy()
    covered[200:, 100:320] = np.random.default_rng(0).integers(0, 256, covered[200:, 100:320].shape)
    moved = refined(Pyramid(covered), netflix, pose_of(TRUE + 4, netflix), True)
    assert np.abs(corners_of(moved, netflix)[:2] - TRUE[:2]).max() < 5
    assert agreement(Pyramid(covered), netflix, moved, True).edges > 0.65


def test_distortion(netflix):
    wide, high = netflix.wide, netflix.high
    square = np.array([(0, 0), (wide, 0), (wide, high), (0, high)])
    assert distortion(5 * square + 7, netflix) == pytest.approx((1, 1))
    assert distortion(square * (1, 3), netflix) == pytest.approx((3, 1))
    assert distortion(np.array([(0, 0), (wide, 0), (wide / 2, high), (0, high)]), netflix)[1] == pytest.approx(2)


@pytest.mark.parametrize(
    ("corners", "fits"),
    [
        (TRUE, True),
        (TRUE[[1, 0, 3, 2]], False),  # mirrored
        (TRUE * (2.4, 1), False),  # stretched
        (TRUE[[0, 2, 1, 3]], False),  # crossed
        ((TRUE - 200) / 2 + 200, False),  # a quarter of the area that it came from
        (TRUE * np.nan, False),
    ],
)
def test_what_a_flat_mark_can_look_like(corners, fits, netflix):
    assert plausible(pose_of(corners, netflix), netflix, pose_of(TRUE, netflix)) is fits
