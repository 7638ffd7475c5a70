import json
from dataclasses import asdict

import numpy as np
import pytest

from studium.errors import InputError
from studium.learn.aggregate import OF_CLASSES, RULES, Aggregation, Choice, aggregate, choose
from studium.learn.models.head import Head

YES = Head("shown", classes=("no", "yes"))
SCENE = Head("scene", classes=("town", "wood", "sea"))
TAGS = Head("tags", "multilabel", ("cat", "dog"))
FRAMES = np.array([0.9, 0.2, 0.7, 0.1, 0.6])


def sides(p):
    return np.stack([1 - np.asarray(p), p], axis=1)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("count>0.5", 3),
        ("any>0.5", 1),
        ("any>0.95", 0),
        ("share>0.5", 0.6),
        ("mean", 0.5),
        ("max", 0.9),
        ("noisy_or", 0.99136),
        ("top3_mean", 0.7333),
        ("mean_logit", 0.4933),
    ],
)
def test_golden_values(rule, expected):
    assert aggregate(FRAMES[:, None], np.zeros(5, int), 1, rule)[0, 0] == pytest.approx(expected, abs=5e-5)


def test_no_whole_and_one_part():
    for rule in (*RULES, "mode"):
        assert aggregate(np.zeros((0, 2)), np.zeros(0, int), 0, rule).shape == (0, 2)
    for rule in ("mean", "max", "top3_mean", "noisy_or", "mean_logit"):
        np.testing.assert_allclose(aggregate([[0.25, 0.75]], [0], 1, rule), [[0.25, 0.75]])


@pytest.mark.parametrize(
    ("p", "of", "n", "says"),
    [
        ([[0.5]], [0], 2, "1 of 2 wholes have no part, the first is 1"),
        ([[0.5]], [1], 1, "numbered from 0 to 0; got 1"),
        ([[0.5]], [-1], 1, "numbered from 0"),
        ([[0.5]], [0.0], 1, "number of its whole"),
        ([[0.5]], [0, 0], 1, "number of its whole"),
        ([0.5], [0], 1, r"\(m, k\)"),
        ([[np.nan]], [0], 1, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(p, of, n, says):
    with pytest.raises(InputError, match=says):
        aggregate(p, of, n, "mean")


@pytest.mark.parametrize("rule", ["median", "top0_mean", "count", "share>2", "any>", "mean by p", "count>-1"])
def test_rules_that_there_are_not(rule):
    with pytest.raises(InputError, match="a rule is mean"):
        aggregate([[0.5]], [0], 1, rule)


def test_numbers_that_are_no_probabilities():
    for rule in ("noisy_or", "mean_logit"):
        with pytest.raises(InputError, match="probabilities"):
            aggregate([[1.5]], [0], 1, rule)
    assert aggregate([[1.0], [0.0]], [0, 0], 1, "mean_logit")[0, 0] == pytest.approx(0.5)


def test_the_most_frequent_class_and_ties_by_summed_probability():
    p = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 0.9, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    of = np.array([0, 0, 0, 1, 1])
    assert aggregate(p, of, 2, "mode").tolist() == [[1, 0, 0], [0, 0, 1]]
    assert Aggregation("mode").predict(p, of, 2, SCENE).tolist() == ["town", "sea"]
    assert Aggregation("mean").predict(p, of, 2, SCENE).tolist() == ["wood", "sea"]


@pytest.mark.parametrize("rule", [*RULES, "any>0.5", "top2_mean"])
def test_outputs_are_those_of_a_model(rule):
    p, of = sides(FRAMES), np.array([0, 0, 1, 1, 1])
    found = Aggregation(rule).outputs(p, of, 2, YES)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert ((found >= 0) & (found <= 1)).all()
    three = Aggregation(rule).outputs(np.hstack([p / 2, np.full((5, 1), 0.5)]), of, 2, SCENE)
    np.testing.assert_allclose(three.sum(axis=1), 1)
    several = Aggregation(rule).outputs(p, of, 2, TAGS)
    assert ((several >= 0) & (several <= 1)).all()


def test_a_count_is_what_reaches_its_threshold():
    p, of = sides(FRAMES), np.zeros(5, int)
    for least, said in ((3.0, "yes"), (4.0, "no"), (None, "no")):
        how = Aggregation("count>0.5", (least,))
        assert how.predict(p, of, 1, YES).tolist() == [said]
        assert how.outputs(p, of, 1, YES).tolist() == [[float(said == "no"), float(said == "yes")]]
    assert Aggregation("count>0.5").predict(p, of, 1, YES).tolist() == ["yes"]
    with pytest.raises(InputError, match="2 thresholds are needed"):
        Aggregation("count>0.5", (1.0,)).predict(p, of, 1, TAGS)
    assert Aggregation("max", (0.95, 0.9)).predict(p, of, 1, TAGS).tolist() == [[False, True]]


def test_numbers_are_averaged():
    head = Head("length", "continuous")
    assert choose([[1.0], [3.0]], [0, 0], [2.5], head) == Aggregation("mean")
    assert Aggregation("max").predict([[1.0], [3.0]], [0, 0], 1, head).tolist() == [3.0]


def test_thresholds_and_modes_that_make_no_sense():
    for made in (lambda: Aggregation("mode", (0.5,)), lambda: Aggregation("mean", (np.nan,))):
        with pytest.raises(InputError):
            made()
    with pytest.raises(InputError, match="mode is of classes that exclude each other"):
        Aggregation("mode").outputs([[0.5, 0.5]], [0], 1, TAGS)


def videos(frames, n=400, seed=0, rate=0.02, shown=0.5):
    """Half of the videos show nothing, but 2 frames in 100 are false alarms; of the others half of the frames do."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    of = np.repeat(np.arange(n), frames)
    alarm = rng.random(n * frames) < np.where(y[of] == 1, shown, rate)
    return sides(np.where(alarm, rng.uniform(0.51, 1, len(of)), rng.uniform(0, 0.5, len(of)))), of, y


@pytest.mark.parametrize(("frames", "false"), [(10, 0.18), (30, 0.45), (60, 0.70)])
def test_any_frame_is_a_trap_that_a_count_tuned_on_wholes_gets_out_of(frames, false):
    p, of, y = videos(frames, 1000)
    labels = np.array(YES.classes)[y]
    said = Aggregation("any>0.5").predict(p, of, len(y), YES)
    assert (said[y == 0] == "yes").mean() == pytest.approx(false, abs=0.05)
    chosen = choose(p, of, labels, YES, choice=Choice(("count>0.5",)))
    others, where, truth = videos(frames, 1000, seed=1)
    tuned = chosen.predict(others, where, len(truth), YES)
    wrong = (tuned[truth == 0] == "yes").mean()
    assert chosen.threshold[0] > 1
    assert wrong < {10: 0.04, 30: 0.03, 60: 0.01}[frames]
    assert (tuned[truth == 1] == "yes").mean() > {10: 0.95, 30: 0.98, 60: 0.99}[frames]


def test_the_rule_that_fits_is_chosen():
    """What is shown in one frame only is not found by a mean; what is faint in all of them is not by the highest."""
    rng = np.random.default_rng(0)
    y, of = np.arange(300) % 2, np.repeat(np.arange(300), 12)
    noise = np.clip(rng.normal(0.3, 0.15, (300, 12)), 0, 1)
    once, faint = noise.copy(), noise + 0.1 * y[:, None]
    once[:, 3] = np.where(y == 1, 0.99, once[:, 3])
    labels = np.array(YES.classes)[y]
    assert choose(sides(once.ravel()), of, labels, YES).rule == "max"
    assert choose(sides(np.clip(faint, 0, 1).ravel()), of, labels, YES).rule in {"mean", "mean_logit"}


def test_costs_and_weights_move_the_threshold():
    p, of, y = videos(10)
    labels = np.array(YES.classes)[y]
    dear, cheap = (choose(p, of, labels, YES, choice=Choice(("count>0.5",), one)) for one in ((20, 1), (1, 20)))
    assert dear.threshold[0] > cheap.threshold[0]
    heavy = choose(p, of, labels, YES, np.where(y == 0, 20.0, 1.0), Choice(("count>0.5",), (1, 1)))
    assert heavy == dear
    hidden = sides(np.full(len(of), 0.4))
    assert choose(hidden, of, labels, YES, choice=Choice(("mean",), (9, 1))).threshold == (None,)


def test_several_labels_have_thresholds_of_their_own():
    p, of, y = videos(30)
    both = np.stack([p[:, 1], p[:, 1] / 2], axis=1)
    held = np.stack([y, y], axis=1)
    found = choose(both, of, held, TAGS, choice=Choice(("share>0.4", "max")))
    assert len(found.threshold) == 2
    assert found.threshold[0] > found.threshold[1]
    assert (found.predict(both, of, len(y), TAGS) == held).mean() > 0.95
    assert json.loads(json.dumps(asdict(found))) == {"rule": found.rule, "threshold": [*found.threshold]}


def test_classes_that_exclude_each_other_have_no_thresholds():
    rng = np.random.default_rng(0)
    y, of = np.arange(90) % 3, np.repeat(np.arange(90), 9)
    p = rng.dirichlet(np.ones(3), 810) * 0.6 + 0.4 * np.eye(3)[y[of]]
    labels = np.array(SCENE.classes)[y]
    found = choose(p, of, labels, SCENE)
    assert found.rule in OF_CLASSES
    assert found.threshold == ()
    assert (found.predict(p, of, 90, SCENE) == labels).mean() > 0.95
    with pytest.raises(InputError, match="costs are of yes and no"):
        choose(p, of, labels, SCENE, choice=Choice(costs=(1, 2)))


def test_nothing_to_choose_by():
    with pytest.raises(InputError, match="no validation whole is positive"):
        choose([[0.5, 0.5]], [0], ["no"], YES)
    with pytest.raises(InputError, match="unknown labels"):
        choose([[0.5, 0.5]], [0], ["maybe"], YES)
