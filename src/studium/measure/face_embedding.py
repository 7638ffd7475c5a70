"""Templates of faces, by dlib's network: the one measure that tells persons apart, and only under a legal basis."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.core import legal, weights
from studium.core.audit import Use
from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError, MediaError, MissingExtraError, WeightsError
from studium.measure.align import aligned
from studium.media.region import Region
from studium.media.transform import Picture
from studium.networks.sessions import loaded

__all__ = ["MODEL", "FaceEmbedding"]

MODEL = "dlib-face"

_CROP = 360  # px; side of the upright crop that landmarks are looked for in
_SHARE = 1 / 2.4  # of the crop's side: the width of the face between the outer ends of its eyebrows
_FACE = ((0.2273, 0.2214), (0.7528, 0.2212), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802))
"""dlib's mean face, eyebrows to chin in [0, 1]: right eye (left in the picture), left eye, nose, corners of mouth."""

_TEMPLATE = (np.array(_FACE) - 0.5) * _SHARE + 0.5
_SQUARE = (72, 74, 285, 287)  # px of the crop: what dlib's own detector would call the face
_lock = threading.Lock()  # dlib's networks keep their activations, and hold the interpreter all the same


class _Network(NamedTuple):
    landmarks: Any
    embed: Any


@dataclass(frozen=True)
class FaceEmbedding(Measure):
    """The template of a face: 128 numbers that lie near those of other pictures of the same person.

    The Euclidean distance of two templates says how much two faces look like one person to the network: below 0.6 it
    calls them the same. Where that line should lie depends on the pictures; see the page on recognising faces.

    Templates are biometric data. Without a legal basis that is complete and in force this refuses, whatever it is
    called with; every use and refusal is logged. In a study the record is ``[legal_basis]`` of ``studium.toml``; in a
    notebook, ``with studium.core.legal.under(LegalBasis(...)):``.

    The face is turned upright by the five landmarks of its detector; in that crop dlib's own five landmarks are found,
    and its own 150-pixel chip is cut. What lies outside of the picture is black. Faces of less than 50 pixels make
    templates too, that are much alike whoever is shown.

    References:
        King (2009), Dlib-ml, Journal of Machine Learning Research 10; King (2017), the model's card,
        https://github.com/davisking/dlib-models.
    """

    name: ClassVar[str] = "face_embedding"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "region"

    @property
    def columns(self) -> tuple[Column, ...]:
        """One vector."""
        about = "template of the face (dlib); Euclidean distances below 0.6 suggest the same person"
        source = "King (2009), Dlib-ml: a machine learning toolkit, JMLR 10:1755-1758"
        return (Column("face_embedding", "float32", about, size=128, source=source, sensitive=True),)

    @property
    def models(self) -> tuple[str, ...]:
        """The network, and dlib's landmarks."""
        return (MODEL,)

    def identifies(self, of: str) -> bool:
        """Always, whatever the faces are called."""
        return True

    def prepare(self) -> None:
        """Fetch and load the network.

        Raises:
            RefusedError: no legal basis is in force here.
        """
        legal.require(Use("prepare face_embedding", "picture", 0))
        loaded(_network)

    def __call__(self, batch: Sequence[Region]) -> Mapping[str, Any]:
        """Embed faces.

        Args:
            batch: faces with their five landmarks: right eye (left in the picture), left eye, tip of the nose, right
                and left corner of the mouth.

        Returns:
            ``face_embedding``: float32, n x 128.

        Raises:
            RefusedError: no legal basis is in force here.
            MediaError: a face without landmarks.
        """
        legal.require(Use("face_embedding", "picture", len(batch)))
        if not len(batch):
            return {"face_embedding": np.empty((0, 128), np.float32)}
        network = loaded(_network)
        return {"face_embedding": np.stack([_embedded(network, _upright(face)) for face in batch])}


def _upright(face: Region) -> Picture:
    """The face in the middle of a square of `_CROP` pixels; black where the picture ends."""
    if not isinstance(face, Region):
        raise InputError(
            f"face_embedding takes faces with what surrounds them (studium.media.region), got {type(face).__name__}"
        )
    if face.points is None or len(face.points) != len(_FACE):
        found = len(face.points or ())
        raise MediaError(f"a face needs its five landmarks, got {found}; split pictures with faces")
    wide = 16 * (1 + max(face.picture.shape[:2]) // 128)  # black enough to be what repeats beyond, also when halved
    padded = np.pad(face.picture, ((wide, wide), (wide, wide), (0, 0)))
    return aligned(padded, np.array(face.points) + wide, _TEMPLATE, _CROP)


def _embedded(network: _Network, crop: Picture) -> npt.NDArray[np.float32]:
    import dlib

    with _lock:
        landmarks = network.landmarks(crop, dlib.rectangle(*_SQUARE))
        return np.array(network.embed.compute_face_descriptor(crop, landmarks), np.float32)


@cache
def _network() -> _Network:
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError("dlib", "recognition") from error
    net, landmarks = (weights.path(MODEL, file.name) for file in weights.get(MODEL).files)
    try:
        return _Network(dlib.shape_predictor(str(landmarks)), dlib.face_recognition_model_v1(str(net)))
    except RuntimeError as error:
        raise WeightsError(f"{net.parent} does not load: {error}; run  studium models pull {MODEL}") from error
