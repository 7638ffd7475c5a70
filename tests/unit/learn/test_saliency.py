"""Which parts of a picture a prediction hangs on."""

from dataclasses import dataclass, replace
from typing import ClassVar

import checkpoints
import corners
import numpy as np
import pytest

from studium.errors import InputError
from studium.learn.models.estimator import Fitted
from studium.learn.models.head import Head
from studium.learn.models.linear import LinearProbe
from studium.learn.nets.image import ImageNetwork
from studium.learn.nets.net import Schedule
from studium.learn.saliency import grad_cam, occlusion, overlay


@dataclass(frozen=True)
class Lightness(Fitted):
    """Says "light" with the mean lightness of the left half: what it hangs on is known."""

    kind: ClassVar[str] = "lightness"
    takes: ClassVar[str] = "image"

    def outputs(self, X):
        light = np.array([one[:, : (one.shape[1] + 1) // 2].mean() / 255 for one in X])
        return light[:, None] if self.head.task == "continuous" else np.stack([1 - light, light], axis=1)

    def arrays(self):
        return {}

    @classmethod
    def of(cls, common, preprocessing, arrays, folder):
        return cls(**common)


LIGHT = Lightness(Head("light", classes=("dark", "light")), "", {}, {})


@pytest.fixture
def half():
    """White on the left, black on the right."""
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, :8] = 255
    return picture


def test_a_picture_of_one_pixel():
    one = np.full((1, 1, 3), 77, np.uint8)
    assert occlusion(LIGHT, np.full((2, 2, 3), 77, np.uint8)).tolist() == [[0, 0], [0, 0]]
    assert occlusion(LIGHT, one, patch=1, stride=1).shape == (1, 1)
    assert overlay(one, np.zeros((1, 1), np.float32)).tolist() == [[[77, 77, 77]]]


def test_occlusion_by_hand(half):
    """A square of 4 x 4 white pixels that becomes grey (128) takes 16 x 127 / (128 x 255) of the lightness."""
    found = occlusion(LIGHT, half, "light", patch=4, stride=4)
    assert found.dtype == np.float32
    assert np.allclose(found[:, :8], 16 * 127 / (128 * 255))
    assert (found[:, 8:] == 0).all()
    assert np.array_equal(occlusion(LIGHT, half, "dark", patch=4, stride=4), -found)
    assert np.array_equal(occlusion(LIGHT, half[:, ::-1].copy(), patch=4, stride=4)[:, 8:] == 0, np.ones((16, 8)))


def test_squares_reach_the_edges(half):
    """5 does not go into 16: the last square ends at the edge, and a pixel has the mean of what covers it."""
    found = occlusion(LIGHT, half, "light", patch=5, stride=5)
    assert (found[:, :8] > 0).all()
    assert found[0, 0] == pytest.approx(25 * 127 / (128 * 255))
    assert (found[:, 11:] == 0).all()


def test_a_value(half):
    number = replace(LIGHT, head=Head("lightness", "continuous"))
    assert np.array_equal(occlusion(number, half, patch=4), occlusion(LIGHT, half, "light", patch=4))
    with pytest.raises(InputError, match=r"has the classes \[\], got 'light'"):
        occlusion(number, half, "light")


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((0, 1), "patch"), ((17, 1), "16 px"), ((4, 5), "got 5 and 4"), ((4, 0), "got 0 and 4")],
)
def test_sizes_that_do_not_fit(half, sizes, said):
    with pytest.raises(InputError, match=said):
        occlusion(LIGHT, half, "light", *sizes)


def test_other_models(half):
    table = LinearProbe(C=1.0).fit([[0.0], [1.0]], ["a", "b"])
    with pytest.raises(InputError, match="this one takes 'table'"):
        occlusion(table, half)
    with pytest.raises(InputError, match="take occlusion"):
        grad_cam(LIGHT, half)
    with pytest.raises(InputError, match=r"classes \['dark', 'light'\], got 'grey'"):
        occlusion(LIGHT, half, "grey")
    with pytest.raises(InputError, match="RGB uint8"):
        occlusion(LIGHT, half[:, :, 0])


def test_overlay(half):
    marks = np.zeros((16, 16), np.float32)
    marks[0, 0], marks[0, 15] = 2.0, -1.0
    found = overlay(half, marks, 0.5)
    assert found[0, 0].tolist() == [255, 128, 128]
    assert found[0, 15].tolist() == [0, 0, 64]
    assert np.array_equal(found[1:], half[1:])
    with pytest.raises(InputError, match="a map 16 x 16"):
        overlay(half, marks[:5])


@pytest.mark.parametrize(("top", "left"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("how", [grad_cam, lambda *given: occlusion(*given, patch=32, stride=8)])
def test_a_network_looks_at_the_thing(cornered, how, top, left):
    """Of the four quarters of the picture that with the thing has the most of what speaks for it."""
    picture = corners.corner(True, top, left, np.random.default_rng(9))
    found = how(cornered, picture, "thing")
    assert found.shape == (64, 80)
    assert found.dtype == np.float32
    quarters = np.maximum(found, 0).reshape(2, 32, 2, 40).sum(axis=(1, 3))
    assert np.unravel_index(quarters.argmax(), (2, 2)) == (1 - top, 1 - left)
    assert quarters.max() > 1.3 * np.sort(quarters.ravel())[-2]


def test_only_what_is_seen(cornered):
    """A network that is given the middle says nothing of the ends."""
    end = np.full((64, 200, 3), 120, np.uint8)
    long = np.concatenate([end, corners.corner(True, True, True, np.random.default_rng(1)), end], axis=1)
    found = grad_cam(cornered, long, "thing")
    assert found[:, 212:268].any()
    assert not found[:, :208].any()
    assert not found[:, 272:].any()


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_networks_of_the_hub(tmp_path, kind):
    pictures, classes = corners.corners(10)
    folder = getattr(checkpoints, kind)(tmp_path / kind)
    fitted = ImageNetwork(model=str(folder), schedule=Schedule(epochs=0)).fit(pictures, classes)
    if kind == "vit":
        with pytest.raises(InputError, match="transformer; take occlusion"):
            grad_cam(fitted, pictures[0])
    else:
        found = grad_cam(fitted, pictures[0], "thing")
        assert found.shape == (64, 80)
        assert np.isfinite(found).all()
        assert not found[:, :8].any()
        assert not found[:, -8:].any()
    assert occlusion(fitted, pictures[0], "thing", patch=32).any()
