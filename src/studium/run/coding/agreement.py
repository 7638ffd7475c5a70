"""How far the coders of a study agree about a variable: all together, two by two, over time, and group by group."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from studium.coding.agreement import Agreement
from studium.coding.drift import Drift, agreeing, apart, drift
from studium.coding.groups import LEAST, Contrast, compare
from studium.core import parameters
from studium.core.codebook import Codebook
from studium.core.multiple import holm
from studium.core.records import Records
from studium.core.store import Store
from studium.core.variable import Variable
from studium.errors import InputError
from studium.run.coding.gathered import Gathered, Said, Scope, gathered
from studium.run.coding.tabled import LEVEL, Answers, between, codes_of, confusion, numbers, part

__all__ = ["Agreed", "Between", "Group", "agreed", "agreements"]


@dataclass(frozen=True)
class Between:
    """Two coders: ``a`` and ``b``, and how far they agree on the units that both coded."""

    a: str
    b: str
    found: Agreement

    @property
    def kappa(self) -> float:
        """Cohen's kappa, of ordinal values weighted by squares; of numbers, sets and boxes alpha; else NaN."""
        for name in ("cohen_kappa_quadratic", "cohen_kappa", "krippendorff_alpha"):
            for one in self.found.measures:
                if one.name == name:
                    return one.value
        return math.nan


@dataclass(frozen=True)
class Group:
    """Two groups of coders: by which trait, and how they differ in a value ("" for the number itself)."""

    trait: str
    value: str
    contrast: Contrast


@dataclass(frozen=True)
class Agreed:
    """What is known of the agreement about a variable.

    Attributes:
        variable: its definition.
        level: see `studium.run.coding.tabled.LEVEL`.
        coders: what each said: how many units, how often they could not tell.
        units: of which at least one coder could tell.
        overall: all coders together.
        parts: of a multilabel variable, each value as a question of its own.
        pairs: every two coders who coded a unit both.
        labels: rows and columns of ``confusion``; () if there is none.
        confusion: of two coders how often the first said the row and the second the column; of more, of every two of
            them, counted both ways.
        drift: coder -> over time, beside the other people.
        again: coder -> agreement with themselves, where they coded units twice.
        groups: of at least `studium.coding.groups.LEAST` coders, by traits.
        left_out: why -> how many answers are not counted.
        unequal: whether the units were drawn with unequal probabilities: nothing here is weighted, so it is all of the
            units as drawn.
    """

    variable: Variable
    level: str
    coders: tuple[Said, ...]
    units: int
    overall: Agreement
    parts: Mapping[str, Agreement]
    pairs: tuple[Between, ...]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    drift: Mapping[str, Drift]
    again: Mapping[str, Agreement]
    groups: tuple[Group, ...]
    left_out: Mapping[str, int]
    unequal: bool = False

    @property
    def paradox(self) -> bool:
        """Whether kappa is low although coders hardly ever differ; see `studium.coding.agreement.is_paradox`."""
        return self.overall.paradox or any(one.paradox for one in self.parts.values())


def agreed(store: Store, records: Records, codebook: Codebook, variable: str, **asked: Any) -> Agreed:
    """How far coders agree about a variable.

    >>> agreed(store, records, codebook, "scene", task="first").overall.paradox               # doctest: +SKIP

    Args:
        store: the study.
        records: its records.
        codebook: with the variable.
        variable: its name.
        **asked: ``sample``, ``task``, ``tables``, ``by``, ``seed``; see `studium.run.coding.gathered.Scope`.

    Raises:
        UnknownNameError: no such variable, sample, task or table.
        InputError: a trait that no coder told, or what does not fit.
    """
    return agreements(store, records, codebook, [variable], **asked)[0]


def agreements(
    store: Store, records: Records, codebook: Codebook, variables: Sequence[str] = (), **asked: Any
) -> list[Agreed]:
    """How far coders agree about variables; groups of coders are adjusted for all comparisons that are made (Holm).

    "Cannot tell" is a missing code. Only answers by the present definition count.

    Args:
        store: the study.
        records: its records.
        codebook: with the variables.
        variables: their names; none for all that are coded, of a task those of the task.
        **asked: as for `agreed`.
    """
    scope: Scope = parameters.make("agreement", Scope, asked)
    traits, seed = _traits(records, scope.by), scope.seed % 2**32
    names = list(variables) or _coded(records, codebook, scope.task)
    found = [_agreed(gathered(store, records, codebook, name, scope), traits, seed) for name in dict.fromkeys(names)]
    adjusted = iter(holm([one.contrast.p for each in found for one in each.groups]))
    return [
        replace(
            each,
            groups=tuple(replace(one, contrast=replace(one.contrast, p_holm=next(adjusted))) for one in each.groups),
        )
        for each in found
    ]


def _coded(records: Records, codebook: Codebook, task: str | None) -> list[str]:
    if task is not None:
        return list(records.tasks.get(task).variables)
    said = {one.variable for one in records.annotations()}
    return [variable.name for variable in codebook.variables if variable.name in said]


def _traits(records: Records, by: str | None) -> dict[str, dict[str, str]]:
    """Trait -> coder -> what they said."""
    found: dict[str, dict[str, str]] = {}
    for one in records.traits.all():
        found.setdefault(one.name, {})[one.coder] = one.value
    if by is not None and by not in found:
        raise InputError(f"no coder told a trait {by!r}; there are: {', '.join(found) or 'none'}")
    return found if by is None else {by: found[by]}


def _agreed(given: Gathered, traits: Mapping[str, Mapping[str, str]], seed: int) -> Agreed:
    asked, level = given.variable, LEVEL[given.variable.type]
    units = list(dict.fromkeys(unit for one in given.said for unit, answer in one.codes.items() if answer is not None))
    table = [[one.codes.get(unit) for unit in units] for one in given.said]
    labels, counts = confusion(asked, table)
    people = [number for number, one in enumerate(given.said) if not one.machine]
    return Agreed(
        variable=asked,
        level=level,
        coders=given.said,
        units=len(units),
        overall=between(asked, table, seed),
        parts={name: part(table, name, seed) for name in asked.names} if asked.type == "multilabel" else {},
        pairs=tuple(_pairs(asked, given.said, table, seed)),
        labels=labels,
        confusion=counts,
        drift={given.said[at].coder: _drift(asked, given.said, table, units, at, people) for at in people},
        again={
            one.coder: between(asked, [list(side) for side in zip(*one.again, strict=True)], seed)
            for one in given.said
            if one.again
        },
        groups=tuple(_groups(asked, [given.said[at] for at in people], [table[at] for at in people], traits, seed)),
        left_out=given.left_out,
        unequal=given.unequal,
    )


def _pairs(asked: Variable, said: Sequence[Said], table: Answers, seed: int) -> list[Between]:
    found = []
    for a, b in combinations(range(len(said)), 2):
        both = [(x, y) for x, y in zip(table[a], table[b], strict=True) if x is not None and y is not None]
        if both:
            alone = between(asked, [[x for x, _ in both], [y for _, y in both]], seed)
            found.append(Between(said[a].coder, said[b].coder, alone))
    return found


def _drift(
    asked: Variable,
    said: Sequence[Said],
    table: Answers,
    units: Sequence[str],
    at: int,
    people: Sequence[int],
) -> Drift:
    """A coder over time, beside the other people."""
    place = {unit: number for number, unit in enumerate(units)}
    order = [place[unit] for unit in said[at].codes if unit in place]
    rows = [[table[coder][number] for number in order] for coder in (at, *(one for one in people if one != at))]
    codes, _, items = codes_of(asked, rows)
    if asked.type == "continuous":
        said_numbers: Any = codes
        return drift(apart(said_numbers[0], said_numbers[1:]), shares=False)
    values = agreeing(codes[0], codes[1:])
    if items is not None:  # boxes: the mean over what is in a unit
        seen = [unit for unit, value in zip(items, values, strict=True) if not math.isnan(value)]
        values = np.array([np.nanmean(values[np.array(items) == unit]) for unit in dict.fromkeys(seen)])
    return drift(values)


def _groups(
    asked: Variable,
    said: Sequence[Said],
    table: Answers,
    traits: Mapping[str, Mapping[str, str]],
    seed: int,
) -> list[Group]:
    """Of groups of at least `LEAST` alone: coders consent to no more, and a smaller one tells of single persons."""
    found = []
    for value, given in numbers(asked, table).items() if traits else ():
        for trait, told in traits.items():
            groups = [told.get(one.coder) for one in said]
            told_of = [one for one in compare(given, groups, seed) if min(one.coders_a, one.coders_b) >= LEAST]
            found += [Group(trait, value, contrast) for contrast in told_of]
    return found
