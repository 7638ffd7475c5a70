"""EfficientNet-Lite0 in torch: the published network, what of it is trained, and what it becomes."""

import numpy as np
import pytest
import torch

from studium.errors import InputError
from studium.learn.nets import lite0
from studium.learn.nets.image_modules import Lite0
from studium.learn.nets.views import Views
from studium.networks import efficientnet
from studium.networks.sessions import session

STILL = Views(False, 0.0, 0.0)


@pytest.fixture(scope="module")
def published():
    return efficientnet.published()


@pytest.mark.parametrize("side", [33, 64, 224])
def test_it_is_the_network_of_the_graph(published, side, tmp_path):
    """Features and classes as ONNX Runtime computes them, of squares of even and odd sides."""
    pixels = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
    (tmp_path / "graph.onnx").write_bytes(efficientnet.graph(published, side))
    expected = session(tmp_path / "graph.onnx", "").run(["logits"], {"pixels": pixels})[0]
    with torch.inference_mode():
        found = Lite0(published).eval()(torch.from_numpy(pixels)).numpy()
    assert np.abs(found - expected).max() < 1e-4
    assert np.abs(expected).max() > 1


def test_its_weights_are_those_of_the_checkpoint(published):
    state = Lite0(published).state()
    assert state.keys() == published.keys()
    assert all(np.array_equal(state[name], values) for name, values in published.items())


@pytest.mark.parametrize(
    ("freeze", "first"), [(0, "_conv_stem"), (1, "_blocks.0."), (3, "_blocks.3."), (8, "_conv_head")]
)
def test_frozen_stages(published, freeze, first):
    module = Lite0(published, freeze).train()
    module(torch.rand(2, 3, 32, 32)).sum().backward()
    moved = [name for name, values in module.named_parameters() if values.grad is not None]
    trained = [name for name, values in module.named_parameters() if values.requires_grad]
    assert moved == trained
    assert moved[0].startswith(first)
    assert not any(part.training for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d))


def test_a_new_last_layer(published):
    body = lite0.begun(1000, None, STILL, 0)
    assert not body.module._fc.weight.any()  # also where ImageNet has as many classes
    assert np.array_equal(body.module._conv_head.weight.detach().numpy(), published["_conv_head.weight"])


def test_what_it_is_given(photos_of):
    """Without views the middle, as `Embed` sees it; with them another one each time, of the same size."""
    body = lite0.begun(2, 64, Views(True, 10.0, 0.2), 0)
    still = body.encode(photos_of, None)["pixels"]
    views = [body.encode(photos_of, np.random.default_rng(seed))["pixels"] for seed in (1, 1, 2)]
    assert still.shape == views[0].shape == (3, 64, 64)
    assert np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])
    assert np.array_equal(body.encode(photos_of, None)["pixels"], still)
    unchanged = lite0.begun(2, 64, STILL, 0)
    assert np.array_equal(unchanged.encode(photos_of, np.random.default_rng(1))["pixels"], still)


@pytest.fixture(scope="module")
def photos_of():
    return np.random.default_rng(0).integers(0, 256, (90, 130, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_odd_shapes(shape):
    body = lite0.begun(2, 32, Views(True, 10.0, 0.2), 0)
    picture = np.full((*shape, 3), 200, np.uint8)
    for rng in (None, np.random.default_rng(0)):
        assert body.encode(picture, rng)["pixels"].shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("side", "freeze", "said"), [(31, 0, "at least 32 px"), (None, 9, "from 0"), (None, -1, "from 0")]
)
def test_what_it_does_not_have(side, freeze, said):
    with pytest.raises(InputError, match=said):
        lite0.checked(side, freeze)


@pytest.mark.parametrize("strengths", [(-1.0, 0.2), (181.0, 0.2), (10.0, 1.1)])
def test_strengths_that_are_none(strengths):
    with pytest.raises(InputError, match=r"0\.\.180"):
        Views(True, *strengths)
