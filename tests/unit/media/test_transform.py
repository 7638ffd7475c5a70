import numpy as np
import pytest
from PIL import Image

from studium.errors import InputError
from studium.media import transform as t


def test_crop_is_a_copy_of_the_box(astronaut):
    cut = t.crop(astronaut, (10, 20, 40, 70))
    assert (cut == astronaut[20:70, 10:40]).all()
    assert not np.shares_memory(cut, astronaut)


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, 513, 5), (5, 5, 2, 9)])
def test_a_box_outside_is_refused(astronaut, box):
    with pytest.raises(InputError, match="not inside"):
        t.crop(astronaut, box)


def test_pad_and_centre_crop_are_inverse(astronaut):
    padded = t.pad(astronaut, 601, 520, fill=7)
    assert padded.shape == (601, 520, 3)
    assert (padded[0] == 7).all()
    assert (t.centre_crop(padded, 512, 512) == astronaut).all()
    assert t.pad(astronaut[..., 0], 601, 520).shape == (601, 520)
    with pytest.raises(InputError, match="rescale"):
        t.pad(astronaut, 100, 600)


def test_centre_crop_of_odd_rest():
    assert t.centre_crop(np.arange(5, dtype=np.uint8)[None], 1, 2).tolist() == [[1, 2]]


@pytest.mark.parametrize(("sides", "size"), [({"shorter": 200}, (200, 300)), ({"longer": 300}, (200, 300))])
def test_rescale_keeps_the_aspect(natural, sides, size):
    assert t.rescale(natural["coffee"], **sides).shape[:2] == size


@pytest.mark.parametrize("sides", [{}, {"shorter": 3, "longer": 3}, {"shorter": 0}])
def test_rescale_wants_one_side(astronaut, sides):
    with pytest.raises(InputError):
        t.rescale(astronaut, **sides)


def test_rescale_never_drops_a_side():
    assert t.rescale(np.zeros((1, 5000, 3), np.uint8), longer=100).shape == (1, 100, 3)
    assert t.downscale(np.zeros((5000, 1, 3), np.uint8), 512).shape == (512, 1, 3)


def test_squish_is_pillow_and_names_its_filters(astronaut):
    expected = np.asarray(Image.fromarray(astronaut).resize((50, 30), Image.Resampling.LANCZOS))
    assert (t.squish(astronaut, 30, 50, "lanczos") == expected).all()
    with pytest.raises(InputError, match="known: nearest, box, bilinear, bicubic, lanczos"):
        t.squish(astronaut, 30, 50, "cubic")


def test_downscale_only_shrinks(astronaut):
    assert t.downscale(astronaut, 512) is astronaut
    half = t.downscale(astronaut, 256)
    assert half.shape == (256, 256, 3)
    blocks = astronaut.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - blocks).max() <= 1


def test_rotate(astronaut):
    square = astronaut[:101, :101]
    assert (t.rotate(square, 90) == np.rot90(square)).all()
    assert (t.rotate(square, 0) == square).all()
    assert t.rotate(square[..., 0], 45, fill=9)[0, 0] == 9
    assert (t.rotate(square, 45, fill=9)[0, 0] == 9).all()


def test_normalise_is_the_formula(astronaut):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    made = t.normalise(astronaut, mean, std)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, (astronaut / 255 - mean) / std, atol=1e-6)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_same_size(natural, name):
    assert t.same_size(natural[name]).shape == (224, 224, 3)


def test_same_size_enlarges_and_keeps_the_middle():
    stripes = np.zeros((10, 30, 3), np.uint8)
    stripes[:, 10:20] = 255
    assert (t.same_size(stripes, 10, "nearest") == 255).all()
    assert t.same_size(stripes, 224).shape == (224, 224, 3)


def test_blend(astronaut):
    black = np.zeros_like(astronaut)
    assert (t.blend(astronaut, black, 0) == astronaut).all()
    assert (t.blend(astronaut, black, 1) == 0).all()
    assert (t.blend(astronaut, black, 0.5) == np.rint(astronaut / 2)).all()
    with pytest.raises(InputError, match="same shape"):
        t.blend(astronaut, black[:5], 0.5)
    with pytest.raises(InputError, match="alpha"):
        t.blend(astronaut, black, 1.5)


def test_grey_is_bt601():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [7, 7, 7]]], np.uint8)
    assert t.grey(colours).tolist() == [[76, 150, 29, 255, 7]]
