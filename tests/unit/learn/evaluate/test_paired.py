import numpy as np
import pytest
from scipy import stats

from studium.errors import InputError
from studium.learn.evaluate.intervals import Bootstrap
from studium.learn.evaluate.metrics import accuracy, macro_f1, roc_auc
from studium.learn.evaluate.paired import McNemar, difference, discordant, mcnemar


def test_of_nothing():
    assert discordant([], [], []) == (0, 0)
    assert mcnemar(0, 0) == McNemar(0, 0, None, None, None, None, 1.0, 1.0)
    found = difference(accuracy, [], ([], []))
    assert (found.first, found.change.value, found.p, found.shown) == (None, None, None, False)


def test_golden_mcnemar():
    found = mcnemar(121, 59)
    assert found.chi2 == pytest.approx(21.3556, abs=5e-5)
    assert found.p == pytest.approx(3.815e-6, abs=5e-10)
    assert found.chi2_corrected == pytest.approx(20.6722, abs=5e-5)
    assert found.p_corrected == pytest.approx(5.450e-6, abs=5e-10)
    assert found.p_exact == pytest.approx(4.434e-6, abs=5e-10)
    assert found.p_mid == pytest.approx(3.267e-6, abs=5e-10)
    assert mcnemar(59, 121).p_mid == found.p_mid


@pytest.mark.parametrize(("b", "c"), [(1, 0), (3, 3), (2, 9), (40, 41)])
def test_small_counts(b, c):
    found = mcnemar(b, c)
    assert found.p_exact == pytest.approx(stats.binomtest(b, b + c).pvalue)
    assert found.p == pytest.approx(stats.chi2.sf(found.chi2, 1))
    assert found.p_mid < found.p_exact <= 1
    own = stats.binom.pmf(np.arange(b + c + 1), b + c, 0.5)
    mid = own[own < own[b] * (1 - 1e-9)].sum() + own[np.isclose(own, own[b])].sum() / 2
    assert found.p_mid == pytest.approx(mid)


def test_discordant_units():
    assert discordant([0, 1, 2, 1], [0, 1, 0, 0], [0, 2, 2, 1]) == (1, 2)
    with pytest.raises(InputError, match="second should be 2"):
        discordant([0, 1], [0, 1], [0])


@pytest.mark.parametrize(("b", "c"), [(-1, 2), (0.5, 2)])
def test_no_counts(b, c):
    with pytest.raises(InputError, match="two counts"):
        mcnemar(b, c)


def models(n=300, better=0.0, seed=0):
    """The second is right as often as the first, and in a share of further units."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 2, n)
    first, second = (np.where(rng.random(n) < 0.7, true, 1 - true) for _ in range(2))
    return true, (first, np.where(rng.random(n) < better, true, second))


def test_a_better_model_is_shown():
    true, guesses = models(better=0.6)
    found = difference(macro_f1, true, guesses, bootstrap=Bootstrap(200))
    assert found.second - found.first == found.change.value > 0.1
    assert 0 < found.change.low < found.change.value < found.change.high
    assert (found.shown, found.p) == (True, pytest.approx(2 / 201))
    back = difference(macro_f1, true, guesses[::-1], bootstrap=Bootstrap(200))
    assert (back.change.value, back.change.high) == (-found.change.value, pytest.approx(-found.change.low))
    assert back.shown
    assert difference(macro_f1, true, guesses, bootstrap=Bootstrap(200)) == found


def test_like_models_are_seldom_told_apart():
    found = [difference(accuracy, *models(200, 0, seed), bootstrap=Bootstrap(100)) for seed in range(60)]
    assert sum(one.shown for one in found) <= 9
    agree = np.mean([one.shown == (one.p < 0.05) for one in found])
    assert agree > 0.9, "the interval and the test say the same"
    assert 0.3 < np.mean([one.p for one in found]) < 0.7


def test_it_is_paired():
    """Two models with the same errors but few are told apart, which two intervals would not do."""
    true, (first, _) = models(400)
    second = np.where(np.arange(400) % 20 == 0, true, first)
    found = difference(accuracy, true, (first, second), bootstrap=Bootstrap(300))
    alone = Bootstrap(300).interval(accuracy, true, first)
    assert found.shown
    assert found.second < alone.high


def test_copies_prove_nothing():
    true, guesses = models(60, 0.3, seed=2)
    copies = [np.repeat(of, 10) for of in (true, *guesses)]
    video = np.repeat(np.arange(60), 10)
    grouped, single = (
        difference(accuracy, copies[0], copies[1:], None, of, Bootstrap(200)).change for of in (video, None)
    )
    assert (grouped.groups, single.groups) == (60, 600)
    assert grouped.high - grouped.low > 2 * (single.high - single.low)


def test_the_same_model_twice_and_too_few_groups():
    true, (first, second) = models(50)
    same = difference(accuracy, true, (first, first), bootstrap=Bootstrap(100))
    assert (same.change.value, same.change.low, same.p, same.shown) == (0, None, None, False)
    few = difference(accuracy, true, (first, second), None, np.arange(50) % 5)
    assert "5 groups are too few" in few.change.reason
    assert few.first == accuracy(true, first)
    one_class = difference(roc_auc, [1] * 30, (np.arange(30.0), np.arange(30.0)))
    assert one_class.change.value is None


def test_weights_change_who_is_better():
    true, first, second = np.zeros(80, int), np.repeat([0, 1], 40), np.repeat([1, 0, 1], [40, 30, 10])
    found = difference(accuracy, true, (first, second), np.repeat([1, 5], 40), bootstrap=Bootstrap(100))
    assert found.change.value == pytest.approx((150 - 40) / 240)
    assert difference(accuracy, true, (first, second), bootstrap=Bootstrap(100)).change.value < 0
