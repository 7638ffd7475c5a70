"""Whether calibrating a model that chooses by prompts pays: judged on labels that it was not fitted on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.core.interval import wilson
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, effective, numbered
from studium.learn.evaluate.probabilities import ece, log_losses, squared_distances
from studium.learn.evaluate.prompt_calibration import Labelled, counts_of, fitted, labelled, log_softmax

__all__ = ["Assessment", "Quality", "assess", "quality"]

FOLDS = 10


@dataclass(frozen=True)
class Quality:
    """How good probabilities are.

    Attributes:
        log_loss: mean of -log of the probability of the true value, in nats; 0 is perfect, a probability that is 0 in
            float64 counts as 2e-308 (708 nats).
        brier: mean squared distance of the probabilities to the truth, summed over values; 0 to 2.
        ece: expected calibration error: how far shares of right answers lie from the probabilities of the answers, on
            average over ten bins of .1; 0 to 1. Of few labels it is too high by chance alone.
        accuracy: share of units whose most probable value (the first of several) is the true one.
    """

    log_loss: float
    brier: float
    ece: float
    accuracy: float


@dataclass(frozen=True)
class Assessment:
    """Whether calibration pays, out of sample: each label is judged by a fit on labels of other folds.

    Attributes:
        labels: how many labels of each value there are.
        groups: how many groups they are of; as many as there are labels, if each is one of its own.
        folds: how many folds were made of them.
        before: the probabilities of the model as it came.
        after: the calibrated ones.
        intervals: 95 % interval of ``after``, by figure. There is none of ``ece``, which is too high by chance.
        changes: that of ``after`` - ``before`` of ``log_loss`` and ``brier``: if it holds 0, these labels do not show
            that calibration pays.
    """

    labels: tuple[int, ...]
    groups: int
    folds: int
    before: Quality
    after: Quality
    intervals: dict[str, tuple[float, float]]
    changes: dict[str, tuple[float, float]]

    def rows(self) -> list[dict[str, str | float | None]]:
        """A row for each figure: its name, before, after, and the ends of both intervals (None where there is none)."""
        none = (None, None)
        ends = ("low", "high", "change_low", "change_high")
        return [
            {"figure": it, "before": getattr(self.before, it), "after": getattr(self.after, it)}
            | dict(zip(ends, (*self.intervals.get(it, none), *self.changes.get(it, none)), strict=True))
            for it in ("log_loss", "brier", "ece", "accuracy")
        ]


def assess(
    scores: ArrayLike,
    labels: ArrayLike,
    scale: float,
    weights: ArrayLike | None = None,
    groups: Sequence[Any] | None = None,
    seed: int = 0,
) -> Assessment:
    """Cross-validate `fit`: ten folds with like shares of the values, or as many as there are groups.

    Units that resemble each other by their making (frames of one video, pictures of one post) are a group: they fall
    into one fold, or figures would be too good, and count as one case in the intervals, or these would be too narrow.
    Copies in different groups are not known here; leave all but one out.

    Intervals of means are linearised over groups, with Student's t; that of the accuracy is Wilson's, of as many cases
    as the groups are worth (Kish). Both treat the fits of the folds as given, and are a little too narrow for that.

    Args:
        scores: as for `fit`.
        labels: as for `fit`.
        scale: as for `fit`.
        weights: as for `fit`; they weight the figures too.
        groups: (n,) names of the groups; None if each unit is one of its own.
        seed: of the draw of the folds.

    Raises:
        InputError: as `fit`; and labels of which only one, or only one group, has another value than the rest.

    References:
        Bengio & Grandvalet (2004), Journal of Machine Learning Research 5 (variance of cross-validation); Wilson
        (1927), doi:10.1080/01621459.1927.10502953.
    """
    given = labelled(scores, labels, scale, weights)
    counts = counts_of(given)
    group = numbered(groups, len(given.labels))
    folds = _folds(given.labels, group, seed)
    after = np.empty_like(given.scores)
    for fold in range(folds.max() + 1):
        rest = given.take(folds != fold)
        if len(np.unique(rest.labels)) < 2:
            raise InputError(
                "cross-validation needs at least two labels that differ from the commonest one, of different groups "
                "(files or posts), so that one is left when the other is judged; code more units"
            )
        made = fitted(rest, scale, np.bincount(rest.labels, minlength=len(counts)))
        after[folds == fold] = made.probabilities(given.scores[folds == fold])
    before = np.exp(log_softmax(scale * given.scores))
    intervals, changes = _intervals(before, after, given, group)
    return Assessment(
        tuple(counts.tolist()),
        int(group.max()) + 1,
        int(folds.max()) + 1,
        quality(before, given.labels, given.weights),
        quality(after, given.labels, given.weights),
        intervals,
        changes,
    )


def quality(probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Quality:
    """How good probabilities are; see `Quality`.

    Args:
        probabilities: (n, k), n at least 1, of which each row sums to 1.
        labels: (n,) number of the true value of each, from 0.
        weights: (n,) greater than 0; None for equal ones.

    References:
        Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Guo et al. (2017),
        doi:10.48550/arXiv.1706.04599 (ECE).
    """
    given = labelled(probabilities, labels, 1.0, weights)
    p, true = given.scores, given.labels
    error = ece(true, p, given.weights)
    if error is None:
        raise InputError("probabilities should be of at least one unit")
    return Quality(ece=error, **{name: _mean(one, given.weights) for name, one in _each(p, true).items()})


def _mean(values: Floats, weights: Floats) -> float:
    return float(weights @ values / (weights @ np.ones(len(weights))))  # of ones exactly 1


def _each(p: Floats, true: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """What every label adds to the figures that are means."""
    return {
        "log_loss": log_losses(true, p),
        "brier": squared_distances(true, p),
        "accuracy": (p.argmax(axis=1) == true).astype(np.float64),
    }


def _intervals(
    before: Floats, after: Floats, given: Labelled, group: npt.NDArray[np.int64]
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Of each figure that is a mean: the interval of ``after``, and that of the change."""
    now, was = _each(after, given.labels), _each(before, given.labels)
    reached = {name: _interval(one, given.weights, group) for name, one in now.items()}
    intervals = {name: (max(0.0, low), high) for name, (low, high) in reached.items()}  # no figure is below 0
    changes = {name: _interval(now[name] - was[name], given.weights, group) for name in ("log_loss", "brier")}
    low, high = wilson(_mean(now["accuracy"], given.weights), effective(given.weights, group)).tolist()
    return intervals | {"accuracy": (low, high)}, changes


def _interval(values: Floats, weights: Floats, group: npt.NDArray[np.int64]) -> tuple[float, float]:
    """95 % interval of a weighted mean of groups of values, linearised."""
    from scipy.special import stdtrit

    mean, groups = _mean(values, weights), int(group.max()) + 1
    spread = np.bincount(group, weights / weights.sum() * (values - mean))
    reach = float(stdtrit(groups - 1, 0.975)) * math.sqrt(groups / (groups - 1) * float(spread @ spread))
    return mean - reach, mean + reach


def _folds(labels: npt.NDArray[np.int64], group: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """The fold of each label: groups dealt in drawn order, value by value, so that folds have like shares of these."""
    first = labels[np.unique(group, return_index=True)[1]]
    drawn = np.random.default_rng(seed).permutation(len(first))
    fold = np.empty(len(first), np.int64)
    fold[drawn[np.argsort(first[drawn], kind="stable")]] = np.arange(len(first)) % min(FOLDS, len(first))
    return fold[group]
