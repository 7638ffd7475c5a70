"""Shots: arithmetic on arrays, then transitions among what is none, then real and made videos, whole and streamed."""

import pickle
from itertools import pairwise
from pathlib import Path

import moving
import numpy as np
import pyarrow as pa
import pytest
from moving import Picture
from PIL import Image

from studium.errors import InputError
from studium.media.video import Video
from studium.unitize.dissolves import distances, mixtures
from studium.unitize.likeness import SAMPLES, SIZE, differences, likeness, unmoved
from studium.unitize.shots import Shots
from studium.unitize.transitions import transitions

BIKES = [30, 76, 137, 187, 242]  # first frames of the shots of bikes.mp4, seen by eye


@pytest.fixture(scope="module")
def scenes(photos: Path) -> list[Picture]:
    """Four photographs, small and grey."""
    return [seen(Image.open(photos / name)) for name in ("chelsea.png", "coffee.png", "china.jpg", "astronaut.png")]


def seen(image: Image.Image, box: tuple[float, float, float, float] | None = None) -> Picture:
    return np.asarray(image.convert("L").resize(SIZE, Image.Resampling.BOX, box))


def held(scene: Picture, count: int) -> Picture:
    return np.repeat(scene[None], count, axis=0)


def mixed(one: Picture, other: Picture, count: int) -> Picture:
    """``count`` frames between two pictures."""
    shares = (np.arange(count) + 1) / (count + 1)
    return np.stack([np.round((1 - a) * one + a * other).astype(np.uint8) for a in shares])


def kinds(*pieces: Picture, rate: float = 25.0) -> list[tuple[str, int, int]]:
    frames = np.concatenate(pieces)
    return [(one.kind, one.first, one.last) for one in transitions(frames, np.arange(len(frames)) / rate)]


# arithmetic


@pytest.mark.parametrize("count", [0, 1])
def test_no_pair_no_difference(count):
    assert differences(np.zeros((count, 4, 4), np.uint8)).shape == (0,)


def test_differences_by_hand():
    frames = np.array([[[0, 10]], [[10, 0]], [[255, 0]], [[255, 0]]], np.uint8)
    assert differences(frames).tolist() == [10, 122.5, 0]


def test_a_picture_is_like_itself_moved_or_darker_but_not_like_another(photos, scenes):
    image = Image.open(photos / "china.jpg")
    width, height = image.size
    left, right = (seen(image, (x, 0, x + 0.9 * width, 0.9 * height)) for x in (0, 0.05 * width))
    assert likeness(left[None], left[None]) == pytest.approx(1, abs=0.05)
    assert likeness(left[None], right[None]) > 0.9
    assert likeness(left[None], (left * 0.5).astype(np.uint8)[None]) > 0.9
    assert max(likeness(a[None], b[None]) for i, a in enumerate(scenes) for b in scenes[:i]) < 0.6


@pytest.mark.parametrize(("level", "expected"), [(100, 1.0), (105, 1.0), (200, 0.0)])
def test_flat_pictures_are_told_apart_by_their_level(level, expected):
    assert likeness(np.full((1, 27, 48), 100, np.uint8), np.full((1, 27, 48), level, np.uint8)) == expected


def test_distances_are_those_of_every_pair(scenes):
    frames = np.stack(scenes).reshape(4, -1).astype(np.float64)
    found = distances(frames, 5)
    for i in range(4):
        for apart in range(6):
            expected = ((frames[i] - frames[i + apart]) ** 2).mean() if i + apart < 4 else np.inf
            assert found[apart, i] == pytest.approx(expected)


def test_a_dissolve_is_a_mixture_whose_variance_dips_as_the_parabola(scenes):
    one, other = (scene.reshape(-1).astype(np.float64) for scene in scenes[:2])
    shares = np.clip(np.arange(-2, 9 + 2) / 8, 0, 1)[:, None]
    found = mixtures((1 - shares) * one + shares * other, half=4)
    assert (found.first.tolist(), found.last.tolist()) == ([2], [10])
    assert found.change == pytest.approx(((one - other) ** 2).mean())
    assert found.off == pytest.approx(0, abs=1e-9)
    assert found.uneven == pytest.approx(0, abs=1e-9)
    assert found.jump == pytest.approx(1 / 8)
    assert found.outside == pytest.approx(0)
    a = np.arange(1, 8) / 8
    variance = (
        (1 - a) ** 2 * one.var() + a**2 * other.var() + 2 * a * (1 - a) * np.cov(one, other, bias=True)[0, 1]
    ).mean()
    assert found.dip == pytest.approx(1 - variance / ((one.var() + other.var()) / 2 + 1))


def test_motion_explains_a_pan_and_not_a_dissolve(photos, scenes):
    image = Image.open(photos / "china.jpg")
    pan = np.stack([seen(image, (x, 50, x + 320, 230)) for x in range(0, 100, 10)])
    assert unmoved(pan) < 0.5 < unmoved(mixed(scenes[0], scenes[1], 10))
    assert unmoved(held(scenes[0], 3)) == 0


# transitions in arrays


def test_nothing_in_nothing():
    assert transitions(np.zeros((0, 27, 48), np.uint8), np.zeros(0)) == []


@pytest.mark.parametrize("count", [1, 2, 3, 200])
def test_one_picture_has_no_transition(scenes, count):
    assert kinds(held(scenes[0], count)) == []


@pytest.mark.parametrize("rate", [1.0, 12.0, 25.0, 120.0])
def test_cuts_lie_where_they_are(scenes, rate):
    a, b, c, d = scenes
    assert kinds(held(a, 20), held(b, 7), held(c, 40), held(d, 9), rate=rate) == [
        ("cut", 20, 20),
        ("cut", 27, 27),
        ("cut", 67, 67),
    ]


@pytest.mark.parametrize("count", [8, 15, 25, 37])
def test_a_dissolve_is_found_with_its_length(scenes, count):
    ((kind, first, last),) = kinds(held(scenes[0], 60), mixed(scenes[0], scenes[1], count), held(scenes[1], 60))
    assert kind == "dissolve"
    assert first == pytest.approx(60, abs=4)
    assert last == pytest.approx(60 + count, abs=4)


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("hold", [1, 10, 500])
def test_a_fade_is_found_with_its_length(scenes, level, hold):
    nothing = np.full((27, 48), level, np.uint8)
    a, b = scenes[:2]
    out, into = mixed(a, nothing, 15), mixed(nothing, b, 20)
    assert kinds(held(a, 50), out, held(nothing, hold), into, held(b, 50)) == [("fade", 50, 50 + 35 + hold)]


def test_black_at_the_ends_belongs_to_the_shot_beside_it(scenes):
    black, scene = np.zeros((27, 48), np.uint8), scenes[2]
    assert (
        kinds(held(black, 30), mixed(black, scene, 20), held(scene, 50), mixed(scene, black, 20), held(black, 30)) == []
    )
    assert kinds(held(black, 30), held(scene, 50), held(black, 30)) == []


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 25])
def test_blank_frames_inside_a_shot_part_nothing(scenes, level, count):
    assert kinds(held(scenes[0], 40), np.full((count, 27, 48), level, np.uint8), held(scenes[0], 40)) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_flash_parts_nothing(scenes, count):
    bright = np.minimum(scenes[0].astype(int) + 120, 255).astype(np.uint8)
    assert kinds(held(scenes[0], 40), held(bright, count), held(scenes[0], 40)) == []


def test_brightness_a_caption_and_what_passes_by_part_nothing(scenes):
    scene, other = scenes[0], scenes[1]
    captioned = scene.copy()
    captioned[-6:] = 250
    assert kinds(held(scene, 40), held((scene * 0.6).astype(np.uint8), 40)) == []
    assert kinds(held(scene, 40), held(captioned, 40), held(scene, 40)) == []
    passing = held(scene, 24)
    for index in range(12):
        passing[6 + index, :, 4 * index : 4 * index + 16] = other[:, 4 * index : 4 * index + 16]
    assert kinds(held(scene, 30), passing, held(scene, 30)) == []


def test_a_pan_and_a_zoom_part_nothing(photos):
    image = Image.open(photos / "china.jpg")
    pan = np.stack([seen(image, (x, 100, x + 320, 280)) for x in range(0, 300, 4)])
    zoom = np.stack([seen(image, (x, x * 9 / 16, 640 - x, 427 - x * 9 / 16)) for x in range(0, 200, 4)])
    assert kinds(held(pan[0], 20), pan, held(pan[-1], 20)) == []
    assert kinds(held(zoom[0], 20), zoom, held(zoom[-1], 20)) == []


def test_flat_pictures_are_shots_too():
    assert kinds(*(np.full((30, 27, 48), level, np.uint8) for level in (60, 160, 90))) == [
        ("cut", 30, 30),
        ("cut", 60, 60),
    ]


# videos


def test_no_frame_no_shot():
    for method in ("adaptive", "difference"):
        assert Shots(method).watch(None).result() == []


def video(path: Path, *scenes: tuple[Picture, int], rate: int = 25, times: list[float] | None = None) -> Video:
    """A video of pictures, each held for some frames."""
    frames = (np.repeat(scene.repeat(4, 0).repeat(4, 1)[..., None], 3, axis=2) for scene, n in scenes for _ in range(n))
    moving.encode(path, (frame[:-2] for frame in frames), rate, times=times)
    return Video(path)


@pytest.mark.parametrize("method", ["adaptive", "difference"])
def test_one_frame_is_one_shot(tmp_path, scenes, method):
    (shot,) = Shots(method)(video(tmp_path / "one.mp4", (scenes[0], 1)))
    assert (shot.start, shot.end) == pytest.approx((0, 0.04))
    assert shot.values == {"transition": "start", "transition_seconds": 0.0, "confidence": None, "frames": 1}


@pytest.mark.parametrize("method", ["adaptive", "difference"])
def test_shots_tile_the_video(tmp_path, scenes, method):
    shots = list(Shots(method)(video(tmp_path / "cuts.mp4", *((scene, 20 + 5 * i) for i, scene in enumerate(scenes)))))
    assert [shot.start for shot in shots] == pytest.approx([0, 0.8, 1.8, 3.0])
    assert all(one.end == other.start for one, other in pairwise(shots))
    assert shots[-1].end == pytest.approx(4.4)
    assert [shot.values["frames"] for shot in shots] == [20, 25, 30, 35]
    assert [shot.values["transition"] for shot in shots] == ["start", "cut", "cut", "cut"]
    assert all(0 < shot.values["confidence"] <= 1 for shot in shots[1:])


def test_a_new_shot_begins_in_the_middle_of_a_dissolve(tmp_path, scenes):
    between = mixed(scenes[0], scenes[1], 24)
    pieces = [(scenes[0], 50), *((frame, 1) for frame in between), (scenes[1], 50)]
    _, shot = Shots()(video(tmp_path / "dissolve.mp4", *pieces))
    assert shot.values["transition"] == "dissolve"
    assert shot.start == pytest.approx(62 / 25, abs=0.1)
    assert shot.values["transition_seconds"] == pytest.approx(1, abs=0.2)


def test_variable_frame_rate(tmp_path, scenes):
    times = [0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 1.4, 2.4, 3.0, 3.01, 3.02, 3.05, 3.2]
    shots = list(Shots()(video(tmp_path / "vfr.mp4", (scenes[0], 7), (scenes[1], 7), times=times)))
    assert [shot.start for shot in shots] == pytest.approx([0, 1.4])
    assert [shot.values["frames"] for shot in shots] == [7, 7]


@pytest.mark.parametrize(("method", "threshold"), [("adaptive", None), ("difference", 40.0)])
def test_a_real_clip_with_five_cuts(videos, method, threshold):
    shots = list(Shots(method, threshold)(Video(videos / "bikes.mp4")))
    assert np.cumsum([shot.values["frames"] for shot in shots]).tolist() == [*BIKES, 250]
    assert [shot.start for shot in shots] == pytest.approx([0, *(frame / 25 for frame in BIKES)])


@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bigbuckbunny.mp4"])
def test_real_clips_of_one_shot(videos, name):
    (shot,) = Shots()(Video(videos / name))
    assert shot.values["frames"] > 100


def test_a_made_film(tmp_path):
    film = moving.film(tmp_path, 107, "tuning", shots=9)
    shots = list(Shots()(Video(film.path)))
    begins = np.cumsum([shot.values["frames"] for shot in shots])[:-1].tolist()
    assert len(film.transitions) == 8
    assert sum(any(t.first - 2 <= b <= t.last + 2 for b in begins) for t in film.transitions) >= 7
    assert sum(any(t.first - 2 <= b <= t.last + 2 for t in film.transitions) for b in begins) >= len(begins) - 1
    assert sum(shot.values["frames"] for shot in shots) == film.frames


def test_a_long_video_takes_no_more_memory_and_gives_the_same(tmp_path, scenes):
    """Four minutes, seen in windows: nothing is found twice, nothing is lost at a seam."""
    long = video(tmp_path / "long.mp4", *((scenes[i % 4], 37 + i % 11) for i in range(85)), rate=15)
    watcher, most, greys, times = Shots().watch(long), 0, [], []
    for frame in long.frames():
        watcher.see(frame)
        most = max(most, len(watcher.frames))
        greys.append(frame.grey(*SIZE, SAMPLES))
        times.append(frame.time)
    whole = transitions(np.stack(greys), np.array(times))
    assert [shot.start for shot in watcher.result()[1:]] == [times[one.first] for one in whole]
    assert len(whole) == 84
    assert most <= 40 * 15 + 60 < len(times) / 4


def test_blackness_of_any_length_is_bridged_in_little_memory(tmp_path, scenes):
    nothing = np.zeros((27, 48), np.uint8)
    dark = video(tmp_path / "dark.mp4", (scenes[0], 300), (nothing, 3000), (scenes[1], 300), rate=15)
    watcher, most = Shots().watch(dark), 0
    for frame in dark.frames():
        watcher.see(frame)
        most = max(most, len(watcher.frames))
    _, shot = watcher.result()
    assert shot.values["transition"] == "fade"
    assert shot.values["transition_seconds"] == pytest.approx(200)
    assert most < 620
    same = video(tmp_path / "same.mp4", (scenes[0], 300), (nothing, 3000), (scenes[0], 300), rate=15)
    assert [shot.values["frames"] for shot in Shots()(same)] == [3600]


# the part


@pytest.mark.parametrize(
    ("method", "threshold", "says"),
    [
        ("content", None, "one of adaptive, difference, got 'content'"),
        ("adaptive", 1.5, "0 to 1, got 1.5"),
        ("adaptive", float("nan"), "0 to 1, got nan"),
        ("difference", 256.0, "0 to 255, got 256"),
    ],
)
def test_bad_parameters_are_refused(method, threshold, says):
    with pytest.raises(InputError, match=says):
        Shots(method, threshold)


def test_columns_are_the_keys_of_the_values(videos):
    shots = list(Shots()(Video(videos / "bikes.mp4")))
    columns = Shots().columns
    assert all(set(shot.values) == {column.name for column in columns} for shot in shots)
    for column in columns:
        values = pa.array([shot.values[column.name] for shot in shots], column.arrow().type)
        assert values.null_count == (1 if column.name == "confidence" else 0)
    assert pickle.loads(pickle.dumps(Shots(threshold=0.7))) == Shots(threshold=0.7)


def test_a_threshold_of_more_confidence_finds_no_more(videos):
    counts = [len(list(Shots(threshold=t)(Video(videos / "bikes.mp4")))) for t in (0.1, 0.5, 0.9, 1.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1
