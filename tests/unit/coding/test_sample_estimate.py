"""What samples say of all units: by hand, against the textbook's formulas, and in repeated draws."""

import math

import numpy as np
import pytest

from studium.coding.sample import (
    chances,
    clusters,
    draw,
    hajek,
    mean,
    n_eff,
    ratio,
    share,
    simple,
    stratified,
    uncertainty,
)
from studium.errors import InputError


def test_of_nothing_there_is_no_mean():
    found = mean([], [])
    assert (math.isnan(found.value), math.isnan(found.se), found.n) == (True, True, 0)
    assert math.isnan(hajek([], []))
    assert n_eff([]) == 0
    assert math.isnan(ratio([1.0], [0.0], [0.5]).value)


def test_by_hand():
    assert n_eff([2, 2, 2]) == 3
    assert n_eff([1, 1, 4]) == 2  # 36 / 18
    assert hajek([1, 0, 0], [0.5, 0.25, 0.25]) == pytest.approx(0.2)  # 2 / (2 + 4 + 4)
    assert ratio([10, 0, 4], [2, 1, 4], [0.5, 0.5, 1]).value == pytest.approx(2.4)  # 24 / 10
    assert mean([1.0, 3.0], [1, 1]).se == 0, "all units there are"


def test_the_standard_error_of_a_simple_sample():
    """Sqrt((1 - f) s^2 / n), f = 4 / 40: Cochran (1977), 2.20."""
    y = np.array([3.0, 5.0, 4.0, 8.0])
    found = mean(y, np.full(4, 0.1))
    assert found.value == 5
    assert found.se == pytest.approx(math.sqrt(0.9 * (14 / 3) / 4))
    assert found.high - found.value == pytest.approx(1.959964 * found.se)
    assert (found.n, found.n_eff) == (4, 4)


def test_the_standard_error_of_a_stratified_sample():
    """Sqrt(sum (N_h / N)^2 (1 - f_h) s_h^2 / n_h): Cochran (1977), 5.12."""
    N, y = {"a": 60, "b": 40}, {"a": [1.0, 2.0, 6.0], "b": [10.0, 12.0]}
    chance = [3 / 60] * 3 + [2 / 40] * 2
    found = mean([*y["a"], *y["b"]], chance, ["a"] * 3 + ["b"] * 2)
    assert found.value == pytest.approx(0.6 * 3 + 0.4 * 11)
    by_hand = sum((N[h] / 100) ** 2 * (1 - len(y[h]) / N[h]) * np.var(y[h], ddof=1) / len(y[h]) for h in N)
    assert found.se == pytest.approx(math.sqrt(by_hand))
    alone = mean([1.0, 2.0, 3.0], [0.1, 0.1, 0.1], ["a", "a", "b"])
    assert math.isnan(alone.se), "of one unit nobody knows how others differ"
    assert not math.isnan(mean([1.0, 2.0, 3.0], [0.1, 0.1, 1.0], ["a", "a", "b"]).se), "unless it is all there is"


def test_the_standard_error_of_whole_clusters():
    """Of 3 of 30 clusters of 2: as a simple sample of their means."""
    y = np.array([0.0, 1.0, 4.0, 6.0, 2.0, 2.0])
    found = mean(y, np.full(6, 0.1), cluster=[1, 1, 2, 2, 3, 3])
    assert found.se == pytest.approx(math.sqrt(0.9 * np.var([0.5, 5, 2], ddof=1) / 3))
    assert found.se > mean(y, np.full(6, 0.1)).se


def test_shares_have_intervals_near_their_ends():
    found = share([0] * 20, [0.1] * 20)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.1611, abs=1e-3)  # Wilson, 0 of 20
    half = share([1, 0] * 50, [0.001] * 100)
    assert (half.low, half.high) == pytest.approx((0.404, 0.596), abs=2e-3)  # Wilson, 50 of 100: .4038 to .5962
    some = share([1, 1, 0, 0], [0.5] * 4, among=[1, 1, 1, 0])
    assert some.value == pytest.approx(2 / 3)
    every = share([1, 1, 0], [1, 1, 1])
    assert every.value == every.low == every.high
    with pytest.raises(InputError, match=r"something \(1\) or not \(0\)"):
        share([2.0], [0.5])


def test_a_share_of_all_or_none_is_exact_however_the_numbers_lie_in_memory():
    rng = np.random.default_rng(0)
    for n in rng.integers(4, 30, 500):
        chance, columns = rng.uniform(0.02, 0.95, n), rng.choice([0, 1, 1 / 3, 1 / 7, 1 / 45], (n, 2))
        among = columns[:, 0]
        if among.any():
            for y, known in ((np.ones(n), 1.0), (np.zeros(n), 0.0)):
                found = share(y, chance, among=among)
                assert (found.value, found.se) == (known, 0)
                assert found.high - found.low > 0.1, "so few cannot tell so much"


def test_refusals():
    for chance in ([0.0, 1.0], [1.5, 1.0], [0.5]):
        with pytest.raises(InputError, match="probabilities above 0 and at most 1"):
            mean([1.0, 2.0], chance)
    with pytest.raises(InputError, match="a stratum, or cluster, for each of 2 units"):
        mean([1.0, 2.0], [0.5, 0.5], ["a"])


ROUNDS = 250


@pytest.fixture(scope="module")
def population():
    """5,000 units of which 14.5 % have something, and a model that is right about its doubts; see the benchmark."""
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 3.0, 5_000)
    return p, (rng.random(len(p)) < p).astype(float)


@pytest.mark.parametrize("design", ["simple", "proportional", "equal", "neyman", "uncertainty", "clusters"])
def test_weighted_shares_tell_of_all_units(population, design):
    """Unbiased within 3 Monte Carlo errors, intervals that hold 95 % of the time; plain shares of most are far off."""
    p, y = population
    strata = [f"{at}" for at in np.digitize(p, (0.1, 0.2, 0.4, 0.6))]
    spread = {name: math.sqrt(p[here].mean() * (1 - p[here].mean())) for name in set(strata)
              for here in [np.array([one == name for one in strata])]}  # fmt: skip
    chance = chances(uncertainty(np.column_stack([p, 1 - p])), 400, 0.3)
    of = {
        "simple": lambda seed: simple(len(y), 400, seed),
        "neyman": lambda seed: stratified(strata, 400, "neyman", spread, seed=seed),
        "uncertainty": lambda seed: draw(chance, seed=seed),
        "clusters": lambda seed: clusters([f"{row // 10}" for row in range(len(y))], 40, seed),
    }
    take = of.get(design, lambda seed: stratified(strata, 400, design, seed=seed))
    found = []
    for seed in range(ROUNDS):
        drawn = take(seed)
        got = y[drawn.rows]
        whole = {"cluster": drawn.stratum} if design == "clusters" else {"stratum": drawn.stratum or None}
        one = share(got, drawn.chance, **whole)
        found.append((one.value, one.se, one.low <= y.mean() <= one.high, got.mean()))
    values, errors, held, plain = np.array(found, float).T
    assert abs(values.mean() - y.mean()) < 3 * values.std() / math.sqrt(ROUNDS)
    assert errors.mean() == pytest.approx(values.std(), rel=0.15), "the error that a sample tells is the one it has"
    assert 0.91 <= held.mean() <= 0.985
    if design in ("equal", "neyman", "uncertainty"):
        assert plain.mean() > 1.35 * y.mean()
