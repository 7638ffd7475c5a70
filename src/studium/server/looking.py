"""What routes that only look have in common: the study as the person who asks may see it, ids, and answers in bytes."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from studium.browse.view import View
from studium.errors import RefusedError
from studium.run.coding.blind import to_code
from studium.run.load import Decoding
from studium.server.context import Adjudicating, Coding, Viewer, corpus, records

__all__ = [
    "BINARY",
    "Blind",
    "Given",
    "Kind",
    "Label",
    "Looking",
    "Of",
    "Seeing",
    "UnitId",
    "answered",
    "blind",
    "fresh",
    "look",
]

UnitId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="id of the unit")]
Kind = Annotated[str, Query(max_length=20, description="kind of the units, such as image")]
Of = Annotated[str | None, Query(max_length=20, description="kind of the unit; it is found without, too")]
Label = Annotated[str, Path(max_length=200, description="label of the table, such as map-81e549e3")]

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
"""Of a description: content that is no JSON."""


def look(request: Request, *, measured: bool) -> View:
    """The study as somebody may see it; if not ``measured``, what sources gave, and nothing that machines made."""
    served = corpus(request)
    decoding = Decoding(served.study.max_pixels, served.study.truncated)
    return View(served.store, measured, decoding, records(request).clusters.all)


async def blind(request: Request, viewer: Coding) -> str:
    """Why they see only what sources gave, and what they said themselves; "" if they see everything.

    A coder always does, and whoever has units yet to code, whatever their role.
    """
    if not viewer.may("adjudicator"):
        return f"this is for the role adjudicator; {viewer.name} has the role {viewer.role}, which codes blind"
    return await run_in_threadpool(_yet_to_code, request, viewer)


def _yet_to_code(request: Request, viewer: Viewer) -> str:
    kept, study = records(request), corpus(request)
    if not kept.tasks.of(viewer.name) or not (study.root / "codebook.toml").exists():
        return ""
    if not (open_ := to_code(kept, study.codebook, viewer.name)):
        return ""
    left = ", ".join(f"{n} in the task {task!r}" for task, n in open_.items())
    local = request.app.state.settings.mode == "local"
    other = "start  studium serve  with another name as --coder" if local else "sign in with an account that has none"
    return (
        f"{viewer.name} has units yet to code ({left}), and until then sees nothing that machines or others said of any"
        f" unit; code them first, or {other}"
    )


Blind = Annotated[str, Depends(blind)]
"""Of a parameter: why whoever is signed in codes blind, or "" if they do not."""


async def _look(request: Request, closed: Blind) -> View:
    return look(request, measured=not closed)


async def _seeing(viewer: Adjudicating, closed: Blind) -> Viewer:
    if closed:
        raise RefusedError(closed)
    return viewer


async def _given(request: Request) -> View:
    return look(request, measured=False)


Given = Annotated[View, Depends(_given)]
"""Of a parameter: the study as its sources gave it, whoever asks."""
Looking = Annotated[View, Depends(_look)]
"""Of a parameter: the study as whoever is signed in may see it."""
Seeing = Annotated[Viewer, Depends(_seeing)]
"""Of a parameter: an adjudicator or admin who does not code blind."""


def fresh(request: Request, etag: str) -> bool:
    """Whether the browser says that it has this."""
    return etag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]


def answered(request: Request, data: bytes, kind: str, etag: str, cache: str) -> Response:
    """Bytes with their ETag; 304 if the browser has them."""
    headers = {"ETag": etag, "Cache-Control": cache}
    if fresh(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)
