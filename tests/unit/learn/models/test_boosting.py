import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from studium.errors import InputError
from studium.learn.models.boosting import Boosting, FittedBoosting
from studium.learn.models.saved import load
from studium.learn.models.training import Head

AGE = Head("age", "continuous")
PLAIN = {"early_stopping": False, "categorical_features": None, "random_state": 0}


def xor(n=400, seed=0):
    """Each column alone tells nothing."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, (X[:, 0] > 0) ^ (X[:, 1] > 0)


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (np.zeros((0, 3)), [], "a model needs labels, got none"),
        (np.zeros((1, 3)), ["a"], "got 1"),
        ([[np.inf], [1.0]], [0, 1], "1 of 2 rows hold NaN or infinite numbers, the first is 0$"),
        (np.eye(4), ["a", "a", "a", "b"], "labels of at least two groups"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(X, y, says):
    with pytest.raises(InputError, match=says):
        Boosting().fit(X, y)


@pytest.mark.parametrize(
    "settings",
    [{"rounds": 0}, {"most": 0}, {"rate": 0.0}, {"rate": np.nan}, {"leaves": 1}, {"smallest": 0}, {"folds": 1}],
)
def test_impossible_settings(settings):
    with pytest.raises(InputError):
        Boosting(**settings)


def test_it_learns_what_no_line_can():
    (X, y), (other, truth) = xor(), xor(seed=1)
    model = Boosting(most=60).fit(X, y)
    assert (model.predict(other) == truth).mean() > 0.93
    (chosen,) = model.settings["chosen"]
    assert chosen["rounds"] == np.argmin(chosen["losses"]) + 1
    assert len(chosen["losses"]) == 60
    assert len(model.trees["root"]) == chosen["rounds"]


def test_values_are_scikit_learns_bit_by_bit_with_missing_numbers():
    X, y = load_diabetes(return_X_y=True)
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    model = Boosting(AGE, rounds=30).fit(X, y)
    plain = HistGradientBoostingRegressor(max_iter=30, **PLAIN).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    np.testing.assert_array_equal(model.predict(X[:, ::-1]), plain.predict(X[:, ::-1]))


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_are_scikit_learns(classes):
    X, y = load_digits(n_class=classes, return_X_y=True)
    weights = 1.0 + np.arange(len(y)) % 3
    model = Boosting(rounds=5).fit(X, y, weights)
    plain = HistGradientBoostingClassifier(max_iter=5, **PLAIN).fit(X, y, weights / weights.mean())
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-12)


def test_several_labels_are_as_many_models():
    X, y = xor()
    held = np.stack([y, X[:, 0] > 0.5], axis=1)
    both = Boosting(Head("v", "multilabel", ("odd", "far")), rounds=40).fit(X, held)
    for at in (0, 1):
        alone = Boosting(rounds=40).fit(X, held[:, at])
        np.testing.assert_array_equal(both.predict_proba(X)[:, at], alone.predict_proba(X)[:, 1])
    assert (both.predict(X) == held).mean() > 0.95


def test_rounds_are_chosen_on_other_groups():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    X, y = rng.normal(0, 1, (40, 5))[groups], (rng.permutation(40) % 2)[groups]
    aware, fooled = (Boosting(most=40).fit(X, y, groups=one) for one in (groups, None))
    assert aware.settings["chosen"][0]["rounds"] <= 2
    assert fooled.settings["chosen"][0]["rounds"] > 20


def test_rare_classes_count_as_much_where_that_is_asked_for():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 10 == 0
    X = rng.normal(0, 1, (600, 2)) + y[:, None]
    plain, even = (Boosting(rounds=20, balanced=one).fit(X, y) for one in (False, True))
    assert plain.predict_proba(X)[:, 1].mean() == pytest.approx(0.1, abs=0.03)
    assert even.predict(X)[y].mean() > plain.predict(X)[y].mean() + 0.2


def test_too_few_units_to_split_give_the_shares():
    model = Boosting(rounds=3).fit(np.arange(9.0)[:, None], [0, 1, 1] * 3)
    np.testing.assert_allclose(model.predict_proba([[0.0], [np.nan]]), [[1 / 3, 2 / 3]] * 2, atol=1e-12)


@pytest.mark.parametrize("task", ["categorical", "several", "continuous"])
def test_it_loads_and_predicts_bit_by_bit_in_any_batch(task, tmp_path, monkeypatch):
    X, y = xor(120)
    head, labels = {
        "categorical": (Head(), np.where(X[:, 0] > 0.3, "c", np.where(y, "a", "b"))),
        "several": (Head("v", "multilabel", ("p", "q")), np.stack([y, X[:, 0] > 0], axis=1)),
        "continuous": (AGE, X[:, 0] * X[:, 1]),
    }[task]
    model = Boosting(head, rounds=7, smallest=5).fit(X, labels)
    model.save(tmp_path)
    found = load(tmp_path)
    whole = model.outputs(X)
    assert isinstance(found, FittedBoosting)
    assert found.card == model.card
    np.testing.assert_array_equal(found.outputs(X), whole)
    np.testing.assert_array_equal(np.vstack([found.outputs(one[None]) for one in X]), whole)
    monkeypatch.setattr("studium.learn.models.boosting._CELLS", 50)
    np.testing.assert_array_equal(found.outputs(X), whole)
    assert found.outputs(np.zeros((0, 2))).shape == (0, whole.shape[1])


@pytest.mark.parametrize(
    ("name", "value"),
    [("left", 0), ("right", 10**6), ("feature", 2), ("feature", -1), ("output", 1), ("root", 1), ("right", -1)],
)
def test_trees_that_do_not_hang_together_are_refused(name, value, tmp_path):
    model = Boosting(rounds=3).fit(*xor(120))
    arrays = {key: array.copy() for key, array in model.arrays().items()}
    arrays[name][0] = value
    common = {"head": model.head, "inputs": "", "settings": {}, "training": {}}
    with pytest.raises(InputError, match="do not hang together"):
        FittedBoosting.of(common, model.preprocessing(), arrays, tmp_path)


def test_arrays_and_widths_that_are_none(tmp_path):
    model = Boosting(rounds=3).fit(*xor(120))
    common = {"head": model.head, "inputs": "", "settings": {}, "training": {}}
    for name, value in (("value", model.trees["value"] * np.nan), ("left", model.trees["left"] * 1.0)):
        with pytest.raises(InputError, match=f"{name} should be"):
            FittedBoosting.of(common, model.preprocessing(), model.arrays() | {name: value}, tmp_path)
    with pytest.raises(InputError, match="has the arrays"):
        FittedBoosting.of(common, model.preprocessing(), {"value": model.trees["value"]}, tmp_path)
    with pytest.raises(InputError, match="do not hang together"):
        FittedBoosting.of(common, {"width": "2"}, model.arrays(), tmp_path)


def test_the_same_labels_give_the_same_trees():
    first, second = (Boosting(most=10).fit(*xor(120)) for _ in range(2))
    for name, array in first.arrays().items():
        np.testing.assert_array_equal(array, second.arrays()[name])
    assert first.card == second.card
