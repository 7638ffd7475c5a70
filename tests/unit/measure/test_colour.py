import math

import cv2
import numpy as np
import pytest
from skimage import color

from studium.measure import colour as c
from studium.measure.colour import Colour


def pixels(*colours):
    return np.array([colours], np.uint8)


def test_one_pixel_of_grey_has_no_hue():
    row = {name: values[0] for name, values in Colour()([pixels((9, 9, 9))]).items()}
    assert {name for name, value in row.items() if math.isnan(value)} == {
        "hue_mean", "hue_concentration", "colour_variety_shannon", "colour_variety_simpson"
    }  # fmt: skip
    assert (row["colourfulness"], row["hue_count"], row["saturation_mean"], row["share_black"]) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        ([(255, 0, 0), (0, 255, 0), (0, 0, 255)], 275.43148),
        ([(128, 128, 128)] * 3, 0),
        ([(255, 0, 0)] * 3, 85.52960),
    ],
)
def test_colourfulness_of_the_formula(colours, expected):
    assert c.colourfulness(pixels(*colours)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"), [("astronaut", 72.6052), ("coffee", 76.9179), ("chelsea", 37.9574), ("rocket", 38.5592)]
)
def test_colourfulness_of_photographs(photos, name, expected):
    assert c.colourfulness(photos[name]) == pytest.approx(expected, abs=1e-4)


def test_golden_astronaut(astronaut):
    row = {name: float(values[0]) for name, values in Colour()([astronaut]).items()}
    assert row["brightness_mean"] == pytest.approx(115.4051, abs=0.01)
    assert row["brightness_sd"] == pytest.approx(75.1231, abs=0.01)
    assert row["value_mean"] == pytest.approx(142.9885, abs=1e-4)
    assert row["saturation_mean"] == pytest.approx(90.9365, abs=0.02)  # OpenCV rounds every pixel's S
    assert (row["contrast_range"], row["hue_count"]) == (207, 5)
    assert row["colourfulness"] == pytest.approx(72.6052, abs=1e-4)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_parity_with_scikit_image(photos, name):
    image = photos[name]
    row = {column: float(values[0]) for column, values in Colour(longest=10_000)([image]).items()}
    lab, hsv = color.rgb2lab(image), color.rgb2hsv(image)
    assert row["lightness_mean"] == pytest.approx(lab[..., 0].mean(), abs=0.01)
    assert row["lightness_sd"] == pytest.approx(lab[..., 0].std(), abs=0.01)
    assert row["lab_a_mean"] == pytest.approx(lab[..., 1].mean(), abs=0.02)
    assert row["lab_b_mean"] == pytest.approx(lab[..., 2].mean(), abs=0.02)
    for channel, colour in enumerate(("red", "green", "blue")):
        assert row[f"{colour}_mean"] == pytest.approx(image[..., channel].mean())
        assert row[f"{colour}_sd"] == pytest.approx(image[..., channel].std())
    assert row["saturation_mean"] == pytest.approx(255 * hsv[..., 1].mean(), abs=1e-3)
    assert row["saturation_sd"] == pytest.approx(255 * hsv[..., 1].std(), abs=1e-3)
    assert row["value_sd"] == pytest.approx(255 * hsv[..., 2].std(), abs=1e-3)
    high, low = image.max(axis=-1).astype(int), image.min(axis=-1).astype(int)
    visible = (5 * (high - low) >= high) & (high >= 39) & (high <= 242)
    mean = np.exp(2j * np.pi * hsv[..., 0][visible]).mean()
    assert row["hue_mean"] == pytest.approx(np.degrees(np.angle(mean)) % 360, abs=1e-3)
    assert row["hue_concentration"] == pytest.approx(abs(mean), abs=1e-5)


def test_hue_wraps_around_red():
    either_side = pixels((200, 0, 20), (200, 20, 0))
    _, _, mean, concentration, count = c.hue_statistics(either_side)
    assert min(mean, 360 - mean) == pytest.approx(0, abs=1e-4)
    assert concentration == pytest.approx(math.cos(math.radians(6)), abs=1e-6)
    assert count == 2


def test_opposite_hues_have_no_mean():
    _, _, mean, concentration, _ = c.hue_statistics(pixels((200, 0, 0), (0, 200, 200)))
    assert math.isnan(mean)
    assert concentration == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("degrees", range(0, 360, 30))
def test_every_hue(degrees):
    rgb = cv2.cvtColor(np.array([[[degrees // 2, 255, 200]]], np.uint8), cv2.COLOR_HSV2RGB)
    mean = c.hue_statistics(rgb)[2]
    assert min(abs(mean - degrees), 360 - abs(mean - degrees)) < 0.5


def test_large_pictures_are_counted_to_the_last_pixel(photos):
    tall = np.concatenate([photos["coffee"]] * 3)
    np.testing.assert_allclose(c.hue_statistics(tall), c.hue_statistics(photos["coffee"]), rtol=1e-5)
    np.testing.assert_allclose(c.lab_statistics(tall), c.lab_statistics(photos["coffee"]), rtol=1e-5)


def test_variety():
    assert c.shannon(np.array([1.0, 0, 0])) == 0
    assert c.shannon(np.full(8, 0.1)) == pytest.approx(math.log(8))
    assert c.simpson(np.full(8, 0.1)) == pytest.approx(7 / 8)
    assert c.simpson(np.array([1.0, 0, 0])) == 0
    assert math.isnan(c.shannon(np.zeros(8)))
    assert math.isnan(c.simpson(np.zeros(8)))


def test_pictures_are_measured_at_the_set_size(astronaut):
    large = astronaut.repeat(2, axis=0).repeat(2, axis=1)
    for name, (first, second) in Colour()([large, astronaut]).items():
        assert first == second, name
    assert Colour(longest=100)([astronaut])["red_sd"][0] < Colour()([astronaut])["red_sd"][0]
