"""Where decoded sound is put: gaps, overlaps, time stamps that cannot be true."""

import numpy as np
import pytest

from studium.media.timeline import LONGEST_GAP, Piece, on_grid, resampled, runs


def heard(*pieces: tuple[float | None, float], whole: bool = True) -> list[tuple[float, float]]:
    """Start and length in seconds of each run of pieces of (time, seconds) at 8 kHz."""
    made = [Piece(time, 8000, np.zeros(round(seconds * 8000), np.float32)) for time, seconds in pieces]
    return [(start, sum(map(len, arrays)) / rate) for start, rate, arrays in runs(made, whole)]


def test_nothing() -> None:
    assert heard() == []


def test_pieces_that_follow_each_other_are_one_run() -> None:
    assert heard((0.5, 1.0)) == [(0.5, 1.0)]
    assert heard((0.5, 1.0), (1.5, 1.0), (2.5, 0.25)) == [(0.5, 2.25)]
    assert heard((0.0, 1.0), (1.02, 1.0), (None, 1.0), (2.99, 1.0)) == [(0.0, 4.0)]


def test_jumps_that_the_next_piece_confirms_begin_a_run() -> None:
    assert heard((0.0, 1.0), (3.0, 1.0), (4.0, 1.0)) == [(0.0, 1.0), (3.0, 2.0)]
    assert heard((0.0, 1.0), (0.5, 1.0), (1.5, 1.0)) == [(0.0, 1.0), (0.5, 2.0)]


def test_one_wrong_time_stamp_is_passed_over() -> None:
    for wrong in (300.0, -300.0, 3.0, 0.2):
        assert heard((0.0, 1.0), (wrong, 1.0), (2.0, 1.0), (3.0, 1.0)) == [(0.0, 4.0)]


def test_nonsense_leaves_the_sound_where_it_is(caplog: pytest.LogCaptureFixture) -> None:
    far = LONGEST_GAP + 5
    assert heard((0.0, 1.0), (1 + far, 1.0), (2 + far, 1.0), (4 + far, 1.0), (5 + far, 1.0)) == [(0.0, 3.0), (4.0, 2.0)]
    assert heard((50.0, 1.0), (0.0, 1.0), (1.0, 1.0)) == [(50.0, 3.0)]
    assert heard((far, 1.0), (far + 1, 1.0)) == [(0.0, 2.0)]
    assert heard((far, 1.0), whole=False) == [(far, 1.0)]
    assert len(caplog.records) == 3


def test_another_rate_begins_a_run() -> None:
    pieces = [Piece(0.0, 8000, np.zeros(8000, np.float32)), Piece(1.0, 16_000, np.zeros(16_000, np.float32))]
    assert [(start, rate, sum(map(len, arrays))) for start, rate, arrays in runs(pieces)] == [
        (0.0, 8000, 8000), (1.0, 16_000, 16_000)
    ]  # fmt: skip


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("start", [0.0, 0.1, 0.33333, 1.0001])
def test_one_grid_wherever_a_run_begins(rate: int, start: float) -> None:
    time = np.arange(3 * rate) / rate
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    first = round(start * rate)
    (whole,) = [np.concatenate([array for _, array in resampled(0.0, rate, [tone])])]
    placed = list(resampled(start, rate, [tone[first : first + rate], tone[first + rate :]]))
    at, part = placed[0][0], np.concatenate([array for _, array in placed])
    assert -8000 / rate <= start * 16_000 - at <= 16_000 / np.gcd(rate, 16_000) + 8000 / rate
    assert np.array_equal(part[500:-500], whole[at + 500 : at + len(part) - 500])
    assert abs(at + len(part) - 48_000) <= 1


def test_times_of_a_coarse_clock_are_made_exact() -> None:
    beginning = [Piece(0.0, 48_000, np.zeros(n, np.float32)) for n in (648, 960, 960)]
    for number in range(1, 99):
        exact = (648 + 960 * number) / 48_000
        piece = Piece(round(exact, 3), 48_000, np.zeros(960, np.float32))
        assert on_grid(piece, beginning, 0.001).time == exact
    for other in (Piece(0.5049, 48_000, np.zeros(960, np.float32)), Piece(None, 48_000, np.zeros(960, np.float32))):
        assert on_grid(other, beginning, 0.001) is other
    assert on_grid(piece, beginning, 1 / 48_000) is piece
