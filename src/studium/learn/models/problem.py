"""What is fitted one by one: all classes of a categorical target, one class of others, or numbers; and its folds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.folds.deal import deal, hands

__all__ = ["Classes", "Fold", "Numbers", "Problem", "Whole"]

Whole = npt.NDArray[np.int64]
Fold = tuple[Whole, Whole]
"""Rows to train on, and to judge."""
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Numbers:
    """Values to be predicted.

    Attributes:
        name: for messages.
        truth: (n,) values.
        weights: (n,) with mean 1.
        groups: (n,) number of the group, from 0.
    """

    name: str
    truth: Floats
    weights: Floats
    groups: Whole

    classes = 0

    def copies(self, rows: Whole) -> tuple[Whole, Floats, Floats]:
        """What a learner takes of some rows: the rows, their values and weights."""
        return rows, self.truth[rows], self.weights[rows]

    def loss(self, predicted: Floats, rows: Whole) -> float:
        """Weighted squared error of (m,) values of some rows, summed."""
        return float(self.weights[rows] @ (predicted - self.truth[rows]) ** 2)

    def folds(self, most: int, seed: int) -> list[Fold]:
        """Rows to train on and to judge, with no group on both sides.

        Args:
            most: folds; as many as there are groups, if these are fewer.
            seed: of the draw.

        Raises:
            InputError: one group only.
        """
        count = int(self.groups.max()) + 1
        if count < 2:
            raise InputError(f"{self.name}: settings are chosen on units of other groups, but there is one group only")
        fold = (np.random.default_rng(seed).permutation(count) % min(most, count))[self.groups]
        return _parted(fold, min(most, count))


@dataclass(frozen=True)
class Classes:
    """Classes to be told apart, with what each unit weighs as one of each.

    Attributes:
        name: for messages.
        truth: (n,) number of the class, from 0, by which folds are stratified.
        mass: (n, k) weight of each unit as one of each class: all of it as one, or shared, if coders differ. Their sum
            is n.
        groups: (n,) number of the group, from 0.
    """

    name: str
    truth: Whole
    mass: Floats
    groups: Whole

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.mass.shape[1])

    @property
    def weights(self) -> Floats:
        """(n,) of the units."""
        return np.asarray(self.mass.sum(axis=1))

    def evened(self) -> "Classes":
        """With weights by which each class counts the same together."""
        even = self.mass / self.mass.sum(axis=0)
        return Classes(self.name, self.truth, even * (len(even) / even.sum()), self.groups)

    def copies(self, rows: Whole) -> tuple[Whole, Whole, Floats]:
        """What a learner takes of some rows: a copy for each class that a unit has a share in.

        Returns:
            (m,) the row, the number of the class, and the weight of each copy.
        """
        at, label = np.nonzero(self.mass[rows])
        return rows[at], label, self.mass[rows[at], label]

    def loss(self, p: Floats, rows: Whole) -> float:
        """Weighted log-loss of (m, k) probabilities of some rows, summed; 0 in float64 counts as 2e-308."""
        return -float((self.mass[rows] * np.log(np.maximum(p, _TINY))).sum())

    def folds(self, most: int, seed: int) -> list[Fold]:
        """Rows to train on and to judge: no group on both sides, like shares of the classes, every class to train on.

        Args:
            most: folds; fewer are made of a class with fewer groups.
            seed: of the draw.

        Raises:
            InputError: a class (or the whole) of one group only, or groups that cannot be dealt so.
        """
        fewest = min(len(np.unique(self.groups[column > 0])) for column in self.mass.T)
        if fewest < 2:
            raise InputError(
                f"{self.name}: settings are chosen on units of other groups, so each class needs labels of at least "
                "two groups (files, posts, accounts); code more of the rare ones, join them, or give the setting"
            )
        given = hands([str(one) for one in self.groups.tolist()], [str(one) for one in self.truth.tolist()])
        for count in range(min(most, fewest), 1, -1):
            dealt = deal(given, count, f"{seed} inner")
            bins = np.array([dealt[str(group)] for group in range(len(dealt))])
            made = _parted(bins[self.groups], count)
            if all((self.mass[train] > 0).any(axis=0).all() and len(test) for train, test in made):
                return made
        raise InputError(f"{self.name}: groups cannot be dealt into folds that all have every class; code more groups")


Problem = Numbers | Classes


def _parted(fold: Whole, count: int) -> list[Fold]:
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(count)]
