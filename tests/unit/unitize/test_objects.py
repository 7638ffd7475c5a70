"""Objects: units of a study, from images and frames alike, by one's own weights and by checkpoints of transformers."""

import dataclasses
import shutil
import subprocess
import sys

import detectors
import numpy as np
import pytest
from detectors import NAMES, blobs, constant, rectangles
from PIL import Image

from studium import Corpus, sources
from studium.core import registry
from studium.core.recipe import recipe_of
from studium.errors import InputError, MissingExtraError, UnknownNameError, WeightsError
from studium.media.image import decode
from studium.media.video import Video
from studium.testing import check_unitizer
from studium.unitize.objects import DEFAULT, Objects

METADATA = {"names": dict(enumerate(NAMES))}
TWO = {"red": (8, 16, 40, 48), "blue": (60, 20, 90, 60)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Path of a detector of coloured rectangles, of YOLOv8's family."""
    return str(blobs(tmp_path_factory.mktemp("weights") / "colours.onnx", "yolov8", **METADATA))


def found(part, picture):
    return {span.values["label"]: span.box for span in part(picture)}


def test_nothing(weights):
    assert list(Objects(weights=weights)(rectangles(30, 40, {}))) == []


def test_one(weights):
    (span,) = Objects(weights=weights)(rectangles(128, 128, {"red": (8, 16, 40, 48)}))
    assert span.box == (8, 16, 40, 48)
    assert span.values == {"label": "red", "confidence": pytest.approx(0.9)}
    assert (span.start, span.end, span.text, span.points) == (None,) * 4


def test_the_most_confident_first(weights):
    spans = list(Objects(weights=weights)(rectangles(128, 128, {**TWO, "green": (0, 100, 20, 120)})))
    assert [span.values["label"] for span in spans] == ["red", "green", "blue"]


def test_the_default_on_a_photograph(opencv_doc):
    part = Objects()
    part.prepare()
    spans = list(part(decode(opencv_doc / "data/messi5.jpg")))
    assert [span.values["label"] for span in spans] == ["person", "sports ball"]
    assert spans[1].box == pytest.approx((338, 289, 389, 338), abs=3)
    with pytest.raises(InputError, match="does not know flag; it knows: person, bicycle"):
        Objects(labels=("flag",)).prepare()


def test_labels_and_threshold(weights):
    picture = rectangles(128, 128, TWO)
    assert found(Objects(weights=weights, labels=("blue",)), picture) == {"blue": TWO["blue"]}
    assert found(Objects(weights=weights, labels=["green"]), picture) == {}
    assert found(Objects(weights=weights, threshold=0.8), picture) == {"red": TWO["red"]}


def test_one_unit_for_one_box(tmp_path):
    """Of two labels for the very same box the more confident."""
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :2] = [[8, 8, 24, 24, 0.6, 0], [8, 8, 24, 24, 0.7, 1]]
    part = Objects(weights=str(constant(tmp_path / "m.onnx", {"o": rows}, names=["van", "car"])))
    assert found(part, rectangles(64, 64, {})) == {"car": (8, 8, 24, 24)}


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2), (500, 20_000)])
def test_odd_pictures(weights, shape):
    picture = np.full((*shape, 3), (255, 0, 0), np.uint8)
    (span,) = Objects(weights=weights)(picture)
    high, wide = shape
    assert span.box[:2] == (0, 0)
    assert span.box[2:] == pytest.approx((wide, high), abs=max(shape) / 128)


def test_the_contract(weights):
    pictures = [rectangles(64, 96, TWO), rectangles(1, 1, {}), rectangles(300, 200, {**TWO, "green": (0, 0, 200, 300)})]
    check_unitizer(Objects(weights=weights), pictures)


@pytest.mark.parametrize("kind", ["detr", "d-fine"])
def test_the_contract_with_a_checkpoint(kind, tmp_path):
    folder = str(detectors.transformer(tmp_path / kind, kind))
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((40, 60), (90, 30))]
    part = Objects(folder, threshold=0.1)
    check_unitizer(part, pictures)
    assert all(list(part(picture)) for picture in pictures)


def test_words(tmp_path):
    folder = str(detectors.transformer(tmp_path / "owlv2", "owlv2"))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    part = Objects(folder, labels=("flag", "dog"), threshold=0.3)
    assert set(found(part, picture)) <= {"flag", "dog"}
    assert found(part, picture)
    with pytest.raises(InputError, match="say which, labels"):
        Objects(folder).prepare()


class TestParameters:
    def test_it_is_registered(self):
        part = registry.make("unitizers", "objects", {"labels": ["person"]})
        assert part == Objects(labels=("person",))
        assert (part.takes, part.makes, part.detail) == ("image", "object", None)

    def test_nothing_is_loaded_to_say_what_it_makes(self):
        assert Objects().models == (DEFAULT,)
        assert Objects(weights="x.onnx").models == ()
        assert [column.name for column in Objects().columns] == ["label", "confidence"]

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"threshold": 0}, "threshold should be"),
            ({"threshold": 1.1}, "threshold should be"),
            ({"threshold": float("nan")}, "threshold should be"),
            ({"overlap": -0.1}, "overlap 0 to 1"),
            ({"labels": "person"}, "labels should be a list"),
            ({"labels": ("",)}, "labels should be a list"),
            ({"model": "dfine-s", "weights": "x.onnx"}, "got both"),
            ({"model": "minilm"}, "minilm is no checkpoint"),
        ],
    )
    def test_impossible_ones(self, wrong, says):
        with pytest.raises(InputError, match=says):
            Objects(**wrong)

    def test_unknown_models(self):
        with pytest.raises(UnknownNameError, match="nanodet-g"):
            Objects("yolov8n")

    def test_labels_that_the_detector_does_not_know(self, weights):
        with pytest.raises(InputError, match="does not know flag; it knows: red, green, blue"):
            Objects(weights=weights, labels=("red", "flag")).prepare()

    def test_what_can_never_work_stops_a_run(self, tmp_path):
        bad = constant(tmp_path / "bad.onnx", {"o": np.zeros((1, 1000), np.float32)}, names=["a"])
        for path, error in ((bad, InputError), (tmp_path / "none.onnx", WeightsError)):
            with pytest.raises(error):
                Objects(weights=str(path)).prepare()


class TestRecipe:
    def test_weights_count_by_content(self, weights, tmp_path):
        copy = shutil.copy(weights, tmp_path / "renamed.onnx")
        assert recipe_of(Objects(weights=str(copy))) == recipe_of(Objects(weights=weights))
        other = blobs(tmp_path / "other.onnx", "yolov5", **METADATA)
        assert recipe_of(Objects(weights=str(other))) != recipe_of(Objects(weights=weights))

    def test_and_so_does_their_description(self, weights, tmp_path):
        shutil.copy(weights, tmp_path / "m.onnx")
        keys = []
        for fill in (114, 0):
            (tmp_path / "m.toml").write_text(f"fill = {fill}")
            keys.append(recipe_of(Objects(weights=str(tmp_path))).key)
        assert len(set(keys)) == 2


class TestInAStudy:
    def test_images(self, weights, tmp_path):
        folder = tmp_path / "images"
        folder.mkdir()
        Image.fromarray(rectangles(128, 128, TWO)).save(folder / "two.png")
        Image.fromarray(rectangles(64, 64, {})).save(folder / "none.png")
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
        corpus = Corpus(tmp_path / "study")
        corpus.add(sources.folder(folder))
        shutil.copy(weights, tmp_path / "study" / "colours.onnx")
        done = corpus.split("objects", of="image", weights="colours.onnx")
        assert sum(done.rows.values()) == 2
        assert sum(corpus.split("objects", of="image", weights="colours.onnx").rows.values()) == 0
        counts = {row["object_count"]: row["object_area"] for row in corpus.table("image", "objects").to_pylist()}
        assert counts[2] == pytest.approx((32 * 32 + 30 * 40) / 128**2)
        assert counts[0] == 0
        rows = corpus.table("object", "objects").to_pylist()
        assert sorted((row["label"], round(row["confidence"], 4)) for row in rows) == [("blue", 0.7), ("red", 0.9)]
        corpus.measure("colour", of="object")
        assert len(corpus.table("object", "colour")) == 2

    def test_a_box_outside_is_a_failure(self, tmp_path):
        rows = np.zeros((1, 300, 6), np.float32)
        rows[0, 0] = [200, 0, 220, 30, 0.9, 0]
        file = constant(tmp_path / "bad.onnx", {"o": rows}, names=["a"])
        folder = tmp_path / "images"
        folder.mkdir()
        Image.fromarray(rectangles(64, 64, {})).save(folder / "one.png")
        corpus = Corpus(tmp_path / "study")
        corpus.add(sources.folder(folder))
        done = corpus.split(Objects(weights=str(file)), of="image")
        assert sum(done.failures.values()) == 1
        (failure,) = corpus.failures().to_pylist()
        assert failure["error"] == "InputError"
        assert "says the box (200.0, 0.0, 220.0, 30.0) in a picture of 64 x 64 px" in failure["message"]

    def test_frames(self, weights, videos, tmp_path):
        (tmp_path / "films").mkdir()
        (tmp_path / "films" / "bikes.mp4").symlink_to(videos / "bikes.mp4")
        corpus = Corpus(tmp_path / "study")
        corpus.add(sources.folder(tmp_path / "films"))
        corpus.split("frames", of="video", every=4.0)
        part = Objects(weights=weights, threshold=0.01)
        corpus.split(part, of="frame")
        counts = [row["object_count"] for row in corpus.table("frame", "objects").to_pylist()]
        frames = [frame.rgb() for frame in Video(videos / "bikes.mp4").frames() if frame.time % 4 < 0.01]
        assert counts == [len(list(part(frame))) for frame in frames]


def test_without_the_extras(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    other = dataclasses.replace(Objects(weights=weights))
    from studium.measure import detector_onnx

    detector_onnx._opened.cache_clear()
    with pytest.raises(MissingExtraError, match=r"studium\[images\]"):
        other.prepare()


def test_importing_loads_nothing_heavy():
    heavy = "{'torch', 'transformers', 'onnxruntime', 'onnx', 'cv2'}"
    code = f"import sys, studium.unitize.objects\nprint({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
