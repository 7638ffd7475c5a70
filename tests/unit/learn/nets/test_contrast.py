import numpy as np
import pytest
import torch

from studium.errors import InputError, MissingExtraError
from studium.learn.nets.contrast import info_nce, pairwise_sigmoid

IMAGES = [[3.0, 4.0], [1.0, 0.0], [0.0, -2.0]]
TEXTS = [[4.0, 3.0], [5.0, 12.0], [-1.0, 0.0]]
COSINES = np.array([[24 / 25, 63 / 65, -3 / 5], [4 / 5, 5 / 13, -1.0], [-3 / 5, -12 / 13, 0.0]])  # by hand


def double(rows, grad=False):
    return torch.tensor(rows, dtype=torch.float64, requires_grad=grad)


@pytest.fixture
def pairs():
    """Ten pairs that belong together more or less."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(10, 6))
    return double(images), double(images + rng.normal(size=(10, 6)))


def by_hand(C, scale):
    odds = np.exp(scale * C)
    rows = -np.log(np.diagonal(odds) / odds.sum(axis=1)).mean()
    columns = -np.log(np.diagonal(odds) / odds.sum(axis=0)).mean()
    return (rows + columns) / 2


@pytest.mark.parametrize("rows", [[], IMAGES[:1]])
def test_a_contrast_needs_two(rows):
    few = double(rows).reshape(len(rows), 2)
    for loss in (lambda: info_nce(few, few, 1.0), lambda: pairwise_sigmoid(few, few, 10.0, -10.0)):
        with pytest.raises(InputError, match=f"at least two pairs, got {len(rows)}"):
            loss()


@pytest.mark.parametrize(("scale", "expected"), [(1.0, 0.8291040011845492), (5.0, 1.0619416855570938)])
def test_info_nce_by_hand(scale, expected):
    loss = info_nce(double(IMAGES), double(TEXTS), scale).item()
    assert loss == pytest.approx(by_hand(COSINES, scale), abs=1e-12)
    assert loss == pytest.approx(expected, abs=1e-12)


def test_the_sigmoid_loss_by_hand():
    logits = 10 * COSINES - 10
    z = 2 * np.eye(3) - 1
    expected = np.log1p(np.exp(-z * logits)).sum() / 3
    assert pairwise_sigmoid(double(IMAGES), double(TEXTS), 10.0, -10.0).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [2, 7])
def test_pairs_that_tell_nothing_apart_cost_log_n(n):
    same = torch.ones(n, 3, dtype=torch.float64)
    assert info_nce(same, same, 100.0).item() == pytest.approx(np.log(n), abs=1e-12)


def test_perfect_pairs_cost_nothing():
    own = torch.eye(4, dtype=torch.float64)
    assert info_nce(own, own, 100.0).item() < 1e-40
    assert pairwise_sigmoid(own, own, 100.0, -50.0).item() < 1e-18


def test_what_it_does_not_depend_on(pairs):
    images, texts = pairs
    loss = info_nce(images, texts, 7.0).item()
    order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
    turn = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))[0]
    lengths = torch.linspace(0.1, 9, 10, dtype=torch.float64)[:, None]
    for one, other in ((texts, images), (images[order], texts[order]), (images @ turn, texts @ turn),
                       (images * lengths, texts / lengths)):  # fmt: skip
        assert info_nce(one, other, 7.0).item() == pytest.approx(loss, abs=1e-12)
    assert info_nce(images, texts[order], 7.0).item() > loss + 0.1, "it does depend on who belongs to whom"


def test_gradients(pairs):
    images, texts = (rows[:4].clone().requires_grad_() for rows in pairs)
    scale, bias = double(3.0, grad=True), double(-1.0, grad=True)
    assert torch.autograd.gradcheck(info_nce, (images, texts, scale))
    assert torch.autograd.gradcheck(pairwise_sigmoid, (images, texts, scale, bias))


def test_the_gradient_of_the_scale_by_hand():
    scale = double(5.0, grad=True)
    info_nce(double(IMAGES), double(TEXTS), scale).backward()
    odds = np.exp(5 * COSINES)
    rows, columns = odds / odds.sum(axis=1, keepdims=True), odds / odds.sum(axis=0, keepdims=True)
    expected = ((rows * COSINES).sum() + (columns * COSINES).sum()) / 6 - np.diagonal(COSINES).mean()
    assert scale.grad.item() == pytest.approx(expected, abs=1e-12)


def test_it_trains(pairs):
    images, texts = pairs
    start = info_nce(images, texts, 10.0).item()
    weights = torch.eye(6, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([weights], lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        loss = info_nce(images @ weights, texts, 10.0)
        loss.backward()
        optimiser.step()
    assert loss.item() < start / 2


@pytest.mark.parametrize(
    ("images", "texts", "says"),
    [
        (torch.ones(3, 2), torch.ones(3, 4), "one shape and type"),
        (torch.ones(3, 2), torch.ones(2, 2), "one shape and type"),
        (torch.ones(3, 2), torch.ones(3, 2, dtype=torch.float64), "one shape and type"),
        (torch.ones(3), torch.ones(3), r"images should be a tensor \(n, d\)"),
        (torch.ones(3, 2), torch.ones(3, 2, dtype=torch.int64), r"texts should be .* got torch.int64"),
        (np.ones((3, 2)), torch.ones(3, 2), "got ndarray"),
    ],
)
def test_what_does_not_fit_is_refused(images, texts, says):
    with pytest.raises(InputError, match=says):
        info_nce(images, texts, 1.0)


def test_without_torch(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    for loss in (lambda: info_nce([], [], 1.0), lambda: pairwise_sigmoid([], [], 1.0, 0.0)):
        with pytest.raises(MissingExtraError, match=r"studium\[torch\]"):
            loss()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_row_of_zeros_is_a_number_in_any_precision(dtype):
    images, texts = torch.eye(3, dtype=dtype), torch.eye(3, dtype=dtype)
    images[0] = 0
    expected = by_hand(np.diag([0.0, 1.0, 1.0]), 2.0)
    assert info_nce(images, texts, 2.0).item() == pytest.approx(expected, rel=1e-2)
    assert np.isfinite(pairwise_sigmoid(images, texts, 10.0, -10.0).item())


def test_info_nce_is_what_the_cross_entropy_of_torch_says(pairs):
    from torch.nn.functional import cosine_similarity, cross_entropy

    images, texts = pairs
    logits = 100 * cosine_similarity(images[:, None], texts[None], dim=2)
    both = cross_entropy(logits, torch.arange(10)) + cross_entropy(logits.T, torch.arange(10))
    assert info_nce(images, texts, 100.0).item() == pytest.approx(both.item() / 2, rel=1e-12)
