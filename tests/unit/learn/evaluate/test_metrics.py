import sys

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate import metrics, probabilities

OF_LABELS = ("accuracy", "macro_f1", "weighted_f1", "balanced_accuracy", "matthews", "quadratic_kappa")
OF_SCORES = ("roc_auc", "average_precision")
OF_VALUES = ("mae", "rmse", "r2", "spearman")
OF_PROBABILITIES = ("brier", "log_loss", "ece", "mce")
Y, S = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
THREE, GUESS = [0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 0, 1, 1, 0, 2, 2, 1, 0]
TEN = [0, 0, 0, 1, 0, 1, 1, 1, 1, 1]
P = [0.05, 0.12, 0.25, 0.31, 0.44, 0.58, 0.66, 0.79, 0.83, 0.97]


def found(name):
    return getattr(metrics if hasattr(metrics, name) else probabilities, name)


def drawn(n=300, k=4, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    guess = np.where(rng.random(n) < 0.5, true, rng.integers(0, k, n))
    return true, guess, rng.uniform(0.5, 9, n)


def unrolled(table):
    """Labels of a table of counts: rows are true."""
    pairs = [(a, b) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]
    return np.array(pairs).T


@pytest.mark.parametrize("name", OF_LABELS + OF_SCORES + OF_VALUES + OF_PROBABILITIES)
def test_of_nothing_no_figure_is_defined(name):
    assert found(name)([], []) is None
    one = ([1], [1]) if name in OF_LABELS else ([1], [0.5])
    assert found(name)(*one, [0.0]) is None, "a unit with the weight 0 does not count"


def test_tables_of_nothing():
    assert metrics.per_class([], []) == ()
    assert metrics.per_class([], [], k=1) == (metrics.ClassFigures(0, 0, 0, None, None, None),)
    assert metrics.confusion([], [], k=2).tolist() == [[0, 0], [0, 0]]
    assert probabilities.reliability([], []) == probabilities.Reliability((), None, None)


def test_one_unit():
    assert metrics.accuracy([1], [1]) == metrics.macro_f1([1], [1]) == metrics.balanced_accuracy([1], [1]) == 1
    assert metrics.matthews([1], [1]) is metrics.quadratic_kappa([1], [1]) is metrics.roc_auc([1], [0.3]) is None
    assert (metrics.mae([2.0], [3.5]), metrics.r2([2.0], [3.5]), metrics.spearman([2.0], [3.5])) == (1.5, None, None)


def test_golden_labels():
    assert metrics.macro_f1(THREE, GUESS) == pytest.approx(0.546032, abs=5e-7)
    assert metrics.weighted_f1(THREE, GUESS) == pytest.approx(0.575661, abs=5e-7)
    assert metrics.balanced_accuracy(THREE, GUESS) == pytest.approx(0.555556, abs=5e-7)
    assert metrics.matthews(THREE, GUESS) == pytest.approx(0.365385, abs=5e-7)


def test_golden_scores_and_probabilities():
    assert metrics.roc_auc(Y, S) == 0.75
    assert metrics.average_precision(Y, S) == pytest.approx(0.833333, abs=5e-7)
    assert probabilities.brier(Y, S) == pytest.approx(0.158125)
    assert probabilities.log_loss(Y, S) == pytest.approx(0.472288, abs=5e-7)
    five = probabilities.reliability(TEN, P, bins=5)
    assert (five.ece, five.mce) == (pytest.approx(0.1380), pytest.approx(0.275))
    assert probabilities.ece(TEN, P) == pytest.approx(0.2720)
    assert probabilities.brier(TEN, P) == pytest.approx(0.1115)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.450161), ([[53, 5, 2], [11, 14, 5], [1, 6, 3]], 0.566667)],
)
def test_golden_quadratic_kappa(table, kappa):
    assert metrics.quadratic_kappa(*unrolled(table)) == pytest.approx(kappa, abs=5e-7)


def test_labels_are_scored_as_by_scikit_learn():
    true, guess, weights = drawn()
    for heavy in (None, weights):
        given = {"sample_weight": heavy}
        assert metrics.accuracy(true, guess, heavy) == pytest.approx(peer.accuracy_score(true, guess, **given))
        for name, average in (("macro_f1", "macro"), ("weighted_f1", "weighted")):
            expected = peer.f1_score(true, guess, average=average, **given)
            assert found(name)(true, guess, heavy) == pytest.approx(expected)
        expected = peer.balanced_accuracy_score(true, guess, **given)
        assert metrics.balanced_accuracy(true, guess, heavy) == pytest.approx(expected)
        assert metrics.matthews(true, guess, heavy) == pytest.approx(peer.matthews_corrcoef(true, guess, **given))
        expected = peer.cohen_kappa_score(true, guess, weights="quadratic", **given)
        assert metrics.quadratic_kappa(true, guess, heavy) == pytest.approx(expected)
        table = np.array([[row.precision, row.recall, row.f1] for row in metrics.per_class(true, guess, heavy)])
        expected = peer.precision_recall_fscore_support(true, guess, **given)
        np.testing.assert_allclose(table.T, expected[:3])


def test_scores_are_ranked_as_by_scikit_learn():
    true, _, weights = drawn(k=3)
    p = np.random.default_rng(1).dirichlet(np.ones(3), len(true)).round(1) + 0.1 * np.eye(3)[true]
    for heavy in (None, weights):
        given = {"sample_weight": heavy}
        expected = [peer.roc_auc_score(true == k, p[:, k], **given) for k in range(3)]
        assert metrics.roc_auc(true == 2, p[:, 2], heavy) == pytest.approx(expected[2])
        assert metrics.roc_auc(true, p, heavy) == pytest.approx(np.mean(expected))
        expected = peer.average_precision_score(true == 1, p[:, 1], **given)
        assert metrics.average_precision(true == 1, p[:, 1], heavy) == pytest.approx(expected)


def test_values_are_scored_as_by_scikit_learn_and_scipy():
    rng = np.random.default_rng(0)
    y = rng.normal(size=80).round(1)  # with ties
    guess, weights = (y + rng.normal(size=80)).round(1), rng.integers(1, 5, 80)
    for heavy in (None, weights):
        given = {"sample_weight": heavy}
        assert metrics.mae(y, guess, heavy) == pytest.approx(peer.mean_absolute_error(y, guess, **given))
        assert metrics.rmse(y, guess, heavy) == pytest.approx(peer.root_mean_squared_error(y, guess, **given))
        assert metrics.r2(y, guess, heavy) == pytest.approx(peer.r2_score(y, guess, **given))
    assert metrics.spearman(y, guess) == pytest.approx(stats.spearmanr(y, guess).statistic)
    often = stats.spearmanr(np.repeat(y, weights), np.repeat(guess, weights)).statistic
    assert metrics.spearman(y, guess, weights) == pytest.approx(often)


@pytest.mark.parametrize("name", OF_LABELS + OF_SCORES + OF_VALUES + OF_PROBABILITIES)
def test_a_weight_of_three_is_three_units_and_scale_is_nothing(name):
    rng = np.random.default_rng(3)
    true, weights = rng.integers(0, 2, 40), rng.integers(0, 4, 40)
    other = rng.integers(0, 2, 40) if name in OF_LABELS else rng.random(40).round(2)
    plain = found(name)(np.repeat(true, weights), np.repeat(other, weights))
    assert found(name)(true, other, weights) == pytest.approx(plain)
    for size in (1e-200, 1e200):
        assert found(name)(true, other, weights * size) == pytest.approx(plain)


def test_weights_undo_an_uneven_sample():
    """METHODS 2: on an equal allocation the unweighted figures are far off."""
    rng = np.random.default_rng(0)
    true = (rng.random(40_000) < 0.1).astype(int)
    guess = np.where(rng.random(40_000) < 0.85, true, 1 - true)
    kept = (guess == 1) | (rng.random(40_000) < 0.1)
    weights = np.where(guess == 1, 1.0, 10.0)[kept]
    truth = metrics.per_class(true, guess)[1]
    weighted, naive = (metrics.per_class(true[kept], guess[kept], w)[1] for w in (weights, None))
    assert weighted.recall == pytest.approx(truth.recall, abs=0.02)
    assert naive.recall > truth.recall + 0.1


def test_values_that_do_not_occur():
    rows = metrics.per_class([0, 0, 1], [0, 0, 0], k=4)
    assert [row.precision for row in rows] == [pytest.approx(2 / 3), None, None, None]
    assert [row.recall for row in rows] == [1, 0, None, None]
    assert [row.f1 for row in rows] == [pytest.approx(0.8), 0, None, None]
    assert [(row.n, row.predicted) for row in rows] == [(2, 3), (1, 0), (0, 0), (0, 0)]
    assert metrics.macro_f1([0, 0, 1], [0, 0, 0]) == pytest.approx(0.4), "what is never predicted counts 0"
    assert metrics.macro_f1([0, 0, 3], [0, 0, 3]) == 1, "what does not occur at all does not count"
    assert metrics.balanced_accuracy([0, 0], [0, 5]) == 0.5


def test_one_class_and_constants():
    assert metrics.matthews([1, 1, 1], [0, 1, 1]) is metrics.matthews([0, 1, 1], [1, 1, 1]) is None
    assert metrics.roc_auc([1, 1], [0.2, 0.4]) is metrics.average_precision([0, 0], [0.2, 0.4]) is None
    assert metrics.roc_auc([0, 1, 0, 1], [7, 7, 7, 7]) == metrics.average_precision([0, 1, 0, 1], [7] * 4) == 0.5
    assert metrics.roc_auc([0, 1], [[0.9, 0.1, 0], [0.2, 0.8, 0]]) == 1, "the mean of those that are defined"
    assert metrics.roc_auc([0, 1, 1], [0.1, 0.2, 0.3], [1, 0, 0]) is None
    assert metrics.r2([3, 3], [1, 2]) is metrics.spearman([1, 2], [3, 3]) is metrics.spearman([3, 3], [1, 2]) is None
    assert metrics.quadratic_kappa([1, 1], [0, 0]) == 0


@pytest.mark.parametrize(
    ("name", "true", "other", "says"),
    [
        ("macro_f1", [0, 1], [0], "predicted should be 2 whole numbers from 0"),
        ("macro_f1", [0, 1], [0.0, 1.0], "float64"),
        ("macro_f1", [0, 1], [0, -1], "whole numbers from 0"),
        ("macro_f1", ["a", "b"], ["a", "b"], "number the values in the order of the codebook"),
        ("macro_f1", [0, np.nan], [0, 1], "true should be whole numbers"),
        ("macro_f1", [[0, 1]], [[0, 1]], r"shape \(1, 2\)"),
        ("roc_auc", [0, 1], [0.1, np.nan], "1 that are not finite"),
        ("roc_auc", [0, 2], [0.1, 0.2], "from 0 to 1"),
        ("average_precision", [0, 3], [[0.1, 0.2, 0.3]] * 2, "from 0 to 2"),
        ("average_precision", [0, 1], [["x"], ["y"]], "scores should be numbers"),
        ("brier", [0, 1], [0.1, 1.2], "from 0 to 1"),
        ("brier", [0, 1], [0.1, np.nan], "from 0 to 1"),
        ("brier", [0, 2], [0.1, 0.2], "from 0 to 1"),
        ("log_loss", [0, 1], [[0.1, 0.2]] * 2, "the sum 1"),
        ("ece", [0, 1], [0.5], r"should be \(2,\)"),
        ("mae", [0, np.inf], [0, 1], "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(name, true, other, says):
    with pytest.raises(InputError, match=says):
        found(name)(true, other)


@pytest.mark.parametrize("weights", [[1], [1, -1], [1, np.nan], [1, np.inf], [[1, 1]], "ab"])
def test_impossible_weights(weights):
    with pytest.raises(InputError, match="weights should be"):
        metrics.accuracy([0, 1], [0, 1], weights)


def test_weights_and_values_at_the_limits_of_float64():
    assert np.isfinite(metrics.matthews([0, 1, 0], [0, 1, 1], [1, 1e-20, 1e-20]))
    assert metrics.r2([0, 1], [0.5, 0.5], [1, 1e-20]) < 0
    assert metrics.r2([1e-200, 2e-200], [0, 0]) is None, "it varies by less than squares can tell"
    assert metrics.spearman([0, 1], [0, 1], [1, 1e-20]) == pytest.approx(1)


def test_without_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match="images"):
        metrics.roc_auc([0, 1], [0.1, 0.2])
    assert metrics.macro_f1(THREE, GUESS) > 0.5, "figures of labels need none"


def test_values_above_k():
    with pytest.raises(InputError, match="predicted should be 2 whole numbers from 0 to 1"):
        metrics.confusion([0, 1], [0, 2], k=2)


def test_two_columns_are_twice_the_brier_score_and_the_same_log_loss():
    both = np.column_stack([1 - np.array(S), S])
    assert probabilities.brier(Y, both) == pytest.approx(2 * probabilities.brier(Y, S))
    assert probabilities.log_loss(Y, both) == pytest.approx(probabilities.log_loss(Y, S))
    assert probabilities.log_loss([1], [0.0]) == pytest.approx(-np.log(2.2250738585072014e-308))


def test_the_edges_of_bins_belong_to_the_bin_that_they_begin():
    edges = np.arange(11) / 10  # among them .3, which is below 3 * .1
    rows = probabilities.reliability(np.zeros(11, int), edges).bins
    assert [row.n for row in rows] == [1] * 9 + [2], "the last is closed"
    assert [row.probability for row in rows] == pytest.approx([*edges[:9], 0.95])


def test_bins_of_equal_weight():
    found_ = probabilities.reliability(TEN, P, bins=5, by="quantile")
    assert [row.n for row in found_.bins] == [2] * 5
    came, said = calibration_curve(TEN, P, n_bins=5, strategy="quantile")
    assert [row.came_true for row in found_.bins] == pytest.approx(came)
    assert [row.probability for row in found_.bins] == pytest.approx(said)
    tied = probabilities.reliability([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.9], bins=4, by="quantile")
    assert [(row.n, row.probability) for row in tied.bins] == [(3, 0.5), (1, 0.9)]
    constant = probabilities.reliability(TEN, [0.25] * 10, by="quantile")
    assert (len(constant.bins), constant.ece) == (1, pytest.approx(0.35))


@pytest.mark.parametrize(("bins", "by"), [(0, "width"), (-1, "quantile"), (10, "height")])
def test_impossible_bins(bins, by):
    with pytest.raises(InputError, match="bins should be 1 or more"):
        probabilities.reliability(Y, S, bins=bins, by=by)


def test_more_bins_than_units_and_one_bin():
    assert probabilities.reliability(Y, S, bins=1000).ece == pytest.approx(np.mean(np.abs(np.subtract(Y, S))))
    assert probabilities.reliability(Y, S, bins=1).ece == pytest.approx(abs(np.mean(Y) - np.mean(S)))
