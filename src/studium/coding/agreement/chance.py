"""Agreement of any number of coders beyond chance, for nominal codes: Fleiss, Gwet, Randolph (PABAK); and in percent.

All are (p_a - p_e) / (1 - p_e), and differ in the agreement by chance p_e. Not every coder needs to have coded every
unit: p_a is of the units that at least two coded; the shares of the categories, which p_e is made of, are of all coded
units, also of those that one coder coded (Gwet's convention: others leave these out, and get other values where codes
are missing).

References:
    Gwet (2008), doi:10.1348/000711006X126600; Gwet (2014), Handbook of Inter-Rater Reliability, ISBN 978-0970806284.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.agreement.counts import Codes, Counted, counted
from studium.errors import InputError

__all__ = [
    "CHANCE",
    "BeyondChance",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_error",
    "pabak",
    "percent_agreement",
    "randolph_kappa",
]

Floats = npt.NDArray[np.float64]
ByChance = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class BeyondChance:
    """A coefficient (p_a - p_e) / (1 - p_e).

    Attributes:
        items: counted codes.
        by_chance: (rows, q) shares of the categories -> (rows,) p_e, and (rows, q) its derivative.
    """

    items: Counted
    by_chance: ByChance

    def values(self, weights: Floats) -> Floats:
        """The coefficient of each resample.

        Args:
            weights: (rows, patterns) how often each pattern counts: ``items.once``, or resamples of it.

        Returns:
            (rows,), NaN where it is not defined.
        """
        observed, _, expected, _ = self._parts(weights)
        return np.asarray((observed - expected) / _room(expected))

    def slopes(self) -> Floats:
        """(patterns,) how the coefficient changes with how often each pattern counts.

        Units with one code tell of the shares of the categories, and nothing of p_a; see `gwet_error`.
        """
        observed, expected, by_chance = self._linear()
        alike = (_alike(self.items) - observed) * self.items.paired / self.items.units
        return np.asarray((alike - (1 - (observed - expected) / (1 - expected)) * by_chance) / (1 - expected))

    def gwet(self) -> Floats:
        """(patterns,) what each adds to the variance as Gwet gives it; see `gwet_error`."""
        observed, expected, by_chance = self._linear()
        items, kappa = self.items, (observed - expected) / (1 - expected)
        alike = (_alike(items) - expected) * items.paired / items.units / (1 - expected) - kappa / items.times.sum()
        return np.asarray(alike - (1 - kappa) / (1 - expected) * by_chance)

    def _linear(self) -> tuple[float, float, Floats]:
        """p_a, p_e, and (patterns,) how p_e changes with how often each pattern counts."""
        items = self.items
        (observed,), (shares,), (expected,), (change,) = self._parts(items.once)
        own = np.where(items.numbers >= 0, change[items.numbers], 0).sum(axis=1) / items.coded
        return float(observed), float(expected), np.asarray((own - change @ shares) / items.times.sum())

    def _parts(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        items = self.items
        observed = _over(weights @ _alike(items), weights @ items.paired)
        shares = _over(items.tally(weights, 1 / items.coded), weights.sum(axis=1, keepdims=True))
        return observed, shares, *self.by_chance(shares)


def _none(p: Floats) -> tuple[Floats, Floats]:
    return np.zeros(len(p)), np.zeros_like(p)


def _squares(p: Floats) -> tuple[Floats, Floats]:
    return np.asarray((p**2).sum(axis=1)), 2 * p


def _gwet(p: Floats) -> tuple[Floats, Floats]:
    others = p.shape[1] - 1 or math.nan  # of one category, chance is not defined
    return np.asarray((p * (1 - p)).sum(axis=1) / others), (1 - 2 * p) / others


def _uniform(p: Floats) -> tuple[Floats, Floats]:
    return np.full(len(p), 1 / max(1, p.shape[1])), np.zeros_like(p)


CHANCE: Mapping[str, ByChance] = {
    "percent": _none,
    "fleiss_kappa": _squares,
    "gwet_ac1": _gwet,
    "randolph_kappa": _uniform,
}
"""Coefficient -> its agreement by chance."""


def percent_agreement(codes: Codes) -> float:
    """Share of pairs of coders that agree, averaged over units with at least two codes; NaN if there are none.

    >>> percent_agreement([["a", "b", None], ["a", "a", "b"], ["a", "b", "b"]])
    0.777...

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
    """
    return _value("percent", counted(codes))


def fleiss_kappa(codes: Codes, categories: Sequence[Hashable] | None = None) -> float:
    """Fleiss' kappa: p_e is the sum of squares of the shares of the categories; NaN if it is not defined.

    Where one category is rare it is low, however often coders agree: report percent agreement and AC1 beside it.

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
        categories: all that could be given; makes no difference here.

    References:
        Fleiss (1971), doi:10.1037/h0031619.
    """
    return _value("fleiss_kappa", counted(codes, categories))


def gwet_ac1(codes: Codes, categories: Sequence[Hashable] | None = None) -> float:
    """Gwet's AC1: p_e = sum of p_k (1 - p_k) / (q - 1), over q categories; NaN if it is not defined.

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
        categories: all that could be given, also those that nobody gave; None for those that occur.

    References:
        Gwet (2008), doi:10.1348/000711006X126600.
    """
    return _value("gwet_ac1", counted(codes, categories))


def randolph_kappa(codes: Codes, categories: Sequence[Hashable] | None = None) -> float:
    """Randolph's free-marginal kappa: p_e = 1 / q; NaN if it is not defined.

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
        categories: all that could be given, also those that nobody gave; None for those that occur.

    References:
        Randolph (2005), https://eric.ed.gov/?id=ED490661; Brennan & Prediger (1981), doi:10.1177/001316448104100307.
    """
    return _value("randolph_kappa", counted(codes, categories))


def gwet_error(codes: Codes, coefficient: str = "gwet_ac1", categories: Sequence[Hashable] | None = None) -> float:
    """Standard error as Gwet's book and other programs print it; NaN if it is not defined.

    Where some units have one code, it takes them as units without agreement, and how many have two as given: of few
    units with two codes among many with one it is far too large. That of `agreement` is not, and fits its interval;
    where no unit has one code alone, both are the same.

    >>> round(gwet_error([["a", "b", "b", "a"], ["a", "b", "a", "a"]]), 3)
    0.5

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
        coefficient: "gwet_ac1", "fleiss_kappa", "randolph_kappa" or "percent".
        categories: all that could be given, also those that nobody gave; None for those that occur.

    References:
        Gwet (2008), doi:10.1348/000711006X126600; of missing codes: Gwet (2014), ISBN 978-0970806284.
    """
    if coefficient not in CHANCE:
        raise InputError(f"expected a coefficient out of {', '.join(CHANCE)}, got {coefficient!r}")
    items = counted(codes, categories)
    one, n = BeyondChance(items, CHANCE[coefficient]), int(items.times.sum())
    if items.units < 2 or math.isnan(one.values(items.once)[0]):
        return math.nan
    return math.sqrt(n / (n - 1) * float((items.times * one.gwet() ** 2).sum()))


def pabak(codes: Codes, categories: Sequence[Hashable] | None = None) -> float:
    """Prevalence-adjusted bias-adjusted kappa: of two categories 2 p_a - 1; the same number as `randolph_kappa`.

    Args:
        codes: one sequence for each coder, all of the same units; None where a coder has no code.
        categories: all that could be given, also those that nobody gave; None for those that occur.

    References:
        Byrt, Bishop & Carlin (1993), doi:10.1016/0895-4356(93)90018-V.
    """
    return randolph_kappa(codes, categories)


def _alike(items: Counted) -> Floats:
    """(patterns,) share of the pairs of codes of each that are the same; 0 where there is no pair."""
    r = items.coded
    same = np.zeros(len(r))
    for one in range(items.numbers.shape[1]):
        mine = items.numbers[:, one : one + 1]
        same += ((items.numbers == mine) & (mine >= 0)).sum(axis=1) - (mine[:, 0] >= 0)
    return np.where(r >= 2, same / np.maximum(r * (r - 1), 1), 0.0)


def _room(expected: Floats) -> Floats:
    """What is left above chance; NaN if nothing is."""
    return np.where(1 - expected > 1e-12, 1 - expected, np.nan)


def _over(a: Any, b: Any) -> Floats:
    """What a / b is; NaN where b is 0."""
    return np.asarray(a / np.where(b > 0, b, np.nan), np.float64)


def _value(of: str, items: Counted) -> float:
    return float(BeyondChance(items, CHANCE[of]).values(items.once)[0])
