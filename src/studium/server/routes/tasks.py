"""Tasks of a study: what is to be coded, by whom, and how far they are."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, Field

from studium.core.records import Task
from studium.errors import UnknownNameError
from studium.run.coding.tasks import Progress, Work, give, progress
from studium.server.context import Administering, Coding, Viewer, corpus, records
from studium.server.shapes import Name

__all__ = ["router"]

router = APIRouter(tags=["tasks"])


class Mine(BaseModel):
    """How far whoever asks is: units of theirs, and those of them that are coded."""

    total: int
    done: int


class CoderProgress(BaseModel):
    """How far a coder is.

    Attributes:
        coder: who.
        total: their units.
        done: those that are coded.
        seconds_median: that a unit took; null if nobody measured it.
        last: when they last coded one, or null.
    """

    coder: str
    total: int
    done: int
    seconds_median: float | None
    last: AwareDatetime | None


class TaskOut(BaseModel):
    """A task.

    Attributes:
        name: in the study.
        sample: that is coded.
        variables: that are coded, in the order in which they are asked.
        of: kind of the units.
        pairs: whether it is about pairs of them.
        mine: how far whoever asks is; null if they code nothing in it.
        coders: how far everybody is; empty for those who only code.
        problem: why it cannot be coded now (a variable that the codebook has no more), or null.
    """

    name: str
    sample: str
    variables: list[str]
    of: str
    pairs: bool
    mine: Mine | None
    coders: list[CoderProgress]
    problem: str | None


class TaskIn(BaseModel):
    """A new task; see `studium.run.coding.tasks.Work`."""

    name: Name
    sample: Name
    variables: Annotated[list[Name], Field(min_length=1, max_length=200)]
    coders: Annotated[list[Name], Field(min_length=1, max_length=200)]
    overlap: Annotated[float, Field(ge=0, le=1)] = 1.0
    per_unit: Annotated[int, Field(ge=1, le=200)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None


@router.get("/tasks")
def tasks(request: Request, viewer: Coding) -> list[TaskOut]:
    """The tasks; a coder sees those that are theirs."""
    found = [_out(request, viewer, task) for task in records(request).tasks.all()]
    return [one for one in found if one.mine is not None or viewer.may("adjudicator")]


@router.post("/tasks", status_code=201)
def new_task(asked: TaskIn, request: Request, viewer: Administering) -> TaskOut:
    """Give the units of a sample to coders."""
    study = corpus(request)
    task = give(records(request), study.codebook, Work(**asked.model_dump()), viewer.name, study.study.seed)
    return _out(request, viewer, task)


def _out(request: Request, viewer: Viewer, task: Task) -> TaskOut:
    kept = records(request)
    sample = next(one for one in kept.samples.all() if one.name == task.sample)
    who = None if viewer.may("adjudicator") else viewer.name
    problem, rows = None, list[Progress]()
    try:
        rows = progress(kept, corpus(request).codebook, task.name, who)
    except UnknownNameError as error:
        problem = str(error)
        rows = [Progress(one, len(kept.tasks.units(task.name, one)), 0, None, None) for one in [viewer.name]]
    own = next((row for row in rows if row.coder == viewer.name and row.total), None)
    return TaskOut(
        name=task.name,
        sample=task.sample,
        variables=[*task.variables],
        of=sample.of,
        pairs=sample.pairs,
        mine=Mine(total=own.total, done=own.done) if own else None,
        coders=[_progress(row) for row in rows] if viewer.may("adjudicator") and not problem else [],
        problem=problem,
    )


def _progress(row: Progress) -> CoderProgress:
    last = row.last.astimezone(UTC) if row.last else None
    return CoderProgress(coder=row.coder, total=row.total, done=row.done, seconds_median=row.seconds, last=last)
