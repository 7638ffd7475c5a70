"""Stacking: models of different inputs (text, picture, sound) whose probabilities are weighed by a model.

``X`` is a mapping: the name of a member -> its X. A unit that lacks the input of a member has no place in it: what a
missing picture stands for is a question of the study, so it is left out before, and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Arrays, Estimator, Fitted
from studium.learn.models.head import CONTINUOUS, MULTILABEL, ORDINAL, Head
from studium.learn.models.linear import FittedLinear, LinearProbe
from studium.learn.models.members import (
    Inputs,
    agreed,
    asked,
    loaded,
    named,
    ordered,
    rows,
    told,
    trained,
    units,
    written,
)
from studium.learn.models.ordinal import above
from studium.learn.models.saved import load, shaped
from studium.learn.models.training import Training

__all__ = ["FittedStack", "Stack", "Stacked"]

EDGE = 1e-6
"""Probabilities count as at least so far from 0 and 1 when a model weighs them."""


@dataclass(frozen=True)
class Stack:
    """Stacking: a logistic (ridge) regression weighs what the members say of units that they did not learn from.

    It reads log-odds of the members' probabilities. Alone, `fit` trains each member once for each inner fold, grouped
    and stratified, asks it about that fold, and then trains it on all; where models were asked about validation units
    already, `on` takes what they said.

    Attributes:
        head: what is predicted; the members get it.
        members: name -> what is trained on its X.
        C: inverse of the penalty's weight; None to choose it on inner folds, see `LinearProbe`.
        folds: inner ones, at least 2.
        seed: of the draw of the folds.
        inputs: what X is, in words; kept with the model.

    References:
        Wolpert (1992), doi:10.1016/S0893-6080(05)80023-1; Ting & Witten (1999), doi:10.1613/jair.594.
    """

    head: Head = field(default_factory=Head)
    members: Mapping[str, Estimator] = field(default_factory=dict)
    C: float | None = None
    folds: int = 3
    seed: int = 0
    inputs: str = ""

    def __post_init__(self) -> None:
        """Refuse names and settings that cannot be."""
        named(self.members)
        LinearProbe(C=self.C, folds=self.folds)

    def fit(
        self, X: Inputs, y: ArrayLike, weights: ArrayLike | None = None, groups: Sequence[Any] | None = None
    ) -> "FittedStack":
        """Train members and what weighs them; see `studium.learn.models.estimator.Estimator`."""
        n = units(X, self.members)
        given = Training.of(self.head, y, n, weights, groups)
        labels, heavy = np.asarray(y), None if weights is None else np.asarray(weights)
        said = {name: np.empty((n, max(1, len(given.head.classes)))) for name in self.members}
        for train, test in given.folds(self.folds, self.seed):
            for name, member in self.members.items():
                part = None if heavy is None else heavy[train]
                made = replace(member, head=given.head).fit(  # type: ignore[type-var]  # parts are dataclasses
                    rows(X[name], train), labels[train], part, given.groups[train].tolist()
                )
                said[name][test] = made.outputs(rows(X[name], test))
        stacked = Stack.on(given.head, said, y, weights, groups, self)
        members = trained(self.members, given.head, X, y, weights, groups)
        return stacked.with_members(members, self.inputs)

    @staticmethod
    def on(
        head: Head,
        outputs: Mapping[str, Floats],
        y: ArrayLike,
        weights: ArrayLike | None = None,
        groups: Sequence[Any] | None = None,
        how: "Stack | None" = None,
    ) -> "Stacked":
        """Of what members say of units that they did not learn from.

        Args:
            head: what is predicted, with its classes.
            outputs: name of a member -> its outputs (n, k).
            y: labels of these units, as `studium.learn.models.estimator.Estimator.fit` takes them.
            weights: (n,) above 0; None for equal ones.
            groups: (n,) names; None if each unit is one of its own.
            how: its settings; None for those of `Stack()`.
        """
        settings = how or Stack()
        named(outputs, several=True)
        probe = LinearProbe(head, "log-odds of members", settings.C, folds=settings.folds, seed=settings.seed)
        return Stacked(tuple(outputs), probe.fit(_odds(outputs, head), y, weights, groups))


@dataclass(frozen=True)
class Stacked:
    """What weighs the members of a `Stack`.

    Attributes:
        names: of the members, in order.
        model: of their log-odds.
    """

    names: tuple[str, ...]
    model: FittedLinear

    @property
    def settings(self) -> dict[str, Any]:
        """Of the model that weighs, with the order of the members."""
        return {"names": list(self.names)} | self.model.settings

    def outputs(self, outputs: Mapping[str, Floats]) -> Floats:
        """As `Fitted.outputs`, of what the members say."""
        in_order = dict(zip(self.names, ordered(outputs, self.names), strict=True))
        return self.model.outputs(_odds(in_order, self.model.head))

    def crossed(
        self,
        outputs: Mapping[str, Floats],
        y: ArrayLike,
        weights: ArrayLike | None = None,
        groups: Sequence[Any] | None = None,
        folds: int = 3,
    ) -> Floats:
        """What it says of the units that it was made of, each by a model of other groups: to tune and choose by.

        Args:
            outputs: as of `Stack.on`.
            y: as of `Stack.on`.
            weights: as of `Stack.on`.
            groups: as of `Stack.on`.
            folds: that the units are dealt into; fewer, if a class has fewer groups.
        """
        head, labels = self.model.head, np.asarray(y)
        given = Training.of(head, y, len(labels), weights, groups)
        how = Stack(C=float(np.median([one["C"] for one in self.model.settings["chosen"]])))
        said = np.empty((len(labels), max(1, len(head.classes))))
        for train, test in given.folds(folds, self.model.settings["seed"]):
            own, others = ({name: one[which] for name, one in outputs.items()} for which in (train, test))
            part = given.weights[train], given.groups[train].tolist()
            said[test] = Stack.on(head, own, labels[train], *part, how).outputs(others)
        return said

    def with_members(self, members: Mapping[str, Fitted], inputs: str = "") -> "FittedStack":
        """The whole model, of members that are trained."""
        if set(members) != set(self.names):
            raise InputError(f"the members are {', '.join(self.names)}; got {', '.join(members)}")
        found = {name: members[name] for name in self.names}
        if agreed(found) != self.model.head:
            raise InputError(f"members predict {agreed(found)}, and were weighed for {self.model.head}")
        settings = self.settings | {"members": told(found)}
        return FittedStack(self.model.head, inputs, settings, self.model.training, found, self)


@dataclass(frozen=True)
class FittedStack(Fitted):
    """A trained `Stack`.

    Attributes:
        members: name -> model.
        stacked: what weighs them.
    """

    members: dict[str, Fitted]
    stacked: Stacked

    kind: ClassVar[str] = "stack"
    takes: ClassVar[str] = "members"

    def outputs(self, X: Inputs) -> Floats:
        """As `Fitted.outputs`, of each member's X."""
        return self.joined(asked(self.members, X))

    def joined(self, outputs: Mapping[str, Floats]) -> Floats:
        """What is made of what the members say."""
        return self.stacked.outputs(outputs)

    def arrays(self) -> Arrays:
        """None of its own."""
        return {}

    def preprocessing(self) -> dict[str, Any]:
        """Names of the members, in order."""
        return {"members": list(self.members)}

    def write(self, folder: Path) -> None:
        """Write the members, and what weighs them."""
        written(self.members, folder)
        self.stacked.model.save(folder / "stack")

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`."""
        shaped(arrays)
        members, model = loaded(preprocessing["members"], common["head"], folder), load(folder / "stack")
        if not isinstance(model, FittedLinear) or model.head != common["head"]:
            raise InputError("what weighs the members of the saved model is no linear model of its target")
        return cls(**common, members=members, stacked=Stacked(tuple(members), model))


def _odds(outputs: Mapping[str, Floats], head: Head) -> Floats:
    """What the members say as log-odds (of several classes: log-probabilities around 0), side by side."""
    shapes = {np.shape(one) for one in outputs.values()}
    if len(shapes) > 1 or not all(len(one) == 2 and one[1] == max(1, len(head.classes)) for one in shapes):
        raise InputError(f"outputs of members should be (n, {max(1, len(head.classes))}) each; got {shapes}")
    return np.hstack([_log_odds(np.asarray(one, np.float64), head) for one in outputs.values()])


def _log_odds(p: Floats, head: Head) -> Floats:
    if head.task == CONTINUOUS:
        return p
    p = above(p) if head.task == ORDINAL else p
    held = np.clip(p, EDGE, 1 - EDGE)
    if head.task not in {MULTILABEL, ORDINAL} and len(head.classes) > 2:
        logs = np.log(held)
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))
    odds = np.log(held) - np.log1p(-held)
    return np.asarray(odds if head.task in {MULTILABEL, ORDINAL} else odds[:, 1:])
