"""Late fusion: models of different inputs (text, picture, sound) whose probabilities are averaged.

``X`` is a mapping: the name of a member -> its X. A unit that lacks the input of a member has no place in it: what a
missing picture stands for is a question of the study, so it is left out before, and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Arrays, Estimator, Fitted
from studium.learn.models.head import Head
from studium.learn.models.members import (
    Inputs,
    agreed,
    asked,
    loaded,
    named,
    ordered,
    proportions,
    told,
    trained,
    units,
    written,
)
from studium.learn.models.saved import shaped
from studium.learn.models.training import Training

__all__ = ["FittedLate", "Late"]


@dataclass(frozen=True)
class Late:
    """Late fusion: the mean of the members' probabilities (of a continuous target: of their values).

    Attributes:
        head: what is predicted; the members get it.
        members: name -> what is trained on its X.
        weights: name -> how much it counts, above 0; {} for all the same.
        inputs: what X is, in words; kept with the model.

    References:
        Kittler et al. (1998), doi:10.1109/34.667881 (the sum rule).
    """

    head: Head = field(default_factory=Head)
    members: Mapping[str, Estimator] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    inputs: str = ""

    def __post_init__(self) -> None:
        """Refuse names and weights that cannot be."""
        named(self.members)
        proportions(self.members, self.weights)

    def fit(
        self, X: Inputs, y: ArrayLike, weights: ArrayLike | None = None, groups: Sequence[Any] | None = None
    ) -> "FittedLate":
        """Train each member on its X; see `studium.learn.models.estimator.Estimator`."""
        n = units(X, self.members)
        given = Training.of(self.head, y, n, weights, groups)
        return self.on(trained(self.members, given.head, X, y, weights, groups))

    def on(self, members: Mapping[str, Fitted]) -> "FittedLate":
        """Of members that are trained already."""
        head = agreed(members)
        shares = proportions(members, self.weights)
        settings = {"members": told(members), "weights": dict(zip(members, shares.tolist(), strict=True))}
        first = next(iter(members.values()))
        return FittedLate(head, self.inputs, settings, first.training, dict(members), shares)


@dataclass(frozen=True)
class FittedLate(Fitted):
    """A trained `Late`.

    Attributes:
        members: name -> model.
        shares: of each, with the sum 1.
    """

    members: dict[str, Fitted]
    shares: Floats

    kind: ClassVar[str] = "late"
    takes: ClassVar[str] = "members"

    def outputs(self, X: Inputs) -> Floats:
        """As `Fitted.outputs`, of each member's X."""
        return self.joined(asked(self.members, X))

    def joined(self, outputs: Mapping[str, Floats]) -> Floats:
        """The mean of what the members say."""
        parts = zip(self.shares, ordered(outputs, self.members), strict=True)
        return np.asarray(sum(share * one for share, one in parts))

    def arrays(self) -> Arrays:
        """The shares."""
        return {"shares": self.shares}

    def preprocessing(self) -> dict[str, Any]:
        """Names of the members, in order."""
        return {"members": list(self.members)}

    def write(self, folder: Path) -> None:
        """Write the members."""
        written(self.members, folder)

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`."""
        members = loaded(preprocessing["members"], common["head"], folder)
        shaped(arrays, shares=("f", (len(members),)))
        return cls(**common, members=members, **dict[str, Any](arrays))
