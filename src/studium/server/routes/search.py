"""Search of a study: by a text, by a unit, by a picture."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from studium.browse import search as found
from studium.browse.search import Searchable
from studium.browse.units import Item
from studium.browse.view import View
from studium.errors import InputError
from studium.server.context import Adjudicating
from studium.server.limits import LARGE_BODY
from studium.server.looking import BINARY, Kind, Looking, Seeing

__all__ = ["router"]

router = APIRouter(tags=["search"])


@dataclass(frozen=True)
class _Asked:
    """Where is searched, and for how many units."""

    view: View
    of: str
    by: str
    k: int

    def nearest(self, given: Mapping[str, str | Path]) -> "Found":
        """The units nearest to what is given."""
        hits = found.search(self.view, self.of, self.by, given, self.k)
        return Found(items=[Hit.of(one.item, one.score) for one in hits])


async def _asked(
    view: Looking,
    viewer: Seeing,
    of: Kind,
    by: Annotated[str, Query(max_length=200, description="table of vectors; else the one asked for last")] = "",
    k: Annotated[int, Query(ge=1, le=found.MOST)] = 100,
) -> _Asked:
    return _Asked(view, of, by, k)


Asked = Annotated[_Asked, Depends(_asked)]


class Hit(BaseModel):
    """A unit that was found, and its cosine with what was looked for."""

    id: str
    kind: str
    label: str
    width: int | None
    height: int | None
    seconds: float | None
    score: float

    @classmethod
    def of(cls, item: Item, score: float) -> "Hit":
        """What was found, with its score."""
        shape = {"width": item.width, "height": item.height, "seconds": item.seconds}
        return cls.model_validate({"id": item.id, "kind": item.kind, "label": item.label, **shape, "score": score})


class Found(BaseModel):
    """The nearest units, the best first."""

    items: list[Hit]


async def _body(request: Request) -> bytes:
    """The picture that is looked for."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("image/"):
        raise InputError(f"a picture should come as image/jpeg, image/png ..., got {kind[:100]!r}")
    return await request.body()


@router.get("/search/tables")
def tables(view: Looking, viewer: Adjudicating, of: Kind) -> list[Searchable]:
    """The tables of vectors that can be searched; none for who codes blind."""
    return found.searchable(view, of)


@router.get("/search")
def search(
    asked: Asked,
    text: Annotated[str | None, Query(min_length=1, max_length=1000)] = None,
    unit: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None,
) -> Found:
    """The units nearest to a text or to a unit."""
    if text is not None and unit is None:
        return asked.nearest({"text": text})
    if unit is not None and text is None:
        return asked.nearest({"unit": unit})
    raise InputError("a search needs either a text or a unit")


@router.post(
    "/search/image",
    max_body_size=LARGE_BODY,
    openapi_extra={"requestBody": {"required": True, "content": {"image/*": BINARY}}},
)
def by_image(asked: Asked, body: Annotated[bytes, Depends(_body)]) -> Found:
    """The units nearest to a picture."""
    with tempfile.TemporaryDirectory(prefix="studium-") as folder:
        path = Path(folder, "picture")
        path.write_bytes(body)
        return asked.nearest({"image": path})
