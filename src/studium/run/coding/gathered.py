"""What coders said of a variable, person by person: the last of each, by one definition; machines beside them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.records import Records
from studium.core.store import Store
from studium.core.variable import Answer, Variable
from studium.errors import InputError
from studium.run.tables import living

__all__ = ["EVERYTHING", "LATER", "Gathered", "Said", "Scope", "gathered"]

LATER = timedelta(days=1)
"""A unit that is coded again so much later was coded twice; sooner, it was corrected."""
OTHER, WITHDRAWN = "by another definition", "withdrawn"


@dataclass(frozen=True)
class Scope:
    """Which answers count.

    Attributes:
        sample: only what was coded in this sample.
        task: only what was coded in this task, by those it was given to.
        tables: names of tables with a column called as the variable, such as "zero_shot:scene": machines that count as
            coders, of the units that people coded.
        by: a trait of coders to compare groups by; None for all that coders told.
        seed: of bootstraps and permutations.
    """

    sample: str | None = None
    task: str | None = None
    tables: tuple[str, ...] = ()
    by: str | None = None
    seed: int = 0


EVERYTHING = Scope()
"""All that people said."""


@dataclass(frozen=True)
class Said:
    """What one coder said.

    Attributes:
        coder: name of a person, or of a table.
        machine: whether it is a table.
        codes: unit -> answer, in the order in which they were first coded; None is "cannot tell".
        again: (earlier, later) answers of units that were coded twice, see `LATER`.
        seconds: median of what a unit took, or None if nobody measured it.
        weights: unit -> 1 / P(it was drawn); of a table nothing.
    """

    coder: str
    machine: bool
    codes: Mapping[str, Answer]
    again: Sequence[tuple[Answer, Answer]] = ()
    seconds: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def cannot_tell(self) -> int:
        """Units of which the coder cannot tell."""
        return sum(answer is None for answer in self.codes.values())


@dataclass(frozen=True)
class Gathered:
    """What all of them said.

    Attributes:
        variable: its definition.
        said: by people in the order of their names, then by machines.
        left_out: why -> how many answers are not counted.
    """

    variable: Variable
    said: tuple[Said, ...]
    left_out: Mapping[str, int]

    @property
    def unequal(self) -> bool:
        """Whether units were drawn with unequal probabilities, so that agreement is of these units as drawn."""
        weights = [weight for one in self.said for weight in one.weights.values()]
        return bool(weights) and max(weights) > min(weights) * (1 + 1e-6)


def gathered(store: Store, records: Records, codebook: Codebook, variable: str, scope: Scope = EVERYTHING) -> Gathered:
    """What coders said of a variable, by its present definition; answers to an earlier one are counted as left out.

    What was decided where they disagree is no code of anybody, and takes no part.

    Raises:
        UnknownNameError: no such variable, sample, task or table.
        InputError: the variable is not coded in the task, or a table has no column of it.
    """
    asked = codebook[variable]
    wanted = _wanted(records, asked, scope.sample, scope.task)
    by_coder: dict[str, dict[str, list[Annotation]]] = {}
    history: dict[tuple[str, str], list[Annotation]] = {}
    for one in sorted(records.annotations(variable, history=True), key=lambda one: one.at):
        history.setdefault((one.coder, one.unit), []).append(one)
        if wanted(one):
            by_coder.setdefault(one.coder, {}).setdefault(one.unit, []).append(one)
    left_out: Counter[str] = Counter()
    said = [_said(coder, units, history, asked, left_out) for coder, units in sorted(by_coder.items())]
    said = [one for one in said if one.codes]
    coded = {unit for one in said for unit in one.codes}
    machines = [Said(_named(name, by_coder), True, _by_machine(store, asked, name, coded)) for name in scope.tables]
    return Gathered(asked, (*said, *machines), dict(left_out))


def _wanted(records: Records, asked: Variable, sample: str | None, task: str | None) -> Any:
    """Whether an annotation belongs to the sample and the task."""
    if sample is not None:
        records.samples.get(sample)
    if task is None:
        return lambda one: sample is None or one.sample == sample
    found = records.tasks.get(task)
    if asked.name not in found.variables:
        raise InputError(f"the task {task!r} does not ask for {asked.name!r}, but for {', '.join(found.variables)}")
    given = {(coder, unit) for coder, units in found.units.items() for unit in units}
    samples = {found.sample} & {sample or found.sample}
    return lambda one: one.sample in samples and (one.coder, one.unit) in given


def _said(
    coder: str,
    units: Mapping[str, Sequence[Annotation]],
    history: Mapping[tuple[str, str], Sequence[Annotation]],
    asked: Variable,
    left_out: Counter[str],
) -> Said:
    codes, first, seconds = {}, {}, []
    weights: dict[str, float] = {}
    again: list[tuple[Answer, Answer]] = []
    for unit, said in units.items():
        standing = _standing(said)
        if not standing or standing[-1].variable_digest != asked.digest:
            left_out[OTHER if standing else WITHDRAWN] += 1
            continue
        last = standing[-1]
        codes[unit], weights[unit], first[unit] = last.value, last.weight, _of_now(standing, asked)[0].at
        if last.seconds is not None:
            seconds.append(last.seconds)
        ever = _of_now(_standing(history[coder, unit]), asked)
        if ever[-1].at - ever[0].at >= LATER:
            again.append((ever[0].value, ever[-1].value))
    ordered = {unit: codes[unit] for unit in sorted(codes, key=lambda unit: first[unit])}
    return Said(coder, False, ordered, tuple(again), median(seconds) if seconds else None, weights)


def _standing(said: Sequence[Annotation]) -> list[Annotation]:
    """What was not taken back: in each sample what was said there since the last time that it was."""
    since = {one.sample: at for at, one in enumerate(said) if one.withdrawn}
    return [one for at, one in enumerate(said) if at > since.get(one.sample, -1)]


def _of_now(said: Sequence[Annotation], asked: Variable) -> list[Annotation]:
    """What was said by the present definition."""
    return [one for one in said if one.variable_digest == asked.digest]


def _by_machine(store: Store, asked: Variable, name: str, coded: set[str]) -> dict[str, Answer]:
    """Unit -> what a table says; units that it has no value for are not coded."""
    table = store.find(asked.of, name)
    columns = [column.name for column in table.columns]
    if asked.name not in columns or asked.pairs:
        raise InputError(
            f"{name!r} is no coder of {asked.name!r}: expected a table of {asked.of} units with a column of that name, "
            f"got {', '.join(columns)}"
        )
    rows = living(store, table, ["unit", asked.name])
    pairs = zip(rows["unit"].to_pylist(), rows[asked.name].to_pylist(), strict=True)
    listed = asked.type in {"multilabel", "boxes"}
    return {
        unit: asked.validate(json.loads(value) if listed and isinstance(value, str) else value)
        for unit, value in pairs
        if value is not None and unit in coded
    }


def _named(table: str, people: Mapping[str, Any]) -> str:
    return f"table {table}" if table in people else table
