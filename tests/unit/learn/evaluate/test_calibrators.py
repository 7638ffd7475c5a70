import json

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from studium.errors import InputError
from studium.learn.evaluate.calibrators import Isotonic, Platt, Temperature, restored
from studium.learn.evaluate.calibrators_fitted import calibrator, isotonic, platt, temperature
from studium.learn.evaluate.metrics import roc_auc
from studium.learn.evaluate.probabilities import log_loss, reliability

FITS = {"temperature": temperature, "platt": platt, "isotonic": lambda *given: isotonic(*given, fewest=5)}


def too_sure(n=5000, seed=0, times=2.5):
    """Probabilities of a model whose log-odds are so many times too high."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, n)
    return (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int), 1 / (1 + np.exp(-times * logit))


def too_sure_of_several(n=4000, k=4, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, (n, k))
    plain, sharp = (np.exp(times * scores) / np.exp(times * scores).sum(axis=1, keepdims=True) for times in (1, 2.5))
    return (plain.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1), sharp


def ece15(true, p):
    return reliability(true, p, bins=15).ece


@pytest.mark.parametrize("fit", FITS.values())
@pytest.mark.parametrize(
    ("true", "p", "says"),
    [
        ([], [], "got 0 of 0"),
        ([1], [0.5], "got 1 of 1"),
        ([0, 1, 0, 1], [0.5] * 4, "got 4 of 2"),
        ([1] * 9, [0.5] * 9, "got 9 of 1"),
        ([0, 1] * 4, [1.5] * 8, "from 0 to 1"),
        ([0, 2] * 4, [0.5] * 8, "whole numbers from 0 to 1"),
        ([0, 1] * 4, [[0.5, 0.6]] * 8, "have the sum 1"),
        ([0, 1] * 4, [0.5] * 7, r"\(8,\)"),
    ],
)
def test_what_cannot_be_calibrated_on(fit, true, p, says):
    with pytest.raises(InputError, match=says):
        fit(true, p)


def test_golden_temperature():
    """The specification: 2.482 of a true 2.5, and ECE of 15 bins from .131 to .0095, on a simulated set."""
    true, p = too_sure()
    found = temperature(true, p)
    assert found.temperature == pytest.approx(2.482, abs=0.05)
    assert ece15(true, p) == pytest.approx(0.131, abs=0.01)
    assert ece15(true, found(p)) == pytest.approx(0.0095, abs=0.004)
    assert roc_auc(true, found(p)) == roc_auc(true, p)


def test_it_is_the_minimum_of_the_loss():
    true, p = too_sure(500)
    heavy = np.random.default_rng(1).uniform(0.1, 3, 500)
    found = temperature(true, p, heavy).temperature
    least = log_loss(true, Temperature(found)(p), heavy)
    assert all(log_loss(true, Temperature(found * step)(p), heavy) > least for step in (0.99, 1.01))


def test_several_values():
    true, p = too_sure_of_several()
    found = temperature(true, p)
    assert found.temperature == pytest.approx(2.5, abs=0.1)
    for make in (found, platt(true, p), isotonic(true, p)):
        after = make(p)
        np.testing.assert_allclose(after.sum(axis=1), 1)
        assert ece15(true, after) < 0.1 * ece15(true, p)
    np.testing.assert_array_equal(found(p).argmax(axis=1), p.argmax(axis=1))


@pytest.mark.parametrize("name", FITS)
def test_two_values_are_one_probability(name):
    true, p = too_sure(1200)
    one = FITS[name](true, p)
    two = FITS[name](true, np.stack([1 - p, p], axis=1))
    np.testing.assert_allclose(two(np.stack([1 - p, p], axis=1))[:, 1], one(p), atol=1e-6)
    np.testing.assert_allclose(two(np.stack([1 - p, p], axis=1)).sum(axis=1), 1)


@pytest.mark.parametrize("name", FITS)
def test_weights_count_as_copies_do(name):
    true, p = too_sure(800)
    times = 1 + np.arange(800) % 3
    weighted, copied = FITS[name](true, p, 0.01 * times), FITS[name](np.repeat(true, times), np.repeat(p, times))
    close = 0.005 if name == "platt" else 1e-5  # Platt's targets know how many cases weights are worth
    np.testing.assert_allclose(weighted(p), copied(p), atol=close)
    few = np.append(true, 0), np.append(p, 0.999), np.append(np.ones(800), 0.0)
    np.testing.assert_allclose(FITS[name](*few)(p), FITS[name](true, p)(p), atol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_order_never_turns_round(name):
    rng = np.random.default_rng(0)
    p = rng.random(300)
    make = FITS[name]((p < 0.5).astype(int), p)  # a model that is always wrong
    assert (np.diff(make(np.linspace(0, 1, 101))) >= -1e-12).all()


def test_steps_are_scikit_learns():
    true, p = too_sure(1500)
    heavy = 1.0 + np.arange(1500) % 4
    plain = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, true, heavy)
    at = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(isotonic(true, p, heavy, fewest=500)(at), plain.predict(at), atol=1e-12)


def test_steps_need_a_thousand_cases_unless_fewer_are_asked_for():
    true, p = too_sure(2000)
    assert ece15(true, isotonic(true, p)(p)) < 0.01
    for few in (
        lambda: isotonic(true[:999], p[:999]),
        lambda: isotonic(true, p, groups=np.arange(2000) // 3),
        lambda: isotonic(true, p, np.where(np.arange(2000) < 100, 100.0, 1.0)),
    ):
        with pytest.raises(InputError, match="isotonic steps need 1000 cases, these units are worth"):
            few()
    assert isinstance(isotonic(true[:50], p[:50], fewest=50), Isotonic)


def test_a_line_holds_back_where_all_is_clear():
    """Ten units that are told apart: Platt's targets keep probabilities from 0 and 1."""
    found = platt([0] * 5 + [1] * 5, [0.4] * 5 + [0.6] * 5)
    assert found([0.4, 0.6]).tolist() == [pytest.approx(1 / 7, abs=1e-3), pytest.approx(6 / 7, abs=1e-3)]
    assert 1 / 20 <= temperature([0] * 5 + [1] * 5, [0.4] * 5 + [0.6] * 5).temperature < 0.051


def test_certainties_stay_finite():
    p = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    true = [0, 0, 1, 1, 1, 0]
    for name in ("temperature", "platt"):
        assert np.isfinite(FITS[name](true, p)(p)).all()
        assert 0 < FITS[name](true, p)(p)[0] < FITS[name](true, p)(p)[2] < 1


def test_a_value_without_units_and_rows_without_a_chance():
    p = np.tile([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]], (5, 1))
    found = isotonic([0, 1] * 5, p, fewest=5)
    assert found.becomes[2] == (0.0, 1.0)
    np.testing.assert_allclose(found([[0.2, 0.2, 0.6]]), [[0, 0, 1]])
    np.testing.assert_allclose(found(p).sum(axis=1), 1)
    none = Isotonic(((0.0, 0.5, 1.0),) * 3, ((0.0, 0.0, 1.0),) * 3)
    np.testing.assert_allclose(none([[0.4, 0.3, 0.3]]), [[0.4, 0.3, 0.3]])


@pytest.mark.parametrize("name", FITS)
def test_they_are_json(name):
    for true, p in (too_sure(1200), too_sure_of_several(1200)):
        made = calibrator(name, true, p)
        back = restored(json.loads(json.dumps(made.told())))
        assert back == made
        np.testing.assert_array_equal(back(p), made(p))
        assert made(p[:0]).shape == p[:0].shape


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"method": "magic"},
        {"method": "temperature"},
        {"method": "temperature", "temperature": -1},
        {"method": "temperature", "temperature": float("nan")},
        {"method": "platt", "slope": [1], "shift": [1, 2]},
        {"method": "platt", "slope": [-1], "shift": [1]},
        {"method": "platt", "slope": ["x"], "shift": [1]},
        {"method": "isotonic", "p": [[0, 1]], "becomes": [[1, 0]]},
        {"method": "isotonic", "p": [[0, 1]], "becomes": [[0]]},
        {"method": "isotonic", "p": [[0, 2]], "becomes": [[0, 1]]},
        {"method": "isotonic", "p": [[]], "becomes": [[]]},
    ],
)
def test_what_is_no_calibrator(told):
    with pytest.raises(InputError, match="this is no calibrator"):
        restored(told)


def test_calibrators_by_name_and_of_other_widths():
    with pytest.raises(InputError, match="one of temperature, platt, isotonic; got 'beta'"):
        calibrator("beta", [0, 1], [0.1, 0.9])
    with pytest.raises(InputError, match="of 1 values, got probabilities of shape"):
        Platt((1.0,), (0.0,))([[0.2, 0.3, 0.5]])
