"""Wilson's interval against published examples, and by its own definition."""

import numpy as np
import pytest

from studium.core.interval import Z, wilson
from studium.errors import InputError


def test_none():
    assert wilson([], 5).shape == (0, 2)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)]
)
def test_published(k, n, low, high):
    """Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3."""
    np.testing.assert_allclose(wilson(k / n, n), [low, high], atol=5e-5)
    np.testing.assert_allclose(wilson(1 - k / n, n), [1 - high, 1 - low], atol=5e-5)


def test_its_ends_are_where_the_score_test_gives_way():
    share = np.linspace(0.05, 0.95, 7)
    ends = wilson(share, 12)
    z = (share[:, None] - ends) / np.sqrt(ends * (1 - ends) / 12)
    np.testing.assert_allclose(z, np.tile([Z, -Z], (7, 1)))


def test_nothing_and_everything_are_exact_and_the_unknown_stays_unknown():
    found = wilson([[0, 1, np.nan]], 7)
    assert found.shape == (1, 3, 2)
    assert found[0, 0, 0] == 0
    assert found[0, 1, 1] == 1
    assert np.isnan(found[0, 2]).all()


@pytest.mark.parametrize(("share", "n"), [(0.5, 0), (1.1, 5), ([-0.1, 0.5], 5)])
def test_what_has_no_interval(share, n):
    with pytest.raises(InputError, match="at least one case"):
        wilson(share, n)
