"""The one interface of all models: ``fit`` gives a fitted model, which predicts, and is saved as JSON and arrays.

A saved model is a folder: ``model.json`` (kind, version of the format, target, preprocessing, settings, what it was
trained on), ``arrays.npz``, and what else its kind writes, such as ``weights.safetensors``. Nothing in it is executed.
What it predicts for a unit depends on that unit alone; on a CPU scores are the same, bit by bit, in every batch, and
probabilities are too as far as the machines' exponential functions agree, to about 1e-16.
"""

import hashlib
import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.core.parts import replace_file
from studium.errors import HashMismatchError, InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL, Head
from studium.learn.models.ordinal import exceedances, middle

__all__ = ["FORMAT", "KINDS", "Estimator", "Fitted", "decided", "load", "sigmoid", "softmax", "total"]

_TEXTS = {".md", ".html"}

FORMAT = 1
"""Version of the saved form; others are refused."""
KINDS = {
    "linear": "studium.learn.models.linear:FittedLinear",
    "boosting": "studium.learn.models.boosting:FittedBoosting",
    "ngrams": "studium.learn.models.ngrams:FittedNgrams",
    "tuned": "studium.learn.models.tuned:Tuned",
    "late": "studium.learn.models.fused:FittedLate",
    "stack": "studium.learn.models.fused:FittedStack",
    "image_network": "studium.learn.nets.image:FittedImage",
    "text_network": "studium.learn.nets.text:FittedText",
    "clip_fusion": "studium.learn.nets.fusion:FittedFusion",
    "language_model": "studium.learn.nets.causal:FittedLanguageModel",
    "vision_language": "studium.learn.nets.vision_language:FittedVisionLanguage",
}
"""Where the class of each kind of saved model is."""
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
        place = Path(folder)
        if (place / "model.json").exists():
            raise InputError(f"{place} holds a model; give another folder, or move it away")
        arrays = self.arrays()
        written = io.BytesIO()
        np.savez(written, allow_pickle=False, **arrays)
        replace_file(place / "arrays.npz", written.getvalue())
        self.write(place)
        about = self.card | {
            "format": FORMAT,
            "preprocessing": self.preprocessing(),
            "arrays": _described(arrays),
            "files": _digests(place),
        }
        replace_file(place / "model.json", json.dumps(about, indent=1, sort_keys=True) + "\n")


def load(folder: str | Path) -> Fitted:
    """A model that `Fitted.save` wrote.

    Raises:
        InputError: no model, one of another version or kind, or arrays that do not fit it.
        HashMismatchError: its arrays are not those that were written with it.
    """
    place = Path(folder)
    try:
        about = json.loads((place / "model.json").read_bytes())
    except (OSError, RecursionError, ValueError) as error:
        raise InputError(f"{place} holds no model (model.json and what it names): {error}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        got = about.get("format") if isinstance(about, dict) else None
        raise InputError(f"{place} holds a model of format {got}; this version of studium reads format {FORMAT}")
    if about.get("kind") not in KINDS:
        raise InputError(f"{place} holds a model of kind {about.get('kind')!r}; known are {', '.join(KINDS)}")
    _refuse_others(place, about.get("files"))
    try:
        with (place / "arrays.npz").open("rb") as source, np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if _described(arrays) != about["arrays"] or not isinstance(about["classes"], list):
            raise InputError(f"model.json describes other arrays: {about['arrays']}")
        common = {
            "head": Head(about["variable"], about["task"], tuple(about["classes"])),
            "inputs": about["inputs"],
            "settings": about["settings"],
            "training": about["training"],
        }
        module, _, name = KINDS[about["kind"]].partition(":")
        model: Fitted = getattr(import_module(module), name).of(common, about["preprocessing"], arrays, place)
    except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{place} holds no whole model: {error}") from error
    return model


def _digests(place: Path) -> dict[str, str]:
    """File -> sha256, of all that a model wrote besides ``model.json`` and cards."""
    written = (path for path in sorted(place.rglob("*")) if path.is_file() and path.suffix not in _TEXTS)
    return {
        path.relative_to(place).as_posix(): _digest(path)
        for path in written
        if path != place / "model.json" and path.suffix != ".tmp"  # what a kill left of a file being written
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_others(place: Path, files: Any) -> None:
    """Refuse files that are not those that were saved; others may lie beside them, nothing reads these."""
    if not isinstance(files, dict) or "arrays.npz" not in files:
        raise InputError(f"{place} holds no whole model: model.json does not say which files belong to it")
    there = {name: place / name for name in files}
    odd = [name for name, path in there.items() if not path.is_file() or _digest(path) != files[name]]
    if odd:
        raise HashMismatchError(
            f"{place}: {', '.join(odd)} is not what model.json was saved with; fetch the model again"
        )


def _described(arrays: Arrays) -> dict[str, list[Any]]:
    return {name: [one.dtype.str, list(one.shape)] for name, one in arrays.items()}


def shaped(arrays: Arrays, **expected: tuple[str, tuple[int | None, ...]]) -> None:
    """Refuse saved arrays of other names, kinds ("f", "i") or shapes (None: any length)."""
    if arrays.keys() != expected.keys():
        raise InputError(f"a saved model of this kind has the arrays {sorted(expected)}, got {sorted(arrays)}")
    for name, (kind, shape) in expected.items():
        found = arrays[name]
        fits = len(found.shape) == len(shape) and all(
            want in {None, got} for want, got in zip(shape, found.shape, strict=True)
        )
        if found.dtype.kind != kind or not fits or (kind == "f" and np.isnan(found).any()):
            raise InputError(f"{name} should be {kind}{shape} without NaN, got {found.dtype} {found.shape}")


def decided(outputs: Floats, head: Head) -> npt.NDArray[Any]:
    """What is said of each unit, if nobody tuned thresholds (`studium.learn.models.tuned`).

    Args:
        outputs: as `Fitted.outputs` gives them.
        head: what they are of.

    Returns:
        (n,) classes: the most probable one, the first of several; of an ordinal target the one in which the middle of
        the probability lies, which errs by the fewest steps. Multilabel: (n, k) whether p is at least .5. Continuous:
        (n,) values.
    """
    if head.task == CONTINUOUS:
        return outputs[:, 0]
    if head.task == MULTILABEL:
        return np.asarray(outputs >= 0.5)
    number = middle(outputs) if head.task == ORDINAL else outputs.argmax(axis=1)
    return np.asarray(np.array(head.classes)[number])


def columns(head: Head) -> int:
    """How many scores a model has: one if one is enough."""
    if head.task == ORDINAL:
        return len(head.classes) - 1
    if head.task == MULTILABEL or (head.task == CATEGORICAL and len(head.classes) > 2):
        return len(head.classes)
    return 1


def finished(scores: Floats, head: Head) -> Floats:
    """Scores (log-odds; values of a continuous target) of `columns`, as outputs."""
    if head.task == CONTINUOUS:
        return scores
    if head.task in {MULTILABEL, ORDINAL}:
        p = sigmoid(scores)
        return exceedances(p) if head.task == ORDINAL else p
    return softmax(np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores)


def total(terms: Floats) -> Floats:
    """The sum along the last axis, always in the same order: the same bits on every machine and in every batch."""
    while terms.shape[-1] > 1:
        half = (terms.shape[-1] + 1) // 2
        upper = terms[..., half:]
        terms = terms[..., :half].copy()
        terms[..., : upper.shape[-1]] += upper
    return terms[..., 0] if terms.shape[-1] else np.zeros(terms.shape[:-1])


def sigmoid(scores: Floats) -> Floats:
    """1 / (1 + exp(-score))."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def softmax(scores: Floats) -> Floats:
    """Of (n, k) scores: rows that sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(raised / total(raised)[:, None])
