"""A coder's queue: what is next, and how much is done. The database counts where it can, as a task may be long."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from studium.core.codebook import Codebook
from studium.core.records import Records, Task
from studium.run.coding.coded import answered, finished, told, variables

if TYPE_CHECKING:
    from sqlalchemy import Select

__all__ = ["Place", "place_in"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a coder is in a task.

    Attributes:
        position: of the next unit that is not coded, from 0; None if all are.
        total: units of theirs.
        done: of these, coded.
    """

    position: int | None
    total: int
    done: int


def place_in(records: Records, codebook: Codebook, task: Task, coder: str, after: int = -1) -> Place:
    """The next unit that a coder has not coded (the first one after a position, or else the first of all), and counts.

    Args:
        records: of the study.
        codebook: with the variables of the task.
        task: which.
        coder: who.
        after: position.
    """
    questions = variables(codebook, task.variables)
    if not any(one.only_if for one in questions):
        given = {**told(task, coder, questions), "task": task.name, "after": after}
        with records.transaction(reading=True) as connection:
            first, later, total, done = connection.execute(_counts(len(questions)), given).one()
        return Place(first if later is None else later, total, done)
    units, coded = records.tasks.units(task.name, coder), finished(records, codebook, task, coder)
    undone = [at for at, unit in enumerate(units) if unit not in coded]
    ahead = [at for at in undone if at > after] or undone
    return Place(ahead[0] if ahead else None, len(units), len(units) - len(undone))


@cache
def _counts(n: int) -> "Select[Any, Any, int, int]":
    """The first unit that is not coded, the first after a position, units of the coder and those coded; n variables."""
    import sqlalchemy as sa

    from studium.core.migrations.tables import assignments as it

    done = answered(n).subquery()
    here = sa.case((done.c.unit.is_(None), it.c.position))
    later = sa.case((sa.and_(done.c.unit.is_(None), it.c.position > sa.bindparam("after")), it.c.position))
    asked = sa.select(sa.func.min(here), sa.func.min(later), sa.func.count(), sa.func.count(done.c.unit))
    theirs = sa.and_(it.c.task == sa.bindparam("task"), it.c.coder == sa.bindparam("coder"))
    return asked.select_from(it.outerjoin(done, done.c.unit == it.c.unit)).where(theirs)
