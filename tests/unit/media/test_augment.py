import numpy as np
import pytest

from studium.errors import InputError
from studium.media import augment as a


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("size", [(1, 1), (512, 512), (300, 451)])
def test_any_picture_becomes_one_size(astronaut, size):
    picture = astronaut[: size[0], : size[1]]
    before = picture.copy()
    made = a.augment(picture, rng(), size=64)
    assert (made.shape, made.dtype) == ((64, 64, 3), np.uint8)
    assert (picture == before).all()


def test_the_same_seed_gives_the_same_picture(natural):
    coffee = natural["coffee"]
    assert (a.augment(coffee, rng(5)) == a.augment(coffee, rng(5))).all()
    assert (a.augment(coffee, rng(5)) != a.augment(coffee, rng(6))).any()


@pytest.mark.parametrize("degrees", [10, 90, 180])
def test_a_turned_picture_gets_no_corners_of_another_colour(degrees):
    white = np.full((60, 90, 3), 255, np.uint8)
    for seed in range(20):
        assert a.augment(white, rng(seed), size=64, degrees=degrees, jitter=0).min() == 255


def test_random_crop_reaches_every_place_and_only_those():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    generator = rng()
    corners = {int(a.random_crop(picture, 2, 3, generator)[0, 0]) for _ in range(100)}
    assert corners == {0, 1, 4, 5}
    assert (a.random_crop(picture, 3, 4, generator) == picture).all()
    with pytest.raises(InputError, match="cannot crop 4 x 4"):
        a.random_crop(picture, 4, 4, generator)


def test_random_flip(astronaut):
    assert (a.random_flip(astronaut, rng(), 1.0) == astronaut[:, ::-1]).all()
    assert (a.random_flip(astronaut, rng(), 0.0) == astronaut).all()
    generator, first = rng(), astronaut[:1, :8]
    flips = sum(bool((a.random_flip(first, generator) != first).any()) for _ in range(1000))
    assert 430 < flips < 570


def test_random_rotation(astronaut):
    assert (a.random_rotation(astronaut, rng(), 0) == astronaut).all()
    assert (a.random_rotation(astronaut, rng(), 20)[0, 0] == 0).all()


def test_no_jitter_is_no_change(astronaut):
    assert (a.colour_jitter(astronaut, rng(), brightness=0, contrast=0, saturation=0) == astronaut).all()


def test_each_jitter_moves_what_it_says(astronaut):
    none = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
    bright = [a.colour_jitter(astronaut, rng(s), **none | {"brightness": 0.5}).mean() for s in range(8)]
    assert np.ptp(bright) > 20
    contrast = [a.colour_jitter(astronaut, rng(s), **none | {"contrast": 0.5}).std() for s in range(8)]
    assert np.ptp(contrast) > 10
    greyed = a.colour_jitter(astronaut, rng(), **none | {"saturation": 1.0})
    factor = rng_factor(2)
    grey = astronaut @ [0.299, 0.587, 0.114]
    expected = np.clip(grey[..., None] + factor * (astronaut - grey[..., None]), 0, 255)
    assert np.abs(greyed - expected).max() < 2.5


def rng_factor(draws):
    """The saturation factor that seed 0 draws, after brightness and contrast."""
    generator = rng()
    for _ in range(draws):
        generator.uniform(1, 1)
    return generator.uniform(0, 2)


def test_hue_turns_the_circle():
    red = np.zeros((4, 4, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    turned = a.colour_jitter(red, rng(), brightness=0, contrast=0, saturation=0, hue=0.5)
    assert (turned != red).any()
    assert turned.max(axis=-1).min() == 255
    assert turned.min() == 0


@pytest.mark.parametrize("wrong", [{"brightness": -0.1}, {"contrast": 1.1}, {"hue": 0.6}])
def test_impossible_amounts_are_refused(astronaut, wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} must lie between 0 and"):
        a.colour_jitter(astronaut, rng(), **wrong)
