"""Frames of a film, spread evenly."""

import numpy as np
import pytest

from studium.errors import MediaError
from studium.media.evenly import frames_of
from studium.media.video import Video


@pytest.fixture(scope="module")
def bikes(videos):
    """250 frames in 10 s."""
    return videos / "bikes.mp4"


def shown_at(film: Video, time: float) -> np.ndarray:
    """The frame shown at a time, by decoding all of them."""
    return [frame.rgb(90) for frame in film.frames() if frame.time <= time + 1e-6][-1]


@pytest.mark.parametrize(("count", "times"), [(1, [5.0]), (2, [2.5, 7.5]), (4, [1.25, 3.75, 6.25, 8.75])])
def test_frames_stand_for_equal_parts(count, times, bikes):
    found = frames_of(Video(bikes), count, 90)
    assert [time for time, _ in found] == pytest.approx(times, abs=0.04)
    for time, picture in found:
        assert (picture == shown_at(Video(bikes), time)).all()


def test_of_a_stretch_only_what_lies_in_it(bikes):
    found = frames_of(Video(bikes, 2.0, 3.0), 2, 90)
    assert [time for time, _ in found] == pytest.approx([2.25, 2.75], abs=0.04)


def test_a_short_stretch_shows_every_frame_once(bikes):
    found = frames_of(Video(bikes, 2.0, 2.1), 16, 90)
    assert [time for time, _ in found] == pytest.approx([2.0, 2.04, 2.08], abs=1e-6)


def test_a_stretch_without_a_frame_is_a_failure(bikes):
    with pytest.raises(MediaError, match="no frame begins from 60 s on"):
        frames_of(Video(bikes, 60.0, 61.0), 4)
