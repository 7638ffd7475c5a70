"""What was split from a unit: faces of a picture, frames of a film."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from studium.browse import children as split
from studium.core.unit import BOXED
from studium.errors import RefusedError
from studium.server.looking import Blind, Kind, Looking, UnitId
from studium.server.shapes import Page, Paging

__all__ = ["router"]

router = APIRouter(tags=["units"])


class ChildShown(BaseModel):
    """A unit that was split from another, and where it lies in it; see `studium.browse.children.Child`."""

    id: str
    kind: str
    label: str
    width: int | None
    height: int | None
    seconds: float | None
    span: dict[str, Any]


@router.get("/units/{unit}/children")
def children(closed: Blind, view: Looking, unit: UnitId, of: Kind, paging: Paging) -> Page[ChildShown]:
    """The units of a kind that were split from a unit, by time; who codes blind does not see what machines found."""
    if of in BOXED and closed:
        raise RefusedError(f"which {of} units were found in it is not shown to those who code blind")
    found, total = split.children(view, unit, of, paging.offset, paging.limit)
    names = ("id", "kind", "label", "width", "height", "seconds")
    items = [ChildShown(**{name: getattr(one.item, name) for name in names}, span=dict(one.span)) for one in found]
    return Page[ChildShown](items=items, total=total, offset=paging.offset, limit=paging.limit)
