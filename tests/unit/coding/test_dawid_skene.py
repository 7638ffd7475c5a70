"""Dawid and Skene's own data, simulated coders of known confusion, and every edge."""

import numpy as np
import pytest

from studium.coding.dawid_skene import DawidSkene
from studium.errors import InputError

# Dawid & Skene (1979), table 1: fitness of 45 patients; the first of five anaesthetists judged thrice
PATIENTS = """
111 1 1 1 1  333 4 3 3 4  112 2 1 2 2  222 3 1 2 1  222 3 2 2 2  222 3 3 2 2  122 2 1 1 1  333 3 4 3 3  222 2 2 2 3
232 2 2 2 3  444 4 4 4 4  222 3 3 4 3  111 1 1 1 1  222 3 2 1 2  121 1 1 1 1  111 2 1 1 1  111 1 1 1 1  111 1 1 1 1
222 2 2 2 1  222 1 3 2 2  222 2 2 2 2  222 2 2 2 1  222 3 2 2 2  221 2 2 2 2  111 1 1 1 1  111 1 1 1 1  232 2 2 2 2
111 1 1 1 1  111 1 1 1 1  112 1 1 2 1  111 1 1 1 1  333 3 2 3 3  111 1 1 1 1  222 2 2 2 2  222 3 2 3 2  433 4 3 4 3
221 2 2 3 2  232 3 2 3 3  333 3 4 3 2  111 1 1 1 1  111 1 1 1 1  121 2 1 1 1  232 2 2 2 2  121 1 1 1 1  222 2 2 2 2
""".split()
CODES = np.array([(at // 5, at % 5, int(code) - 1) for at, cell in enumerate(PATIENTS) for code in cell], np.int64).T


def simulated(confusion, n, per_unit, seed=0, shares=None):
    """True categories, and (unit, coder, code) of ``per_unit`` drawn coders for each unit."""
    rng, k = np.random.default_rng(seed), confusion.shape[1]
    truth = rng.choice(k, n, p=shares)
    rows = [
        (unit, coder, rng.choice(k, p=confusion[coder, truth[unit]]))
        for unit in range(n)
        for coder in rng.choice(len(confusion), per_unit, replace=False)
    ]
    return truth, np.array(rows).T


def plainly(units, coders, codes, k, steps):
    """EM written with products over cells, as in the paper; the posteriors and shares after so many steps."""
    counts = np.zeros((units.max() + 1, coders.max() + 1, k))
    np.add.at(counts, (units, coders, codes), 1)
    posteriors = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    for _ in range(steps):
        shares = posteriors.mean(axis=0)
        said = np.einsum("it,ics->cts", posteriors, counts)
        confusion = said / said.sum(axis=2, keepdims=True)
        joint = shares * np.prod(confusion[None] ** counts[:, :, None, :], axis=(1, 3))
        posteriors = joint / joint.sum(axis=1, keepdims=True)
    return posteriors, shares, confusion, np.log(joint.sum(axis=1)).sum()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (([], [], [], 2), "expected a unit, a coder and a category for every code, got 0, 0 and 0"),
        (([0], [0], [0], 2), "no unit was coded by two coders"),
        (([0, 0], [0, 0], [0, 1], 2), "no unit was coded by two coders"),
        (([0, 0], [0, 1], [0], 2), "got 2, 2 and 1"),
        (([0, 0], [0, 1], [0, 2], 2), "categories from 0 to 1, got 2"),
        (([0, 0], [0, 1], [0, -1], 2), "codes should be whole numbers from 0"),
        (([0, 0], [0, 1], [0.0, np.nan], 2), "codes should be whole numbers"),
        (([0, 0], [0, 1], [0, 0], 1), "at least 2, got 1"),
        (([["a"]], [0], [0], 2), "units should be whole numbers"),
    ],
)
def test_codes_that_tell_nothing_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        DawidSkene()(*given)


@pytest.mark.parametrize(
    "settings", [{"smoothing": -1}, {"smoothing": np.nan}, {"steps": 0}, {"tolerance": 0}, {"tolerance": 1}]
)
def test_impossible_settings(settings):
    with pytest.raises(InputError, match="expected smoothing >= 0"):
        DawidSkene(**settings)


def test_the_published_example():
    found = DawidSkene(smoothing=0)(*CODES, 4)
    assert found.shares == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.005)
    assert found.confusion[0] == pytest.approx(
        np.array([[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]), abs=0.006
    )
    posteriors, shares, confusion, likelihood = plainly(*CODES, 4, len(found.history))
    assert found.posteriors == pytest.approx(posteriors, abs=1e-12)
    assert found.shares == pytest.approx(shares, abs=1e-12)
    assert found.confusion == pytest.approx(confusion, abs=1e-12)
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-9) == pytest.approx(-192.890881, abs=1e-4)
    assert found.converged
    assert found.history[-1] == found.log_likelihood
    assert found.told == {"log_likelihood": found.log_likelihood, "steps": len(found.history), "converged": 1}


@pytest.mark.parametrize("smoothing", [0, 0.1, 2])
def test_no_step_makes_it_worse(smoothing):
    found = DawidSkene(smoothing=smoothing)(*CODES, 4)
    assert np.diff(found.history).min() > -1e-9
    assert found.posteriors.sum(axis=1) == pytest.approx(np.ones(45))
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((5, 4)))


def test_it_says_when_the_steps_ran_out():
    assert not DawidSkene(steps=2)(*CODES, 4).converged
    assert len(DawidSkene(steps=2)(*CODES, 4).history) == 2


def test_known_confusion_is_recovered_and_beats_the_majority():
    confusion = np.array(
        [
            [[0.95, 0.05], [0.10, 0.90]],  # good
            [[0.90, 0.10], [0.05, 0.95]],  # good
            [[0.55, 0.45], [0.05, 0.95]],  # finds it everywhere
            [[0.50, 0.50], [0.50, 0.50]],  # guesses
            [[0.15, 0.85], [0.80, 0.20]],  # has read the codebook upside down
        ]
    )
    truth, codes = simulated(confusion, 1500, 5, shares=[0.7, 0.3])
    found = DawidSkene()(*codes, 2)
    assert found.converged
    assert found.confusion == pytest.approx(confusion, abs=0.06)
    assert found.shares == pytest.approx([0.7, 0.3], abs=0.03)
    votes = np.bincount(codes[0], codes[2]) > 2.5
    right, majority = np.mean(found.posteriors.argmax(axis=1) == truth), np.mean(votes == truth)
    assert right > 0.96
    assert right - majority > 0.1


def test_many_categories_coders_and_few_codes_of_each_unit():
    rng = np.random.default_rng(5)
    confusion = np.array([0.75 * np.eye(4) + 0.25 * rng.dirichlet(np.ones(4), 4) for _ in range(12)])
    truth, codes = simulated(confusion, 2000, 4, seed=1)
    found = DawidSkene()(*codes, 4)
    assert found.confusion == pytest.approx(confusion, abs=0.12)
    sure = found.posteriors.max(axis=1)
    assert np.mean(found.posteriors.argmax(axis=1) == truth) == pytest.approx(sure.mean(), abs=0.02), "it is calibrated"


def test_what_nobody_coded_or_saw():
    found = DawidSkene(smoothing=0)([0, 0, 2, 2], [0, 2, 0, 2], [0, 0, 1, 1], 3)
    assert found.posteriors.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]], "of unit 1 nothing is known"
    assert found.shares.tolist() == [0.5, 0.5, 0]
    assert (found.confusion[1] == 1 / 3).all(), "coder 1 coded nothing"
    assert found.confusion[0].tolist() == [[1, 0, 0], [0, 1, 0], [1 / 3] * 3]
    one = DawidSkene()([0, 0, 1], [0, 1, 1], [1, 1, 1], 2)
    assert (one.posteriors[:, 1] > 0.8).all(), "all said the same"


def test_the_order_of_codes_and_names_of_categories_do_not_count():
    shuffled = np.random.default_rng(0).permutation(CODES.shape[1])
    found, again = DawidSkene()(*CODES, 4), DawidSkene()(*CODES[:, shuffled], 4)
    assert again.posteriors == pytest.approx(found.posteriors, abs=1e-9)
    turned = DawidSkene()(CODES[0], CODES[1], 3 - CODES[2], 4)
    assert turned.posteriors[:, ::-1] == pytest.approx(found.posteriors, abs=1e-9)


def test_smoothing_keeps_it_from_being_too_sure_of_few_units():
    confusion = np.array([[[1 - e, e], [e, 1 - e]] for e in (0.05, 0.15, 0.35)])
    losses = {0: [], 0.5: []}
    for seed in range(15):
        truth, codes = simulated(confusion, 60, 3, seed, shares=[0.8, 0.2])
        for smoothing, loss in losses.items():
            own = DawidSkene(smoothing)(*codes, 2).posteriors[np.arange(60), truth]
            loss.append(-np.log(np.maximum(own, 1e-6)).mean())
    assert np.mean(losses[0.5]) < 0.5 * np.mean(losses[0])
    few = DawidSkene()([0, 0, 1, 1, 2], [0, 1, 0, 1, 1], [1, 1, 0, 0, 1], 2)
    assert few.posteriors.argmax(axis=1).tolist() == [1, 0, 1]
