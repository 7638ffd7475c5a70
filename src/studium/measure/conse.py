"""ConSE: a picture as the mean text vector of its most probable classes, so that texts can search pictures.

References:
    Norouzi et al. (2014), Zero-shot learning by convex combination of semantic embeddings, ICLR,
    doi:10.48550/arXiv.1312.5650.
"""

from collections.abc import Sequence
from functools import cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.core import weights
from studium.measure.text_network import run_text
from studium.media.transform import Picture, check_rgb
from studium.networks import efficientnet
from studium.networks.image_network import clean_names, run_image
from studium.networks.sessions import loaded

__all__ = ["MODEL", "class_vectors", "conse", "encode", "framed"]

MODEL = "conse"
CLASSES = 10  # T of the paper
PROMPTS = ("a photo of a {}", "a picture of a {}", "{}")
VERSION = "2"  # raised whenever names or prompts change
_PLAIN, _ALIKE = 0.5, 12  # share of a border that counts as plain, and how far its grey levels may be off

Vectors = npt.NDArray[np.float32]


def encode(batch: Sequence[Picture]) -> Vectors:
    """Vectors of pictures.

    Args:
        batch: RGB uint8 H x W x 3 each.

    Returns:
        n x 384 float32, not of length 1.
    """
    classes = loaded(class_vectors)
    rows = run_image([framed(picture) for picture in batch]).probabilities
    return np.array([conse(row, classes) for row in rows], np.float32).reshape(len(rows), classes.shape[1])


def framed(picture: Picture) -> Picture:
    """What the network is shown: a photograph as it is, of which it sees the central square; a cut-out as a whole.

    A cut-out is a thing before a plain background: at least half of the border has one colour. It comes into the middle
    of a square of that colour, so that nothing of it is cut off. Among the cut-outs of ``benchmarks/retrieval.py`` this
    raises the share of captions that find their picture first from .27 to .32; photographs shown whole are found less
    often than their central squares.
    """
    border = np.concatenate([check_rgb(picture)[0], picture[-1], picture[:, 0], picture[:, -1]])
    colour = np.rint(np.median(border, axis=0))
    if np.mean(np.abs(border - colour).max(axis=1) <= _ALIKE) < _PLAIN:
        return picture
    seen = weights.get(efficientnet.MODEL).input
    side, inner = int(seen["resize"]), int(seen["size"])
    high, wide = (max(1, round(length * inner / max(picture.shape[:2]))) for length in picture.shape[:2])
    square = np.empty((side, side, 3), np.uint8)
    square[:] = colour
    top, left = (side - high) // 2, (side - wide) // 2
    small = Image.fromarray(picture).resize((wide, high), Image.Resampling.BICUBIC)
    square[top : top + high, left : left + wide] = np.asarray(small)
    return square


def conse(probabilities: Vectors, classes: Vectors) -> Vectors:
    """Convex combination of the vectors of the 10 most probable classes.

    Args:
        probabilities: of every class, sum 1.
        classes: the text vector of every class, classes x d.

    Returns:
        d float32, not of length 1.
    """
    top = np.argsort(-probabilities, kind="stable")[:CLASSES]
    return np.asarray(probabilities[top] @ classes[top] / probabilities[top].sum(), dtype=np.float32)


@cache
def class_vectors() -> Vectors:
    """Text vectors of the disambiguated class names, each the mean of its prompts, 1000 x 384; encoded once a machine.

    The prompts were chosen on half of the categories of ``benchmarks/retrieval.py``, which says how often captions
    find their picture in both.
    """
    path = weights.derived(MODEL, f"classes-{VERSION}.npy", _encode_classes)
    return np.asarray(np.load(path), dtype=np.float32)


def _encode_classes() -> bytes:
    content = BytesIO()
    means = [np.mean([run_text(prompt.format(name)).vector for prompt in PROMPTS], axis=0) for name in clean_names()]
    np.save(content, np.stack(means))
    return content.getvalue()
