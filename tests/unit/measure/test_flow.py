import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from views import view, views

from studium.errors import InputError, MissingExtraError
from studium.measure import flow
from studium.measure.flow import CameraMove, Tracks, camera_field, camera_move, dense, flow_picture, residual, sparse

WIDTH, HEIGHT = 320, 240


@pytest.fixture(scope="module")
def thing(photos):
    return cv2.resize(cv2.cvtColor(photos["chelsea"], cv2.COLOR_RGB2GRAY), (72, 58))


def moves_of(frames):
    return [camera_move(sparse(a, b), WIDTH, HEIGHT) for a, b in itertools.pairwise(frames)]


def mean(moves):
    return np.mean([(m.dx, m.dy, 100 * (m.scale - 1), m.turn) for m in moves], axis=0)


def moving_share(frames):
    shares = []
    for before, after in itertools.pairwise(frames):
        move = camera_move(sparse(before, after), WIDTH, HEIGHT)
        beside = residual(dense(before, after), camera_field(move, WIDTH, HEIGHT))
        shares.append((beside > 1).sum() / np.isfinite(beside).sum())
    return np.mean(shares)


# golden values: 20 frames of known moves, within .05 px, .05 % and .05 degrees


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        ("static", (0, 0, 0, 0)),
        ("pan", (-3, 0, 0, 0)),
        ("tilt", (0, 2, 0, 0)),
        ("zoom", (0, 0, 2, 0)),
        ("roll", (0, 0, 0, -1)),
    ],
)
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_moves_of_the_camera_are_found(photos, name, move, expected):
    found = moves_of(views(photos[name], move))
    np.testing.assert_allclose(mean(found), expected, rtol=0, atol=0.05)
    np.testing.assert_allclose([(m.dx, m.dy) for m in found], [expected[:2]] * 19, rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("move", "expected"), [("static", (0, 0, 0, 0)), ("pan", (-3, 0, 0, 0)), ("zoom", (0, 0, 2, 0))]
)
def test_a_thing_that_moves_does_not_move_the_camera(photos, thing, move, expected):
    for name in ("astronaut", "coffee"):
        found = mean(moves_of(views(photos[name], move, thing)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.05)


@pytest.mark.parametrize("move", ["static", "pan", "zoom"])
def test_what_moves_beside_the_camera_is_a_little_more_than_the_thing(photos, thing, move):
    """The thing covers .0544, and as much as it leaves and takes in a step has no partner."""
    assert 0.0544 < moving_share(views(photos["astronaut"], move, thing, 8)) < 0.1


@pytest.mark.parametrize("move", ["static", "pan", "tilt", "zoom", "roll"])
def test_nothing_moves_but_the_camera(photos, move):
    assert moving_share(views(photos["astronaut"], move, count=6)) < 0.01


def test_differences_alone_cannot_tell_camera_and_thing_apart(photos, thing):
    def changed(frames):
        return np.mean([(cv2.absdiff(a, b) > 25).mean() for a, b in itertools.pairwise(frames)])

    photo = photos["astronaut"]
    assert changed(views(photo, "pan")) > 3 * changed(views(photo, "static", thing))


# dense flow


def test_dense_flow_of_a_shift(photos):
    before, after = view(photos["chelsea"]), view(photos["chelsea"], right=3, up=-2)
    field = dense(before, after)
    assert (field.shape, field.dtype) == ((HEIGHT, WIDTH, 2), np.float32)
    np.testing.assert_allclose(np.median(field[20:-20, 20:-20], axis=(0, 1)), (-3, -2), atol=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (8, 8), (9, 320), (31, 33)])
def test_tiny_pictures(shape):
    before, after = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    assert dense(before, after).shape == (*shape, 2)
    assert np.isfinite(dense(before, after)).all()
    assert not dense(before, before).any()
    tracks = sparse(before, after)
    assert tracks.start.shape == tracks.end.shape == (len(tracks.start), 2)
    move = camera_move(tracks, shape[1], shape[0])
    assert move is None or move.scale > 0


# sparse flow


def test_plain_pictures_have_no_corners():
    rng = np.random.default_rng(0)
    for level in (0, 16, 255):
        plain = np.full((180, 320), level, np.uint8)
        noisy = np.clip(plain + rng.integers(-2, 3, plain.shape), 0, 255).astype(np.uint8)
        for picture in (plain, noisy):
            tracks = sparse(picture, picture)
            assert tracks.corners == len(tracks.start) == 0
            assert camera_move(tracks, 320, 180) is None


def test_at_most_so_many_corners(photos):
    picture = view(photos["chelsea"])
    assert sparse(picture, picture).corners == 400
    assert sparse(picture, picture, most=50).corners == 50


def test_pictures_that_have_nothing_in_common_share_next_to_no_move(photos):
    for one, other in (("coffee", "astronaut"), ("astronaut", "chelsea"), ("chelsea", "coffee")):
        tracks = sparse(view(photos[one]), view(photos[other]))
        assert len(tracks.start) < 0.05 * tracks.corners  # few come back to where they began
        move = camera_move(tracks, WIDTH, HEIGHT)
        assert move is None or move.inliers < 0.03 * tracks.corners


def test_the_same_every_time_in_every_thread_whatever_the_seed(photos, thing):
    before, after = views(photos["coffee"], "pan", thing, 2)

    def once(seed):
        cv2.setRNGSeed(seed)
        return repr(camera_move(sparse(before, after), WIDTH, HEIGHT)), dense(before, after).tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len({*map(once, range(3)), *pool.map(once, range(8))}) == 1


# the field of a camera


def test_fields_of_each_move():
    def corner(**move):
        field = camera_field(CameraMove(**({"dx": 0, "dy": 0, "scale": 1, "turn": 0, "inliers": 2} | move)), 5, 3)
        assert (field.shape, field.dtype) == ((3, 5, 2), np.float32)
        return field[0, 0].tolist()

    assert corner() == [0, 0]
    assert corner(dx=2, dy=-1) == [2, -1]
    assert corner(scale=2) == [-2, -1]  # away from the middle, which is at (2, 1)
    assert corner(turn=90) == pytest.approx([3, -1])  # clockwise: (-2, -1) comes to lie at (1, -2)


def test_a_move_is_what_its_field_says():
    move = CameraMove(1.5, -2.5, 1.03, 4.0, 300)
    points = np.random.default_rng(0).integers(0, (WIDTH, HEIGHT), (300, 2))
    field = camera_field(move, WIDTH, HEIGHT)
    start = points.astype(np.float32)
    found = camera_move(Tracks(300, start, start + field[points[:, 1], points[:, 0]]), WIDTH, HEIGHT)
    assert found is not None
    assert found.inliers == 300
    np.testing.assert_allclose((found.dx, found.dy, found.scale, found.turn), (1.5, -2.5, 1.03, 4.0), rtol=0, atol=1e-4)


def test_what_leaves_the_picture_cannot_be_followed():
    camera = camera_field(CameraMove(-2, 0, 1, 0, 2), 6, 4)
    beside = residual(np.zeros((4, 6, 2), np.float32), camera)
    assert np.isnan(beside[:, :2]).all()
    assert (beside[:, 2:] == 2).all()
    down = residual(np.zeros((4, 6, 2), np.float32), camera_field(CameraMove(0, 1, 1, 0, 2), 6, 4))
    assert np.isnan(down[3:]).all()
    assert (down[:3] == 1).all()


def test_too_few_tracks_are_no_move():
    none, one = np.empty((0, 2), np.float32), np.ones((1, 2), np.float32)
    assert camera_move(Tracks(0, none, none), 10, 10) is None
    assert camera_move(Tracks(1, one, one), 10, 10) is None
    same = np.array([[0, 0], [5, 5]], np.float32)
    assert camera_move(Tracks(2, same, np.zeros_like(same)), 10, 10) is None  # a zoom to nothing


# the picture of a field


def test_colours_of_directions():
    directions = np.array([[[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]]], np.float32)
    red, green, cyan, violet, white = flow_picture(directions)[0].tolist()
    assert red == [255, 0, 0]
    assert green == [128, 255, 0]
    assert cyan == [0, 255, 255]
    assert violet == [128, 0, 255]
    assert white == [255, 255, 255]


def test_the_faster_the_stronger():
    field = np.array([[[1, 0], [2, 0], [4, 0]]], np.float32)
    assert flow_picture(field)[0].tolist() == [[255, 191, 191], [255, 128, 128], [255, 0, 0]]
    assert flow_picture(field, fastest=2)[0].tolist() == [[255, 128, 128], [255, 0, 0], [255, 0, 0]]
    assert (flow_picture(np.zeros((3, 4, 2), np.float32)) == 255).all()
    assert flow_picture(np.zeros((0, 4, 2), np.float32)).shape == (0, 4, 3)


# what is refused


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.uint8), "float32"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), "4 x 4 x 3"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), "one size"),
        (np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8), "0 x 4"),
    ],
)
def test_what_are_no_two_grey_pictures(before, after, said):
    for of in (dense, sparse):
        with pytest.raises(InputError, match=said):
            of(before, after)


def test_a_picture_is_no_field():
    with pytest.raises(InputError, match="4 x 4"):
        flow_picture(np.zeros((4, 4), np.float32))


def test_without_opencv_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"studium\[video\]"):
        flow.opencv()


def test_opencv_is_imported_when_it_is_needed():
    code = "import sys, studium.measure.motion, studium.measure.camera; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
