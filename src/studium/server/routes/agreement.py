"""How far the coders of a study agree. It tells what single coders said, so it is for those who see all answers."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from studium.coding.agreement import Agreement as Found
from studium.coding.drift import Drift
from studium.run.coding.agreement import Agreed, Between, Group, agreements
from studium.run.coding.gathered import Said
from studium.server.context import corpus, records
from studium.server.looking import Seeing
from studium.server.shapes import Name

__all__ = ["router"]

router = APIRouter(tags=["agreement"])


class Measure(BaseModel):
    """A coefficient with its 95 % interval; null where it is not defined, and then ``reason`` says why.

    Attributes:
        name: such as krippendorff_alpha.
        value: 1 is perfect.
        low: lower end of the interval.
        high: upper end.
        se: standard error.
        undefined: share of resamples in which it is not defined.
        reason: why there is no value, or "".
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    se: float | None
    undefined: float | None
    reason: str


class Part(BaseModel):
    """A value of a multilabel variable as a question of its own."""

    value: str
    units: int
    paradox: bool
    measures: list[Measure]


class Coder(BaseModel):
    """A coder: a person, or a table of a machine.

    Attributes:
        coder: who.
        machine: whether it is a table.
        units: that they answered about, "cannot tell" included.
        cannot_tell: of so many they cannot tell.
        seconds: median of what a unit took, or null.
        again: units that they coded twice, days apart.
        again_percent: share of these with the same answer, or null.
    """

    coder: str
    machine: bool
    units: int
    cannot_tell: int
    seconds: float | None
    again: int
    again_percent: float | None


class CoderPair(BaseModel):
    """Two coders, on the units that both coded; kappa is Cohen's, of ordinal values weighted by squares; else alpha."""

    a: str
    b: str
    units: int
    percent: float | None
    kappa: float | None


class Confusion(BaseModel):
    """How often each value was chosen beside each: of two coders rows are the first's; of more both ways."""

    labels: list[str]
    counts: list[list[int]]


class Block(BaseModel):
    """A stretch of a coder's work: numbers of its first and last unit, and the mean agreement with the others."""

    first: int
    last: int
    value: float
    low: float
    high: float


class Trend(BaseModel):
    """A test for a trend over the blocks of a coder: slope by block, z and p; null where there is none, and why."""

    slope: float | None
    z: float | None
    p: float | None
    reason: str


class CoderDrift(BaseModel):
    """A coder over time: blocks of the units that others coded too, in the order in which they coded."""

    coder: str
    units: int
    blocks: list[Block]
    trend: Trend


class GroupOut(BaseModel):
    """Two groups of coders: the difference of their means within units, and whether it is more than by chance."""

    trait: str
    value: str
    a: str
    b: str
    coders_a: int
    coders_b: int
    units: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    smallest: float | None
    exact: bool
    reason: str


class VariableAgreement(BaseModel):
    """A variable; see `studium.run.coding.agreement.Agreed`.

    ``units`` are those that at least two coded, which agreement is of; ``coded`` those that anybody did; ``unequal``,
    whether they were drawn with unequal probabilities: agreement is of the units as drawn, and not weighted.
    """

    variable: str
    type: str
    level: str
    units: int
    coded: int
    coders: list[Coder]
    measures: list[Measure]
    parts: list[Part]
    coder_pairs: list[CoderPair]
    confusion: Confusion
    paradox: bool
    drift: list[CoderDrift]
    groups: list[GroupOut]
    left_out: dict[str, int]
    unequal: bool


class AgreementOut(BaseModel):
    """The agreement about every variable that was asked for."""

    variables: list[VariableAgreement]


@router.get("/agreement")
def agreement(
    request: Request,
    viewer: Seeing,
    task: Name | None = None,
    sample: Name | None = None,
    variable: Annotated[list[Name] | None, Query()] = None,
    by: Name | None = None,
) -> AgreementOut:
    """How far coders agree about variables: those of the task, or all that are coded, if none are named."""
    study = corpus(request)
    asked = {"task": task, "sample": sample, "by": by, "seed": study.study.seed}
    found = agreements(study.store, records(request), study.codebook, variable or [], **asked)
    return AgreementOut(variables=[_variable(one) for one in found])


def _variable(of: Agreed) -> VariableAgreement:
    return VariableAgreement(
        variable=of.variable.name,
        type=of.variable.type,
        level=of.level,
        units=of.overall.units,
        coded=of.units,
        coders=[_coder(of, one) for one in of.coders],
        measures=_measures(of.overall),
        parts=[
            Part(value=value, units=one.units, paradox=one.paradox, measures=_measures(one))
            for value, one in of.parts.items()
        ],
        coder_pairs=[_pair(one) for one in of.pairs],
        confusion=Confusion(labels=[*of.labels], counts=[[*row] for row in of.confusion]),
        paradox=of.paradox,
        drift=[_drift(coder, one) for coder, one in of.drift.items()],
        groups=[_group(one) for one in of.groups],
        left_out={**of.left_out},
        unequal=of.unequal,
    )


def _measures(of: Found) -> list[Measure]:
    return [
        Measure(
            name=one.name,
            value=_number(one.value),
            low=_number(one.low),
            high=_number(one.high),
            se=_number(one.se),
            undefined=_number(one.undefined),
            reason=one.reason,
        )
        for one in of.measures
    ]


def _coder(of: Agreed, said: Said) -> Coder:
    again = of.again.get(said.coder)
    return Coder(
        coder=said.coder,
        machine=said.machine,
        units=len(said.codes),
        cannot_tell=said.cannot_tell,
        seconds=said.seconds,
        again=again.units if again else 0,
        again_percent=_number(again["percent"].value) if again else None,
    )


def _pair(of: Between) -> CoderPair:
    percent, kappa = _number(of.found["percent"].value), _number(of.kappa)
    return CoderPair(a=of.a, b=of.b, units=of.found.units, percent=percent, kappa=kappa)


def _drift(coder: str, of: Drift) -> CoderDrift:
    blocks = [Block(first=one.first, last=one.last, value=one.value, low=one.low, high=one.high) for one in of.blocks]
    slope, z, p = (_number(one) for one in (of.slope, of.z, of.p))
    trend = Trend(slope=slope, z=z, p=p, reason=of.reason)
    return CoderDrift(coder=coder, units=of.units, blocks=blocks, trend=trend)


def _group(of: Group) -> GroupOut:
    it = of.contrast
    names = ("mean_a", "mean_b", "difference", "low", "high", "p", "p_holm", "smallest")
    numbers: dict[str, Any] = {name: _number(getattr(it, name)) for name in names}
    plain = {name: getattr(it, name) for name in ("a", "b", "coders_a", "coders_b", "units", "exact", "reason")}
    return GroupOut(trait=of.trait, value=of.value, **plain, **numbers)


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
