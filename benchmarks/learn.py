"""A linear probe from a table of numbers to figures with intervals, beside a plain script and AutoGluon.

    python benchmarks/learn.py                          # digits, stamps, Fashion-MNIST; 3 rounds
    python benchmarks/learn.py --only digits --rounds 5 --autogluon ag/bin/python

Scoring rule. Each peer gets the same training and test units, and has to choose its own regularisation on the training
units, predict probabilities of the test units, and give accuracy, macro-F1 and log-loss with 95 % bootstrap intervals
(1,000 draws). `ours` is `studium.learn`: LinearProbe (3 grouped inner folds, 8 values of C), then all figures that fit
the task. `script` is what one writes with scikit-learn: a pipeline of StandardScaler and LogisticRegressionCV (the same
values of C, 3 folds, log-loss), then a loop over draws. `autogluon` is TabularPredictor with its default models and
60 s at most; it runs in the environment whose Python is handed over (`pip install 'autogluon.tabular[lightgbm]'` into
one of its own), and is left out without. Seconds of the processor, one thread, each peer in a process of its own that
has imported its libraries, in turns; `ratio` is the median over the rounds of the time beside the script in the same
round. Memory is the peak of the process, with all its libraries.

Data. digits: 1,797 pictures of 8 x 8 px as 64 numbers (scikit-learn). stamps: the categories of Tux Paint's stamps
with at least 34 pictures with captions, at most 80 of each, EfficientNet-Lite0's 1,280 numbers (measure `embed`).
fashion: 1,500 pictures of Fashion-MNIST for training and 1,000 of its test set for testing, the same 1,280 numbers.
Of the first two 30 % are for testing, drawn by a fixed seed.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
DRAWS, LIMIT, STRENGTHS = 1000, 60, [10.0**power for power in range(-5, 3)]
FASHION = {"train": 1500, "test": 1000}
Data = dict[str, Any]


def digits() -> Data:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return parted(X, y.astype(str))


def stamps() -> Data:
    import csv

    import multimodal
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        rows = [*csv.DictReader(multimodal.stamps(Path(folder)).open(encoding="utf-8"))]
        pictures = []
        for row in rows:
            with Image.open(Path(folder, row["media"])) as stamp:
                ground = Image.new("RGBA", stamp.size, "white")
                pictures.append(np.asarray(Image.alpha_composite(ground, stamp.convert("RGBA")).convert("RGB")))
        return parted(embedded(pictures), np.array([row["category"] for row in rows]))


def fashion() -> Data:
    import idx

    made = {}
    for part, name in (("train", "train"), ("test", "t10k")):
        images, labels = idx.fashion(name, FASHION[part])
        made |= {f"X_{part}": embedded([np.stack([one] * 3, -1) for one in images]), f"y_{part}": labels}
    return made


def embedded(pictures: list[Any]) -> Any:
    from studium.measure.embed import Embed

    return np.asarray(Embed()(pictures)["embedding"], np.float64)


def parted(X: Any, y: Any) -> Data:
    order = np.random.default_rng(0).permutation(len(y))
    test, train = order[: int(0.3 * len(y))], order[int(0.3 * len(y)) :]
    return {"X_train": X[train], "y_train": y[train], "X_test": X[test], "y_test": y[test]}


def ours() -> Callable[[Data], Data]:
    from studium.learn.evaluate.summary import Judged, figures
    from studium.learn.models.linear import LinearProbe
    from studium.learn.models.training import Head

    def run(data: Data) -> Data:
        model = LinearProbe(Head("class")).fit(data["X_train"], data["y_train"])
        y, outputs = data["y_test"], model.outputs(data["X_test"])
        found = figures(Judged(model.head, y, outputs, model.predict(data["X_test"])))
        return {one.name: (one.value, one.low, one.high) for one in found}

    return run


def script() -> Callable[[Data], Data]:
    import inspect

    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    settings = {"cv": 3, "scoring": "neg_log_loss", "max_iter": 10_000}
    if "use_legacy_attributes" in inspect.signature(LogisticRegressionCV).parameters:  # else it warns
        settings |= {"use_legacy_attributes": False, "l1_ratios": (0.0,)}

    def run(data: Data) -> Data:
        model = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=STRENGTHS, **settings))
        model.fit(data["X_train"], data["y_train"])
        p, y = model.predict_proba(data["X_test"]), data["y_test"]
        return booted(y, p, model.classes_)

    return run


def booted(y: Any, p: Any, classes: Any) -> Data:
    """Three figures and the middle 95 % of them in draws of the units, one after the other."""
    from sklearn.metrics import accuracy_score, f1_score, log_loss

    guess = classes[p.argmax(axis=1)]
    named = {
        "accuracy": lambda at: accuracy_score(y[at], guess[at]),
        "macro-F1": lambda at: f1_score(y[at], guess[at], average="macro"),
        "log-loss": lambda at: log_loss(y[at], p[at], labels=classes),
    }
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(y), len(y)) for _ in range(DRAWS)]
    found = {}
    for name, figure in named.items():
        low, high = np.quantile([figure(at) for at in draws], [0.025, 0.975])
        found[name] = (float(figure(np.arange(len(y)))), float(low), float(high))
    return found


def autogluon() -> Callable[[Data], Data]:
    import pandas
    from autogluon.tabular import TabularPredictor

    def run(data: Data) -> Data:
        train, test = pandas.DataFrame(data["X_train"]), pandas.DataFrame(data["X_test"])
        train["class"] = data["y_train"]
        with tempfile.TemporaryDirectory() as folder:
            predictor = TabularPredictor("class", path=folder, verbosity=0, eval_metric="log_loss")
            predictor.fit(train, time_limit=LIMIT, num_cpus=1)
            p = predictor.predict_proba(test)
        return booted(data["y_test"], p.to_numpy(np.float64), np.array(p.columns))

    return run


PEERS = {"script": script, "ours": ours, "autogluon": autogluon}
SETS = {"digits": digits, "stamps": stamps, "fashion": fashion}


def once(peer: str, path: str) -> None:
    """One run, in this process, whose outcome is printed as JSON."""
    run = PEERS[peer]()
    with np.load(path) as file:
        data = dict(file)
    begun, wall = time.process_time(), time.perf_counter()
    found = run(data)
    spent = {"cpu": time.process_time() - begun, "wall": time.perf_counter() - wall, "memory": peak()}
    print(json.dumps(spent | {"figures": found}))


def peak() -> float:
    """Peak memory of this process so far, in MB. Linux hands ``ru_maxrss`` of whoever started it down to it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:")).split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def asked(python: str, peer: str, path: Path) -> Data:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python, "-W", "ignore", __file__, "--once", peer, str(path)]
    done = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{peer} failed: {done.stderr.strip()[-800:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SETS), help="names of data sets, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--autogluon", default="", help="the Python of an environment that has it")
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        once(*arguments.once)
        return
    sys.path.insert(0, str(TESTS))
    pythons = {"script": sys.executable, "ours": sys.executable}
    pythons |= {"autogluon": arguments.autogluon} if arguments.autogluon else {}
    head = ("accuracy", "macro-F1", "log-loss")
    print(f"{'':<22}" + "".join(f"{name:>24}" for name in head) + f"{'CPU s':>9}{'ratio':>8}{'wall s':>9}{'MB':>7}")
    for name in arguments.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "data.npz")
            data = SETS[name]()
            np.savez(path, **data)
            print(f"{name}: {len(data['y_train'])} + {len(data['y_test'])} units of {data['X_train'].shape[1]} numbers")
            runs = [
                {peer: asked(python, peer, path) for peer, python in pythons.items()} for _ in range(arguments.rounds)
            ]
        for peer in pythons:
            told(peer, [one[peer] for one in runs], [one["script"] for one in runs])


def told(peer: str, runs: list[Data], base: list[Data]) -> None:
    """One line of the table."""
    found = runs[0]["figures"]
    cells = "".join("{:>10.3f} ({:.3f}-{:.3f})".format(*found[name]) for name in ("accuracy", "macro-F1", "log-loss"))
    cpu, wall, memory = (statistics.median(one[key] for one in runs) for key in ("cpu", "wall", "memory"))
    ratio = statistics.median(own["cpu"] / other["cpu"] for own, other in zip(runs, base, strict=True))
    print(f"  {peer:<20}{cells}{cpu:>9.2f}{ratio:>8.2f}{wall:>9.2f}{memory:>7.0f}", flush=True)


if __name__ == "__main__":
    main()
