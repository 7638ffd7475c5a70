"""Which encoders there are, and what is known of each: its space, its size, its scale. Nothing is loaded for that."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from studium.core import weights
from studium.core.protocols import DETAIL
from studium.errors import InputError, UnknownNameError
from studium.measure.encoder_batches import AT_ONCE
from studium.measure.encoder_builtin import BUILTIN, TWINS
from studium.measure.encoder_folder import Description, describe, parameter
from studium.measure.encoder_input import preparation
from studium.measure.encoder_onnx import is_export
from studium.networks import sessions
from studium.networks.sessions import loaded

__all__ = [
    "IMAGE_MODELS",
    "TEXT_MODELS",
    "at_once",
    "check",
    "description",
    "detail",
    "dims",
    "image_twin",
    "is_joint",
    "known",
    "logit_bias",
    "logit_scale",
    "text_twin",
    "tokens",
]

_JOINT = "joint image-text embedding"
_TASKS = {name: row.task for name, row in weights.rows().items()}
IMAGE_MODELS = tuple(name for name, task in _TASKS.items() if task.startswith(("image embedding", _JOINT)))
TEXT_MODELS = tuple(
    name for name, task in _TASKS.items() if task.startswith(("text embedding", _JOINT)) and name not in TWINS
)
_SCALE = 100.0  # of the logits, where a model was trained with none: CLIP's


def known(model: str, models: Sequence[str], task: str) -> str:
    """``model`` if it is one of ``models``, or a repository or a folder of one's own.

    Raises:
        UnknownNameError: it is not; the message lists what there is.
    """
    if model in models:
        return model
    if model not in _TASKS:
        try:
            if weights.get(model).bundle is not None:
                return model
        except UnknownNameError:
            pass
    raise UnknownNameError(
        f"no {task} model named {model!r}; there are: {', '.join(models)}; or give owner/name@commit of a hub "
        "repository (the commit has 40 hex digits), or the path of a folder"
    )


def check(model: str, task: str) -> str:
    """``model`` if it reads what ``task`` says.

    Args:
        model: as for `encode_images`.
        task: "image" or "text".

    Raises:
        UnknownNameError: no such model.
        InputError: a repository or folder of one's own that reads something else.
    """
    known(model, IMAGE_MODELS if task == "image" else TEXT_MODELS, task)
    if model not in _TASKS:
        found = description(model)
        if not (found.pictures if task == "image" else found.texts):
            lacks = "preprocessor_config.json" if task == "image" else "text tower or tokenizer"
            raise InputError(f"{model} ({found.family}) has no {lacks}: it is no {task} model")
    return model


def is_joint(model: str) -> bool:
    """Whether an image model puts pictures and texts into one space, so that a text can search pictures."""
    return text_twin(model) is not None


def text_twin(model: str) -> str | None:
    """The text model whose vectors compare with those of an image model, or None. A joint model is its own.

    Raises:
        UnknownNameError: no such image model.
        WeightsError: a repository or folder of one's own that is not on this machine.
    """
    known(model, IMAGE_MODELS, "image")
    if model in TWINS:
        return TWINS[model]
    return _own_twin(model)


def image_twin(model: str) -> str | None:
    """The image model whose vectors compare with those of a text model, or None."""
    known(model, TEXT_MODELS, "text")
    for image, text in TWINS.items():
        if text == model:
            return image
    return _own_twin(model)


def dims(model: str) -> int:
    """How many numbers its vectors have.

    Raises:
        WeightsError: a repository or folder of one's own that is not on this machine, or does not say.
    """
    return weights.get(model).dims or description(model).dims


def tokens(model: str) -> int:
    """How many tokens a text model reads of a text, its marks included."""
    if said := weights.get(model).input.get("tokens"):
        return int(said)
    return description(model).tokens


def logit_scale(model: str) -> float:
    """What a joint model multiplies cosines by before a softmax over texts (CLIP) or a sigmoid (SigLIP).

    CLIP's and SigLIP's are learned: exp(logit_scale) of the checkpoint, 100 for OpenAI's. ConSE has none; 100 then.
    SigLIP was trained to say yes or no to each pair by sigmoid(scale cos + bias), see `logit_bias`; a softmax over
    several texts by its scale orders them alike, but was not what it was trained for.

    Raises:
        InputError: the model reads pictures only.
        WeightsError: it is nowhere among the files.
    """
    if text_twin(model) is None:
        raise InputError(f"{model} reads no texts, so it has no scale for cosines between texts and pictures")
    if model in BUILTIN:
        return _SCALE
    said = weights.get(model).input.get("logit_scale")
    return float(said if said is not None else np.exp(parameter(weights.folder(model), "logit_scale")))


def logit_bias(model: str) -> float | None:
    """What SigLIP adds to scaled cosines before its sigmoid; None for models that were trained otherwise.

    Raises:
        InputError: the model reads pictures only.
        WeightsError: it is nowhere among the files.
    """
    if text_twin(model) is None:
        raise InputError(f"{model} reads no texts, so it has no bias for cosines between texts and pictures")
    said = weights.get(model).input.get("logit_bias")
    if said is not None or model in _TASKS:
        return said
    return parameter(weights.folder(model), "logit_bias") if description(model).sigmoid else None


def detail(model: str) -> int:
    """The shorter side in pixels that decoding must keep for an image model: at least twice what it sees.

    Of a model that is not on this machine yet, what most parts keep.
    """
    row = weights.get(model)
    side = int(row.input.get("size", 0))
    if not side and row.bundle is not None and row.bundle.files():
        found = preparation(description(model).preparation or {})
        side = (found.edge or min(found.size)) if found else 0
    return max(DETAIL, 2 * side)


def at_once(model: str) -> int:
    """How many inputs it should be handed at once: many where it runs on an accelerator."""
    return AT_ONCE if _accelerated(model) else 8


def _accelerated(model: str) -> bool:
    """Whether it will run on an accelerator; False too while it is not on this machine."""
    row = weights.get(model)
    if model in BUILTIN or row.bundle is None or not row.bundle.files():
        return False
    if is_export(row.bundle.folder):
        return sessions.accelerated()
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def description(model: str) -> Description:
    """What the files of a repository or folder say of its encoder.

    Raises:
        WeightsError: it is not on this machine, or none of the hub's format.
    """
    bundle = weights.get(model).bundle
    there = bundle is not None and (bundle.folder / "config.json").is_file()  # it may be here in another precision only
    folder = bundle.folder if bundle is not None and there else weights.folder(model)
    return loaded(partial(_described, folder, weights.fingerprint(model)))


@cache
def _described(folder: Path, fingerprint: str) -> Description:
    return describe(folder)


def _own_twin(model: str) -> str | None:
    """A joint model is its own twin."""
    joint = _TASKS[model].startswith(_JOINT) if model in _TASKS else description(model).joint
    return model if joint else None
