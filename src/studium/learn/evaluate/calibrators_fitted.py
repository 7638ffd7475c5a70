"""Calibrators fitted on validation data, and on nothing else.

All take ``true``, (n,) numbers of the true values from 0, and either (n,) probabilities of value 1 or (n, k) of values
that exclude each other; and ``weights``, 1 / P(the unit was drawn), None for equal ones.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.calibrators import (
    METHODS,
    RANGE,
    Calibrator,
    Isotonic,
    Platt,
    Temperature,
    both,
    logit,
    sigmoid,
    softened,
)
from studium.learn.evaluate.checks import Floats, Ints, effective, labels, numbered, probabilities, weights_of
from studium.learn.evaluate.intervals import Names
from studium.learn.evaluate.probabilities import log_losses

__all__ = ["FEWEST", "STEPS", "calibrator", "isotonic", "platt", "temperature"]

FEWEST = 5
"""Units without which nothing is fitted."""
STEPS = 1000
"""Cases without which isotonic steps follow chance."""


def temperature(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> Temperature:
    """The temperature, from 1 / 20 to 20, with the smallest log-loss.

    References:
        Guo et al. (2017), doi:10.48550/arXiv.1706.04599.
    """
    given, table, heavy = _checked(true, p, weights)
    wide = both(table)

    def loss(log: float) -> float:
        return float(heavy @ log_losses(given, softened(wide, float(np.exp(log)))))

    reach = float(np.log(RANGE))
    found = _scipy().minimize_scalar(loss, bounds=(-reach, reach), method="bounded", options={"xatol": 1e-9})
    return Temperature(float(np.exp(found.x)))


def platt(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> Platt:
    """The slope and shift of the logits with the smallest log-loss, with Platt's targets: 1 is (n1 + 1) / (n1 + 2).

    A slope is never below 0: what a model thinks less likely does not become likelier.

    References:
        Platt (1999), Probabilistic Outputs for Support Vector Machines, Advances in Large Margin Classifiers.
    """
    given, table, heavy = _checked(true, p, weights)
    found = [_fitted_line(yes, column, heavy) for yes, column in _against_rest(given, table)]
    slope, shift = zip(*found, strict=True)
    return Platt(slope, shift)


def isotonic(
    true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None, groups: Names = None, fewest: int = STEPS
) -> Isotonic:
    """The rising steps with the smallest squared error (pool adjacent violators).

    Args:
        true: (n,) numbers of the true values, from 0.
        p: (n,) or (n, k) probabilities.
        weights: (n,) 0 or more; None for equal ones.
        groups: (n,) names of what like units come from; None if each unit is one of its own.
        fewest: cases that the groups have to be worth together (Kish). Of fewer than 1,000 steps follow chance;
            whoever wants them asks for fewer here.

    Raises:
        InputError: fewer cases.

    References:
        Zadrozny & Elkan (2002), doi:10.1145/775047.775151; Niculescu-Mizil & Caruana (2005),
        doi:10.1145/1102351.1102430 (from about 1,000 units on).
    """
    given, table, heavy = _checked(true, p, weights)
    cases = effective(heavy, numbered(groups, len(given)))
    if cases < fewest:
        raise InputError(
            f"isotonic steps need {fewest} cases, these units are worth {cases}; take temperature or platt, or code "
            "more; fewest asks for less"
        )
    try:
        from sklearn.isotonic import IsotonicRegression
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "images") from error
    corners, becomes = [], []
    for yes, column in _against_rest(given, table):
        model = IsotonicRegression(y_min=0, y_max=1).fit(column[heavy > 0], yes[heavy > 0], heavy[heavy > 0])
        known = bool(yes[heavy > 0].any())  # of a value that no unit has nothing is known: it stays as it is
        corners.append(tuple(model.X_thresholds_.tolist()) if known else (0.0, 1.0))
        becomes.append(tuple(model.y_thresholds_.tolist()) if known else (0.0, 1.0))
    return Isotonic(tuple(corners), tuple(becomes))


def calibrator(
    method: str, true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None, groups: Names = None
) -> Calibrator:
    """The calibrator of that name, one of `METHODS`; see `temperature`, `platt` and `isotonic`."""
    if method == "isotonic":
        return isotonic(true, p, weights, groups)
    fits: dict[str, Callable[..., Calibrator]] = {"temperature": temperature, "platt": platt}
    if method not in fits:
        raise InputError(f"a calibrator is one of {', '.join(METHODS)}; got {method!r}")
    return fits[method](true, p, weights)


def _checked(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None) -> tuple[Ints, Floats, Floats]:
    given = labels(true, "true")
    table, heavy = probabilities(p, len(given)), weights_of(weights, len(given))
    labels(given, "true", k=2 if table.ndim == 1 else table.shape[1])
    kinds = len(np.unique(given[heavy > 0]))
    if (heavy > 0).sum() < FEWEST or kinds < 2:
        raise InputError(
            f"calibration needs at least {FEWEST} units of at least two values, got {int((heavy > 0).sum())} of "
            f"{kinds}; code more of the validation units"
        )
    return given, table, heavy / heavy.max()


def _against_rest(true: Ints, table: Floats) -> list[tuple[Ints, Floats]]:
    """Whether it is this value, and its probability; of (n,) and of two values that of value 1 alone."""
    if table.ndim == 1 or table.shape[1] == 2:
        return [(true, table if table.ndim == 1 else table[:, 1])]
    return [((true == value).astype(np.int64), column) for value, column in enumerate(table.T)]


def _fitted_line(yes: Ints, p: Floats, weights: Floats) -> tuple[float, float]:
    """Slope, 0 or more, and shift."""
    cases = weights.sum() ** 2 / (weights**2).sum()
    share = weights / weights.sum() * cases
    n1 = float(share @ yes)
    target = np.where(yes == 1, (n1 + 1) / (n1 + 2), 1 / (cases - n1 + 2))
    logits = logit(p)

    def loss(at: Floats) -> tuple[float, Floats]:
        score = at[0] * logits + at[1]
        value = share @ (np.logaddexp(0, score) - target * score)
        wrong = share * (sigmoid(score) - target)
        return float(value), np.array([wrong @ logits, wrong.sum()])

    start = np.array([1.0, 0.0])
    found = _scipy().minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)], tol=1e-12)
    return float(found.x[0]), float(found.x[1])


def _scipy() -> Any:
    try:
        from scipy import optimize
    except ImportError as error:
        raise MissingExtraError("scipy", "images") from error
    return optimize
