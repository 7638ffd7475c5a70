"""Iterative k-means (studium.explore.cluster) against its plain implementation in scikit-learn.

    python benchmarks/cluster.py                              20,000 x 512, five repeats
    python benchmarks/cluster.py --rows 2000 --repeat 1       a smoke test

Scoring: every repeat has a seed of its own and runs all contenders in turn on the same rows, one process each, so that
whatever else the machine does falls on all alike. All import and warm up before the clock starts. Printed are medians
over the repeats of seconds and CPU seconds, and of the ratio of the plain algorithm's to each contender's within a
repeat; means of the adjusted Rand index against the truth (the unassigned count as one group), of the number of
clusters and of the share unassigned; and whether all labels are the plain algorithm's. The plain algorithm has one
thread unless told otherwise: with more, its k-means spins when the cores are busy.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

CONTENDERS = ("plain", "studium", "studium, fast")


def fit(rows: np.ndarray, K: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    return KMeans(K, n_init=10, random_state=seed).fit(rows).labels_


def choose(rows: np.ndarray, how: Any, seed: int) -> int | None:
    """The smallest K of the window with the best mean silhouette; None if none can be tried."""
    from sklearn.metrics import silhouette_score

    tried, scores, averages = [], [], []
    most = min(len(rows) - 1, len(np.unique(rows, axis=0)))
    for K in range(how.step, most + 1, how.step):
        tried.append(K)
        scores.append(silhouette_score(rows, fit(rows, K, seed)))
        if len(scores) >= how.window:
            averages.append(np.mean(scores[-how.window :]))
        if len(averages) > 1 and averages[-1] <= averages[-2]:
            break
    return tried[int(np.argmax(averages or scores))] if tried else None


def plain(X: np.ndarray, how: Any, seed: int = 0) -> np.ndarray:
    """The algorithm as one would write it with scikit-learn: labels (n,), -1 for unassigned."""
    from sklearn.metrics import silhouette_samples

    labels, found, rest = np.full(len(X), -1), 0, np.arange(len(X))
    random = np.random.default_rng(seed)
    while len(rest) > how.stop:
        sample = rest
        if len(rest) > how.sample:
            sample = rest[random.choice(len(rest), how.sample, replace=False)]
        K = choose(X[sample], how, seed)
        if K is None:
            break
        parts = fit(X[rest], K, seed)
        values = silhouette_samples(X[rest], parts)
        cohesive = [k for k in range(K) if values[parts == k].mean() > how.threshold]
        for k in cohesive:
            labels[rest[parts == k]] = found
            found += 1
        if not cohesive:
            break
        rest = rest[~np.isin(parts, cohesive)]
    return labels


def mixture(rows: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows like image embeddings (512-d, L2-normalised, float32) with known classes of unequal size.

    60 classes in 48 latent dimensions, mapped linearly into 512 with noise. ``spread`` is the standard deviation within
    a class where that between classes is 1: .5 is well separated, 1.5 overlaps.
    """
    random = np.random.default_rng(seed)
    share = 1 / np.sqrt(np.arange(1, 61))
    truth = random.choice(60, rows, p=share / share.sum())
    latent = random.normal(size=(60, 48))[truth] + spread * random.normal(size=(rows, 48))
    X = latent @ random.normal(size=(48, 512)) / np.sqrt(48) + 0.5 * random.normal(size=(rows, 512))
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32), truth


def measure(contender: str, rows: int, spread: float, threads: int, seed: int) -> dict[str, Any]:
    """Run one contender in this process; ``threads`` limits the plain algorithm's."""
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

    from studium.explore import cluster

    X, truth = mixture(rows, spread)
    how = cluster.Iterative()

    def run(data: np.ndarray) -> np.ndarray:
        if contender == "plain":
            with threadpool_limits(threads):
                return plain(data, how, seed)
        return cluster.iterative(data, how, seed=seed, fast="fast" in contender).labels

    run(X[:200])
    used, start = _cpu(), time.perf_counter()
    labels = run(X)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "cpu": _cpu() - used,
        "ari": float(adjusted_rand_score(truth, labels)),
        "clusters": int(labels.max()) + 1,
        "left": float(np.mean(labels < 0)),
        "labels": labels.tolist(),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def compare(rows: int, spread: float, repeat: int, threads: int) -> None:
    """Print one table."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for seed in range(repeat):
        for name in CONTENDERS:
            command = [sys.executable, __file__, "--only", name, "--seed", str(seed)]
            command += ["--rows", str(rows), "--spread", str(spread), "--threads", str(threads)]
            runs[name].append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    print(f"\n{rows:,} x 512, spread {spread}, {repeat} repeats, plain with {threads} thread(s)")
    print("                seconds    CPU s   speed  CPU speed    ARI      K   left  same")
    for name, results in runs.items():
        clock, cpu, ari, found, left = (_column(results, key) for key in ("seconds", "cpu", "ari", "clusters", "left"))
        speed, lean = (
            statistics.median(np.divide(_column(runs["plain"], key), _column(results, key)))
            for key in ("seconds", "cpu")
        )
        same = _column(results, "labels") == _column(runs["plain"], "labels")
        print(
            f"{name:14} {statistics.median(clock):8.2f} {statistics.median(cpu):8.2f} {speed:7.2f} {lean:10.2f}"
            f" {np.mean(ari):6.3f} {np.mean(found):6.1f} {np.mean(left):6.3f}  {same}",
            flush=True,
        )


def _column(results: list[dict[str, Any]], key: str) -> list[Any]:
    return [result[key] for result in results]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--spread", type=float, nargs="+", default=[0.5, 1.0, 1.5])
    options.add_argument("--threads", type=int, default=1, help="of the plain algorithm; more spin on busy cores")
    options.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.only:
        print(json.dumps(measure(chosen.only, chosen.rows, chosen.spread[0], chosen.threads, chosen.seed)))
        return
    for spread in chosen.spread:
        compare(chosen.rows, spread, chosen.repeat, chosen.threads)


if __name__ == "__main__":
    main()
