"""Detectors in ONNX: every family of outputs, pictures of any shape, descriptions, and files that are no detectors."""

import shutil
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor

import detectors
import numpy as np
import onnx
import pytest
from detectors import NAMES, blobs, constant, rectangles

from studium.errors import ConfigError, InputError, MissingExtraError, WeightsError
from studium.measure.detector import find_objects
from studium.measure.detector_decode import decode
from studium.measure.detector_description import COCO, CONVENTIONS, Description
from studium.measure.detector_input import planes
from studium.measure.detector_onnx import onnx_detector

METADATA = {"names": dict(enumerate(NAMES))}
FAMILIES = {"yolov8": "yolov8", "yolov5": "yolov5", "end-to-end": "end-to-end", "tf": "boxes"}
THREE = {"red": (8, 16, 40, 48), "green": (48, 0, 64, 64), "blue": (0, 56, 24, 64)}


def described(folder, toml, family="boxes", **rest):
    """A folder with a detector and its description."""
    blobs(folder / "model.onnx", family, **rest)
    (folder / "model.toml").write_text(toml)
    return str(folder)


def told(folder, outputs, toml, **rest):
    constant(folder / "model.onnx", outputs, **rest)
    (folder / "model.toml").write_text(toml)
    return onnx_detector(str(folder))


def boxes(path, picture):
    return {one.label: one.box for one in find_objects(picture, onnx_detector(str(path)))}


class TestFound:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_the_family_is_recognised(self, family, tmp_path):
        detector = onnx_detector(str(blobs(tmp_path / "model.onnx", family, **METADATA)))
        assert detector.description.family == FAMILIES[family]
        assert detector.names == NAMES

    @pytest.mark.parametrize("family", FAMILIES)
    def test_nothing_in_a_grey_picture(self, family, tmp_path):
        assert boxes(blobs(tmp_path / "model.onnx", family, **METADATA), rectangles(100, 50, {})) == {}

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize("times", [1, 2, 3])
    def test_to_the_pixel(self, family, times, tmp_path):
        """Where pixels of the input are whole pixels of the picture, boxes come back exact."""
        file = blobs(tmp_path / "model.onnx", family, (128, 128), **METADATA)
        picture = rectangles(64, 64, THREE).repeat(2 * times, axis=0).repeat(2 * times, axis=1)
        assert boxes(file, picture) == {name: tuple(2 * times * v for v in box) for name, box in THREE.items()}

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize("size", [(128, 128), (96, 160)])
    @pytest.mark.parametrize("shape", [(128, 128), (480, 640), (640, 480), (50, 300), (300, 50), (77, 91), (999, 1000)])
    def test_pictures_of_any_shape(self, family, size, shape, tmp_path):
        """Elsewhere to the pixel of the input."""
        file = blobs(tmp_path / "model.onnx", family, size, **METADATA)
        high, wide = shape
        expected = {
            "red": (wide // 8, high // 4, wide // 2, high // 2),
            "green": (wide // 2, high // 2, wide, high),
            "blue": (0, high // 2, wide // 4, high * 3 // 4),
        }
        found = boxes(file, rectangles(high, wide, expected))
        pixel = max(high / size[0], wide / size[1], 1)
        for name, box in expected.items():
            assert found[name] == pytest.approx(box, abs=pixel + 0.5), name

    def test_detectors_without_a_batch_and_with_labels_from_1(self, tmp_path):
        """As torchvision exports: names of the outputs tell, and 1 is the first class."""
        path = described(tmp_path / "m", 'family = "boxes"\nfirst = 1\nnames = ["red", "green", "blue"]')
        picture = rectangles(64, 64, THREE).repeat(2, axis=0).repeat(2, axis=1)
        assert boxes(path, picture) == {name: tuple(2 * v for v in box) for name, box in THREE.items()}

    def test_a_description_beats_the_metadata(self, tmp_path):
        toml = 'names = ["rot", "gruen", "blau"]'
        path = described(tmp_path / "m", toml, "yolov8", **METADATA)
        assert onnx_detector(path).names == ("rot", "gruen", "blau")

    def test_from_several_threads_at_once(self, tmp_path):
        file = blobs(tmp_path / "model.onnx", "yolov8", **METADATA)
        pictures = [rectangles(64 + n, 80, {"red": (n, n, n + 20, n + 30)}) for n in range(16)]
        alone = [boxes(file, picture) for picture in pictures]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda picture: boxes(file, picture), pictures)) == alone

    def test_another_file_at_the_same_path(self, tmp_path):
        file = blobs(tmp_path / "model.onnx", "yolov8", **METADATA)
        first = onnx_detector(str(file))
        assert onnx_detector(str(file)) is first
        blobs(file, "yolov8", names={0: "a", 1: "b", 2: "c"})
        assert onnx_detector(str(file)).names == ("a", "b", "c")


class TestFamilies:
    """What each family's numbers mean, from their papers and reference code."""

    NAMED = Description(names=("a", "b"))

    def test_detr(self):
        logits = np.float32([[2, 0, 1], [0, 0, 5]])[None]
        centred = np.float32([[0.5, 0.5, 0.2, 0.4], [0, 0, 1, 1]])[None]
        found = decode("detr", [("logits", logits), ("pred_boxes", centred)], self.NAMED, (100, 200))
        assert found.boxes[0] == pytest.approx([80, 30, 120, 70])
        assert found.confidence == pytest.approx([np.exp(2) / (np.exp(2) + 1 + np.e), 1 / (2 + np.exp(5))])
        assert found.classes.tolist() == [0, 0]

    def test_rt_detr(self):
        logits = np.float32([[3, 2], [-9, 1]])[None]
        centred = np.float32([[0.5, 0.5, 0.2, 0.4], [0.1, 0.1, 0.1, 0.1]])[None]
        found = decode("rt-detr", [("boxes", centred), ("scores", logits)], self.NAMED, (100, 200))
        assert found.confidence == pytest.approx([1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-2))])
        assert found.classes.tolist() == [0, 1]  # both of the first query
        assert found.boxes == pytest.approx(np.array([[80, 30, 120, 70]] * 2))

    def test_extreme_logits(self):
        said = [("logits", np.float32([[[1e4, -1e4]]])), ("boxes", np.float32([[[0.5, 0.5, 1, 1]]]))]
        assert decode("rt-detr", said, self.NAMED, (9, 9)).confidence.tolist() == [1]

    def test_yolox(self):
        values = np.zeros((1, 64 + 16 + 4, 7), np.float32)
        values[0, 9] = [0.5, 0.25, np.log(2), np.log(3), 0.5, 0.2, 0.8]  # second row and column of the grid of stride 8
        values[0, 64 + 16 + 3] = [0, 0, 0, 0, 1, 0.9, 0]  # last cell of the grid of stride 32
        found = decode("yolox", [("output", values)], self.NAMED, (64, 64))
        assert found.boxes[9] == pytest.approx([12 - 8, 10 - 12, 12 + 8, 10 + 12])
        assert (found.confidence[9], found.classes[9]) == (pytest.approx(0.4), 1)
        assert found.boxes[-1] == pytest.approx([16, 16, 48, 48])
        assert found.confidence[-1] == pytest.approx(0.9)

    def test_yolov5_multiplies_and_yolov8_does_not(self):
        row = np.float32([50, 40, 20, 10, 0.5, 0.2, 0.8])
        found = decode("yolov5", [("o", row[None, None])], self.NAMED, (64, 64))
        assert (found.boxes[0].tolist(), found.confidence[0]) == ([40, 35, 60, 45], pytest.approx(0.4))
        found = decode("yolov8", [("o", np.delete(row, 4)[None, :, None])], self.NAMED, (64, 64))
        assert (found.boxes[0].tolist(), found.confidence[0]) == ([40, 35, 60, 45], pytest.approx(0.8))

    @pytest.mark.parametrize("batch", [False, True])
    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_boxes(self, batch, count):
        arrays = {
            "5": np.arange(4 * count, dtype=np.float32).reshape(count, 4),
            "scores": np.linspace(0.9, 0.5, count, dtype=np.float32),
            "6": np.arange(count, dtype=np.int64),
        }
        said = [(name, values[None] if batch else values) for name, values in arrays.items()]
        found = decode("boxes", said, self.NAMED, (64, 64))
        assert found.boxes.tolist() == arrays["5"].tolist()
        assert found.classes.tolist() == list(range(count))
        assert found.confidence == pytest.approx(arrays["scores"])

    @pytest.mark.parametrize("family", CONVENTIONS)
    def test_outputs_of_something_else(self, family):
        for said in ([], [("o", np.zeros((1, 5), np.float32))], [("o", np.zeros((1, 2, 3, 4, 5), np.float32))] * 2):
            with pytest.raises(InputError, match=r"expected|has \d output|the model"):
                decode(family, said, self.NAMED, (64, 64))


class TestPrepared:
    @pytest.mark.parametrize(
        ("toml", "expected"),
        [
            ("", [200 / 255, 100 / 255, 50 / 255]),
            ('channels = "bgr"', [50 / 255, 100 / 255, 200 / 255]),
            ("scale = 1", [200, 100, 50]),
            ("mean = [0.5, 0.4, 0.3]\nstd = [0.1, 0.2, 0.5]", [2.8431, -0.0392, -0.2078]),
            ('channels = "bgr"\nscale = 1\nmean = [100, 90, 40]', [10, 10, 100]),
        ],
    )
    def test_numbers(self, toml, expected):
        said = {key: tuple(v) if isinstance(v, list) else v for key, v in tomllib.loads(toml).items()}
        colour = np.full((2, 2, 3), (200, 100, 50), np.uint8)
        for dtype in ("float32", "float16"):
            values = planes(colour, Description(names=("a",), **said), dtype)
            assert values.dtype == dtype
            assert values[1, 1] == pytest.approx(expected, rel=2e-3)
        assert planes(colour, Description(names=("a",)), "uint8")[0, 0].tolist() == [200, 100, 50]

    @pytest.mark.parametrize(
        ("shape", "layout"),
        [((1, 3, 64, 64), "nchw"), ((1, 64, 64, 3), "nhwc"), ((3, 64, 64), "chw"), ((64, 64, 3), "hwc")],
    )
    def test_layouts(self, tmp_path, shape, layout):
        outputs = {"o": np.zeros((1, 300, 6), np.float32)}
        detector = onnx_detector(str(constant(tmp_path / "m.onnx", outputs, shape, names=["a"])))
        assert (detector.layout, detector.description.size) == (layout, (64, 64))
        assert find_objects(np.zeros((9, 9, 3), np.uint8), detector) == []

    @pytest.mark.parametrize(("kind", "dtype"), [("FLOAT16", "float16"), ("UINT8", "uint8")])
    def test_types(self, tmp_path, kind, dtype):
        rows = np.zeros((1, 300, 6), np.float16)
        rows[0, 0] = [8, 16, 40, 48, 0.9, 0]
        detector = onnx_detector(str(constant(tmp_path / "m.onnx", {"o": rows}, type=kind, names=["a"])))
        assert detector.dtype == dtype
        assert find_objects(np.zeros((64, 64, 3), np.uint8), detector)[0].box == (8, 16, 40, 48)

    def test_any_size_needs_one(self, tmp_path):
        outputs, shape = {"o": np.zeros((1, 300, 6), np.float32)}, (1, 3, "height", "width")
        with pytest.raises(ConfigError, match=r"size = \[640, 640\]"):
            onnx_detector(str(constant(tmp_path / "m.onnx", outputs, shape, names=["a"])))
        sized = onnx_detector(str(constant(tmp_path / "n.onnx", outputs, shape, names=["a"], imgsz=[96, 64])))
        assert sized.description.size == (96, 64)
        whole = told(tmp_path / "m", outputs, 'resize = "none"\nnames = ["a"]', shape=shape)
        assert whole.description.size is None
        assert find_objects(np.zeros((31, 9, 3), np.uint8), whole) == []

    def test_the_size_that_boxes_are_wanted_in(self, tmp_path):
        """RT-DETR and D-FINE as their authors export them take the size as a second input and return pixels of it."""
        graph = detectors.Graph()
        graph.input("images", "FLOAT", ["N", 3, 64, 64])
        graph.input("orig_target_sizes", "INT64", ["N", 2])
        half = graph("Concat", "orig_target_sizes", "orig_target_sizes", axis=1)
        scaled = graph("Mul", graph("Cast", half, to=1), graph.constant(np.float32([0.25, 0.25, 0.5, 0.75])))
        graph.output(graph("Unsqueeze", scaled, graph.constant(np.int64([0])), name="boxes"), np.float32, [1, 1, 4])
        graph.output(graph("Identity", graph.constant(np.int64([[0]])), name="labels"), np.int64, [1, 1])
        graph.output(graph("Identity", graph.constant(np.float32([[0.9]])), name="scores"), np.float32, [1, 1])
        folder = tmp_path / "m"
        graph.save(folder / "dfine.onnx", {})
        (folder / "dfine.toml").write_text('family = "boxes"\nnames = ["a"]')
        assert boxes(folder, np.zeros((100, 200, 3), np.uint8)) == {"a": (50, 25, 100, 75)}


class TestDescription:
    def test_conventions_are_the_familys(self, tmp_path):
        outputs = {"o": np.zeros((1, 84, 6), np.float32)}
        detector = told(tmp_path / "m", outputs, 'family = "yolox"\nnames = ["a"]', shape=(1, 3, 64, 64))
        said = detector.description
        assert (said.resize, said.channels, said.scale) == ("corner", "bgr", 1.0)
        detector = told(tmp_path / "n", outputs, 'family = "yolox"\nnames = ["a"]\nscale = 255', shape=(1, 3, 64, 64))
        assert detector.description.scale == 255

    @pytest.mark.parametrize(
        ("toml", "says"),
        [
            ('family = "yolo"', "family should be one of 'yolov5'"),
            ("names = []", "names should be"),
            ('names = ["a", ""]', "names should be"),
            ("size = 0", "size should be"),
            ("size = [64]", "size should be"),
            ('resize = "crop"', "resize should be one of"),
            ("fill = 256", "fill should be 0 to 255"),
            ("mean = [1, 2]", "three each"),
            ("std = [1, 0, 1]", "more than 0"),
            ("scale = -1", "more than 0"),
            ("colours = 3", "unknown key colours; known: names, family"),
            ("names = ", "does not describe a detector"),
            ('resize = "none"', "the input has a size"),
            ("size = [64, 64]", r"size should be that of the input of model.onnx, \(128, 128\)"),
        ],
    )
    def test_mistakes(self, tmp_path, toml, says):
        with pytest.raises(ConfigError, match=says):
            onnx_detector(described(tmp_path / "m", toml, "yolov8", **METADATA))

    def test_no_names(self, tmp_path):
        with pytest.raises(ConfigError, match=r'does not say the names of its classes.*\n*.*family = "yolov8"'):
            onnx_detector(str(blobs(tmp_path / "model.onnx", "yolov8")))

    @pytest.mark.parametrize(
        "metadata", [{"names": "{0: 'a'"}, {"names": "{1: 'a'}"}, {"names": "__import__('os')"}, {"imgsz": "x"}]
    )
    def test_metadata_that_cannot_be_read(self, tmp_path, metadata):
        with pytest.raises(ConfigError, match="metadata of the model cannot be read"):
            onnx_detector(str(blobs(tmp_path / "model.onnx", "yolov8", **{**METADATA, **metadata})))

    def test_a_model_for_something_else(self, tmp_path):
        with pytest.raises(ConfigError, match="made for 'segment'"):
            onnx_detector(str(blobs(tmp_path / "model.onnx", "yolov8", task="segment", **METADATA)))

    @pytest.mark.parametrize("names", [["a"], ["a", "b"], list("abcd")])
    @pytest.mark.parametrize("family", ["yolov8", "yolov5"])
    def test_another_number_of_names(self, tmp_path, family, names):
        with pytest.raises(InputError, match=f"with {len(names)} classes fit no family"):
            onnx_detector(str(blobs(tmp_path / "model.onnx", family, names=names)))
        with pytest.raises(InputError, match=f"{family}.*number of classes.*see names"):
            onnx_detector(described(tmp_path / "m", f'family = "{family}"\nnames = {names}', family))


class TestHostile:
    def test_no_file(self, tmp_path):
        with pytest.raises(WeightsError, match="weights should be an ONNX file or a folder with one"):
            onnx_detector(str(tmp_path / "none.onnx"))

    def test_a_folder_of_too_much(self, tmp_path):
        file = blobs(tmp_path / "m" / "model.onnx", "yolov8", **METADATA)
        shutil.copy(file, file.with_name("other.onnx"))
        with pytest.raises(WeightsError, match=r"one .onnx file and at most one .toml file, it holds 2 .onnx, 0 .toml"):
            onnx_detector(str(file.parent))

    def test_a_description_that_would_not_count(self, tmp_path):
        path = described(tmp_path / "m", "", "yolov8", **METADATA)
        with pytest.raises(InputError, match=r"model\.toml describes it: give the folder"):
            onnx_detector(f"{path}/model.onnx")

    @pytest.mark.parametrize("content", [b"", b"not a model\n" * 100, b"PK\x03\x04" + bytes(100)])
    def test_another_format(self, tmp_path, content):
        (tmp_path / "best.pt").write_bytes(content)
        with pytest.raises(WeightsError, match="does not load as ONNX"):
            onnx_detector(str(tmp_path / "best.pt"))

    def test_weights_beside_the_file(self, tmp_path):
        file = blobs(tmp_path / "m" / "model.onnx", "yolov8", **METADATA)
        model = onnx.load(file)
        onnx.save(model, file, save_as_external_data=True, location="weights.bin", size_threshold=100)
        with pytest.raises(WeightsError, match="give the folder"):
            onnx_detector(str(file))
        assert boxes(file.parent, rectangles(128, 128, THREE))["red"] == THREE["red"]

    @pytest.mark.parametrize(
        ("shape", "kind", "says"),
        [
            ((1, 3, 64, 64), "INT8", r"is a tensor\(int8\); expected tensor\(float\)"),
            ((1, 3, 64, 64), "DOUBLE", "export the model with such an input"),
            ((1, 1, 64, 64), "FLOAT", "expected one picture of 3 channels"),
            ((8, 3, 64, 64), "FLOAT", "expected one picture of 3 channels"),
            ((1, 3, 64), "FLOAT", "expected one picture of 3 channels"),
            ((3, 64), "FLOAT", "expected one picture of 3 channels"),
            ((1, 3, 64, 3), "FLOAT", "expected one picture of 3 channels"),
        ],
    )
    def test_inputs(self, tmp_path, shape, kind, says):
        outputs = {"o": np.zeros((1, 300, 6), np.float32)}
        with pytest.raises(InputError, match=says):
            onnx_detector(str(constant(tmp_path / "m.onnx", outputs, shape, type=kind, names=["a"])))

    @pytest.mark.parametrize(
        "outputs",
        [
            {"o": np.zeros((1, 1000), np.float32)},  # a classifier
            {"o": np.zeros((1, 2, 64, 64), np.float32)},  # a segmenter
            {"o": np.zeros((1, 9, 9), np.float32)},
            {"boxes": np.zeros((1, 12, 4), np.float32), "logits": np.zeros((1, 12, 9), np.float32)},
            {"a": np.zeros(3, np.float32), "b": np.zeros(3, np.float32), "c": np.zeros((3, 4), np.float32)},
        ],
    )
    def test_outputs_that_are_no_detectors(self, tmp_path, outputs):
        with pytest.raises(InputError, match="fit no family of detectors for certain; say which in its description"):
            onnx_detector(str(constant(tmp_path / "m.onnx", outputs, names=["a", "b"])))

    def test_a_detector_of_one_class_is_not_taken_for_another(self, tmp_path):
        """YOLOv5 with one class says places x 6, as those with suppression built in say boxes x 6."""
        for places, family in ((3 * 84, "yolov5"), (300, "end-to-end")):
            outputs = {"o": np.zeros((1, places, 6), np.float32)}
            file = constant(tmp_path / f"{places}.onnx", outputs, names=["a"])
            assert onnx_detector(str(file)).description.family == family
        with pytest.raises(InputError, match="fit no family"):  # YOLOX, decoded or not
            onnx_detector(str(constant(tmp_path / "x.onnx", {"o": np.zeros((1, 84, 6), np.float32)}, names=["a"])))

    def test_a_box_outside_the_picture(self, tmp_path):
        rows = np.zeros((1, 300, 6), np.float32)
        rows[0, 0] = [100, 0, 120, 30, 0.9, 0]  # of an input of 64 x 64
        file = constant(tmp_path / "m.onnx", {"o": rows}, names=["a"])
        with pytest.raises(InputError, match=r"says the box \(100\.0, .*in a picture of 64 x 64"):
            find_objects(np.zeros((64, 64, 3), np.uint8), onnx_detector(str(file)))

    def test_a_box_in_the_bars_is_none(self, tmp_path):
        rows = np.zeros((1, 300, 6), np.float32)
        rows[0, :2] = [[4, 0, 30, 10, 0.9, 0], [4, 20, 30, 40, 0.8, 0]]
        file = constant(tmp_path / "m.onnx", {"o": rows}, names=["a"])
        found = find_objects(np.zeros((32, 64, 3), np.uint8), onnx_detector(str(file)))
        assert [one.box for one in found] == [(4, 4, 30, 24)]

    def test_shares_taken_for_pixels_and_the_reverse(self, tmp_path):
        outputs = {
            "boxes": np.float32([[10, 10, 50, 50]]), "labels": np.int64([0]), "scores": np.float32([0.9]),
        }  # fmt: skip
        toml = 'family = "boxes"\nnames = ["a"]\n'
        right = told(tmp_path / "m", outputs, toml)
        assert find_objects(np.zeros((64, 64, 3), np.uint8), right)[0].box == (10, 10, 50, 50)
        wrong = told(tmp_path / "n", outputs, toml + 'unit = "share"')
        with pytest.raises(InputError, match="see family, corners and unit"):
            find_objects(np.zeros((64, 64, 3), np.uint8), wrong)

    def test_numbers_that_are_none(self, tmp_path):
        for value in (np.nan, np.inf):
            rows = np.zeros((1, 300, 6), np.float32)
            rows[0, 3] = [1, 1, 9, 9, 0.9, value]
            with pytest.raises(InputError, match="class numbers that are not finite"):
                onnx_detector(str(constant(tmp_path / f"{value}.onnx", {"o": rows}, names=["a"])))

    def test_without_the_extra(self, tmp_path, monkeypatch):
        file = blobs(tmp_path / "model.onnx", "yolov8", **METADATA)
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(MissingExtraError, match=r"studium\[images\]"):
            onnx_detector(str(file))


def test_the_classes_of_coco_are_words_as_they_are_written():
    assert len(set(COCO)) == 80
    assert all(name == " ".join(name.split()) for name in COCO)
    assert [COCO[n] for n in (0, 11, 25, 34, 35, 47, 60, 72, 79)] == [
        "person", "stop sign", "umbrella", "baseball bat", "baseball glove", "apple", "dining table", "refrigerator",
        "toothbrush",
    ]  # fmt: skip
