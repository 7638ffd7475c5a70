"""Dawid and Skene: what is most likely true of a unit, and how each coder errs, from what several coders said of it.

Coders differ: one finds hate everywhere, one nowhere. From their codes alone, EM estimates for every coder a confusion
matrix, for every unit the probabilities of the categories, and how common each category is. Coders are taken to err
independently of each other, given the truth. That is settled by at least three coders whose units overlap; of two, the
answer rests on the start (shares of votes) and the smoothing.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError

__all__ = ["DawidSkene", "Truth"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Truth:
    """What the codes say when coders are weighed by how they err.

    Attributes:
        posteriors: (units, k) probability of each category; each row sums to 1. A unit without codes has the shares.
        shares: (k,) how common each category is.
        confusion: (coders, k, k): [c, t, s] is how probably coder c says s of a unit that is t; rows sum to 1. Where no
            code tells of a row (t never occurs, or c never saw it), it is uniform.
        log_likelihood: of the codes, in nats, at the end.
        history: after each step, what EM makes larger: the log-likelihood, plus that of the smoothing.
        converged: whether a step came to gain less than the tolerance; otherwise the steps ran out.
    """

    posteriors: Floats
    shares: Floats
    confusion: Floats
    log_likelihood: float
    history: tuple[float, ...]
    converged: bool

    @property
    def told(self) -> dict[str, float]:
        """What a report says of the fit."""
        steps = float(len(self.history))
        return {"log_likelihood": self.log_likelihood, "steps": steps, "converged": float(self.converged)}


@dataclass(frozen=True)
class DawidSkene:
    """Estimates the truth from the codes of several coders, by EM from the shares of votes.

    Attributes:
        smoothing: pseudo-counts added to every category and every cell of the confusion matrices (Dirichlet priors);
            k times as many to right answers, as coders are trained: of few units, one who never erred may still err,
            and one who always agreed is not a guesser. 0: maximum likelihood, as published.
        steps: at most so many.
        tolerance: a step that gains less nats than this for each code is the last one.

    References:
        Dawid & Skene (1979), doi:10.2307/2346806.
    """

    smoothing: float = 0.5
    steps: int = 1000
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        fits = math.isfinite(self.smoothing) and self.smoothing >= 0 and self.steps >= 1 and 0 < self.tolerance < 1
        if not fits:
            raise InputError(f"expected smoothing >= 0, steps >= 1 and a tolerance between 0 and 1, got {self}")

    def __call__(self, units: npt.ArrayLike, coders: npt.ArrayLike, codes: npt.ArrayLike, k: int) -> Truth:
        """The truth behind n codes; a coder may have coded a unit more than once.

        Args:
            units: (n,) number of the unit of each code, from 0.
            coders: (n,) number of its coder, from 0.
            codes: (n,) number of the category, 0 to k - 1.
            k: categories, at least 2, whether they occur or not.

        Raises:
            InputError: no codes, numbers that do not fit, or no unit that two coders coded.
        """
        given = _checked(units, coders, codes, k)
        posteriors, history = given.votes(), [-math.inf]
        converged = False
        while not converged and len(history) <= self.steps:
            shares, confusion = self._estimated(given, posteriors)
            posteriors, likelihood = _weighed(given, shares, confusion)
            history.append(likelihood + self._prior(shares, confusion))
            converged = history[-1] - history[-2] < self.tolerance * len(given.codes)
        return Truth(posteriors, shares, confusion, likelihood, tuple(history[1:]), converged)

    def _estimated(self, given: "_Given", posteriors: Floats) -> tuple[Floats, Floats]:
        """Shares of the categories and confusion matrices, as if the truth were known (M step)."""
        coded = np.unique(given.units)
        shares = posteriors[coded].sum(axis=0) + self.smoothing
        cells, heavy = given.coders * given.k + given.codes, posteriors[given.units]
        size = (given.coders.max() + 1) * given.k
        said = np.stack([np.bincount(cells, heavy[:, truth], size) for truth in range(given.k)])
        counts = said.reshape(given.k, -1, given.k).transpose(1, 0, 2) + self._pseudo(given.k)
        totals = counts.sum(axis=2, keepdims=True)
        known = totals > 0
        return shares / shares.sum(), np.where(known, counts / np.where(known, totals, 1), 1 / given.k)

    def _prior(self, shares: Floats, confusion: Floats) -> float:
        if not self.smoothing:
            return 0.0
        errors = (self._pseudo(len(shares)) * np.log(confusion)).sum()
        return float(self.smoothing * np.log(shares).sum() + errors)

    def _pseudo(self, k: int) -> Floats:
        """(k, k) pseudo-counts of a confusion matrix."""
        return np.asarray(self.smoothing * (1 + (k - 1) * np.eye(k)))


@dataclass(frozen=True)
class _Given:
    units: Ints
    coders: Ints
    codes: Ints
    k: int

    def votes(self) -> Floats:
        """(units, k) shares of the codes of each unit; equal ones where there is none."""
        counts = np.bincount(self.units * self.k + self.codes, minlength=(self.units.max() + 1) * self.k)
        table = counts.reshape(-1, self.k).astype(np.float64)
        table[table.sum(axis=1) == 0] = 1
        return np.asarray(table / table.sum(axis=1, keepdims=True))


def _weighed(given: _Given, shares: Floats, confusion: Floats) -> tuple[Floats, float]:
    """Probabilities of the categories of each unit, and the log-likelihood of all codes (E step)."""
    with np.errstate(divide="ignore"):  # log 0: what cannot be, for certain
        logs, prior = np.log(confusion)[given.coders, :, given.codes], np.log(shares)
    size = int(given.units.max()) + 1
    joint = prior + np.stack([np.bincount(given.units, logs[:, truth], size) for truth in range(given.k)], axis=1)
    top = joint.max(axis=1, keepdims=True)
    each = np.exp(joint - top)
    total = each.sum(axis=1, keepdims=True)
    return each / total, float((top + np.log(total)).sum())


def _checked(units: npt.ArrayLike, coders: npt.ArrayLike, codes: npt.ArrayLike, k: int) -> _Given:
    if k < 2:
        raise InputError(f"Dawid-Skene tells categories apart: expected at least 2, got {k}")
    names = ("units", "coders", "codes")
    of, by, said = (_numbers(it, name) for it, name in zip((units, coders, codes), names, strict=True))
    if not len(of) == len(by) == len(said) > 0:
        raise InputError(
            f"expected a unit, a coder and a category for every code, got {len(of)}, {len(by)} and {len(said)}"
        )
    given = _Given(of, by, said, k)
    if given.codes.max() >= k:
        raise InputError(f"expected categories from 0 to {k - 1}, got {given.codes.max()}")
    pairs = np.unique(np.stack([given.units, given.coders]), axis=1)[0]
    if len(np.unique(pairs)) == len(pairs):
        raise InputError(
            "no unit was coded by two coders, so nothing tells how they err; let coders overlap, or take the majority"
        )
    return given


def _numbers(given: Any, name: str) -> Ints:
    array = np.asarray(given)
    array = array.astype(np.int64) if array.size == 0 else array
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array < 0).any():
        raise InputError(f"{name} should be whole numbers from 0, one for each code; got {array.dtype} {array.shape}")
    return array.astype(np.int64)
