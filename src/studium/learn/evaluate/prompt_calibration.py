"""Calibration of a model that chooses by prompts, on a few labels: from cosines to probabilities to count on.

The model is softmax(slope s + bias): one slope for all values (1 / temperature) and a bias for each, because a model
that chooses by prompts is too sure of itself or not sure enough, and too fond of some values. With few labels a prior
holds it near the model as it came; a value without labels keeps its place among the others.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats

__all__ = ["FEWEST", "Calibration", "Labelled", "counts_of", "fit", "fitted", "labelled", "log_softmax"]

FEWEST = 5
"""Labels without which nothing is fitted; ten for each value are a beginning."""
SLOPE_SD = 2.0  # of the normal prior of log(slope / the model's own): a factor of 7 either way is nothing special
BIAS_SD = 1.0  # of that of each bias, in logits
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
        return np.exp(log_softmax(self.slope * table + np.array(self.bias)))


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
    given = labelled(scores, labels, scale, weights)
    return fitted(given, scale, counts_of(given))


@dataclass(frozen=True)
class Labelled:
    """Scores, labels and weights that were checked; the largest weight is 1."""

    scores: Floats
    labels: npt.NDArray[np.int64]
    weights: Floats

    def take(self, rows: npt.NDArray[np.bool_]) -> "Labelled":
        """Some of them."""
        return Labelled(self.scores[rows], self.labels[rows], self.weights[rows])


def labelled(scores: ArrayLike, labels: ArrayLike, scale: float, weights: ArrayLike | None) -> Labelled:
    """What `fit` was given, or an error."""
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
    return Labelled(table, true.astype(np.int64), heavy / heavy.max(initial=0))


def _array(given: ArrayLike, name: str, dtype: type[np.float64] | None = None) -> npt.NDArray[Any]:
    try:
        return np.asarray(given, dtype)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} should be numbers, with as many in each row: {error}") from error


def counts_of(given: Labelled) -> npt.NDArray[np.int64]:
    """Labels of each value; enough of them to fit anything."""
    counts = np.bincount(given.labels, minlength=given.scores.shape[1])
    if len(given.labels) < FEWEST or (counts > 0).sum() < 2:
        raise InputError(
            f"calibration needs at least {FEWEST} labels of at least two values, got {len(given.labels)} of "
            f"{int((counts > 0).sum())}; code more units, ten for each value are a beginning"
        )
    return counts


def fitted(given: Labelled, scale: float, counts: npt.NDArray[np.int64]) -> Calibration:
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
        logs = log_softmax(slope * given.scores + bias)
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


def log_softmax(logits: Floats) -> Floats:
    """log(softmax) of (n, k)."""
    below = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=1, keepdims=True)))
