"""Frames by their time: the same as a pass gives, in whatever order they are asked for."""

import random
import time as clock
from contextlib import closing
from pathlib import Path

import hostile_video
import numpy as np
import pytest
from hostile_video import number_of

from studium.errors import DamagedStreamError, TruncatedFileError
from studium.media.frame import Frame
from studium.media.reader import Reader
from studium.media.video import Video

Films = tuple[Path, dict[str, str]]


def all_of(path: Path) -> dict[float, Frame]:
    frames: dict[float, Frame] = {}
    try:
        for frame in Video(path).frames():
            frames[frame.time] = frame
    except DamagedStreamError:
        pass
    return frames


def test_a_file_without_pictures(films: Films) -> None:
    with closing(Reader(films[0] / "header_only.mp4")) as reader, pytest.raises(TruncatedFileError):
        reader.at(0.0)


def test_the_same_as_a_pass_forward_backward_and_at_random(films: Films) -> None:
    for name in (name for name, expected in films[1].items() if expected in {"ok", "DamagedStreamError"}):
        whole = all_of(films[0] / name)
        times = list(whole)
        order = [*times, *times[::-4], *random.Random(0).sample(times, min(9, len(times)))]
        with closing(Reader(films[0] / name)) as reader:
            for time in order:
                frame = reader.at(time)
                assert frame.time == time, name
                assert np.array_equal(frame.rgb(), whole[time].rgb()), (name, time)
                assert np.array_equal(frame.grey(9, 7), whole[time].grey(9, 7)), (name, time)


def test_the_frame_that_is_shown_then(films: Films) -> None:
    with closing(Reader(films[0] / "variable.mp4")) as reader:
        for time, shown in [(0.02, 0), (0.0800004, 2), (0.0799996, 2), (0.0799, 1), (2.29, 4), (9.0, 9), (0.299, 3)]:
            assert number_of(reader.at(time).rgb()) == shown, time


def test_before_the_first_frame_there_is_none(films: Films) -> None:
    with closing(Reader(films[0] / "late_pictures.mp4")) as reader:
        with pytest.raises(
            DamagedStreamError, match=r"no frame is shown at 0.500000 s: the first one is shown at 0.52"
        ):
            reader.at(0.5)
        assert number_of(reader.at(0.52).rgb()) == 0


@pytest.mark.parametrize(("name", "missing", "later"), [
    ("damaged.mp4", [30, 31, 33, 40, 49], [32, 50]), ("damaged_key.mp4", [25, 49], [24, 50]),
    ("damaged_jpeg.avi", [10, 40], [11, 41]), ("cut.mp4", [34, 36, 50], [35]),
])  # fmt: skip
def test_a_frame_that_does_not_decode_fails_with_its_time(
    films: Films, name: str, missing: list[int], later: list[int]
) -> None:
    with closing(Reader(films[0] / name)) as reader:
        for _ in range(2):
            for number in missing:
                with pytest.raises(DamagedStreamError, match=f"the frame at {number / 25:.6f} s could not be decoded"):
                    reader.at(number / 25)
            for number in later:
                assert number_of(reader.at(number / 25).rgb()) == number


def test_far_ahead_it_seeks(tmp_path: Path) -> None:
    path = hostile_video.long_video(tmp_path / "long.mp4", hours=6)
    with closing(Reader(path)) as reader:
        assert number_of(reader.at(1.0).rgb()) == 1
        before = clock.process_time()
        assert number_of(reader.at(20_000.5).rgb()) == 20_000 % 60
        near = clock.process_time() - before
    before = clock.process_time()
    assert sum(1 for _ in Video(path).frames()) == 21_600
    assert near < (clock.process_time() - before) / 5
