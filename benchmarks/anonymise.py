"""Faces that are still found after anonymising, and how long it takes, beside deface.

    python benchmarks/anonymise.py [--deface PYTHON]

Sets: 100 crops of LFW (25 x 25 px, and four times larger), the press photographs of the politicians' set, and
carphone_pristine.mp4 (a talking face, 120 frames). PYTHON is an interpreter whose environment has deface (1.5.0).

Scoring: CenterFace looks at the originals and at the *decoded output files*. A set's score is the number of pictures
(frames) in which it finds a face with a confidence above .3, and above .5: fewer is better, the originals are the
limit. "looked once" covers what is found without looking at the copy again, which shows the mode alone. "changed" is
the share of pixels that differ by more than 16 of 255 in a channel: less is better where nothing is found. CPU seconds
are of one run of the whole set, one thread each, start-up included; deface detects once in a picture, studium twice or
more, as it looks at the copy.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import fetch

from studium.anonymise import Cover, anonymise
from studium.measure.centerface import find_faces
from studium.measure.cover import boxes_of
from studium.media.fill import MODES, covered
from studium.media.image import decode
from studium.media.video import Video

Picture = NDArray[np.uint8]
DEFACE = {"fill": "solid", "pixelate": "mosaic", "blur": "blur"}


def sets(folder: Path) -> dict[str, Path]:
    lfw = np.rint(np.load(fetch.photos() / "lfw_subset.npy")[:100] * 255).astype(np.uint8)
    for scale in (1, 4):
        place = folder / f"lfw x{scale}"
        place.mkdir()
        for number, grey in enumerate(lfw):
            crop = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            Image.fromarray(crop).convert("RGB").save(place / f"{number:03}.png")
    for name, paths in {
        "politicians": fetch.politicians().glob("*.jpg"),
        "carphone": [fetch.videos() / "carphone_pristine.mp4"],
    }.items():
        (folder / name).mkdir()
        for path in paths:
            shutil.copy(path, folder / name)
    return {name: folder / name for name in ("lfw x1", "lfw x4", "politicians", "carphone")}


def pictures(folder: Path) -> Iterator[Picture]:
    return (picture for path in sorted(folder.iterdir()) for picture in pictures_of(path))


def found(these: Iterator[Picture]) -> tuple[int, int, int]:
    """Pictures; those with a face above .3; above .5."""
    best = [max((face.confidence for face in find_faces(picture, 0.3)), default=0.0) for picture in these]
    return len(best), sum(score > 0.3 for score in best), sum(score > 0.5 for score in best)


def changed(originals: list[Path], copies: list[Path]) -> float:
    shares = []
    for path, copy in zip(originals, copies, strict=True):
        for one, other in zip(pictures_of(path), pictures_of(copy), strict=False):
            width, height = min(one.shape[1], other.shape[1]), min(one.shape[0], other.shape[0])
            far = np.abs(one[:height, :width].astype(np.int16) - other[:height, :width]).max(-1) > 16
            shares.append(float(far.mean()))
    return float(np.mean(shares))


def pictures_of(path: Path) -> Iterator[Picture]:
    if path.suffix == ".mp4":
        return (frame.rgb() for frame in Video(path).frames())
    return iter([decode(path)])


def cpu() -> float:
    return sum(os.times()[:4])


def deface(python: str, folder: Path, mode: str) -> None:
    """Its copies instead of the originals; boxes, as ours; its own threshold, which is ours as well."""
    paths = sorted(folder.iterdir())
    command = [python, "-m", "deface.deface", *map(str, paths), "--replacewith", DEFACE[mode], "-t", "0.2", "--boxes"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    for path in paths:
        path.with_name(f"{path.stem}_anonymized{path.suffix}").replace(path)


def line(*cells: object) -> None:
    name, mode, *numbers = cells
    print(f"{name!s:<12} {mode!s:<20}" + "".join(f"{number!s:>10}" for number in numbers), flush=True)


def ours(name: str, mode: str, folder: Path, to: Path) -> None:
    cover = Cover(mode=mode)
    once = (covered(one, boxes_of(cover.find(one), one), mode) for one in pictures(folder))
    line(name, f"{mode}, looked once", *found(once))
    begun = cpu()
    report = anonymise([folder], to, cover)
    seconds = cpu() - begun
    score(name, mode, [Path(entry.source) for entry in report.entries], [to / e.copy for e in report.entries], seconds)


def theirs(name: str, mode: str, folder: Path, to: Path, python: str) -> None:
    shutil.copytree(folder, to)
    begun = cpu()
    deface(python, to, mode)
    seconds = cpu() - begun
    paths = sorted(folder.iterdir())
    score(name, f"deface {mode}", paths, [to / path.name for path in paths], seconds)


def score(name: str, what: str, originals: list[Path], copies: list[Path], seconds: float) -> None:
    row = found(picture for copy in copies for picture in pictures_of(copy))
    line(name, what, *row, f"{changed(originals, copies):.3f}", f"{seconds:.1f}", f"{seconds / row[0]:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deface", default="", help="an interpreter that has deface")
    python = parser.parse_args().deface
    line("set", "what", "pictures", "> .3", "> .5", "changed", "CPU s", "CPU s/pic")
    with tempfile.TemporaryDirectory() as work:
        for name, folder in sets(Path(work)).items():
            line(name, "original", *found(pictures(folder)))
            for mode in MODES:
                ours(name, mode, folder, Path(work, f"{name} {mode}"))
                if python:
                    theirs(name, mode, folder, Path(work, f"deface {name} {mode}"), python)
    if not python:
        print("skipped: deface (name an interpreter that has it with --deface)")


if __name__ == "__main__":
    main()
