"""Maps of a study: where units lie on a plane, and what colours them."""

from base64 import b64encode
from typing import Annotated, Any, Literal

import numpy.typing as npt
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from studium.browse import maps as found
from studium.browse.maps import Listed
from studium.server.looking import Kind, Label, Looking, Seeing

__all__ = ["router"]

router = APIRouter(tags=["maps"])


class Points(BaseModel):
    """Where the ``n`` units of a map lie: float32, little-endian, in base64."""

    n: int
    x: str
    y: str


class Rows(BaseModel):
    """Places in the order of a map."""

    rows: Annotated[list[Annotated[int, Field(ge=0, le=2**31)]], Field(max_length=1_000_000)]


class Chosen(BaseModel):
    """Ids of units."""

    units: list[str]


class CategoryColour(BaseModel):
    """``codes``: places in ``categories`` (uint16, little-endian, in base64); 65535 for none."""

    type: Literal["category"]
    categories: list[str | int | bool]
    codes: str


class NumberColour(BaseModel):
    """``values``: float32, little-endian, in base64; NaN for none."""

    type: Literal["number"]
    low: float | None
    high: float | None
    values: str


@router.get("/maps")
def maps(view: Looking, viewer: Seeing, of: Kind) -> list[Listed]:
    """The maps of a kind."""
    return found.maps(view, of)


@router.get("/maps/{table}")
def points(view: Looking, viewer: Seeing, table: Label, of: Kind) -> Points:
    """Where every unit of a map lies."""
    places = found.places(view, of, table)
    return Points(n=len(places.units), x=_text(places.x), y=_text(places.y))


@router.post("/maps/{table}/units")
def units(view: Looking, viewer: Seeing, table: Label, of: Kind, chosen: Rows) -> Chosen:
    """The ids of the units at some places of a map."""
    return Chosen(units=found.units(view, of, table, chosen.rows))


@router.get("/maps/{table}/colour")
def colour(
    view: Looking, viewer: Seeing, table: Label, of: Kind, column: Annotated[str, Query(max_length=300)]
) -> CategoryColour | NumberColour:
    """What colours the units of a map, in its order."""
    told = found.colour(view, of, table, column)
    if told.categories is not None:
        return CategoryColour(type="category", categories=told.categories, codes=_text(told.codes))
    return NumberColour(type="number", low=told.low, high=told.high, values=_text(told.values))


def _text(numbers: npt.NDArray[Any] | None) -> str:
    """Little-endian bytes of numbers, in base64."""
    return "" if numbers is None else b64encode(numbers.astype(numbers.dtype.newbyteorder("<")).tobytes()).decode()
