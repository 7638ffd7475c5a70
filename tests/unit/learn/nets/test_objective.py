import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from studium.learn.models.head import Head
from studium.learn.models.training import Training
from studium.learn.nets.objective import (
    Scale,
    agreement,
    even,
    finished,
    loss,
    losses,
    outputs_of,
    probabilities,
    target,
    weigh,
)

KINDS = Head("kind", classes=("a", "b", "c"))
RANKS = Head("rank", "ordinal", ("low", "middle", "high"))
TAGS = Head("tags", "multilabel", ("x", "y"))
VALUE = Head("value", "continuous")
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3))


def checked(head, y, weights=None):
    return Training.of(head, y, len(y), weights, None)


def lost(logits, given, balanced=False):
    wanted, weights = target(given), weigh(given, even(given, balanced))
    return float(loss(*(torch.from_numpy(np.asarray(one)) for one in (logits, wanted, weights)), given.head))


def test_how_many_outputs():
    assert [outputs_of(head) for head in (KINDS, RANKS, TAGS, VALUE)] == [3, 2, 2, 1]


def test_shares_of_ordered_classes_that_are_said_exactly_are_heard_exactly():
    shares = RNG.dirichlet(np.ones(3), 50)
    steps = target(checked(RANKS, shares))
    np.testing.assert_allclose(probabilities(np.log(steps / (1 - steps)), RANKS), shares, atol=1e-12)


@pytest.mark.parametrize("weights", [None, [1, 2, 3, 4, 5, 6]])
def test_classes_are_learned_by_cross_entropy(weights):
    y = list("aabbcc")
    expected = log_loss(y, probabilities(LOGITS, KINDS), sample_weight=weights)
    assert lost(LOGITS, checked(KINDS, y, weights)) == pytest.approx(expected, rel=1e-6)


def test_shares_of_coders_count_as_copies_with_their_shares_as_weights():
    shares = np.array([[0.5, 0.5, 0], [0, 0.25, 0.75], [1, 0, 0]])
    rows, classes = np.nonzero(shares)
    expected = log_loss(classes, probabilities(LOGITS[rows], KINDS), sample_weight=shares[rows, classes])
    assert lost(LOGITS[:3], checked(KINDS, shares)) == pytest.approx(expected, rel=1e-6)


def test_balanced_classes_weigh_the_same_together():
    y, weights = list("aaaabc"), [1, 2, 3, 4, 5, 6]
    given = checked(KINDS, y, weights)
    mass = (target(given) * weigh(given, even(given, True))).sum(axis=0)
    np.testing.assert_allclose(mass, [2, 2, 2])  # six units among three classes
    copies = log_loss(y, probabilities(LOGITS, KINDS), sample_weight=np.array(weights) / [10, 10, 10, 10, 5, 6])
    assert lost(LOGITS, given, balanced=True) == pytest.approx(copies, rel=1e-6)
    np.testing.assert_array_equal(even(given, False), [1, 1, 1])


def test_labels_are_learned_one_by_one():
    y, weights = [[1, 0], [1, 1], [0, 1], [1, 0]], [1, 1, 2, 4]
    p = probabilities(LOGITS[:4, :2], TAGS)
    expected = np.mean([log_loss(np.array(y)[:, at], p[:, at], sample_weight=weights) for at in range(2)])
    assert lost(LOGITS[:4, :2], checked(TAGS, y, weights)) == pytest.approx(expected, rel=1e-6)
    given = checked(TAGS, y, weights)
    wanted, heavy = target(given), weigh(given, even(given, True))
    for side, said in enumerate((1 - wanted, wanted)):
        np.testing.assert_allclose((said * heavy[:, side]).sum(axis=0), [2, 2])  # four units, no and yes


def test_ranks_are_learned_as_steps():
    given = checked(RANKS, ["low", "middle", "high", "high"])
    np.testing.assert_array_equal(target(given), [[0, 0], [1, 0], [1, 1], [1, 1]])
    p = 1 / (1 + np.exp(-LOGITS[:4, :2]))
    expected = np.mean([log_loss(target(given)[:, at], p[:, at]) for at in range(2)])
    assert lost(LOGITS[:4, :2], given) == pytest.approx(expected, rel=1e-6)
    soft = target(checked(RANKS, [[0.25, 0.5, 0.25], [0, 0, 1]]))
    np.testing.assert_allclose(soft, [[0.75, 0.25], [1, 1]])


def test_probabilities_of_ranks():
    odds = np.log([[3.0, 1 / 3], [1 / 3, 3.0]])  # 3/4 and 1/4; then a higher step that is likelier than the lower
    contradicts = [0.723, 0.004, 0.273]  # .9 of the lowered steps' differences, .1 of the products
    np.testing.assert_allclose(probabilities(odds, RANKS), [[0.25, 0.5, 0.25], contradicts])


def test_values_are_standardised_by_weighted_mean_and_spread():
    given = checked(VALUE, [0.0, 10.0], [1, 3])
    scale = Scale.of(given)
    assert (scale.centre, scale.spread) == pytest.approx((7.5, np.sqrt(0.25 * 7.5**2 + 0.75 * 2.5**2)))
    np.testing.assert_allclose(finished(target(given), VALUE, scale), [[0.0], [10.0]])
    assert lost(np.zeros((2, 1)), given) == pytest.approx(1.0)  # who says the mean errs by the spread
    other = checked(VALUE, [20.0, 5.0])
    np.testing.assert_allclose(finished(target(other, scale), VALUE, scale), [[20.0], [5.0]])


def test_the_parts_of_a_batch_add_up():
    given = checked(KINDS, list("aaabbc"), [1, 2, 3, 4, 5, 6])
    every = [torch.from_numpy(one) for one in (LOGITS, target(given), weigh(given, even(given, True)))]
    whole, halves = (
        losses(*every, KINDS),
        [losses(*(one[rows] for one in every), KINDS) for rows in (range(2), [2, 3, 4, 5])],
    )
    for at in range(2):
        np.testing.assert_allclose(whole[at], np.concatenate([half[at] for half in halves]))


def test_gradients_flow():
    given = checked(RANKS, ["low", "middle", "high"])
    logits = torch.zeros(3, 2, requires_grad=True)
    wanted, weights = (torch.from_numpy(one) for one in (target(given), weigh(given, even(given, True))))
    loss(logits, wanted, weights, RANKS).backward()
    assert (logits.grad[0] > 0).all()
    assert (logits.grad[2] < 0).all()


@pytest.mark.parametrize(
    ("head", "y", "outputs", "expected"),
    [
        (KINDS, list("abc"), np.eye(3)[[0, 1, 1]], {"accuracy": 0.5}),
        (RANKS, ["low", "middle", "high"], np.eye(3)[[0, 1, 1]], {"accuracy": 0.5}),
        (TAGS, [[1, 0], [0, 1], [1, 1]], np.array([[0.9, 0.1], [0.5, 0.6], [0.2, 0.2]]), {"accuracy": 0.375}),
        (VALUE, [1.0, 2.0, 4.0], np.array([[1.0], [1.0], [0.0]]), {"mae": 2.25}),
    ],
)
def test_agreement_is_weighted(head, y, outputs, expected):
    assert agreement(outputs, checked(head, y, [1, 1, 2])) == pytest.approx(expected)
