"""What coders say of themselves: asked with words of consent, seen by themselves, and taken back whenever they like."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from studium.core.records import Trait
from studium.run.coding.traits import questions, tell, withdraw
from studium.server.context import Coding, corpus, records
from studium.server.shapes import Name

__all__ = ["router"]

router = APIRouter(tags=["coders"])


class QuestionOut(BaseModel):
    """A question to coders; ``values`` are the possible answers, none of them for any text."""

    name: str
    question: str
    values: list[str]


class QuestionsOut(BaseModel):
    """What coders are asked, and the words that they consent to."""

    consent: str
    questions: list[QuestionOut]


class TraitsIn(BaseModel):
    """What a coder says of themselves, and the words of consent that they read."""

    traits: Annotated[
        dict[Name, Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=100)
    ]
    consent: Annotated[str, Field(min_length=1, max_length=20_000)]


class TraitsOut(BaseModel):
    """What a coder said of themselves, and the words that they consented to; "" if they said nothing."""

    traits: dict[str, str]
    consent: str


class Withdrawn(BaseModel):
    """How many traits were deleted."""

    deleted: int


@router.get("/coders/traits/questions")
def asked(request: Request, viewer: Coding) -> QuestionsOut:
    """What coders are asked about themselves: ``coders.toml`` of the study; nothing, if there is none."""
    found = questions(corpus(request).root)
    listed = [QuestionOut(name=one.name, question=one.question, values=[*one.values]) for one in found.questions]
    return QuestionsOut(consent=found.consent, questions=listed)


@router.get("/coders/me/traits")
def mine(request: Request, viewer: Coding) -> TraitsOut:
    """What whoever asks said of themselves."""
    return _out([one for one in records(request).traits.all() if one.coder == viewer.name])


@router.put("/coders/me/traits")
def put(said: TraitsIn, request: Request, viewer: Coding) -> TraitsOut:
    """Say something of oneself; it takes the place of what was said of the same before."""
    tell(records(request), viewer.name, said.traits, said.consent, questions(corpus(request).root))
    return mine(request, viewer)


@router.delete("/coders/me/traits")
def take_back(request: Request, viewer: Coding) -> Withdrawn:
    """Delete everything that one said of oneself."""
    return Withdrawn(deleted=withdraw(records(request), viewer.name))


def _out(traits: list[Trait]) -> TraitsOut:
    return TraitsOut(traits={one.name: one.value for one in traits}, consent=traits[-1].consent if traits else "")
