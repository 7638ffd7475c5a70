"""Local features: nothing first, then parity with brute force and with the inverted picture, and known similarities."""

import cv2
import fetch
import numpy as np
import pytest

from studium.errors import InputError
from studium.measure.local_features import Features, Index, features, joined, mirrored_contrast, poses


def grey(path):
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


@pytest.fixture(scope="module")
def rocket():
    return grey(fetch.photos() / "rocket.jpg")


@pytest.fixture(scope="module")
def seen(rocket):
    return features(rocket)


def unit(given, side):
    """Features in coordinates in which the longer side of their picture is 1."""
    return Features(given.points / np.float32(side), given.sizes / np.float32(side), given.angles, given.descriptors)


def index_of(*given):
    owners = np.repeat(np.arange(len(given)), [len(one) for one in given])
    return Index(joined(given), owners).build()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_has_none(value, seen):
    nothing = features(np.full((60, 80), value, np.uint8))
    assert len(nothing) == 0
    assert nothing.descriptors.shape == (0, 128)
    index = index_of(seen)
    assert poses(nothing, index, index.nearest(nothing, 3)) == []
    empty = Index(nothing, np.zeros(0, np.intp))
    assert len(empty.nearest(seen, 3).query) == 0


def test_what_is_no_grey_picture_is_refused():
    with pytest.raises(InputError, match=r"uint8 H x W, got float32 \(3, 3\)"):
        features(np.zeros((3, 3), np.float32))


def test_descriptors_are_root_sift(rocket, seen):
    assert len(seen) > 300
    assert np.linalg.norm(seen.descriptors, axis=1) == pytest.approx(1, abs=1e-3)
    _, plain = cv2.SIFT.create(contrastThreshold=0.02, edgeThreshold=15).detectAndCompute(rocket, None)
    assert seen.descriptors[7] == pytest.approx(np.sqrt(plain[7] / plain[7].sum()), abs=1e-6)


def test_the_inverted_picture_need_not_be_looked_at(rocket, seen):
    """Every tenth feature of the inverted picture has its like at the same place."""
    made, real = mirrored_contrast(seen), features(255 - rocket)
    alike = 0
    for number in range(0, len(real), 10):
        apart = np.hypot(*(made.points - real.points[number]).T) + 10 * np.abs(made.sizes - real.sizes[number])
        near = np.flatnonzero(apart < 0.5)
        alike += any(np.abs(made.descriptors[one] - real.descriptors[number]).max() < 0.1 for one in near)
    assert alike > 0.95 * len(range(0, len(real), 10))


def test_the_index_finds_what_brute_force_finds(seen):
    known = features(grey(fetch.photos() / "china.jpg"))
    index = index_of(known, mirrored_contrast(known))
    matches = index.nearest(seen, 1)
    exact = np.sqrt(np.maximum(2 - 2 * seen.descriptors @ index.features.descriptors.T, 0))
    best = exact.argmin(axis=1)
    near = exact.min(axis=1) < 0.45
    found = dict(zip(matches.query.tolist(), matches.train.tolist(), strict=True))
    assert np.mean([found.get(one) == best[one] for one in np.flatnonzero(near)]) > 0.75
    again = index_of(known, mirrored_contrast(known)).nearest(seen, 1)
    assert np.array_equal(matches.train, again.train)


@pytest.mark.parametrize(("scale", "degrees"), [(0.5, 0), (0.8, 17), (1.3, -160)])
def test_a_known_similarity(rocket, seen, scale, degrees):
    high, wide = rocket.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, scale)
    moved = cv2.warpAffine(cv2.GaussianBlur(rocket, (0, 0), 0.6 / scale), turn, (wide, high))
    index = index_of(unit(seen, wide))
    other = features(moved)
    best = poses(other, index, index.nearest(other, 2))[0]
    middle = np.array([wide / 2, high / 2, 1])
    assert best.matrix @ (middle / (wide, wide, 1)) == pytest.approx([*(turn @ middle), 1], abs=6)
    assert np.sqrt(np.linalg.det(best.matrix[:2, :2])) == pytest.approx(scale * wide, rel=0.1)
    assert best.inliers > 50


def test_the_owner_is_the_reference_that_is_there():
    """OpenCV's box of biscuits, half hidden among other things, and references that are not there."""
    data = fetch.opencv_doc() / "data"
    pictures = [grey(data / name) for name in ("home.jpg", "box.png", "fruits.jpg")]
    references = [unit(features(picture), max(picture.shape)) for picture in pictures]
    scene = features(grey(data / "box_in_scene.png"))
    index = index_of(*references)
    first, *others = poses(scene, index, index.nearest(scene, 3))
    assert first.owner == 1
    assert all(other.support < first.support / 3 for other in others if other.owner != 1)
    assert [pose.support for pose in others] == sorted((pose.support for pose in others), reverse=True)


def test_joined_keeps_the_order(seen):
    both = joined([seen, mirrored_contrast(seen)])
    assert isinstance(both, Features)
    assert len(both) == 2 * len(seen)
    assert np.array_equal(both.points[len(seen) :], seen.points)
