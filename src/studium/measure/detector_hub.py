"""Object detectors in the format of transformers: DETR and its descendants, and OWLv2, which looks for words."""

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import InputError, WeightsError
from studium.measure.detector_decode import Candidates, corners, detr, rt_detr, taken
from studium.measure.detector_input import beside
from studium.media.transform import Picture
from studium.networks.hub import Checkpoint, checkpoint
from studium.networks.sessions import loaded

__all__ = ["HubDetector", "WordDetector", "hub_detector"]

_TASK = "ObjectDetection"
_OPEN = "ZeroShotObjectDetection"
_OPEN_TYPE = "owlv2"

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HubDetector:
    """A transformer that finds objects of the classes that it was trained on, each once."""

    model: Checkpoint
    suppressed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of its classes."""
        return self.model.labels

    def __call__(self, picture: Picture) -> Candidates:
        """What it proposes for an RGB picture; boxes in px of the picture."""
        logits, boxes = _run(self.model, picture)
        size = (picture.shape[0], picture.shape[1])
        if logits.shape[1] == len(self.names) + 1:  # the last one is "no object"
            return detr(logits, boxes, size)
        if logits.shape[1] == len(self.names):
            return rt_detr(logits, boxes, size)
        raise InputError(
            f"expected logits of {len(self.names)} classes, or one more, the model says {logits.shape[1]}: its config "
            "does not fit its weights"
        )


@dataclass(frozen=True)
class WordDetector:
    """A transformer that finds what words describe, often one thing several times."""

    model: Checkpoint
    names: tuple[str, ...]
    tokens: dict[str, Any]
    suppressed: bool = True

    def __call__(self, picture: Picture) -> Candidates:
        """What it proposes for an RGB picture; boxes in px of the picture."""
        logits, boxes = _run(self.model, picture, **self.tokens)
        side = max(picture.shape[:2])  # it pads pictures to squares, at the right and the bottom
        best = logits.argmax(axis=1)
        odds = np.take_along_axis(logits, best[:, None], axis=1)[:, 0].astype(np.float64)
        found = Candidates(corners(boxes, (side, side)), 1 / (1 + np.exp(-odds)), best)
        return taken(found, ~beside(found.boxes, picture, (0, 0, side, side)))


def hub_detector(model: str, labels: tuple[str, ...]) -> HubDetector | WordDetector:
    """The detector in a checkpoint of transformers, loaded once per process unless the files change.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        labels: what to look for, for a detector that looks for words.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it is not on this machine, or does not load.
        InputError: a detector that looks for words gets none.
    """
    kind = _model_type(weights.folder(model))
    if kind != _OPEN_TYPE:
        return HubDetector(checkpoint(model, _TASK))
    if not labels:
        raise InputError(f'{model} finds what words describe: say which, labels = ["protest sign", "flag"]')
    found = checkpoint(model, _OPEN)
    reads = found.config.text_config.max_position_embeddings
    tokens = loaded(partial(_tokens, weights.folder(model), labels, reads))
    return WordDetector(found, labels, {key: values.to(found.device) for key, values in tokens.items()})


def _model_type(folder: Path) -> str:
    import json

    try:
        return str(json.loads((folder / "config.json").read_text("utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} is no checkpoint of transformers: config.json says no model_type") from error


@cache
def _tokens(folder: Path, labels: tuple[str, ...], reads: int) -> dict[str, Any]:
    """The words as the network reads them, ``reads`` tokens each."""
    import transformers

    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):  # else one would be made up
        raise WeightsError(f"{folder} has no tokenizer (tokenizer.json, or vocab.json and merges.txt)")
    try:
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise WeightsError(f"{folder} has no tokenizer that loads: {error}") from error
    if (longest := max(len(one) for one in tokenizer(list(labels))["input_ids"])) > reads:
        raise InputError(f"a label has {longest} tokens, the model reads {reads}; say less")
    read = tokenizer(list(labels), padding="max_length", max_length=reads, return_tensors="pt")
    return {key: read[key] for key in ("input_ids", "attention_mask")}


def _run(model: Checkpoint, picture: Picture, **more: Any) -> tuple[Array, Array]:
    """Logits (queries x classes) and boxes (queries x 4, centre and sides as shares).

    Raises:
        InputError: the picture cannot be prepared: DETR keeps the aspect ratio, and a thin one would lose a side.
    """
    import torch

    try:
        pixels = model.processor([picture], return_tensors="pt", input_data_format="channels_last").to(model.device)
    except (ValueError, ZeroDivisionError) as error:
        height, width = picture.shape[:2]
        raise InputError(f"the model cannot take a picture of {width} x {height} px: {error}") from error
    with torch.inference_mode():
        said = model.network(**pixels, **more)
    logits, boxes = said.logits[0].float().cpu().numpy(), said.pred_boxes[0].float().cpu().numpy()
    return logits, boxes
