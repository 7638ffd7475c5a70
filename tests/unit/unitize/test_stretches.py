"""Stretches for a recogniser: what is cut where, on made-up probabilities."""

import numpy as np
import pytest

from studium.measure.voice import STEP, Step
from studium.unitize.stretches import LONGEST, Cutter, Stretch

MARGIN, GAP = 12, 62


def cut(*runs):
    """(first step, steps) of the stretches of (probability, how many) ...; every step holds its own number."""
    values = [value for value, count in runs for _ in range(count)]
    heard = [Step(np.full(STEP, number, np.float32), value) for number, value in enumerate(values)]
    cutter = Cutter()
    taken = []
    for step in heard:
        if stretch := cutter.take(step):
            taken.append(stretch)
        assert len(cutter._open) < LONGEST
    if last := cutter.finish():
        taken.append(last)
    for stretch in taken:
        first = stretch.start // STEP
        assert np.array_equal(stretch.samples[::STEP], np.arange(first, first + len(stretch.steps)))
    return [(stretch.start // STEP, len(stretch.steps)) for stretch in taken]


def test_nothing():
    assert cut() == []
    assert cut((0.49, 2000)) == []


def test_one_stretch_has_a_margin():
    assert cut((0, 100), (1, 50), (0, 100)) == [(100 - MARGIN, MARGIN + 50 + MARGIN)]


def test_margins_end_with_the_sound():
    assert cut((0, 3), (1, 50), (0, 5)) == [(0, 58)]
    assert cut((1, 50), (0, 40)) == [(0, 50 + MARGIN)]


def test_a_silence_of_two_seconds_cuts():
    assert cut((1, 50), (0, GAP - 1), (1, 50)) == [(0, 50 + GAP - 1 + 50)]
    assert cut((1, 50), (0, GAP), (1, 50)) == [(0, 50 + MARGIN), (50 + GAP - MARGIN, MARGIN + 50)]


def test_speech_without_end_is_cut_where_it_is_least_like_speech():
    (first, second) = cut((1, 600), (0.4, 8), (0.9, 600))
    assert first == (0, 604)
    assert second == (604, 604)


def test_speech_that_never_falls_off_is_cut_after_30_seconds():
    stretches = cut((1, 3 * LONGEST))
    assert sum(steps for _, steps in stretches) == 3 * LONGEST
    assert max(steps for _, steps in stretches) <= LONGEST
    assert len(stretches) == 4


def test_a_silence_in_the_second_half_is_left_out_when_it_grows_long():
    before = LONGEST - 40
    stretches = cut((1, before), (0, 100), (1, 50), (0, 10))
    assert stretches[0][0] == 0
    assert before <= stretches[0][1] <= before + MARGIN + 30
    assert stretches[-1] == (before + 100 - MARGIN, MARGIN + 50 + 10)


@pytest.mark.parametrize("seed", range(20))
def test_every_voiced_step_is_in_one_stretch_and_no_more_is_held(seed):
    rng = np.random.default_rng(seed)
    runs = [(rng.choice([0.0, 0.1, 0.4, 0.6, 1.0]), int(rng.integers(1, 150))) for _ in range(60)]
    values = np.array([value for value, count in runs for _ in range(count)])
    stretches = cut(*runs)
    covered = np.zeros(len(values), int)
    for first, steps in stretches:
        assert 0 <= steps <= LONGEST
        covered[first : first + steps] += 1
    assert (covered[values >= 0.5] == 1).all()
    assert covered.max() <= 1


def whole(*values):
    return Stretch(0, tuple(Step(np.zeros(STEP, np.float32), value) for value in values))


def test_probabilities_between_two_times():
    stretch = whole(0.5, 0.6, 0.7, 0.8)
    assert list(stretch.between(0, 0.032)) == [0.5]
    assert list(stretch.between(0.032, 0.065)) == [0.6, 0.7]
    assert list(stretch.between(0.1, 9)) == [0.8]
    assert list(stretch.between(9, 9)) == [0.8]


def test_silence_at_the_ends_is_trimmed():
    stretch = whole(0, 0, 1, 0, 1, 0)
    assert stretch.trimmed(0, 6 * 0.032) == (2 * 0.032, 5 * 0.032)
    assert stretch.trimmed(0.08, 0.15) == (0.08, 0.15)
    assert stretch.trimmed(0.01, 0.08) == (0.064, 0.08)
    assert stretch.trimmed(0.01, 0.05) == (0.01, 0.05)
    assert stretch.trimmed(9, 9) == (9, 9)
