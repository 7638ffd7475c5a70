"""The one interface of all models: ``fit`` gives a fitted model, which predicts, and is saved as JSON and arrays.

What it predicts for a unit depends on that unit alone; on a CPU scores are the same, bit by bit, in every batch, and
probabilities are too as far as the machines' exponential functions agree, to about 1e-16.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.models import saved
from studium.learn.models.head import CONTINUOUS, Head
from studium.learn.models.scores import decided

__all__ = ["Arrays", "Estimator", "Fitted"]

Arrays = dict[str, npt.NDArray[Any]]


class Estimator(Protocol):
    """What can be trained. Its fields are its settings; the same labels give the same model."""

    head: Head

    def fit(
        self, X: Any, y: ArrayLike, weights: ArrayLike | None = None, groups: Sequence[Any] | None = None
    ) -> "Fitted":
        """Train.

        Args:
            X: n units: a table (n, d) of numbers, or n texts.
            y: (n,) classes, (n, k) shares of coders (categorical and ordinal), (n, k) of 0 and 1 (multilabel), or (n,)
                numbers (continuous).
            weights: (n,) above 0, such as 1 / P(drawn for coding); None for equal ones.
            groups: (n,) names: units of one group (video, account, near-duplicates) are never on both sides when
                settings are chosen; None if each unit is one of its own.

        Raises:
            InputError: what does not fit, or too few labels.
        """


@dataclass(frozen=True)
class Fitted(ABC):
    """A trained model.

    Attributes:
        head: what it predicts.
        inputs: what X was, in words or by recipe: "embed-1a2b3c4d"; "" if nobody said.
        settings: those that were given and those that were chosen, with what they were chosen by.
        training: units, groups, labels of each class, effective number (Kish), and a digest of it all; of a network
            its ``curve`` too.
        takes: what X is: "table" (n, d) of numbers, "text" (str), "image" (RGB uint8 H x W x 3), "material"
            (`studium.media.material.Material`), or "members": for each member of an ensemble what it takes, by name.
    """

    head: Head
    inputs: str
    settings: dict[str, Any]
    training: dict[str, Any]

    kind: ClassVar[str]
    takes: ClassVar[str] = "table"

    @abstractmethod
    def outputs(self, X: Any) -> Floats:
        """Of n units: (n, k) probabilities of the classes, or (n, 1) values of a continuous target."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """What it has learned, by name."""

    def preprocessing(self) -> dict[str, Any]:
        """What makes numbers of a unit, as JSON."""
        return {}

    def write(self, folder: Path) -> None:  # noqa: B027  (most have nothing else)
        """Write what it needs besides its arrays into a folder."""

    @classmethod
    @abstractmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """From what was saved.

        Args:
            common: `head`, `inputs`, `settings` and `training`.
            preprocessing: as `preprocessing` returns it.
            arrays: as `arrays` returns them.
            folder: where `write` wrote; its files are those that were written.

        Raises:
            InputError: arrays of other names, types or shapes.
        """

    def predict_proba(self, X: Any) -> Floats:
        """Of n units: (n, k) probabilities of ``head.classes``; each row sums to 1, but for a multilabel target.

        Raises:
            InputError: a continuous target has no probabilities; or X does not fit.
        """
        if self.head.task == CONTINUOUS:
            raise InputError(f"{self.head.variable} is continuous: take predict, which gives its values")
        return self.outputs(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Of n units: what is said of each; see `decided`."""
        return decided(self.outputs(X), self.head)

    @property
    def card(self) -> dict[str, Any]:
        """What the model knows of itself, as JSON: for `studium.learn.models.card`."""
        return {
            "kind": self.kind,
            "variable": self.head.variable,
            "task": self.head.task,
            "classes": list(self.head.classes),
            "inputs": self.inputs,
            "settings": self.settings,
            "training": self.training,
        }

    def save(self, folder: str | Path) -> None:
        """Write ``model.json``, the last of all, and what it names into a folder; the same model gives the same bytes.

        Raises:
            InputError: the folder holds a model, which is never overwritten.
        """
        saved.save(self, Path(folder))
