"""The image network: pictures to pooled features and class probabilities, one picture at a time.

On a CPU this is as fast as batches, and it makes a value a function of its own picture alone, bit by bit.
"""

import json
import threading
import weakref
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.core import weights
from studium.media.transform import Picture, check_rgb
from studium.networks import efficientnet
from studium.networks.sessions import loaded, session

__all__ = ["ImageOutputs", "class_names", "clean_names", "network", "run_image"]

CLASSES = 1000

Vectors = npt.NDArray[np.float32]

_last = threading.local()


class ImageOutputs(NamedTuple):
    """What the image network says about n pictures: n x 1280 pooled features, n x 1000 ImageNet-1k probabilities."""

    embedding: Vectors
    probabilities: Vectors


def run_image(batch: Sequence[Picture]) -> ImageOutputs:
    """Put pictures through the network.

    The outputs of a thread's last batch are kept, so that several measures of the same decoded pictures cost one pass.
    Only read-only arrays (as ``studium.media`` makes them) are recognised: what may be written to may have changed.
    """
    held = getattr(_last, "held", None)
    if held is not None and _same(held[0], batch):
        outputs: ImageOutputs = held[1]
        return outputs
    net, row = loaded(network), weights.get(efficientnet.MODEL)
    pairs = [net.run(["embedding", "logits"], {"pixels": pixels(image, row.input)}) for image in batch]
    embedding = np.array([pair[0][0] for pair in pairs], np.float32).reshape(len(pairs), row.dims)
    probabilities = np.array([_softmax(pair[1][0]) for pair in pairs], np.float32).reshape(len(pairs), CLASSES)
    outputs = ImageOutputs(embedding, probabilities)
    for array in outputs:
        array.flags.writeable = False
    _last.held = ([weakref.ref(image) for image in batch], outputs)
    return outputs


@cache
def class_names() -> tuple[str, ...]:
    """Names of the 1,000 classes, in the order of the network.

    The first WordNet synonym; where two classes share it (crane, maillot), the disambiguated name of the same package.
    """
    synonyms = json.loads(weights.path("imagenet-names", "synonyms.json").read_text("utf-8"))
    first = [synonyms[str(number)].split(",")[0] for number in range(CLASSES)]
    return tuple(name if first.count(name) == 1 else other for name, other in zip(first, clean_names(), strict=True))


@cache
def clean_names() -> tuple[str, ...]:
    """Disambiguated names of the 1,000 classes, made for text encoders; two pairs of classes share theirs."""
    return tuple(json.loads(weights.path("imagenet-names", "clean.json").read_text("utf-8")))


@cache
def network() -> Any:
    """The session."""
    return session(efficientnet.onnx_path(), efficientnet.MODEL)


def _same(refs: Sequence["weakref.ref[Picture]"], batch: Sequence[Picture]) -> bool:
    return len(refs) == len(batch) and all(
        ref() is image and _settled(image) for ref, image in zip(refs, batch, strict=True)
    )


def _settled(image: Any) -> bool:
    """Whether nobody can write to the pixels, through the array or through one that it is a view of."""
    while isinstance(image, np.ndarray):
        if image.flags.writeable:
            return False
        image = image.base
    return True


def _softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    odds = np.exp(logits.astype(np.float64) - logits.max())
    return np.asarray(odds / odds.sum())


def pixels(image: Picture, settings: Any) -> Vectors:
    """Shorter side to 256 px (bicubic, antialiased), the central 224 x 224, scaled: 1 x 3 x 224 x 224.

    Only the part that is kept is resized, so a picture of 1 x 50,000 px costs no more than another; and its corners are
    not rounded to whole pixels, so a picture and its half-sized twin are cut at the same place.
    """
    height, width = check_rgb(image).shape[:2]
    size = int(settings["size"])
    side = min(height, width) * size / settings["resize"]
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    small = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC, box=box)
    planes = np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1)[None]).astype(np.float32)
    planes -= np.float32(settings["mean"])
    planes /= np.float32(settings["std"])
    return planes
