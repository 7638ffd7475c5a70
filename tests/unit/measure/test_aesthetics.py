import math
import sys

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import pdist

from studium.errors import MissingExtraError
from studium.measure import aesthetics as a
from studium.measure.aesthetics import Aesthetics
from studium.media.transform import grey


@pytest.fixture(scope="session")
def opencv_grey(astronaut):
    """The golden values were made from OpenCV's grey, one level off Pillow's in 209 of 262,144 pixels."""
    return cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)


def test_golden_astronaut(opencv_grey):
    assert a.edges(opencv_grey).mean() == pytest.approx(0.115315, abs=1e-6)
    assert a.sharpness(opencv_grey) == pytest.approx(29.3359, abs=1e-4)
    assert a.symmetry(opencv_grey) == pytest.approx(0.668756, abs=1e-6)


def test_measure_agrees_with_the_functions(astronaut):
    row = {name: float(values[0]) for name, values in Aesthetics()([astronaut]).items()}
    assert row["edge_density"] == pytest.approx(0.115315, abs=1e-4)
    assert row["sharpness"] == pytest.approx(29.3359, abs=1e-2)
    assert row["symmetry"] == pytest.approx(0.668756, abs=1e-5)
    assert row["entropy"] == pytest.approx(7.453647, abs=1e-4)
    assert row["edge_distance"] == pytest.approx(a.edge_distance(a.edges(grey(astronaut))))
    assert row["complexity"] == pytest.approx(a.complexity(astronaut))


def test_one_colour():
    row = {name: float(values[0]) for name, values in Aesthetics()([np.full((40, 50, 3), 9, np.uint8)]).items()}
    undefined = {"edge_distance", "depth_of_field", "thirds_distance", "thirds_rows", "thirds_columns"}
    assert {name for name, value in row.items() if math.isnan(value)} == undefined
    assert (row["edge_density"], row["sharpness"], row["symmetry"], row["entropy"]) == (0, 0, 1, 0)


def test_a_square_has_edges_where_it_ends():
    picture = np.zeros((60, 60), np.uint8)
    picture[20:40, 20:40] = 255
    found = a.edges(picture)
    assert 60 <= found.sum() <= 90
    assert not found[25:35, 25:35].any()
    assert not found[:15].any()


def test_edge_distance_is_the_mean_pairwise_distance():
    found = np.random.default_rng(0).random((30, 40)) < 0.1
    assert a.edge_distance(found) == pytest.approx(pdist(np.argwhere(found)).mean() / 50)
    two = np.zeros((3, 4), bool)
    two[0, 0] = two[2, 3] = True
    assert a.edge_distance(two) == pytest.approx(math.hypot(2, 3) / 5)
    two[0, 0] = False
    assert math.isnan(a.edge_distance(two))


def test_edge_distance_of_many_points_is_sampled_the_same_way_every_time(opencv_grey):
    found = a.edges(opencv_grey)
    assert a.edge_distance(found) == a.edge_distance(found)
    everything = pdist(np.argwhere(found)[::10]).mean() / math.hypot(512, 512)
    assert a.edge_distance(found) == pytest.approx(everything, abs=0.01)


def test_blur_takes_sharpness(opencv_grey):
    values = [a.sharpness(cv2.GaussianBlur(opencv_grey, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[-1]


def test_depth_of_field(opencv_grey):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
    assert a.depth_of_field(noise) == pytest.approx(0.25, abs=0.01)
    middle = np.full_like(noise, 128)
    middle[110:290, 110:290] = noise[110:290, 110:290]
    assert a.depth_of_field(middle) == 1
    assert 0.25 < a.depth_of_field(opencv_grey) < 0.5
    assert math.isnan(a.depth_of_field(noise[:3]))


@pytest.mark.parametrize(("row", "column"), [(20, 20), (20, 80), (50, 50), (80, 20)])
def test_saliency_finds_the_odd_one_out(row, column):
    picture = np.full((100, 100), 120, np.uint8)
    picture[row - 4 : row + 4, column - 4 : column + 4] = 250
    found = a.saliency(picture)
    assert found.sum() == pytest.approx(1)
    peak = np.unravel_index(found.argmax(), found.shape)
    np.testing.assert_allclose(np.array(peak) * 100 / 64, [row, column], atol=7)


def one_point(row, column):
    salient = np.zeros((60, 60))
    salient[row, column] = 1
    return salient


def test_rule_of_thirds():
    distance, rows, columns = a.rule_of_thirds(one_point(20, 39), 300, 400)
    assert distance < 0.01
    assert (rows, columns) == (pytest.approx(1), pytest.approx(1))
    assert a.rule_of_thirds(one_point(0, 0), 300, 400)[0] == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("side", [60, 64, 7])
def test_even_saliency_lies_to_a_third_in_the_bands(side):
    """Also where the bands end inside a cell, as they do with the 64 cells of `saliency`."""
    distance, rows, columns = a.rule_of_thirds(np.full((side, side), 1 / side**2), 300, 400)
    assert distance == pytest.approx(1 / 6)
    assert (rows, columns) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_rows_and_columns_are_not_confused():
    _, rows, columns = a.rule_of_thirds(one_point(20, 30), 300, 400)
    assert (rows, columns) == (pytest.approx(1), 0)


def test_symmetry():
    half = np.array([[0, 255]], np.uint8)
    assert a.symmetry(half) == 0
    assert a.symmetry(np.array([[7, 90, 7]], np.uint8)) == 1


def test_noise_is_more_complex_than_a_photograph_and_that_than_nothing(astronaut):
    noise = np.random.default_rng(0).integers(0, 256, astronaut.shape, dtype=np.uint8)
    assert a.complexity(noise) > 2 * a.complexity(astronaut) > 4 * a.complexity(np.zeros_like(astronaut))


def test_larger_pictures_are_measured_at_the_set_size(astronaut):
    large = astronaut.repeat(2, axis=0).repeat(2, axis=1)
    at_512 = Aesthetics()([large, astronaut])
    for name, (first, second) in at_512.items():
        assert first == pytest.approx(second, abs=1e-6), name


def test_without_opencv_the_extra_is_named_before_the_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"studium\[images\]"):
        Aesthetics().prepare()
