"""From what a model says of parts (frames, pictures, sentences) to what is said of their whole (a video, a post).

"Positive if any frame is" errs more, the longer a video is: of frames with 2 false alarms in 100, 18 % of videos of 10
frames are called positive for nothing, 45 % of 30, 70 % of 60. So the rule, and how many frames it takes, are chosen on
validation wholes, never on their parts.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.core.reduce import mode, sizes
from studium.core.rollup import rule as rollup_rule
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, Ints, weights_of
from studium.learn.evaluate.metrics import macro_f1
from studium.learn.evaluate.threshold import least_cost, max_f1
from studium.learn.models.head import CONTINUOUS, MULTILABEL, Head
from studium.learn.models.scores import decided
from studium.learn.models.training import coded
from studium.learn.models.tuning import sides

__all__ = ["OF_CLASSES", "RULES", "Aggregation", "Choice", "aggregate", "choose"]

RULES = ("mean", "mean_logit", "top3_mean", "max", "noisy_or", "share>0.5", "count>0.5")
"""What `choose` tries of yes and no, for each class by itself."""
OF_CLASSES = ("mean", "mean_logit", "mode")
"""And of three or more classes that exclude each other."""
_KNOWN = re.compile(r"mean|mean_logit|max|noisy_or|mode|top[1-9][0-9]*_mean|(count|share|any)>(0?\.[0-9]+|0|1)")
_EDGE = float(np.finfo(np.float64).eps)  # mean_logit: what was rounded to 0 or 1 counts as so far from it


@dataclass(frozen=True)
class Aggregation:
    """How parts become a whole: a rule, and from which result of it on a class is said.

    Attributes:
        rule: "mean", "mean_logit", "max", "noisy_or" (1 - product of 1 - p), "topK_mean" (of the K highest), "mode"
            (the class that most parts have; of equal ones that with the higher sum of probabilities), "share>T" and
            "count>T" (of parts with p above T), or "any>T".
        threshold: of two classes (that,) of the second, of a multilabel target of each class: wholes with a result of
            at least it are positive, with None never. "More than K frames" is the rule count>T with the threshold
            K + 1. (): as `studium.learn.models.scores.decided` does; 1 of "count".
    """

    rule: str = "mean"
    threshold: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse rules and thresholds that make no sense."""
        if not _KNOWN.fullmatch(self.rule):
            raise InputError(
                f"a rule is mean, mean_logit, max, noisy_or, topK_mean, mode, share>T, count>T or any>T "
                f"with K from 1 and T from 0 to 1; got {self.rule!r}"
            )
        if not all(one is None or np.isfinite(one) for one in self.threshold):
            raise InputError(f"thresholds should be finite numbers, or None; got {self.threshold}")
        if self.rule == "mode" and self.threshold:
            raise InputError("mode names a class, there is nothing to reach; leave thresholds out")

    def outputs(self, p: ArrayLike, of: ArrayLike, n: int, head: Head) -> Floats:
        """What is said of n wholes, as a model's outputs.

        Of classes that exclude each other rows sum to 1: of two the second is aggregated, and the first is the rest. A
        count is no probability: 1 where it reaches the threshold, else 0.

        Args:
            p: (m, k) outputs of the parts.
            of: (m,) number of the whole that each is of, from 0.
            n: how many wholes there are; each has a part.
            head: what is predicted.
        """
        parts = _checked(p, of, n)
        if self.rule == "mode" and head.task in {MULTILABEL, CONTINUOUS}:
            raise InputError(f"mode is of classes that exclude each other; {head.variable} is {head.task}")
        if head.task in {MULTILABEL, CONTINUOUS}:
            return self._probabilities(parts, of, n)
        if len(head.classes) == 2 and self.rule != "mode":
            second = self._probabilities(parts[:, 1:], of, n)
            return np.hstack([1 - second, second])
        found = self._probabilities(parts, of, n)
        whole = found.sum(axis=1, keepdims=True)
        return np.where(whole > 0, found / np.where(whole > 0, whole, 1.0), 1 / found.shape[1])

    def predict(self, p: ArrayLike, of: ArrayLike, n: int, head: Head) -> npt.NDArray[Any]:
        """What is said of n wholes, as `studium.learn.models.estimator.Fitted.predict` does; arguments as `outputs`."""
        columns = sides(head)
        if not (self.threshold and columns):
            return decided(self.outputs(p, of, n, head), head)
        over = aggregate(_checked(p, of, n)[:, columns], of, n, self.rule) >= self._least(len(columns))
        return over if head.task == MULTILABEL else np.array(head.classes)[over[:, 0].astype(np.int64)]

    def _probabilities(self, parts: Floats, of: ArrayLike, n: int) -> Floats:
        found = aggregate(parts, of, n, self.rule)
        return (found >= self._least(found.shape[1])).astype(np.float64) if self.rule.startswith("count") else found

    def _least(self, columns: int) -> Floats:
        """What each class has to reach."""
        if len(self.threshold) not in {0, columns}:
            raise InputError(f"{columns} thresholds are needed, got {self.threshold}")
        return np.array([np.inf if one is None else one for one in self.threshold or (1.0,) * columns], np.float64)


def aggregate(p: ArrayLike, of: ArrayLike, n: int, rule: str) -> Floats:
    """The result of a rule for each class and whole.

    >>> frames = np.array([[0.9], [0.2], [0.7], [0.1], [0.6]])
    >>> [round(float(aggregate(frames, np.zeros(5, int), 1, rule)[0, 0]), 5) for rule in ("count>0.5", "noisy_or")]
    [3.0, 0.99136]

    Args:
        p: (m, k) probabilities of the parts; (m, 1) values of a continuous target.
        of: (m,) number of the whole that each is of, from 0.
        n: how many wholes there are; each has a part.
        rule: as of `Aggregation`. Of "mode": 1 for the class that most parts have, else 0.

    Returns:
        (n, k). Each class by itself, so that rows need not sum to 1.

    Raises:
        InputError: no such rule, what is no probability where one is needed, wholes without a part.
    """
    parts, whole = _checked(p, of, n), np.asarray(of, np.int64)
    text = Aggregation(rule).rule
    if text == "mode":
        return _modes(parts, whole, n)
    if text == "mean_logit":
        _probable(parts, text)
        parts = np.clip(parts, _EDGE, 1 - _EDGE)
    reduce = rollup_rule(text).reduce
    return np.stack([np.asarray(reduce(column, whole, n), np.float64) for column in parts.T], axis=1)


@dataclass(frozen=True)
class Choice:
    """What `choose` chooses from, and by what.

    Attributes:
        rules: () for `RULES`, or `OF_CLASSES` of three or more classes that exclude each other.
        costs: of a false positive and of a false negative, above 0, instead of F1; of yes and no only.
    """

    rules: tuple[str, ...] = ()
    costs: tuple[float, float] | None = None


def choose(
    p: ArrayLike,
    of: ArrayLike,
    y: ArrayLike,
    head: Head,
    weights: ArrayLike | None = None,
    choice: Choice | None = None,
) -> Aggregation:
    """The rule and thresholds that serve best on n validation wholes: the highest F1, or the lowest cost.

    Of yes and no every rule is tried with the best threshold of its own, of a multilabel target one for each class, and
    the mean F1 of the classes decides; of more classes that exclude each other the macro-F1. Of rules that serve alike
    the first wins. Of numbers it is the mean.

    Args:
        p: (m, k) outputs of the parts.
        of: (m,) number of the whole that each is of, from 0.
        y: (n,) or (n, k) labels of the wholes, as `studium.learn.models.estimator.Estimator.fit` takes them.
        head: what is predicted.
        weights: (n,) of the wholes, 0 or more; None for equal ones.
        choice: from what, and by what; None for `Choice()`.

    Raises:
        InputError: what does not fit; of yes and no, wholes of which none is positive.
    """
    rules, costs = (choice or Choice()).rules, (choice or Choice()).costs
    n = len(np.asarray(y))
    true, heavy, columns = coded(head, y, n), weights_of(weights, n), sides(head)
    if head.task == CONTINUOUS:
        return Aggregation("mean")
    tried = [Aggregation(one) for one in rules or (RULES if columns else OF_CLASSES)]
    if not columns:
        if costs:
            raise InputError(f"{head.variable} has several classes that exclude each other: costs are of yes and no")
        said = [one.outputs(p, of, n, head).argmax(axis=1) for one in tried]
        return max(zip([macro_f1(true, one, heavy) or 0.0 for one in said], tried, strict=True), key=lambda it: it[0])[
            1
        ]
    held = true if head.task == MULTILABEL else (true == 1)[:, None]
    if not heavy[held.any(axis=1)].any():
        raise InputError("no validation whole is positive, so that no rule can be told from another; label more")
    parts = _checked(p, of, n)[:, columns]
    found = [_served(one.rule, aggregate(parts, of, n, one.rule), held.astype(np.int64), heavy, costs) for one in tried]
    return max(found, key=lambda it: it[0])[1]


def _served(
    rule: str, scores: Floats, held: Ints, weights: Floats, costs: tuple[float, float] | None
) -> tuple[float, Aggregation]:
    """How well a rule serves with its best thresholds, and these."""
    served, thresholds = [], []
    for true, score in zip(held.T, scores.T, strict=True):
        value = (least_cost(costs, true, score, weights) if costs else max_f1(true, score, weights)).value
        said = score >= (np.inf if value is None else value)
        hits, wrong, missed = (float(weights @ one) for one in (true * said, (1 - true) * said, true * ~said))
        some = 2 * hits + wrong + missed
        served.append(-(costs[0] * wrong + costs[1] * missed) if costs else 2 * hits / some if some else 0.0)
        thresholds.append(value)
    return float(np.mean(served)), Aggregation(rule, tuple(thresholds))


def _modes(parts: Floats, whole: Ints, n: int) -> Floats:
    """1 for the class that most parts have; of equal ones for that with the higher sum of probabilities."""
    best = parts.argmax(axis=1)
    return np.eye(parts.shape[1])[mode(best, whole, n, parts[np.arange(len(parts)), best])]


def _checked(p: ArrayLike, of: ArrayLike, n: int) -> Floats:
    parts, whole = np.asarray(p, np.float64), np.asarray(of)
    if parts.ndim != 2 or not np.isfinite(parts).all():
        raise InputError(f"outputs of parts should be finite numbers, (m, k); got {parts.shape}")
    if whole.shape != (len(parts),) or (len(whole) and whole.dtype.kind not in "iu"):
        raise InputError(f"the number of its whole is needed for each of {len(parts)} parts; got {whole.shape}")
    if len(whole) and not (whole.min() >= 0 and whole.max() < n):
        raise InputError(f"wholes should be numbered from 0 to {n - 1}; got {whole.min()} to {whole.max()}")
    if lacking := np.flatnonzero(sizes(whole.astype(np.int64), n) == 0).tolist():
        raise InputError(f"{len(lacking)} of {n} wholes have no part, the first is {lacking[0]}; leave them out")
    return parts


def _probable(parts: Floats, rule: str) -> None:
    if not ((parts >= 0) & (parts <= 1)).all():
        raise InputError(f"{rule} is of probabilities from 0 to 1; of numbers take mean, max or topK_mean")
