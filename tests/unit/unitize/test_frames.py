"""The unitizer `frames`: which frames, named by when they are shown."""

from contextlib import closing
from pathlib import Path

import fetch
import hostile_video
import pytest

from studium.core.recipe import recipe_of
from studium.errors import DamagedStreamError, InputError, NoStreamError, TruncatedFileError
from studium.media.reader import Reader
from studium.media.video import Video
from studium.testing import check_unitizer
from studium.unitize.frames import Frames, shown_every


def starts(path: Path, **parameters: float | bool) -> list[float]:
    return [span.start for span in Frames(**parameters)(Video(path)) if span.start is not None]


def test_no_frames() -> None:
    assert shown_every([], 2.0) == []


def test_sixty_seconds_every_two_are_thirty_frames() -> None:
    assert shown_every([i / 25 for i in range(1500)], 2.0, end=60.0) == [2.0 * i for i in range(30)]
    ntsc = [1001 * i / 30_000 for i in range(1798)]
    found = shown_every(ntsc, 2.0, end=1001 * 1798 / 30_000)
    assert len(found) == 30
    assert all(2 * i - 1001 / 30_000 < time <= 2 * i for i, time in enumerate(found))


@pytest.mark.parametrize(("times", "every", "end", "found"), [
    ([0.0], 2.0, 0.04, [0.0]), ([0.0, 5.0, 10.0], 2.0, 15.0, [0.0, 5.0, 10.0]),
    ([0.5, 1.0], 0.25, 1.1, [0.5, 1.0]), ([0.3, 0.4, 0.9], 0.5, 1.0, [0.4]),
    ([0.0, 0.04, 0.08], 0.04, 0.12, [0.0, 0.04, 0.08]),
    ([0.0, 0.1, 0.2, 0.3], 0.1, 0.4, [0.0, 0.1, 0.2, 0.3]),
])  # fmt: skip
def test_the_frame_that_is_shown(times: list[float], every: float, end: float, found: list[float]) -> None:
    assert shown_every(times, every, end=end) == found


@pytest.mark.parametrize(("start", "end", "found"), [
    (0.0, None, 5.0), (0.0, 1.2, 0.6), (1.2, 3.04, 2.12), (9.68, 10.0, 9.84), (9.96, 10.0, 9.96), (20.0, 21.0, None),
])  # fmt: skip
def test_the_frame_in_the_middle(start: float, end: float | None, found: float | None) -> None:
    spans = list(Frames(middle=True)(Video(fetch.videos() / "bikes.mp4", start, end)))
    assert [span.start for span in spans] == ([] if found is None else [found])


def test_neither_or_both_are_refused() -> None:
    for parameters in ({}, {"every": 2.0, "keyframes": True}, {"keyframes": True, "middle": True}):
        with pytest.raises(InputError, match=r"one of every .seconds., keyframes = true and middle = true, got every="):
            Frames(**parameters)  # type: ignore[arg-type]
    for every in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="every should be the seconds"):
            Frames(every=every)


def test_the_contract(tmp_path: Path) -> None:
    path = hostile_video.plain(tmp_path / "plain.mp4")
    for part in (Frames(every=0.5), Frames(keyframes=True)):
        check_unitizer(part, [Video(path), Video(path, 0.5, 1.7)])
    assert recipe_of(Frames(every=2.0)).key != recipe_of(Frames(every=1.0)).key


def test_real_videos() -> None:
    assert starts(fetch.videos() / "bikes.mp4", every=2.0) == [0, 2, 4, 6, 8]
    assert starts(fetch.videos() / "bikes.mp4", keyframes=True) == [0.0, 1.2, 3.04, 5.48, 7.48, 9.68]
    assert len(starts(fetch.opencv_doc() / "data/vtest.avi", every=2.0)) == 40
    assert starts(fetch.videos() / "carphone_pristine.mp4", every=2.0)[1] == 1001 * 59 / 30_000


def test_they_are_the_frames_of_a_pass(tmp_path: Path) -> None:
    for name in ("variable.mp4", "late_pictures.mp4", "open_groups.ts", "edited.mp4", "hidden.webm", "raw.h264"):
        path = hostile_video.FILES[name][0](tmp_path / name)
        frames = {frame.time: frame.key for frame in Video(path).frames()}
        assert starts(path, every=1e-3) == list(frames), name
        assert starts(path, keyframes=True) == [time for time, key in frames.items() if key], name


def test_a_stretch(tmp_path: Path) -> None:
    path = hostile_video.plain(tmp_path / "plain.mp4")
    assert [span.start for span in Frames(every=0.5)(Video(path, 0.6, 1.7))] == [0.6, 1.08, 1.6]
    assert [span.start for span in Frames(keyframes=True)(Video(path, 0.6, 1.7))] == [1.0]


def test_frames_that_do_not_decode_are_named_and_fail_when_they_are_loaded(tmp_path: Path) -> None:
    path = hostile_video.damaged(tmp_path / "damaged.mp4", [30])
    times = starts(path, every=0.04)
    assert times == [i / 25 for i in range(60)]
    with closing(Reader(path)) as reader:
        with pytest.raises(DamagedStreamError, match=r"1\.200000 s"):
            reader.at(times[30])
        assert hostile_video.number_of(reader.at(times[50]).rgb()) == 50


def test_files_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(TruncatedFileError):
        starts(hostile_video.header_only(tmp_path / "a.mp4"), every=2.0)
    with pytest.raises(NoStreamError):
        starts(hostile_video.FILES["sound.m4a"][0](tmp_path / "sound.m4a"), every=2.0)


def test_frames_stand_for_all_of_the_stretch_that_they_are_taken_from() -> None:
    """Also for what is shown in it before the first of them."""
    spans = list(Frames(every=2.0)(Video(fetch.videos() / "bikes.mp4", 0.5, 4.5)))
    assert spans[0].start is not None
    assert spans[0].start > 0.5
    assert sum(span.values["stands_for"] for span in spans) == pytest.approx(4.0)
