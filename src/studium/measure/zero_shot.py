"""Zero-shot coding: which value of a variable a picture is closest to, from descriptions of the values alone."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Measure
from studium.core.variable import NONE_OF_THESE
from studium.errors import InputError
from studium.measure import encoders
from studium.media.transform import Picture

__all__ = ["ZeroShot"]

PROMPT = "a photo of a {}"
SOURCE = "doi:10.48550/arXiv.2103.00020"
SIGMOID = "doi:10.48550/arXiv.2303.15343"

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ZeroShot(Measure):
    """Code pictures by the cosine between picture and description, as CLIP does it.

    Of values that exclude each other the closest is taken, and the probabilities are softmax(cos / temperature). They
    order the values of a picture, but are not calibrated: of those called .9 fewer, or more, than nine in ten are
    right. Check them against hand-coded pictures, and calibrate them on these (``studium calibrate``), before use.

    A multilabel variable needs a model of the SigLIP family: it was trained to say of each text by itself whether it
    fits, sigmoid(scale cos + bias). CLIP was trained to choose, and hardly understands "not": ask it a binary variable
    for each value, with prompts for both answers.

    ConSE, the default model, sees a picture through the 1,000 ImageNet classes: it tells cats from coffee, not protest
    from parade. Use it for object-like values only.

    Args:
        values: the values of the variable, at least two (of a multilabel one, at least one).
        prompts: for each value one description, or a tuple of several (the mean of their vectors is used); empty
            means "a photo of a VALUE".
        model: a model that puts pictures and texts into one space: "conse", another id of ``models.toml``,
            ``owner/name@commit`` of the hub, or the path of a folder in the hub's format.
        variable: the variable's name; names the columns.
        temperature: what cosines are divided by before the softmax, greater than 0. Higher: flatter probabilities,
            the same values. None for the model's own (CLIP .01).
        multilabel: whether any number of values may apply; ``<variable>`` is then a JSON list of those with a
            probability of at least .5.
        none_of_these: descriptions of what has none of the values; with some, ``none_of_these`` is the last value.

    References:
        Radford et al. (2021), doi:10.48550/arXiv.2103.00020 (prompts, ensembles, scale); Zhai et al. (2023),
        doi:10.48550/arXiv.2303.15343 (sigmoid); Norouzi et al. (2014), doi:10.48550/arXiv.1312.5650 (ConSE).
    """

    values: tuple[str, ...]
    prompts: tuple[str | tuple[str, ...], ...] = ()
    model: str = "conse"
    variable: str = "zero_shot"
    temperature: float | None = None
    multilabel: bool = False
    none_of_these: tuple[str, ...] = ()

    name: ClassVar[str] = "zero_shot"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse what cannot be coded; lists become tuples, as they do from a study file."""
        for field in ("values", "prompts", "none_of_these"):
            object.__setattr__(self, field, _tuples(getattr(self, field)))
        if not encoders.is_joint(self.model):
            raise InputError(f"zero_shot needs a model that also reads text, such as conse; {self.model!r} does not")
        self._check_values()
        self._check_prompts()
        self._check_probabilities()
        if not (isinstance(self.variable, str) and re.fullmatch("[a-z][a-z0-9_]*", self.variable)):
            raise InputError(f"variable should be lower snake case, such as 'scene_type', got {self.variable!r}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The most probable value; probabilities and cosines in the order of the values."""
        size, order = len(self._values), f"of {', '.join(self._values)}"
        at = "the model's own temperature" if self.temperature is None else f"{self.temperature:g}"
        said, how = f"closest {order}", f"softmax(cos / {at}) {order}"
        if self.multilabel:
            said, how = f"JSON list of those with a probability of at least .5 {order}", f"sigmoid(logits) {order}"
        source = SIGMOID if self.multilabel else SOURCE
        return (
            Column(self.variable, "string", said, source=source),
            Column(f"{self.variable}_prob", "float32", how, "share", 0, 1, size, source),
            Column(f"{self.variable}_cosine", "float32", f"cosine to the prompts {order}", "", -1, 1, size, SOURCE),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    @property
    def detail(self) -> int | None:
        """What its pictures must keep."""
        return encoders.detail(self.model)

    @property
    def at_once(self) -> int:
        """How many pictures the network takes at once."""
        return encoders.at_once(self.model)

    def identifies(self, of: str) -> bool:
        """Of faces, whatever the values: origin, religion or orientation read off a face are data of GDPR Art. 9."""
        return of == "face"

    def prepare(self) -> None:
        """Fetch and load the model, and encode the prompts.

        Raises:
            InputError: the variable is multilabel, and the model was not trained for that.
        """
        encoders.prepare(self.model)
        self._encoded()
        if self.multilabel:
            self._bias()

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Code RGB pictures."""
        prompts = self._encoded()
        pictures = encoders.encode_images(self.model, batch)
        with np.errstate(invalid="ignore"):  # refused below
            rows = [prompts @ (one / np.linalg.norm(one)) for one in pictures]  # one by one: BLAS rounds by shape
        cosine = np.clip(np.array(rows, np.float32).reshape(len(pictures), len(self._values)), -1, 1)
        if not np.isfinite(cosine).all():
            raise InputError(
                f"zero_shot: {self.model} sees nothing in a picture (a vector of zeros), which is close to no value; "
                "try another model"
            )
        said, shares = self._several(cosine) if self.multilabel else self._closest(cosine)
        return {
            self.variable: said,
            f"{self.variable}_prob": shares.astype(np.float32),
            f"{self.variable}_cosine": cosine,
        }

    def _closest(self, cosine: Vectors) -> tuple[list[str], npt.NDArray[np.float64]]:
        """The value with the highest cosine, the first of several; the softmax of all."""
        scale = encoders.logit_scale(self.model) if self.temperature is None else 1 / self.temperature
        odds = np.exp(scale * (cosine.astype(np.float64) - cosine.max(axis=1, keepdims=True)))
        return [self._values[number] for number in cosine.argmax(axis=1)], odds / odds.sum(axis=1, keepdims=True)

    def _several(self, cosine: Vectors) -> tuple[list[str], npt.NDArray[np.float64]]:
        """The values that apply, each by itself, as a JSON list; the sigmoid of each."""
        logits = encoders.logit_scale(self.model) * cosine.astype(np.float64) + self._bias()
        shares = np.exp(-np.logaddexp(0, -logits))
        named = [[value for value, fits in zip(self._values, row >= 0, strict=True) if fits] for row in logits]
        return [json.dumps(values, ensure_ascii=False) for values in named], shares

    def _bias(self) -> float:
        bias = encoders.logit_bias(self.model)
        if bias is None:
            raise InputError(
                f"zero_shot: {self.variable} is multilabel, and {self.model} was trained to choose one of several "
                "texts, not to say of each whether it fits. Take a model of the SigLIP family, or make each value a "
                "binary variable with prompts for both of its values"
            )
        return bias

    @property
    def _values(self) -> tuple[str, ...]:
        """The values, and last ``none_of_these`` if it is described."""
        return self.values + (NONE_OF_THESE,) * bool(self.none_of_these)

    def _encoded(self) -> Vectors:
        """Values x d: the vector of each value's prompts."""
        prompts = self.prompts or tuple(PROMPT.format(value) for value in self.values)
        given = tuple((prompt,) if isinstance(prompt, str) else prompt for prompt in prompts)
        given += (self.none_of_these,) * bool(self.none_of_these)
        return _prompt_vectors(self.model, weights.fingerprint(self.model), given)

    def _check_values(self) -> None:
        least = 1 if self.multilabel is True else 2
        if not _are_texts(self.values) or len(self.values) < least or len(set(self.values)) < len(self.values):
            raise InputError(
                f"zero_shot needs at least {('one value', 'two different values')[least - 1]}, texts that are not "
                f"empty, each once; got {self.values!r}"
            )
        if self.none_of_these and NONE_OF_THESE in self.values:
            raise InputError(f"zero_shot: {NONE_OF_THESE} has prompts of its own, or is one of the values; not both")

    def _check_prompts(self) -> None:
        if not isinstance(self.prompts, tuple) or len(self.prompts) not in (0, len(self.values)):
            raise InputError(f"zero_shot needs one prompt (or tuple of prompts) for each value, got {self.prompts!r}")
        several = [one if isinstance(one, tuple) else (one,) for one in self.prompts]
        several += [] if self.none_of_these == () else [self.none_of_these]
        if not all(map(_are_texts, several)):
            raise InputError(
                "zero_shot: prompts (and none_of_these, a list of them) should be texts that are not empty, got "
                f"{self.prompts!r} and {self.none_of_these!r}"
            )

    def _check_probabilities(self) -> None:
        if not isinstance(self.multilabel, bool):
            raise InputError(f"zero_shot: multilabel should be true or false, got {self.multilabel!r}")
        given: Any = self.temperature
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if given is not None and not (number and math.isfinite(given) and given > 0):
            raise InputError(
                f"zero_shot: temperature should be a number above 0, got {given!r}; leave it out for the model's own"
            )
        if self.multilabel and (given is not None or self.none_of_these):
            raise InputError(
                "zero_shot: a multilabel variable takes neither a temperature (the model's bias belongs to its own) "
                "nor none_of_these (a picture may have no value); leave them out"
            )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _are_texts(texts: object) -> bool:
    return isinstance(texts, tuple) and bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)


@cache
def _prompt_vectors(model: str, fingerprint: str, prompts: tuple[tuple[str, ...], ...]) -> Vectors:
    """Values x d: the mean vector of each value's prompts, of length 1; again if the weights change."""
    means = [encoders.encode_text(model, texts).mean(axis=0) for texts in prompts]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])
