"""What coders said in a task so far: one question to the database, whoever asks and for how many units."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from studium.core.codebook import Codebook
from studium.core.records import Records, Task
from studium.core.variable import Answer, Variable
from studium.errors import UnknownNameError

if TYPE_CHECKING:
    from sqlalchemy import Select

__all__ = [
    "NOTHING",
    "Said",
    "answered",
    "asked_of",
    "chance",
    "coded",
    "finished",
    "said",
    "skipped",
    "told",
    "variables",
]

_MANY = 500  # of units that a question to the database names


@dataclass
class Said:
    """What a coder said of a unit.

    Attributes:
        answers: variable -> answer, by the present definitions.
        note: of the last time, or None.
        at: the last time, or None.
        seconds: that it took, all times together, or None if nobody measured it.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    note: str | None = None
    at: datetime | None = None
    seconds: float | None = None


NOTHING = Said()
"""Of a unit that a coder has not coded."""


def variables(codebook: Codebook, names: Iterable[str]) -> list[Variable]:
    """The definitions of these variables."""
    return [codebook[name] for name in names]


def asked_of(questions: Sequence[Variable], answers: Mapping[str, Answer]) -> list[str]:
    """The variables that are asked, given the answers to those before them."""
    found: list[str] = []
    for variable in questions:
        if variable.asked({name: answers[name] for name in found if name in answers}):
            found.append(variable.name)
    return found


def coded(questions: Sequence[Variable], answers: Mapping[str, Answer]) -> bool:
    """Whether everything that is asked is answered."""
    return all(name in answers for name in asked_of(questions, answers))


def skipped(questions: Sequence[Variable], answers: Mapping[str, Answer]) -> list[str]:
    """The variables that are not asked, given the answers."""
    asked = asked_of(questions, answers)
    return [variable.name for variable in questions if variable.name not in asked]


def said(
    records: Records, codebook: Codebook, task: Task, coder: str | None = None, units: Sequence[str] | None = None
) -> dict[tuple[str, str], Said]:
    """(coder, unit) -> what they said of it in the sample of the task, as it stands; only where there is something.

    Answers to an earlier definition of a question are left out: it is open again.

    Args:
        records: of the study.
        codebook: with the variables of the task.
        task: which.
        coder: only of this one.
        units: only of these.
    """
    digests = {one.name: one.digest for one in variables(codebook, task.variables)}
    found: dict[tuple[str, str], Said] = {}
    spans: dict[tuple[str, str], dict[str, tuple[datetime, float | None]]] = {}
    for row in _rows(records, task, coder, units, ("at", "seconds", "note")):
        key = (row.coder, row.unit)
        one = found.setdefault(key, Said())
        one.answers.pop(row.variable, None)
        spans.setdefault(key, {}).pop(row.variable, None)
        if not row.withdrawn and row.variable_digest == digests[row.variable]:
            one.answers[row.variable] = json.loads(row.value)
            one.at, one.note = row.at, row.note
            spans[key][row.variable] = (row.at, row.seconds)
    for key, times in spans.items():
        each = {
            at: seconds for at, seconds in times.values() if seconds is not None
        }  # a time for all that it was said of
        found[key].seconds = sum(each.values()) if each else None
    return {key: one for key, one in found.items() if one.answers}


def finished(records: Records, codebook: Codebook, task: Task, coder: str) -> set[str]:
    """The units of which a coder has answered everything that is asked; as `coded` of `said`, and quicker."""
    questions = variables(codebook, task.variables)
    if any(one.only_if for one in questions):
        answers = said(records, codebook, task, coder)
        return {unit for (_, unit), one in answers.items() if coded(questions, one.answers)}
    with records.transaction(reading=True) as connection:
        return {*connection.execute(answered(len(questions)), told(task, coder, questions)).scalars()}


@cache
def answered(n: int) -> "Select[tuple[str]]":
    """The units of which a coder has answered all of n variables, by their present definitions: the database looks.

    Its parameters are given by `told`. It is kept, as it takes longer to put together than to answer.
    """
    import sqlalchemy as sa

    from studium.core.migrations.tables import annotations as it

    asked: list[tuple[Any, Any]] = [(sa.bindparam(f"variable_{at}"), sa.bindparam(f"digest_{at}")) for at in range(n)]
    age = sa.func.row_number().over(partition_by=(it.c.unit, it.c.variable), order_by=(it.c.at.desc(), it.c.id.desc()))
    here = sa.and_(it.c.coder == sa.bindparam("coder"), it.c.sample == sa.bindparam("sample"))
    said_here = sa.and_(here, it.c.variable.in_([variable for variable, _ in asked]))
    names = ("unit", "variable", "variable_digest", "withdrawn")
    last = sa.select(*(it.c[name] for name in names), age.label("age")).where(said_here).subquery().c
    valid = sa.or_(*(sa.and_(last.variable == one, last.variable_digest == digest) for one, digest in asked))
    stands = sa.select(last.unit).where(last.age == 1, sa.not_(last.withdrawn), valid)
    return stands.group_by(last.unit).having(sa.func.count() == n)


def told(task: Task, coder: str, questions: Sequence[Variable]) -> dict[str, str]:
    """The parameters of `answered`: which coder, in which sample, which variables and their definitions."""
    named = {f"variable_{at}": one.name for at, one in enumerate(questions)}
    digests = {f"digest_{at}": one.digest for at, one in enumerate(questions)}
    return {"coder": coder, "sample": task.sample, **named, **digests}


def chance(records: Records, sample: str, unit: str) -> float:
    """The probability with which a unit was drawn.

    Raises:
        UnknownNameError: it is not in the sample.
    """
    import sqlalchemy as sa

    from studium.core.migrations.tables import sampled as it

    with records.transaction(reading=True) as connection:
        found = connection.execute(sa.select(it.c.chance).where(it.c.sample == sample, it.c.unit == unit)).scalar()
    if found is None:
        raise UnknownNameError(f"the sample {sample!r} has no unit {unit!r}; see  studium samples")
    return float(found)


def _rows(
    records: Records, task: Task, coder: str | None, units: Sequence[str] | None, more: Sequence[str]
) -> Iterator[Any]:
    """All that was said in the sample of a task, the oldest first: the last of a unit, variable and coder counts."""
    import sqlalchemy as sa

    from studium.core.migrations.tables import annotations as it

    names = ("coder", "unit", "variable", "variable_digest", "value", "withdrawn", *more)
    query = sa.select(*(it.c[name] for name in names)).order_by(it.c.at, it.c.id)
    query = query.where(it.c.variable.in_([*task.variables]), it.c.sample == task.sample)
    if coder is not None:
        query = query.where(it.c.coder == coder)
    with records.transaction(reading=True) as connection:
        for some in _parts(units):
            yield from connection.execute(query if some is None else query.where(it.c.unit.in_(some)))


def _parts(units: Sequence[str] | None) -> Iterable[Sequence[str] | None]:
    if units is None:
        return [None]
    return [units[at : at + _MANY] for at in range(0, len(units), _MANY)]
