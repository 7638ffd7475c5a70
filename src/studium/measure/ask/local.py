"""What the models on this machine have in common when they answer: who they are, and what they were shown."""

import hashlib
import json
from datetime import UTC, datetime

import numpy as np

from studium.core import weights
from studium.core.bundle import Folder
from studium.core.recipe import canonical
from studium.measure.ask.provider import Prompt, Reply, Shown, Turn
from studium.media.transform import Picture

__all__ = ["digest", "identity", "model_type", "replied"]


def model_type(model: str) -> str:
    """What ``config.json`` calls the network, with its class: "blip BlipForQuestionAnswering"; "" if it is not here.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
    """
    bundle = weights.get(model).bundle
    try:
        config = json.loads((bundle.folder / "config.json").read_text("utf-8")) if bundle else {}
        return " ".join([str(config["model_type"]), *config.get("architectures", [])])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def identity(model: str) -> str:
    """Who answers: ``owner/name@commit``; of a folder its name and 16 hex digits of its content."""
    bundle = weights.get(model).bundle
    if isinstance(bundle, Folder):
        return f"{bundle.folder.name}@{weights.fingerprint(model)}"
    return str(bundle)


def digest(prompt: Prompt, shown: Shown, after: Turn | None) -> str:
    """64 hex digits of all that the model is shown: every word, and the sha256 of every picture's shape and values."""
    pictures = [[*picture.shape, _sha256(picture)] for picture in shown.pictures]
    words = [prompt.system, prompt.question, prompt.schema, shown.texts, pictures]
    return hashlib.sha256(canonical([*words, *([after.raw, after.fault] if after else [])]).encode()).hexdigest()


def replied(raw: str, model: str, finish: str, sent: str, tokens: tuple[int, int]) -> Reply:
    """The reply of a model on this machine, now; nothing left the process.

    Args:
        raw: the answer.
        model: as it was given.
        finish: "stop" or "length".
        sent: digest of what it was shown.
        tokens: read and written.
    """
    return Reply(
        raw=raw,
        model=identity(model),
        finish=finish,
        asked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256_sent=sent,
        tokens_in=tokens[0],
        tokens_out=tokens[1],
    )


def _sha256(picture: Picture) -> str:
    return hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()
