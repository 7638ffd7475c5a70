"""Logos: marks found and missed, and time per picture, beside two recipes that need no learning either.

    python benchmarks/logos.py              the test set, 800 pictures
    python benchmarks/logos.py peers        the peers, and studium, on the first of them
    python benchmarks/logos.py growth       time per picture with 10, 40, 160 and 640 brands
    python benchmarks/logos.py fit          the weights of `studium.unitize.logo_search.confidence`

Pictures: `tests/logo_pictures.py` pastes marks of simple-icons (flat, of one colour) on photographs. Looked for are 40
brands; 400 pictures show one of them, 200 are photographs alone, 200 show a mark of one of 100 other brands. The
weights were fitted on, and every constant chosen with, other brands, other photographs and other seeds.

Scoring: a detection is right if it names the brand of the picture's mark and its box has an intersection over union of
at least .5 with the mark's; all others are wrong, a second one of a mark that was found, too. Precision = right / all
detections in the 800 pictures, recall = marks found / 400; "false" counts wrong detections by kind of picture.

Peers see 16 + 8 + 8 pictures only, for they are slow, and studium's row beside them is of the same ones.
"tutorial" is OpenCV's: SIFT of both pictures, ratio test at .7, RANSAC homography at 5 px, 10 matches or more; the
brand with most inliers. "templates" is matching by normalised correlation at 12 scales, in grey and inverted, at half
the size; its threshold is the best for these very pictures, its brand the one with the highest correlation.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import logo_pictures
from logo_pictures import Scene

from studium.unitize.logo_references import References, read_references
from studium.unitize.logo_search import find_logos, judged
from studium.unitize.logos import Logos

BRANDS, SCENES, PROCESSES = 40, 400, 2
SEEDS = {"mark": 0, "photograph": 10_000, "other mark": 20_000}
PIXELS, THRESHOLD = Logos.pixels, Logos.threshold
STEPS = {
    "scale": (0.05, 0.075, 0.1, 0.2, 0.5),
    "hidden": (0, 0.1, 0.2, 0.3),
    "blur": (0, 0.5, 1, 1.5),
    "quality": (30, 50, 70, 91),
}
"""What a scene's mark suffered, in steps."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    """A detection: brand, box, and what orders it."""

    brand: str
    box: Box
    score: float


@dataclass(frozen=True)
class Seen:
    """What one scene was, without its pixels, what was found in it, and how long that took (CPU seconds)."""

    kind: str
    scene: Scene
    found: list[Found]
    seconds: float

    def right(self, one: Found) -> bool:
        """Whether a detection names the mark and lies on it."""
        return self.kind == "mark" and one.brand == self.scene.brand and overlap(one.box, self.scene.box) >= 0.5


Finder = Callable[[Scene], list[Found]]
_state: dict[str, Finder] = {}
_known: dict[str, References] = {}


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)


def scene_of(part: str, kind: str, number: int) -> Scene:
    """The scene of this number: brands take turns."""
    if kind == "photograph":
        brand = None
    elif kind == "mark":
        brand = logo_pictures.brands(part, BRANDS)[number % BRANDS]
    else:
        brand = logo_pictures.brands("other" if part == "test" else "tune other", 100)[number % 100]
    return logo_pictures.scene(part, SEEDS[kind] + number, brand)


def jobs(part: str, marks: int, others: int) -> list[tuple[str, str, int]]:
    counts = {"mark": marks, "photograph": others, "other mark": others}
    return [(part, kind, number) for kind, count in counts.items() for number in range(count)]


def references(names: Sequence[str]) -> References:
    with tempfile.TemporaryDirectory() as folder:
        return read_references(logo_pictures.write_references(Path(folder), list(names)))


def start(name: str, part: str) -> None:
    """Get a process ready: it looks for the brands of a part in one way."""
    cv2.setNumThreads(1)
    names = logo_pictures.brands(part, BRANDS)
    _state["finder"] = {"studium": studium, "tutorial": tutorial, "templates": templates}[name](names)


def look(job: tuple[str, str, int]) -> Seen:
    scene = scene_of(*job)
    began = time.process_time()
    found = _state["finder"](scene)
    seconds = time.process_time() - began
    nothing = np.zeros((0, 0, 3), np.uint8)
    return Seen(job[1], Scene(**{**vars(scene), "picture": nothing}), found, seconds)


def watch(name: str, part: str, todo: Sequence[tuple[str, str, int]]) -> list[Seen]:
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), start, (name, part)) as pool:
        return list(pool.map(look, todo, chunksize=4))


def studium(names: Sequence[str]) -> Finder:
    _known["references"] = known = references(names)

    def find(scene: Scene) -> list[Found]:
        return [Found(one.brand, one.box, one.confidence) for one in find_logos(scene.picture, known, 0.01, PIXELS)]

    return find


def evidence(job: tuple[str, str, int]) -> list[tuple[tuple[str, str, int], tuple[float, ...], bool]]:
    """Of every place of a scene that was looked at closely: what speaks for it, and whether it is a mark."""
    scene = scene_of(*job)
    seen = Seen(job[1], scene, [], 0.0)
    places = judged(scene.picture, _known["references"], PIXELS)
    return [(job, one.evidence.numbers, seen.right(Found(one.brand, one.box, 0.0))) for one in places]


def tutorial(names: Sequence[str]) -> Finder:
    sift, matcher = cv2.SIFT_create(), cv2.FlannBasedMatcher({"algorithm": 1, "trees": 5}, {"checks": 50})
    known = []
    for name in names:
        mark = cv2.resize(255 - logo_pictures.mark(name), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        mark = cv2.copyMakeBorder(mark, *(40,) * 4, cv2.BORDER_CONSTANT, value=255)
        known += [(name, mark.shape, *sift.detectAndCompute(one, None)) for one in (mark, 255 - mark)]

    def find(scene: Scene) -> list[Found]:
        points, seen = sift.detectAndCompute(cv2.cvtColor(scene.picture, cv2.COLOR_RGB2GRAY), None)
        best: list[Found] = []
        for name, (high, wide), marked, described in known:
            if described is None or seen is None or len(seen) < 2:
                continue
            pairs = [pair for pair in matcher.knnMatch(described, seen, 2) if len(pair) == 2]
            good = [one for one, second in pairs if one.distance < 0.7 * second.distance]
            if len(good) < 10:
                continue
            here = np.float32([marked[one.queryIdx].pt for one in good])
            there = np.float32([points[one.trainIdx].pt for one in good])
            matrix, inliers = cv2.findHomography(here, there, cv2.RANSAC, 5.0)
            if matrix is not None:
                frame = np.float32([[(40, 40), (wide - 40, 40), (wide - 40, high - 40), (40, high - 40)]])
                best.append(Found(name, box_of(cv2.perspectiveTransform(frame, matrix)[0]), float(inliers.sum())))
        return sorted(best, key=lambda one: -one.score)[:1]

    return find


def templates(names: Sequence[str]) -> Finder:
    marks = {name: 255 - logo_pictures.mark(name) for name in names}

    def find(scene: Scene) -> list[Found]:
        grey = cv2.cvtColor(scene.picture, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        best = Found("", (0, 0, 1, 1), -1.0)
        for name, mark in marks.items():
            for scale in np.geomspace(0.05, 0.5, 12):
                factor = scale * grey.shape[1] / max(mark.shape)
                small = cv2.resize(mark, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
                found = cv2.matchTemplate(grey, small, cv2.TM_CCOEFF_NORMED)
                low, high, low_at, high_at = cv2.minMaxLoc(found)
                score, (x, y) = (
                    (high, high_at) if high > -low else (-low, low_at)
                )  # inverted: the correlation's negative
                if score > best.score:
                    best = Found(name, (2 * x, 2 * y, 2 * (x + small.shape[1]), 2 * (y + small.shape[0])), score)
        return [best]

    return find


def box_of(corners: np.ndarray) -> Box:
    low, high = corners.min(axis=0), corners.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def scored(seen: Iterable[Seen], threshold: float) -> tuple[float, float, dict[str, int]]:
    """Precision, recall, and wrong detections by kind of picture."""
    right = marks = 0
    wrong = dict.fromkeys(SEEDS, 0)
    for one in seen:
        found = [detection for detection in one.found if detection.score >= threshold]
        hits = sum(one.right(detection) for detection in found)
        marks += one.kind == "mark"
        right += min(hits, 1)
        wrong[one.kind] += len(found) - min(hits, 1)
    return right / max(right + sum(wrong.values()), 1), right / max(marks, 1), wrong


def row(name: str, seen: Sequence[Seen], threshold: float) -> None:
    precision, recall, wrong = scored(seen, threshold)
    seconds = statistics.median(one.seconds for one in seen)
    false = ", ".join(f"{count} ({kind})" for kind, count in wrong.items())
    print(f"{name:<22} precision {precision:.3f}  recall {recall:.3f}  {seconds:6.2f} CPU s  false: {false}")


def table() -> None:
    todo = jobs("test", SCENES, SCENES // 2)
    seen = watch("studium", "test", todo)
    for threshold in (0.5, 0.7, THRESHOLD, 0.9):
        row(f"studium at {threshold}", seen, threshold)
    marks = [one for one in seen if one.kind == "mark"]
    print("\nrecall by what was done to the mark")
    for name, edges in STEPS.items():
        said = []
        for low, high in itertools.pairwise(edges):
            part = [one for one in marks if low <= getattr(one.scene, name) < high]
            said.append(f"{low:g}-{high:g}: {scored(part, THRESHOLD)[1]:.2f} ({len(part)})")
        print(f"  {name:<10} {'   '.join(said)}")
    for style in ("tile", "bare"):
        part = [one for one in marks if one.scene.style == style]
        print(f"  {style:<10} {scored(part, THRESHOLD)[1]:.2f} ({len(part)})")
    print("\ncalibration: detections by confidence, and the share of true ones among them")
    pairs = [(found.score, one.right(found)) for one in seen for found in one.found]
    for low, high in ((0.01, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.01)):
        true = [right for score, right in pairs if low <= score < high]
        print(f"  {low:.2f}-{min(high, 1):.2f}: {np.mean(true) if true else float('nan'):.2f} ({len(true)})")


def peers() -> None:
    few = jobs("test", 16, 8)
    row(f"studium at {THRESHOLD}", watch("studium", "test", few), THRESHOLD)
    row("OpenCV tutorial", watch("tutorial", "test", few), 0)
    matched = watch("templates", "test", few)
    best = max((d.score for one in matched for d in one.found), key=lambda t: balance(matched, t))
    row(f"templates at {best:.2f}", matched, best)


def balance(seen: Sequence[Seen], threshold: float) -> float:
    """F1."""
    precision, recall, _ = scored(seen, threshold)
    return 2 * precision * recall / max(precision + recall, 1e-9)


def growth() -> None:
    cv2.setNumThreads(1)
    scenes = [scene_of("test", "mark", number) for number in range(12)]
    for count in (10, 40, 160, 640):
        began = time.process_time()
        known = references(logo_pictures.brands("test", count))
        ready, seconds, hits = time.process_time() - began, [], 0
        for scene in scenes:
            began = time.process_time()
            found = find_logos(scene.picture, known, THRESHOLD, PIXELS)
            seconds.append(time.process_time() - began)
            hits += any(one.brand == scene.brand and overlap(one.box, scene.box) >= 0.5 for one in found)
        median, number = statistics.median(seconds), len(known.index.features)
        print(f"{count:>4} brands: {median:.2f} CPU s a picture, {hits} of {len(scenes)} found; "
              f"{ready:.1f} s to read {number} features")  # fmt: skip


def fit() -> None:
    """Print the intercept and weights, and what they reach on pictures of other folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    todo = jobs("tune", 200, 80)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), start, ("studium", "tune")) as pool:
        rows = [one for found in pool.map(evidence, todo, chunksize=4) for one in found]
    X = np.array([numbers for _, numbers, _ in rows])
    y = np.array([right for *_, right in rows])
    groups = np.array([todo.index(job) for job, *_ in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000))
    chance = cross_val_predict(model, X, y, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    for threshold in (0.5, 0.7, 0.8, 0.9):
        taken = chance >= threshold
        print(f"at {threshold}: {y[taken].mean():.3f} of {taken.sum()} places are true")
    scaler, regression = model.fit(X, y)[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    print(f"INTERCEPT = {intercept:.4f}\nWEIGHTS = ({', '.join(f'{weight:.4f}' for weight in weights)})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", choices=("table", "peers", "growth", "fit"), default="table")
    {"table": table, "peers": peers, "growth": growth, "fit": fit}[parser.parse_args().what]()
