"""Calibration of probabilities that a model gives: temperature, Platt's line, isotonic steps.

They are fitted on validation data only, and change how sure a model is, never which of two units it is surer of. All
take ``true``, (n,) numbers of the true values from 0, and either (n,) probabilities of value 1 or (n, k) of values that
exclude each other; and ``weights``, 1 / P(the unit was drawn), None for equal ones.

`studium.learn.evaluate.calibrate` is for scores of prompts, and a handful of labels.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats, Ints, effective, labels, numbered, probabilities, weights_of
from studium.learn.evaluate.intervals import Names
from studium.learn.evaluate.probabilities import log_losses

__all__ = ["METHODS", "Calibrator", "Isotonic", "Platt", "Temperature", "calibrator", "isotonic", "platt", "restored",
           "temperature"]  # fmt: skip

METHODS = ("temperature", "platt", "isotonic")
FEWEST = 5
"""Units without which nothing is fitted."""
STEPS = 1000
"""Cases without which isotonic steps follow chance."""
_RANGE = 20.0  # temperatures lie within 1 / 20 and 20
_TINY = np.finfo(np.float64).tiny


class Calibrator(Protocol):
    """Makes probabilities of probabilities."""

    method: ClassVar[str]

    def __call__(self, p: ArrayLike) -> Floats:
        """Of (n,) or (n, k) probabilities: calibrated ones, of the same shape."""

    def told(self) -> dict[str, Any]:
        """As JSON, from which `restored` makes it."""


@dataclass(frozen=True)
class Temperature:
    """softmax(log p / temperature): the order of units, and the most probable value of each, stay as they are.

    Attributes:
        temperature: above 1 for a model that is too sure of itself.
    """

    temperature: float
    method: ClassVar[str] = "temperature"

    def __call__(self, p: ArrayLike) -> Floats:
        """As `Calibrator`."""
        given = _table(p)
        found = _softened(_both(given), self.temperature)
        return np.asarray(found[:, 1] if given.ndim == 1 else found)

    def told(self) -> dict[str, Any]:
        """As `Calibrator.told`."""
        return {"method": self.method} | asdict(self)


@dataclass(frozen=True)
class Platt:
    """1 / (1 + exp(-(slope logit(p) + shift))) of each value; several are brought to the sum 1.

    Attributes:
        slope: of each value, 0 or more; of (n,) and of two values one, that of value 1.
        shift: likewise, in logits.
    """

    slope: tuple[float, ...]
    shift: tuple[float, ...]
    method: ClassVar[str] = "platt"

    def __call__(self, p: ArrayLike) -> Floats:
        """As `Calibrator`."""
        pairs = zip(self.slope, self.shift, strict=True)
        return _one_by_one(p, [partial(_line, slope=slope, shift=shift) for slope, shift in pairs])

    def told(self) -> dict[str, Any]:
        """As `Calibrator.told`."""
        return {"method": self.method, "slope": list(self.slope), "shift": list(self.shift)}


@dataclass(frozen=True)
class Isotonic:
    """Of each value a line that never falls; several are brought to the sum 1.

    Steps make ties: of two units with different probabilities none may be surer afterwards.

    Attributes:
        p: of each value the probabilities at its corners, rising; of (n,) and of two values one, that of value 1.
        becomes: what these become; below the first and above the last corner as there.
    """

    p: tuple[tuple[float, ...], ...]
    becomes: tuple[tuple[float, ...], ...]
    method: ClassVar[str] = "isotonic"

    def __call__(self, p: ArrayLike) -> Floats:
        """As `Calibrator`; a unit that has no chance of any value keeps its probabilities."""
        steps = zip(self.p, self.becomes, strict=True)
        return _one_by_one(p, [partial(_stepped, corners=corners, becomes=becomes) for corners, becomes in steps])

    def told(self) -> dict[str, Any]:
        """As `Calibrator.told`."""
        return {"method": self.method, "p": [[*one] for one in self.p], "becomes": [[*one] for one in self.becomes]}


def temperature(true: ArrayLike, p: ArrayLike, weights: ArrayLike | None = None) -> Temperature:
    """The temperature, from 1 / 20 to 20, with the smallest log-loss.

    References:
        Guo et al. (2017), doi:10.48550/arXiv.1706.04599.
    """
    given, table, heavy = _checked(true, p, weights)
    both = _both(table)

    def loss(log: float) -> float:
        return float(heavy @ log_losses(given, _softened(both, float(np.exp(log)))))

    reach = float(np.log(_RANGE))
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


def restored(told: Mapping[str, Any]) -> Calibrator:
    """The calibrator that told this.

    Raises:
        InputError: none did.
    """
    try:
        if told["method"] == "temperature" and 1 / (2 * _RANGE) < float(told["temperature"]) < 2 * _RANGE:
            return Temperature(float(told["temperature"]))
        if told["method"] == "platt" and len(told["slope"]) == len(told["shift"]) > 0:
            found = Platt(_numbers(told["slope"]), _numbers(told["shift"]))
            if min(found.slope) >= 0:
                return found
        if told["method"] == "isotonic" and len(told["p"]) == len(told["becomes"]) > 0:
            return Isotonic(tuple(map(_rising, told["p"])), _paired(told["p"], told["becomes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"this is no calibrator: {error}") from error
    raise InputError(f"this is no calibrator: {told}")


def _numbers(given: Any) -> tuple[float, ...]:
    found = tuple(float(one) for one in given)
    if not np.isfinite(found).all():
        raise ValueError(f"numbers should be finite, got {found}")
    return found


def _rising(given: Any) -> tuple[float, ...]:
    found = _numbers(given)
    if not found or (np.diff(found) < 0).any() or found[0] < 0 or found[-1] > 1:
        raise ValueError("corners should be from 0 to 1 and never fall")
    return found


def _paired(corners: Any, becomes: Any) -> tuple[tuple[float, ...], ...]:
    found = tuple(map(_rising, becomes))
    if [*map(len, corners)] != [*map(len, found)]:
        raise ValueError("each corner should become something")
    return found


def _table(p: ArrayLike) -> Floats:
    return probabilities(p, len(np.asarray(p)))


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


def _both(p: Floats) -> Floats:
    return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p


def _softened(p: Floats, temperature: float) -> Floats:
    """softmax(log p / temperature) of (n, k)."""
    logs = np.log(np.maximum(p, _TINY)) / temperature
    raised = np.exp(logs - logs.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _logit(p: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(p, _TINY)) - np.log(np.maximum(1 - p, _TINY)))


def _line(p: Floats, slope: float, shift: float) -> Floats:
    return _sigmoid(slope * _logit(p) + shift)


def _stepped(p: Floats, corners: tuple[float, ...], becomes: tuple[float, ...]) -> Floats:
    return np.asarray(np.interp(p, corners, becomes))


def _sigmoid(score: Floats) -> Floats:
    small = np.exp(-np.abs(score))
    return np.where(score >= 0, 1.0, small) / (1.0 + small)


def _against_rest(true: Ints, table: Floats) -> list[tuple[Ints, Floats]]:
    """Whether it is this value, and its probability; of (n,) and of two values that of value 1 alone."""
    if table.ndim == 1 or table.shape[1] == 2:
        return [(true, table if table.ndim == 1 else table[:, 1])]
    return [((true == value).astype(np.int64), column) for value, column in enumerate(table.T)]


def _one_by_one(p: ArrayLike, each: list[Callable[[Floats], Floats]]) -> Floats:
    """The probabilities of each value by itself, brought to the sum 1; rows of zeros keep their own."""
    table = _table(p)
    wide = 1 if table.ndim == 1 or table.shape[1] == 2 else table.shape[1]
    if len(each) != wide:
        raise InputError(f"this calibrator is of {len(each)} values, got probabilities of shape {table.shape}")
    if wide == 1:
        found = each[0](table if table.ndim == 1 else table[:, 1])
        return found if table.ndim == 1 else _both(found)
    made = np.stack([make(column) for make, column in zip(each, table.T, strict=True)], axis=1)
    whole = made.sum(axis=1, keepdims=True)
    return np.where(whole > 0, made / np.where(whole > 0, whole, 1.0), table)


def _fitted_line(yes: Ints, p: Floats, weights: Floats) -> tuple[float, float]:
    """Slope, 0 or more, and shift."""
    cases = weights.sum() ** 2 / (weights**2).sum()
    share = weights / weights.sum() * cases
    n1 = float(share @ yes)
    target = np.where(yes == 1, (n1 + 1) / (n1 + 2), 1 / (cases - n1 + 2))
    logit = _logit(p)

    def loss(at: Floats) -> tuple[float, Floats]:
        score = at[0] * logit + at[1]
        value = share @ (np.logaddexp(0, score) - target * score)
        wrong = share * (_sigmoid(score) - target)
        return float(value), np.array([wrong @ logit, wrong.sum()])

    start = np.array([1.0, 0.0])
    found = _scipy().minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)], tol=1e-12)
    return float(found.x[0]), float(found.x[1])


def _scipy() -> Any:
    try:
        from scipy import optimize
    except ImportError as error:
        raise MissingExtraError("scipy", "images") from error
    return optimize
