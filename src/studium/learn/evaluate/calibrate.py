"""Calibration on a few labels: from cosines that order values to probabilities that one can count on.

The model is softmax(slope s + bias): one slope for all values (1 / temperature) and a bias for each, because a model
that chooses by prompts is too sure of itself or not sure enough, and too fond of some values. With few labels a prior
holds it near the model as it came; a value without labels keeps its place among the others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.core.interval import wilson
from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats, effective, numbered
from studium.learn.evaluate.probabilities import ece, log_losses, squared_distances

__all__ = ["FEWEST", "Assessment", "Calibration", "Quality", "assess", "fit", "quality"]

FEWEST = 5
"""Labels without which nothing is fitted; ten for each value are a beginning."""
SLOPE_SD = 2.0  # of the normal prior of log(slope / the model's own): a factor of 7 either way is nothing special
BIAS_SD = 1.0  # of that of each bias, in logits
FOLDS = 10
_STARTS = np.linspace(-6, 2, 17)  # log(slope / the model's own): where the search for the slope begins


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities: softmax(slope s + bias).

    Attributes:
        slope: 1 / temperature, greater than 0.
        bias: of each value, in logits; those of values with labels sum to 0, the others are 0.
        labels: how many labels of each value it was fitted on.
        effective: how many equally weighted labels the labels are worth (Kish), at most as many as there are.
    """

    slope: float
    bias: tuple[float, ...]
    labels: tuple[int, ...]
    effective: float

    def probabilities(self, scores: ArrayLike) -> Floats:
        """Of (n, k) scores, such as cosines: (n, k) probabilities, of which each row sums to 1."""
        table = np.asarray(scores, np.float64)
        if table.ndim != 2 or table.shape[1] != len(self.bias) or not np.isfinite(table).all():
            raise InputError(
                f"scores should be finite, (n, {len(self.bias)}), a column for each value; got {table.shape}"
            )
        return np.exp(_log_softmax(self.slope * table + np.array(self.bias)))


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


def fit(scores: ArrayLike, labels: ArrayLike, scale: float, weights: ArrayLike | None = None) -> Calibration:
    """Fit slope and biases by penalised maximum likelihood.

    Normal priors of log(slope / scale), with a standard deviation of 2, and of each bias, with one of 1 logit, stand
    for what is not known: they count as much as a few labels. Biases are relative to each other, so only those of
    values with labels move, and their sum stays 0.

    Args:
        scores: (n, k) finite numbers, such as cosines, of the units with labels.
        labels: (n,) number of the true value of each, from 0.
        scale: the slope of the model as it came, such as CLIP's 100; greater than 0.
        weights: (n,) 1 / P(the unit was drawn for coding), greater than 0; None for equal ones. They count as so many
            labels as they are worth together (Kish's effective number).

    Raises:
        InputError: shapes or values that do not fit, fewer than `FEWEST` labels, or all of one value.
        MissingExtraError: scipy is not installed.

    References:
        Platt (1999); Guo et al. (2017), doi:10.48550/arXiv.1706.04599 (temperature and vector scaling); Kish (1965),
        Survey Sampling (effective number).
    """
    given = _checked(scores, labels, scale, weights)
    return _fitted(given, scale, _counts(given))


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
    given = _checked(scores, labels, scale, weights)
    counts = _counts(given)
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
        made = _fitted(rest, scale, np.bincount(rest.labels, minlength=len(counts)))
        after[folds == fold] = made.probabilities(given.scores[folds == fold])
    before = np.exp(_log_softmax(scale * given.scores))
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
    given = _checked(probabilities, labels, 1.0, weights)
    p, true = given.scores, given.labels
    error = ece(true, p, given.weights)
    if error is None:
        raise InputError("probabilities should be of at least one unit")
    return Quality(ece=error, **{name: _mean(one, given.weights) for name, one in _each(p, true).items()})


@dataclass(frozen=True)
class _Given:
    scores: Floats
    labels: npt.NDArray[np.int64]
    weights: Floats

    def take(self, rows: npt.NDArray[np.bool_]) -> "_Given":
        return _Given(self.scores[rows], self.labels[rows], self.weights[rows])


def _checked(scores: ArrayLike, labels: ArrayLike, scale: float, weights: ArrayLike | None) -> _Given:
    table, true = _array(scores, "scores", np.float64), _array(labels, "labels")
    if table.ndim != 2 or table.shape[1] < 2 or not np.isfinite(table).all():
        raise InputError(f"scores should be finite numbers, (n, k) with k of at least 2 values; got {table.shape}")
    true = true.astype(np.int64) if true.size == 0 else true
    if true.shape != (len(table),) or true.dtype.kind not in "iu" or ((true < 0) | (true >= table.shape[1])).any():
        raise InputError(
            f"labels should be {len(table)} whole numbers from 0 to {table.shape[1] - 1}, one for each row of scores"
        )
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"scale should be a number above 0, the slope of the model as it came; got {scale}")
    heavy = np.ones(len(true)) if weights is None else _array(weights, "weights", np.float64)
    if heavy.shape != true.shape or not (np.isfinite(heavy).all() and (heavy > 0).all()):
        raise InputError(f"weights should be {len(true)} numbers above 0, 1 / P(drawn), one for each label")
    return _Given(table, true.astype(np.int64), heavy / heavy.max(initial=0))


def _array(given: ArrayLike, name: str, dtype: type[np.float64] | None = None) -> npt.NDArray[Any]:
    try:
        return np.asarray(given, dtype)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} should be numbers, with as many in each row: {error}") from error


def _counts(given: _Given) -> npt.NDArray[np.int64]:
    """Labels of each value; enough of them to fit anything."""
    counts = np.bincount(given.labels, minlength=given.scores.shape[1])
    if len(given.labels) < FEWEST or (counts > 0).sum() < 2:
        raise InputError(
            f"calibration needs at least {FEWEST} labels of at least two values, got {len(given.labels)} of "
            f"{int((counts > 0).sum())}; code more units, ten for each value are a beginning"
        )
    return counts


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
    before: Floats, after: Floats, given: _Given, group: npt.NDArray[np.int64]
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


def _fitted(given: _Given, scale: float, counts: npt.NDArray[np.int64]) -> Calibration:
    """The slope and the biases with the highest penalised likelihood."""
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError("scipy", "images") from error
    effective = float(given.weights.sum() ** 2 / (given.weights**2).sum())
    share = effective * given.weights / given.weights.sum()
    known = counts > 0
    truth = np.eye(len(counts))[given.labels]

    def loss(at: Floats) -> tuple[float, Floats]:
        slope, bias = scale * math.exp(at[0]), _centred(at[1:], known)
        logs = _log_softmax(slope * given.scores + bias)
        wrong = share[:, None] * (np.exp(logs) - truth)
        steps = np.array([(wrong * slope * given.scores).sum() + at[0] / SLOPE_SD**2, *np.zeros(len(bias))])
        steps[1:] = _centred(wrong.sum(axis=0) + bias / BIAS_SD**2, known)
        penalty = at[0] ** 2 / (2 * SLOPE_SD**2) + (bias**2).sum() / (2 * BIAS_SD**2)
        return float(-share @ (logs * truth).sum(axis=1) + penalty), steps

    starts = [np.array([start, *np.zeros(len(counts))]) for start in _STARTS]
    best = minimize(loss, min(starts, key=lambda at: loss(at)[0]), jac=True, method="L-BFGS-B", tol=1e-12)
    bias = _centred(best.x[1:], known)
    return Calibration(scale * math.exp(best.x[0]), tuple(bias.tolist()), tuple(counts.tolist()), effective)


def _centred(bias: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """The biases of values with labels around 0; 0 for the others."""
    return np.where(known, bias - bias[known].mean(), 0.0)


def _log_softmax(logits: Floats) -> Floats:
    below = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=1, keepdims=True)))


def _folds(labels: npt.NDArray[np.int64], group: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """The fold of each label: groups dealt in drawn order, value by value, so that folds have like shares of these."""
    first = labels[np.unique(group, return_index=True)[1]]
    drawn = np.random.default_rng(seed).permutation(len(first))
    fold = np.empty(len(first), np.int64)
    fold[drawn[np.argsort(first[drawn], kind="stable")]] = np.arange(len(first)) % min(FOLDS, len(first))
    return fold[group]
