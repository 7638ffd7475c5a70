import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from studium.errors import InputError
from studium.learn.evaluate.metrics import mae, quadratic_kappa
from studium.learn.models.boosting import Boosting
from studium.learn.models.linear import LinearProbe
from studium.learn.models.ngrams import Ngrams
from studium.learn.models.ordinal import above, exceedances, middle
from studium.learn.models.saved import load
from studium.learn.models.scores import decided
from studium.learn.models.training import Head, Training

RANKS = ("never", "rarely", "sometimes", "often", "always")
OFTEN = Head("how_often", "ordinal", RANKS)
NUMBERED, UNORDERED = (Head("how_often", task, tuple(range(5))) for task in ("ordinal", "categorical"))


def test_none_one_and_many():
    assert exceedances(np.zeros((0, 3))).shape == (0, 4)
    assert exceedances([[0.25]]).tolist() == [[0.75, 0.25]]
    assert exceedances([[0.75, 0.5], [1, 0]]).tolist() == [[0.25, 0.25, 0.5], [0, 1, 0]]
    contradicts = 0.9 * np.array([0.75, 0, 0.25]) + 0.1 * np.array([6, 1, 4]) / 11
    np.testing.assert_allclose(exceedances([[0.25, 0.5]]), [contradicts])
    rng = np.random.default_rng(0)
    p = exceedances(rng.random((500, 6)))
    assert (p > 0).all(), "steps that contradict each other rule nothing out"
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-15)
    falling = -np.sort(-rng.random((500, 6)), axis=1)
    np.testing.assert_allclose(above(exceedances(falling)), falling, atol=1e-15)


@pytest.mark.parametrize("p", [[0.5], [[]], [[1.5]], [[np.nan]], [[-0.1]]])
def test_what_is_no_exceedance(p):
    with pytest.raises(InputError, match="probabilities of exceeding"):
        exceedances(p)


def test_hard_labels_are_above_exactly():
    assert above(np.eye(3)).tolist() == [[0, 0], [1, 0], [1, 1]]
    problems = [*Training.of(OFTEN, [*RANKS] * 2, 10, None, None).problems(balanced=False)]
    assert [one.truth.tolist() for one in problems] == [[int(at > step) for at in range(5)] * 2 for step in range(4)]
    assert problems[0].name == "how_often above never"


def test_the_middle_errs_by_the_fewest_steps():
    p = np.random.default_rng(0).dirichlet(np.ones(5) / 2, 400)
    steps = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    np.testing.assert_allclose((p * steps[middle(p)]).sum(axis=1), (p @ steps).min(axis=1))
    assert decided(np.array([[0.3, 0.0, 0.3, 0.0, 0.4]]), OFTEN).tolist() == ["sometimes"]
    assert decided(np.array([[0.5, 0.0, 0.0, 0.0, 0.5]]), OFTEN).tolist() == ["never"]


def ordered(n=300, seed=0, d=20):
    """A little of each of many columns, much noise, and five ranks, of which the outer ones are rare."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (n, d))
    rank = np.digitize(X @ np.full(d, 0.45) + rng.logistic(0, 1, n), [-3, -1, 1, 3])
    return X, rank


def test_order_pays():
    """Mean of 5 training sets, on 2,000 other units: as each decides, and where both decide by the middle."""
    others, truth = ordered(2000, 99)
    gains = []
    for seed in range(5):
        X, rank = ordered(150, seed)
        ordinal, plain = (LinearProbe(head, C=0.1).fit(X, rank).outputs(others) for head in (NUMBERED, UNORDERED))
        said = decided(ordinal, NUMBERED)
        for other in (decided(plain, UNORDERED), middle(plain)):
            kappa = quadratic_kappa(truth, said) - quadratic_kappa(truth, other)
            gains.append((kappa, mae(truth, other) - mae(truth, said)))
    as_they_are, by_the_middle = np.mean(np.reshape(gains, (5, 2, 2)), axis=0)
    assert (as_they_are > (0.03, 0.08)).all()
    assert (by_the_middle > 0.01).all()


def test_each_step_is_a_regression_of_its_own():
    X, rank = ordered(400)
    y = np.array(RANKS)[rank]
    model = LinearProbe(OFTEN, C=0.5).fit(X, y)
    even = (X - X.mean(axis=0)) / X.std(axis=0)
    steps = [
        LogisticRegression(C=0.5, max_iter=1000).fit(even, rank > step).predict_proba(even)[:, 1] for step in range(4)
    ]
    np.testing.assert_allclose(model.predict_proba(X), exceedances(np.stack(steps, axis=1)), atol=1e-3)
    assert model.coef.shape == (4, 20)


@pytest.mark.parametrize("kind", ["linear", "boosting", "ngrams"])
def test_it_is_saved_and_sums_to_1(kind, tmp_path):
    X, rank = ordered(150, d=5)
    y = np.array(RANKS)[rank]
    if kind == "ngrams":
        X = [f"{'good ' * int(one)}day {at % 7}" for at, one in enumerate(rank)]
        model = Ngrams(OFTEN).fit(X, y)
        assert (model.predict(X) == y).mean() > 0.6
    else:
        model = {"linear": LinearProbe(OFTEN, C=1.0), "boosting": Boosting(OFTEN, rounds=3)}[kind].fit(X, y)
    model.save(tmp_path)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert (p >= 0).all()
    np.testing.assert_array_equal(load(tmp_path).predict_proba(X), p)
    assert load(tmp_path).predict(X).tolist() == model.predict(X).tolist()
    assert model.training["per_class"] == np.bincount(rank).tolist()


def test_two_ranks_are_two_classes():
    X, rank = ordered(200)
    y = np.where(rank > 2, "high", "low")
    as_ranks = LinearProbe(Head("v", "ordinal", ("low", "high")), C=1.0).fit(X, y)
    as_classes = LinearProbe(Head("v", "categorical", ("low", "high")), C=1.0).fit(X, y)
    np.testing.assert_allclose(as_ranks.predict_proba(X), as_classes.predict_proba(X), atol=1e-12)


def test_ranks_have_an_order_that_somebody_gave():
    for classes in ((), ("one",)):
        with pytest.raises(InputError, match="from low to high"):
            Head("v", "ordinal", classes)
    with pytest.raises(InputError, match="none of"):
        LinearProbe(OFTEN).fit(np.eye(4), ["never", "rarely", "often", "always"])
