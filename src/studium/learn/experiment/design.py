"""What an experiment compares: models, the variables that they learn, and the units that all of them are judged on."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core.recipe import canonical
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, Ints
from studium.learn.evaluate.intervals import Bootstrap
from studium.learn.evaluate.summary import FIGURES, MAIN
from studium.learn.folds.groups import Keys
from studium.learn.folds.splits import Split, Splits
from studium.learn.models.estimator import Estimator
from studium.learn.models.head import Head
from studium.learn.models.training import fingerprint
from studium.learn.models.tuned import Tuning

__all__ = ["MULTIMODAL", "SHARES", "Design", "Fusion", "Ground", "Member", "Model", "Task", "ground"]

MULTIMODAL = "multimodal"
SHARES = (0.25, 0.5)
"""Of the training groups that a learning curve is drawn at, before all of them."""
_WAYS = ("mean", "stack")


@dataclass(frozen=True, eq=False)
class Model:
    """A model that is trained.

    Attributes:
        name: in the study file.
        estimator: whatever its head is, it is replaced by that of the task.
        X: m inputs: a table (m, d), or a sequence that may make them when asked for.
        units: the coded unit that each input is of, or is a part of (the post of a picture).
        modality: "text", "image", "audio" or "multimodal".
        kind: of estimator: "linear".
        of: kind of the units that it reads; "" for the coded ones.
        inputs: what X is, in words or by recipe.
        parts: whether inputs are parts of units: labels are inherited, and predictions aggregated.
        outline: names each input as it is, without making it; None: the inputs themselves are texts or numbers.
        lacking: coded unit -> why it has no input, as far as that is known.
    """

    name: str
    estimator: Estimator
    X: Any
    units: Sequence[str]
    modality: str
    kind: str = ""
    of: str = ""
    inputs: str = ""
    parts: bool = False
    outline: Sequence[str] | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Mapping[str, list[int]]:
        """Coded unit -> rows of X."""
        found: dict[str, list[int]] = {}
        for row, unit in enumerate(self.units):
            found.setdefault(unit, []).append(row)
        return found

    def digest(self, rows: Ints) -> str:
        """Names some of the inputs, as they are."""
        if isinstance(self.X, np.ndarray):
            return fingerprint(self.X[rows])
        named = self.X if self.outline is None else self.outline
        return hashlib.sha256(canonical([named[row] for row in rows.tolist()]).encode()).hexdigest()


@dataclass(frozen=True)
class Fusion:
    """A model of what other models of the experiment say: late fusion.

    Attributes:
        name: in the study file.
        members: names of models.
        how: "mean" of their probabilities, or "stack": a logistic regression on them, fitted on validation units.
    """

    name: str
    members: tuple[str, ...]
    how: str = "mean"

    def __post_init__(self) -> None:
        """Refuse what cannot be fused."""
        if self.how not in _WAYS or len(set(self.members)) < 2 or len(set(self.members)) < len(self.members):
            raise InputError(
                f"{self.name}: a fusion needs two models at least, each once, and how = mean or stack; got "
                f"{list(self.members)} and {self.how!r}"
            )


Member = Model | Fusion


@dataclass(frozen=True, eq=False)
class Task:
    """A variable, and its labels.

    Attributes:
        head: what is predicted, with its classes.
        units: n coded units.
        y: their labels, as `Estimator.fit` takes them.
        strata: what each is stratified by.
        keys: what must not be parted by the split.
        weights: (n,) 1 / P(drawn); None for equal ones.
        soft: (n, k) shares of the coders, which models learn from; they are judged by ``y``. None: they learn from it.
        about: what is told of the labels: ``coders``, ``dropped`` {reason: n}.
    """

    head: Head
    units: Sequence[str]
    y: npt.NDArray[Any]
    strata: Sequence[str]
    keys: Keys = field(default_factory=dict)
    weights: Floats | None = None
    soft: Floats | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the variable."""
        return self.head.variable


@dataclass(frozen=True)
class Design:
    """How models are compared.

    Attributes:
        test: share of the test set.
        folds: into how many the rest is dealt.
        seed: of the split and of the bootstrap.
        figure: that models are compared by, such as "macro_f1"; "" for the usual one of each task.
        draws: of the bootstrap. More are made where many pairs are compared.
        tuning: of each model on its validation units.
        curve: whether models are also trained on shares of the training groups of the first fold.
        pairs: which models are compared; none for all pairs.
        price: US dollars for an hour of the machine; None if nobody said.
    """

    test: float = 0.2
    folds: int = 3
    seed: int = 0
    figure: str = ""
    draws: int = 2000
    tuning: Tuning = field(default_factory=Tuning)
    curve: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    price: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is trained."""
        Splits(self.test, self.folds, self.seed)
        Bootstrap(self.draws, self.seed)
        if self.price is not None and not 0 <= self.price < math.inf:
            raise InputError(f"price should be US dollars for an hour, got {self.price}")

    def figure_of(self, task: str) -> str:
        """The figure that models are compared by.

        Raises:
            InputError: it does not fit the task.
        """
        named = self.figure or MAIN[task]
        if named not in FIGURES[task]:
            raise InputError(f"figure: a {task} variable has {', '.join(FIGURES[task])}; got {named!r}")
        return named


@dataclass(frozen=True, eq=False)
class Ground:
    """The units of a task on which all models are compared.

    Attributes:
        task: the variable.
        split: of all coded units.
        units: those that every model has inputs for, sorted.
        y: their labels, which models are judged by.
        taught: what models learn from: the shares of their coders, or the labels.
        weights: theirs; None for equal ones.
        groups: the group of each.
        parts: the part of each: `studium.learn.folds.splits.TEST`, or the number of its fold.
        left_out: reason -> how many other units, each counted by the first model that lacks it.
    """

    task: Task
    split: Split
    units: tuple[str, ...]
    y: npt.NDArray[Any]
    taught: npt.NDArray[Any]
    weights: Floats | None
    groups: tuple[str, ...]
    parts: Ints
    left_out: Mapping[str, int]


def ground(task: Task, split: Split, models: Sequence[Model]) -> Ground:
    """The units that every model has inputs for.

    Raises:
        InputError: the split parts what belongs together, or does not know a unit; or no unit is left to test on.
    """
    split.refuse_leaks(task.units, task.keys)
    left_out: Counter[str] = Counter()
    kept = []
    for at in sorted(range(len(task.units)), key=lambda at: task.units[at]):
        unit = task.units[at]
        lacks = next((model for model in models if unit not in model.rows), None)
        if lacks is None:
            kept.append(at)
        else:
            nothing = f"no {lacks.of or 'part'}" if lacks.parts else "no input"
            left_out[f"{lacks.name}: {lacks.lacking.get(unit, nothing)}"] += 1
    units = tuple(task.units[at] for at in kept)
    parts = split.of(units)
    if lacking := sorted({-1, *range(split.folds)} - set(parts.tolist())):
        which = ", ".join("the test set" if part < 0 else f"fold {part}" for part in lacking)
        raise InputError(
            f"{task.name}: of {len(task.units)} coded units {len(units)} have inputs for every model, and none is in "
            f"{which} ({dict(left_out)}); measure more of them, or leave out the model that lacks them"
        )
    group = dict(zip(split.units, split.groups, strict=True))
    return Ground(
        task=task,
        split=split,
        units=units,
        y=np.asarray(task.y)[kept],
        taught=np.asarray(task.y if task.soft is None else task.soft)[kept],
        weights=None if task.weights is None else task.weights[kept],
        groups=tuple(group[unit] for unit in units),
        parts=parts,
        left_out=dict(sorted(left_out.items())),
    )
