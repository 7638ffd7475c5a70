import math
import pickle

import cv2
import fetch
import numpy as np
import pytest
from views import record, view, views

from studium.errors import InputError
from studium.measure.camera import CameraMotion
from studium.media.video import Video
from studium.testing import check_measure

RATES = [f"{move}_{what}" for what in ("mean", "abs_mean") for move in ("pan", "tilt", "zoom", "roll")]
GOLDEN = {
    "static": (0, 0, 0, 0),
    "pan": (3 * 25 / 320, 0, 0, 0),
    "tilt": (0, 2 * 25 / 320, 0, 0),
    "zoom": (0, 0, 25 * math.log(1.02), 0),
    "roll": (0, 0, 0, 25),
}
"""Of 25 steps a second: widths/s, widths/s, 1/s and degrees/s."""
TOLERANCE = np.array([0.05 * 25 / 320, 0.05 * 25 / 320, 25 * 0.0005, 25 * 0.05])


def camera(path, start=0.0, end=None, **parameters):
    return {name: values[0] for name, values in CameraMotion(**parameters)([Video(path, start, end)]).items()}


def rates(row, what="mean"):
    return np.array([row[f"{move}_{what}"] for move in ("pan", "tilt", "zoom", "roll")])


def test_no_videos():
    assert CameraMotion()([]) == {column.name: [] for column in CameraMotion().columns}


def test_one_frame(tmp_path, photos):
    row = camera(record(tmp_path / "one.mp4", [view(photos["coffee"])]))
    nothing = dict.fromkeys([*RATES, "moving_share_mean", "camera_static_share"])
    assert row == nothing | {"camera_pairs": 0, "camera_cuts": 0, "camera_unknown": 0, "camera_seconds": 0}


@pytest.mark.parametrize("move", GOLDEN)
@pytest.mark.parametrize("every", [0.0, 0.1])
def test_golden_moves(tmp_path, photos, move, every):
    row = camera(record(tmp_path / "move.mp4", views(photos["astronaut"], move)), every=every)
    assert (np.abs(rates(row) - GOLDEN[move]) < TOLERANCE).all()
    assert (np.abs(rates(row, "abs_mean") - np.abs(GOLDEN[move])) < TOLERANCE).all()
    assert row["camera_static_share"] == (move == "static")
    assert row["moving_share_mean"] < 0.05
    assert (row["camera_cuts"], row["camera_unknown"]) == (0, 0)
    assert row["camera_seconds"] == pytest.approx(19 / 25 if every == 0 else 0.72)  # frames 0, 3, 5, 8 ... 18


def test_a_thing_that_moves_is_told_from_the_camera(tmp_path, photos):
    thing = cv2.resize(cv2.cvtColor(photos["chelsea"], cv2.COLOR_RGB2GRAY), (72, 58))
    for move in ("static", "pan", "zoom"):
        path = record(tmp_path / f"{move}.mp4", views(photos["astronaut"], move, thing))
        row = camera(path, every=0.0, moving=25 / 320)  # 1 px a step
        assert (np.abs(rates(row) - GOLDEN[move]) < TOLERANCE).all()
        assert 0.0544 < row["moving_share_mean"] < 0.1
        assert row["camera_static_share"] == (move == "static")


def test_to_and_fro(tmp_path, photos):
    swing = [view(photos["coffee"], right=20 * math.sin(2 * math.pi * k / 20)) for k in range(41)]
    row = camera(record(tmp_path / "swing.mp4", swing), every=0.0)
    assert row["pan_mean"] == pytest.approx(0, abs=0.002)
    assert row["pan_abs_mean"] == pytest.approx(20 * 4 * 25 / 20 / 320, rel=0.01)


@pytest.mark.parametrize("rate", [10, 24, 50])
def test_the_frame_rate_does_not_matter(tmp_path, photos, rate):
    frames = [view(photos["chelsea"], right=60 * k / rate, roll=10 * k / rate) for k in range(rate + 1)]
    row = camera(record(tmp_path / "move.mp4", frames, rate))
    assert row["pan_abs_mean"] == pytest.approx(60 / 320, rel=0.03)
    assert row["roll_mean"] == pytest.approx(10, rel=0.03)
    assert row["moving_share_mean"] < 0.02
    assert row["camera_pairs"] == 10


def test_the_resolution_does_not_matter(tmp_path, photos):
    small = views(photos["chelsea"], "pan", count=8)
    large = [cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for frame in small]
    one, two = (camera(record(tmp_path / f"{len(frames[0])}.mp4", frames)) for frames in (small, large))
    assert one["pan_mean"] == pytest.approx(two["pan_mean"], rel=0.01)


def test_a_varying_frame_rate(tmp_path, photos):
    times = np.cumsum([0, 0.02, 0.05, 0.03, 0.2, 0.04, 0.1, 0.01, 0.15])
    frames = [view(photos["coffee"], right=50 * time) for time in times]
    row = camera(record(tmp_path / "vfr.mp4", frames, times=times.tolist()), every=0.0)
    assert row["pan_mean"] == pytest.approx(50 / 320, rel=0.01)
    assert row["camera_seconds"] == pytest.approx(0.6)


def test_cuts_are_left_out(tmp_path, photos):
    frames = [*views(photos["astronaut"], "pan", count=8), *views(photos["coffee"], "pan", count=8)]
    row = camera(record(tmp_path / "cut.mp4", frames), every=0.0)
    assert (row["camera_pairs"], row["camera_cuts"], row["camera_unknown"]) == (14, 1, 0)
    assert row["pan_mean"] == pytest.approx(3 * 25 / 320, rel=0.02)
    assert row["camera_seconds"] == pytest.approx(14 / 25)


def test_pictures_that_have_nothing_in_common_are_cuts(tmp_path, photos):
    pictures = [view(photos[name]) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    every_pair = [pictures[k] for k in (0, 1, 2, 3, 0, 2, 1, 3, 2, 0, 3, 1, 0)]
    row = camera(record(tmp_path / "photos.mp4", every_pair), every=0.0)
    assert (row["camera_pairs"], row["camera_cuts"], row["camera_unknown"]) == (0, 12, 0)


def test_few_points_that_happen_to_agree_are_no_move(tmp_path):
    """Six squares of one size, strewn anew in each frame, that the next ones are easily taken for."""
    rng, frames = np.random.default_rng(0), []
    for _ in range(12):
        frame = np.zeros((240, 320), np.uint8)
        for x, y in rng.integers(20, (290, 210), (6, 2)):
            frame[y : y + 8, x : x + 8] = 255
        frames.append(frame)
    row = camera(record(tmp_path / "squares.mp4", frames), every=0.0)
    assert (row["camera_pairs"], row["camera_cuts"]) == (0, 11)


def test_the_camera_stands_still_only_if_all_of_the_picture_does(tmp_path, photos):
    """A zoom about the upper left corner, which itself stays where it is."""
    photo = view(photos["astronaut"])
    frames = [cv2.warpAffine(photo, np.diag([1.01**k, 1.01**k, 1])[:2], (320, 240)) for k in range(8)]
    row = camera(record(tmp_path / "corner.mp4", frames), every=0.0)
    assert row["camera_static_share"] == 0
    assert row["zoom_mean"] == pytest.approx(25 * math.log(1.01), rel=0.05)


def test_black_plain_and_tiny_pictures_tell_nothing(tmp_path, photos):
    rng = np.random.default_rng(0)
    black, photo = np.zeros((240, 320), np.uint8), view(photos["coffee"])
    grain = [(black + 16 + rng.integers(-2, 3, black.shape)).astype(np.uint8) for _ in range(4)]
    tiny = list(rng.integers(0, 256, (4, 8, 8), np.uint8))
    for name, frames in {"black": [black] * 4, "grain": grain, "tiny": tiny}.items():
        row = camera(record(tmp_path / f"{name}.mp4", frames), every=0.0)
        assert (row["camera_pairs"], row["camera_cuts"], row["camera_unknown"]) == (0, 0, 3)
        assert row["pan_mean"] is row["moving_share_mean"] is row["camera_static_share"] is None
    row = camera(record(tmp_path / "fade.mp4", [black, black, photo, photo, black]), every=0.0)
    assert (row["camera_pairs"], row["camera_cuts"], row["camera_unknown"]) == (1, 1, 2)


def test_a_stream_that_changes_its_size(tmp_path, photos):
    frames = views(photos["coffee"], "pan", count=6)
    large = record(tmp_path / "large.ts", frames[:3], rate=10)
    small = record(tmp_path / "small.ts", [frame[::2, ::2].copy() for frame in frames[3:]], times=(0.3, 0.4, 0.5))
    (tmp_path / "both.ts").write_bytes(large.read_bytes() + small.read_bytes())
    row = camera(tmp_path / "both.ts")
    assert row["camera_pairs"] == 5
    assert row["pan_mean"] == pytest.approx(3 * 10 / 320, rel=0.1)


def test_memory_does_not_grow(tmp_path, photos):
    watcher = CameraMotion(every=0.0).watch(None)
    sizes = []
    for frame in Video(record(tmp_path / "a.mp4", views(photos["coffee"], "pan"))).frames():
        watcher.see(frame)
        sizes.append(len(pickle.dumps(watcher)))
    assert max(sizes) < sizes[2] + 100


def test_people_walking_before_a_camera_that_stands_still(opencv_doc):
    row = camera(opencv_doc / "data" / "vtest.avi", 0, 4)
    assert row["camera_static_share"] == 1
    assert (np.abs(rates(row)) < (1e-3, 1e-3, 1e-3, 0.05)).all()
    assert 0.01 < row["moving_share_mean"] < 0.06
    assert (row["camera_pairs"], row["camera_cuts"], row["camera_unknown"]) == (39, 0, 0)


def test_a_real_film_with_cuts():
    row = camera(fetch.videos() / "bikes.mp4")
    assert (row["camera_pairs"], row["camera_cuts"], row["camera_unknown"]) == (94, 5, 0)


def test_a_real_film_in_which_the_camera_moves():
    """A drive: the camera shakes, the world passes behind the window; and a slow drift in an animated film."""
    drive, bunny = (camera(fetch.videos() / name) for name in ("carphone_pristine.mp4", "bigbuckbunny.mp4"))
    assert drive["camera_static_share"] < 0.2
    assert drive["camera_cuts"] == 0
    assert drive["moving_share_mean"] > 2 * bunny["moving_share_mean"] > 0
    assert bunny["tilt_mean"] > 0.002


def test_the_contract(tmp_path, photos):
    films = {
        "pan": views(photos["coffee"], "pan", count=8),
        "zoom": views(photos["rocket"], "zoom", count=8),
        "cut": [view(photos["coffee"]), view(photos["astronaut"])],
        "one": [view(photos["coffee"])],
        "tiny": [np.full((8, 8), level, np.uint8) for level in (0, 90, 255)],
    }
    videos = [Video(record(tmp_path / f"{name}.mp4", frames)) for name, frames in films.items()]
    check_measure(CameraMotion(every=0.0), videos)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"width": 0}, "at least 1"),
        ({"every": -0.1}, "from 0, got -0.1"),
        ({"still": float("inf")}, "got inf"),
        ({"moving": "fast"}, "got 'fast'"),
        ({"cut": 2}, "from 0 to 1, got 2"),
    ],
)
def test_impossible_parameters_are_refused(parameters, said):
    with pytest.raises(InputError, match=said):
        CameraMotion(**parameters)
