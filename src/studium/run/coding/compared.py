"""Clusterings of a study compared: what the coded pairs of a sample say of each, and of their differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.agreement import Agreement, agreement
from studium.coding.pairs import MEASURES, Change, Cohesion, cohesion
from studium.core.codebook import Codebook
from studium.core.multiple import holm
from studium.core.records import Records
from studium.core.records.samples import Sample
from studium.core.variable import Variable
from studium.errors import InputError, UnknownNameError
from studium.run.coding.clusters import named
from studium.run.coding.pairs import PAIRS
from studium.run.coding.votes import Votes, votes_of

__all__ = ["Compared", "Configuration", "Difference", "compared"]


@dataclass(frozen=True)
class Configuration:
    """One clustering, and what the pairs say of it.

    Attributes:
        table: ``image/cluster-81e549e3``.
        name: for people: what it was made of, and in which parameters it differs from the others; or its key.
        params: of the clustering.
        clusters: how many it has.
        unassigned: share of all units that are in none.
        found: what the pairs say.
        merged: clusters that people had merged into others before the pairs were drawn; they count as merged.
        changed: whether people merged or parted clusters after that, which does not count: draw new pairs for it.
    """

    table: str
    name: str
    params: Mapping[str, Any]
    clusters: int
    unassigned: float
    found: Cohesion
    merged: int = 0
    changed: bool = False


@dataclass(frozen=True)
class Difference:
    """How much a figure of configuration ``b`` is above that of ``a``.

    Attributes:
        measure: one of `studium.coding.pairs.MEASURES`.
        a: table of the one.
        b: table of the other.
        change: b - a.
        low: lower end of the 95 % interval.
        high: upper end.
        p: two-sided, of no difference; NaN if there is none.
        p_holm: the same for all differences of the measure together (Holm).
    """

    measure: str
    a: str
    b: str
    change: float
    low: float
    high: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class Compared:
    """Configurations judged by the pairs of one sample.

    Attributes:
        sample: its name.
        variable: that was coded.
        same: its values that say that two units belong together.
        weighting: by which pairs were drawn.
        votes: what was said of each pair, and how many were left open for which reason.
        coders: who coded.
        configurations: in the order in which they were named.
        differences: of every two of them.
        agreement: of the coders, before anything was decided; None of one coder alone.
    """

    sample: str
    variable: str
    same: Sequence[str]
    weighting: str
    votes: Votes
    coders: Sequence[str]
    configurations: Sequence[Configuration]
    differences: Sequence[Difference]
    agreement: Agreement | None


def compared(
    records: Records, codebook: Codebook, sample: str, variable: str = "", same: Sequence[str] = (), seed: int = 0
) -> Compared:
    """What the codes of a sample of pairs say of its configurations.

    Args:
        records: of the study.
        codebook: with the variable.
        sample: name of the sample.
        variable: that was coded; "" for the only one of the codebook that is about pairs of this kind.
        same: its values that say that two units belong together; () for the first one.
        seed: of the bootstrap.

    Raises:
        UnknownNameError: no such sample, variable or value.
        InputError: a sample of something else, or a variable that is not about pairs.
    """
    drawn = records.samples.get(sample)
    if drawn.design.get("design") != PAIRS:
        raise InputError(f"{sample!r} is no sample of pairs; draw one with  studium pairs draw")
    asked = _variable(codebook, drawn, variable)
    same = tuple(same) or asked.names[:1]
    if unknown := [value for value in same if value not in asked.names]:
        raise UnknownNameError(f"{asked.name} has no value {unknown[0]!r}; it has {', '.join(asked.names)}")
    pairs = [one.unit for one in drawn.units]
    votes = votes_of(records, asked, pairs, same)
    told = drawn.design["configurations"]
    known = [at for at, one in enumerate(votes.same) if one is not None]
    found, changes = cohesion(
        [bool(votes.same[at]) for at in known],
        [drawn.units[at].chance for at in known],
        _clusters([drawn.units[at].stratum or "" for at in known], len(told)),
        [one["sizes"] for one in told],
        seed,
    )
    configurations = [_configuration(records, one, what) for one, what in zip(told, found, strict=True)]
    return Compared(
        *(sample, asked.name, same, str(drawn.design["weighting"]), votes, tuple(votes.codes)),
        configurations,
        _differences([one["table"] for one in told], changes),
        _agreed(asked, votes, seed),
    )


def _configuration(records: Records, told: Mapping[str, Any], found: Cohesion) -> Configuration:
    then, now = dict(told.get("merged", ())), named(records.clusters.all(told["table"])).into
    about = (told["table"], told["name"], told["params"], told["clusters"], told["unassigned"])
    return Configuration(*about, found, len(then), then != now)


def _variable(codebook: Codebook, drawn: Sample, name: str) -> Variable:
    if name:
        found = codebook[name]
        if not found.pairs or found.of != drawn.of:
            raise InputError(f"{name!r} is not about pairs of {drawn.of} units; say pairs = true in the codebook")
        return found
    fitting = [one for one in codebook.variables if one.pairs and one.of == drawn.of]
    if len(fitting) != 1:
        there = ", ".join(one.name for one in fitting) or "none"
        raise InputError(f"expected one variable about pairs of {drawn.of} units, there are: {there}; name it")
    return fitting[0]


def _clusters(strata: Sequence[str], c: int) -> npt.NDArray[np.int64]:
    told = [[-1 if one == "-" else int(one) for one in stratum.split()] for stratum in strata]
    return np.array(told, np.int64).reshape(len(strata), c)


def _differences(tables: Sequence[str], changes: Sequence[Change]) -> list[Difference]:
    found = []
    for measure in MEASURES:
        some = [one for one in changes if one.measure == measure]
        for one, p in zip(some, holm([one.p for one in some]), strict=True):
            found.append(Difference(measure, tables[one.a], tables[one.b], one.change, one.low, one.high, one.p, p))
    return found


def _agreed(variable: Variable, votes: Votes, seed: int) -> Agreement | None:
    if len(votes.codes) < 2:
        return None
    level = "ordinal" if variable.type == "ordinal" else "nominal"
    return agreement([*votes.codes.values()], level, variable.names, seed)
