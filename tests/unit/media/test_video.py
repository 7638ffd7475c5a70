"""Passes over videos: every frame once, at its exact time, with its own picture; what is missing is told."""

import resource
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import fetch
import hostile_video
import numpy as np
import pytest
from hostile_video import number_of

from studium.errors import DamagedStreamError, MediaError
from studium.media.frame import Frame
from studium.media.video import Video, VideoInfo

Films = tuple[Path, dict[str, str]]
UNNUMBERED = {"turned.mp4", "interlaced.mp4"}


def passed(video: Video, keyframes: bool = False) -> tuple[list[Frame], str]:
    """All frames, and what the pass said at its end."""
    frames: list[Frame] = []
    try:
        frames.extend(kept(video.frames(keyframes), frames))
    except DamagedStreamError as error:
        return frames, str(error)
    return frames, ""


def kept(source: Iterator[Frame], into: list[Frame]) -> list[Frame]:
    for frame in source:
        into.append(frame)  # noqa: PERF402  (what came before an error counts)
    return []


def test_files_without_pictures(films: Films) -> None:
    for name, expected in films[1].items():
        if expected not in {"ok", "DamagedStreamError"}:
            with pytest.raises(MediaError, match=name) as caught:
                next(Video(films[0] / name).frames())
            assert type(caught.value).__name__ == expected, name


def test_one_frame(films: Films) -> None:
    (frame,), damage = passed(Video(films[0] / "one.mp4"))
    assert (frame.time, frame.duration, frame.key, damage) == (0.0, 0.04, True, "")


def test_every_frame_comes_once_in_order_with_its_own_picture(films: Films) -> None:
    for name in (name for name, expected in films[1].items() if expected == "ok" and name not in UNNUMBERED):
        frames, damage = passed(Video(films[0] / name))
        first = 7 if name == "edited.mp4" else 0
        assert [number_of(frame.rgb()) for frame in frames] == list(range(first, first + len(frames))), name
        assert damage == "", name


@pytest.mark.parametrize(("name", "count", "start", "rate"), [
    ("plain.mp4", 60, Fraction(0), 25), ("plain.mkv", 60, Fraction(0), 25), ("endless.webm", 60, Fraction(0), 25),
    ("late_pictures.mp4", 50, Fraction(52, 100), 25), ("late_sound.mkv", 50, Fraction(0), 25),
    ("open_groups.ts", 60, Fraction(0), 25), ("edited.mp4", 53, Fraction(0), 25), ("raw.h264", 60, Fraction(0), 25),
    ("reordered.avi", 60, Fraction(0), 25), ("hidden.webm", 60, Fraction(0), 25),
    ("offset.ts", 60, Fraction(1920, 90000), 25),  # the sound begins with the 1,024 samples that prime its codec
])  # fmt: skip
def test_times_are_exact(films: Films, name: str, count: int, start: Fraction, rate: int) -> None:
    frames, _ = passed(Video(films[0] / name))
    assert [frame.time for frame in frames] == [float(start + Fraction(i, rate)) for i in range(count)]


def test_variable_rate(films: Films) -> None:
    frames, _ = passed(Video(films[0] / "variable.mp4"))
    assert [frame.time for frame in frames] == [0, 0.04, 0.08, 0.083, 0.3, 2.3, 2.301, 2.333, 2.5, 2.54]
    assert [frame.duration for frame in frames[:6]] == pytest.approx([0.04, 0.04, 0.003, 0.217, 2.0, 0.001])
    assert [frame.time for frame in passed(Video(films[0] / "variable.webm"))[0]] == [0, 0.017, 0.9, 2.0]


def test_ntsc_rates_do_not_become_whole() -> None:
    frames, _ = passed(Video(fetch.videos() / "carphone_pristine.mp4"))
    assert [frame.time for frame in frames] == [float(Fraction(1001 * i, 30_000)) for i in range(120)]


def test_an_avi_without_presentation_times() -> None:
    frames, damage = passed(Video(fetch.opencv_doc() / "data/vtest.avi", 70.0))
    assert ([frame.time for frame in frames], damage) == ([i / 10 for i in range(700, 795)], "")


def test_stretches(films: Films) -> None:
    for name in ("plain.mp4", "open_groups.mkv", "open_groups.ts", "variable.mp4", "raw.h264", "reordered.avi"):
        whole = {frame.time: frame.rgb() for frame in passed(Video(films[0] / name))[0]}
        times = list(whole)
        for start, end in ((0.0, times[3]), (times[3], times[-2]), (times[4] - 1e-4, None), (99.0, None)):
            part = [(frame.time, frame.rgb()) for frame in Video(films[0] / name, start, end).frames()]
            assert [time for time, _ in part] == [t for t in times if start <= t and (end is None or t < end)], name
            assert all(np.array_equal(rgb, whole[time]) for time, rgb in part), name


def test_keyframes_are_those_of_the_whole_pass(films: Films) -> None:
    for name in ("plain.mp4", "open_groups.mkv", "open_groups.ts", "endless.webm", "raw.h264", "reordered.avi"):
        keys = {frame.time: frame.rgb() for frame in passed(Video(films[0] / name))[0] if frame.key}
        alone = {frame.time: frame.rgb() for frame in passed(Video(films[0] / name), keyframes=True)[0]}
        assert len(keys) > 1, name
        assert list(alone) == list(keys), name
        assert all(np.array_equal(alone[time], keys[time]) for time in keys), name


@pytest.mark.parametrize(("name", "numbers", "message"), [
    ("damaged.mp4", [*range(30), 32, *range(50, 60)], "1.200 to 1.280 s, 1.320 to 2.000 s; 19 frames"),
    ("damaged_key.mp4", [*range(25), *range(50, 60)], "1.000 to 2.000 s; 25 frames"),
    ("damaged.avi", [*range(10), 12, *range(27, 40), 42, *range(51, 60)],
     "0.400 to 0.480 s, 0.520 to 1.080 s, 1.600 to 1.680 s, 1.720 to 2.040 s; 26 frames"),
    ("damaged_jpeg.avi", [*range(10), *range(11, 40), *range(41, 60)],
     "0.400 to 0.440 s, 1.600 to 1.640 s; 2 frames"),
    ("cut.mp4", [*range(34), 35], "1.360 to 1.400 s, from 1.440 s to the end; 1 frame"),
])  # fmt: skip
def test_damage_is_told_and_no_wrong_picture_is_kept(films: Films, name: str, numbers: list[int], message: str) -> None:
    frames, damage = passed(Video(films[0] / name))
    assert [number_of(frame.rgb()) for frame in frames] == numbers
    assert [round(frame.time * 25) for frame in frames] == numbers
    assert damage == f"{films[0] / name}: could not be decoded: {message}"


def test_damage_outside_a_stretch_is_none_of_its_business(films: Films) -> None:
    for start, end in ((0.0, 1.2), (2.0, None), (2.0, 2.2)):
        assert passed(Video(films[0] / "damaged.mp4", start, end))[1] == "", (start, end)
    frames, damage = passed(Video(films[0] / "damaged.mp4", 1.24, 1.6))
    assert [frame.time for frame in frames] == [1.28]
    assert damage.endswith("1.240 to 1.280 s, 1.320 to 1.600 s; 8 frames")


def test_two_passes_give_the_same(films: Films) -> None:
    for name in ("damaged.mp4", "damaged.avi", "cut.mp4"):
        first, second = (passed(Video(films[0] / name)) for _ in range(2))
        assert first[1] == second[1]
        assert all(np.array_equal(a.rgb(), b.rgb()) for a, b in zip(first[0], second[0], strict=True)), name


def test_info(films: Films) -> None:
    assert Video(films[0] / "plain.mp4").info == VideoInfo(128, 96, 0, 2.4, 25.0, "h264", True)
    assert Video(films[0] / "anamorphic.mp4").info == VideoInfo(171, 96, 0, 0.2, 25.0, "h264", False)
    assert Video(films[0] / "turned.mp4").info == VideoInfo(96, 128, 90, 0.4, 25.0, "h264", False)
    assert Video(films[0] / "endless.webm").info == VideoInfo(128, 96, 0, None, 25.0, "vp8", False)
    assert Video(films[0] / "late_pictures.mp4").info.duration == pytest.approx(2.52)


def test_it_is_closed_when_nobody_wants_more(films: Films) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        frames = Video(films[0] / "plain.mp4").frames()
        next(frames)
        frames.close()  # type: ignore[attr-defined]
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_hours_in_constant_memory(tmp_path: Path) -> None:
    path = hostile_video.long_video(tmp_path / "long.mp4", hours=3)
    assert next(Video(path).frames()).grey(8, 6).shape == (6, 8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = [frame.time for frame in Video(path).frames()]
    assert (len(times), times[-1]) == (10_800, 10_799.0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB
