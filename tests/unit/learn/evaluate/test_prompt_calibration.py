import numpy as np
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from studium.core.interval import wilson
from studium.errors import InputError
from studium.learn.evaluate.prompt_assessment import assess, quality
from studium.learn.evaluate.prompt_calibration import fit


def drawn(n, slope, bias, seed=0, scale=0.1):
    """Scores, and labels drawn from softmax(slope s + bias)."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.2, scale, (n, len(bias)))
    odds = np.exp(slope * scores + np.array(bias))
    p = odds / odds.sum(axis=1, keepdims=True)
    return scores, np.array([rng.choice(len(bias), p=row) for row in p]), p


@pytest.mark.parametrize(
    ("scores", "labels", "says"),
    [
        (np.zeros((0, 3)), [], "at least 5 labels of at least two values, got 0 of 0"),
        (np.zeros((4, 3)), [0, 1, 0, 1], "got 4 of 2"),
        (np.zeros((9, 3)), [1] * 9, "got 9 of 1"),
        (np.zeros((9, 1)), [0] * 9, "k of at least 2 values"),
        (np.zeros(9), [0] * 9, r"\(n, k\)"),
        (np.full((9, 3), np.nan), [0] * 9, "finite"),
        (np.zeros((5, 3)), [0, 1, 2, 3, 0], "from 0 to 2"),
        (np.zeros((5, 3)), [0, 1, 2, -1, 0], "from 0 to 2"),
        (np.zeros((5, 3)), [0, 1, 2, 0], "5 whole numbers"),
        (np.zeros((5, 3)), [0.0, 1, 2, 0, 1], "whole numbers"),
        (np.zeros((5, 3)), 3, "whole numbers"),
        ([[0.1, 0.2], [0.1]], [0, 1], "scores should be numbers, with as many in each row"),
        ([["a", "b"]] * 6, [0, 1] * 3, "scores should be numbers"),
    ],
)
def test_what_cannot_be_fitted_is_refused(scores, labels, says):
    with pytest.raises(InputError, match=says):
        fit(scores, labels, 100.0)


@pytest.mark.parametrize("scale", [0, -1, np.inf, np.nan])
def test_impossible_scales(scale):
    with pytest.raises(InputError, match="scale should be a number above 0"):
        fit(np.zeros((6, 2)), [0, 1] * 3, scale)


@pytest.mark.parametrize("weights", [[1, 1], [0] * 6, [-1] * 6, [np.nan] * 6])
def test_impossible_weights(weights):
    with pytest.raises(InputError, match="weights should be 6 numbers above 0"):
        fit(np.zeros((6, 2)), [0, 1] * 3, 1.0, weights)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_weights_count_only_against_each_other(size):
    scores, labels, _ = drawn(12, 12.0, [1.0, 0.0])
    found, expected = (fit(scores, labels, 10.0, weights) for weights in ([size] * 12, None))
    assert (found.slope, found.effective) == (pytest.approx(expected.slope), pytest.approx(12))


def test_many_labels_bring_back_what_they_were_drawn_from():
    scores, labels, truth = drawn(20_000, 12.0, [1.0, -0.5, -0.5])
    found = fit(scores, labels, 100.0)
    assert found.slope == pytest.approx(12, rel=0.05)
    assert found.bias == pytest.approx((1.0, -0.5, -0.5), abs=0.06)
    assert sum(found.bias) == pytest.approx(0, abs=1e-12)
    assert np.abs(found.probabilities(scores) - truth).max() < 0.03
    assert (found.labels, found.effective) == (tuple(np.bincount(labels).tolist()), pytest.approx(20_000))


def test_two_values_are_a_logistic_regression_of_the_difference():
    """Without its prior the fit is Platt's; scikit-learn's, on so many labels that the prior is nothing."""
    scores, labels, _ = drawn(5000, 8.0, [0.4, -0.4])
    found = fit(scores, labels, 8.0)
    peer = LogisticRegression(C=1e9).fit(scores[:, [1]] - scores[:, [0]], labels)
    assert found.slope == pytest.approx(peer.coef_[0, 0], rel=5e-3)
    assert found.bias[1] - found.bias[0] == pytest.approx(peer.intercept_[0], abs=5e-3)


def test_the_penalised_likelihood_by_hand():
    scores = np.array([[0.3, 0.1], [0.2, 0.4], [0.5, 0.1], [0.0, 0.2], [0.3, 0.2], [0.1, 0.3]])
    labels, weights = np.array([0, 1, 0, 0, 1, 1]), np.array([1.0, 2.0, 1.0, 1.0, 3.0, 1.0])
    found = fit(scores, labels, 10.0, weights)

    def loss(slope, bias):
        p = np.exp(slope * scores + [bias, -bias])
        own = (p / p.sum(axis=1, keepdims=True))[np.arange(6), labels]
        share = weights * weights.sum() / (weights**2).sum()
        return -share @ np.log(own) + np.log(slope / 10) ** 2 / 8 + bias**2

    best = loss(found.slope, found.bias[0])
    for slope in found.slope * np.array([0.98, 1, 1.02]):
        for bias in found.bias[0] + np.array([-0.02, 0, 0.02]):
            assert loss(slope, bias) >= best - 1e-12
    assert found.effective == pytest.approx(81 / 17)


def test_a_value_without_labels_keeps_its_place():
    scores, labels, _ = drawn(200, 20.0, [2.0, -2.0])
    wide = np.column_stack([scores, np.full(200, 0.1)])
    found = fit(wide, labels, 20.0)
    assert found.bias[2] == 0
    assert found.bias[0] + found.bias[1] == pytest.approx(0, abs=1e-12)
    assert found.labels[2] == 0


def test_five_labels_move_it_little_and_never_break_it():
    scores = np.array([[0.9, 0.1], [0.8, 0.1], [0.1, 0.9], [0.2, 0.8], [0.9, 0.2]])
    found = fit(scores, [0, 0, 1, 1, 0], 5.0)
    assert 5 < found.slope < 5 * np.exp(4), "perfect separation does not run away"
    worst = fit(scores, [1, 1, 0, 0, 1], 100.0)
    assert 0 < worst.slope < 1, "a model that is always wrong is not believed"
    assert np.isfinite(worst.probabilities(scores)).all()


def test_ties_and_extremes():
    same = fit(np.full((10, 3), 0.25), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0], 100.0)
    assert same.probabilities([[0.25, 0.25, 0.25]]).sum() == pytest.approx(1)
    assert same.probabilities(np.zeros((0, 3))).shape == (0, 3)
    assert same.probabilities([[1e6, -1e6, 0.0]]).tolist() == [[1.0, 0.0, 0.0]]
    with pytest.raises(InputError, match=r"\(n, 3\), a column for each value"):
        same.probabilities([[0.1, 0.2]])


def test_weights_undo_a_sample_that_was_drawn_unevenly():
    scores, labels, _ = drawn(6000, 15.0, [1.5, -1.5], seed=3)
    kept = (labels == 1) | (np.random.default_rng(1).random(6000) < 0.1)
    weights = np.where(labels == 1, 1.0, 10.0)[kept]
    found = fit(scores[kept], labels[kept], 15.0, weights)
    naive = fit(scores[kept], labels[kept], 15.0)
    assert found.bias[0] == pytest.approx(1.5, abs=0.2)
    assert naive.bias[0] < 0.7
    assert found.effective < kept.sum()


def test_quality_by_hand():
    p = np.array([[0.75, 0.25], [0.65, 0.35], [0.15, 0.85], [0.95, 0.05]])
    found = quality(p, [0, 1, 1, 0])
    assert found.accuracy == 0.75
    assert found.log_loss == pytest.approx(-np.log([0.75, 0.35, 0.85, 0.95]).mean())
    assert found.brier == pytest.approx(np.mean([2 * 0.25**2, 2 * 0.65**2, 2 * 0.15**2, 2 * 0.05**2]))
    assert found.ece == pytest.approx((0.25 + 0.65 + 0.15 + 0.05) / 4)
    doubled = quality(np.vstack([p, p[1:2]]), [0, 1, 1, 0, 1])
    weighted = quality(p, [0, 1, 1, 0], [1, 2, 1, 1])
    assert weighted.log_loss == pytest.approx(doubled.log_loss)
    assert weighted.ece == pytest.approx(doubled.ece)


@pytest.mark.parametrize("p", [np.zeros((0, 2)), [[0.5, 0.6]], [[-0.5, 1.5]]])
def test_what_are_no_probabilities(p):
    with pytest.raises(InputError):
        quality(p, [0] * len(p))


def test_calibration_pays_out_of_sample():
    scores, labels, _ = drawn(60, 12.0, [1.0, 0.0, -1.0])
    found = assess(scores, labels, 100.0)
    assert found.folds == 10
    assert found.after.log_loss < found.before.log_loss - 0.5
    assert found.after.brier < found.before.brier
    assert found.after.ece < found.before.ece
    assert sum(found.labels) == 60
    assert assess(scores, labels, 100.0) == found, "the folds are drawn with a seed"
    assert assess(scores, labels, 100.0, seed=1) != found


def test_what_was_right_is_not_made_worse():
    changes = []
    for seed in range(5):
        scores, labels, _ = drawn(40, 30.0, [0.0, 0.0, 0.0], seed=seed)
        found = assess(scores, labels, 30.0)
        changes.append(found.after.log_loss - found.before.log_loss)
    assert np.mean(changes) < 3 / 40, "three numbers fitted on 40 labels"


def test_five_labels_are_left_out_one_by_one():
    scores = np.array([[0.9, 0.1], [0.8, 0.1], [0.1, 0.9], [0.2, 0.8], [0.9, 0.2]])
    assert assess(scores, [0, 0, 1, 1, 0], 5.0).folds == 5
    with pytest.raises(InputError, match="at least two labels that differ from the commonest"):
        assess(scores, [0, 0, 0, 1, 0], 5.0)


def test_its_table():
    scores, labels, _ = drawn(60, 12.0, [1.0, 0.0])
    rows = assess(scores, labels, 100.0).rows()
    assert [row["figure"] for row in rows] == ["log_loss", "brier", "ece", "accuracy"]
    assert all(row["before"] >= 0 and row["after"] >= 0 for row in rows)
    for row in rows:
        assert (row["low"] is None) == (row["figure"] == "ece")
        assert (row["change_low"] is None) == (row["figure"] in {"ece", "accuracy"})
        assert row["low"] is None or row["low"] < row["after"] < row["high"]
        assert row["change_low"] is None or row["change_low"] < row["after"] - row["before"] < row["change_high"]


def copied(seed=0, clips=40, frames=3):
    """Frames that are the same in each clip, and say nothing of its value: two draws of noise that copies give away."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(0.2, 0.1, (clips, 3)), rng.integers(0, 3, clips)
    return np.repeat(scores, frames, axis=0), np.repeat(labels, frames), np.repeat(np.arange(clips), frames)


def test_frames_of_one_video_are_one_case():
    scores, labels, clip = copied()
    grouped, single = assess(scores, labels, 10.0, None, clip), assess(scores, labels, 10.0)
    assert (grouped.groups, single.groups, sum(grouped.labels)) == (40, 120, 120)
    assert grouped.after.log_loss > single.after.log_loss + 0.02, "copies in other folds give the answer away"
    alone = assess(scores[::3], labels[::3], 10.0)
    for figure, wide in grouped.intervals.items():
        assert np.diff(wide) > 1.3 * np.diff(single.intervals[figure]), "120 frames are no 120 cases"
        assert np.diff(wide) == pytest.approx(np.diff(alone.intervals[figure]), rel=0.25)
    named = assess(scores, labels, 10.0, None, [f"clip {one}" for one in clip])
    assert named == grouped


def test_groups_that_do_not_fit():
    scores, labels, _ = drawn(12, 12.0, [1.0, 0.0])
    with pytest.raises(InputError, match="groups should be 12 names, one for each label; got 2"):
        assess(scores, labels, 10.0, None, ["a", "b"])
    with pytest.raises(InputError, match="of different groups"):
        assess(scores, labels, 10.0, None, ["one video"] * 12)


def test_intervals_by_hand():
    scores, labels, _ = drawn(40, 12.0, [1.0, 0.0, -1.0], seed=2)
    found = assess(scores, labels, 12.0)
    right = found.after.accuracy
    assert found.intervals["accuracy"] == pytest.approx(wilson(right, 40))
    plain = fit(scores, labels, 12.0)  # nearly what each fold fits: the interval is that of a mean of 40
    loss = -np.log(plain.probabilities(scores)[np.arange(40), labels])
    expected = stats.t.interval(0.95, 39, scale=stats.sem(loss))
    assert np.diff(found.intervals["log_loss"]) == pytest.approx(np.diff(expected), rel=0.15)
    assert np.mean(found.intervals["log_loss"]) == pytest.approx(found.after.log_loss)
    assert np.mean(found.changes["brier"]) == pytest.approx(found.after.brier - found.before.brier)


def test_all_right_is_not_certainly_right():
    scores = np.tile([[0.9, 0.1], [0.1, 0.9]], (5, 1))
    found = assess(scores, [0, 1] * 5, 10.0)
    assert found.after.accuracy == 1
    assert found.intervals["accuracy"] == pytest.approx((0.722, 1), abs=1e-3)


def test_no_interval_leaves_what_is_possible():
    scores = np.tile([[0.9, 0.1], [0.1, 0.9]], (8, 1))
    found = assess(scores, [0, 1] * 7 + [1, 1], 10.0)
    assert found.intervals["log_loss"][0] == 0, "one is very wrong, and all others right"


def test_figures_are_those_of_scikit_learn():
    _, labels, p = drawn(50, 12.0, [1.0, 0.0, -1.0])
    weights = np.random.default_rng(0).uniform(1, 9, 50)
    found = quality(p, labels, weights)
    assert found.log_loss == pytest.approx(metrics.log_loss(labels, p, sample_weight=weights))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(labels, p.argmax(axis=1), sample_weight=weights))
    squares = [metrics.brier_score_loss(labels == k, p[:, k], sample_weight=weights) for k in range(3)]
    assert found.brier == pytest.approx(sum(squares))
