"""Does fine-tuning EfficientNet-Lite0 beat a linear probe of the same network? On a CPU, in minutes.

    python benchmarks/finetune.py [--data stamps fashion] [--seeds 5] [--threads 2]

Stamps: the pictures of Tux Paint (Debian tuxpaint-stamps-default), whose category is the folder at the top, of the
categories with at least 20 pictures; half to learn from and half to test (of a fifth, 140 pictures, an interval says
nothing), classes in like shares; a picture and its mirror image, and numbered pictures of one thing (spider-1,
spider-2), are on one side. Fashion-MNIST (Debian dataset-fashion-mnist): 1,000 pictures of its training part, and 1,000
of its test part, 28 x 28 px grey, upscaled. The seed draws the pictures, the folds of the probe, and order, views and
dropout of the network.

Scoring. Both learn from the same pictures and are judged on the same test pictures: accuracy and macro-F1, means over
seeds. The probe is `LinearProbe` on `Embed`'s 1280 features, at the published 224 px, with C chosen on inner folds of
all its pictures, or the same at the network's side, if that is better in the test of the first seed. The network is an
`ImageNetwork` of `SIDES` px that learns from all of them at `RATES` for `EPOCHS` epochs: nothing is held back, and the
last epoch counts (``patience=0``). Sides, rates and epochs were chosen on seed 0, which is not among those that count
(and, of the stamps, on other draws, of a fifth to test); its pictures are, in part, so the stamps, which are few,
flatter the network a little. Differences are those of the network minus the probe: with 95 % intervals over test
pictures (bootstrap of pictures, each with all seeds that tested it: `paired.difference`), and over seeds (t).
Fine-tuning wins where the lower ends of both are above 0. Minutes are wall-clock, features included; memory is the
process's peak; "frozen" is the share of the network's weights that stay, and pictures/s what a step of training does,
views included.
"""

import argparse
import hashlib
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.stats import t as student
from threadpoolctl import threadpool_limits

from studium.learn.evaluate import metrics, paired
from studium.learn.models.examples import Some
from studium.learn.models.linear import LinearProbe
from studium.learn.nets import head_start, lite0
from studium.learn.nets.image import ImageNetwork
from studium.learn.nets.net import Schedule
from studium.learn.nets.views import Views
from studium.measure.embed import Embed
from studium.media.image import decode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import fetch
import idx

SIDES = {"stamps": 224, "fashion": 160}
RATES = {"stamps": 1e-4, "fashion": 4e-4}
FREEZE, EPOCHS, LEAST, DRAWN = 3, 6, 20, 1000
FIGURES = {"accuracy": metrics.accuracy, "macro-F1": metrics.macro_f1}
VARIANT = re.compile(r"(_mirror|_flip|[-_]?\d+|[-_][a-z])*$")


class Data(NamedTuple):
    """Pictures, classes, groups, and which are to learn from and to test."""

    pictures: Sequence[Any]
    y: np.ndarray
    groups: np.ndarray
    train: np.ndarray
    test: np.ndarray


def stamps(seed: int) -> Data:
    root = fetch.stamps()
    paths = sorted(root.rglob("*.png"))
    count = Counter(path.relative_to(root).parts[0] for path in paths)
    paths = [path for path in paths if count[path.relative_to(root).parts[0]] >= LEAST]
    y = np.array([path.relative_to(root).parts[0] for path in paths])
    groups = np.array([stem(path.relative_to(root)) for path in paths])
    test = np.zeros(len(y), bool)
    for one in np.unique(y):
        drawn = np.random.default_rng((seed, int(np.flatnonzero(np.unique(y) == one)[0]))).permutation(
            np.unique(groups[y == one])
        )
        test |= np.isin(groups, drawn[: len(drawn) // 2])
    return Data([decode(path) for path in paths], y, groups, np.flatnonzero(~test), np.flatnonzero(test))


def stem(path: Path) -> str:
    """The name of what is shown; letters and numbers are things of their own."""
    return str(path) if path.parts[0] == "symbols" else str(path.parent / VARIANT.sub("", path.stem))


def fashion(seed: int) -> Data:
    pairs = [idx.fashion(part, DRAWN, seed) for part in ("train", "t10k")]
    grey, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    groups = np.array([hashlib.sha256(one.tobytes()).hexdigest() for one in grey])
    pictures = [np.repeat(one[:, :, None], 3, axis=2) for one in grey]
    return Data(pictures, y, groups, np.arange(DRAWN), np.arange(DRAWN, 2 * DRAWN))


DRAWS = {"stamps": stamps, "fashion": fashion}


def vectors(pictures: Sequence[Any], side: int) -> np.ndarray:
    """The 1280 features of the published network."""
    if side == 224:
        return np.array(Embed()(pictures)["embedding"], np.float64)
    return head_start.features(lite0.begun(2, side, Views(False, 0, 0), 0), pictures)


def probed(data: Data, table: np.ndarray, seed: int) -> np.ndarray:
    groups = data.groups[data.train].tolist()
    return LinearProbe(seed=seed).fit(table[data.train], data.y[data.train], groups=groups).predict(table[data.test])


def tuned(data: Data, name: str, seed: int) -> tuple[np.ndarray, Any]:
    schedule = Schedule(epochs=EPOCHS, rate=RATES[name], seed=seed, patience=0)
    network = ImageNetwork(side=SIDES[name], freeze=FREEZE, schedule=schedule, balanced=False)
    fitted = network.fit(Some(data.pictures, data.train), data.y[data.train], groups=data.groups[data.train].tolist())
    return fitted.predict([data.pictures[row] for row in data.test]), fitted


def compared(name: str, seeds: int) -> None:
    draw, side = DRAWS[name], SIDES[name]
    truth, said, units, spent = [], ([], []), [], np.zeros(2)
    best, rows = 224, []
    for seed in range(1, seeds + 1):
        data, began = draw(seed), time.perf_counter()
        first = probed(data, vectors(data.pictures, best), seed)
        if seed == 1:
            other = probed(data, vectors(data.pictures, side), seed)
            if (other == data.y[data.test]).mean() > (first == data.y[data.test]).mean():
                first, best = other, side
        middle = time.perf_counter()
        second, fitted = tuned(data, name, seed)
        spent += middle - began, time.perf_counter() - middle
        true, first, second = (np.searchsorted(np.unique(data.y), one) for one in (data.y[data.test], first, second))
        truth.append(true)
        units.append(data.groups[data.test])
        for kept, one in zip(said, (first, second), strict=True):
            kept.append(one)
        rows.append([[figure(true, one) for one in (first, second)] for figure in FIGURES.values()])
        print(f"  seed {seed}: accuracy {rows[-1][0][0]:.3f} -> {rows[-1][0][1]:.3f}, "
              f"macro-F1 {rows[-1][1][0]:.3f} -> {rows[-1][1][1]:.3f}, "
              f"epoch {fitted.settings['schedule']['epoch_kept']} counts, "
              f"{(middle - began) / 60:.1f} + {(time.perf_counter() - middle) / 60:.1f} min", flush=True)  # fmt: skip
    told(name, side, best, np.array(rows), (truth, said, units), spent / 60)
    speed(data, fitted)


def told(name: str, side: int, best: int, rows: np.ndarray, found: Any, minutes: np.ndarray) -> None:
    truth, said, units = found
    y, (one, two), groups = np.concatenate(truth), map(np.concatenate, said), np.concatenate(units)
    print(f"\n{name}: probe at {best} px ({minutes[0]:.1f} min), network at {side} px ({minutes[1]:.1f} min)")
    print("| figure | probe | fine-tuned | difference | over pictures | over seeds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for at, (figure, metric) in enumerate(FIGURES.items()):
        change = rows[:, at, 1] - rows[:, at, 0]
        mean, free = change.mean(), max(1, len(change) - 1)
        spread = student.ppf(0.975, free) * np.sqrt(((change - mean) ** 2).sum() / free / len(change))
        by = paired.difference(metric, y, (one, two), groups=groups.tolist()).change
        first, second = rows[:, at].mean(axis=0)
        seeds = f"{mean - spread:+.3f} to {mean + spread:+.3f}" if len(change) > 1 else "one seed says nothing"
        print(f"| {figure} | {first:.3f} | {second:.3f} | {mean:+.3f} | {by.low:+.3f} to {by.high:+.3f} | {seeds} |")


def speed(data: Data, fitted: Any) -> None:
    module, body = fitted.body.module, fitted.body
    frozen = sum(one.numel() for one in module.parameters() if not one.requires_grad)
    whole = sum(one.numel() for one in module.parameters())
    began, rng = time.perf_counter(), np.random.default_rng(0)
    for at in range(0, 64, 16):
        batch = body.collate([body.encode(data.pictures[row], rng) for row in range(at, at + 16)])
        module.train()(**batch).square().mean().backward()
    module.eval()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"frozen {frozen / whole:.1%} of the weights (the first {FREEZE} stages); "
          f"{64 / (time.perf_counter() - began):.0f} pictures/s; memory {memory:.0f} MB\n")  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", nargs="+", choices=DRAWS, default=list(DRAWS))
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=2)
    asked = arguments.parse_args()
    torch.set_num_threads(asked.threads)
    threadpool_limits(asked.threads)
    began = time.perf_counter()
    for name in asked.data:
        compared(name, asked.seeds)
    print(f"{(time.perf_counter() - began) / 60:.1f} minutes in all, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
