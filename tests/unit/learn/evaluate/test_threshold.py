import numpy as np
import pytest

from studium.core.interval import wilson
from studium.errors import InputError
from studium.learn.evaluate.checks import effective
from studium.learn.evaluate.intervals import share
from studium.learn.evaluate.metrics import per_class
from studium.learn.evaluate.threshold import (
    _cases,
    _sorted,
    least_cost,
    max_f1,
    of_costs,
    precision_at_least,
    recall_at_least,
    shifted,
)


def drawn(n=500, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.random(n).round(2)
    return (rng.random(n) < scores).astype(int), scores, rng.uniform(0.5, 4, n)


def tried(true, scores, weights):
    """Brute force: every threshold, and what it does."""
    for at in sorted(set(scores.tolist()), reverse=True):
        guess = (scores >= at).astype(int)
        yield at, guess, per_class(true, guess, weights, k=2)[1]


@pytest.mark.parametrize(
    "choose",
    [
        max_f1,
        lambda *of: precision_at_least(0.8, *of),
        lambda *of: recall_at_least(0.8, *of),
        lambda *of: least_cost((1, 1), *of),
    ],
)
def test_of_nothing_and_of_no_positives_there_is_none(choose):
    for true, scores in (([], []), ([0, 0], [0.1, 0.9])):
        found = choose(true, scores)
        assert (found.value, found.positive, found.precision) == (None, 0, None)
        assert found.reason
    assert choose([1, 1], [0.1, 0.9], [0, 0]).value is None


def midway(lowest, scores):
    """Between the lowest score that counts and the next one."""
    return (lowest + max(scores[scores < lowest])) / 2


def test_one_unit():
    found = max_f1([1], [0.3])
    assert (found.value, found.positive, found.precision.value, found.recall.value) == (0.3, 1, 1, 1)
    assert "too few to be sure" in recall_at_least(0.8, [1], [0.3]).reason
    assert "code more units" in precision_at_least(0.8, [1], [0.3]).reason


@pytest.mark.parametrize("weighted", [False, True])
def test_max_f1_against_brute_force(weighted):
    true, scores, weights = drawn()
    heavy = weights if weighted else None
    found = max_f1(true, scores, heavy)
    best = max(tried(true, scores, heavy), key=lambda one: one[2].f1)
    assert (found.value, found.positive) == (midway(best[0], scores), best[1].sum())
    assert found.precision.value == pytest.approx(best[2].precision)
    assert found.recall.value == pytest.approx(best[2].recall)


def test_of_several_the_highest():
    assert max_f1([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]).value == pytest.approx(0.4), "midway to the next"
    assert max_f1([1, 0, 0, 1], [0.9, 0.8, 0.7, 0.6]).value == pytest.approx(0.85), "as good as .6"
    assert max_f1([0, 1, 1], [0.5, 0.5, 0.5]).value == 0.5, "constant scores have one threshold"


@pytest.mark.parametrize("weighted", [False, True])
def test_precision_and_recall_against_brute_force(weighted):
    true, scores, weights = drawn()
    heavy = weights if weighted else None
    group = np.arange(500) // 2
    sure = {"precision": [], "recall": []}
    for at, guess, _ in tried(true, scores, heavy):
        for name, rows, hits in (("precision", guess == 1, true), ("recall", true == 1, guess)):
            own = share(hits[rows], None if heavy is None else heavy[rows], group[rows])
            if own.low >= 0.7:
                sure[name].append(at)
    precise, complete = (
        precision_at_least(0.7, true, scores, heavy, group),
        recall_at_least(0.7, true, scores, heavy, group),
    )
    assert precise.value == min(sure["precision"])
    assert complete.value == midway(max(sure["recall"]), scores)
    assert precise.precision.low >= 0.7
    assert complete.recall.low >= 0.7
    assert precise.positive == (scores >= precise.value).sum()


def test_the_target_holds_on_new_data():
    """A threshold chosen by the precision itself misses its target every other time; by the lower bound hardly ever."""
    missed = {"bound": 0, "value": 0}
    for seed in range(40):
        true, scores, _ = drawn(500, seed)
        naive = min(at for at, _, own in tried(true, scores, None) if own.precision >= 0.75)
        chosen = {"bound": precision_at_least(0.75, true, scores).value, "value": naive}
        for name, at in chosen.items():
            missed[name] += (1 + at) / 2 < 0.75  # the precision of scores that are probabilities
    assert missed["bound"] <= 4
    assert missed["value"] >= 12


def test_groups_make_it_harder():
    true, scores, _ = drawn(1000)
    alone, grouped = (precision_at_least(0.8, true, scores, None, of) for of in (None, np.arange(1000) % 100))
    assert grouped.value > alone.value
    assert "40 positive cases" in recall_at_least(0.95, [1] * 80, np.arange(80.0), None, np.arange(80) // 2).reason


def test_how_many_cases_lie_above_each_threshold():
    _, scores, weights = drawn(60)
    group = np.random.default_rng(1).integers(0, 9, 60)
    given = _sorted(np.ones(60, int), scores, weights, group)
    expected = [effective(weights[scores >= at], group[scores >= at]) for at in given.scores[given.ends]]
    assert _cases(given).tolist() == expected


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_weights_count_only_against_each_other(size):
    true, scores, weights = drawn(200)
    for choose in (max_f1, lambda *of: precision_at_least(0.7, *of), lambda *of: least_cost((1, 2), *of)):
        assert choose(true, scores, weights * size).value == choose(true, scores, weights).value


def test_costs():
    assert of_costs(1, 4) == 0.2
    assert of_costs(1, 1) == 0.5
    true, scores, _ = drawn(20_000)
    assert least_cost((1, 4), true, scores).value == pytest.approx(0.2, abs=0.06), "these scores are probabilities"
    few, low, _ = drawn(300)
    cost = {at: (guess > few).sum() + 4 * (guess < few).sum() for at, guess, _ in tried(few, low, None)}
    assert least_cost((1, 4), few, low).value == midway(min(cost, key=cost.get), low)
    assert "every unit negative" in least_cost((100, 1), [0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6]).reason
    for wrong in ((0, 1), (1, -1), (1, np.nan), (np.inf, 1)):
        with pytest.raises(InputError, match="costs should be numbers above 0"):
            of_costs(*wrong)


@pytest.mark.parametrize("target", [0, 1, -0.1, np.nan])
def test_impossible_targets(target):
    for choose in (precision_at_least, recall_at_least):
        with pytest.raises(InputError, match="target should be above 0 and below 1"):
            choose(target, [0, 1], [0.1, 0.9])


@pytest.mark.parametrize(("true", "scores"), [([0, 2], [0.1, 0.2]), ([0, 1], [0.1, np.nan]), ([0, 1], [0.1])])
def test_what_does_not_fit(true, scores):
    with pytest.raises(InputError):
        max_f1(true, scores)


def test_golden_prior_shift():
    assert shifted([0.8], 0.5, 0.05)[0] == pytest.approx(0.173913, abs=5e-7)
    assert shifted([[0.2, 0.8]], [0.5, 0.5], [0.95, 0.05])[0].tolist() == pytest.approx([0.826087, 0.173913], abs=5e-7)
    assert shifted([], 0.5, 0.1).shape == (0,)
    assert shifted([0, 0.3, 1], 0.4, 0.4).tolist() == pytest.approx([0, 0.3, 1])
    assert shifted([0.3, 1], 0.5, 1).tolist() == [1, 1]


def test_prior_shift_by_simulation():
    rng = np.random.default_rng(0)
    true = (rng.random(100_000) < 0.05).astype(int)
    x = rng.normal(true, 1)
    at_half = 1 / (1 + np.exp(0.5 - x))  # calibrated where half of the units are positive
    p = shifted(at_half, 0.5, 0.05)
    assert at_half.mean() > 0.3
    assert p.mean() == pytest.approx(true.mean(), abs=0.002)


@pytest.mark.parametrize(
    ("p", "prior", "becomes", "says"),
    [
        ([0.5], 0, 0.1, "prior and becomes"),
        ([0.5], 0.5, 1.1, "prior and becomes"),
        ([0.5], 0.5, np.nan, "prior and becomes"),
        ([0.5], [0.5, 0.5], [0.9, 0.1], "each be a number"),
        ([[0.5, 0.5]], [0.5, 0.5], [0.9, 0.2], "2 numbers with the sum 1"),
        ([1.5], 0.5, 0.1, "from 0 to 1"),
        ([np.nan], 0.5, 0.1, "from 0 to 1"),
        ([[0.5, 0.6]], [0.5, 0.5], [0.5, 0.5], "rows with the sum 1"),
        ([1.0], 0.5, 0, "does not occur in the other population"),
    ],
)
def test_impossible_shifts(p, prior, becomes, says):
    with pytest.raises(InputError, match=says):
        shifted(p, prior, becomes)


def test_the_bound_is_wilsons():
    true = [1] * 40 + [0] * 60
    found = recall_at_least(0.9, true, np.linspace(1, 0, 100))
    assert wilson(found.recall.value, 40)[0] == found.recall.low >= 0.9
