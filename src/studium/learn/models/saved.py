"""A saved model: a folder that nothing of is executed.

It holds ``model.json`` (kind, version of the format, target, preprocessing, settings, what it was trained on),
``arrays.npz``, and what else its kind writes, such as ``weights.safetensors``.
"""

import hashlib
import io
import json
import zipfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studium.core.parts import replace_file
from studium.errors import HashMismatchError, InputError
from studium.learn.models.head import Head

if TYPE_CHECKING:
    from studium.learn.models.estimator import Fitted

__all__ = ["FORMAT", "KINDS", "load", "save", "shaped"]

_TEXTS = {".md", ".html"}
FORMAT = 1
"""Version of the saved form; others are refused."""
KINDS = {
    "linear": "studium.learn.models.linear:FittedLinear",
    "boosting": "studium.learn.models.boosting:FittedBoosting",
    "ngrams": "studium.learn.models.ngrams:FittedNgrams",
    "tuned": "studium.learn.models.tuned:Tuned",
    "late": "studium.learn.models.late:FittedLate",
    "stack": "studium.learn.models.stack:FittedStack",
    "image_network": "studium.learn.nets.image:FittedImage",
    "text_network": "studium.learn.nets.text:FittedText",
    "clip_fusion": "studium.learn.nets.fusion:FittedFusion",
    "language_model": "studium.learn.nets.causal:FittedLanguageModel",
    "vision_language": "studium.learn.nets.vision_language:FittedVisionLanguage",
}
"""Where the class of each kind of saved model is."""


def save(fitted: "Fitted", place: Path) -> None:
    """As `Fitted.save`."""
    if (place / "model.json").exists():
        raise InputError(f"{place} holds a model; give another folder, or move it away")
    arrays = fitted.arrays()
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **arrays)
    replace_file(place / "arrays.npz", written.getvalue())
    fitted.write(place)
    about = fitted.card | {
        "format": FORMAT,
        "preprocessing": fitted.preprocessing(),
        "arrays": _described(arrays),
        "files": _digests(place),
    }
    replace_file(place / "model.json", json.dumps(about, indent=1, sort_keys=True) + "\n")


def load(folder: str | Path) -> "Fitted":
    """A model that `studium.learn.models.estimator.Fitted.save` wrote.

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


def _described(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, list[Any]]:
    return {name: [one.dtype.str, list(one.shape)] for name, one in arrays.items()}


def shaped(arrays: dict[str, npt.NDArray[Any]], **expected: tuple[str, tuple[int | None, ...]]) -> None:
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
