"""Objects: persons found in a street, the price of finding them, and of decoding what networks say.

    python benchmarks/detect_objects.py                          # NanoDet-g, converted from its TensorFlow.js weights
    python benchmarks/detect_objects.py --weights best.onnx      # a detector of your own as well
    python benchmarks/detect_objects.py --model dfine-s          # a checkpoint that is on this machine as well

Street: three frames of OpenCV's vtest.avi (5, 30 and 60 s; 768 x 576), where 18 persons were marked by hand, two of
them behind a sign; two parked cars. A box counts as right if its label is "person" and its intersection over union with
a person that no surer box has taken is .5 or more. Precision: right boxes of all boxes labelled "person"; recall: of
the 18. Detectors that have no such label are not scored. OpenCV's own detector of pedestrians, HOG, is no longer in its
version 5, so there is no classical peer; 18 persons are a smoke test, not an estimate of accuracy elsewhere.

Time: CPU seconds of the process, one thread in the network, median of 9 rounds in which all detectors take turns; of
them the share of what is ours (scaling the picture, decoding, suppressing), by leaving out the network.

Suppression: medians of 9 rounds in turns with OpenCV's NMSBoxes, on random boxes of one class; both keep the same.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import cv2
import fetch

from studium.measure.detector import Detector, find_objects, suppress
from studium.measure.detector_hub import hub_detector
from studium.measure.detector_input import fit, planes
from studium.measure.detector_nanodet import DESCRIPTION, onnx_of
from studium.measure.detector_onnx import OnnxDetector, described, onnx_detector
from studium.media.reader import Reader

ROUNDS = 9
PERSONS = {
    5.0: [(506, 216, 541, 308), (555, 214, 590, 301), (670, 257, 714, 370), (374, 180, 400, 257),
          (412, 180, 440, 262), (434, 178, 459, 247)],
    30.0: [(186, 160, 219, 234), (243, 159, 266, 221), (297, 159, 323, 231), (314, 212, 346, 294),
           (584, 161, 612, 235), (619, 163, 645, 234)],
    60.0: [(190, 145, 212, 213), (452, 302, 506, 421), (641, 303, 672, 411), (283, 430, 338, 576),
           (566, 200, 596, 288), (671, 208, 706, 296)],
}  # fmt: skip


def frames() -> dict[float, np.ndarray]:
    reader = Reader(fetch.opencv_doc() / "data/vtest.avi")
    try:
        return {second: reader.at(second).rgb() for second in PERSONS}
    finally:
        reader.close()


def iou(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    areas = [float(np.prod(np.subtract(box[2:], box[:2]))) for box in (one, other)]
    return shared / (sum(areas) - shared)


def right(found: list[tuple[int, ...]], true: list[tuple[int, ...]]) -> int:
    """How many boxes, the surest first, have a person of their own."""
    left = list(true)
    for box in found:
        best = max(left, key=lambda one: iou(box, one), default=None)
        if best and iou(box, best) >= 0.5:
            left.remove(best)
    return len(true) - len(left)


def street(detectors: dict[str, Detector]) -> None:
    print(f"\n{'persons in the street':<24}{'threshold':>10}{'precision':>11}{'recall':>8}")
    for name, detector in detectors.items():
        for threshold in (0.3, 0.4, 0.5) if "person" in detector.names else ():
            pairs = []
            for second, picture in frames().items():
                found = [o.box for o in find_objects(picture, detector, threshold) if o.label == "person"]
                pairs.append((right(found, PERSONS[second]), len(found)))
            hits, boxes = map(sum, zip(*pairs, strict=True))
            print(f"{name:<24}{threshold:>10}{hits / max(boxes, 1):>11.2f}{hits / 18:>8.2f}")


def seconds(*calls: Callable[[], object]) -> list[float]:
    """CPU seconds of each, the median of rounds in which they take turns."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, times in zip(calls, taken, strict=True):
            begun = time.process_time()
            call()
            times.append(time.process_time() - begun)
    return [statistics.median(times) for times in taken]


def network(detector: OnnxDetector, picture: np.ndarray) -> Callable[[], object]:
    said = detector.description
    return lambda: detector.run(fit(picture, said.size, said.resize, said.fill)[0])


def speed(detectors: dict[str, Detector]) -> None:
    picture = next(iter(frames().values()))
    calls = [lambda one=one: find_objects(picture, one) for one in detectors.values()]
    times = dict(zip(detectors, seconds(*calls), strict=True))
    print(f"\n{'CPU per frame 768 x 576':<24}{'ms':>10}{'scaling':>11}{'decoding':>10}")
    for name, detector in detectors.items():
        ours = ""
        if isinstance(detector, OnnxDetector):
            said = detector.description
            ready, run = seconds(
                lambda s=said, d=detector: planes(fit(picture, s.size, s.resize, s.fill)[0], s, d.dtype),
                network(detector, picture),
            )
            ours = f"{ready * 1e3:>11.1f}{max(times[name] - run, 0) * 1e3:>10.1f}"
        print(f"{name:<24}{times[name] * 1e3:>10.1f}{ours}")


def suppression() -> None:
    rng = np.random.default_rng(1)
    print(f"\n{'suppression, boxes':<24}{'ours ms':>10}{'OpenCV ms':>11}{'kept':>8}")
    for count in (30, 300, 3000):
        corners, sides = rng.uniform(0, 600, (count, 2)), rng.uniform(10, 120, (count, 2))
        boxes, confidence = np.concatenate([corners, corners + sides], axis=1), rng.permutation(count) / count + 1e-6
        plain, sure = np.concatenate([corners, sides], axis=1).tolist(), confidence.tolist()
        classes = np.zeros(count, int)
        kept = suppress(boxes, confidence, classes, 0.5)
        assert sorted(kept) == sorted(np.ravel(cv2.dnn.NMSBoxes(plain, sure, 0.0, 0.5)))
        ours, theirs = seconds(
            lambda b=boxes, c=confidence, k=classes: suppress(b, c, k, 0.5),
            lambda p=plain, s=sure: cv2.dnn.NMSBoxes(p, s, 0.0, 0.5),
        )
        print(f"{count:<24}{ours * 1e3:>10.2f}{theirs * 1e3:>11.2f}{len(kept):>8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", action="append", default=[], help="an ONNX file, or a folder with its description")
    parser.add_argument("--model", action="append", default=[], help="a checkpoint of transformers on this machine")
    asked = parser.parse_args()
    folder = fetch.nanodet()
    graph = onnx_of((folder / "nanodet.json").read_bytes(), (folder / "nanodet.bin").read_bytes())
    detectors: dict[str, Detector] = {"nanodet-g": described(graph, "nanodet-g", DESCRIPTION)}
    detectors |= {Path(path).name: onnx_detector(path) for path in asked.weights}
    detectors |= {Path(model).name: hub_detector(model, ("person",)) for model in asked.model}
    street(detectors)
    speed(detectors)
    suppression()


if __name__ == "__main__":
    main()
