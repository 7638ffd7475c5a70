"""Zero-shot coding: which value of a variable a picture is closest to, from descriptions of the values alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError
from studium.measure import encoders
from studium.measure.transform import Picture

__all__ = ["ZeroShot"]

PROMPT = "a photo of a {}"
SCALE = 100.0  # CLIP's logit scale
SOURCE = "doi:10.48550/arXiv.2103.00020"

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ZeroShot(Measure):
    """Code pictures by the cosine between picture and description, as CLIP does it.

    ConSE, the default model, sees a picture through the 1,000 ImageNet classes: it tells cats from coffee, not protest
    from parade. Use it for object-like values only. The probabilities are softmax(100 cos): they order the values but
    are not calibrated, so check against hand-coded pictures before using either.

    Args:
        values: the values of the variable, at least two.
        prompts: for each value one description, or a tuple of several (the mean of their vectors is used); empty
            means "a photo of a VALUE".
        model: a model that puts pictures and texts into one space: "conse".
        variable: the variable's name; names the columns.

    References:
        Radford et al. (2021), doi:10.48550/arXiv.2103.00020 (prompts, ensembles, scale); Norouzi et al.
        (2014), doi:10.48550/arXiv.1312.5650 (ConSE).
    """

    values: tuple[str, ...]
    prompts: tuple[str | tuple[str, ...], ...] = ()
    model: str = "conse"
    variable: str = "zero_shot"

    name: ClassVar[str] = "zero_shot"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse what cannot be coded; lists become tuples, as they do from a study file."""
        object.__setattr__(self, "values", _tuples(self.values))
        object.__setattr__(self, "prompts", _tuples(self.prompts))
        if not encoders.is_joint(self.model):
            raise InputError(f"zero_shot needs a model that also reads text, such as conse; {self.model!r} does not")
        if not _are_texts(self.values) or len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise InputError(
                f"zero_shot needs at least two different values, texts that are not empty, got {self.values!r}"
            )
        if not isinstance(self.prompts, tuple) or len(self.prompts) not in (0, len(self.values)):
            raise InputError(f"zero_shot needs one prompt (or tuple of prompts) for each value, got {self.prompts!r}")
        if not all(_are_texts(one if isinstance(one, tuple) else (one,)) for one in self.prompts):
            raise InputError(f"zero_shot: prompts should be texts that are not empty, got {self.prompts!r}")
        if not (isinstance(self.variable, str) and re.fullmatch("[a-z][a-z0-9_]*", self.variable)):
            raise InputError(f"variable should be lower snake case, such as 'scene_type', got {self.variable!r}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The most probable value; probabilities and cosines in the order of the values."""
        size, order = len(self.values), f"of {', '.join(self.values)}"
        return (
            Column(self.variable, "string", f"closest {order}", source=SOURCE),
            Column(f"{self.variable}_prob", "float32", f"softmax(100 cos) {order}", "share", 0, 1, size, SOURCE),
            Column(f"{self.variable}_cosine", "float32", f"cosine to the prompts {order}", "", -1, 1, size, SOURCE),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    def identifies(self, of: str) -> bool:
        """Of faces, whatever the values: origin, religion or orientation read off a face are data of GDPR Art. 9."""
        return of == "face"

    def prepare(self) -> None:
        """Fetch and load the model, and encode the prompts."""
        encoders.prepare(self.model)
        _prompt_vectors(self.model, self._prompts())

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Code RGB pictures."""
        prompts = _prompt_vectors(self.model, self._prompts())
        pictures = encoders.encode_images(self.model, batch)
        rows = [
            prompts @ (picture / np.linalg.norm(picture)) for picture in pictures
        ]  # one by one: BLAS rounds by shape
        cosine = np.clip(np.array(rows, np.float32).reshape(len(pictures), len(self.values)), -1, 1)
        odds = np.exp(SCALE * (cosine.astype(np.float64) - cosine.max(axis=1, keepdims=True)))
        return {
            self.variable: [self.values[number] for number in cosine.argmax(axis=1)],
            f"{self.variable}_prob": (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32),
            f"{self.variable}_cosine": cosine,
        }

    def _prompts(self) -> tuple[tuple[str, ...], ...]:
        """The prompts of each value."""
        prompts = self.prompts or tuple(PROMPT.format(value) for value in self.values)
        return tuple((prompt,) if isinstance(prompt, str) else prompt for prompt in prompts)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _are_texts(texts: object) -> bool:
    return isinstance(texts, tuple) and bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)


@cache
def _prompt_vectors(model: str, prompts: tuple[tuple[str, ...], ...]) -> Vectors:
    """Values x d: the mean vector of each value's prompts, of length 1."""
    means = [encoders.encode_text(model, texts).mean(axis=0) for texts in prompts]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])
