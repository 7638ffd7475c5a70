"""All figures that fit a task: of a model's outputs, with intervals that count groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studium.learn.evaluate import metrics
from studium.learn.evaluate.checks import numbered
from studium.learn.evaluate.drawn import defined, drawn
from studium.learn.evaluate.intervals import FEWEST, Bootstrap, Interval, class_intervals, error_rates
from studium.learn.evaluate.judges import FIGURES, Judge, Judged, codes, f1_of, judges, lines
from studium.learn.models.card import Figure
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL

__all__ = ["BOLD", "FIGURES", "LOWER", "MAIN", "SAID", "Judged", "by_group", "codes", "figures", "judges"]

SAID = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "weighted_f1": "weighted F1",
    "matthews": "Matthews' correlation",
    "quadratic_kappa": "quadratic kappa",
    "exact": "all labels right",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log-loss",
    "ece": "ECE",
    "mae": "mean absolute error",
    "rmse": "RMSE",
    "r2": "R²",
    "spearman": "Spearman's correlation",
}
"""What the field calls each figure."""
MAIN: Mapping[str, str] = {
    CATEGORICAL: "macro_f1",
    ORDINAL: "quadratic_kappa",
    MULTILABEL: "macro_f1",
    CONTINUOUS: "r2",
}
"""The figure that models are compared by, if none is named."""
LOWER = frozenset({"brier", "log_loss", "ece", "mae", "rmse"})
"""Figures that are better the lower they are."""
BOLD = frozenset({"ece"})
"""Figures without an interval: they are too high by chance, more so in every draw."""


def figures(given: Judged, of: str = "", bootstrap: Bootstrap | None = None) -> list[Figure]:
    """All figures of a model's outputs, then F1, precision and recall of each class.

    Args:
        given: what it said, and what is true.
        of: the group of units that they are of, "" for all.
        bootstrap: its draws, seed and fewest groups; None for 1000 draws.
    """
    judged, n = judges(given), len(given)
    each = lines(given)
    shown: dict[str, Judge] = judged | {f"F1 of {name}": f1_of(true, guess) for name, true, guess in each}
    sure = [name for name in shown if name not in BOLD]
    found = drawn([shown[name] for name in sure], given.heavy, given.group, bootstrap)
    spread = {name: found.interval(at) for at, name in enumerate(sure)}
    made = [
        _figure(SAID.get(name, name), spread[name], n, of)
        if name in spread
        else Figure(SAID[name], defined(judge(given.heavy[None])[0]), n=n, groups=found.groups, of=of)
        for name, judge in shown.items()
    ]
    for name, true, guess in each:
        precision, recall = class_intervals(true, guess, given.heavy, given.group, 2)[1]
        made += [_figure(f"precision of {name}", precision, n, of), _figure(f"recall of {name}", recall, n, of)]
    return made


def by_group(given: Judged, by: Mapping[str, Sequence[Any]], fewest: int = FEWEST) -> list[Figure]:
    """Errors made about groups: false positives and negatives with Wilson's intervals, or mean absolute errors.

    Args:
        given: what a model said, and what is true. Of more than two classes each is judged against the others.
        by: what units are grouped by ("party") -> (n,) the group of each.
        fewest: negatives (positives, units) below which there is no figure.
    """
    made: list[Figure] = []
    each = lines(given)
    binary = given.head.task == CATEGORICAL and len(each) == 2
    for key, names in by.items():
        if given.head.task == CONTINUOUS:
            made += _errors(given, key, names, fewest)
        for name, true, guess in each[1:] if binary else each:
            said = "" if binary else f" of {name}"
            for one in error_rates(true, guess, names, given.heavy, given.group, fewest):
                where = f"{key}: {one.name}"
                made.append(_figure(f"false-positive rate{said}", one.false_positive_rate, one.negatives, where))
                made.append(_figure(f"false-negative rate{said}", one.false_negative_rate, one.positives, where))
    return made


def _errors(given: Judged, key: str, names: Sequence[Any], fewest: int) -> list[Figure]:
    """The mean absolute error in each group."""
    y, guess = np.asarray(given.y, np.float64), np.asarray(given.predicted, np.float64)
    number, made = numbered(names, len(y)), []
    for at, name in enumerate(dict.fromkeys(names)):
        rows = number == at
        n, few = int(rows.sum()), bool(rows.sum() < fewest)
        value = None if few else metrics.mae(y[rows], guess[rows], given.heavy[rows])
        note = f"{n} units are too few, it needs {fewest}" if few else ""
        made.append(Figure(SAID["mae"], value, n=n, of=f"{key}: {name}", note=note))
    return made


def _figure(name: str, found: Interval, n: int, of: str) -> Figure:
    return Figure(name, found.value, found.low, found.high, n, found.groups, of, found.reason)
