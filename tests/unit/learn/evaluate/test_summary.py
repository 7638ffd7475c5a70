import numpy as np
import pytest

from studium.errors import InputError
from studium.learn.evaluate import metrics, probabilities
from studium.learn.evaluate.drawn import drawn
from studium.learn.evaluate.intervals import Bootstrap
from studium.learn.evaluate.judges import FIGURES, Judged, codes, judges
from studium.learn.evaluate.paired import difference
from studium.learn.evaluate.summary import BOLD, MAIN, SAID, by_group, figures
from studium.learn.models.head import Head

HEADS = {
    "binary": Head("irony", "categorical", ("no", "yes")),
    "categorical": Head("scene", "categorical", ("animal", "plant", "thing", "other")),
    "ordinal": Head("harm", "ordinal", ("none", "some", "much")),
    "multilabel": Head("topics", "multilabel", ("a", "b", "c")),
    "continuous": Head("warmth", "continuous"),
}
LABELS = {"accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "matthews", "quadratic_kappa", "mae", "spearman"}


def judged(head, n=150, seed=0, **more):
    """Truth, and what a fair model says, with ties among its scores."""
    rng = np.random.default_rng(seed)
    if head.task == "continuous":
        y = rng.normal(size=n)
        values = (y + rng.normal(size=n)).round(1)
        return Judged(head, y, values[:, None], values, **more)
    k = len(head.classes)
    if head.task == "multilabel":
        y = rng.integers(0, 2, (n, k))
        outputs = np.clip(0.3 * y + 0.7 * rng.random((n, k)), 0, 1).round(2)
        return Judged(head, y, outputs, outputs >= 0.5, **more)
    y = rng.integers(0, k, n)
    outputs = rng.dirichlet(np.ones(k), n).round(1) + 0.1
    outputs[np.arange(n), y] += 0.3
    outputs /= outputs.sum(axis=1, keepdims=True)
    names = np.array(head.classes)
    return Judged(head, names[y], outputs, names[outputs.argmax(axis=1)], **more)


def reference(given, name, weights):
    """The figure as the library's own functions give it, one weighting at a time."""
    if given.head.task == "continuous":
        return getattr(metrics, name)(given.y, given.predicted, weights)
    function = getattr(metrics, name, None) or getattr(probabilities, name, None)
    if given.head.task == "multilabel":
        return several(given, name, weights, function)
    y, guess = codes(given.head, given.y), codes(given.head, given.predicted)
    outputs = given.outputs[:, 1] if given.outputs.shape[1] == 2 else given.outputs
    return function(y, guess if name in LABELS else outputs, weights)


def several(given, name, weights, function):
    """Of a multilabel target: the mean over labels, mostly."""
    y, guess = given.y, np.asarray(given.predicted).astype(int)
    each = range(y.shape[1])
    if name == "micro_f1":
        return 2 * (weights @ (y * guess)).sum() / (weights @ (y + guess)).sum()
    if name == "exact":
        return weights @ (y == guess).all(axis=1) / weights.sum()
    if name == "macro_f1":
        return np.mean([metrics.per_class(y[:, at], guess[:, at], weights, 2)[1].f1 for at in each])
    return np.mean([function(y[:, at], given.outputs[:, at], weights) for at in each])


@pytest.mark.parametrize("task", HEADS)
def test_of_many_weightings_every_figure_is_that_of_the_library(task):
    given = judged(HEADS[task])
    weightings = np.random.default_rng(1).integers(0, 4, (5, len(given))).astype(np.float64)
    found = judges(given)
    assert tuple(found) == FIGURES[HEADS[task].task]
    assert MAIN[HEADS[task].task] in found
    for name, judge in found.items():
        wanted = [reference(given, name, weights) for weights in weightings]
        np.testing.assert_allclose(judge(weightings), wanted, rtol=0, atol=1e-12, err_msg=name)


def test_what_is_not_defined_is_so_and_no_number():
    head = HEADS["binary"]
    ones = Judged(head, np.array(["yes"] * 4), np.array([[0.2, 0.8]] * 4), np.array(["yes"] * 4))
    found = {name: judge(np.array([[1.0, 1, 1, 1], [0, 0, 0, 0]])) for name, judge in judges(ones).items()}
    assert found["accuracy"][0] == 1.0
    assert np.isnan([found[name][0] for name in ("matthews", "roc_auc", "average_precision")]).all()
    assert np.isnan([column[1] for column in found.values()]).all(), "of units that weigh nothing"
    same = Judged(HEADS["continuous"], np.ones(3), np.ones((3, 1)), np.ones(3))
    assert np.isnan(judges(same)["r2"](np.ones((1, 3)))[0])
    with pytest.raises(InputError, match="has the classes"):
        codes(head, ["maybe"])
    assert codes(head, np.array([[0.7, 0.3], [0.5, 0.5]])).tolist() == [0, 0], "soft labels; of equal ones the first"


@pytest.mark.parametrize("task", HEADS)
def test_all_figures_come_with_the_interval_of_the_groups(task):
    given = judged(HEADS[task], groups=[number // 3 for number in range(150)])
    found = {one.name: one for one in figures(given, bootstrap=Bootstrap(100))}
    for name in FIGURES[HEADS[task].task]:
        one = found[SAID[name]]
        assert (one.n, one.groups) == (150, 50)
        assert (one.low is None) == (name in BOLD)
    if task == "binary":
        truth, guess = codes(given.head, given.y), codes(given.head, given.predicted)
        wanted = Bootstrap(100).interval(metrics.macro_f1, truth, guess, None, given.groups)
        assert found["macro-F1"].low == pytest.approx(wanted.low, abs=1e-12)
        assert found["macro-F1"].high == pytest.approx(wanted.high, abs=1e-12)
    for name in HEADS[task].classes:
        assert {f"F1 of {name}", f"precision of {name}", f"recall of {name}"} <= set(found)


def test_too_few_groups_have_figures_without_an_interval_and_say_why():
    found = figures(judged(HEADS["binary"], n=12), bootstrap=Bootstrap(100))
    assert found[0].value is not None
    assert found[0].low is None
    assert "12 groups are too few" in found[0].note


def test_two_models_on_the_same_draws_differ_as_in_the_paired_bootstrap():
    head, groups = HEADS["binary"], np.arange(150) // 2
    one, two = judged(head, seed=0), judged(head, seed=0)
    worse = np.where(np.arange(150) % 5 == 0, "no", two.predicted)
    two = Judged(head, two.y, two.outputs, worse)
    both = drawn([judges(given)["macro_f1"] for given in (one, two)], np.ones(150), groups, Bootstrap(300, seed=4))
    truth, first, second = (codes(head, of) for of in (one.y, one.predicted, two.predicted))
    wanted = difference(metrics.macro_f1, truth, (first, second), None, groups, Bootstrap(300, seed=4))
    found = both.change(0, 1)
    np.testing.assert_allclose(
        [found.value, found.low, found.high], [wanted.change.value, wanted.change.low, wanted.change.high], atol=1e-12
    )
    assert both.p(0, 1) == wanted.p
    assert both.relative(0, 1).value == pytest.approx(wanted.second / wanted.first - 1)
    assert both.change(0, 0).reason.startswith("every draw gives the same")
    assert both.p(0, 0) is None


def test_errors_by_group_need_enough_cases():
    head = HEADS["binary"]
    y = np.array(["no"] * 60 + ["yes"] * 60)
    predicted = y.copy()
    predicted[:10] = "yes"
    party = ["left"] * 30 + ["right"] * 30 + ["left"] * 55 + ["right"] * 5
    outputs = np.where((predicted == "yes")[:, None], [0.1, 0.9], [0.9, 0.1])
    found = {(one.of, one.name): one for one in by_group(Judged(head, y, outputs, predicted), {"party": party})}
    assert len(found) == 4
    left = found["party: left", "false-positive rate"]
    assert (left.value, left.n) == (pytest.approx(1 / 3), 30)
    assert left.low < 1 / 3 < left.high
    assert found["party: right", "false-negative rate"].value is None
    assert "too few" in found["party: right", "false-negative rate"].note
    numbers = judged(HEADS["continuous"], n=60)
    errors = by_group(numbers, {"party": ["left"] * 50 + ["right"] * 10})
    assert [one.value is None for one in errors] == [False, True]
    classes = by_group(judged(HEADS["categorical"]), {"party": ["left"] * 150})
    assert {one.name for one in classes} >= {"false-positive rate of plant", "false-negative rate of other"}
