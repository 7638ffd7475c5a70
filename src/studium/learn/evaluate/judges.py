"""Figures of one model on fixed units, as functions of the units' weights alone: of many weightings at once.

They are those of `studium.learn.evaluate.metrics` and `studium.learn.evaluate.probabilities`, written for the draws of
a bootstrap, which are nothing but other weights of the same units.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate import probabilities
from studium.learn.evaluate.checks import Floats, Ints, numbered, weights_of
from studium.learn.evaluate.intervals import Names
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL, Head, plain

__all__ = ["FIGURES", "Judge", "Judged", "codes", "f1_of", "judges", "lines"]

Judge = Callable[[Floats], Floats]
"""Of (m, n) weights of the units: (m,) figures, NaN where one is not defined."""

_TABLE = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "matthews")
_PROBABILITIES = ("roc_auc", "average_precision", "brier", "log_loss", "ece")
FIGURES: Mapping[str, tuple[str, ...]] = {
    CATEGORICAL: (*_TABLE, *_PROBABILITIES),
    ORDINAL: ("quadratic_kappa", "mae", "spearman", *_TABLE, "brier", "log_loss", "ece"),
    MULTILABEL: ("macro_f1", "micro_f1", "exact", "roc_auc", "average_precision", "brier", "log_loss"),
    CONTINUOUS: ("r2", "rmse", "mae", "spearman"),
}
"""Figures of each task. Those of a multilabel one are means over labels; steps of an ordinal one count 1."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What a model said of n units, and what is true of them.

    Attributes:
        head: what was predicted, with its classes.
        y: the truth, as `studium.learn.models.estimator.Estimator.fit` takes it; of soft labels the class with the
            largest share counts.
        outputs: (n, k) probabilities, or (n, 1) values of a continuous target.
        predicted: as `studium.learn.models.estimator.Fitted.predict` gives it.
        weights: (n,) 0 or more, 1 / P(drawn); None for equal ones.
        groups: (n,) names of what like units come from, such as accounts; None if each unit is one of its own.
    """

    head: Head
    y: ArrayLike
    outputs: Floats
    predicted: ArrayLike
    weights: ArrayLike | None = None
    groups: Names = None

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def heavy(self) -> Floats:
        """(n,) weights."""
        return weights_of(self.weights, len(self))

    @property
    def group(self) -> Ints:
        """(n,) numbers of groups."""
        return numbered(self.groups, len(self))


def judges(given: Judged) -> dict[str, Judge]:
    """Each figure of `FIGURES` that fits the task."""
    head, table = given.head, np.asarray(given.outputs, np.float64)
    if head.task == CONTINUOUS:
        made = _of_values(np.asarray(given.y, np.float64), np.asarray(given.predicted, np.float64))
    elif head.task == MULTILABEL:
        made = _of_sets(np.asarray(given.y).astype(np.int64), np.asarray(given.predicted).astype(np.int64), table)
    else:
        made = _of_classes(codes(head, given.y), codes(head, given.predicted), table)
    return {name: made[name] for name in FIGURES[head.task]}


def codes(head: Head, y: ArrayLike) -> Ints:
    """Numbers of classes, from 0, of (n,) classes or (n, k) shares of them.

    Raises:
        InputError: a class that the head does not have.
    """
    given = np.asarray(y) if not isinstance(y, list | tuple) else np.array([*y, None], object)[:-1]
    if given.ndim == 2:
        return np.asarray(given.argmax(axis=1), np.int64)
    place = {(type(one), one): at for at, one in enumerate(head.classes)}
    labels = [plain(one) for one in given]
    if unknown := [one for one in labels if (type(one), one) not in place]:
        raise InputError(f"{head.variable} has the classes {head.classes}, got {unknown[0]!r}")
    return np.array([place[type(one), one] for one in labels], np.int64)


def lines(given: Judged) -> list[tuple[str, Ints, Ints]]:
    """Of each class: its name, whether it is true, and whether it was predicted; nothing of a continuous target."""
    head = given.head
    if head.task == MULTILABEL:
        true, guess = (np.asarray(of).astype(np.int64) for of in (given.y, given.predicted))
        return [(str(name), true[:, at], guess[:, at]) for at, name in enumerate(head.classes)]
    if head.task == CONTINUOUS:
        return []
    true, guess = codes(head, given.y), codes(head, given.predicted)
    named = enumerate(head.classes)
    return [(str(name), (true == at).astype(np.int64), (guess == at).astype(np.int64)) for at, name in named]


def f1_of(true: Ints, guess: Ints) -> Judge:
    """2 TP / (2 TP + FP + FN) of (n,) 0 and 1; not defined if the class is neither there nor predicted."""
    return lambda weights: _ratio(2 * (weights @ (true * guess)), weights @ (true + guess))


def _of_classes(y: Ints, guess: Ints, table: Floats) -> dict[str, Judge]:
    k = table.shape[1]
    p = table[:, 1] if k == 2 else table
    cell = np.eye(k * k)[y * k + guess]

    def tabled(figure: Callable[[Floats], Floats]) -> Judge:
        return lambda weights: figure((weights @ cell).reshape(-1, k, k))

    made = {name: tabled(figure) for name, figure in _OF_TABLES.items()}
    made["mae"] = _mean(np.abs(y - guess).astype(np.float64))
    made["spearman"] = _spearman(y.astype(np.float64), guess.astype(np.float64))
    made["brier"] = _mean(probabilities.squared_distances(y, p))
    made["log_loss"] = _mean(probabilities.log_losses(y, p))
    made["ece"] = _one_by_one(partial(probabilities.ece, y, p))
    return made | _areas([(y == at, table[:, at]) for at in range(int(k == 2), k)])


def _of_sets(y: Ints, guess: Ints, table: Floats) -> dict[str, Judge]:
    columns = range(y.shape[1])
    losses = {"brier": probabilities.squared_distances, "log_loss": probabilities.log_losses}
    made = {name: _mean(np.mean([of(y[:, at], table[:, at]) for at in columns], axis=0)) for name, of in losses.items()}
    made["macro_f1"] = _average([f1_of(y[:, at], guess[:, at]) for at in columns])
    hits, both = (y * guess).sum(axis=1), (y + guess).sum(axis=1)
    made["micro_f1"] = lambda weights: _ratio(2 * (weights @ hits), weights @ both)
    made["exact"] = _mean((y == guess).all(axis=1).astype(np.float64))
    return made | _areas([(y[:, at] == 1, table[:, at]) for at in columns])


def _of_values(y: Floats, guess: Floats) -> dict[str, Judge]:
    def r2(weights: Floats) -> Floats:
        middle = _ratio(weights @ y, weights.sum(axis=1))
        varies = (weights * (y - np.nan_to_num(middle)[:, None]) ** 2).sum(axis=1)
        return np.where(varies > 0, 1 - _ratio(weights @ (y - guess) ** 2, varies), np.nan)

    squared = _mean((y - guess) ** 2)
    return {
        "r2": r2,
        "rmse": lambda weights: np.sqrt(squared(weights)),
        "mae": _mean(np.abs(y - guess)),
        "spearman": _spearman(y, guess),
    }


def _accuracy(table: Floats) -> Floats:
    return _ratio(np.trace(table, axis1=1, axis2=2), table.sum(axis=(1, 2)))


def _balanced(table: Floats) -> Floats:
    return _nanmean(_ratio(np.diagonal(table, axis1=1, axis2=2), table.sum(axis=2)))


def _f1s(table: Floats) -> Floats:
    return _ratio(2 * np.diagonal(table, axis1=1, axis2=2), table.sum(axis=1) + table.sum(axis=2))


def _weighted(table: Floats) -> Floats:
    have = table.sum(axis=2)
    return _ratio((np.nan_to_num(_f1s(table)) * have).sum(axis=1), have.sum(axis=1))


def _matthews(table: Floats) -> Floats:
    table = table / np.where((whole := table.sum(axis=(1, 2))) > 0, whole, 1)[:, None, None]
    have, got, own = table.sum(axis=2), table.sum(axis=1), np.trace(table, axis1=1, axis2=2)
    several = ((have > 0).sum(axis=1) > 1) & ((got > 0).sum(axis=1) > 1)
    spread = [np.sqrt(np.maximum(of.sum(axis=1) ** 2 - (of**2).sum(axis=1), 0)) for of in (have, got)]
    return np.where(several, _ratio(own - (have * got).sum(axis=1), spread[0] * spread[1]), np.nan)


def _kappa(table: Floats) -> Floats:
    k, whole = table.shape[1], table.sum(axis=(1, 2))
    squares = np.subtract.outer(np.arange(k), np.arange(k)) ** 2.0
    by_chance = np.einsum("mi,ij,mj->m", table.sum(axis=2), squares, table.sum(axis=1))
    return 1 - _ratio((squares * table).sum(axis=(1, 2)) * whole, by_chance)


_OF_TABLES: Mapping[str, Callable[[Floats], Floats]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "macro_f1": lambda table: _nanmean(_f1s(table)),
    "weighted_f1": _weighted,
    "matthews": _matthews,
    "quadratic_kappa": _kappa,
}
"""Of (m, k, k) sums of weights, rows of true and columns of predicted classes."""


def _areas(of: Sequence[tuple[npt.NDArray[np.bool_], Floats]]) -> dict[str, Judge]:
    """Areas under the ROC and the precision-recall curve, of each class against the rest."""
    rankings = [_Ranking.of(yes, scores) for yes, scores in of]
    return {
        "roc_auc": _average([one.roc_auc for one in rankings]),
        "average_precision": _average([one.average_precision for one in rankings]),
    }


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Units by falling score; areas under curves are sums along it."""

    yes: Floats
    order: Ints
    ends: Ints

    @classmethod
    def of(cls, yes: npt.NDArray[Any], scores: Floats) -> "_Ranking":
        order = np.argsort(-scores, kind="stable")
        falling = scores[order]
        ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(order) else np.array([], np.int64)
        return cls(np.asarray(yes, np.float64)[order], order, ends)

    def _sums(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weights of hits and of others down to each score; all NaN where there are none of one kind."""
        heavy = weights[:, self.order]
        hits, others = (np.cumsum(heavy * of, axis=1)[:, self.ends] for of in (self.yes, 1 - self.yes))
        missing = (hits[:, -1:] <= 0) | (others[:, -1:] <= 0)
        return np.where(missing, np.nan, hits), np.where(missing, np.nan, others)

    def roc_auc(self, weights: Floats) -> Floats:
        hits, others = self._sums(weights)
        before = np.hstack([np.zeros((len(hits), 1)), hits[:, :-1]])
        area = (np.diff(others, axis=1, prepend=0.0) * (hits + before)).sum(axis=1)
        return np.asarray(area / 2 / hits[:, -1] / others[:, -1])

    def average_precision(self, weights: Floats) -> Floats:
        hits, others = self._sums(weights)
        taken = hits + others
        precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken != 0)
        return np.asarray((np.diff(hits, axis=1, prepend=0.0) * precision).sum(axis=1) / hits[:, -1])


def _spearman(y: Floats, guess: Floats) -> Judge:
    """The correlation of weighted mid-ranks, which have the mean .5 whatever the weights."""
    ranked = [_ranks(of) for of in (y, guess)]

    def judge(weights: Floats) -> Floats:
        a, b = (rank(weights) - 0.5 for rank in ranked)
        spread = [np.sqrt((weights * of**2).sum(axis=1)) for of in (a, b)]
        return _ratio((weights * a * b).sum(axis=1), spread[0] * spread[1])

    return judge


def _ranks(values: Floats) -> Callable[[Floats], Floats]:
    """Of (m, n) weights: the share of weight below each unit, and half of that of its equals."""
    _, number = np.unique(values, return_inverse=True)
    order = np.argsort(number, kind="stable")
    ends = np.flatnonzero(np.diff(number[order], append=-1))

    def rank(weights: Floats) -> Floats:
        upto = np.cumsum(weights[:, order], axis=1)[:, ends]
        below = np.hstack([np.zeros((len(upto), 1)), upto[:, :-1]])
        whole = np.where(upto[:, -1:] > 0, upto[:, -1:], 1.0)
        return np.asarray(((below + upto) / 2 / whole)[:, number])

    return rank


def _mean(values: Floats) -> Judge:
    return lambda weights: _ratio(weights @ values, weights.sum(axis=1))


def _average(parts: Sequence[Judge]) -> Judge:
    """The mean of those figures that are defined."""
    return lambda weights: _nanmean(np.stack([part(weights) for part in parts], axis=1))


def _one_by_one(figure: Callable[[Floats], float | None]) -> Judge:
    return lambda weights: np.array(
        [np.nan if (found := figure(one)) is None else found for one in weights], np.float64
    )


def _nanmean(rows: Floats) -> Floats:
    """The mean of each row's numbers, NaN of none."""
    there = ~np.isnan(rows)
    return _ratio(np.where(there, rows, 0).sum(axis=1), there.sum(axis=1))


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """NaN where the whole is 0."""
    empty = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=empty, where=np.asarray(whole) > 0), np.float64)
