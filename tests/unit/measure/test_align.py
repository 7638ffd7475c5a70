"""Alignment against known transforms, scikit-image and dlib."""

import numpy as np
import pytest
from skimage import transform

from studium.errors import InputError, MediaError
from studium.measure.align import aligned, similarity

TEMPLATE = np.array([(0.3, 0.3), (0.7, 0.3), (0.5, 0.55), (0.35, 0.75), (0.65, 0.75)])
EYES = [(233, 107), (261, 107)]  # of the astronaut, by eye


def ramp(height, width):
    """Red grows by one a pixel to the right, green by one a pixel downwards."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("scale", [0.5, 1.0, 7.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
def test_similarity_finds_the_transform_that_was_applied(scale, angle):
    start = TEMPLATE * 100
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    a, b = similarity(start, start @ turn.T + (30, -4))
    assert abs(a) == pytest.approx(scale)
    assert np.angle(a) == pytest.approx(angle)
    assert b == pytest.approx(30 - 4j)


def test_similarity_is_the_least_squares_one():
    noisy = TEMPLATE * 80 + np.random.default_rng(3).normal(0, 4, TEMPLATE.shape)
    a, b = similarity(TEMPLATE, noisy)
    expected = transform.SimilarityTransform.from_estimate(TEMPLATE, noisy)
    assert abs(a) == pytest.approx(expected.scale)
    assert np.angle(a) == pytest.approx(expected.rotation)
    assert (b.real, b.imag) == pytest.approx(tuple(expected.translation))


def test_mirrored_points_are_not_mirrored_back():
    a, _ = similarity(TEMPLATE, TEMPLATE * (-1, 1))
    assert abs(a) < 0.5


def test_a_cut_that_needs_no_change_is_a_cut():
    picture = ramp(60, 90)
    points = TEMPLATE * 32 + (20, 10)
    np.testing.assert_array_equal(aligned(picture, points, TEMPLATE, 32), picture[10:42, 20:52])


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.0, 4.0])
def test_the_middle_of_a_pixel_stays_where_it_is(scale):
    """On a ramp, every value of the result says where it was taken from."""
    picture = ramp(250, 250)
    found = aligned(picture, TEMPLATE * 32 * scale + (40, 60), TEMPLATE, 32).astype(float)
    place = (np.arange(32) + 0.5) * scale - 0.5
    assert np.abs(found[..., 0] - (place + 40)[None]).max() < 0.76
    assert np.abs(found[..., 1] - (place + 60)[:, None]).max() < 0.76


def test_parity_with_scikit_image(photos):
    """A real face, turned and enlarged, so that nothing is halved."""
    picture = photos["astronaut"]
    matrix = transform.SimilarityTransform.from_estimate(np.array([(35.0, 40.0), (65.0, 45.0)]), np.array(EYES))
    half = transform.SimilarityTransform(translation=(0.5, 0.5))
    expected = transform.warp(picture, half + matrix + half.inverse, output_shape=(100, 100), order=1, mode="edge")
    found = aligned(picture, EYES, [(0.35, 0.40), (0.65, 0.45)], 100)
    assert np.abs(found - expected * 255).max() < 4
    assert np.abs(found - expected * 255).mean() < 0.5


def test_parity_with_dlib(photos):
    """dlib's own cut around five points; where a face shrinks, its pyramid lies a quarter of a pixel elsewhere."""
    import _dlib_pybind11 as dlib

    template = [(0.8595674595992, 0.2134981538014), (0.6460604764104, 0.2289674387677)]
    template += [(0.1205750620789, 0.2137274526848), (0.3340850613712, 0.2290642403242)]
    template = np.array([*template, (0.4901123135679, 0.6277975316475)])
    points = np.round(template * (80, 84) + (185, 90)).astype(int)
    shape = dlib.full_object_detection(
        dlib.rectangle(180, 60, 270, 180), dlib.points([dlib.point(*p) for p in points.tolist()])
    )
    for size, close in [(150, 0.999), (100, 0.998), (32, 0.96)]:
        expected = np.asarray(dlib.get_face_chip(photos["astronaut"], shape, size, 0.2))
        found = aligned(photos["astronaut"], points + 0.5, (template + 0.2) / 1.4, size)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > close


def test_a_face_that_shrinks_is_not_aliased():
    checks = np.indices((640, 640)).sum(0) % 2 * 255
    picture = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    found = aligned(picture, TEMPLATE * 640, TEMPLATE, 64)
    assert np.abs(found.astype(float) - 127.5).max() < 3


def test_beyond_the_picture_its_edge_goes_on():
    picture = np.full((20, 20, 3), 90, np.uint8)
    assert (aligned(picture, TEMPLATE * 32 - 10, TEMPLATE, 32) == 90).all()
    assert aligned(picture[:1, :1], TEMPLATE * 500, TEMPLATE, 16).shape == (16, 16, 3)


def test_what_does_not_fit_is_refused(photos):
    picture = photos["astronaut"]
    with pytest.raises(MediaError, match="apart"):
        aligned(picture, [(5, 5)] * 5, TEMPLATE, 32)
    with pytest.raises(InputError, match="same n"):
        aligned(picture, EYES, TEMPLATE, 32)
    with pytest.raises(InputError, match="finite"):
        aligned(picture, [(0, np.nan), *TEMPLATE[1:]], TEMPLATE, 32)
    with pytest.raises(InputError, match="different"):
        aligned(picture, TEMPLATE, [(0.5, 0.5)] * 5, 32)
    with pytest.raises(InputError, match="RGB uint8"):
        aligned(picture[..., 0], TEMPLATE, TEMPLATE, 32)
