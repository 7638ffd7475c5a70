"""NanoDet-g, converted: the numbers of TensorFlow.js, and what is in real photographs."""

import json
import sys

import fetch
import numpy as np
import pytest

from studium.errors import MissingExtraError, WeightsError
from studium.measure.detector import find_objects
from studium.measure.detector_decode import decode
from studium.measure.detector_input import fit
from studium.measure.detector_nanodet import DESCRIPTION, SIDE, onnx_of
from studium.measure.detector_onnx import described
from studium.media.image import decode as opened

TENSORFLOW_JS = (  # 4.22 on messi5.jpg, CPU: place, class, probability, corners in px of the input
    (3477, 0, 0.7402, (47.06, 127.51, 348.29, 335.35)),
    (3464, 0, 0.72665, (49.91, 130.77, 348.71, 336.27)),
    (3465, 0, 0.6536, (65.12, 130.63, 347.84, 335.77)),
    (849, 0, 0.37843, (126.48, 119.93, 159.04, 165.52)),
    (1493, 0, 0.18803, (281.59, 203.48, 328.05, 268.20)),
)


@pytest.fixture(scope="module")
def files(nanodet):
    return (nanodet / "nanodet.json").read_bytes(), (nanodet / "nanodet.bin").read_bytes()


@pytest.fixture(scope="module")
def detector(files):
    return described(onnx_of(*files), "nanodet-g", DESCRIPTION)


def iou(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.prod(np.maximum(high - low, 0))
    areas = [np.prod(np.subtract(box[2:], box[:2])) for box in (one, other)]
    return shared / (sum(areas) - shared)


def test_is_tensorflow_js(detector, opencv_doc):
    picture = opened(opencv_doc / "data/messi5.jpg")
    fitted, _ = fit(picture, (SIDE, SIDE), "letterbox", 0)
    found = decode("yolov8", detector.run(fitted), detector.description, (SIDE, SIDE))
    assert len(found.confidence) == 52 * 52 + 26 * 26 + 13 * 13
    for place, number, confidence, box in TENSORFLOW_JS:
        assert found.classes[place] == number
        assert found.confidence[place] == pytest.approx(confidence, abs=2e-4)
        assert found.boxes[place] == pytest.approx(box, abs=0.1)


@pytest.mark.parametrize(
    ("name", "label", "box"),
    [  # boxes drawn by hand
        ("messi5.jpg", "person", (72, 66, 460, 340)),
        ("messi5.jpg", "sports ball", (338, 289, 389, 338)),
        ("basketball1.png", "person", (33, 84, 172, 478)),
        ("basketball1.png", "person", (418, 22, 640, 480)),
        ("chelsea.png", "cat", (0, 0, 440, 300)),
        ("astronaut.png", "person", (15, 12, 365, 512)),
    ],
)
def test_what_is_in_photographs(detector, name, label, box):
    (path,) = [*fetch.photos().glob(name), *(fetch.opencv_doc() / "data").glob(name)]
    found = find_objects(opened(path), detector)
    assert max(iou(one.box, box) for one in found if one.label == label) > 0.75


def test_nothing_in_a_flat_picture(detector):
    for value in (0, 127, 255):
        assert find_objects(np.full((100, 150, 3), value, np.uint8), detector) == []


def test_the_file_is_the_same_every_time(files):
    assert onnx_of(*files) == onnx_of(*files)


class TestRefused:
    def test_other_weights(self, files):
        with pytest.raises(WeightsError, match="expected 7574558 bytes of weights, got 7574557"):
            onnx_of(files[0], files[1][:-1])

    def test_another_network(self, files):
        said = json.loads(files[0])
        for node in said["modelTopology"]["node"]:
            if node["op"] == "LeakyRelu":
                node["op"] = "Elu"
        with pytest.raises(WeightsError, match="is a Elu, which cannot be converted"):
            onnx_of(json.dumps(said).encode(), files[1])

    def test_without_the_extra(self, files, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnx", None)
        with pytest.raises(MissingExtraError, match=r"studium\[images\]"):
            onnx_of(*files)
