"""A trained model as a measure: what it predicts of every unit of a study, text by text and picture by picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError, MediaError
from studium.learn.models.training import CONTINUOUS, MULTILABEL, Head

if TYPE_CHECKING:
    from studium.learn.models.estimator import Fitted
    from studium.media.material import Material

__all__ = ["Predict", "answered", "columns_of", "said", "shown", "values_of"]

READS = ("text", "image", "material")
"""What models of media take."""


@dataclass(frozen=True)
class Predict(Measure):
    """Predict a variable by a model that was trained to: ``<variable>`` and ``<variable>_prob``.

    Of a categorical or ordinal variable ``<variable>`` is a class, of a multilabel one a JSON list of those that apply,
    of a continuous one a number (without ``_prob``). Thresholds that were tuned with the model decide.

    Args:
        model: ``model.json`` of the model, which names all that belongs to it; `studium.learn.load` reads its folder.
        called: its name.
        through: what inputs are made of, if not of what the model takes: "material", of units that do not offer that.
        sensitive: whether the codebook says so of the variable.
    """

    model: str
    called: str = ""
    through: str = ""
    sensitive: bool = False

    name: ClassVar[str] = "predict"
    version: ClassVar[str] = "1"
    paths: ClassVar[tuple[str, ...]] = ("model",)

    def __post_init__(self) -> None:
        """Refuse what cannot be made into an input."""
        if self.through not in {"", "material"}:
            raise InputError(f"through should be material, or left out; got {self.through!r}")

    @property
    def takes(self) -> str:  # type: ignore[override]  # of other measures it is fixed
        """What the model takes, or what that is made of."""
        return self.through or self._takes

    @property
    def _takes(self) -> str:
        takes = self._fitted.takes
        if takes not in READS:
            raise InputError(f"{self.model} takes {takes}, no text, picture or material; use  studium predict")
        return takes

    @property
    def _fitted(self) -> "Fitted":
        return _loaded(self.model, _stamp(self.model))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The prediction, and its probabilities."""
        return columns_of(self._fitted.head, f"predicted by {self.called or self.model}", self.sensitive)

    def prepare(self) -> None:
        """Load the model."""
        _ = self._takes

    def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
        """Predict.

        Args:
            batch: of what the model takes, or of what that is made of.

        Raises:
            MediaError: a material that has not what the model takes.
        """
        fitted, takes = self._fitted, self._takes
        made = [shown(one, takes) for one in batch] if self.through != takes and self.through else list(batch)
        if not made:
            return {column.name: [] for column in self.columns}
        return values_of(fitted.head, *said(fitted, made))


def columns_of(head: Head, by: str, sensitive: bool = False) -> tuple[Column, ...]:
    """The columns of predictions.

    Args:
        head: what is predicted.
        by: who predicts, in words.
        sensitive: whether they may only be shown and exported with care.
    """
    name, order = head.variable, f"of {', '.join(map(str, head.classes))}"
    if head.task == CONTINUOUS:
        return (Column(name, "float64", f"value {by}", sensitive=sensitive),)
    what = "JSON list of those that apply" if head.task == MULTILABEL else "class"
    likely = "probability" if head.task == MULTILABEL else "probability (they sum to 1)"
    return (
        Column(name, "string", f"{what} {order}, {by}", sensitive=sensitive),
        Column(
            f"{name}_prob",
            "float32",
            f"{likely} {order}, {by}",
            "share",
            low=0,
            high=1,
            size=len(head.classes),
            sensitive=sensitive,
        ),
    )


def values_of(head: Head, outputs: npt.NDArray[np.float64], predicted: npt.NDArray[Any]) -> dict[str, Any]:
    """The values of `columns_of`.

    Args:
        head: what is predicted.
        outputs: (n, k) probabilities, or (n, 1) values.
        predicted: as `Fitted.predict` returns it.
    """
    if head.task == CONTINUOUS:
        return {head.variable: outputs[:, 0]}
    return {head.variable: answered(head, predicted), f"{head.variable}_prob": outputs.astype(np.float32)}


def answered(head: Head, predicted: npt.NDArray[Any]) -> list[Any]:
    """Answers as they are stored: names of classes, JSON lists of those that apply, or numbers."""
    if head.task == CONTINUOUS:
        return [float(one) for one in predicted]
    if head.task != MULTILABEL:
        return [str(one) for one in predicted]
    names = [[str(name) for name, on in zip(head.classes, row, strict=True) if on] for row in predicted]
    return [json.dumps(one, ensure_ascii=False) for one in names]


def said(fitted: "Fitted", X: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
    """What a model says of units, which it is asked about once: `Fitted.outputs` and `Fitted.predict`."""
    from studium.learn.models.scores import decided
    from studium.learn.models.tuned import Tuned

    if isinstance(fitted, Tuned):
        found = fitted.model.outputs(X)
        return fitted.decision.outputs(found), fitted.decision.predict(found)
    found = fitted.outputs(X)
    return found, decided(found, fitted.head)


def shown(material: "Material", takes: str) -> Any:
    """What a model takes of a material: its text with what is said in it, or its one picture.

    Raises:
        MediaError: it has no text, or not one picture.
    """
    if takes == "material":
        return material
    if takes == "text":
        texts = [
            text for text in (material.text, *(heard for _, heard in material.transcripts)) if text and text.strip()
        ]
        if not texts:
            raise MediaError(f"the {material.kind or 'unit'} has no text, and nothing is said in it")
        return "\n".join(texts)
    if len(material.pictures) != 1:
        raise MediaError(
            f"the {material.kind or 'unit'} has {len(material.pictures)} pictures, and the model takes one; predict "
            "pictures, and roll them up"
        )
    return material.pictures[0]


def _stamp(model: str) -> int:
    try:
        return Path(model).stat().st_mtime_ns
    except OSError as error:
        raise InputError(f"{model} is no model: {error.strerror}; train it, or mend the path") from error


@lru_cache(maxsize=4)
def _loaded(model: str, stamp: int) -> "Fitted":
    """A model as it is now: loaded once."""
    from studium.learn.models.saved import load

    return load(Path(model).parent)
