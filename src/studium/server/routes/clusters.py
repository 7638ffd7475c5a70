"""Clusters of a study: seen, named and merged."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from studium.browse import clusters as found
from studium.browse.clusters import Cluster
from studium.browse.units import Item, items
from studium.core.records.clusters import ClusterEdit
from studium.server.context import records
from studium.server.looking import Kind, Label, Looking, Seeing
from studium.server.shapes import Page, Paging

__all__ = ["router"]

router = APIRouter(tags=["clusters"])

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Clustering(BaseModel):
    """A clustering: its table, that of the vectors it was made from, and how many clusters and units in none it has."""

    table: str
    by: str
    clusters: int
    unassigned: int


class ClusteringShown(BaseModel):
    """The clusters of a clustering, the largest first."""

    clusters: list[Cluster]
    unassigned: int


class EditIn(BaseModel):
    """A cluster, and its new name ("" for none), or the cluster that it becomes part of (its own number parts it)."""

    cluster: Number
    name: Annotated[str, Field(max_length=200)] | None = None
    into: Number | None = None


@router.get("/clusters")
def clusterings(view: Looking, viewer: Seeing, of: Kind) -> list[Clustering]:
    """Every clustering of a kind."""
    return [
        Clustering(table=one.table, by=one.by, clusters=len(one.clusters), unassigned=one.unassigned)
        for one in found.clusterings(view, of)
    ]


@router.get("/clusters/{table}")
def clusters(view: Looking, viewer: Seeing, table: Label, of: Kind) -> ClusteringShown:
    """The clusters of a clustering as people named and merged them, with typical units of each."""
    told = found.overview(view, of, table)
    return ClusteringShown(clusters=told.clusters, unassigned=told.unassigned)


@router.get("/clusters/{table}/{cluster}/units")
def units(
    view: Looking,
    viewer: Seeing,
    table: Label,
    cluster: Annotated[int, Path(ge=-1, le=2**31 - 1)],
    of: Kind,
    paging: Paging,
) -> Page[Item]:
    """The units of a cluster, the most typical first; those in none, as cluster -1."""
    rows, total = found.members(view, of, table, cluster, (paging.offset, paging.limit))
    return Page[Item](items=items(view, of, rows), total=total, offset=paging.offset, limit=paging.limit)


@router.post("/clusters/{table}/edits")
def edit(request: Request, view: Looking, viewer: Seeing, table: Label, of: Kind, asked: EditIn) -> ClusteringShown:
    """Name a cluster, or merge it into another one; the clustering itself stays as it was computed."""
    wanted = ClusterEdit(table, asked.cluster, asked.name, asked.into, viewer.name, datetime.now(UTC))
    records(request).clusters.add(found.edit(view, of, wanted))
    return clusters(view, viewer, table, of)
