"""A trained model that was tuned: how sure it may be, and from which probability on it says so.

Neither is ever learned from the units that a model was trained on, on which it is too sure, nor from test units, whose
figures would be too good. What cannot be tuned, as there are too few units, stays as it was, and is told: in the
settings, and as a warning.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.calibrators import Calibrator, restored
from studium.learn.evaluate.checks import Floats, effective, numbered, weights_of
from studium.learn.models.estimator import Arrays, Fitted, decided, load, shaped
from studium.learn.models.head import CONTINUOUS, MULTILABEL, Label
from studium.learn.models.training import coded
from studium.learn.models.tuning import Tuning, Validation, calibrated, moved, said, sides, told, value, wanted

__all__ = ["Tuned", "Tuning", "tune"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tuned(Fitted):
    """A model with calibrated probabilities and chosen thresholds.

    Attributes:
        model: as it was trained.
        calibrators: of a multilabel target one of each class, of numbers none, else one; None where nothing was
            calibrated.
        thresholds: of two classes that of the second, of a multilabel target that of each class: from it on a class is
            said, from infinity on never. None of other targets.
        prior: (k,) shares of the classes among the validation units.
        prevalence: (k,) those that probabilities are shifted to; () if they are not.
    """

    model: Fitted
    calibrators: tuple[Calibrator | None, ...]
    thresholds: Floats
    prior: Floats
    prevalence: Floats

    kind: ClassVar[str] = "tuned"

    def __post_init__(self) -> None:
        """It takes what its model takes."""
        object.__setattr__(self, "takes", self.model.takes)

    def outputs(self, X: Any) -> Floats:
        """As `Fitted.outputs`: calibrated, and shifted to the prevalence."""
        found = self.model.outputs(X)
        if self.head.task == CONTINUOUS:
            return found
        p = calibrated(found, self.calibrators, self.head)
        return moved(p, self.prior, self.prevalence, self.head) if len(self.prevalence) else p

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """As `Fitted.predict`, by the thresholds."""
        found = self.outputs(X)
        if not len(self.thresholds):
            return decided(found, self.head)
        over = found[:, sides(self.head)] >= self.thresholds
        return over if self.head.task == MULTILABEL else np.array(self.head.classes)[over[:, 0].astype(np.int64)]

    def for_prior(self, prevalence: Mapping[Label, float]) -> "Tuned":
        """The same model for a population in which classes are more or less common.

        It holds where units of one class look alike in both (`studium.learn.evaluate.threshold.shifted`). Thresholds by
        "half" and "cost" stay as they are, those by "recall" move along with the probabilities.

        Args:
            prevalence: as of `Tuning`.

        Raises:
            InputError: classes or shares that do not fit. Where F1 or precision is best depends on the other
                population: its prevalence has to be known when the model is tuned, which weighs validation units so.
        """
        tuning = self.settings["tuning"]
        if len(self.thresholds) and tuning["threshold"] in {"f1", "precision"}:
            raise InputError(
                f"the best threshold by {tuning['threshold']} is another one in another population; tune the model "
                "again on its validation units, with Tuning(prevalence=...)"
            )
        becomes = wanted(self.head, prevalence, self.prior)
        thresholds, was = self.thresholds.copy(), self.prevalence if len(self.prevalence) else self.prior
        if len(thresholds) and tuning["threshold"] == "recall":
            at = (
                self.thresholds[None]
                if self.head.task == MULTILABEL
                else np.array([[1 - thresholds[0], thresholds[0]]])
            )
            thresholds = moved(at, was, becomes, self.head)[0, sides(self.head)]
        lines = [
            one | {"value": one["value"] if one["value"] is None else new, "precision": None, "recall": None}
            for one, new in zip(tuning["thresholds"], thresholds.tolist(), strict=True)
        ]
        settings = self.settings | {"tuning": tuning | {"prevalence": becomes.tolist(), "thresholds": lines}}
        return replace(self, settings=settings, thresholds=thresholds, prevalence=becomes)

    def arrays(self) -> Arrays:
        """Thresholds and shares."""
        return {"thresholds": self.thresholds, "prior": self.prior, "prevalence": self.prevalence}

    def preprocessing(self) -> dict[str, Any]:
        """The calibrators."""
        return {"calibrators": [None if one is None else one.told() for one in self.calibrators]}

    def write(self, folder: Path) -> None:
        """Write the model."""
        self.model.save(folder / "model")

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`."""
        model, head = load(folder / "model"), common["head"]
        k, many = len(head.classes), len(arrays.get("prevalence", ()))
        shaped(arrays, thresholds=("f", (len(sides(head)),)), prior=("f", (k,)), prevalence=("f", (many,)))
        found = tuple(None if one is None else restored(one) for one in preprocessing["calibrators"])
        needed = {CONTINUOUS: 0, MULTILABEL: k}.get(head.task, 1)
        if model.head != head or len(found) != needed or many not in {0, k}:
            raise InputError("what was tuned does not fit the model that it was saved with")
        return cls(**common, model=model, calibrators=found, **dict[str, Any](arrays))


def tune(
    fitted: Fitted,
    found: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None = None,
    groups: Sequence[Any] | None = None,
    tuning: Tuning | None = None,
) -> Tuned:
    """Calibrate a model, then choose its thresholds.

    A threshold that does what was asked may not exist, or not surely, of so few units. Then the safe side is taken: for
    "recall" a class is said of every unit, for the others of none; the settings say so, and why.

    Args:
        fitted: the model.
        found: its outputs on n validation units, (n, k) or (n, 1).
        y: their labels, as `studium.learn.models.estimator.Estimator.fit` takes them; of shares the largest counts.
        weights: (n,) 0 or more, 1 / P(drawn); None for equal ones.
        groups: (n,) names of what like units come from; None if each unit is one of its own.
        tuning: what is tuned; None for `Tuning()`.

    Raises:
        InputError: what does not fit, or no units.
    """
    asked, head, k = tuning or Tuning(), fitted.head, max(1, len(fitted.head.classes))
    p = np.asarray(found, np.float64)
    if p.ndim != 2 or p.shape[1] != k or not np.isfinite(p).all():
        raise InputError(f"outputs of validation units should be finite, (n, {k}); got {p.dtype} {p.shape}")
    true, heavy, group = coded(head, y, len(p)), weights_of(weights, len(p)), numbered(groups, len(p))
    facts: dict[str, Any] = {"units": len(p), "groups": len(np.unique(group)), "effective": effective(heavy, group)}
    if head.task == CONTINUOUS:
        facts |= {"calibrate": "none", "threshold": "none", "calibrators": [], "thresholds": []}
        return _made(fitted, facts, (), np.empty(0), (np.empty(0), np.empty(0)))
    held = true if head.task == MULTILABEL else np.eye(k, dtype=np.bool_)[true]
    return _tuned(fitted, p, Validation(head, held, heavy, group), asked, facts)


def _tuned(fitted: Fitted, p: Floats, units: Validation, asked: Tuning, facts: dict[str, Any]) -> Tuned:
    head, prior = fitted.head, units.prior
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
    return _made(fitted, facts, made, values, (prior, becomes))


def _made(
    fitted: Fitted,
    facts: dict[str, Any],
    calibrators: tuple[Calibrator | None, ...],
    thresholds: Floats,
    shares: tuple[Floats, Floats],
) -> Tuned:
    settings = fitted.settings | {"of": fitted.kind, "tuning": facts}
    return Tuned(fitted.head, fitted.inputs, settings, fitted.training, fitted, calibrators, thresholds, *shares)
