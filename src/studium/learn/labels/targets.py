"""Targets: from what several coders said of a unit to what a model learns, with everything that was left out told.

A tie, "cannot tell" and "none of these" are answers that a model cannot take as they come: what becomes of each is a
setting, and how many units it cost stands in the result.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from studium.core.annotation import Annotation
from studium.core.variable import NONE_OF_THESE, Answer, Variable
from studium.errors import InputError
from studium.learn.labels.read import Label
from studium.learn.labels.votes import Votes, gathered

__all__ = ["Combined", "Target", "Targets"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_EVEN = 1e-9  # shares that differ by less are a tie
_BANDS = 5  # of numbers, to stratify by
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "ties": ("drop", "first", "draw"),
    "cannot_tell": ("ignore", "drop"),
    "none_of_these": ("class", "drop"),
}


class Combined(Protocol):
    """What weighs the codes of several coders: see `studium.coding.dawid_skene.Truth`."""

    @property
    def posteriors(self) -> Floats:
        """(units, k) probability of each category."""

    @property
    def told(self) -> Mapping[str, float]:
        """What a report says of it."""


Combine = Callable[[Ints, Ints, Ints, int], Combined]
"""Of (number of the unit, of the coder, of the category; k)."""


@dataclass(frozen=True, eq=False)
class Target:
    """What a model learns of one variable.

    Attributes:
        variable: its definition.
        units: n of them, in order of first appearance.
        classes: names of the k columns of ``soft``. Binary: the second is the variable's first value, which counts as
            1. Multilabel: its values, which do not exclude each other. Continuous: none.
        y: (n,) number of the class (binary: 0 or 1; ordinal: from low to high); multilabel: (n, k) 0 or 1;
            continuous: (n,) mean of the coders.
        soft: (n, k) share of coders, or what ``combine`` made of them; continuous: (n, 0).
        weights: (n,) 1 / P(drawn).
        labels: (n,) how many labels each rests on.
        coders: who they are of.
        dropped: reason -> units without a target.
        told: other things met, and how often: labels that say "cannot tell", repeated ones, ties that were decided.
        combined: for each fit of ``combine``, what it tells.
    """

    variable: Variable
    units: tuple[str, ...]
    classes: tuple[str, ...]
    y: npt.NDArray[Any]
    soft: Floats
    weights: Floats
    labels: Ints
    coders: tuple[str, ...]
    dropped: Mapping[str, tuple[str, ...]]
    told: Mapping[str, int]
    combined: tuple[Mapping[str, float], ...] = ()

    def counts(self) -> dict[str, int]:
        """Units of each class; of a multilabel variable, those that have it. Nothing of a continuous one."""
        if self.y.ndim == 2:
            return dict(zip(self.classes, self.y.sum(axis=0).tolist(), strict=True))
        return {name: int((self.y == number).sum()) for number, name in enumerate(self.classes)}

    def take(self, rows: Sequence[int], why: str) -> "Target":
        """Some of its units; the others are dropped for a reason."""
        at = list(rows)
        units = tuple(self.units[row] for row in at)
        if not (gone := tuple(sorted({*self.units} - {*units}))):
            return self
        columns = {name: getattr(self, name)[at] for name in ("y", "soft", "weights", "labels")}
        return replace(self, units=units, **columns, dropped={**self.dropped, why: gone})

    def strata(self) -> tuple[str, ...]:
        """What to stratify each unit by: its class; its rarest label; a fifth of the numbers, cut at quantiles."""
        if self.variable.type == "continuous":
            cuts = np.quantile(self.y, np.linspace(0, 1, _BANDS + 1)[1:-1]) if len(self.y) else self.y
            return tuple(f"band {band + 1}" for band in np.searchsorted(np.unique(cuts), self.y).tolist())
        if self.y.ndim == 1:
            return tuple(self.classes[one] for one in self.y.tolist())
        rarest = np.where(self.y == 1, self.y.sum(axis=0), len(self.y) + 1).argmin(axis=1)
        none = self.y.sum(axis=1) == 0
        return tuple(NONE_OF_THESE if no else self.classes[one] for one, no in zip(rarest, none, strict=True))


@dataclass(frozen=True)
class Targets:
    """Makes the target of a variable from a long table of labels.

    Without ``combine`` the majority of the coders decides (of a continuous variable: their mean), each with one vote.

    Attributes:
        variable: its definition.
        combine: weighs coders by how they err, such as `studium.coding.dawid_skene.DawidSkene()`; not of numbers.
        ties: "drop" the unit; "first": the value that stands first in the codebook (a label of a multilabel variable
            that half of the coders gave, applies); "draw": by a hash of the unit, the same everywhere.
        cannot_tell: "ignore": such an answer takes no part; "drop" units with one.
        none_of_these: of a categorical variable that offers it: a "class" of its own, or "drop" units that it wins.
        least: labels that a unit needs.
    """

    variable: Variable
    combine: Combine | None = None
    ties: str = "drop"
    cannot_tell: str = "ignore"
    none_of_these: str = "class"
    least: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        for key, choices in _CHOICES.items():
            if getattr(self, key) not in choices:
                raise InputError(f"{key}: expected one of {', '.join(choices)}, got {getattr(self, key)!r}")
        if self.least < 1:
            raise InputError(f"least: expected at least 1 label for each unit, got {self.least}")
        if self.variable.type == "text":
            raise InputError(f"variable {self.variable.name!r} is a text: no target; code it into values first")
        if self.variable.pairs or self.variable.type == "boxes":
            what = "about pairs of units" if self.variable.pairs else "answered by boxes"
            raise InputError(f"variable {self.variable.name!r} is {what}: no target; choose one of single, whole units")
        if self.variable.type == "continuous" and self.combine:
            raise InputError(f"variable {self.variable.name!r} is continuous: coders are averaged; leave combine out")

    def __call__(self, labels: Iterable[Label | Annotation]) -> Target:
        """The target, of all labels of this variable; those of others are passed over.

        Raises:
            UnknownNameError: there are labels, and none of this variable.
            InputError: an answer that the codebook does not know, a coder who said two things of one unit, weights
                that are below 1 or not the same for all labels of a unit.
        """
        votes = gathered(labels, self.variable)
        dropped: dict[str, list[str]] = {}
        kept: dict[str, dict[str, Answer]] = {}
        for unit, said in votes.said.items():
            told: dict[str, Answer] = {coder: value for coder, value in said.items() if value is not None}
            if self.cannot_tell == "drop" and len(told) < len(said):
                dropped.setdefault("cannot tell", []).append(unit)
            elif not told:
                dropped.setdefault("only cannot tell", []).append(unit)
            elif len(told) < self.least:
                dropped.setdefault("too few labels", []).append(unit)
            else:
                kept[unit] = told
        return self._made(votes, kept, dropped)

    def _made(self, votes: "Votes", kept: dict[str, dict[str, Answer]], dropped: dict[str, list[str]]) -> Target:
        units = list(kept)
        told = Counter(votes.told)
        combined: list[Mapping[str, float]] = []
        drop = np.zeros(len(units), np.bool_)
        classes, soft = self._classes(), np.zeros((len(units), 0))
        y: npt.NDArray[Any]
        if self.variable.type == "continuous":
            y = np.array([_mean(kept[unit].values()) for unit in units], np.float64)
        elif self.variable.type == "multilabel":
            columns = [self._shares(_flat(kept, partial(_has, name)), 2, combined)[:, 1] for name in classes]
            soft = np.stack(columns, axis=1)
            y, drop = self._halves(soft, units, told)
        else:
            numbers = {name: number for number, name in enumerate(classes)}
            soft = self._shares(_flat(kept, lambda value: numbers[value]), len(classes), combined)
            y, drop = self._highest(soft, units, told)
        lost = {"tie": drop} | self._none(y, drop, classes)
        for reason, which in lost.items():
            if which.any():
                dropped[reason] = [unit for unit, gone in zip(units, which, strict=True) if gone]
        keep = ~np.any([*lost.values()], axis=0)
        return Target(
            variable=self.variable,
            units=tuple(unit for unit, stays in zip(units, keep, strict=True) if stays),
            **self._without(classes, y[keep], soft[keep]),
            weights=np.array([votes.weights[unit] for unit in units], np.float64)[keep],
            labels=np.array([len(kept[unit]) for unit in units], np.int64)[keep],
            coders=votes.coders,
            dropped={reason: tuple(which) for reason, which in dropped.items()},
            told={reason: count for reason, count in sorted(told.items()) if count},
            combined=tuple(combined),
        )

    def _classes(self) -> tuple[str, ...]:
        names = self.variable.names
        return names[::-1] if self.variable.type == "binary" else names

    def _shares(self, flat: "tuple[Ints, Ints, Ints]", k: int, combined: list[Mapping[str, float]]) -> Floats:
        """(units, k) of the codes (unit, coder, category): shares of votes, or what ``combine`` makes of them."""
        units, coders, codes = flat
        if self.combine and len(units):
            found = self.combine(units, coders, codes, k)
            combined.append(dict(found.told))
            return found.posteriors
        n = int(units.max(initial=-1)) + 1
        counts = np.bincount(units * k + codes, minlength=n * k).reshape(n, k)
        return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))

    def _highest(self, soft: Floats, units: list[str], told: "Counter[str]") -> tuple[Ints, npt.NDArray[np.bool_]]:
        """The class of each unit, and whether it is dropped for a tie."""
        best = soft >= soft.max(axis=1, keepdims=True, initial=0) - _EVEN
        order = range(soft.shape[1])[:: -1 if self.variable.type == "binary" else 1]
        y = np.array([next(at for at in order if row[at]) for row in best.tolist()], np.int64)
        tied = np.asarray(best.sum(axis=1) > 1)
        if self.ties == "drop":
            return y, tied
        told["ties_decided"] += int(tied.sum())
        for row in np.flatnonzero(tied) if self.ties == "draw" else ():
            among = np.flatnonzero(best[row])
            y[row] = among[_hashed(self.variable.name, units[row]) % len(among)]
        return y, np.zeros(len(y), np.bool_)

    def _halves(self, soft: Floats, units: list[str], told: "Counter[str]") -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Which labels apply to each unit, and whether it is dropped, because half of the coders gave one."""
        even = np.abs(soft - 0.5) < _EVEN / 2
        y = (soft > 0.5).astype(np.int64)
        if self.ties == "drop":
            return y, np.asarray(even.any(axis=1))
        told["ties_decided"] += int(even.sum())
        y[even] = 1
        for row, column in np.argwhere(even) if self.ties == "draw" else ():
            y[row, column] = _hashed(self.variable.name, f"{units[row]} {self.variable.names[column]}") % 2
        return y, np.zeros(len(y), np.bool_)

    def _none(self, y: npt.NDArray[Any], drop: npt.NDArray[np.bool_], classes: tuple[str, ...]) -> dict[str, Any]:
        if self.none_of_these == "class" or not self.variable.none_of_these:
            return {}
        return {"none of these": (y == classes.index(NONE_OF_THESE)) & ~drop}

    def _without(self, classes: tuple[str, ...], y: npt.NDArray[Any], soft: Floats) -> dict[str, Any]:
        """Classes, classes of units and soft labels; without "none of these", where units that it wins are dropped."""
        if self.none_of_these == "class" or not self.variable.none_of_these:
            return {"classes": classes, "y": y, "soft": soft}
        rest = soft[:, :-1]
        return {"classes": classes[:-1], "y": y, "soft": rest / rest.sum(axis=1, keepdims=True)}


def _flat(kept: dict[str, dict[str, Answer]], number: Callable[[Any], int]) -> tuple[Ints, Ints, Ints]:
    """(unit, coder, category) of each label, as numbers."""
    coders: dict[str, int] = {}
    rows = [
        (at, coders.setdefault(coder, len(coders)), int(number(value)))
        for at, said in enumerate(kept.values())
        for coder, value in said.items()
    ]
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _has(name: str, value: Any) -> bool:
    return name in value


def _mean(values: Iterable[Any]) -> float:
    numbers = [*values]
    return math.fsum(numbers) / len(numbers)  # the same in any order


def _hashed(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:8], "big")
