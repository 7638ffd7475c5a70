"""Agreement of coders (studium.coding.agreement): how fast, whether equal to other packages, and how true.

    python benchmarks/agreement.py speed      all coefficients with 1,000 resamples: 5,000 units, 3 coders
    python benchmarks/agreement.py coverage   how often 95 % intervals hold the true alpha
    python benchmarks/agreement.py groups     how often groups of coders differ where they do not, by three tests
    python benchmarks/agreement.py parity     against krippendorff and irrCAC, in an environment that has them

Scoring. speed: CPU seconds, median of five runs, all coefficients at once; the bound for nominal codes is 1 s.
coverage: 300 simulations of three coders who each see the true value of .8 of the units and else guess among three.
groups: share of p below .05 in 500 simulations of ten coders with leanings of their own (SD .7 logits) and no
difference between the two groups; the naive test takes every code for a case. parity: largest absolute difference over
random codes with a third missing. krippendorff is GPL and neither is needed by studium: install them beside it in an
environment of its own, never in that of development.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from studium.coding.agreement import agreement, fleiss_kappa, gwet_ac1, krippendorff_alpha
from studium.coding.groups import compare


def coded(random: np.random.Generator, units: int) -> list[list[int]]:
    """Three coders who see the truth of .8 of the units."""
    truth = random.integers(0, 3, units)
    seen = random.random((3, units)) < 0.8
    return np.where(seen, truth, random.integers(0, 3, (3, units))).tolist()


def speed() -> None:
    random = np.random.default_rng(0)
    ratings = {
        "nominal, 3 values": ("nominal", lambda: random.integers(0, 3, 5000)),
        "nominal, 20 values": ("nominal", lambda: random.integers(0, 20, 5000)),
        "ordinal, 7 values": ("ordinal", lambda: random.integers(0, 7, 5000)),
        "interval, all different": ("interval", lambda: random.normal(size=5000)),
    }
    print("codes                      CPU seconds")
    for name, (level, draw) in ratings.items():
        codes, taken = [draw().tolist() for _ in range(3)], []
        for _ in range(5):
            begin = time.process_time()
            agreement(codes, level)
            taken.append(time.process_time() - begin)
        print(f"{name:<26} {statistics.median(taken):.3f}")


def coverage() -> None:
    random = np.random.default_rng(0)
    true = krippendorff_alpha(coded(random, 1_000_000))
    print(f"true alpha {true:.3f}\n  n  covered  mean width")
    for units in (50, 200, 500):
        found = [agreement(coded(random, units), seed=seed)["krippendorff_alpha"] for seed in range(300)]
        inside = np.mean([one.low <= true <= one.high for one in found])
        print(f"{units:>3}  {inside:.3f}    {np.mean([one.high - one.low for one in found]):.3f}")


def groups() -> None:
    from scipy.stats import chi2_contingency, ttest_ind

    random, sides = np.random.default_rng(0), ["x"] * 5 + ["y"] * 5
    below: dict[str, list[bool]] = {"permuted coders": [], "t-test of coders' means": [], "naive, over codes": []}
    for _ in range(500):
        leaning = random.normal(0, 0.7, 10)
        p = 1 / (1 + np.exp(-(random.normal(0, 1, 60)[None] + leaning[:, None])))
        said = (random.random((10, 60)) < p).astype(float)
        said[np.argsort(random.random((10, 60)), axis=0) >= 6] = np.nan
        table = [[np.nansum(rows == 1), np.nansum(rows == 0)] for rows in (said[:5], said[5:])]
        means = np.nanmean(said, axis=1)
        below["permuted coders"].append(compare(said, sides)[0].p < 0.05)
        below["t-test of coders' means"].append(ttest_ind(means[:5], means[5:]).pvalue < 0.05)
        below["naive, over codes"].append(chi2_contingency(table, correction=False).pvalue < 0.05)
    for name, found in below.items():
        print(f"{name:<26} {np.mean(found):.3f}")


def parity() -> None:
    import krippendorff
    import pandas as pd
    from irrCAC.raw import CAC

    worst: dict[str, float] = {}

    def note(name: str, ours: float, theirs: float) -> None:
        worst[name] = max(worst.get(name, 0.0), abs(ours - theirs))

    for seed in range(50):
        random = np.random.default_rng(seed)
        table = random.integers(1, 6, (4, 40)).astype(float)
        table = np.where(random.random(table.shape) < 0.5, table[:1], table)
        table[random.random(table.shape) < 0.33] = np.nan
        codes = table.tolist()
        for level in ("nominal", "ordinal", "interval", "ratio"):
            theirs = krippendorff.alpha(table, level_of_measurement=level, value_domain=[1, 2, 3, 4, 5])
            note(f"alpha {level} (krippendorff)", krippendorff_alpha(codes, level), theirs)
        raters = pd.DataFrame(table[:, ~np.isnan(table).all(axis=0)].T)
        cac = CAC(raters, digits=12, categories=[1.0, 2.0, 3.0, 4.0, 5.0])
        found = {one.name: one for one in agreement(codes, categories=[1.0, 2.0, 3.0, 4.0, 5.0]).measures}
        for name, method in (
            ("gwet_ac1", cac.gwet),
            ("fleiss_kappa", cac.fleiss),
            ("krippendorff_alpha", cac.krippendorff),
        ):
            est = method()["est"]
            note(f"{name} (irrCAC)", found[name].value, est["coefficient_value"])
            note(f"{name}, standard error (irrCAC)", found[name].se, est["se"])
        assert gwet_ac1(codes, [1.0, 2.0, 3.0, 4.0, 5.0]) == found["gwet_ac1"].value
        assert fleiss_kappa(codes) == found["fleiss_kappa"].value
    for name, difference in worst.items():
        print(f"{name:<50} {difference:.1e}")


def main() -> None:
    asked: dict[str, Callable[[], None]] = {"speed": speed, "coverage": coverage, "groups": groups, "parity": parity}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=[*asked], help="all but parity, if none is named")
    given = parser.parse_args().what
    for name in [given] if given else ["speed", "coverage", "groups"]:
        print(f"\n{name}")
        asked[name]()


if __name__ == "__main__":
    main()
