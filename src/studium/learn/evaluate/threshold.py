"""From scores to decisions: thresholds, and probabilities for another prevalence.

A unit is positive if its score is at least the threshold. Thresholds are chosen on validation data only: on the data
that a model learned from they are too bold, and figures at a threshold chosen on the test data are too good.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from studium.core.interval import wilson
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, Ints, effective, labels, numbered, numbers, weights_of
from studium.learn.evaluate.intervals import Interval, Names, share

__all__ = ["Threshold", "least_cost", "max_f1", "of_costs", "precision_at_least", "recall_at_least", "shifted"]


@dataclass(frozen=True)
class Threshold:
    """A threshold, and what it does to the units that it was chosen on.

    Attributes:
        value: scores of at least it are positive: midway between the lowest that is and the highest that is not; of a
            precision to be reached, the lowest that is. None if there is none that does what was asked.
        positive: units at or above it.
        precision: of these, with Wilson's interval, not widened for the choice of the threshold.
        recall: likewise.
        reason: why there is none; else "".
    """

    value: float | None
    positive: int
    precision: Interval | None
    recall: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class _Given:
    """Units that count, by falling score; ``ends`` are the last ones of equal scores: one for each threshold."""

    true: Ints
    scores: Floats
    weights: Floats
    group: Ints
    ends: Ints

    @property
    def hits(self) -> Floats:
        return np.cumsum(self.weights * self.true)[self.ends]

    @property
    def taken(self) -> Floats:
        return np.cumsum(self.weights)[self.ends]


def max_f1(true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, groups: Names = None) -> Threshold:
    """The threshold with the highest F1; of several the highest.

    Args:
        true: (n,) 0 or 1.
        scores: (n,) finite numbers, higher for 1.
        weights: (n,) 0 or more, 1 / P(drawn); None for equal ones.
        groups: (n,) names of what like units come from, for the intervals; None if each unit is one of its own.

    References:
        Lipton, Elkan & Naryanaswamy (2014), doi:10.1007/978-3-662-44851-9_15 (half of the highest F1, if scores are
        calibrated; and why an uninformative model then calls all units positive).
    """
    given = _sorted(true, scores, weights, groups)
    if not given.true.any():
        return _none("F1 is not defined, as no unit is truly positive")
    f1 = 2 * given.hits / (given.taken + given.weights @ given.true)
    return _at(given, int(f1.argmax()))


def precision_at_least(
    target: float, true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, groups: Names = None
) -> Threshold:
    """The lowest score at which precision is surely reached, as its interval lies above the target.

    It is Wilson's, of as many cases as the groups above the threshold are worth, and not widened for having been looked
    at so often. On simulated data of 200 and 1000 units a threshold that misses its target was chosen in up to 3 % of
    samples, where one look has 2.5 %.

    Args:
        target: above 0 and below 1.
        true: as `max_f1`.
        scores: as `max_f1`.
        weights: as `max_f1`.
        groups: as `max_f1`.
    """
    given = _sorted(true, scores, weights, groups)
    _target(target)
    precision, cases = np.clip(given.hits / given.taken, 0, 1), _cases(given)
    for at in np.flatnonzero(precision >= target)[::-1].tolist():
        if wilson(precision[at], int(cases[at]))[0] >= target:
            return _at(given, at, between=False)
    return _none(f"no threshold has a precision whose interval lies above {target}; code more units or ask for less")


def recall_at_least(
    target: float, true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, groups: Names = None
) -> Threshold:
    """The highest threshold at which recall is surely reached: its interval lies above the target.

    Args:
        target: above 0 and below 1.
        true: as `max_f1`.
        scores: as `max_f1`.
        weights: as `max_f1`.
        groups: as `max_f1`.
    """
    given = _sorted(true, scores, weights, groups)
    _target(target)
    yes = given.true == 1
    cases = effective(given.weights[yes], given.group[yes])
    if cases == 0:
        return _none("recall is not defined, as no unit is truly positive")
    reached = np.minimum(given.hits / given.hits[-1], 1)
    sure = wilson(reached, cases)[:, 0] >= target
    if not sure.any():
        return _none(f"{cases} positive cases are too few to be sure of a recall of {target}, even if all are found")
    return _at(given, int(sure.argmax()))


def least_cost(
    costs: tuple[float, float], true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> Threshold:
    """The threshold whose errors cost least, of several the highest; for scores that are not calibrated.

    Args:
        costs: of a false positive and of a false negative, above 0.
        true: as `max_f1`.
        scores: as `max_f1`.
        weights: as `max_f1`.
    """
    wrong, missed = _costs(*costs)
    given = _sorted(true, scores, weights, None)
    if not len(given.true):
        return _none("there are no units")
    total = given.weights @ given.true
    cost = wrong * (given.taken - given.hits) + missed * (total - given.hits)
    if cost.min() >= missed * total:
        return _none("no threshold costs less than to call every unit negative")
    return _at(given, int(cost.argmin()))


def of_costs(false_positive: float, false_negative: float) -> float:
    """The threshold of calibrated probabilities whose errors cost least: c_fp / (c_fp + c_fn).

    >>> of_costs(1, 4)
    0.2

    References:
        Elkan (2001), The Foundations of Cost-Sensitive Learning, IJCAI 17, 973-978.
    """
    wrong, missed = _costs(false_positive, false_negative)
    return wrong / (wrong + missed)


def shifted(p: ArrayLike, prior: ArrayLike, becomes: ArrayLike) -> Floats:
    """Calibrated probabilities for a population in which values are more or less common.

    It holds where only the prevalence differs: units of one value look alike in both populations.

    >>> round(float(shifted([0.8], 0.5, 0.05)[0]), 6)
    0.173913

    Args:
        p: (n,) probabilities of value 1, or (n, k) of all values.
        prior: prevalence where they were calibrated, above 0 and below 1: a number, or (k,) with the sum 1.
        becomes: that of the other population, 0 to 1; likewise.

    References:
        Saerens, Latinne & Decaestecker (2002), doi:10.1162/089976602753284446; Elkan (2001).
    """
    given = np.asarray(p, np.float64)
    if given.ndim == 1:
        _priors(prior, becomes, ())
        sides = (np.array([1 - float(of), float(of)]) for of in (np.asarray(prior), np.asarray(becomes)))
        return shifted(np.column_stack([1 - given, given]), *sides)[:, 1]
    if given.ndim != 2 or not ((given >= 0) & (given <= 1)).all() or not np.allclose(given.sum(axis=1), 1, atol=1e-4):
        raise InputError(f"probabilities should be (n,) or (n, k) from 0 to 1, rows with the sum 1; got {given.shape}")
    was, now = _priors(prior, becomes, (given.shape[1],))
    table = given * (now / was)
    whole = table.sum(axis=1, keepdims=True)
    if (whole == 0).any():
        raise InputError("a unit is certain to have a value that does not occur in the other population")
    return np.asarray(table / whole)


def _sorted(true: ArrayLike, scores: ArrayLike, weights: ArrayLike | None, groups: Names) -> _Given:
    yes = labels(true, "true", k=2)
    score, heavy = numbers(scores, "scores", len(yes)), weights_of(weights, len(yes))
    group = numbered(groups, len(yes))
    order = np.argsort(-score, kind="stable")
    order = order[heavy[order] > 0]
    falling = score[order]
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(order) else np.array([], np.int64)
    heavy = heavy[order] / heavy.max(initial=0)
    return _Given(yes[order], falling, heavy, group[order], ends)


def _cases(given: _Given) -> Ints:
    """How many cases the groups at or above each threshold are worth; as `studium.learn.evaluate.checks.effective`."""
    order = np.argsort(given.group, kind="stable")
    heavy, name = given.weights[order], given.group[order]
    before = np.cumsum(heavy) - heavy
    _, start, number = np.unique(name, return_index=True, return_inverse=True)
    grown = np.empty_like(heavy)
    grown[order] = heavy * (2 * (before - before[start][number]) + heavy)  # what each adds to its group, squared
    squares = np.cumsum(grown)[given.ends]
    return np.maximum(1, (given.taken**2 / squares + 1e-9).astype(np.int64))


def _at(given: _Given, at: int, *, between: bool = True) -> Threshold:
    last = int(given.ends[at])
    above, yes = np.arange(len(given.true)) <= last, given.true == 1
    precision = share(given.true[above], given.weights[above], given.group[above])
    recall = share(above[yes], given.weights[yes], given.group[yes])
    value = _between(given, last) if between else float(given.scores[last])
    return Threshold(value, int(last + 1), precision, recall)


def _between(given: _Given, last: int) -> float:
    """Midway to the next lower score, so that the next unit of the kind does not fall short by a hair."""
    lowest = float(given.scores[last])
    if last + 1 == len(given.scores):
        return lowest
    below = float(given.scores[last + 1])
    middle = below + (lowest - below) / 2
    return middle if below < middle < lowest else lowest


def _none(reason: str) -> Threshold:
    return Threshold(None, 0, None, None, reason)


def _target(target: float) -> None:
    if not 0 < target < 1:
        raise InputError(f"target should be above 0 and below 1, got {target}; of 1 one is never sure")


def _costs(false_positive: float, false_negative: float) -> tuple[float, float]:
    if not (0 < false_positive < np.inf and 0 < false_negative < np.inf):
        raise InputError(f"costs should be numbers above 0, got {false_positive} and {false_negative}")
    return false_positive, false_negative


def _priors(prior: ArrayLike, becomes: ArrayLike, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    was, now = np.asarray(prior, np.float64), np.asarray(becomes, np.float64)
    wanted = f"{shape[0]} numbers with the sum 1" if shape else "a number"
    good = was.shape == now.shape == shape and ((was > 0) & (was < 1)).all() and ((now >= 0) & (now <= 1)).all()
    if not good or (shape and not np.allclose([was.sum(), now.sum()], 1, atol=1e-6)):
        raise InputError(f"prior and becomes should each be {wanted}, the first above 0; got {was} and {now}")
    return was, now
