"""Text in pictures: how much of it is found and read, beside RapidOCR and tesseract.

    python benchmarks/detect_lines.py

Scoring rule. Signs: the lines that a person reads in six photographs of OpenCV (scenetext01-06) are listed here; a
line counts as found if a line of the output differs from it in at most a fifth of its characters (spaces and case
aside), each output once; precision is the share of the output lines that count. Captions: one line of known text on a
photograph, in three styles; the character error rate (CER) is the edit distance over the length of the text, spaces and
case aside, at most 1 a caption; the output is everything that is read in the picture. Text that is withheld counts as
not read, and "invented" is the share of captions where letters come out and more than half of the text is wrong.
Photographs without text: lines with text on each. Seconds are CPU seconds of this process and its children, one thread,
median of the pictures.

Peers: RapidOCR (the same networks in its own pipeline, as it comes) and tesseract alone (--psm 11, sparse text).
Limit: what the detection network finds is all that either engine of `Lines` is given to read.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fetch
from edits import edits
from lettering import PHOTOS, SENTENCES, captioned

from studium.errors import StudiumError
from studium.unitize.lines import Lines

SIGNS = {
    "scenetext01.jpg": ["NOTICE", "DOUBLE", "PARKING", "PROHIBITED", "AT ALL TIMES", "The", "Washington", "Post"],
    "scenetext02.jpg": ["Sports Centre", "Wivenhoe Park", "Conference Centre", "Car Parks"],
    "scenetext03.jpg": ["the", "copy", "centre"],
    "scenetext04.jpg": ["GM 125", "Gimmco"],
    "scenetext05.jpg": ["NO PARKING", "NO PARKING"],
    "scenetext06.jpg": ["priory", "galleries", "at", "the ship", "priory galleries at the ship"],
}
LANGUAGES = {"Latn": "eng", "Cyrl": "rus", "Grek": "ell"}
STYLES = ("outline", "band", "plain")
TEXTLESS = ("brick.png", "camera.png", "cell.png", "chelsea.png", "china.jpg", "coffee.png", "coins.png", "flower.jpg",
            "grass.png", "gravel.png", "horse.png", "moon.png", "retina.jpg")  # fmt: skip

Reader = Callable[[np.ndarray], list[str]]


def plain(text: str) -> str:
    return "".join(text.split()).casefold()


def ours(**params: Any) -> Reader:
    unitizer = Lines(**params)
    unitizer.prepare()
    return lambda picture: [span.text for span in unitizer(picture) if span.text]


def rapidocr() -> Reader | None:
    try:
        from rapidocr import RapidOCR
    except ImportError:
        return None
    engine = RapidOCR(params={"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1})
    return lambda picture: list(engine(np.ascontiguousarray(picture[..., ::-1])).txts or ())


def tesseract(language: str) -> Reader:
    def read(picture: np.ndarray) -> list[str]:
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.fromarray(picture).save(file.name, compress_level=1)
            command = ["tesseract", file.name, "stdout", "-l", language, "--psm", "11"]
            said = subprocess.run(command, capture_output=True, text=True, check=True, env=ONE_THREAD).stdout
        return [line for line in said.splitlines() if line.strip()]

    return read


def seconds() -> float:
    return sum(os.times()[:4])


def signs(reader: Reader) -> str:
    found = wanted = given = 0
    spent = []
    for name, lines in SIGNS.items():
        picture = np.asarray(Image.open(fetch.opencv_doc() / "text" / name).convert("RGB"))
        began = seconds()
        read = [plain(text) for text in reader(picture)]
        spent.append(seconds() - began)
        wanted, given = wanted + len(lines), given + len(read)
        for line in map(plain, lines):
            near = min(read, key=lambda text: edits(text, line), default="")
            if edits(near, line) <= len(line) / 5:
                found += 1
                read.remove(near)
    precision = found / given if given else float("nan")
    return f"recall {found / wanted:.2f}  precision {precision:.2f}  ({wanted} lines)  {statistics.median(spent):.2f} s"


def captions(reader: Reader, script: str, size: int) -> str:
    errors, letters, invented, spent = 0, 0, [], []
    for number, text in enumerate(SENTENCES[script]):
        for style in STYLES:
            photo = fetch.photos() / PHOTOS[number % len(PHOTOS)]
            picture = captioned(photo, text, script, size, style).picture
            began = seconds()
            read, meant = plain("".join(reader(picture))), plain(text)
            spent.append(seconds() - began)
            wrong = min(len(meant), edits(read, meant))
            errors, letters = errors + wrong, letters + len(meant)
            invented.append(any(map(str.isalpha, read)) and wrong > len(meant) / 2)
    share = sum(invented) / len(invented)
    return f"CER {errors / letters:.3f}  invented {share:.2f}  ({len(invented)})  {statistics.median(spent):.2f} s"


def textless(reader: Reader) -> str:
    pictures = [np.asarray(Image.open(fetch.photos() / name).convert("RGB")) for name in TEXTLESS]
    counts = [sum(any(map(str.isalnum, text)) for text in reader(picture)) for picture in pictures]
    return f"lines with text on a photograph without any {sum(counts) / len(counts):.2f}  ({len(counts)} photographs)"


def show(title: str, rows: Sequence[tuple[str, str]]) -> None:
    print(f"\n{title}")
    for name, said in rows:
        print(f"  {name:34} {said}", flush=True)


def main() -> None:
    own, peer = ours(), rapidocr()
    everywhere = [("lines, rapidocr (default)", own), *([("RapidOCR itself", peer)] if peer else [])]
    english = [
        ("lines, tesseract", ours(engine="tesseract", languages=("eng",))),
        ("tesseract alone", tesseract("eng")),
    ]
    show("Signs in photographs", [(name, signs(reader)) for name, reader in [*everywhere, *english]])
    show("Photographs without text", [(name, textless(reader)) for name, reader in [*everywhere, *english]])
    for script in SENTENCES:
        for size in (36, 18) if script in {"Latn", "Hani"} else (36,):
            readers = list(everywhere)
            if script in LANGUAGES:
                code = LANGUAGES[script]
                readers += [("lines, tesseract " + code, ours(engine="tesseract", languages=(code,)))]
                readers += [("tesseract alone " + code, tesseract(code))]
            rows = [(name, captions(reader, script, size)) for name, reader in readers]
            show(f"Captions, {script}, font of {size} px", rows)


if __name__ == "__main__":
    if shutil.which("tesseract") is None:
        os.environ["PATH"] = f"{fetch.tesseract()}{os.pathsep}{os.environ['PATH']}"
    ONE_THREAD = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        main()
    except StudiumError as error:
        sys.exit(str(error))
