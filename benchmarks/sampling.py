"""Do weighted figures of a sample tell of all units, whatever the design? Many draws from a population that is known.

    python benchmarks/sampling.py                       1,000 draws of each design; half a minute

Scoring. 20,000 units; a model that is as unsure as models are says with which probability each has something that 14 %
have, and it is right about that: the answer of a unit is drawn with its probability. Each design draws 800 units, many
times. Printed for each: the mean of the weighted shares and their standard deviation (the true standard error), the
mean of the standard errors that the draws themselves tell, the share of 95 % intervals that hold the truth, and the
mean of the plain shares, without weights. Strata are five parts of the probability; "Neyman" takes its spread from it.
Unbiased: the mean lies within three Monte Carlo errors of the truth. Of the most uncertain units alone no share can be
estimated: the others have no chance. At last, precision and recall of the model on an equally allocated sample.
"""

import argparse
from collections.abc import Callable

import numpy as np

from studium.coding.sample import Drawn, chances, draw, ratio, share, simple, stratified, uncertainty

N, DRAWN = 20_000, 800
CUTS = (0.1, 0.2, 0.4, 0.6)


class Population:
    """Units, what a model says of them, and the truth."""

    def __init__(self, n: int = N, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.p = rng.beta(0.5, 3.0, n)
        self.y = (rng.random(n) < self.p).astype(float)
        self.said = (self.p >= 0.4).astype(float)
        self.strata = [f"{at}" for at in np.digitize(self.p, CUTS)]
        self.unsure = uncertainty(np.column_stack([self.p, 1 - self.p]))
        self.spread = {
            name: float(np.sqrt(np.mean(self.p[here]) * (1 - np.mean(self.p[here]))))
            for name in sorted(set(self.strata))
            for here in [np.array([one == name for one in self.strata])]
        }


def designs(of: Population, n: int) -> dict[str, Callable[[int], Drawn]]:
    """Name -> what draws with a seed."""
    chance = chances(of.unsure, n, 0.3)
    return {
        "simple": lambda seed: simple(len(of.y), n, seed),
        "proportional": lambda seed: stratified(of.strata, n, seed=seed),
        "Neyman": lambda seed: stratified(of.strata, n, "neyman", of.spread, seed=seed),
        "equal": lambda seed: stratified(of.strata, n, "equal", seed=seed),
        "uncertainty, floor .3": lambda seed: draw(chance, seed=seed),
    }


def repeated(of: Population, sample: Callable[[int], Drawn], draws: int) -> tuple[float, float, float, float, float]:
    """Mean of the weighted shares, their spread, the mean standard error told, coverage, mean of the plain shares."""
    found = []
    for seed in range(draws):
        drawn = sample(seed)
        y = of.y[drawn.rows]
        one = share(y, drawn.chance, drawn.stratum or None)
        found.append((one.value, one.se, one.low <= of.y.mean() <= one.high, y.mean()))
    values, errors, held, plain = np.array(found, float).T
    return values.mean(), values.std(ddof=1), errors.mean(), held.mean(), plain.mean()


def judged(of: Population, n: int, draws: int) -> dict[str, tuple[float, float, float]]:
    """Precision and recall of the model: true, weighted and plain, on equally allocated samples."""
    hit = of.y * of.said
    rows = []
    for seed in range(draws):
        drawn = stratified(of.strata, n, "equal", seed=seed)
        h, y, said = (one[drawn.rows] for one in (hit, of.y, of.said))
        rows.append((ratio(h, said, drawn.chance).value, h.sum() / said.sum()))
        rows[-1] += (ratio(h, y, drawn.chance).value, h.sum() / y.sum())
    means = np.mean(rows, axis=0)
    return {
        "precision": (hit.sum() / of.said.sum(), means[0], means[1]),
        "recall": (hit.sum() / of.y.sum(), means[2], means[3]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    of = Population()
    print(f"{N:,} units, {of.y.mean():.5f} of them have it; {DRAWN} drawn, {draws} times\n")
    print(f"{'design':24s} {'weighted':>9s} {'SE':>7s} {'SE told':>8s} {'coverage':>9s} {'plain':>7s}")
    for name, sample in designs(of, DRAWN).items():
        value, spread, told, held, plain = repeated(of, sample, draws)
        print(f"{name:24s} {value:9.4f} {spread:7.4f} {told:8.4f} {held:9.3f} {plain:7.4f}")
    top = np.argsort(-of.unsure, kind="stable")[:DRAWN]
    print(f"{'the most uncertain alone':24s} {'none':>9s} {'':7s} {'':8s} {'':9s} {of.y[top].mean():7.4f}")
    print(f"\n{'equal allocation':24s} {'truth':>9s} {'weighted':>9s} {'plain':>7s}")
    for name, (truth, weighted, plain) in judged(of, DRAWN, draws).items():
        print(f"{name:24s} {truth:9.3f} {weighted:9.3f} {plain:7.3f}")


if __name__ == "__main__":
    main()
