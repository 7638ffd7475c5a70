"""Simple, stratified, whole clusters, purposive: as many as asked for, with the chances that are told."""

import numpy as np
import pytest

from studium.coding.sample import allocate, binned, clusters, purposive, simple, stratified
from studium.errors import InputError


def test_nothing_to_draw():
    with pytest.raises(InputError, match="from 1 to 0 units"):
        simple(0, 1)
    with pytest.raises(InputError, match="from 1 to 3 units to draw, got 4"):
        simple(3, 4)
    with pytest.raises(InputError, match="strata"):
        stratified([], 1)
    with pytest.raises(InputError, match="from 1 to 2 clusters to draw, got 3"):
        clusters(["a", "b", "b"], 3)
    for rows in ([], [1, 1]):
        with pytest.raises(InputError, match="each once"):
            purposive(rows)


def test_simple():
    found = simple(1000, 200, 5)
    assert len(np.unique(found.rows)) == 200
    assert (found.rows == np.sort(found.rows)).all()
    np.testing.assert_array_equal(found.chance, np.full(200, 0.2))
    assert (found.frame, found.seed) == (1000, 5)
    np.testing.assert_array_equal(found.rows, simple(1000, 200, 5).rows)
    assert set(found.rows) != set(simple(1000, 200, 6).rows)
    often = np.bincount(np.concatenate([simple(10, 3, seed).rows for seed in range(2000)]))
    np.testing.assert_allclose(often / 2000, 0.3, atol=0.04)
    np.testing.assert_array_equal(simple(4, 4).rows, range(4))


@pytest.mark.parametrize(
    ("sizes", "n", "how", "spread", "expected"),
    [
        ([600, 300, 100], 50, "proportional", None, [30, 15, 5]),
        ([50, 30, 20], 7, "proportional", None, [3, 2, 2]),  # 3.5, 2.1, 1.4: the smallest gets its two
        ([53, 27, 20], 11, "proportional", None, [6, 3, 2]),  # 5.83, 2.97, 2.2: the largest remainders
        ([600, 300, 100], 50, "equal", None, [17, 17, 16]),
        ([600, 5, 100], 60, "equal", None, [28, 5, 27]),  # no more than there are
        ([700, 200, 100], 50, "neyman", [0.1, 0.3, 0.5], [19, 17, 14]),  # as 70 : 60 : 50
        ([900, 100], 100, "neyman", [0.0, 1.0], [2, 98]),  # the least, though nothing varies
        ([990, 10], 100, "neyman", [0.01, 100.0], [90, 10]),  # all of a small one that varies much
        ([1, 1, 5], 4, "proportional", None, [1, 1, 2]),
        ([3, 4], 7, "equal", None, [3, 4]),
    ],
)
def test_allocations(sizes, n, how, spread, expected):
    found = allocate(sizes, n, how, spread)
    assert found.tolist() == expected
    assert found.sum() == n


def test_allocations_that_cannot_be():
    for n in (5, 71):
        with pytest.raises(InputError, match=r"from 6 units \(2 of each of 3 strata, where they have them\) to 70"):
            allocate([40, 20, 10], n)
    with pytest.raises(InputError, match="allocation should be one of"):
        allocate([5], 3, "optimal")
    for how, spread in (("neyman", None), ("equal", [1.0])):
        with pytest.raises(InputError, match="a spread belongs to the allocation neyman"):
            allocate([5], 3, how, spread)
    for spread in ([0.0, 0.0], [1.0], [np.nan, 1.0], [-1.0, 1.0]):
        with pytest.raises(InputError, match="expected a spread of 0 or more"):
            allocate([5, 5], 4, "neyman", spread)


def test_allocations_always_have_the_sum_and_keep_their_bounds():
    rng = np.random.default_rng(0)
    for _ in range(300):
        sizes = rng.integers(1, 200, rng.integers(1, 12))
        least = np.minimum(2, sizes)
        n = int(rng.integers(least.sum(), sizes.sum() + 1))
        for how in ("proportional", "equal", "neyman"):
            spread = (rng.random(len(sizes)) ** 4 + 1e-6).tolist() if how == "neyman" else None
            found = allocate(sizes.tolist(), n, how, spread)
            assert found.sum() == n
            assert ((found >= least) & (found <= sizes)).all()


def test_stratified():
    strata = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    found = stratified(strata, 20, "equal", seed=3)
    assert {name: (one.units, one.drawn) for name, one in found.strata.items()} == {
        "a": (60, 7), "b": (30, 7), "c": (10, 6)
    }  # fmt: skip
    assert [strata[row] for row in found.rows] == list(found.stratum)
    told = {name: found.chance[np.array(found.stratum) == name] for name in "abc"}
    np.testing.assert_allclose(told["a"], 7 / 60)
    np.testing.assert_allclose(told["c"], 6 / 10)
    assert found.weights.sum() == pytest.approx(100), "it stands for all"
    assert len(set(found.rows.tolist())) == 20
    again = stratified(strata, 20, "equal", seed=3)
    np.testing.assert_array_equal(found.rows, again.rows)
    often = np.zeros(100)
    for seed in range(600):
        often[stratified(strata, 20, "equal", seed=seed).rows] += 1
    np.testing.assert_allclose(often / 600, np.repeat([7 / 60, 7 / 30, 6 / 10], [60, 30, 10]), atol=0.1)


def test_of_near_duplicates_one_is_drawn():
    groups = ["g"] * 6 + [None] * 24
    for seed in range(30):
        found = stratified(["a"] * 15 + ["b"] * 15, 12, groups=groups, seed=seed)
        assert (found.rows < 6).sum() <= 1
        assert found.strata["a"].units == 15


def test_whole_clusters():
    names = ["x"] * 5 + ["y"] * 3 + ["z"] * 2 + ["w"]
    found = clusters(names, 2, seed=1)
    assert len(set(found.stratum)) == 2
    assert found.rows.tolist() == [row for row, name in enumerate(names) if name in found.stratum]
    np.testing.assert_allclose(found.chance, 0.5)
    assert sum(one.drawn for one in found.strata.values()) == len(found.rows)
    assert sum(one.units for one in found.strata.values()) == len(names)


def test_purposive_stands_for_itself():
    found = purposive([7, 2])
    assert found.rows.tolist() == [2, 7]
    assert (found.frame, found.chance.tolist()) == (2, [1, 1])


def test_numbers_become_strata():
    assert binned([], 4) == []
    assert binned([None, np.nan]) == [None, None]
    assert binned([5.0] * 6) == ["5 to 5"] * 6
    found = binned([*range(100), None], 4)
    assert found[-1] is None
    assert sorted({one for one in found if one}) == ["0 to 24", "25 to 49", "50 to 74", "75 to 99"]
    assert [found.count(one) for one in sorted(set(found[:-1]))] == [25] * 4
    assert len(set(binned([0.0] * 90 + [*np.linspace(0.1, 1, 10)], 4))) == 2, "equal numbers stay together"
    with pytest.raises(InputError, match="at least 2 bins"):
        binned([1.0], 1)
