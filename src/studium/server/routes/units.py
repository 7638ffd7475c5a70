"""Units of a study: pages of them, their columns, and everything that is known of one."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from studium.browse import columns as described
from studium.browse import filters, units
from studium.browse.timeline import Timeline
from studium.browse.timeline import timeline as timed
from studium.browse.unit import Detail, Filled, detail
from studium.browse.units import Item
from studium.core.annotation import Annotation
from studium.core.unit import BOXED
from studium.server.context import Coding, records
from studium.server.looking import Kind, Looking, Of, UnitId
from studium.server.shapes import Page, Paging

__all__ = ["router"]

router = APIRouter(tags=["units"])

Filters = Annotated[str | None, Query(alias="filter", max_length=1_000_000, description="JSON list of filters")]
Text = Annotated[str, Query(max_length=1000, description="to be found in path, text, folder or posts")]
Sort = Annotated[str, Query(max_length=300, description="a column; after - the largest first")]


class ColumnShown(BaseModel):
    """A column; see `studium.browse.columns.Described`."""

    name: str
    table: str
    label: str
    type: str
    unit: str
    low: float | None
    high: float | None
    description: str
    sensitive: bool


class Said(BaseModel):
    """What somebody coded."""

    variable: str
    value: Any
    coder: str
    at: datetime
    note: str | None
    sample: str | None
    seconds: float | None


class UnitShown(BaseModel):
    """Everything that is known of a unit; see `studium.browse.unit.Detail`.

    Attributes:
        blind: whether whoever asks codes blind: then nothing is shown that machines or others made of it.
        annotations: of all coders, or one's own for who codes blind.
    """

    id: str
    kind: str
    label: str
    width: int | None
    height: int | None
    seconds: float | None
    path: str | None
    text: str | None
    parent: Item | None
    span: dict[str, Any] | None
    children: dict[str, int]
    posts: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    tables: list[Filled]
    failures: list[dict[str, str]]
    annotations: list[Said]
    blind: bool


@router.get("/units")
def page(
    view: Looking, of: Kind, paging: Paging, wanted: Filters = None, query: Text = "", sort: Sort = ""
) -> Page[Item]:
    """A page of the units of a kind: filtered, searched, sorted."""
    found = units.page(view, of, filters.parsed(wanted), query, sort, at=(paging.offset, paging.limit))
    return Page[Item](items=found.items, total=found.total, offset=found.offset, limit=found.limit)


@router.get("/columns")
def columns(view: Looking, of: Kind) -> list[ColumnShown]:
    """Every column that units of a kind can be filtered, sorted, counted and coloured by."""
    return [ColumnShown.model_validate(one, from_attributes=True) for one in described.columns(view, of)]


@router.get("/units/{unit}")
def one(request: Request, viewer: Coding, view: Looking, unit: UnitId, of: Of = None) -> UnitShown:
    """Everything that is known of a unit, every column with the recipe that made it."""
    said = records(request).annotations(unit=unit, coder=None if view.measured else viewer.name)
    return _shown(detail(view, unit, of), said, blind=not view.measured)


@router.get("/units/{unit}/timeline")
def timeline(view: Looking, unit: UnitId, of: Of = None) -> Timeline:
    """A film or a sound in time: shots, frames, and what is said."""
    return timed(view, unit, of)


def _shown(found: Detail, said: list[Annotation], *, blind: bool) -> UnitShown:
    item = {name: getattr(found.item, name) for name in ("id", "kind", "label", "width", "height", "seconds")}
    rest = ("path", "text", "parent", "span", "children", "posts", "attachments", "tables", "failures")
    kept = {name: getattr(found, name) for name in rest}
    if blind:  # faces, objects and lines are what machines found in a picture
        kept["children"] = {kind: n for kind, n in found.children.items() if kind not in BOXED}
    annotations = [Said.model_validate(one, from_attributes=True) for one in said]
    return UnitShown(**item, **kept, annotations=annotations, blind=blind)
