"""What routes that only look have in common: the study as the person who asks may see it, ids, and answers in bytes."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from studium.browse.view import View
from studium.run.coding.blind import still_open
from studium.run.load import Decoding
from studium.server.context import Coding, Viewer, corpus, records

__all__ = ["BINARY", "Kind", "Label", "Looking", "Of", "UnitId", "answered", "blind", "fresh", "look"]

UnitId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="id of the unit")]
Kind = Annotated[str, Query(max_length=20, description="kind of the units, such as image")]
Of = Annotated[str | None, Query(max_length=20, description="kind of the unit; it is found without, too")]
Label = Annotated[str, Path(max_length=200, description="label of the table, such as map-81e549e3")]

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
"""Of a description: content that is no JSON."""


def look(request: Request, viewer: Viewer, *, measured: bool = True) -> View:
    """The study as somebody may see it: a coder sees what sources gave, and nothing that machines made."""
    served = corpus(request)
    decoding = Decoding(served.study.max_pixels, served.study.truncated)
    return View(served.store, measured and viewer.may("adjudicator"), decoding, records(request).clusters.all)


def _look(request: Request, viewer: Coding) -> View:
    return look(request, viewer)


Looking = Annotated[View, Depends(_look)]
"""Of a parameter: the study as whoever is signed in may see it."""


def blind(request: Request, viewer: Viewer, unit: str) -> bool:
    """Whether they have yet to code a unit, or a pair that it is in, whatever their role."""
    from studium.core.pair import units_of

    kept = records(request)
    if not kept.tasks.all() or not (corpus(request).root / "codebook.toml").exists():
        return False
    open_ = still_open(kept, corpus(request).codebook, viewer.name)
    return any(unit == one or ("+" in one and unit in units_of(one)) for one in open_)


def fresh(request: Request, etag: str) -> bool:
    """Whether the browser says that it has this."""
    return etag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]


def answered(request: Request, data: bytes, kind: str, etag: str, cache: str) -> Response:
    """Bytes with their ETag; 304 if the browser has them."""
    headers = {"ETag": etag, "Cache-Control": cache}
    if fresh(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)
