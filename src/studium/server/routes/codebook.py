"""Codebook of a study."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from studium.coding.codebook import FORMATS, rendered
from studium.core.codebook import Codebook
from studium.core.variable import Variable
from studium.server.context import Coding, corpus

__all__ = ["router"]

router = APIRouter(tags=["codebook"])

_MEDIA = {"markdown": "text/markdown", "html": "text/html", "label_studio": "application/xml"}


class ValueOut(BaseModel):
    """A value of a variable; see `studium.core.variable.Value`."""

    name: str
    definition: str
    include: list[str]
    exclude: list[str]
    examples: list[str]
    units: list[str]


class VariableOut(BaseModel):
    """A variable; see `studium.core.variable.Variable`.

    Attributes:
        only_if: variable -> values: it is asked only if each of these variables has one of its values.
        digest: of its definition; annotations say which one they follow.
    """

    name: str
    question: str
    of: str
    type: str
    pairs: bool
    instructions: str
    values: list[ValueOut]
    low: float | None
    high: float | None
    none_of_these: bool
    cannot_tell: bool
    sensitive: bool
    only_if: dict[str, list[str]]
    digest: str


class CodebookOut(BaseModel):
    """The codebook: its variables in the order in which they are asked; none if the study has no codebook yet."""

    variables: list[VariableOut]


@router.get("/codebook")
def codebook(request: Request, viewer: Coding) -> CodebookOut:
    """Every variable: its question, what may be answered, and the rules."""
    return CodebookOut(variables=[_variable(one) for one in _codebook(request).variables])


@router.get(
    "/codebook/export",
    response_class=Response,
    responses={200: {"content": {media: {"schema": {"type": "string"}} for media in _MEDIA.values()}}},
)
def export(
    request: Request,
    viewer: Coding,
    form: Annotated[Literal["markdown", "html", "label_studio"], Query(alias="format")] = "markdown",
    of: Annotated[str, Query(max_length=50)] = "image",
    pairs: bool = False,
) -> Response:
    """The codebook as a file: Markdown, a page to print, or what Label Studio asks about a kind of unit."""
    text = rendered(_codebook(request), form, corpus(request).study.title, of, pairs)
    named = {"Content-Disposition": f'attachment; filename="codebook{FORMATS[form]}"'}
    return Response(text, media_type=f"{_MEDIA[form]}; charset=utf-8", headers=named)


def _codebook(request: Request) -> Codebook:
    study = corpus(request)
    return study.codebook if (study.root / "codebook.toml").exists() else Codebook()


def _variable(one: Variable) -> VariableOut:
    values = [
        ValueOut(
            name=value.name,
            definition=value.definition,
            include=[*value.include],
            exclude=[*value.exclude],
            examples=[*value.examples],
            units=[*value.units],
        )
        for value in one.values
    ]
    same = ("name", "question", "of", "type", "pairs", "instructions", "low", "high", "digest")
    offers = ("none_of_these", "cannot_tell", "sensitive")
    plain = {name: getattr(one, name) for name in (*same, *offers)}
    return VariableOut(**plain, values=values, only_if={name: [*wanted] for name, wanted in one.only_if})
