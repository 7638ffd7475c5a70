"""Shares of groups: known answers, and intervals that cover where faces come in pictures."""

import numpy as np
import pytest

from studium.core.interval import wilson
from studium.errors import InputError
from studium.explore.representation import age_bands, age_probabilities, band_names, shares


def test_none():
    found = shares(np.empty((0, 2)), [])
    assert np.isnan(found.share).all()
    assert np.isnan(found.low).all()
    assert found.method == ("", "")


def test_one_face_in_each_picture_is_wilsons():
    """Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3."""
    for k, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]:
        found = shares((np.arange(n) < k)[:, None], np.arange(n))
        assert found.share[0] == pytest.approx(k / n)
        assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=5e-5)
        assert found.method == ("wilson",)


def test_many_groups_sum_to_one_and_are_the_same_every_time():
    rng = np.random.default_rng(2)
    members, clusters = np.eye(3)[rng.integers(0, 3, 90)], rng.integers(0, 30, 90)
    found, again = (shares(members, clusters, seed=4) for _ in range(2))
    assert found.share.sum() == pytest.approx(1)
    assert found.method == ("bootstrap",) * 3
    np.testing.assert_array_equal(found.low, again.low)
    assert (shares(members, clusters, seed=5).low != found.low).any()
    assert np.isfinite(shares(members, clusters, seed=-5).low).all()
    assert (found.low < found.share).all()
    assert (found.share < found.high).all()
    names = np.array([f"picture {number}" for number in clusters])
    order = rng.permutation(90)
    np.testing.assert_allclose(shares(members[order], names[order], seed=4).share, found.share)


def test_copies_of_a_face_in_the_same_picture_add_nothing():
    """Ten frames of each video say no more than one, whatever their number makes Wilson's interval believe."""
    one = np.eye(2)[(np.arange(40) % 4 > 0).astype(int)]
    tenfold, videos = np.repeat(one, 10, axis=0), np.repeat(np.arange(40), 10)
    found, single = shares(tenfold, videos), shares(one, np.arange(40))
    np.testing.assert_allclose(found.share, single.share)
    width, naive = (found.high - found.low)[0], np.diff(wilson(0.25, 400))[0]
    assert width == pytest.approx((single.high - single.low)[0], rel=0.1)
    assert width > 2.5 * naive


def test_intervals_cover_where_faces_come_in_pictures():
    """95 % intervals hold the truth in about 95 % of 300 studies of 60 pictures; Wilson's, over faces, far less."""
    rng = np.random.default_rng(7)
    covered = naive = 0
    for study in range(300):
        clusters = np.repeat(np.arange(60), rng.integers(1, 9, 60))
        chance = rng.beta(0.6, 1.4, 60)[clusters]  # mean .3
        woman = (rng.random(len(clusters)) < chance)[:, None]
        found = shares(woman, clusters, seed=study, draws=400)
        low, high = wilson(found.share, len(clusters))[0]
        covered += found.low[0] <= 0.3 <= found.high[0]
        naive += low <= 0.3 <= high
    assert 0.90 <= covered / 300 <= 0.98
    assert naive / 300 < 0.85


def test_weights_are_areas():
    found = shares([[1, 0], [0, 1], [0, 1]], ["a", "b", "c"], weights=[0.6, 0.1, 0.1])
    np.testing.assert_allclose(found.share, [0.75, 0.25])
    assert found.method == ("bootstrap", "bootstrap")
    assert np.isnan(shares([[1.0]], ["a"], weights=[0.0]).share).all()


def test_what_weighs_nothing_takes_no_part():
    members, weights = np.eye(2)[[0, 1, 1, 0, 0]], [2, 1, 1, 0, 0]
    found, without = shares(members, np.arange(5), weights), shares(members[:3], np.arange(3), weights[:3])
    np.testing.assert_array_equal([found.low, found.high], [without.low, without.high])


def test_none_of_a_group_is_no_certainty():
    found = shares(np.eye(2)[np.zeros(30, int)], np.repeat(np.arange(10), 3))
    assert found.share.tolist() == [1, 0]
    np.testing.assert_allclose([found.low[1], found.high[1]], wilson(0, 10))
    assert found.method == ("wilson", "wilson")


def test_one_picture_gives_no_interval():
    found = shares([[1, 0], [0, 1]], ["a", "a"])
    assert found.share.tolist() == [0.5, 0.5]
    assert np.isnan(found.low).all()
    assert found.method == ("", "")


def test_probabilities_count_in_part():
    found = shares([[0.9, 0.1], [0.5, 0.5]], [1, 2])
    np.testing.assert_allclose(found.share, [0.7, 0.3])
    assert found.method == ("bootstrap", "bootstrap")


@pytest.mark.parametrize(
    ("members", "clusters", "weights"),
    [
        ([1, 0], [1, 2], None),
        ([[1], [0]], [1], None),
        ([[1], [0]], [1, 2], [1]),
        ([[2], [0]], [1, 2], None),
        ([[np.nan], [0]], [1, 2], None),
        ([[1], [0]], [1, 2], [1, -1]),
        ([[1], [0]], [1, 2], [1, np.nan]),
    ],
)
def test_what_does_not_fit_is_refused(members, clusters, weights):
    with pytest.raises(InputError, match=r"expected n x k|should lie"):
        shares(members, clusters, weights)


def test_bands():
    assert band_names((18, 30)) == ("0-17", "18-29", "30+")
    assert age_bands([0.25, 17.99, 18, 29.9, 30, 80], (18, 30)).tolist() == [0, 0, 1, 1, 2, 2]
    for edges in [(), (30, 18), (0, 18), (18, 18), (18.5, 30), ("18",)]:
        with pytest.raises(InputError, match="rising"):
            band_names(edges)


def test_ages_with_a_spread_fall_into_several_bands():
    found = age_probabilities([30, 30, 24, 18, 90], [10, 0, 3, 0, 5], (18, 30))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[0], [0.11507, 0.38493, 0.5], atol=1e-5)  # z of -1.2 and 0
    assert found[1].tolist() == [0, 0, 1]
    np.testing.assert_allclose(found[2], [0.02275, 0.95450, 0.02275], atol=1e-5)
    assert found[3].tolist() == [0, 1, 0]
    assert age_probabilities([], [], (18, 30)).shape == (0, 3)
