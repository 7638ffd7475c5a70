"""Tasks: which coders code which units of a sample, for which variables, and in which order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from studium.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from studium.core.records.database import Database

__all__ = ["Task", "Tasks"]


@dataclass(frozen=True, slots=True)
class Task:
    """A task for coders.

    Attributes:
        name: in the study.
        sample: name of the sample that is coded.
        variables: that are coded, in the order in which they are asked.
        design: how units were given to coders: ``overlap``, ``seed`` ..., as JSON.
        who: made it.
        at: when.
        units: coder -> the units that are theirs, in the order in which they see them; empty where tasks are listed.
    """

    name: str
    sample: str
    variables: Sequence[str]
    design: Mapping[str, Any]
    who: str
    at: datetime
    units: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)


class Tasks:
    """The tasks in a database. They are added, and never changed."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def add(self, task: Task) -> None:
        """Keep a task.

        Raises:
            InputError: there is one of this name, or nobody has anything to code.
            UnknownNameError: there is no such sample.
        """
        import sqlalchemy as sa

        from studium.core.migrations import tables
        from studium.core.records.database import add_new, as_json, checked

        if not any(task.units.values()):
            raise InputError(f"the task {task.name!r} gives no units to anybody; name coders, and a sample with units")
        row: dict[str, Any] = {
            "name": checked(task.name),
            "sample": task.sample,
            "variables": as_json([*task.variables]),
        }
        row |= {"design": as_json({**task.design}), "who": checked(task.who), "at": task.at.astimezone(UTC)}
        assigned = [
            {"task": task.name, "coder": checked(coder), "position": at, "unit": unit}
            for coder, units in task.units.items()
            for at, unit in enumerate(units)
        ]
        with self._database.transaction() as connection:
            if not connection.execute(sa.select(tables.samples).where(tables.samples.c.name == task.sample)).first():
                raise UnknownNameError(f"no sample {task.sample!r}; draw one with  studium sample")
            if not add_new(connection, tables.tasks, [row], "name"):
                raise InputError(f"there is a task {task.name!r} already; choose another name")
            connection.execute(tables.assignments.insert(), assigned)

    def all(self) -> list[Task]:
        """Every task without its units, the oldest first."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import tasks

        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(sa.select(tasks).order_by(tasks.c.at, tasks.c.name)).all()
        return [_task(row) for row in rows]

    def of(self, coder: str) -> list[Task]:
        """The tasks in which a coder has units, without these, the oldest first."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import assignments as it
        from studium.core.migrations.tables import tasks

        theirs = sa.exists().where(it.c.task == tasks.c.name, it.c.coder == coder)
        with self._database.transaction(reading=True) as connection:
            rows = connection.execute(sa.select(tasks).where(theirs).order_by(tasks.c.at, tasks.c.name)).all()
        return [_task(row) for row in rows]

    def get(self, name: str) -> Task:
        """A task with its units.

        Raises:
            UnknownNameError: there is none of this name.
        """
        import sqlalchemy as sa

        from studium.core.migrations.tables import assignments, tasks

        with self._database.transaction(reading=True) as connection:
            row = connection.execute(sa.select(tasks).where(tasks.c.name == name)).one_or_none()
            if row is None:
                raise UnknownNameError(f"no task {name!r}; make one with  studium task")
            asked = sa.select(assignments).where(assignments.c.task == name)
            units: dict[str, list[str]] = {}
            for one in connection.execute(asked.order_by(assignments.c.coder, assignments.c.position)):
                units.setdefault(one.coder, []).append(one.unit)
        return _task(row, units)

    def units(self, name: str, coder: str) -> list[str]:
        """What a coder codes in a task, in order; nothing if it is not theirs."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import assignments as it

        asked = sa.select(it.c.unit).where(it.c.task == name, it.c.coder == coder).order_by(it.c.position)
        with self._database.transaction(reading=True) as connection:
            return [str(unit) for unit in connection.execute(asked).scalars()]

    def unit(self, name: str, coder: str, position: int) -> str | None:
        """What a coder codes at a position, from 0; None if there is nothing."""
        from studium.core.migrations.tables import assignments as it

        return self._one(name, coder, it.c.position == position)

    def gives(self, name: str, coder: str, unit: str) -> bool:
        """Whether a coder codes a unit in a task."""
        from studium.core.migrations.tables import assignments as it

        return self._one(name, coder, it.c.unit == unit) is not None

    def _one(self, name: str, coder: str, where: "ColumnElement[bool]") -> str | None:
        import sqlalchemy as sa

        from studium.core.migrations.tables import assignments as it

        asked = sa.select(it.c.unit).where(it.c.task == name, it.c.coder == coder, where).limit(1)
        with self._database.transaction(reading=True) as connection:
            found: str | None = connection.execute(asked).scalar()
        return found


def _task(row: Any, units: Mapping[str, Sequence[str]] | None = None) -> Task:
    return Task(row.name, row.sample, json.loads(row.variables), json.loads(row.design), row.who, row.at, units or {})
