"""Pairs of a study: clusterings judged by what people say of two units."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from studium.coding.agreement import Agreement
from studium.coding.pairs import Figure
from studium.run.coding.compared import Configuration, Difference, compared
from studium.run.coding.pairs import Compare, drawn_pairs
from studium.server.context import Administering, corpus, records
from studium.server.looking import Seeing
from studium.server.shapes import Name

__all__ = ["router"]

router = APIRouter(tags=["pairs"])

Number = float | None
"""Null where there is no figure."""


class WantedPairs(BaseModel):
    """Pairs to draw."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    configurations: list[str] = Field(min_length=1, max_length=50)
    n: int = Field(500, ge=1, le=20_000)
    across: int | None = Field(None, ge=0, le=20_000)
    weighting: str = "both"
    of: str = ""
    seed: int | None = Field(None, ge=0, lt=2**63)


class DrawnPairs(BaseModel):
    """What was drawn."""

    name: str
    of: str
    pairs: int
    within: int = Field(description="of these, in one cluster of any configuration")


class ConfigurationSaid(BaseModel):
    """One clustering, and what the pairs say of it. Intervals are of 95 %, Wilson's; ``bootstrap_`` over pairs."""

    table: str
    name: str
    params: dict[str, Any]
    clusters: int
    unassigned: float
    pairs: int = Field(description="coded pairs that it puts together")
    share: Number = Field(description="of all pairs within clusters that belong together; the precision")
    low: Number
    high: Number
    bootstrap_low: Number
    bootstrap_high: Number
    cluster_share: Number = Field(description="the same, all clusters alike")
    cluster_low: Number
    cluster_high: Number
    cluster_bootstrap_low: Number
    cluster_bootstrap_high: Number
    precision: Number
    recall: Number = Field(description="of all pairs that belong together, those in one cluster")
    recall_low: Number
    recall_high: Number
    f1: Number
    f1_low: Number
    f1_high: Number


class DifferenceSaid(BaseModel):
    """How much a figure of ``b`` is above that of ``a``, by the same pairs."""

    measure: str
    a: str
    b: str
    change: Number
    low: Number
    high: Number
    p: Number
    p_holm: Number


class MeasureSaid(BaseModel):
    """A coefficient of agreement."""

    name: str
    value: Number
    low: Number
    high: Number
    se: Number
    undefined: Number
    reason: str


class AgreementSaid(BaseModel):
    """How far coders agree about pairs, before anything was decided."""

    units: int
    coders: int
    paradox: bool
    measures: list[MeasureSaid]


class PairsSaid(BaseModel):
    """Configurations judged by the pairs of one sample."""

    sample: str
    variable: str
    same: list[str]
    weighting: str
    drawn: int
    known: int = Field(description="pairs that have an answer")
    adjudicated: int
    majority: int
    ties: int
    cannot_tell: int
    uncoded: int
    coded_once: int
    coders: list[str]
    configurations: list[ConfigurationSaid]
    differences: list[DifferenceSaid]
    agreement: AgreementSaid | None


@router.post("/pairs", status_code=201)
def draw_pairs(request: Request, viewer: Administering, wanted: WantedPairs) -> DrawnPairs:
    """Draw pairs within and across clusters; the sample is then given to coders as a task."""
    study = corpus(request)
    asked = Compare(**wanted.model_dump())
    made = drawn_pairs(study.store, records(request), asked, seed=study.study.seed, who=viewer.name)
    within = sum({*(one.stratum or "").split()} != {"-"} for one in made.units)
    return DrawnPairs(name=made.name, of=made.of, pairs=len(made.units), within=within)


@router.get("/pairs/{sample}")
def pairs(
    request: Request,
    _: Seeing,
    sample: str,
    variable: str = "",
    same: Annotated[Sequence[str], Query()] = (),
) -> PairsSaid:
    """What the codes say of each configuration, and of their differences."""
    study = corpus(request)
    found = compared(records(request), study.codebook, sample, variable, same, study.study.seed)
    counted = ("adjudicated", "majority", "ties", "cannot_tell", "uncoded", "coded_once", "known")
    return PairsSaid(
        sample=found.sample,
        variable=found.variable,
        same=[*found.same],
        weighting=found.weighting,
        drawn=len(found.votes.same),
        **{name: getattr(found.votes, name) for name in counted},
        coders=[*found.coders],
        configurations=[_configuration(one) for one in found.configurations],
        differences=[_difference(one) for one in found.differences],
        agreement=_agreement(found.agreement) if found.agreement else None,
    )


def _configuration(one: Configuration) -> ConfigurationSaid:
    found = one.found
    return ConfigurationSaid(
        **{name: getattr(one, name) for name in ("table", "name", "clusters", "unassigned")},
        params={**one.params},
        pairs=found.pairs,
        precision=_number(found.share.value),
        **_ends("", "share", found.share, bootstrap=True),
        **_ends("cluster_", "cluster_share", found.cluster_share, bootstrap=True),
        **_ends("recall_", "recall", found.recall),
        **_ends("f1_", "f1", found.f1),
    )


def _ends(prefix: str, name: str, one: Figure, bootstrap: bool = False) -> dict[str, Any]:
    ends = ("low", "high", *(("bootstrap_low", "bootstrap_high") if bootstrap else ()))
    return {name: _number(one.value), **{f"{prefix}{end}": _number(getattr(one, end)) for end in ends}}


def _difference(one: Difference) -> DifferenceSaid:
    return DifferenceSaid.model_validate(_numbers(asdict(one)))


def _agreement(found: Agreement) -> AgreementSaid:
    measures = [MeasureSaid.model_validate(_numbers(asdict(one))) for one in found.measures]
    return AgreementSaid(units=found.units, coders=found.coders, paradox=bool(found.paradox), measures=measures)


def _numbers(told: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in told.items()}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
