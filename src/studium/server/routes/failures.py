"""Failures of a study: what could not be measured, and what sources could not use."""

from fastapi import APIRouter
from pydantic import BaseModel

from studium.browse import failures as found
from studium.server.looking import Looking, Seeing
from studium.server.shapes import Page, Paging

__all__ = ["router"]

router = APIRouter(tags=["failures"])


class Failure(BaseModel):
    """A unit that a step could not measure, and why."""

    unit: str
    kind: str
    path: str | None
    step: str
    error: str
    message: str


class Loss(BaseModel):
    """What a source could not use, and why."""

    source: str
    where: str
    error: str
    message: str


class Tally(BaseModel):
    """How many failures there are of a step, or of a class of error."""

    value: str
    n: int


class FailuresPage(Page[Failure]):
    """A page of failures; and how many of all there are, by step and by error."""

    steps: list[Tally]
    errors: list[Tally]


@router.get("/failures")
def failures(view: Looking, viewer: Seeing, paging: Paging, step: str = "", error: str = "") -> FailuresPage:
    """What could not be measured: all of it, or of one step, or with one class of error."""
    some = found.failures(view, (paging.offset, paging.limit), step, error)
    return FailuresPage(
        items=[Failure.model_validate(row) for row in some.items],
        total=some.total,
        offset=paging.offset,
        limit=paging.limit,
        steps=[Tally(value=value, n=n) for value, n in some.steps],
        errors=[Tally(value=value, n=n) for value, n in some.errors],
    )


@router.get("/losses")
def losses(view: Looking, viewer: Seeing, paging: Paging) -> Page[Loss]:
    """What sources could not use."""
    rows, total = found.losses(view, paging.offset, paging.limit)
    items = [Loss.model_validate(row) for row in rows]
    return Page[Loss](items=items, total=total, offset=paging.offset, limit=paging.limit)
