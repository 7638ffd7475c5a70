"""Groups of coders: no difference is found where there is none, and a true one is."""

import math
from itertools import combinations

import numpy as np
import pytest

from studium.coding.groups import compare
from studium.core.multiple import holm
from studium.errors import InputError

FIVE = ["x"] * 5 + ["y"] * 5


def coded(rng, effect: float, units: int = 60, each: int = 6) -> np.ndarray:
    """Ten coders with leanings of their own; the first five say yes more often by ``effect`` (in logits)."""
    leaning = rng.normal(0, 0.7, 10) + np.repeat([effect, 0], 5)
    p = 1 / (1 + np.exp(-(rng.normal(0, 1, units)[None] + leaning[:, None])))
    said = (rng.random((10, units)) < p).astype(float)
    gone = np.argsort(rng.random((10, units)), axis=0) >= each  # each unit has six of the ten coders
    return np.where(gone, np.nan, said)


def naive(said: np.ndarray) -> float:
    """The chi-squared test that takes every code for a case of its own."""
    from scipy.stats import chi2_contingency

    table = [[np.nansum(rows == 1), np.nansum(rows == 0)] for rows in (said[:5], said[5:])]
    return float(chi2_contingency(table, correction=False).pvalue)


def test_nothing():
    assert compare(np.zeros((0, 0)), []) == []
    assert compare(np.ones((2, 3)), ["x", "x"]) == [], "one group has nobody to be compared with"


def test_groups_of_no_difference_differ_as_often_as_the_level_says():
    rng = np.random.default_rng(0)
    found, taken = [], []
    for _ in range(240):
        said = coded(rng, 0)
        found.append(compare(said, FIVE)[0].p < 0.05)
        taken.append(naive(said) < 0.05)
    assert 0.02 <= np.mean(found) <= 0.085
    assert np.mean(taken) > 0.2, "codes of one coder are alike, and are no cases of their own"


def test_a_true_difference_is_found():
    rng = np.random.default_rng(1)
    found = [compare(coded(rng, 2), FIVE)[0] for _ in range(30)]
    assert np.mean([one.p < 0.05 for one in found]) > 0.8
    assert np.mean([one.low <= 0.36 <= one.high for one in found]) > 0.8, "2 logits are .36 in these units"
    one = found[0]
    assert (one.a, one.b, one.coders_a, one.coders_b, one.exact, one.permutations) == ("x", "y", 5, 5, True, 252)
    assert one.smallest == 2 / 252
    assert one.difference == pytest.approx(one.mean_a - one.mean_b)


def test_it_is_what_plain_loops_find():
    rng = np.random.default_rng(2)
    said = coded(rng, 1, units=15, each=4)

    def difference(first) -> float:
        others = [c for c in range(10) if c not in first]
        each = []
        for unit in said.T:
            a, b = (unit[list(rows)][~np.isnan(unit[list(rows)])] for rows in (first, others))
            if len(a) and len(b):
                each.append(a.mean() - b.mean())
        return float(np.mean(each))

    found = compare(said, FIVE)[0]
    assert found.difference == pytest.approx(difference(range(5)))
    every = [abs(difference(first)) for first in combinations(range(10), 5)]
    assert found.p == pytest.approx(np.mean([one >= abs(found.difference) - 1e-9 for one in every]))


def test_many_coders_are_permuted_at_random():
    rng = np.random.default_rng(3)
    said = np.vstack([rng.normal(1, 1, (15, 20)), rng.normal(0, 1, (15, 20))])
    found = compare(said, ["x"] * 15 + ["y"] * 15, seed=5)[0]
    assert (found.exact, found.permutations, found.p) == (False, 5000, 1 / 5000)
    assert found.low < found.difference < found.high
    assert compare(said, ["x"] * 15 + ["y"] * 15, seed=5)[0] == found, "the seed decides"


def test_small_groups_are_not_compared():
    found = compare(np.ones((5, 4)), ["x", "x", "x", "y", "y"])[0]
    assert math.isnan(found.p)
    assert found.reason == "fewer than 3 coders who coded are y"
    silent = np.ones((6, 4))
    silent[5] = np.nan
    assert compare(silent, ["x"] * 3 + ["y"] * 3)[0].reason, "who coded nothing does not count"


def test_units_of_one_group_only_are_not_compared():
    said = np.full((6, 2), np.nan)
    said[:3, 0] = said[3:, 1] = 1
    assert compare(said, ["x"] * 3 + ["y"] * 3)[0].reason == "no unit was coded by coders of both"


def test_three_groups_and_those_who_did_not_say():
    said = np.random.default_rng(4).random((10, 30))
    found = compare(said, ["x"] * 3 + ["y"] * 3 + ["z"] * 3 + [None])
    assert [(one.a, one.b) for one in found] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert [one.p_holm for one in found] == holm([one.p for one in found])
    assert all(one.coders_a == one.coders_b == 3 and one.smallest == 0.1 for one in found)
    with pytest.raises(InputError, match="10 coders"):
        compare(said[:2], ["x"] * 10)
