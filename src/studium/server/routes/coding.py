"""Coding, unit by unit; and where coders disagree."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from studium.core.pair import units_of
from studium.core.records import Adjudication
from studium.core.variable import Answer, Variable
from studium.run.coding.adjudicate import Decision, Disagreement, Where, adjudicate, disagreements
from studium.run.coding.annotate import Coded, item, next_position, save
from studium.run.coding.shown import Shown, shown, size_of
from studium.server.context import Adjudicating, Coding, corpus, records
from studium.server.shapes import Name, Page, Paging

__all__ = ["router"]

router = APIRouter(tags=["coding"])
Note = Annotated[str, Field(max_length=10_000)]


class Box(BaseModel):
    """A box that was drawn: [x0, y0, x1, y1] in whole pixels, x1 and y1 exclusive."""

    value: str
    box: Annotated[list[int], Field(min_length=4, max_length=4)]


Value = str | int | float | list[str] | list[Box] | None
"""An answer: a value's name, a number, names, boxes, or null: cannot tell."""


class PlaceOut(BaseModel):
    """Where a coder is: the next unit that is not coded, or null if all are; units of theirs, and those done."""

    position: int | None
    total: int
    done: int


class UnitShown(BaseModel):
    """A unit as a coder sees it: its text, its picture's size where it is known, and what is attached to a post."""

    id: str
    kind: str
    label: str
    text: str | None
    width: int | None
    height: int | None
    media: list["UnitShown"]


class ItemOut(BaseModel):
    """A unit to code; with the coder's own answers, and nobody else's.

    Attributes:
        position: in the coder's order, from 0.
        total: units of theirs.
        done: of these, coded.
        unit: the unit, or null if it is a pair.
        pair: the two units of a pair, or null.
        variables: what is asked, in order.
        answers: given so far.
        note: or null.
        coded: whether everything that is asked is answered.
        skipped: variables that are not asked, given the answers so far.
    """

    position: int
    total: int
    done: int
    unit: UnitShown | None
    pair: tuple[UnitShown, UnitShown] | None
    variables: list[str]
    answers: dict[str, Value]
    note: str | None
    coded: bool
    skipped: list[str]


class AnswersIn(BaseModel):
    """What a coder says of a unit; sent again with the same key it is kept once.

    Attributes:
        definitions: variable -> digest of the definition that the coder read, as the codebook gives it; an answer by
            another than the present one is refused.
    """

    unit: Name
    answers: dict[str, Value] = Field(default_factory=dict)
    withdrawn: list[Name] = Field(default_factory=list)
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    note: Note | None = None
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    definitions: dict[str, str] = Field(default_factory=dict)


class SavedOut(BaseModel):
    """How many annotations were added, and how far the coder is."""

    added: int
    done: int
    total: int


class DecisionOut(BaseModel):
    """What counts, who decided, when and why; and what the coders had said by then."""

    value: Value
    who: str
    at: AwareDatetime
    note: str | None
    codes: dict[str, Value]


class DisagreementOut(BaseModel):
    """A unit, or pair, that coders answered differently; and what was decided, or null."""

    id: str
    unit: UnitShown | None
    pair: tuple[UnitShown, UnitShown] | None
    variable: str
    codes: dict[str, Value]
    notes: dict[str, str]
    decision: DecisionOut | None


class DecisionIn(BaseModel):
    """What is to count."""

    unit: Name
    variable: Name
    value: Value
    note: Note | None = None


@router.get("/tasks/{name}/next")
def place(name: str, request: Request, viewer: Coding, after: int = -1) -> PlaceOut:
    """The next unit that is not coded: the first after a position, or else the first of all."""
    found = next_position(records(request), corpus(request).codebook, name, viewer.name, after)
    return PlaceOut(position=found.position, total=found.total, done=found.done)


@router.get("/tasks/{name}/items/{position}")
def to_code(name: str, position: int, request: Request, viewer: Coding) -> ItemOut:
    """A unit to code."""
    study = corpus(request)
    found = item(study.store, records(request), study.codebook, name, viewer.name, position)
    return ItemOut(
        position=found.position,
        total=found.total,
        done=found.done,
        unit=_shown(found.unit) if found.unit else None,
        pair=(_shown(found.pair[0]), _shown(found.pair[1])) if found.pair else None,
        variables=[*found.variables],
        answers=_values(found.answers),
        note=found.note,
        coded=found.coded,
        skipped=[*found.skipped],
    )


@router.post("/tasks/{name}/annotations")
def annotate(name: str, said: AnswersIn, request: Request, viewer: Coding) -> SavedOut:
    """Keep what a coder says of a unit: all of it, or nothing."""
    study = corpus(request)
    body = said.model_dump()
    drawn = [study.codebook[one] for one in said.answers if study.codebook[one].type == "boxes"]
    told = Coded(**body, size=size_of(study.store, drawn[0].of, said.unit) if drawn else None)
    added = save(records(request), study.codebook, name, viewer.name, told)
    now = next_position(records(request), study.codebook, name, viewer.name)
    return SavedOut(added=added, done=now.done, total=now.total)


@router.get("/disagreements")
def where_coders_disagree(
    request: Request,
    viewer: Adjudicating,
    variable: str,
    paging: Paging,
    task: str = "",
    undecided: Annotated[bool, Query(alias="open")] = False,
) -> Page[DisagreementOut]:
    """Units that coders answered differently, but those that whoever asks has yet to code."""
    study = corpus(request)
    asked = Where(variable, task, undecided)
    found = disagreements(records(request), study.codebook, asked, viewer.name)
    some = found[paging.offset : paging.offset + paging.limit]
    about = study.codebook[variable]
    units = list(dict.fromkeys(unit for one in some for unit in _units(one.unit, about)))
    seen = {one.id: _shown(one) for one in shown(study.store, about.of, units)}
    items = [_disagreement(one, [seen[unit] for unit in _units(one.unit, about)]) for one in some]
    return Page(items=items, total=len(found), offset=paging.offset, limit=paging.limit)


@router.post("/adjudications", status_code=201)
def decide(asked: DecisionIn, request: Request, viewer: Adjudicating) -> DecisionOut:
    """Decide what counts of a unit; what the coders said stays."""
    study = corpus(request)
    about = study.codebook[asked.variable]
    size = size_of(study.store, about.of, asked.unit) if about.type == "boxes" else None
    decision = Decision(**asked.model_dump(), size=size)
    return _decision(adjudicate(records(request), study.codebook, decision, viewer.name))


def _units(unit: str, about: Variable) -> Sequence[str]:
    return units_of(unit) if about.pairs else (unit,)


def _shown(one: Shown) -> UnitShown:
    width, height = one.size or (None, None)
    media = [_shown(medium) for medium in one.media]
    return UnitShown(id=one.id, kind=one.kind, label=one.label, text=one.text, width=width, height=height, media=media)


def _value(answer: Answer) -> Value:
    if isinstance(answer, list):
        boxes = [Box(**one) for one in answer if isinstance(one, dict)]
        return boxes or [one for one in answer if isinstance(one, str)]
    return answer


def _values(answers: Mapping[str, Answer]) -> dict[str, Value]:
    return {name: _value(one) for name, one in answers.items()}


def _decision(one: Adjudication) -> DecisionOut:
    return DecisionOut(value=_value(one.value), who=one.who, at=one.at, note=one.note, codes=_values(one.codes))


def _disagreement(one: Disagreement, seen: Sequence[UnitShown]) -> DisagreementOut:
    return DisagreementOut(
        id=one.unit,
        unit=seen[0] if len(seen) == 1 else None,
        pair=(seen[0], seen[1]) if len(seen) == 2 else None,
        variable=one.variable,
        codes=_values(one.codes),
        notes={**one.notes},
        decision=_decision(one.decision) if one.decision else None,
    )
