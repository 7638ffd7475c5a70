"""Every coefficient that fits a variable, at once: from the same codes, and with intervals from the same resamples."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from studium.coding.agreement.alpha import LEVELS, Alpha
from studium.coding.agreement.bootstrap import Coefficient, resampled
from studium.coding.agreement.chance import CHANCE, BeyondChance
from studium.coding.agreement.counts import Codes, Counted, counted, crossed, present
from studium.coding.agreement.kappa import Kappa, cohen_kappa
from studium.errors import InputError

__all__ = ["MEASURES", "Agreement", "Measure", "agreement", "is_paradox"]

HIGH, LOW, APART = 0.8, 0.6, 0.2
_NOMINAL = ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1", "randolph_kappa")
MEASURES: Mapping[str, Sequence[str]] = {
    "nominal": _NOMINAL,
    "ordinal": (*_NOMINAL, "cohen_kappa_linear", "cohen_kappa_quadratic"),
    "interval": ("percent", "krippendorff_alpha"),
    "ratio": ("percent", "krippendorff_alpha"),
    "sets": ("percent", "krippendorff_alpha"),
    "exact": ("percent",),
}
"""Level -> what is computed; the Cohen's only of two coders. "exact" is of texts, which are the same or not."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One coefficient.

    Attributes:
        name: out of `MEASURES`.
        value: 1 is perfect; NaN if it is not defined.
        low: lower end of the 95 % interval (percentile bootstrap over units).
        high: upper end.
        se: standard error of the same units in large samples, by the delta method.
        undefined: share of resamples in which it is not defined, left out of the interval.
        reason: why there is no value; empty if there is one.
    """

    name: str
    value: float
    low: float
    high: float
    se: float
    undefined: float
    reason: str = ""


@dataclass(frozen=True)
class Agreement:
    """How far coders agree; ``found["krippendorff_alpha"]`` is one coefficient.

    Attributes:
        level: what was taken to be known of the values, one of `MEASURES`.
        units: coded by at least two.
        single: units that one coder coded, which tell of the shares of categories only.
        coders: with at least one code.
        measures: in the order of `MEASURES`.
    """

    level: str
    units: int
    single: int
    coders: int
    measures: tuple[Measure, ...]

    def __getitem__(self, name: str) -> Measure:
        """The coefficient of that name."""
        for one in self.measures:
            if one.name == name:
                return one
        raise InputError(f"no {name!r} of {self.coders} coders at {self.level} level; there are: {self.names}")

    @property
    def names(self) -> str:
        """Of all coefficients."""
        return ", ".join(one.name for one in self.measures)

    @property
    def paradox(self) -> bool:
        """Whether kappa is low although coders hardly ever differ; see `is_paradox`."""
        found = {one.name: one.value for one in self.measures}
        return is_paradox(*(found.get(name, math.nan) for name in ("percent", "fleiss_kappa", "gwet_ac1")))


def is_paradox(percent: float, kappa: float, ac1: float) -> bool:
    """Whether percent agreement is high (.8), kappa low (below .6), and AC1 higher by .2 or more.

    So it is where nearly all units are of one category: chance alone would make coders agree, says kappa.

    References:
        Feinstein & Cicchetti (1990), doi:10.1016/0895-4356(90)90158-L; Gwet (2008), doi:10.1348/000711006X126600.
    """
    return percent >= HIGH and kappa < LOW and ac1 - kappa >= APART


def agreement(
    codes: Codes,
    level: str = "nominal",
    categories: Sequence[Hashable] | None = None,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Agreement:
    """How far any number of coders agree, by every coefficient that fits the level.

    >>> found = agreement([["yes", "no", "no", "yes"], ["yes", "no", "yes", None]])
    >>> found.units, round(found["percent"].value, 3), round(found["krippendorff_alpha"].value, 3)
    (3, 0.667, 0.444)

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
        level: one of `MEASURES`.
        categories: all that could be given, from low to high if they are ordinal; None for those that occur, sorted.
        seed: of the bootstrap.
        groups: the unit of each item, if there are several of one; see `counted`.

    Raises:
        InputError: no such level, codes that do not fit it, or coders with unequal numbers of units.
    """
    if level not in MEASURES:
        raise InputError(f"expected a level out of {', '.join(MEASURES)}, got {level!r}")
    items = counted(codes, categories, groups)
    coded = [coder for coder in codes if any(map(present, coder))]
    wanted: dict[str, Coefficient] = {}
    for name in MEASURES[level]:
        if name in CHANCE:
            wanted[name] = BeyondChance(items, CHANCE[name])
        elif name == "krippendorff_alpha" and level in LEVELS:
            wanted[name] = Alpha(items, level)
    found = dict(zip(wanted, resampled(items, [*wanted.values()], seed), strict=True))
    measures = {
        name: Measure(name, one.value, one.low, one.high, one.se, one.undefined, _reason(items, one.value))
        for name, one in found.items()
    }
    if len(coded) == 2 and groups is None:
        measures |= _cohens(level, crossed(coded[0], coded[1], items.categories).tolist(), seed)
    listed = tuple(measures[name] for name in MEASURES[level] if name in measures)
    return Agreement(level, items.units, int(items.times.sum()) - items.units, len(coded), listed)


def _cohens(level: str, table: list[list[int]], seed: int) -> dict[str, Measure]:
    weights = {"cohen_kappa": "nominal", "cohen_kappa_linear": "linear", "cohen_kappa_quadratic": "quadratic"}
    asked = {name: weights[name] for name in MEASURES[level] if name in weights}
    return {name: _measured(name, cohen_kappa(table, seed, how)) for name, how in asked.items()}


def _measured(name: str, of: Kappa) -> Measure:
    return Measure(name, of.kappa, of.low, of.high, of.se, of.undefined, of.reason)


def _reason(items: Counted, value: float) -> str:
    if not math.isnan(value):
        return ""
    return "no unit was coded by two coders" if items.units == 0 else "only one category was used"
