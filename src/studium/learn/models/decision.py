"""What is said of a unit, of what a model's outputs are: how sure it may be, and from which probability on it says so.

Neither is ever learned from the units that a model was trained on, on which it is too sure, nor from test units, whose
figures would be too good. What cannot be tuned, as there are too few units, stays as it was, and is told: in the
settings, and as a warning.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.calibrators import Calibrator
from studium.learn.evaluate.checks import Floats, effective, numbered, weights_of
from studium.learn.models.head import CONTINUOUS, MULTILABEL, Head, Label
from studium.learn.models.scores import decided
from studium.learn.models.training import coded
from studium.learn.models.tuning import Tuning, Validation, calibrated, moved, said, sides, told, value, wanted

__all__ = ["Decision", "decision"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """Calibrates outputs, and decides by thresholds. It knows no model: outputs may be of one, or of several together.

    Attributes:
        head: what is predicted.
        settings: what was tuned, on how many units, as JSON.
        calibrators: of a multilabel target one of each class, of numbers none, else one; None where nothing was
            calibrated.
        thresholds: of two classes that of the second, of a multilabel target that of each class: from it on a class is
            said, from infinity on never. None of other targets.
        prior: (k,) shares of the classes among the validation units.
        prevalence: (k,) those that probabilities are shifted to; () if they are not.
    """

    head: Head
    settings: Mapping[str, Any]
    calibrators: tuple[Calibrator | None, ...]
    thresholds: Floats
    prior: Floats
    prevalence: Floats

    def outputs(self, found: Floats) -> Floats:
        """Of a model's outputs, (n, k) or (n, 1): calibrated ones, shifted to the prevalence."""
        if self.head.task == CONTINUOUS:
            return found
        p = calibrated(found, self.calibrators, self.head)
        return moved(p, self.prior, self.prevalence, self.head) if len(self.prevalence) else p

    def predict(self, found: Floats) -> npt.NDArray[Any]:
        """Of a model's outputs: what is said of each unit, by the thresholds; as `Fitted.predict`."""
        p = self.outputs(found)
        if not len(self.thresholds):
            return decided(p, self.head)
        over = p[:, sides(self.head)] >= self.thresholds
        return over if self.head.task == MULTILABEL else np.array(self.head.classes)[over[:, 0].astype(np.int64)]

    def for_prior(self, prevalence: Mapping[Label, float]) -> "Decision":
        """The same for a population in which classes are more or less common; see `Tuned.for_prior`."""
        if len(self.thresholds) and self.settings["threshold"] in {"f1", "precision"}:
            raise InputError(
                f"the best threshold by {self.settings['threshold']} is another one in another population; tune the "
                "model again on its validation units, with Tuning(prevalence=...)"
            )
        becomes = wanted(self.head, prevalence, self.prior)
        thresholds, was = self.thresholds.copy(), self.prevalence if len(self.prevalence) else self.prior
        if len(thresholds) and self.settings["threshold"] == "recall":
            at = (
                self.thresholds[None]
                if self.head.task == MULTILABEL
                else np.array([[1 - thresholds[0], thresholds[0]]])
            )
            thresholds = moved(at, was, becomes, self.head)[0, sides(self.head)]
        lines = [
            one | {"value": one["value"] if one["value"] is None else new, "precision": None, "recall": None}
            for one, new in zip(self.settings["thresholds"], thresholds.tolist(), strict=True)
        ]
        settings = {**self.settings, "prevalence": becomes.tolist(), "thresholds": lines}
        return replace(self, settings=settings, thresholds=thresholds, prevalence=becomes)


def decision(
    head: Head,
    found: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None = None,
    groups: Sequence[Any] | None = None,
    tuning: Tuning | None = None,
) -> Decision:
    """Calibrate outputs, then choose thresholds.

    A threshold that does what was asked may not exist, or not surely, of so few units. Then the safe side is taken: for
    "recall" a class is said of every unit, for the others of none; the settings say so, and why.

    Args:
        head: what is predicted, with its classes.
        found: outputs of n validation units, (n, k) or (n, 1).
        y: their labels, as `studium.learn.models.estimator.Estimator.fit` takes them; of shares the largest counts.
        weights: (n,) 0 or more, 1 / P(drawn); None for equal ones.
        groups: (n,) names of what like units come from; None if each unit is one of its own.
        tuning: what is tuned; None for `Tuning()`.

    Raises:
        InputError: what does not fit, or no units.
    """
    asked, k = tuning or Tuning(), max(1, len(head.classes))
    p = np.asarray(found, np.float64)
    if p.ndim != 2 or p.shape[1] != k or not np.isfinite(p).all():
        raise InputError(f"outputs of validation units should be finite, (n, {k}); got {p.dtype} {p.shape}")
    true, heavy, group = coded(head, y, len(p)), weights_of(weights, len(p)), numbered(groups, len(p))
    facts: dict[str, Any] = {"units": len(p), "groups": len(np.unique(group)), "effective": effective(heavy, group)}
    if head.task == CONTINUOUS:
        facts |= {"calibrate": "none", "threshold": "none", "calibrators": [], "thresholds": []}
        return Decision(head, facts, (), np.empty(0), np.empty(0), np.empty(0))
    held = true if head.task == MULTILABEL else np.eye(k, dtype=np.bool_)[true]
    return _tuned(p, Validation(head, held, heavy, group), asked, facts)


def _tuned(p: Floats, units: Validation, asked: Tuning, facts: dict[str, Any]) -> Decision:
    head, prior = units.head, units.prior
    becomes = wanted(head, asked.prevalence, prior) if asked.prevalence else np.empty(0)
    made, reasons = units.calibrators(p, asked)
    p = calibrated(p, made, head)
    p = moved(p, prior, becomes, head) if len(becomes) else p
    chosen = units.thresholds(p, asked, [one is not None for one in made], becomes)
    calibrators = [told(one, why) for one, why in zip(made, reasons, strict=True)]
    thresholds = [said(one, head.classes[at], asked) for one, at in zip(chosen, sides(head), strict=True)]
    for one in (*calibrators, *thresholds):
        if one["reason"]:
            _log.warning("%s: %s", head.variable, one["reason"])
    facts |= {"calibrate": asked.calibrate, "threshold": asked.threshold, "target": asked.target}
    facts |= {"costs": list(asked.costs), "prior": prior.tolist(), "prevalence": becomes.tolist()}
    facts |= {"calibrators": calibrators, "thresholds": thresholds, "per_class": units.held.sum(axis=0).tolist()}
    values = np.array([value(one, asked) for one in chosen], np.float64)
    return Decision(head, facts, made, values, prior, becomes)
