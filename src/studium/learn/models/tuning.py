"""What can be tuned on validation units, and how: calibration, thresholds, and the shares of classes elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.errors import InputError
from studium.learn.evaluate.calibrators import METHODS, Calibrator, Isotonic
from studium.learn.evaluate.calibrators_fitted import STEPS, calibrator, isotonic
from studium.learn.evaluate.checks import Floats, Ints
from studium.learn.evaluate.intervals import Interval, share
from studium.learn.evaluate.threshold import (
    Threshold,
    least_cost,
    max_f1,
    of_costs,
    precision_at_least,
    recall_at_least,
    shifted,
)
from studium.learn.models.head import MULTILABEL, Head, Label

__all__ = [
    "NEVER",
    "THRESHOLDS",
    "Tuning",
    "Validation",
    "calibrated",
    "moved",
    "said",
    "sides",
    "told",
    "value",
    "wanted",
]

THRESHOLDS = ("half", "f1", "precision", "recall", "cost")
"""What a threshold can be chosen by."""
NEVER = np.inf
"""The threshold of a class that is said of no unit."""
ALWAYS = 0.0
"""And of one that is said of every unit."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tuning:
    """What is tuned on validation units.

    A threshold is one of yes and no: of the second of two classes, and of each class of a multilabel target. Of three
    or more classes that exclude each other the most probable one is said, whatever ``threshold`` is (of ordered ones
    the middle one, see `studium.learn.models.scores.decided`). Numbers are never tuned.

    Attributes:
        calibrate: "temperature", "platt", "isotonic", or "none".
        threshold: "half" (.5), "f1" (the highest F1), "precision" or "recall" (surely at least ``target``, by the lower
            end of the interval) or "cost" (errors cost least).
        target: of "precision" or "recall", above 0 and below 1.
        costs: of a false positive and of a false negative, above 0.
        fewest: cases below which nothing is calibrated by isotonic steps.
        prevalence: share of each class in the population that the model is for, if it differs from the validation
            units': probabilities are shifted, and thresholds chosen, for that one. Of a multilabel target of any
            classes; of others of all, with the sum 1.
    """

    calibrate: str = "temperature"
    threshold: str = "f1"
    target: float = 0.9
    costs: tuple[float, float] = (1.0, 1.0)
    fewest: int = STEPS
    prevalence: Mapping[Label, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.calibrate not in {"none", *METHODS}:
            raise InputError(f"calibrate should be none, {', '.join(METHODS)}; got {self.calibrate!r}")
        if self.threshold not in THRESHOLDS:
            raise InputError(f"threshold should be one of {', '.join(THRESHOLDS)}; got {self.threshold!r}")
        if not 0 < self.target < 1 or self.fewest < 2:
            raise InputError(f"target should be above 0 and below 1, and fewest at least 2; got {self}")
        of_costs(*self.costs)


@dataclass(frozen=True)
class Validation:
    """What is true of n validation units.

    Attributes:
        head: its classes.
        held: (n, k) which classes each has.
        weights: (n,) 0 or more.
        groups: (n,) numbers.
    """

    head: Head
    held: Bools
    weights: Floats
    groups: Ints

    @property
    def prior(self) -> Floats:
        """(k,) shares of the classes."""
        whole = self.weights.sum()
        if not whole > 0:
            raise InputError("there are no validation units to tune on; leave tuning out, or give some")
        return np.asarray(self.weights @ self.held / whole)

    def calibrators(self, p: Floats, tuning: Tuning) -> tuple[tuple[Calibrator | None, ...], tuple[str, ...]]:
        """Of each class of a multilabel target, of others one; and why there is none, or ""."""
        several = self.head.task == MULTILABEL
        pairs = [*zip(self.held.T, p.T, strict=True)] if several else [(self.held.argmax(axis=1), p)]
        found = [self._calibrator(true.astype(np.int64), one, tuning) for true, one in pairs]
        made, reasons = zip(*found, strict=True)
        return made, reasons

    def _calibrator(self, true: Ints, p: Floats, tuning: Tuning) -> tuple[Calibrator | None, str]:
        if tuning.calibrate == "none":
            return None, ""
        try:
            if tuning.calibrate == "isotonic":
                return isotonic(true, p, self.weights, self.groups, tuning.fewest), ""
            return calibrator(tuning.calibrate, true, p, self.weights), ""
        except InputError as error:
            return None, f"not calibrated: {error}"

    def thresholds(self, p: Floats, tuning: Tuning, calibrated: Sequence[bool], becomes: Floats) -> list[Threshold]:
        """Of each class of yes and no.

        Args:
            p: (n, k) probabilities, as they will be given out.
            tuning: how they are chosen.
            calibrated: of each calibrator, whether there is one.
            becomes: (k,) shares of the classes in the population that the model is for; () if it is this one.
        """
        columns = sides(self.head)
        known = [*calibrated] if self.head.task == MULTILABEL else [*calibrated] * len(columns)
        return [self._threshold(at, p[:, at], tuning, sure, becomes) for at, sure in zip(columns, known, strict=True)]

    def _threshold(self, at: int, p: Floats, tuning: Tuning, calibrated: bool, becomes: Floats) -> Threshold:
        true, heavy = self.held[:, at].astype(np.int64), self.weights
        if len(becomes) and becomes[at] != self.prior[at]:
            was = self.prior[at]
            heavy = heavy * np.where(true == 1, becomes[at] / was, (1 - becomes[at]) / (1 - was))
        if tuning.threshold == "f1":
            return max_f1(true, p, heavy, self.groups)
        if tuning.threshold == "precision":
            return precision_at_least(tuning.target, true, p, heavy, self.groups)
        if tuning.threshold == "recall":
            return recall_at_least(tuning.target, true, p, heavy, self.groups)
        if tuning.threshold == "cost" and not calibrated:
            return least_cost(tuning.costs, true, p, heavy)
        value = 0.5 if tuning.threshold == "half" else of_costs(*tuning.costs)
        above, yes = p >= value, true == 1
        precision, recall = (
            share(hits, heavy[of], self.groups[of]) for hits, of in ((yes[above], above), (above[yes], yes))
        )
        return Threshold(value, int(above.sum()), precision, recall)


def sides(head: Head) -> list[int]:
    """Columns of classes that are said or not by a threshold of their own."""
    if head.task == MULTILABEL:
        return [*range(len(head.classes))]
    return [1] if len(head.classes) == 2 else []


def calibrated(p: Floats, calibrators: Sequence[Calibrator | None], head: Head) -> Floats:
    """(n, k) probabilities by the calibrators."""
    if head.task == MULTILABEL:
        pairs = zip(calibrators, p.T, strict=True)
        return np.stack([one if make is None else make(one) for make, one in pairs], axis=1)
    (make,) = calibrators
    return p if make is None else make(p)


def wanted(head: Head, prevalence: Mapping[Label, float], prior: Floats) -> Floats:
    """(k,) shares of the classes in another population.

    Raises:
        InputError: classes that the head does not have, or shares that cannot be.
    """
    if unknown := [one for one in prevalence if one not in head.classes]:
        raise InputError(f"prevalence: {head.variable} has the classes {head.classes}, got {unknown[0]!r}")
    becomes = np.array([prevalence.get(one, was) for one, was in zip(head.classes, prior, strict=True)], np.float64)
    whole = head.task == MULTILABEL or (len(prevalence) == len(head.classes) and abs(becomes.sum() - 1) < 1e-6)
    if not whole or not ((becomes >= 0) & (becomes <= 1)).all():
        raise InputError(
            f"prevalence should be shares of 0 to 1, of all classes with the sum 1 (of a multilabel target of any); "
            f"got {dict(prevalence)} for {head.classes}"
        )
    changed = becomes != prior
    if bad := [one for one, was, new in zip(head.classes, prior, changed, strict=True) if new and not 0 < was < 1]:
        raise InputError(f"no validation unit tells how {bad[0]!r} differs from others, so that no shift is known")
    return becomes


def moved(p: Floats, prior: Floats, becomes: Floats, head: Head) -> Floats:
    """(n, k) probabilities, shifted from one population's shares to another's; see `shifted`."""
    if head.task != MULTILABEL:
        return shifted(p, prior, becomes)
    columns = zip(p.T, prior, becomes, strict=True)
    return np.stack([one if was == now else shifted(one, was, now) for one, was, now in columns], axis=1)


def value(threshold: Threshold, tuning: Tuning) -> float:
    """The threshold; where none does what was asked, the safe side."""
    if threshold.value is not None:
        return threshold.value
    return ALWAYS if tuning.threshold == "recall" else NEVER


def said(threshold: Threshold, of: Label, tuning: Tuning) -> dict[str, Any]:
    """What is told of a threshold, as JSON."""
    safe = "every unit" if tuning.threshold == "recall" else "no unit"
    return {
        "class": of,
        "value": threshold.value,
        "said_of": "units from the threshold on" if threshold.value is not None else safe,
        "precision": _ends(threshold.precision),
        "recall": _ends(threshold.recall),
        "reason": threshold.reason and f"{of}: {threshold.reason}; it is said of {safe}",
    }


def told(made: Calibrator | None, reason: str) -> dict[str, Any]:
    """What is told of a calibrator, as JSON."""
    if made is None:
        return {"method": "none", "reason": reason}
    if isinstance(made, Isotonic):
        return {"method": made.method, "corners": [len(one) for one in made.p], "reason": reason}
    return made.told() | {"reason": reason}


def _ends(found: Interval | None) -> list[float | None] | None:
    return None if found is None else [found.value, found.low, found.high]
