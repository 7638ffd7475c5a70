"""The next units to code: probabilities are those asked for, weighted means are unbiased, like units are spread."""

import numpy as np
import pytest

from studium.coding.sample import chances, draw, uncertainty
from studium.errors import InputError


def test_uncertainty():
    p = np.array([[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]])
    np.testing.assert_allclose(uncertainty(p), [1, 0, 0.4689956], atol=1e-6)
    np.testing.assert_allclose(uncertainty(p, by="margin"), [1, 0, 0.2], atol=1e-12)
    np.testing.assert_allclose(uncertainty([[1 / 3] * 3]), [1])
    np.testing.assert_allclose(uncertainty([[0.5, 1.0]], several=True), [0.5])
    assert uncertainty(np.empty((0, 2))).shape == (0,)
    for bad in ([[0.5]], [0.5], [[1.2, -0.2]]):
        with pytest.raises(InputError, match=r"expected .* probabilities"):
            uncertainty(np.array(bad))
    with pytest.raises(InputError, match="by should be one of entropy, margin"):
        uncertainty(p, by="variance")


def test_chances_have_the_sum_asked_for():
    found = chances(np.array([1.0, 3.0, 0.0, 0.0]), 2, 0.5)
    np.testing.assert_allclose(found.sum(), 2)
    np.testing.assert_allclose(found, [0.5, 1.0, 0.25, 0.25])
    np.testing.assert_allclose(chances(np.zeros(4), 2), [0.5] * 4)
    np.testing.assert_allclose(chances(np.array([5.0]), 1), [1])
    np.testing.assert_allclose(chances(np.arange(4.0), 4), [1] * 4)
    rng = np.random.default_rng(0)
    many = chances(rng.random(1000) ** 8, 400, 0.1)
    assert many.sum() == pytest.approx(400)
    assert many.max() == 1
    assert many.min() > 0
    for n, floor in ((0, 0.5), (5, 0.5), (2, 0.0)):
        with pytest.raises(InputError, match="without a floor some units have no chance"):
            chances(np.ones(4), n, floor)
    with pytest.raises(InputError, match="finite number"):
        chances(np.array([np.nan]), 1)


def population(rng, n=300):
    """Units whose answer goes with how unsure the model is of them: what a plain mean of the sample would get wrong."""
    unsure = rng.random(n) ** 2
    X = np.column_stack([unsure + rng.normal(0, 0.1, n), rng.normal(0, 1, n)])
    y = (rng.random(n) < 0.1 + 0.8 * unsure).astype(float)
    return unsure, X, y


@pytest.mark.parametrize("way", ["plain", "spread", "groups"])
def test_weighted_means_are_unbiased(way):
    rng = np.random.default_rng(1)
    unsure, X, y = population(rng)
    groups = [f"g{row // 3}" if row < 60 else None for row in range(len(y))] if way == "groups" else None
    chance = chances(unsure, 60)
    drawn_often, means, plain = np.zeros(len(y)), [], []
    told = np.full(len(y), np.nan)
    rounds = 120 if way == "spread" else 400
    for seed in range(rounds):
        found = draw(chance, X if way == "spread" else None, groups, seed)
        drawn_often[found.rows] += 1
        told[found.rows] = found.chance
        means.append((y[found.rows] / found.chance).sum() / len(y))
        plain.append(y[found.rows].mean())
    error = np.std(means) / np.sqrt(rounds)
    assert abs(np.mean(means) - y.mean()) < 4 * error
    assert abs(np.mean(plain) - y.mean()) > 6 * error, "without weights it is off"
    seen = ~np.isnan(told)
    noise = np.sqrt(told[seen] * (1 - told[seen]) / rounds)
    assert (np.abs(drawn_often[seen] / rounds - told[seen]) < 5 * noise + 1e-9).all(), "units come as often as is said"
    assert drawn_often[~seen].sum() == 0
    assert seen.mean() > 0.95


def test_like_units_are_hardly_ever_drawn_together():
    rng = np.random.default_rng(2)
    centres = rng.normal(0, 5, (100, 8))
    X = np.repeat(centres, 4, axis=0) + rng.normal(0, 0.01, (400, 8))
    chance = chances(np.ones(400), 50)
    twice = {True: 0, False: 0}
    for seed in range(40):
        for spread in twice:
            rows = draw(chance, X if spread else None, seed=seed).rows
            assert len(rows) == 50
            twice[spread] += len(rows) - len(set((rows // 4).tolist()))
    assert twice[True] < twice[False] / 4


def test_one_of_each_group_at_most():
    groups = ["a"] * 5 + ["b"] * 5 + [None] * 10
    for seed in range(50):
        found = draw(chances(np.ones(20), 10), None, groups, seed)
        assert sum(row < 5 for row in found.rows) <= 1
        assert sum(5 <= row < 10 for row in found.rows) <= 1
        assert (found.chance <= 1).all()
    assert draw(np.empty(0)).rows.size == 0
    again = draw(chances(np.ones(20), 10), None, groups, 3)
    assert (again.frame, again.seed) == (20, 3)
    np.testing.assert_allclose(again.weights * again.chance, 1)
    np.testing.assert_array_equal(again.rows, draw(chances(np.ones(20), 10), None, groups, 3).rows)
