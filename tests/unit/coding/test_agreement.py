"""Agreement: values from the literature and from other packages, and every edge."""

import math
import tracemalloc

import numpy as np
import pytest
from agreements import K

from studium.coding.agreement import cohen_kappa, crossed, percent_agreement, share
from studium.errors import InputError


@pytest.mark.parametrize(
    ("table", "kappa", "se"),
    [
        ([[20, 5], [10, 15]], 0.4, 0.126996),
        ([[45, 15], [25, 15]], 0.130435, 0.098662),
        ([[25, 35], [5, 35]], 0.259259, 0.077160),
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.484163, 0.138014),
        ([[53, 5, 2], [11, 14, 5], [1, 6, 3]], 0.428571, None),
        ([[118, 5], [2, 0]], -0.023392, None),
        ([[80, 10], [5, 5]], 0.318182, None),
        ([[40, 9], [6, 45]], 0.699519, None),
        ([[387, 36], [36, 95]], 0.640084, None),
    ],
    ids=str,
)
def test_kappa_of_published_tables(table, kappa, se):
    found = cohen_kappa(table)
    assert found.kappa == pytest.approx(kappa, abs=5e-7)
    assert found.low < kappa < found.high
    assert found.units == np.sum(table)
    assert found.reason == ""
    if se:
        assert found.se == pytest.approx(se, abs=5e-7)


@pytest.mark.parametrize(
    ("table", "linear", "quadratic"),
    [
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.470120, 0.450161),
        ([[53, 5, 2], [11, 14, 5], [1, 6, 3]], 0.492308, 0.566667),
    ],
)
def test_weighted_kappa_of_published_tables(table, linear, quadratic):
    assert cohen_kappa(table, weights="linear").kappa == pytest.approx(linear, abs=5e-7)
    assert cohen_kappa(table, weights="quadratic").kappa == pytest.approx(quadratic, abs=5e-7)
    large = cohen_kappa(np.array(table) * 200, weights="quadratic")
    assert (large.high - large.low) / 2 == pytest.approx(1.96 * large.se, rel=0.1), "its standard error"
    with pytest.raises(InputError, match="weights out of"):
        cohen_kappa(table, weights="cubic")


def test_the_interval_of_kappa():
    found = cohen_kappa([[387, 36], [36, 95]])
    assert (found.low, found.high) == (pytest.approx(0.562, abs=0.008), pytest.approx(0.711, abs=0.008))
    assert found.agreement.value == pytest.approx(0.870036, abs=5e-7)
    assert found.undefined == 0
    assert cohen_kappa([[387, 36], [36, 95]]) == found, "the seed decides"
    assert cohen_kappa([[387, 36], [36, 95]], seed=1).low != found.low


def test_the_bootstrap_is_over_units():
    rng = np.random.default_rng(3)
    a = rng.integers(0, 3, 120)
    b = np.where(rng.random(120) < 0.7, a, rng.integers(0, 3, 120))
    found = cohen_kappa(crossed(a.tolist(), b.tolist()))
    draws = [cohen_point(a[pick], b[pick]) for pick in rng.integers(0, 120, (2000, 120))]
    assert (found.low, found.high) == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.02)


def test_many_categories_stay_small():
    table = np.diag(np.ones(600, int))
    table[0, 1] = 1
    tracemalloc.start()
    found = cohen_kappa(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.99 < found.low <= found.kappa < found.high <= 1
    assert peak < 100e6, "1000 whole tables would be 3 GB"


def cohen_point(a, b) -> float:
    same = (a == b).mean()
    chance = sum((a == k).mean() * (b == k).mean() for k in range(3))
    return float((same - chance) / (1 - chance))


def test_kappa_is_that_of_another_package():
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(0)
    for categories in (2, 3, 7):
        a, b = rng.integers(0, categories, (2, 80)).tolist()
        assert cohen_kappa(crossed(a, b)).kappa == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)


def test_a_large_sample_interval_and_standard_error_agree():
    found = cohen_kappa([[3000, 500], [400, 1100]])
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * found.se, rel=0.1)


@pytest.mark.parametrize(
    ("table", "units", "reason"),
    [
        ([], 0, "no unit was coded by both"),
        ([[0, 0], [0, 0]], 0, "no unit was coded by both"),
        ([[7]], 7, "both used one category only"),
        ([[7, 0], [0, 0]], 7, "both used one category only"),
    ],
    ids=str,
)
def test_where_there_is_no_kappa_there_is_a_reason(table, units, reason):
    found = cohen_kappa(table)
    assert math.isnan(found.kappa)
    assert math.isnan(found.low)
    assert (found.units, found.reason) == (units, reason)


def test_kappa_at_its_ends():
    assert cohen_kappa([[5, 0], [0, 5]]).kappa == 1
    assert cohen_kappa([[0, 5], [5, 0]]).kappa == -1
    one_is_constant = cohen_kappa([[5, 5], [0, 0]])
    assert one_is_constant.kappa == 0
    rare = cohen_kappa([[4, 0], [0, 1]])
    assert rare.kappa == 1
    assert 0.2 < rare.undefined < 0.45, "about (4/5)^5 of the resamples hold one category only"


@pytest.mark.parametrize("table", [[[1, 2]], [1, 2], [[0.5, 1], [1, 2]], [[-1, 2], [3, 4]]], ids=str)
def test_what_is_no_table_of_counts_is_refused(table):
    with pytest.raises(InputError, match="square table of counts"):
        cohen_kappa(table)


def test_percent_agreement():
    assert math.isnan(percent_agreement([]))
    assert math.isnan(percent_agreement([[1, 2], [None, None]]))
    assert percent_agreement([[1, 2], [1, 3]]) == 0.5
    assert percent_agreement(K) == pytest.approx(0.818181818, abs=5e-10)
    with pytest.raises(InputError, match="the same units"):
        percent_agreement([[1, 2], [1]])


def test_crossing_leaves_out_what_one_did_not_code():
    assert crossed([], []).shape == (0, 0)
    table = crossed(["a", "b", None, "a"], ["a", "a", "b", None])
    assert table.tolist() == [[1, 0], [1, 0]]
    assert crossed(["a"], ["c"], "abc").tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(InputError, match="the same units"):
        crossed(["a"], [])


@pytest.mark.parametrize(  # the two in the middle: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<857
    ("k", "n", "low", "high"),
    [(0, 10, 0, 0.2775), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (10, 10, 0.7225, 1)],
)
def test_wilsons_interval(k, n, low, high):
    found = share(k, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == k / n


def test_a_share_of_nothing_is_undefined():
    assert math.isnan(share(0, 0).value)
    with pytest.raises(InputError, match="0 <= k <= n"):
        share(3, 2)
