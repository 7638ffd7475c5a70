"""Do captions find their pictures, and pictures their captions and categories? Zero-shot, and calibrated on 50 labels.

    python benchmarks/retrieval.py                            ConSE, the default, which needs no hub; half a minute
    python benchmarks/retrieval.py --model clip-vit-b32       and another joint model: an id, owner/name@commit, or
    python benchmarks/retrieval.py --model path/to/a/folder   the path of a folder in the hub's format

Scoring. Pictures are the stamps of Tux Paint (Debian tuxpaint-stamps-default), whose first line of text is the caption.
Pictures with the same caption share one text, which is right for each of them. R@k: the share of texts that find one of
their pictures among the first k of all pictures of the row (text to picture), and of pictures that find their text
among the first k of all texts of the row (picture to text); cosines that are equal count against them. Chance: the same
of a random order. The rows:

- "things": photographs of things: all folders but symbols (letters, coins, signs), seasonal (events) and town (places,
  flags, road signs), and nothing in them called "cartoon". ImageNet, through which ConSE sees, knows things.
- "371": the same with town, which are 371 pictures: most likely those on which .31 (R@1) and .58 (R@10) were measured
  for a first version of ConSE, by a script that is not kept.
- "371, chosen" and "371, held out": every second folder of these by name, from the first and from the second. Prompts,
  and whether cut-outs are shown whole, were chosen on the former.
- every folder by itself, cartoons and all, and all of them together.

Zero-shot: which of ten folders of things a picture lies in, by one description of each, with the accuracy, macro-F1 and
the share of the commonest folder as chance; then the probabilities as they come, and calibrated on 50 labels drawn at
random, judged on all others: means of 20 draws.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import fetch

from studium.explore.crossmodal import Retrieval, retrieval
from studium.explore.search import similarity
from studium.learn.evaluate.prompt_assessment import quality
from studium.learn.evaluate.prompt_calibration import Calibration, fit
from studium.measure import encoders
from studium.media.image import decode

NOT_THINGS = ("symbols", "seasonal", "town")
DESCRIBED = {
    "animals": "a photo of an animal", "clothes": "a photo of clothes", "food": "a photo of food",
    "hobbies": "a photo of a musical instrument", "household": "a photo of a household item",
    "military": "a photo of a weapon", "plants": "a photo of a plant", "space": "a photo of outer space",
    "sports": "a photo of sports equipment", "vehicles": "a photo of a vehicle",
}  # fmt: skip
LABELS, DRAWS = 50, 20


class Stamps(NamedTuple):
    """Pictures with captions, by path: folder at the top, and whether it is a cartoon."""

    paths: list[Path]
    captions: list[str]
    folders: np.ndarray
    cartoon: np.ndarray


def stamps() -> Stamps:
    root = fetch.stamps()
    paths = [path for path in sorted(root.rglob("*.png")) if path.with_suffix(".txt").exists()]
    captions = [path.with_suffix(".txt").read_text("utf-8", "replace").splitlines()[0].strip() for path in paths]
    below = [path.relative_to(root).parts[:-1] for path in paths]
    return Stamps(paths, captions, np.array([p[0] for p in below]), np.array(["cartoon" in p for p in below]))


def rows(given: Stamps) -> Mapping[str, np.ndarray]:
    """Name of a row -> numbers of its pictures."""
    photographs = ~given.cartoon & ~np.isin(given.folders, NOT_THINGS[:2])
    things = photographs & ~np.isin(given.folders, NOT_THINGS)
    chosen = np.isin(given.folders, sorted(set(given.folders[photographs]))[::2])
    found = {"things": things, "371": photographs, "371, chosen": photographs & chosen}
    found |= {"371, held out": photographs & ~chosen}
    found |= {name: given.folders == name for name in sorted(set(given.folders))}
    found["all"] = np.ones(len(given.paths), bool)
    return {name: np.flatnonzero(one) for name, one in found.items()}


def both_ways(pictures: np.ndarray, texts: np.ndarray, captions: Sequence[str]) -> tuple[Retrieval, Retrieval]:
    """Text to picture, picture to text; equal captions are one text."""
    several = list(dict.fromkeys(captions))
    first = [captions.index(caption) for caption in several]
    own = np.array([(several.index(caption), row) for row, caption in enumerate(captions)])
    return retrieval(texts[first], pictures, own), retrieval(pictures, texts[first], own[:, ::-1])


def print_retrieval(given: Stamps, pictures: np.ndarray, texts: np.ndarray) -> dict[str, tuple[Retrieval, Retrieval]]:
    figures = {}
    print(f"{'':18s} {'text to picture':^37s}   {'picture to text':^37s}")
    print(f"{'':18s}" + " ".join([f" {'n':>4s}   R@1   R@5  R@10 median chance"] * 2))
    for name, which in rows(given).items():
        found = both_ways(pictures[which], texts[which], [given.captions[i] for i in which])
        figures[name] = found
        cells = [
            f" {one.n:4d} {one.recall[1]:5.3f} {one.recall[5]:5.3f} {one.recall[10]:5.3f} {one.median:6.0f} "
            f"{one.chance[1]:6.3f}"
            for one in found
        ]
        print(f"{name:18s}" + " ".join(cells))
    return figures


def print_zero_shot(given: Stamps, pictures: np.ndarray, model: str) -> Mapping[str, float]:
    folders = list(DESCRIBED)
    which = np.array([i for i in rows(given)["things"] if given.folders[i] in DESCRIBED])
    truth = np.array([folders.index(given.folders[i]) for i in which])
    scores = similarity(pictures[which], encoders.encode_text(model, list(DESCRIBED.values()))).astype(np.float64)
    said, k = scores.argmax(axis=1), len(folders)
    hit, seen = np.bincount(truth[said == truth], minlength=k), np.bincount(truth, minlength=k)
    f1 = np.mean(2 * hit / (seen + np.bincount(said, minlength=k)))
    accuracy, chance = np.mean(said == truth), seen.max() / len(truth)
    print(f"\nzero-shot, {k} folders, {len(truth)} pictures: accuracy {accuracy:.3f} (the commonest {chance:.3f}), "
          f"macro-F1 {f1:.3f} ({2 * chance / (1 + chance) / k:.3f})")  # fmt: skip
    scale, judged = encoders.logit_scale(model), []
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(truth))
        coded, rest = order[:LABELS], order[LABELS:]
        fitted = fit(scores[coded], truth[coded], scale)
        plain = Calibration(scale, (0.0,) * k, (0,) * k, 0.0)
        judged.append([quality(it.probabilities(scores[rest]), truth[rest]) for it in (plain, fitted)])
    print(f"{'':18s} log-loss  Brier    ECE  accuracy")
    before, after = np.array([[astuple(one) for one in pair] for pair in judged]).mean(axis=0)
    for name, row in (("as it comes", before), (f"on {LABELS} labels", after)):
        print(f"{name:18s} {row[0]:8.3f} {row[1]:6.3f} {row[2]:6.3f} {row[3]:9.3f}")
    return {"accuracy": accuracy, "chance": chance, "f1": f1, "before": before[0], "after": after[0]}


def main(models: Sequence[str]) -> None:
    given = stamps()
    for model in models:
        print(f"\n{model}: {len(given.paths)} pictures, {len(set(given.captions))} captions\n")
        pictures = [decode(path, detail=encoders.detail(model)) for path in given.paths]
        vectors = encoders.encode_images(model, pictures)
        print_retrieval(given, vectors, encoders.encode_text(model, given.captions))
        print_zero_shot(given, vectors, model)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="A joint model; may be given again. [default: conse]")
    main(parser.parse_args().model or ["conse"])
