"""Votes: the long table of labels by unit and coder, for one variable."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from studium.core.annotation import Annotation
from studium.core.variable import Answer, Variable
from studium.errors import InputError, UnknownNameError
from studium.learn.labels.read import Label

__all__ = ["Votes", "gathered"]


@dataclass
class Votes:
    """What each coder said of each unit.

    Attributes:
        said: unit -> coder -> answer, in order of first appearance.
        weights: unit -> 1 / P(drawn).
        samples: unit -> the sample that it has this weight of, or None.
        coders: all of them.
        told: "repeated" labels, those that say "cannot_tell", those given to an "other_definition" of the variable.
    """

    said: dict[str, dict[str, Answer]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    samples: dict[str, str | None] = field(default_factory=dict)
    coders: tuple[str, ...] = ()
    told: "Counter[str]" = field(default_factory=Counter)


def gathered(labels: Iterable[Label | Annotation], variable: Variable) -> Votes:
    """The labels of one variable, checked; those of others are passed over.

    Raises:
        UnknownNameError: there are labels, and none of this variable.
        InputError: an answer that the codebook does not know, a coder who said two things of one unit, weights that are
            below 1 or not the same for all labels of a unit.
    """
    votes, others = Votes(), set()
    for label in labels:
        if label.variable != variable.name:
            others.add(label.variable)
            continue
        try:
            value = variable.validate(label.value)
        except InputError as error:
            raise InputError(f"unit {label.unit!r}, coder {label.coder!r}: {error}") from None
        _weigh(votes, label)
        said = votes.said.setdefault(label.unit, {})
        if said.get(label.coder, value) != value:
            raise InputError(
                f"coder {label.coder!r} said {said[label.coder]!r} and {value!r} of unit {label.unit!r} "
                f"({variable.name}); keep the one that counts"
            )
        votes.told["repeated"] += label.coder in said
        votes.told["cannot_tell"] += value is None and label.coder not in said
        votes.told["other_definition"] += getattr(label, "variable_digest", variable.digest) != variable.digest
        said[label.coder] = value
    if others and not votes.said:
        raise UnknownNameError(f"no label of variable {variable.name!r}; there are some of {', '.join(sorted(others))}")
    votes.coders = tuple(dict.fromkeys(coder for said in votes.said.values() for coder in said))
    return votes


def _weigh(votes: Votes, label: Label | Annotation) -> None:
    sample: str | None = getattr(label, "sample", None)
    weight, first = votes.weights.setdefault(label.unit, label.weight), votes.samples.setdefault(label.unit, sample)
    if not (math.isfinite(label.weight) and label.weight >= 1 - 1e-9):
        raise InputError(f"unit {label.unit!r}: expected weight = 1 / P(drawn), at least 1, got {label.weight}")
    if abs(weight - label.weight) > 1e-9 * weight:
        raise InputError(
            f"unit {label.unit!r} has the weights {weight:.6g}{_of(first)} and {label.weight:.6g}{_of(sample)}, so how "
            "likely it was drawn at all is not known; keep the labels of one sample: export the annotations as CSV, "
            "leave out the rows of the other, and hand that over as labels"
        )


def _of(sample: str | None) -> str:
    return "" if sample is None else f" (sample {sample!r})"
