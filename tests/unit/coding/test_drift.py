"""A coder over time: the textbook's trend, and every edge."""

import math

import numpy as np
import pytest

from studium.coding.drift import agreeing, apart, drift, trend
from studium.errors import InputError


def test_nothing():
    assert agreeing([], []).shape == (0,)
    found = drift([])
    assert (found.units, found.blocks) == (0, ())
    assert "a trend needs 20" in found.reason
    assert all(map(math.isnan, trend([], [])))


def test_the_trend_of_a_textbook():
    """Alcohol and malformation: Agresti (2002), Categorical Data Analysis, section 3.4: z^2 = 6.57, p = .010."""
    without, having = (17066, 14464, 788, 126, 37), (48, 38, 5, 1, 1)
    dose = (0, 0.5, 1.5, 4, 7)
    scores = np.repeat(dose + dose, without + having)
    cases = np.repeat([0, 1], [sum(without), sum(having)])
    z, p = trend(cases, scores)
    assert z**2 == pytest.approx(6.57, abs=0.005)
    assert p == pytest.approx(0.0104, abs=5e-5)
    assert trend(1 - cases, scores)[0] == pytest.approx(-z)


def test_agreeing_is_with_those_who_coded():
    assert agreeing(["a", "b", None], [["a", "a", "a"], [None, "b", "a"]]).tolist()[:2] == [1, 0.5]
    assert np.isnan(agreeing(["a"], [[None]])).all()
    assert apart([3.0, None], [[1.0, 2.0], [2.0, 2.0]]).tolist()[0] == 1.5
    with pytest.raises(InputError, match="the same units"):
        agreeing(["a"], [["a", "b"]])


def test_a_coder_who_tires_is_found():
    rng = np.random.default_rng(0)
    fading = rng.random(200) < np.linspace(0.95, 0.6, 200)
    found = drift(fading)
    assert found.p < 0.001
    assert found.z < 0 > found.slope
    assert [(one.first, one.last) for one in found.blocks] == [(1, 40), (41, 80), (81, 120), (121, 160), (161, 200)]
    assert all(one.low < one.value < one.high for one in found.blocks)
    assert found.blocks[0].value == pytest.approx(fading[:40].mean())


def test_a_steady_coder_is_suspected_as_often_as_the_level_says():
    rng = np.random.default_rng(1)
    p = [drift(rng.random(100) < 0.8).p for _ in range(1000)]
    assert 0.03 < np.mean(np.array(p) < 0.05) < 0.07


def test_numbers_have_a_mean_difference():
    rng = np.random.default_rng(2)
    found = drift(rng.normal(0, 1, 150) + np.linspace(0, 2, 150), shares=False)
    assert found.p < 1e-6
    assert found.blocks[-1].value - found.blocks[0].value == pytest.approx(1.6, abs=0.6)
    assert found.blocks[-1].high > 1, "no share"


def test_few_units_have_fewer_blocks():
    assert len(drift([1, 0] * 12).blocks) == 2
    assert not drift([1] * 19).blocks
    same = drift([1.0] * 40)
    assert (same.reason, math.isnan(same.p)) == ("all values are the same", True)
    assert same.blocks[0].high == 1
    with pytest.raises(InputError, match="at least 2 blocks"):
        drift([1] * 50, blocks=1)
