import pickle

import fetch
import numpy as np
import pytest
from views import record, view

from studium.core.parameters import make
from studium.errors import InputError, UnreadableFileError
from studium.measure.motion import Motion, changed
from studium.media.video import Video
from studium.testing import check_measure

PLAIN = {"blur": 1, "every": 0.0}
"""Every frame as it is, so that values can be counted by hand."""


def squares(*lefts, size=(120, 160)):
    """Black pictures with a white square of 10 x 10 px, this far from the left."""
    frames = []
    for left in lefts:
        frame = np.zeros(size, np.uint8)
        frame[50:60, left : left + 10] = 255
        frames.append(frame)
    return frames


def motion(path, start=0.0, end=None, **parameters):
    return {name: values[0] for name, values in Motion(**parameters)([Video(path, start, end)]).items()}


def test_no_videos():
    assert Motion()([]) == {column.name: [] for column in Motion().columns}


def test_one_frame_has_no_motion_to_speak_of(tmp_path):
    row = motion(record(tmp_path / "one.mp4", squares(0)))
    assert row == {
        "motion_mean": None, "motion_max": None, "motion_sd": None,
        "motion_pairs": 0, "motion_cuts": 0, "motion_seconds": 0,
    }  # fmt: skip


def test_values_counted_by_hand(tmp_path):
    path = record(tmp_path / "square.mp4", squares(0, 0, 5, 5), rate=10)
    row = motion(path, **PLAIN)
    shares = [0, 2 * 5 * 10 / (120 * 160), 0]  # 50 pixels turn black, 50 turn white
    assert row["motion_mean"] == pytest.approx(np.mean(shares))
    assert row["motion_sd"] == pytest.approx(np.std(shares))
    assert row["motion_max"] == row["motion_mean"]  # shorter than a window
    assert (row["motion_pairs"], row["motion_cuts"]) == (3, 0)
    assert row["motion_seconds"] == pytest.approx(0.3)


def test_a_pixel_has_changed_if_it_differs_by_more_than_the_threshold():
    before, after = np.array([[100, 100, 100, 100]], np.uint8), np.array([[100, 125, 126, 74]], np.uint8)
    assert changed(before, after).tolist() == [[False, False, True, True]]
    assert changed(before, after, threshold=24).tolist() == [[False, True, True, True]]
    assert not changed(np.array([[3]], np.uint8), np.array([[250]], np.uint8), 250).any()  # 247, without wrapping


def test_blur_takes_out_noise(tmp_path):
    rng = np.random.default_rng(0)
    path = record(tmp_path / "noise.mp4", rng.normal(128, 12, (5, 120, 160)).clip(0, 255).astype(np.uint8))
    assert motion(path, **PLAIN)["motion_mean"] > 0.1
    assert motion(path, every=0.0)["motion_mean"] < 0.001


def test_only_the_region_counts(tmp_path):
    path = record(tmp_path / "square.mp4", squares(20, 30))
    whole = motion(path, **PLAIN)["motion_mean"] * 120 * 160
    assert whole == pytest.approx(200)
    left = motion(path, **PLAIN, roi=(0.0, 0.0, 0.5, 1.0))["motion_mean"] * 120 * 80
    assert left == pytest.approx(200)
    assert motion(path, **PLAIN, roi=(0.5, 0.0, 1.0, 1.0))["motion_mean"] == 0
    assert motion(path, **PLAIN, roi=(0.125, 0.45, 0.2, 0.475))["motion_mean"] == pytest.approx(1)
    assert motion(path, **PLAIN, roi=(0.15, 0.45, 0.1501, 0.4501))["motion_mean"] == 1  # one pixel at least


def test_the_liveliest_window(tmp_path):
    # half a second of steps at 10 frames a second, in the second second of 2.3
    lefts = [0] * 11 + [5, 10, 15, 20, 25] + [25] * 8
    path = record(tmp_path / "steps.mp4", squares(*lefts), rate=10)
    step = 100 / (120 * 160)
    assert motion(path, **PLAIN)["motion_max"] == pytest.approx(5 * step / 13)  # the last .3 s belong to it
    assert motion(path, **PLAIN, window=0.5)["motion_max"] == pytest.approx(step)
    assert motion(path, **PLAIN, window=100)["motion_max"] == pytest.approx(5 * step / 23)
    assert motion(path, 0, 2.05, **PLAIN)["motion_max"] == pytest.approx(5 * step / 10)  # two full windows


def test_a_cut_does_not_count(tmp_path, photos):
    one, other = view(photos["coffee"]), view(photos["astronaut"])
    path = record(tmp_path / "cut.mp4", [one, one, one, other, other])
    row = motion(path, every=0.0)
    assert (row["motion_mean"], row["motion_pairs"], row["motion_cuts"]) == (0, 3, 1)
    assert row["motion_seconds"] == pytest.approx(3 / 25)
    assert motion(path, every=0.0, cut=1.0)["motion_cuts"] == 0
    assert motion(record(tmp_path / "2.mp4", [one, other]))["motion_mean"] is None


@pytest.mark.parametrize("rate", [10, 25, 30, 50])
def test_the_frame_rate_does_not_matter(tmp_path, rate):
    """A square that goes 40 px a second, for 2 seconds."""
    frames = squares(*(round(40 * k / rate) for k in range(2 * rate + 1)))
    row = motion(record(tmp_path / "square.mp4", frames, rate), blur=1)
    assert row["motion_mean"] == pytest.approx(2 * 4 * 10 / (120 * 160), rel=0.01)
    assert row["motion_pairs"] == 20
    assert row["motion_seconds"] == pytest.approx(2)


def test_the_resolution_does_not_matter(tmp_path, photos):
    small = [view(photos["chelsea"], right=4 * k) for k in range(6)]
    large = [np.kron(frame, np.ones((3, 3), np.uint8)) for frame in small]
    rows = [motion(record(tmp_path / f"{len(frames[0])}.mp4", frames)) for frames in (small, large)]
    assert rows[0]["motion_mean"] > 0.05
    assert rows[0] == pytest.approx(rows[1], rel=0.01)


def test_a_varying_frame_rate(tmp_path):
    times = (0, 0.04, 0.08, 1.08, 1.1, 3.1)
    path = record(tmp_path / "vfr.mp4", squares(0, 5, 10, 15, 20, 25), times=times)
    assert motion(path, **PLAIN)["motion_pairs"] == 5
    row = motion(path, blur=1)
    assert row["motion_pairs"] == 3  # at 0, 1.08, 1.1 (a step of its own) and 3.1
    assert row["motion_seconds"] == pytest.approx(3.1)


def test_a_stretch_of_a_video(tmp_path):
    path = record(tmp_path / "square.mp4", squares(*[0] * 10, *range(0, 50, 5)), rate=10)
    assert motion(path, 0, 1.0, **PLAIN)["motion_mean"] == 0
    row = motion(path, 1.0, 2.0, **PLAIN)
    assert row["motion_mean"] == pytest.approx(100 / (120 * 160))
    assert row["motion_pairs"] == 9
    assert motion(path, 5.0, 6.0)["motion_pairs"] == 0


@pytest.mark.parametrize("size", [(8, 8), (2, 2), (2, 400), (400, 2)])
def test_tiny_and_black_pictures(tmp_path, size):
    black = np.zeros(size, np.uint8)
    row = motion(record(tmp_path / "black.mp4", [black] * 6))
    assert (row["motion_mean"], row["motion_max"], row["motion_sd"]) == (0, 0, 0)
    flash = record(tmp_path / "flash.mp4", [black, black + 255])
    assert motion(flash, every=0.0)["motion_cuts"] == 1
    assert motion(flash, every=0.0, cut=1.0)["motion_mean"] == 1


def test_a_stream_that_changes_its_size(tmp_path, photos):
    frame = view(photos["coffee"])
    large = record(tmp_path / "large.ts", [frame] * 3, rate=10)
    small = record(tmp_path / "small.ts", [frame[::2, ::2].copy()] * 3, times=(0.3, 0.4, 0.5))
    (tmp_path / "both.ts").write_bytes(large.read_bytes() + small.read_bytes())
    row = motion(tmp_path / "both.ts")
    assert row["motion_pairs"] + row["motion_cuts"] == 5
    assert row["motion_mean"] < 0.1


def test_memory_does_not_grow(tmp_path, photos):
    watcher = Motion(every=0.0, window=0.1).watch(None)
    sizes = []
    for frame in Video(record(tmp_path / "a.mp4", [view(photos["coffee"], right=k) for k in range(60)])).frames():
        watcher.see(frame)
        sizes.append(len(pickle.dumps(watcher)))
    assert max(sizes) < sizes[10] + 100


def test_people_walking_before_a_camera_that_stands_still(opencv_doc):
    row = motion(opencv_doc / "data" / "vtest.avi", 0, 10)
    assert (row["motion_pairs"], row["motion_cuts"]) == (99, 0)
    assert 0.005 < row["motion_mean"] < row["motion_max"] < 0.03
    assert 0 < row["motion_sd"] < row["motion_mean"]


def test_the_cuts_of_a_real_film_do_not_count():
    path = fetch.videos() / "bikes.mp4"
    row = motion(path)
    assert (row["motion_cuts"], row["motion_pairs"]) == (5, 94)
    assert 0.08 < row["motion_mean"] < 0.15
    assert motion(path, 1.4, 2.9)["motion_cuts"] == 0


def test_the_contract(tmp_path, photos):
    films = {
        "pan": [view(photos["coffee"], right=3 * k) for k in range(9)],
        "cut": [view(photos["coffee"]), view(photos["rocket"])],
        "one": squares(0),
        "tiny": [np.full((8, 8), level, np.uint8) for level in (0, 90, 255)],
    }
    check_measure(Motion(), [Video(record(tmp_path / f"{name}.mp4", frames)) for name, frames in films.items()])


def test_parameters_as_a_study_file_gives_them():
    assert make("motion", Motion, {"roi": [0, 0, 1, 0.85], "every": 0}) == Motion(roi=(0, 0, 1, 0.85), every=0)


def test_what_is_no_video_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError):
        motion(tmp_path / "gone.mp4")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"threshold": 255}, "from 0 to 254"),
        ({"threshold": 2.5}, "whole number"),
        ({"blur": 4}, "odd"),
        ({"blur": 0}, "at least|from 1"),
        ({"width": 0}, "at least 1"),
        ({"every": -1}, "from 0, got -1"),
        ({"every": float("nan")}, "got nan"),
        ({"window": 0}, "above 0"),
        ({"cut": 1.5}, "from 0 to 1, got 1.5"),
        ({"cut": True}, "got True"),
        ({"roi": (0.5, 0, 0.5, 1)}, "left < right"),
        ({"roi": (0, 0, 1)}, "left, top, right, bottom"),
        ({"roi": (0, 0, 640, 480)}, "shares of the picture"),
        ({"roi": "left"}, "got 'left'"),
        ({"roi": (0, 0, 1, "1")}, "left, top, right, bottom"),
    ],
)
def test_impossible_parameters_are_refused(parameters, said):
    with pytest.raises(InputError, match=said):
        Motion(**parameters)
