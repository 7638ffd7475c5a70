"""What faces look like to a network: perceived age, perceived gender, perceived expression. Never what a person is.

All three need a face of which something can be seen. They answer for every face, small, blurred or turned away, and
their answers then drift towards the middle of what they learned: see ``docs/perceived-traits.md`` for by how much, and
leave faces out by the size of their box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError
from studium.measure import centerface, mini_xception
from studium.measure.perceived_chip import chip, planes, views
from studium.media.region import Region
from studium.media.transform import grey
from studium.networks.hub import Checkpoint, checkpoint
from studium.networks.sessions import loaded, session

__all__ = ["ERRORS", "EXPRESSIONS", "PerceivedAge", "PerceivedExpression", "PerceivedGender"]

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The expressions that are told apart, in the order of the columns."""

ERRORS: Mapping[str, float] = {"perceived-gender": 0.027, mini_xception.MODEL: 0.34}
"""Share of faces that a model labels wrongly, by id, as published: on LFW, and on the test set of FER-2013."""

Vector = npt.NDArray[np.float64]

_AGE, _GENDER = "perceived-age", "perceived-gender"
_DLIB = "https://github.com/davisking/dlib-models"
_YEARS = np.array([0.25, *range(1, 81)])  # of each class
_WORDS = {
    **{name: name for name in EXPRESSIONS},
    **dict(zip(mini_xception.LABELS, EXPRESSIONS, strict=True)),
    "disgusted": "disgust",
    "fearful": "fear",
    "surprised": "surprise",
}
"""What models call the expressions."""


@dataclass(frozen=True)
class PerceivedAge(Measure):
    """How old a face looks: the mean of the network's 81 probabilities for 0 to 80 years, and their spread.

    The network sees the face ten times, at five scales and mirrored, and the mean of what it says counts.

    The age that a network sees is not the age of the person: make-up, light, glasses, resolution and the faces that it
    learned from go into it, and it errs more for children, the old, and groups that it saw few of. Nothing was
    published about the error of this one. Use means of many faces, compare groups only after a check against
    hand-coded faces of your own material, and say "perceived" in the paper.

    References:
        The network is ``dnn_age_predictor_v1`` of https://github.com/davisking/dlib-models; the mean of the
        probabilities as the estimate: Rothe, Timofte & Van Gool (2018), doi:10.1007/s11263-016-0940-3.
    """

    name: ClassVar[str] = "perceived_age"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "region"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The age and its spread."""
        about = "perceived age, expected value; the network's error was not published"
        spread = "perceived age: standard deviation of the network's probabilities, not of its error"
        return (
            Column("perceived_age", "float32", about, "years", 0, 80, source=_DLIB, sensitive=True),
            Column("perceived_age_spread", "float32", spread, "years", 0, 40, source=_DLIB, sensitive=True),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The network, and the one that finds landmarks where none came with the face."""
        return (_AGE, centerface.MODEL)

    def prepare(self) -> None:
        """Fetch and load the networks."""
        loaded(_age_network)
        loaded(centerface.network)

    def __call__(self, batch: Sequence[Region]) -> Mapping[str, Any]:
        """Look at faces.

        Raises:
            MediaError: a region shows no face.
        """
        rows = [_looked_at(loaded(_age_network), region, 64) for region in batch]
        found = np.array(rows, np.float64).reshape(len(rows), len(_YEARS))
        mean = found @ _YEARS
        spread = np.sqrt(np.maximum(0, (found * (_YEARS - mean[:, None]) ** 2).sum(axis=1)))
        return {"perceived_age": mean.astype(np.float32), "perceived_age_spread": spread.astype(np.float32)}


@dataclass(frozen=True)
class PerceivedGender(Measure):
    """How probable it is, to the network, that people would call the face a woman's rather than a man's.

    It knows these two labels only and says nothing about how a person identifies; children and faces that fit neither
    get a number too. The published accuracy is .973 on LFW: celebrities in press photographs, mostly light-skinned men.
    Networks of this kind were found to err most for darker-skinned women (Buolamwini & Gebru 2018), and nobody has
    published subgroup errors of this one: measure them on your own material before comparing groups. The probability is
    not calibrated.

    References:
        The network is ``dnn_gender_classifier_v1`` of https://github.com/davisking/dlib-models, after Antipov, Berrani
        & Dugelay (2016), doi:10.1016/j.patrec.2015.11.011; Buolamwini & Gebru (2018), Gender shades,
        https://proceedings.mlr.press/v81/buolamwini18a.html.
    """

    name: ClassVar[str] = "perceived_gender"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "region"

    @property
    def columns(self) -> tuple[Column, ...]:
        """One probability."""
        about = "perceived as a woman rather than a man: probability; published share of wrong labels on LFW .027"
        return (Column("perceived_woman", "float32", about, "share", 0, 1, source=_DLIB, sensitive=True),)

    @property
    def models(self) -> tuple[str, ...]:
        """The network, and the one that finds landmarks where none came with the face."""
        return (_GENDER, centerface.MODEL)

    def prepare(self) -> None:
        """Fetch and load the networks."""
        loaded(_gender_network)
        loaded(centerface.network)

    def __call__(self, batch: Sequence[Region]) -> Mapping[str, Any]:
        """Look at faces.

        Raises:
            MediaError: a region shows no face.
        """
        rows = [_looked_at(loaded(_gender_network), region, 32)[0] for region in batch]
        return {"perceived_woman": np.array(rows, np.float32)}


@dataclass(frozen=True)
class PerceivedExpression(Measure):
    """How probable each of seven expressions is, to a network that knows no other; they sum to 1.

    A face that people would call happy need not be a happy person's (Barrett et al. 2019). Posed and strong
    expressions, happiness and surprise above all, are told well; anger, fear, disgust and sadness are confused with
    each other and with a resting face. The published accuracy of the default is .66 on FER-2013, about what people
    reach on these pictures. The probabilities are not calibrated.

    Args:
        model: "mini-xception", or ``owner/name@commit`` of a hub repository, or the path of a folder, with a checkpoint
            of transformers for image classification of the same seven expressions, in safetensors (extra ``torch``).

    References:
        Arriaga, Valdenegro-Toro & Plöger (2017), doi:10.48550/arXiv.1710.07557; Goodfellow et al. (2015), FER-2013,
        doi:10.1016/j.neunet.2014.09.005; Barrett, Adolphs, Marsella, Martinez & Pollak (2019),
        doi:10.1177/1529100619832930.
    """

    model: str = mini_xception.MODEL

    name: ClassVar[str] = "perceived_expression"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "region"

    def __post_init__(self) -> None:
        """Refuse unknown models at the door."""
        if self.model != mini_xception.MODEL and weights.get(self.model).bundle is None:
            raise InputError(
                f"perceived_expression: {self.model} is no model of expressions; leave it out for "
                f"{mini_xception.MODEL}, or give a checkpoint of transformers"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """One probability for each expression."""
        error = ERRORS.get(self.model)
        known = "not known to studium" if error is None else f"{error:g} on FER-2013, published"
        about = f"perceived expression: probability of {{}}; share of wrong labels {known}"
        source = "doi:10.1016/j.neunet.2014.09.005"
        return tuple(
            Column(f"perceived_{name}", "float32", about.format(name), "share", 0, 1, source=source, sensitive=True)
            for name in EXPRESSIONS
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The network, and the one that finds landmarks where none came with the face."""
        return (self.model, centerface.MODEL)

    def prepare(self) -> None:
        """Fetch and load the networks.

        Raises:
            InputError: the checkpoint has other classes than the seven.
        """
        loaded(centerface.network)
        if self.model == mini_xception.MODEL:
            loaded(mini_xception.network)
        else:
            _order(checkpoint(self.model, "ImageClassification"))

    def __call__(self, batch: Sequence[Region]) -> Mapping[str, Any]:
        """Look at faces.

        Raises:
            MediaError: a region shows no face.
        """
        rows = [self._probabilities(region) for region in batch]
        found = np.array(rows, np.float32).reshape(len(rows), len(EXPRESSIONS))
        return {column.name: found[:, at] for at, column in enumerate(self.columns)}

    def _probabilities(self, region: Region) -> Vector:
        if self.model != mini_xception.MODEL:
            return _classified(region, checkpoint(self.model, "ImageClassification"))
        faces = np.stack([grey(np.ascontiguousarray(face)) for face in views(region, mini_xception.SIDE)])
        pixels = faces[:, None].astype(np.float32) / np.float32(127.5) - 1
        return _mean(loaded(mini_xception.network).run(["probabilities"], {"pixels": pixels})[0])


@cache
def _age_network() -> Any:
    return session(weights.path(_AGE, "age-v1.onnx"), _AGE)


@cache
def _gender_network() -> Any:
    return session(weights.path(_GENDER, "gender-v1.onnx"), _GENDER)


def _looked_at(network: Any, region: Region, size: int) -> Vector:
    """What a network of dlib-models says about a face: probabilities of its classes, the mean over the views."""
    return _mean(network.run(["probabilities"], {"images": planes(views(region, size))})[0])


def _mean(rows: npt.NDArray[np.float32]) -> Vector:
    """The mean of probabilities, made to sum to 1, which rounding may have moved them from."""
    found = rows.mean(axis=0, dtype=np.float64)
    return np.asarray(found / found.sum())


def _classified(region: Region, model: Checkpoint) -> Vector:
    """What a checkpoint of transformers says about a face, in the order of `EXPRESSIONS`."""
    import torch

    face = chip(region, 224)
    pixels = model.processor([face], return_tensors="pt", input_data_format="channels_last")
    with torch.inference_mode():
        logits = model.network(**pixels.to(model.device)).logits[0]
    probabilities: Vector = logits.double().softmax(-1).cpu().numpy()
    return probabilities[_order(model)]


def _order(model: Checkpoint) -> list[int]:
    """Where a checkpoint has each of `EXPRESSIONS`.

    Raises:
        InputError: its classes are others.
    """
    names = [_WORDS.get(label.lower()) for label in model.labels]
    if sorted(map(str, names)) != sorted(EXPRESSIONS):
        raise InputError(
            f"perceived_expression: the checkpoint should tell apart {', '.join(EXPRESSIONS)}, and nothing else; "
            f"it has: {', '.join(model.labels)}"
        )
    return [names.index(name) for name in EXPRESSIONS]
