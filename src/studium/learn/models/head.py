"""What a model predicts: a variable's task and classes, and the answers that it learns from."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studium.core.variable import Variable
from studium.errors import InputError
from studium.learn.labels.targets import Target

__all__ = ["CATEGORICAL", "CONTINUOUS", "MULTILABEL", "ORDINAL", "Head", "Label", "answers", "plain"]

CATEGORICAL, ORDINAL, MULTILABEL, CONTINUOUS = "categorical", "ordinal", "multilabel", "continuous"

Label = str | int | bool


@dataclass(frozen=True)
class Head:
    """What a model predicts.

    Attributes:
        variable: its name in the codebook.
        task: "categorical" (one of two or more classes), "ordinal" (likewise, from low to high), "multilabel" (any
            number of classes) or "continuous".
        classes: all of one type; the columns of the probabilities. If none is given: those of the labels, sorted; of
            ordinal and multilabel ones they must be given. Of two the second counts as 1. Continuous variables have
            none.
        definition: of the variable in the codebook, for models that are asked; None if there is none.
    """

    variable: str = "label"
    task: str = CATEGORICAL
    classes: tuple[Label, ...] = ()
    definition: Variable | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no target."""
        object.__setattr__(self, "classes", tuple(plain(one) for one in self.classes))
        if self.task not in {CATEGORICAL, ORDINAL, MULTILABEL, CONTINUOUS}:
            raise InputError(f"a task is categorical, ordinal, multilabel or continuous; got {self.task!r}")
        if len(set(map(type, self.classes))) > 1 or not all(isinstance(one, str | int) for one in self.classes):
            raise InputError(f"classes should be all text, all whole numbers, or False and True; got {self.classes}")
        if len(set(self.classes)) < len(self.classes) or (self.task == CONTINUOUS and self.classes):
            raise InputError(f"classes should differ, and a continuous variable has none; got {self.classes}")
        if self.task == ORDINAL and len(self.classes) < 2:
            raise InputError(f"an ordinal variable needs its classes, two at least, from low to high: {self.classes}")

    @classmethod
    def of(cls, target: Target) -> Self:
        """Of a target: its variable, and its classes in their order."""
        task = CATEGORICAL if target.variable.type == "binary" else target.variable.type
        return cls(target.variable.name, task, target.classes, target.variable)


def answers(target: Target, soft: bool = False) -> npt.NDArray[Any]:
    """The ``y`` that ``fit`` takes for `Head.of` (target).

    Args:
        target: n units.
        soft: shares of coders instead of what the most of them said, of a binary, categorical or ordinal target. They
            tell more where coders differ because a unit is ambiguous; where they err by chance, shares make a model too
            unsure, and what most said, or Dawid & Skene make of it, is closer to the truth.

    Returns:
        (n,) classes, (n, k) shares (soft) or 0 and 1 (multilabel), or (n,) numbers.

    Raises:
        InputError: there are no shares of numbers, and no model learns from those of several labels.
    """
    if soft and (target.variable.type == "continuous" or target.y.ndim == 2):
        raise InputError(
            f"variable {target.variable.name!r} is {target.variable.type}: models learn from shares of coders where "
            "classes exclude each other; leave soft out"
        )
    if soft:
        return target.soft
    if target.classes and target.y.ndim == 1:
        return np.asarray(np.array(target.classes)[target.y])
    return target.y


def plain(value: Any) -> Any:
    """A number of numpy as Python's."""
    return value.item() if isinstance(value, np.generic) else value
