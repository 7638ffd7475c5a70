"""Films that are written: their pictures, times, and nothing else."""

import av
import numpy as np
import pytest
from hostile_video import number_of, numbered

from studium.errors import InputError, TooLargeError
from studium.media.video import Video
from studium.media.write import FilmWriter, scaled


def write(path, pictures, times, last=0.04):
    height, width = pictures[0].shape[:2]
    with FilmWriter(path, width, height) as film:
        for picture, time in zip(pictures, times, strict=True):
            film.add(picture, time, last)
    return path


@pytest.mark.parametrize(
    "times",
    [
        [0.0],
        [i / 25 for i in range(40)],
        [i * 1001 / 30000 for i in range(40)],
        [0.0, 0.04, 0.08, 0.083, 0.3, 2.3, 2.301, 2.333, 5000.5],
    ],
)
def test_every_picture_is_shown_at_its_time(tmp_path, times):
    path = write(tmp_path / "out.mp4", [numbered(i) for i in range(len(times))], times)
    frames = list(Video(path).frames())
    assert [number_of(frame.rgb()) for frame in frames] == list(range(len(times)))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-6)
    assert frames[-1].duration == pytest.approx(0.04, abs=1e-6)


def test_times_begin_at_zero_for_other_players_too(tmp_path):
    path = write(tmp_path / "out.mp4", [numbered(i) for i in range(5)], [i / 25 for i in range(5)])
    with av.open(str(path)) as container:
        assert [frame.pts * frame.time_base for frame in container.decode(video=0)] == pytest.approx(
            [i / 25 for i in range(5)]
        )


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (128, 128, 128), (200, 150, 120), (0, 0, 0)])
@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_stay(tmp_path, colour, size):
    picture = np.full((size[1], size[0], 3), colour, np.uint8)
    (frame,) = Video(write(tmp_path / "out.mp4", [picture], [0.0])).frames()
    assert np.abs(frame.rgb().astype(int) - picture).max() <= 2


def test_odd_sides_are_padded_with_what_lies_beside(tmp_path):
    picture = np.full((47, 63, 3), 90, np.uint8)
    (frame,) = Video(write(tmp_path / "out.mp4", [picture], [0.0])).frames()
    assert frame.rgb().shape == (48, 64, 3)
    assert np.abs(frame.rgb().astype(int) - 90).max() <= 2


def test_a_picture_of_another_size_is_refused_until_it_is_scaled(tmp_path):
    larger = numbered(2, 256, 192)
    with pytest.raises(InputError, match="128 x 96"):
        write(tmp_path / "refused.mp4", [numbered(1), larger], [0.0, 1.0])
    frames = list(Video(write(tmp_path / "out.mp4", [numbered(1), scaled(larger, 128, 96)], [0.0, 1.0])).frames())
    assert [number_of(frame.rgb()) for frame in frames] == [1, 2]
    assert scaled(larger, 256, 192) is larger


def test_pictures_nearer_than_a_tick_are_all_kept_in_their_order(tmp_path):
    path = write(tmp_path / "out.mp4", [numbered(i) for i in range(4)], [0.0, 0.04, 0.040001, 0.08])
    frames = list(Video(path).frames())
    assert [number_of(frame.rgb()) for frame in frames] == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == pytest.approx([0.0, 0.04, 0.04 + 1 / 360_000, 0.08], abs=1e-6)


def test_sides_that_no_encoder_takes_are_refused(tmp_path):
    with pytest.raises(TooLargeError, match="20,000 x 20"):
        FilmWriter(tmp_path / "out.mp4", 20_000, 20)
    assert not (tmp_path / "out.mp4").exists()


def test_the_same_pictures_make_the_same_bytes_and_nothing_else_is_in_them(tmp_path):
    first, second = (
        write(tmp_path / f"{n}.mp4", [numbered(i) for i in range(30)], [i / 25 for i in range(30)]) for n in "ab"
    )
    assert first.read_bytes() == second.read_bytes()
    with av.open(str(first)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert not {key.lower() for key in container.metadata} & {"encoder", "creation_time", "title", "location"}


def test_a_picture_that_is_shown_for_too_long_is_refused(tmp_path):
    with pytest.raises(TooLargeError, match=r"7200\.000 s"):
        write(tmp_path / "out.mp4", [numbered(0), numbered(1)], [0.0, 7200.0])
