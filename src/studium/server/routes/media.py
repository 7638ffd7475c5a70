"""Pictures and files of units; with faces covered where the study says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from studium.browse import pictures
from studium.browse.files import File, byte_range, disposition, file_of, pieces, unseen
from studium.browse.view import View
from studium.errors import RefusedError
from studium.server.context import Coding, Viewer, corpus, records
from studium.server.errors import answer
from studium.server.looking import BINARY, Given, Of, UnitId, answered, fresh

__all__ = ["router"]

router = APIRouter(tags=["media"])

_KEPT, _ASKED = "private, max-age=3600", "private, no-cache"
_WEBP: Mapping[int | str, dict[str, Any]] = {200: {"content": {"image/webp": BINARY}, "description": "A picture"}}
_FILE: Mapping[int | str, dict[str, Any]] = {
    200: {"content": {"*/*": BINARY}, "description": "The file"},
    206: {"content": {"*/*": BINARY}, "description": "The bytes that were asked for"},
    416: {"description": "No such bytes"},
}


@dataclass(frozen=True)
class _Found:
    """A unit, its kind and place, and whether faces are to be covered for whoever asks."""

    view: View
    unit: str
    kind: str
    row: int
    covered: bool


@dataclass(frozen=True)
class _Asked:
    """What is asked for, before anything was looked for."""

    request: Request
    viewer: Viewer
    view: View
    unit: str
    of: str | None
    unblurred: bool

    def found(self) -> _Found:
        """The unit; it is written down who sees it unblurred."""
        kind, row = self.view.find(self.unit, self.of)
        return _Found(self.view, self.unit, kind, row, _covered(self.request, self.viewer, self.unit, self.unblurred))


async def _asked(
    request: Request,
    viewer: Coding,
    view: Given,
    unit: UnitId,
    of: Of = None,
    *,
    unblurred: Annotated[bool, Query(description="show faces where the study covers them; for admins, logged")] = False,
) -> _Asked:
    return _Asked(request, viewer, view, unit, of, unblurred)


Asked = Annotated[_Asked, Depends(_asked)]


@router.get("/units/{unit}/thumb", response_class=Response, responses={**_WEBP})
def thumb(request: Request, asked: Asked, side: Annotated[int, Query(ge=16, le=512)] = 256) -> Response:
    """A small picture of a unit (WebP), kept with the study."""
    unit = asked.found()
    data = pictures.thumb(unit.view, unit.kind, unit.row, side, covered=unit.covered)
    return answered(request, data, "image/webp", _etag(unit, f"{side}"), _cache(request))


@router.get("/units/{unit}/picture", response_class=Response, responses={**_WEBP})
def picture(request: Request, asked: Asked, longest: Annotated[int, Query(ge=16, le=3200)] = 1600) -> Response:
    """A large picture of a unit (WebP): a picture, its part, a frame, the middle of a shot or a video."""
    unit = asked.found()
    data = pictures.picture(unit.view, unit.kind, unit.row, longest, covered=unit.covered)
    return answered(request, data, "image/webp", _etag(unit, f"{longest}-large"), _ASKED)


@router.get("/units/{unit}/media", response_class=Response, responses={**_FILE})
def media(request: Request, asked: Asked) -> Response:
    """The file that a unit is or lies in, or a range of its bytes."""
    unit = asked.found()
    file = file_of(unit.view, unit.kind, unit.row)
    if unit.covered and not unseen(file):
        raise RefusedError("the study covers faces, so its files are not handed out; ask for thumb or picture")
    return _sent(request, file)


def _covered(request: Request, viewer: Viewer, unit: str, unblurred: bool) -> bool:
    """Whether faces are to be covered for whoever asks; who sees them all the same is written down."""
    if not corpus(request).study.blur_faces:
        return False
    if not unblurred:
        return True
    if not viewer.may("admin"):
        raise RefusedError("the study covers faces; only an admin may look at them")
    records(request).log(viewer.name, "unblurred", {"unit": unit, "route": request.url.path.rsplit("/", 1)[-1]})
    return False


def _etag(unit: _Found, what: str) -> str:
    return f'"{unit.unit}-{what}{"-covered" if unit.covered else ""}"'


def _cache(request: Request) -> str:
    """A thumb is not asked for again for an hour; one with faces covered each time, as others may see them."""
    return _ASKED if corpus(request).study.blur_faces else _KEPT


def _sent(request: Request, file: File) -> Response:
    etag = f'"{file.id}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": _ASKED,
        "Content-Disposition": disposition(file),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if fresh(request, etag):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range") if request.headers.get("if-range", etag) == etag else None
    part = byte_range(asked, file.size)
    if part is None:
        whole = {**headers, "Content-Length": str(file.size)}
        return StreamingResponse(pieces(file, 0, file.size), media_type=file.type, headers=whole)
    start, stop = part
    if start >= file.size:
        return answer(416, f"the file has {file.size} bytes", "InputError", {"Content-Range": f"bytes */{file.size}"})
    ranged = {"Content-Length": str(stop - start), "Content-Range": f"bytes {start}-{stop - 1}/{file.size}"}
    return StreamingResponse(pieces(file, start, stop), 206, {**headers, **ranged}, file.type)
