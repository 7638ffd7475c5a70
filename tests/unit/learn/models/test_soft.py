"""Soft labels: learning from shares of coders; and from targets to what models take."""

import numpy as np
import pytest

from studium.core.variable import Value, Variable
from studium.errors import InputError
from studium.learn.evaluate.probabilities import log_loss
from studium.learn.labels.read import Label
from studium.learn.labels.targets import Targets
from studium.learn.models.linear import LinearProbe
from studium.learn.models.ngrams import Ngrams
from studium.learn.models.training import Head, Training, answers, coded

TONE = Head("tone", classes=("bad", "neutral", "good"))
SEEN = Head("seen", classes=("no", "yes"))


def coders(n=200, seed=0, many=3, d=10, wrong=None):
    """Numbers, the truth, and the shares of coders.

    Units are ambiguous: coders say yes as often as such units are true; or they err at random in some cases.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (n, d))
    p = 1 / (1 + np.exp(-X @ np.full(d, 0.6)))
    true = (rng.random(n) < p).astype(int)
    says = p if wrong is None else np.where(true == 1, 1 - wrong, wrong)
    said = (rng.random((n, many)) < says[:, None]).mean(axis=1)
    return X, true, np.stack([1 - said, said], axis=1)


@pytest.mark.parametrize(
    ("head", "y", "says"),
    [
        (SEEN, np.zeros((0, 2)), "got none"),
        (SEEN, [[0.5, 0.5, 0.0]] * 2, r"\(2, k\) shares of the k classes"),
        (Head("seen"), [[0.5, 0.5]] * 2, "classes that its head names"),
        (SEEN, [[0.5, 0.4], [0.5, 0.5]], "each row sum to 1"),
        (SEEN, [[1.5, -0.5], [0.5, 0.5]], "each row sum to 1"),
        (SEEN, [[np.nan, 0.5], [0.5, 0.5]], "each row sum to 1"),
        (TONE, [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]], r"no coder gave \['good'\]"),
    ],
)
def test_shares_that_do_not_fit(head, y, says):
    with pytest.raises(InputError, match=says):
        Training.of(head, y, len(y), None, None)


def test_hard_labels_are_shares_of_1():
    hard = Training.of(SEEN, ["yes", "no", "yes"], 3, None, None)
    soft = Training.of(SEEN, [[0, 1], [1, 0], [0, 1]], 3, None, None)
    np.testing.assert_array_equal(hard.soft, soft.soft)
    np.testing.assert_array_equal(hard.truth, soft.truth)
    assert hard.facts("") == soft.facts("")
    tied = Training.of(TONE, [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], 2, None, None)
    assert tied.truth.tolist() == [0, 2]
    assert tied.facts("")["shared"] == 1
    assert Training.of(Head("n", "continuous"), [1.0, 2.0], 2, None, None).soft.shape == (2, 0)


def test_a_unit_is_as_many_copies_as_coders_gave_classes():
    given = Training.of(TONE, [[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]], 2, [2, 2], None)
    (problem,) = given.problems(balanced=False)
    rows, labels, weights = problem.copies(np.array([1, 0]))
    assert (rows.tolist(), labels.tolist(), weights.tolist()) == ([1, 0, 0], [2, 0, 1], [1, 0.25, 0.75])
    (even,) = given.problems(balanced=True)
    np.testing.assert_allclose(even.mass.sum(axis=0), 2 / 3)
    assert problem.loss(np.array([[0.5, 0.25, 0.25]]), np.array([0])) == pytest.approx(
        -0.25 * np.log(0.5) - 0.75 * np.log(0.25)
    )


def test_shares_are_as_many_copies_of_a_unit():
    X, _, soft = coders(60)
    row, label = np.nonzero(soft)
    times = np.round(soft[row, label] * 3).astype(int)
    shared = LinearProbe(SEEN, C=0.2).fit(X, soft)
    many = np.repeat(X[row], times, axis=0), np.repeat(np.array(SEEN.classes)[label], times)
    copied = LinearProbe(SEEN, C=0.2 / 3).fit(*many)  # 180 of weight 1, where there were 60
    np.testing.assert_allclose(shared.predict_proba(X), copied.predict_proba(X), atol=1e-3)


def gain(**how):
    """How much lower the log-loss of the truth of 2,000 other units is by shares than by majority: mean of 3 sets."""
    others, truth, _ = coders(2000, 999, **how)
    gains = []
    for seed in range(3):
        X, _, soft = coders(200, seed, **how)
        labels = (np.array(SEEN.classes)[soft.argmax(axis=1)], soft)
        hard, shared = (log_loss(truth, LinearProbe(SEEN).fit(X, y).predict_proba(others)) for y in labels)
        gains.append(hard - shared)
    return np.mean(gains)


def test_shares_pay_where_coders_differ_for_a_reason_and_not_where_they_err_by_chance():
    assert gain() > 0.01
    assert gain(wrong=0.3) < 0


def test_texts_and_ranks_learn_from_shares():
    rng = np.random.default_rng(0)
    good = rng.random(200)
    texts = [" ".join(np.where(rng.random(12) < one, "fine", "awful")) for one in good]
    soft = np.stack([1 - good, good], axis=1)
    p = Ngrams(SEEN).fit(texts, soft).predict_proba(texts)
    assert np.corrcoef(p[:, 1], good)[0, 1] > 0.8
    shares = np.stack([(1 - good) ** 2, 2 * good * (1 - good), good**2], axis=1)
    ranked = LinearProbe(Head("tone", "ordinal", TONE.classes), C=1.0).fit(good[:, None], shares)
    np.testing.assert_allclose(ranked.predict_proba(good[:, None]), shares, atol=0.12)


def test_folds_of_shares_have_every_class_and_part_no_group():
    rng = np.random.default_rng(0)
    soft = rng.dirichlet(np.ones(3) / 3, 90)
    (problem,) = Training.of(TONE, soft, 90, None, np.arange(90) // 3).problems(balanced=False)
    folds = problem.folds(3, 0)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(90))
    for train, test in folds:
        assert not set(problem.groups[train]) & set(problem.groups[test])
        counts = np.bincount(problem.truth[test], minlength=3) / np.bincount(problem.truth, minlength=3)
        np.testing.assert_allclose(counts, 1 / 3, atol=0.1)
    assert [test.tolist() for _, test in problem.folds(3, 1)] != [test.tolist() for _, test in folds]


def variable(kind, *names):
    return Variable("tone", "How does it sound?", "post", kind, tuple(Value(name) for name in names))


def said(*labels):
    return [Label(unit, "tone", value, coder) for unit, coder, value in labels]


def test_a_target_becomes_head_and_answers():
    told = said(("a", "x", "yes"), ("a", "y", "no"), ("a", "z", "yes"), ("b", "x", "no"), ("c", "x", "yes"))
    target = Targets(variable("binary", "yes", "no"))(told)
    assert Head.of(target) == Head("tone", "categorical", ("no", "yes"))
    assert answers(target).tolist() == ["yes", "no", "yes"]
    np.testing.assert_allclose(answers(target, soft=True), [[1 / 3, 2 / 3], [1, 0], [0, 1]])
    given = Training.of(Head.of(target), answers(target), 3, target.weights, None)
    assert given.truth.tolist() == target.y.tolist()


def test_targets_of_ranks_numbers_and_several_labels():
    ranks = Targets(variable("ordinal", "low", "mid", "high"))(said(("a", "x", "mid"), ("b", "x", "low")))
    assert Head.of(ranks) == Head("tone", "ordinal", ("low", "mid", "high"))
    assert answers(ranks).tolist() == ["mid", "low"]
    numbers = Targets(variable("continuous"))(said(("a", "x", 2.0), ("b", "x", 3.0)))
    assert Head.of(numbers) == Head("tone", "continuous")
    assert answers(numbers).tolist() == [2.0, 3.0]
    several = Targets(variable("multilabel", "p", "q"))(said(("a", "x", ["p"]), ("b", "x", ["p", "q"])))
    assert answers(several).tolist() == [[1, 0], [1, 1]]
    for target in (numbers, several):
        with pytest.raises(InputError, match="leave soft out"):
            answers(target, soft=True)


def test_labels_to_judge_by_may_lack_classes():
    assert coded(TONE, [], 0).shape == (0,)
    assert coded(TONE, ["good", "bad"], 2).tolist() == [2, 0]
    assert coded(TONE, [[0.2, 0.5, 0.3]], 1).tolist() == [1]
    assert coded(Head("v", "multilabel", ("p", "q")), [[1, 0]], 1).tolist() == [[True, False]]
    assert coded(Head("v", "continuous"), [1.5], 1).tolist() == [1.5]
    for y, says in ((["ugly"], "unknown labels 'ugly'"), ([None], "unknown labels None"), (["bad"] * 2, "1 labels")):
        with pytest.raises(InputError, match=says):
            coded(TONE, y, 1)
