"""Calibrators of the probabilities that a trained model gives: temperature, Platt's line, isotonic steps.

They change how sure a model is, never which of two units it is surer of.
`studium.learn.evaluate.calibrators_fitted` fits them on validation data;
`studium.learn.evaluate.prompt_calibration` is for scores of prompts, and a handful of labels.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, probabilities

__all__ = [
    "METHODS",
    "RANGE",
    "Calibrator",
    "Isotonic",
    "Platt",
    "Temperature",
    "both",
    "logit",
    "restored",
    "sigmoid",
    "softened",
]

METHODS = ("temperature", "platt", "isotonic")
RANGE = 20.0  # temperatures lie within 1 / 20 and 20
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
        found = softened(both(given), self.temperature)
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


def restored(told: Mapping[str, Any]) -> Calibrator:
    """The calibrator that told this.

    Raises:
        InputError: none did.
    """
    try:
        if told["method"] == "temperature" and 1 / (2 * RANGE) < float(told["temperature"]) < 2 * RANGE:
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


def both(p: Floats) -> Floats:
    """(n, 2) of the probabilities of value 1; (n, k) as they are."""
    return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p


def softened(p: Floats, temperature: float) -> Floats:
    """softmax(log p / temperature) of (n, k)."""
    logs = np.log(np.maximum(p, _TINY)) / temperature
    raised = np.exp(logs - logs.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def logit(p: Floats) -> Floats:
    """log(p / (1 - p)), of 0 and 1 as of the smallest number."""
    return np.asarray(np.log(np.maximum(p, _TINY)) - np.log(np.maximum(1 - p, _TINY)))


def _line(p: Floats, slope: float, shift: float) -> Floats:
    return sigmoid(slope * logit(p) + shift)


def _stepped(p: Floats, corners: tuple[float, ...], becomes: tuple[float, ...]) -> Floats:
    return np.asarray(np.interp(p, corners, becomes))


def sigmoid(score: Floats) -> Floats:
    """1 / (1 + exp(-score))."""
    small = np.exp(-np.abs(score))
    return np.where(score >= 0, 1.0, small) / (1.0 + small)


def _one_by_one(p: ArrayLike, each: list[Callable[[Floats], Floats]]) -> Floats:
    """The probabilities of each value by itself, brought to the sum 1; rows of zeros keep their own."""
    table = _table(p)
    wide = 1 if table.ndim == 1 or table.shape[1] == 2 else table.shape[1]
    if len(each) != wide:
        raise InputError(f"this calibrator is of {len(each)} values, got probabilities of shape {table.shape}")
    if wide == 1:
        found = each[0](table if table.ndim == 1 else table[:, 1])
        return found if table.ndim == 1 else both(found)
    made = np.stack([make(column) for make, column in zip(each, table.T, strict=True)], axis=1)
    whole = made.sum(axis=1, keepdims=True)
    return np.where(whole > 0, made / np.where(whole > 0, whole, 1.0), table)
