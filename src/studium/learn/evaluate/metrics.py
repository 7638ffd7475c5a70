"""Evaluation: how well predictions fit the truth. Pure functions on arrays.

Every figure is a function of ``true``, ``predicted`` (labels, scores or values) and ``weights``, so that
`studium.learn.evaluate.intervals.Bootstrap` and `studium.learn.evaluate.paired.difference` take any of them. Labels are
(n,) numbers of values from 0, in the order of the codebook. Weights are 1 / P(the unit was drawn), None for equal ones:
a sample drawn unevenly gives wrong figures without them; a unit with the weight 0 does not count. What is not defined
is None, never 0 or NaN. Those of probabilities are in `studium.learn.evaluate.probabilities`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import MissingExtraError
from studium.learn.evaluate.checks import Floats, labels, mean, numbers, weights_of
from studium.learn.evaluate.probabilities import ranks

__all__ = [
    "ClassFigures",
    "Metric",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "confusion",
    "macro_f1",
    "mae",
    "matthews",
    "per_class",
    "quadratic_kappa",
    "r2",
    "rmse",
    "roc_auc",
    "spearman",
    "weighted_f1",
]

Metric = Callable[[Any, Any, Any], float | None]
"""A figure of (true, predicted, weights)."""


@dataclass(frozen=True)
class ClassFigures:
    """How well one value is found.

    Attributes:
        value: its number.
        n: units that truly have it.
        predicted: units that were given it.
        precision: share of those given it that have it; None (and in means 0) if none was given it.
        recall: share of those that have it that were given it; None if none has it.
        f1: their harmonic mean, 2 TP / (2 TP + FP + FN); None if it occurs in neither, and in no mean then.
    """

    value: int
    n: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


def confusion(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, k: int | None = None) -> Floats:
    """(k, k) sums of weights: rows are true values, columns predicted ones. Without k: up to the highest that occurs.

    >>> confusion([0, 0, 1], [0, 1, 1]).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    given = labels(true, "true", k=k)
    guess = labels(predicted, "predicted", len(given), k)
    heavy = weights_of(weights, len(given))
    size = k if k is not None else 1 + int(max(given.max(initial=-1), guess.max(initial=-1)))
    counts: Floats = np.bincount(given * size + guess, heavy, minlength=size * size).astype(np.float64)
    return counts.reshape(size, size)


def per_class(
    true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, k: int | None = None
) -> tuple[ClassFigures, ...]:
    """Precision, recall and F1 of each of k values; for intervals see `studium.learn.evaluate.intervals`."""
    table = confusion(true, predicted, weights, k)
    given, guess = labels(true, "true"), labels(predicted, "predicted")
    own, have, got = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    n, m = (np.bincount(of, minlength=len(table)) for of in (given, guess))
    return tuple(
        ClassFigures(
            value,
            int(n[value]),
            int(m[value]),
            _ratio(own[value], got[value]),
            _ratio(own[value], have[value]),
            _ratio(2 * own[value], have[value] + got[value]),
        )
        for value in range(len(table))
    )


def accuracy(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Share of units whose predicted value is the true one."""
    table = confusion(true, predicted, weights)
    return _ratio(np.trace(table), table.sum())


def macro_f1(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean F1 of the values that occur in the truth or in the predictions.

    >>> round(macro_f1([0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 0, 1, 1, 0, 2, 2, 1, 0]), 6)
    0.546032
    """
    each, _ = _f1(true, predicted, weights)
    return float(each.mean()) if len(each) else None


def weighted_f1(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean F1 of values, each weighted by how often it is the true one."""
    return mean(*_f1(true, predicted, weights))


def balanced_accuracy(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean recall of the values that occur in the truth; 1 / their number by chance."""
    table = confusion(true, predicted, weights)
    have = table.sum(axis=1)
    return float(np.mean(np.diag(table)[have > 0] / have[have > 0])) if have.any() else None


def matthews(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Matthews' correlation, -1 to 1, 0 by chance; None if the truth or the predictions are all of one value.

    References:
        Gorodkin (2004), doi:10.1016/j.compbiolchem.2004.09.006 (of several values).
    """
    table = confusion(true, predicted, weights)
    have, got = table.sum(axis=1), table.sum(axis=0)
    if (have > 0).sum() < 2 or (got > 0).sum() < 2:
        return None
    have, got, own = have / have.sum(), got / got.sum(), np.trace(table) / table.sum()
    other = 1 - np.eye(len(table))
    return float((own - have @ got) / (math.sqrt(have @ other @ have) * math.sqrt(got @ other @ got)))


def quadratic_kappa(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Cohen's kappa of ordered values with squared distances; None if both are all of one and the same value.

    References:
        Cohen (1968), doi:10.1037/h0026256.
    """
    table = confusion(true, predicted, weights)
    table = table / (table.sum() or 1)
    squares = np.subtract.outer(np.arange(len(table)), np.arange(len(table))) ** 2.0
    chance = float((squares * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    return 1 - float((squares * table).sum()) / chance if chance > 0 else None


def roc_auc(true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Area under the ROC curve: P(a unit of value 1 scores higher than one of value 0), ties half; .5 by chance.

    Of (n, k) scores: of each value against the rest, and the mean of those for which it is defined. None if all are of
    one value.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return _ranked("roc_auc_score", true, scores, weights)


def average_precision(true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Average precision: the sum of precision times the step in recall, not interpolated; by chance the prevalence.

    Of (n, k) scores: as `roc_auc`. None if all are of one value.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.833333

    References:
        Davis & Goadrich (2006), doi:10.1145/1143844.1143874 (why no trapezoids).
    """
    return _ranked("average_precision_score", true, scores, weights)


def mae(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean absolute error, in units of the variable."""
    y, guess, heavy = _values(true, predicted, weights)
    return mean(np.abs(y - guess), heavy)


def rmse(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Root mean squared error, in units of the variable."""
    y, guess, heavy = _values(true, predicted, weights)
    found = mean((y - guess) ** 2, heavy)
    return None if found is None else math.sqrt(found)


def r2(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Share of variance explained: 1 is perfect, 0 as the mean does, below 0 worse; None if the truth is constant."""
    y, guess, heavy = _values(true, predicted, weights)
    if len(np.unique(y)) < 2:
        return None
    varies = float(heavy @ (y - heavy @ y / heavy.sum()) ** 2)
    return 1 - float(heavy @ (y - guess) ** 2) / varies if varies > 0 else None


def spearman(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Spearman's rank correlation, -1 to 1; ties have their mean rank; None if either is constant."""
    y, guess, heavy = _values(true, predicted, weights)
    if len(np.unique(y)) < 2 or len(np.unique(guess)) < 2:
        return None
    a, b = (ranks(of, heavy) - 0.5 for of in (y, guess))  # mean ranks are .5, whatever the weights
    return float(heavy @ (a * b)) / (math.sqrt(float(heavy @ a**2)) * math.sqrt(float(heavy @ b**2)))


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _f1(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """F1 of the values that occur, and how often each is the true one."""
    table = confusion(true, predicted, weights)
    have, both = table.sum(axis=1), table.sum(axis=1) + table.sum(axis=0)
    return 2 * np.diag(table)[both > 0] / both[both > 0], have[both > 0]


def _values(true: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    y = numbers(true, "true")
    guess, heavy = numbers(predicted, "predicted", len(y)), weights_of(weights, len(y))
    return y[heavy > 0], guess[heavy > 0], heavy[heavy > 0]


def _ranked(name: str, true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> float | None:
    try:
        from sklearn import metrics
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "images") from error
    given = labels(true, "true")
    table = np.asarray(scores)
    if table.ndim == 2:
        columns = [numbers(column, "scores", len(given)) for column in table.T]
        targets = [(labels(given, "true", k=table.shape[1]) == value).astype(np.int64) for value in range(len(columns))]
    else:
        columns, targets = [numbers(scores, "scores", len(given))], [labels(given, "true", k=2)]
    heavy = weights_of(weights, len(given))
    rows = heavy > 0
    found = [
        float(getattr(metrics, name)(target[rows], column[rows], sample_weight=heavy[rows]))
        for target, column in zip(targets, columns, strict=True)
        if len(np.unique(target[rows])) == 2
    ]
    return float(np.mean(found)) if found else None
