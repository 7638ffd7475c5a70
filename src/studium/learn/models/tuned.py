"""A trained model that was tuned: its outputs, and what is decided of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.calibrators import restored
from studium.learn.evaluate.checks import Floats
from studium.learn.models.decision import Decision, decision
from studium.learn.models.estimator import Arrays, Fitted
from studium.learn.models.head import CONTINUOUS, MULTILABEL, Label
from studium.learn.models.saved import load, shaped
from studium.learn.models.tuning import Tuning, sides

__all__ = ["Tuned", "Tuning", "tune"]


@dataclass(frozen=True)
class Tuned(Fitted):
    """A model with calibrated probabilities and chosen thresholds.

    Attributes:
        model: as it was trained.
        decision: what was tuned; it needs no more than the model's outputs.
    """

    model: Fitted
    decision: Decision

    kind: ClassVar[str] = "tuned"

    def __post_init__(self) -> None:
        """It takes what its model takes."""
        object.__setattr__(self, "takes", self.model.takes)

    def outputs(self, X: Any) -> Floats:
        """As `Fitted.outputs`: calibrated, and shifted to the prevalence."""
        return self.decision.outputs(self.model.outputs(X))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """As `Fitted.predict`, by the thresholds."""
        return self.decision.predict(self.model.outputs(X))

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
        changed = self.decision.for_prior(prevalence)
        return replace(self, settings=self.settings | {"tuning": changed.settings}, decision=changed)

    def arrays(self) -> Arrays:
        """Thresholds and shares."""
        by = self.decision
        return {"thresholds": by.thresholds, "prior": by.prior, "prevalence": by.prevalence}

    def preprocessing(self) -> dict[str, Any]:
        """The calibrators."""
        return {"calibrators": [None if one is None else one.told() for one in self.decision.calibrators]}

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
        by = Decision(head, common["settings"]["tuning"], found, **dict[str, Any](arrays))
        return cls(**common, model=model, decision=by)


def tune(
    fitted: Fitted,
    found: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None = None,
    groups: Sequence[Any] | None = None,
    tuning: Tuning | None = None,
) -> Tuned:
    """Calibrate a model, then choose its thresholds; see `studium.learn.models.decision.decision`.

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
    by = decision(fitted.head, found, y, weights, groups, tuning)
    settings = fitted.settings | {"of": fitted.kind, "tuning": by.settings}
    return Tuned(fitted.head, fitted.inputs, settings, fitted.training, fitted, by)
