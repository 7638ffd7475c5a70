"""What the study is about, and how much of it there is."""

from importlib.metadata import version

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from studium.core.unit import KINDS
from studium.server.context import Coding, corpus, records
from studium.server.looking import Given

__all__ = ["router"]

router = APIRouter(tags=["study"])


class Kind(BaseModel):
    """Units of a kind.

    Attributes:
        kind: such as "image".
        n: how many there are.
        offers: what can be measured of them: "image", "text", "video", "audio" ...
    """

    kind: str
    n: int = Field(ge=0)
    offers: list[str]


class StudyShown(BaseModel):
    """The study.

    Attributes:
        title: of the study.
        question: the research question.
        blur_faces: whether faces are made unrecognisable in every picture shown.
        kinds: of units, as far as there are any.
        database: "sqlite" or "postgresql".
        version: of studium.
    """

    title: str
    question: str
    blur_faces: bool
    kinds: list[Kind]
    database: str
    version: str


@router.get("/study")
def study(request: Request, viewer: Coding, view: Given) -> StudyShown:
    """The study, and how many units of each kind it has."""
    served = corpus(request)
    said = served.study
    return StudyShown(
        title=said.title,
        question=said.question,
        blur_faces=said.blur_faces,
        kinds=[Kind(kind=k, n=len(view.ids(k)), offers=sorted(KINDS[k])) for k in view.store.kinds()],
        database=records(request).where.partition("://")[0].partition("+")[0],
        version=version("studium"),
    )
