"""A coder's queue: what is next, and how much is done. The database counts where it can, as a task may be long."""

from dataclasses import dataclass

from studium.core.codebook import Codebook
from studium.core.records import Records, Task
from studium.run.coding.coded import answered, finished, variables

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
        return _counted(records, task, coder, {one.name: one.digest for one in questions}, after)
    units, done = records.tasks.units(task.name, coder), finished(records, codebook, task, coder)
    undone = [at for at, unit in enumerate(units) if unit not in done]
    later = [at for at in undone if at > after] or undone
    return Place(later[0] if later else None, len(units), len(units) - len(undone))


def _counted(records: Records, task: Task, coder: str, digests: dict[str, str], after: int) -> Place:
    import sqlalchemy as sa

    from studium.core.migrations.tables import assignments as it

    done = answered(task, coder, digests).subquery()
    here = sa.case((done.c.unit.is_(None), it.c.position))
    later = sa.case((sa.and_(done.c.unit.is_(None), it.c.position > after), it.c.position))
    asked = sa.select(sa.func.min(here), sa.func.min(later), sa.func.count(), sa.func.count(done.c.unit))
    asked = asked.select_from(it.outerjoin(done, done.c.unit == it.c.unit))
    with records.transaction(reading=True) as connection:
        row = connection.execute(asked.where(it.c.task == task.name, it.c.coder == coder)).one()
    return Place(row[0] if row[1] is None else row[1], row[2], row[3])
