"""Samples of a study: which units were drawn to be coded, and how."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from studium.core.codebook import Codebook
from studium.core.records.samples import Sample
from studium.run.coding.draws import Draw, drawn
from studium.server.context import Adjudicating, Administering, corpus, records
from studium.server.looking import Seeing
from studium.server.shapes import Name, Page, Paging

__all__ = ["router"]

router = APIRouter(tags=["samples"])


class Stratum(BaseModel):
    """A part of the frame."""

    name: str
    units: int
    drawn: int


class SampleSaid(BaseModel):
    """A draw, without its units."""

    name: str
    of: str
    pairs: bool
    design: str
    by: str
    seed: int
    frame: int = Field(description="units, or pairs of units, that it was drawn from")
    drawn: int
    strata: list[Stratum]
    left_out: dict[str, int] = Field(description="why -> how many units")
    behind: list[dict[str, Any]] = Field(description="tables and models that it rests on, with their versions")
    estimates: str = Field(description="what figures of it can tell of")
    configurations: list[str] = Field(description="of pairs: the tables of clusters that they judge")
    who: str
    at: datetime


class SampledUnit(BaseModel):
    """A unit of a sample."""

    id: str
    chance: float
    stratum: str | None


class SampleWhole(SampleSaid):
    """A draw, with a page of its units in the order in which they are to be coded."""

    units: Page[SampledUnit]


class Wanted(BaseModel):
    """A sample to draw."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    of: str = ""
    n: int = Field(100, ge=1, le=10**9)
    design: str = "simple"
    by: str = ""
    allocation: str = "proportional"
    spread: str = ""
    bins: int = Field(4, ge=2, le=1000)
    units: list[str] = []
    floor: float = Field(0.3, gt=0, le=1)
    measure: str = "entropy"
    fresh: bool = False
    once: bool = True
    seed: int | None = Field(None, ge=0, lt=2**63)


@router.get("/samples")
def samples(request: Request, _: Adjudicating) -> list[SampleSaid]:
    """Every sample, the oldest first."""
    return [SampleSaid(**_told(one)) for one in records(request).samples.all()]


@router.post("/samples", status_code=201)
def draw_sample(request: Request, viewer: Administering, wanted: Wanted) -> SampleSaid:
    """Draw a sample, or keep units that were chosen (``purposive``)."""
    study = corpus(request)
    codebook = study.codebook if (study.root / "codebook.toml").exists() else Codebook()
    made = drawn(
        study.store, records(request), codebook, Draw(**wanted.model_dump()), seed=study.study.seed, who=viewer.name
    )
    return SampleSaid(**_told(made))


@router.get("/samples/{name}")
def sample(request: Request, _: Seeing, name: str, paging: Paging) -> SampleWhole:
    """A sample and some of its units."""
    found = records(request).samples.get(name)
    some = [
        SampledUnit(id=one.unit, chance=one.chance, stratum=one.stratum)
        for one in found.units[paging.offset : paging.offset + paging.limit]
    ]
    page = Page(items=some, total=len(found.units), offset=paging.offset, limit=paging.limit)
    return SampleWhole(**_told(found), units=page)


def _told(one: Sample) -> dict[str, Any]:
    design = one.design
    strata = [{"name": name, **about} for name, about in design.get("strata", {}).items()]
    said = {"name": one.name, "of": one.of, "pairs": one.pairs, "who": one.who, "at": one.at, "strata": strata}
    return said | {
        **{name: str(design.get(name, "")) for name in ("design", "by", "estimates")},
        **{name: int(design.get(name, 0)) for name in ("seed", "frame", "drawn")},
        "left_out": design.get("left_out", {}),
        "behind": design.get("behind", []),
        "configurations": [told["table"] for told in design.get("configurations", [])],
    }
