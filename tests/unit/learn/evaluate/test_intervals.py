import numpy as np
import pytest

from studium.core.interval import wilson
from studium.errors import InputError
from studium.learn.evaluate.intervals import Bootstrap, Interval, class_intervals, error_rates, share
from studium.learn.evaluate.metrics import accuracy, macro_f1, roc_auc
from studium.learn.evaluate.probabilities import brier


def test_of_nothing():
    assert share([]) == Interval(None, None, None, 0, "", "there are no cases")
    assert error_rates([], [], []) == ()
    found = Bootstrap().interval(accuracy, [], [])
    assert (found.value, found.low, found.groups) == (None, None, 0)
    assert "not defined" in found.reason


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(45, 50, 0.7864, 0.9565), (0, 20, 0, 0.1611), (50, 50, 0.9287, 1), (1, 1, 0.2065, 1)]
)
def test_golden_wilson(k, n, low, high):
    found = share([True] * k + [False] * (n - k))
    assert (found.value, found.groups, found.method) == (k / n, n, "wilson")
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_group_is_one_case():
    hits = np.repeat([1, 1, 1, 0], 25)
    found = share(hits, None, np.repeat(["a", "b", "c", "d"], 25))
    assert found.groups == 4
    assert (found.low, found.high) == pytest.approx(wilson(0.75, 4).tolist())


def test_weights_of_a_share():
    found = share([1, 1, 0], [1, 2, 3])
    assert (found.value, found.groups) == (0.5, 2), "36 / 14 cases, rounded down"
    assert share([1, 0], [1, 0]).groups == 1
    assert share([1, 0], [0, 0]).reason == "there are no cases"
    assert share([1, 0], [1e300, 1e300]) == share([1, 0], [1e-300, 1e-300]) == share([1, 0])


@pytest.mark.parametrize("hits", [[0, 2], [0.5, 1.0], [np.nan], ["yes"]])
def test_no_hits(hits):
    with pytest.raises(InputError, match="hits should be"):
        share(hits)


def test_precision_and_recall_of_each_value():
    true, guess = [0, 0, 0, 1, 1], [0, 0, 1, 1, 0]
    (precise, complete), _, third = class_intervals(true, guess, k=3)
    assert (precise.value, precise.groups) == (complete.value, complete.groups) == (2 / 3, 3)
    assert (precise.low, precise.high) == pytest.approx(wilson(2 / 3, 3).tolist())
    assert third[0].reason == third[1].reason == "there are no cases"
    grouped = class_intervals(true, guess, [1, 1, 2, 1, 1], list("aabbb"))[0]
    assert (grouped[0].value, grouped[0].groups, grouped[1].value) == (pytest.approx(2 / 3), 1, 0.5)
    assert class_intervals([], []) == ()


def test_error_rates_of_groups():
    true = [0] * 30 + [1] * 25 + [0] * 5 + [1] * 40
    guess = [1] * 3 + [0] * 27 + [0] * 5 + [1] * 20 + [1] * 5 + [1] * 40
    first, second = error_rates(true, guess, ["de"] * 55 + [None] * 45)
    assert (first.name, first.n, first.negatives, first.positives) == ("de", 55, 30, 25)
    assert (first.false_positive_rate.value, first.false_negative_rate.value) == (0.1, 0.2)
    ends = (first.false_positive_rate.low, first.false_positive_rate.high)
    assert ends == pytest.approx(wilson(0.1, 30).tolist())
    assert second.name is None
    assert second.false_positive_rate == Interval(None, None, None, 5, "", "5 cases are too few, it needs 20")
    assert second.false_negative_rate.value == 0
    assert error_rates(true, guess, np.array(["x"] * 100), fewest=200)[0].false_negative_rate.value is None


def test_error_rates_count_accounts_and_weights():
    true, guess, by = [0] * 100, [1] * 50 + [0] * 50, ["en"] * 100
    few = error_rates(true, guess, by, None, np.repeat(np.arange(4), 25))[0].false_positive_rate
    assert (few.value, few.reason) == (None, "4 cases are too few, it needs 20")
    heavy = error_rates(true, guess, by, [3] * 50 + [1] * 50)[0].false_positive_rate
    assert (heavy.value, heavy.groups) == (0.75, 80)


@pytest.mark.parametrize(
    ("true", "guess", "by", "says"),
    [
        ([0, 2], [0, 1], "ab", "0 to 1"),
        ([0, 1], [0, 1], "a", "groups should be 2 names"),
        ([0, 1], [0, 1], [float("nan")] * 2, "NaN, which names none"),
        ([0, 1], [0], "ab", "predicted should be 2"),
        ([0, 1], [0, 1], [["a"], ["b"]], "groups should be names"),
    ],
)
def test_error_rates_that_do_not_fit(true, guess, by, says):
    with pytest.raises(InputError, match=says):
        error_rates(true, guess, by)


@pytest.mark.parametrize("wrong", [{"draws": 99}, {"seed": -1}, {"fewest": 1}])
def test_impossible_settings(wrong):
    with pytest.raises(InputError, match="a bootstrap needs"):
        Bootstrap(**wrong)


def right(n=400, seed=0, share_right=0.7):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 2, n)
    return true, np.where(rng.random(n) < share_right, true, 1 - true)


def test_it_is_as_wide_as_wilsons_and_seeded():
    true, guess = right()
    found = Bootstrap(400).interval(accuracy, true, guess)
    assert found.value == accuracy(true, guess)
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(np.diff(wilson(found.value, 400))[0], rel=0.12)
    assert (found.groups, found.method, found.reason, found.undefined) == (400, "bootstrap", "", 0)
    assert Bootstrap(400).interval(accuracy, true, guess) == found
    assert Bootstrap(400, seed=1).interval(accuracy, true, guess) != found


def test_frames_of_one_video_are_one_case():
    """METHODS 0.10: resampling frames is three times too sure."""
    true, guess = (np.repeat(of, 12) for of in right(40))
    video = np.repeat([f"video {one}" for one in range(40)], 12)
    by_video, by_frame = (Bootstrap(300).interval(accuracy, true, guess, None, of) for of in (video, None))
    assert (by_video.groups, by_frame.groups) == (40, 480)
    assert by_video.high - by_video.low > 2.5 * (by_frame.high - by_frame.low)


def test_any_figure_and_weights():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 120)
    p = np.clip(0.3 + 0.3 * true + rng.normal(0, 0.15, 120), 0, 1)
    for figure in (roc_auc, brier):
        found = Bootstrap(100).interval(figure, true, p, rng.uniform(1, 5, 120))
        assert 0 < found.low < found.value < found.high < 1
    assert Bootstrap(100).interval(accuracy, [0, 1] * 20, [0, 1, 1, 0] * 10, [1, 0] * 20).groups == 20


def test_too_few_groups_are_refused():
    true, guess = right(400)
    found = Bootstrap(100).interval(accuracy, true, guess, None, np.arange(400) % 19)
    assert (found.low, found.high, found.method, found.groups) == (None, None, "", 19)
    assert found.value == accuracy(true, guess)
    assert found.reason == "19 groups are too few for a bootstrap, which needs 20"
    assert Bootstrap(100, fewest=10).interval(accuracy, true, guess, None, np.arange(400) % 19).low is not None


def test_all_right_is_not_certainly_right():
    found = Bootstrap(100).interval(macro_f1, [0, 1] * 20, [0, 1] * 20)
    assert (found.value, found.low) == (1, None)
    assert "same figure" in found.reason


def test_draws_without_a_value_are_told():
    true, scores = [1] + [0] * 29, np.linspace(0, 1, 30)
    found = Bootstrap(200).interval(roc_auc, true, scores)
    assert found.value is not None
    assert found.low is None
    assert found.undefined == pytest.approx((29 / 30) ** 30, abs=0.1)
    assert "of the draws leave it undefined" in found.reason


def test_its_intervals_hold_the_truth_in_95_of_100():
    held = 0
    for seed in range(100):
        true, guess = right(150, seed)
        found = Bootstrap(100).interval(accuracy, true, guess)
        held += found.low <= 0.7 <= found.high
    assert 88 <= held <= 100
