"""Codes whose agreement is published, or equal in several packages."""

import numpy as np

K = [  # Krippendorff (2011): four coders, twelve units
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
DIAGNOSES = """
    00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
    00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
"""Fleiss (1971): of 30 patients, how many of six psychiatrists gave each of five diagnoses."""
FOURTEEN = """
    0,0,0,0,14 0,2,6,4,2 0,0,3,5,6 0,3,9,2,0 2,2,8,1,1 7,7,0,0,0 3,2,6,3,0 2,5,3,2,2 6,5,2,1,0 0,2,2,3,7
"""
"""Of ten units, how many of 14 coders gave each of five categories (the example of Wikipedia's Fleiss' kappa)."""


def spread(text: str) -> list[list[int]]:
    """Counts of categories, unit by unit, as the codes of coders."""
    rows = [[int(n) for n in (row.split(",") if "," in row else row)] for row in text.split()]
    units = [[k for k, n in enumerate(row) for _ in range(n)] for row in rows]
    return [list(coder) for coder in zip(*units, strict=True)]


def two(table: list[list[int]]) -> list[list[int]]:
    """A table of two coders as their codes."""
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [[i for i, _ in cells], [j for _, j in cells]]


def alpha_by_hand(codes, level: str) -> float:
    """Krippendorff's formulas as they stand: every pair of codes, in loops."""
    units = [[c for c in unit if c is not None] for unit in zip(*codes, strict=True)]
    units = [unit for unit in units if len(unit) >= 2]
    values = sorted({c for unit in units for c in unit})
    n_of = {v: sum(unit.count(v) for unit in units) for v in values}
    n = sum(n_of.values())

    def far(a, b) -> float:
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return float((a - b) ** 2)
        if level == "ratio":
            return 0.0 if a + b == 0 else float(((a - b) / (a + b)) ** 2)
        low, high = min(a, b), max(a, b)
        return float((sum(n_of[g] for g in values if low <= g <= high) - (n_of[a] + n_of[b]) / 2) ** 2)

    observed = sum(
        far(a, b) / (len(unit) - 1) for unit in units for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j
    )
    expected = sum(n_of[a] * n_of[b] * far(a, b) for a in values for b in values) / (n - 1)
    return 1 - observed / expected


def hostile(seed: int, coders: int = 4, units: int = 40, categories: int = 5):
    """Codes with a third missing, coders and units without any, and one category that is rare."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, categories, (coders, units))
    codes = np.where(rng.random(codes.shape) < 0.5, codes[:1], codes)
    gone = rng.random(codes.shape) < 0.33
    gone[:, 0] = True
    return [
        [None if g else int(c) for c, g in zip(row, lost, strict=True)] for row, lost in zip(codes, gone, strict=True)
    ]
