"""Alpha, Fleiss, Gwet and Randolph: golden values, slow formulas beside fast ones, and every edge."""

import math

import numpy as np
import pytest
from agreements import DIAGNOSES, FOURTEEN, K, alpha_by_hand, hostile, spread, two
from scipy.stats import t

from studium.coding.agreement import (
    agreement,
    fleiss_kappa,
    gwet_ac1,
    gwet_error,
    krippendorff_alpha,
    pabak,
    percent_agreement,
    randolph_kappa,
)
from studium.coding.agreement.alpha import Alpha
from studium.coding.agreement.chance import CHANCE, BeyondChance
from studium.coding.agreement.counts import counted
from studium.errors import InputError

LEVELS = ("nominal", "ordinal", "interval", "ratio")


@pytest.mark.parametrize(
    ("level", "value"),
    [
        ("nominal", 0.743421052631579),
        ("ordinal", 0.815387503754881),
        ("interval", 0.849107142857143),
        ("ratio", 0.797402774711612),
    ],
)
def test_alpha_of_krippendorffs_example(level, value):
    assert krippendorff_alpha(K, level) == pytest.approx(value, abs=1e-14)


@pytest.mark.parametrize(
    ("codes", "value"),
    [
        (["0100000010", "1110010000"], 0.095238),
        (["aabbdcccedda", "babbbccceddd"], 0.691964),
        (spread(DIAGNOSES), 0.433410),
        (two([[118, 5], [2, 0]]), -0.024691),
        (two([[387, 36], [36, 95]]), 0.640409),
    ],
    ids=("binary", "nominal", "Fleiss", "Gwet", "two"),
)
def test_nominal_alpha_of_published_codes(codes, value):
    assert krippendorff_alpha(codes) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize(
    ("codes", "percent", "fleiss", "ac1"),
    [
        (K, 0.818181818, 0.76117, 0.775444068),
        (spread(DIAGNOSES), 0.555556, 0.430245, 0.447885),
        (spread(FOURTEEN), None, 0.2099307, None),
        (two([[118, 5], [2, 0]]), 0.944, None, 0.940776),
        (two([[80, 10], [5, 5]]), 0.85, None, 0.808),
        (two([[40, 9], [6, 45]]), 0.85, None, 0.701),
        (two([[387, 36], [36, 95]]), 0.870036, None, 0.796583),
    ],
    ids=("K", "Fleiss", "fourteen", "Gwet", "skewed", "even", "two"),
)
def test_published_agreement(codes, percent, fleiss, ac1):
    for found, value in ((percent_agreement, percent), (fleiss_kappa, fleiss), (gwet_ac1, ac1)):
        if value is not None:
            digits = len(f"{value}".split(".")[1])
            assert found(codes) == pytest.approx(value, abs=0.51 * 10**-digits)


def test_pabak_is_randolphs():
    assert pabak(two([[80, 10], [5, 5]])) == pabak(two([[40, 9], [6, 45]])) == pytest.approx(0.70)
    assert randolph_kappa(spread(FOURTEEN)) == pytest.approx(0.2225275, abs=5e-8)
    assert randolph_kappa([[1, 1], [1, 1]], categories=[1, 2]) == 1
    assert math.isnan(randolph_kappa([[1, 1], [1, 1]])), "of one category nothing is left above chance"


def test_standard_errors_of_krippendorffs_example():
    """As irrCAC gives them: Gwet's, who takes the twelfth unit, which one coder coded, as one without agreement."""
    assert gwet_error(K, "fleiss_kappa") == pytest.approx(0.15302, abs=5e-6)
    assert gwet_error(K) == pytest.approx(0.14295, abs=5e-6)
    half = t.ppf(0.975, 11) * gwet_error(K)
    assert (gwet_ac1(K) - half, min(1, gwet_ac1(K) + half)) == pytest.approx((0.461, 1), abs=5e-4)
    assert math.isnan(gwet_error([[1, 1, None], [1, None, 1]], categories=[1, 2])), "of one unit there is none"
    with pytest.raises(InputError, match="a coefficient out of"):
        gwet_error(K, "krippendorff_alpha")


def test_intervals_of_krippendorffs_example():
    """By resampling its units, and the standard errors of the same."""
    found = agreement(K)
    alpha, ac1, fleiss = (found[name] for name in ("krippendorff_alpha", "gwet_ac1", "fleiss_kappa"))
    assert alpha.se == pytest.approx(0.14557, rel=1e-3), "irrCAC has p_a for p_a' in one term: .14557 for .14548"
    assert (alpha.low, alpha.high) == (pytest.approx(0.42, abs=0.03), 1)
    assert (ac1.low, ac1.high) == (pytest.approx(0.516, abs=0.03), 1)
    assert (ac1.se, fleiss.se) == pytest.approx((0.1253, 0.1355), abs=5e-4), "below Gwet's: one code is no disagreement"


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_under_partial_overlap_the_standard_error_fits_the_interval(share):
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 2000)
    table = np.where(rng.random((2, 2000)) < 0.8, truth, rng.integers(0, 3, (2, 2000)))
    single = np.arange(2000) >= 2000 * share
    first = rng.random(2000) < 0.5
    codes = [[None if s and f == at else int(c) for c, s, f in zip(row, single, first, strict=True)]
             for at, row in enumerate(table)]  # fmt: skip
    for one in agreement(codes).measures:
        assert (one.high - one.low) / 2 == pytest.approx(1.96 * one.se, rel=0.12), one.name
    assert gwet_error(codes) > 1.2 * agreement(codes)["gwet_ac1"].se
    alone = [[row[at] for at in np.flatnonzero(~single)] for row in codes]
    assert agreement(alone)["gwet_ac1"].se == pytest.approx(gwet_error(alone), rel=1e-9)
    assert agreement(codes)["percent"].se == pytest.approx(agreement(alone)["percent"].se, rel=1e-9)


def test_units_with_one_code_count_in_the_shares_of_categories():
    without = [row[:11] for row in K]
    assert fleiss_kappa(K) == pytest.approx(0.76117, abs=5e-6)
    assert fleiss_kappa(without) == pytest.approx(0.76248, abs=5e-6)
    assert krippendorff_alpha(K) == krippendorff_alpha(without), "alpha leaves them out"


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_that_of_the_plain_loops(level, seed):
    codes = hostile(seed)
    assert krippendorff_alpha(codes, level) == pytest.approx(alpha_by_hand(codes, level), abs=1e-12)


def test_resampling_patterns_is_resampling_units():
    """The same weights, unit by unit and pattern by pattern, give what the codes themselves give."""
    codes = hostile(1)
    items = counted(codes, range(5))
    rng = np.random.default_rng(0)
    kept = [u for u in range(40) if any(row[u] is not None for row in codes)]
    for level in LEVELS:
        picked = rng.choice(kept, len(kept))
        again = [[row[u] for u in picked] for row in codes]
        weights = np.zeros((1, len(items.times)))
        for u in picked:
            one = counted([[row[u]] for row in codes], range(5)).numbers[0]
            one = np.pad(one, (0, items.numbers.shape[1] - len(one)), constant_values=-1)
            weights[0, (items.numbers == one).all(axis=1)] += 1
        assert Alpha(items, level).values(weights)[0] == pytest.approx(alpha_by_hand(again, level), abs=1e-12)
        fast = BeyondChance(items, CHANCE["fleiss_kappa"]).values(weights)[0]
        assert fast == pytest.approx(fleiss_kappa(again), abs=1e-12)


@pytest.mark.parametrize("level", [*LEVELS, "sets"])
def test_slopes_of_alpha(level):
    codes = hostile(2)
    if level == "sets":
        sets = [frozenset(), frozenset("a"), frozenset("ab"), frozenset("bc"), frozenset("abc")]
        codes = [[None if c is None else sets[c] for c in row] for row in codes]
    items = counted(codes)
    alpha = Alpha(items, level)
    step = 1e-5 * np.eye(len(items.times))

    def without_factor(weights):
        n = weights @ (items.coded * items.paired)
        return 1 - (1 - alpha.values(weights)) * n / (n - 1)

    numeric = (without_factor(items.once + step) - without_factor(items.once - step)) / 2e-5
    found = alpha.slopes()
    assert (found[~items.paired] == 0).all()
    assert found[items.paired] == pytest.approx(numeric[items.paired], abs=1e-8)


@pytest.mark.parametrize("name", CHANCE)
def test_slopes_of_what_is_beyond_chance(name):
    items = counted(hostile(3))
    assert not items.paired.all(), "units with one code tell of the shares of the categories"
    found = BeyondChance(items, CHANCE[name])
    step = 1e-5 * np.eye(len(items.times))
    numeric = (found.values(items.once + step) - found.values(items.once - step)) / 2e-5
    assert found.slopes() == pytest.approx(numeric, abs=1e-8)


@pytest.mark.parametrize("codes", [[], [[]], [[], []], [[1, 2]], [[1, None], [None, 2]], [[None], [None]]], ids=str)
def test_without_a_unit_of_two_codes_nothing_is_defined(codes):
    for found in (percent_agreement, fleiss_kappa, gwet_ac1, randolph_kappa, krippendorff_alpha):
        assert math.isnan(found(codes))


def test_one_category():
    codes = [[1, 1, 1], [1, 1, None]]
    assert percent_agreement(codes) == 1
    for found in (fleiss_kappa, gwet_ac1, krippendorff_alpha):
        assert math.isnan(found(codes))
    assert gwet_ac1(codes, categories=[1, 2]) == 1, "the other one could have been given"
    assert math.isnan(krippendorff_alpha(codes, categories=[1, 2]))


def test_a_star_is_a_value_and_nan_is_none():
    assert krippendorff_alpha([["a", "*", "a", "*"], ["a", "*", "*", "a"]]) == pytest.approx(0.125)
    gaps = [[math.nan if c is None else float(c) for c in row] for row in K]
    assert krippendorff_alpha(gaps, "interval") == pytest.approx(0.849107142857143, abs=1e-14)
    assert krippendorff_alpha(np.array(gaps), "ordinal") == pytest.approx(0.815387503754881, abs=1e-14)


def test_ordinal_values_have_the_order_that_is_handed_over():
    codes = [["low", "high", "mid", "low", "mid"], ["low", "mid", "high", "low", "mid"]]
    numbers = [[{"low": 1, "mid": 2, "high": 3}[c] for c in row] for row in codes]
    assert krippendorff_alpha(codes, "ordinal", ["low", "mid", "high"]) == krippendorff_alpha(numbers, "ordinal")
    assert krippendorff_alpha(codes, "ordinal") != krippendorff_alpha(numbers, "ordinal")


def test_far_numbers_lose_no_digits():
    far = [[None if c is None else c + 1e8 for c in row] for row in K]
    assert krippendorff_alpha(far, "interval") == pytest.approx(0.849107142857143, abs=1e-7)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_numbers_changes_nothing(unit):
    """Shares of a picture, or bytes: tiny numbers are no single category."""
    other = [[None if c is None else c * unit for c in row] for row in K]
    found = agreement(other, "interval")["krippendorff_alpha"]
    plain = agreement(K, "interval")["krippendorff_alpha"]
    assert found.value == pytest.approx(0.849107142857143, abs=1e-12)
    assert (found.low, found.high, found.se) == pytest.approx((plain.low, plain.high, plain.se), abs=1e-12)


def test_sets_differ_by_what_they_do_not_share():
    a, ab, c = frozenset("a"), frozenset("ab"), frozenset("c")
    assert krippendorff_alpha([[a, ab, c], [a, ab, c]], "sets") == 1
    near = krippendorff_alpha([[a, ab, c], [a, a, c]], "sets")
    assert krippendorff_alpha([[a, ab, c], [a, a, c]]) < near < 1


@pytest.mark.parametrize(
    ("codes", "level", "message"),
    [
        ([["a"], ["b"]], "interval", "should be finite numbers"),
        ([[1.0, math.inf], [1.0, 2.0]], "interval", r"finite numbers, got \[inf\]"),
        ([[-1], [2]], "ratio", "at least 0"),
        ([["a"], ["b"]], "sets", "frozensets"),
        ([[1], [2]], "metric", "a level out of"),
        ([[1, 2], [2]], "nominal", "the same units"),
    ],
)
def test_what_does_not_fit_is_refused(codes, level, message):
    with pytest.raises(InputError, match=message):
        krippendorff_alpha(codes, level)


def test_a_code_that_is_no_category_is_refused():
    with pytest.raises(InputError, match="hand over every category"):
        gwet_ac1([[1], [3]], categories=[1, 2])
