"""Facets of a study: how units are spread over the values of columns."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from studium.browse import facets as counted
from studium.browse import filters
from studium.browse.facets import Bin, Value
from studium.server.looking import Kind, Looking
from studium.server.routes.units import Filters, Text

__all__ = ["router"]

router = APIRouter(tags=["facets"])


class CategoryFacet(BaseModel):
    """Values and how many units have them; ``other`` counts the values that are not among them."""

    column: str
    type: Literal["category"]
    values: list[Value]
    other: int
    missing: int


class NumberFacet(BaseModel):
    """Bins, both ends included; of times in seconds since 1970."""

    column: str
    type: Literal["number"]
    bins: list[Bin]
    missing: int


@router.get("/facets")
def facets(
    view: Looking,
    of: Kind,
    columns: Annotated[str, Query(max_length=10_000, description="names of columns, with commas between them")],
    wanted: Filters = None,
    query: Text = "",
) -> list[CategoryFacet | NumberFacet]:
    """Count the units that fit by columns, each among those that fit all filters but its own."""
    names = list(dict.fromkeys(name for name in columns.split(",") if name))
    found = counted.facets(view, of, names, filters.parsed(wanted), query)
    return [
        CategoryFacet(column=one.column, type="category", values=one.values, other=one.other or 0, missing=one.missing)
        if one.values is not None
        else NumberFacet(column=one.column, type="number", bins=one.bins or [], missing=one.missing)
        for one in found
    ]
