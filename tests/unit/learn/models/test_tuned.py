import json
import logging

import numpy as np
import pytest

from studium.core.parts import replace_file
from studium.errors import InputError
from studium.learn.evaluate.calibrators import Isotonic, Platt, Temperature
from studium.learn.evaluate.threshold import max_f1, shifted
from studium.learn.models.decision import decision
from studium.learn.models.linear import FittedLinear, LinearProbe
from studium.learn.models.saved import load
from studium.learn.models.training import Head
from studium.learn.models.tuned import Tuned, Tuning, tune

SEEN = Head("seen", classes=("no", "yes"))
TAGS = Head("tags", "multilabel", ("cat", "dog"))
SCENE = Head("scene", classes=("town", "wood", "sea"))
RANKS = Head("rank", "ordinal", ("low", "mid", "high"))


def model(head, slope=2.5):
    """Its log-odds are the columns of X, times 2.5: too sure of itself."""
    k = {"categorical": len(head.classes), "ordinal": len(head.classes) - 1}.get(head.task, len(head.classes) or 1)
    m = 1 if k == 2 and head.task == "categorical" else k
    return FittedLinear(head, "x", {"C": 1}, {"units": 1}, np.zeros(m), np.ones(m), slope * np.eye(m), np.zeros(m))


def units(n=2000, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(shift, 1.5, n)
    return logit[:, None], np.array(SEEN.classes)[(rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)]


def tuned(X, y, head=SEEN, weights=None, groups=None, **how):
    given = model(head)
    return tune(given, given.outputs(X), y, weights, groups, Tuning(**how))


@pytest.mark.parametrize(
    "how",
    [
        {"calibrate": "magic"},
        {"threshold": "best"},
        {"target": 0.0},
        {"target": 1.0},
        {"target": np.nan},
        {"costs": (0, 1)},
        {"costs": (1, np.inf)},
        {"fewest": 1},
    ],
)
def test_impossible_settings(how):
    with pytest.raises(InputError):
        Tuning(**how)


@pytest.mark.parametrize(
    ("found", "y", "says"),
    [
        (np.zeros((0, 2)), [], "no validation units"),
        ([[0.5, 0.5]], ["maybe"], "unknown labels"),
        ([[0.5, 0.5]], ["yes", "no"], "1 labels"),
        ([[0.5]], ["yes"], r"\(n, 2\)"),
        ([0.5], ["yes"], r"\(n, 2\)"),
        ([[np.nan, 0.5]], ["yes"], "finite"),
    ],
)
def test_what_does_not_fit(found, y, says):
    with pytest.raises(InputError, match=says):
        tune(model(SEEN), found, y)


def test_probabilities_come_true_and_the_threshold_is_that_of_the_highest_f1():
    X, y = units()
    found = tuned(X, y)
    assert found.decision.calibrators[0].temperature == pytest.approx(2.5, abs=0.15)
    best = max_f1(y == "yes", found.predict_proba(X)[:, 1])
    assert found.decision.thresholds.tolist() == [best.value]
    np.testing.assert_array_equal(found.predict(X) == "yes", found.predict_proba(X)[:, 1] >= best.value)
    told = found.settings["tuning"]
    assert (told["units"], told["groups"], told["per_class"]) == (2000, 2000, [(y == "no").sum(), (y == "yes").sum()])
    assert (found.settings["C"], found.settings["of"], found.takes) == (1, "linear", "table")


@pytest.mark.parametrize(
    ("method", "kind"), [("temperature", Temperature), ("platt", Platt), ("isotonic", Isotonic), ("none", type(None))]
)
def test_each_calibration(method, kind):
    X, y = units()
    found = tuned(X, y, calibrate=method, threshold="half")
    assert isinstance(found.decision.calibrators[0], kind)
    others, truth = units(seed=1)
    p = found.predict_proba(others)[:, 1]
    sure = p > 0.9
    assert ((truth[sure] == "yes").mean() > p[sure].mean() - 0.03) == (method != "none")


def test_thresholds_keep_what_they_promise_on_other_units():
    X, y = units(4000)
    others, truth = units(4000, seed=1)
    sure = tuned(X, y, threshold="precision", target=0.9)
    said = sure.predict(others) == "yes"
    assert (truth[said] == "yes").mean() > 0.88
    assert sure.settings["tuning"]["thresholds"][0]["precision"][1] >= 0.9
    whole = tuned(X, y, threshold="recall", target=0.95)
    assert (whole.predict(others) == "yes")[truth == "yes"].mean() > 0.94
    assert whole.decision.thresholds[0] < 0.5 < sure.decision.thresholds[0]
    assert tuned(X, y, threshold="half").decision.thresholds.tolist() == [0.5]
    assert tuned(X, y, threshold="cost", costs=(1, 4)).decision.thresholds.tolist() == [pytest.approx(0.2)]
    assert (
        tuned(X, y, threshold="cost", costs=(1, 4), calibrate="none").decision.thresholds[0] < 0.2
    )  # it is too sure of itself


@pytest.mark.parametrize(("by", "said"), [("precision", "no"), ("recall", "yes")])
def test_where_no_threshold_does_what_was_asked_the_safe_side_is_taken_and_told(by, said, caplog):
    X, y = units(30)
    with caplog.at_level(logging.WARNING):
        found = tuned(X, y, threshold=by, target=0.99)
    assert set(found.predict(X)) == {said}
    (told,) = found.settings["tuning"]["thresholds"]
    assert told["value"] is None
    assert told["said_of"] == {"no": "no unit", "yes": "every unit"}[said]
    assert "yes: " in told["reason"]
    assert told["reason"] in caplog.text


def test_too_few_units_for_steps_are_told_and_fewer_can_be_asked_for(caplog):
    X, y = units(200)
    with caplog.at_level(logging.WARNING):
        found = tuned(X, y, calibrate="isotonic")
    assert found.decision.calibrators == (None,)
    assert "isotonic steps need 1000 cases, these units are worth 200" in caplog.text
    assert isinstance(tuned(X, y, calibrate="isotonic", fewest=100).decision.calibrators[0], Isotonic)


def test_groups_make_it_less_sure():
    X, y = units(600)
    alone, together = (
        tuned(np.repeat(X, 5, axis=0), np.repeat(y, 5), threshold="precision", target=0.8, groups=one)
        for one in (None, np.repeat(np.arange(600), 5))
    )
    assert together.decision.thresholds[0] > alone.decision.thresholds[0]


def test_several_labels_are_tuned_one_by_one(caplog):
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1.5, (1000, 2))
    held = rng.random((1000, 2)) < 1 / (1 + np.exp(-X * [1, 0.4]))
    found = tuned(X, held, TAGS)
    first, second = (one.temperature for one in found.decision.calibrators)
    assert (first, second) == (pytest.approx(2.5, abs=0.3), pytest.approx(6.2, abs=1.0))
    np.testing.assert_array_equal(found.predict(X), found.predict_proba(X) >= found.decision.thresholds)
    held[:, 1] = False
    with caplog.at_level(logging.WARNING):
        rare = tuned(X, held, TAGS)
    assert rare.decision.calibrators[1] is None
    assert not rare.predict(X)[:, 1].any()
    assert "dog: F1 is not defined" in caplog.text


@pytest.mark.parametrize("head", [SCENE, RANKS])
def test_of_several_classes_none_has_a_threshold(head):
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1.5, (500, 3 if head is SCENE else 2))
    X = X if head is SCENE else -np.sort(-X, axis=1)
    p = model(head, 1.0).outputs(X)
    y = np.array(head.classes)[(p.cumsum(axis=1) > rng.random((500, 1))).argmax(axis=1)]
    found = tuned(X, y, head, threshold="precision")
    assert found.decision.thresholds.shape == (0,)
    assert found.settings["tuning"]["thresholds"] == []
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1)


def test_numbers_stay_as_they_are(tmp_path):
    head = Head("age", "continuous")
    found = tuned(np.array([[1.0], [2.0]]), [3.0, 4.0], head)
    assert found.predict(np.array([[2.0]])).tolist() == [5.0]
    assert found.settings["tuning"]["calibrate"] == "none"
    found.save(tmp_path)
    assert load(tmp_path).predict(np.array([[2.0]])).tolist() == [5.0]


def test_shares_of_coders_count_as_the_largest():
    X, y = units(300)
    shares = np.where((y == "yes")[:, None], [[0.25, 0.75]], [[1.0, 0.0]])
    assert tuned(X, shares).decision.thresholds.tolist() == tuned(X, y).decision.thresholds.tolist()


def test_another_population():
    X, y = units()
    found = tuned(X, y, threshold="half")
    rare = found.for_prior({"no": 0.95, "yes": 0.05})
    p = found.predict_proba(X)[:, 1]
    np.testing.assert_allclose(rare.predict_proba(X)[:, 1], shifted(p, found.decision.prior[1], 0.05))
    assert rare.decision.thresholds.tolist() == [0.5]
    assert rare.for_prior(dict(zip(SEEN.classes, found.decision.prior.tolist(), strict=True))).predict_proba(X)[
        :, 1
    ] == (pytest.approx(p))
    recall = tuned(X, y, threshold="recall")
    np.testing.assert_array_equal(recall.for_prior({"no": 0.9, "yes": 0.1}).predict(X), recall.predict(X))
    with pytest.raises(InputError, match=r"tune the model again on its validation units, with Tuning\(prevalence"):
        tuned(X, y).for_prior({"no": 0.9, "yes": 0.1})
    for wrong in ({"no": 0.9}, {"no": 0.9, "yes": 0.3}, {"maybe": 0.5, "no": 0.5}, {"no": 1.5, "yes": -0.5}):
        with pytest.raises(InputError, match="prevalence"):
            found.for_prior(wrong)


def test_a_prevalence_that_is_known_when_it_is_tuned_moves_precision():
    """Half of the validation units are positive, and 1 of 10 in the population: its precision is what counts."""
    X, y = units(6000)
    found = tuned(X, y, threshold="precision", target=0.6, prevalence={"no": 0.9, "yes": 0.1})
    others, truth = units(40_000, seed=1)
    rng = np.random.default_rng(0)
    kept = rng.random(len(truth)) < np.where(truth == "yes", 1 / 9, 1)
    said = found.predict(others[kept]) == "yes"
    assert (truth[kept][said] == "yes").mean() == pytest.approx(0.62, abs=0.05)
    plain = tuned(X, y, threshold="precision", target=0.6)
    assert (truth[kept][plain.predict(others[kept]) == "yes"] == "yes").mean() < 0.4
    assert found.predict_proba(others[kept])[:, 1].mean() == pytest.approx(0.1, abs=0.02)


def test_several_labels_in_another_population():
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1.5, (800, 2))
    held = rng.random((800, 2)) < 1 / (1 + np.exp(-X))
    found = tuned(X, held, TAGS, threshold="half")
    rare = found.for_prior({"dog": 0.01})
    p, q = found.predict_proba(X), rare.predict_proba(X)
    np.testing.assert_array_equal(p[:, 0], q[:, 0])
    np.testing.assert_allclose(q[:, 1], shifted(p[:, 1], found.decision.prior[1], 0.01))


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic", "none"])
@pytest.mark.parametrize("head", [SEEN, TAGS, SCENE])
def test_it_is_saved_with_its_model(head, method, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1.5, (300, {SEEN: 1, TAGS: 2, SCENE: 3}[head]))
    y = (
        0.3 * rng.normal(size=X.shape) < X
        if head is TAGS
        else np.array(head.classes)[rng.integers(len(head.classes), size=300)]
    )
    found = tuned(X, y, head, calibrate=method, fewest=50, threshold="precision", target=0.99)
    found.save(tmp_path / "m")
    back = load(tmp_path / "m")
    assert isinstance(back, Tuned)
    assert back.card == json.loads(json.dumps(found.card)) | {"settings": found.settings}
    np.testing.assert_array_equal(back.predict_proba(X), found.predict_proba(X))
    np.testing.assert_array_equal(back.predict(X), found.predict(X))
    np.testing.assert_array_equal(
        np.vstack([back.predict_proba(one[None]) for one in X[:20]]), back.predict_proba(X[:20])
    )
    assert sorted(one.name for one in (tmp_path / "m").iterdir()) == ["arrays.npz", "model", "model.json"]


def test_another_model_below_is_refused(tmp_path):
    X, y = units(100)
    tuned(X, y).save(tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    about["classes"] = ["yes", "no"]
    replace_file(tmp_path / "model.json", json.dumps(about))
    with pytest.raises(InputError, match="does not fit the model"):
        load(tmp_path)


def test_a_real_model_from_end_to_end():
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1, (400, 5))
    y = np.where(X[:, 0] + rng.normal(0, 1, 400) > 1, "yes", "no")
    fitted = LinearProbe(SEEN, C=1.0, balanced=True).fit(X[:200], y[:200])
    found = tune(fitted, fitted.outputs(X[200:]), y[200:])
    assert found.predict(X).shape == (400,)
    assert found.training == fitted.training


def test_what_was_tuned_decides_on_outputs_alone(tmp_path):
    """Of the parts of units, or of several models together, nobody has a model to ask."""
    X, y = units(100)
    found = tuned(X, y, threshold="precision", target=0.6)
    outputs = found.model.outputs(X)
    alone = decision(found.head, outputs, y, tuning=Tuning(threshold="precision", target=0.6))
    found.save(tmp_path)
    for one in (found.decision, alone, load(tmp_path).decision):
        np.testing.assert_array_equal(one.outputs(outputs), found.outputs(X))
        np.testing.assert_array_equal(one.predict(outputs), found.predict(X))
        assert one.settings == found.settings["tuning"]
