"""Auditing taggers: what each says about the same units, how far they agree, how they change, how right they are.

A tagger is whatever gives units labels with confidences: a service, a network, or the same service a year later. Labels
count from a ``cut`` on. Taggers use different words, so a `Mapping` of one's own says which labels mean which concept;
without one, a concept is a label in lower case.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.agreement import Kappa, Share, cohen_kappa, share
from studium.core.interval import Z
from studium.core.variable import NONE_OF_THESE
from studium.errors import InputError

__all__ = ["Concepts", "Tagger", "Tagging", "against", "drift", "overlap", "pairs", "shares", "tagging", "vocabulary"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Tagger:
    """What one tagger said.

    Attributes:
        name: unique in an audit, such as "rekognition:2026-11".
        labels: for every unit that it saw, also those that it found nothing in: label -> confidence from 0 to 1.
        kind: what it is, whenever it was asked: "rekognition". Two of a kind are two waves.
        versions: its model versions, as far as it says.
        asked: when it was asked first and last; empty for local ones.
    """

    name: str
    labels: Mapping[str, Mapping[str, float]]
    kind: str = ""
    versions: tuple[str, ...] = ()
    asked: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Concepts:
    """Which labels mean which concepts.

    Attributes:
        words: (kind of the tagger, or "" for any; label in lower case) -> concepts; empty: every label is a concept.
    """

    words: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> "Concepts":
        """From (concept, label, kind of the tagger or "")."""
        words: dict[tuple[str, str], tuple[str, ...]] = {}
        for concept, label, kind in rows:
            if not (concept and label):
                raise InputError(f"a row of a mapping needs a concept and a label, got {concept!r} and {label!r}")
            if concept == NONE_OF_THESE:
                raise InputError(f"{NONE_OF_THESE} is what has none of the concepts; call the concept otherwise")
            key = (kind, label.strip().casefold())
            words[key] = tuple(dict.fromkeys([*words.get(key, ()), concept]))
        return cls(words)

    @property
    def names(self) -> tuple[str, ...]:
        """All concepts, in the order in which they came."""
        return tuple(dict.fromkeys(concept for concepts in self.words.values() for concept in concepts))

    def meant(self, kind: str, label: str) -> tuple[str, ...]:
        """The concepts that a label of a tagger of this kind means."""
        word = label.strip().casefold()
        if not self.words:
            return (word,)
        return tuple(dict.fromkeys([*self.words.get((kind, word), ()), *self.words.get(("", word), ())]))

    def known(self, kind: str) -> frozenset[str]:
        """Concepts that a tagger of this kind has words for; by a mapping only."""
        return frozenset(c for (of, _), concepts in self.words.items() if of in {"", kind} for c in concepts)


@dataclass(frozen=True)
class Tagging:
    """A tagger's labels as concepts.

    Attributes:
        name: of the tagger.
        kind: of the tagger.
        cut: confidence from which on labels count.
        has: unit -> its concepts; ``none_of_these`` where a mapping finds none.
        known: concepts that it could have given: those that a mapping has words for, else those that it gave.
        mapped: whether by a mapping.
    """

    name: str
    kind: str
    cut: float
    has: Mapping[str, frozenset[str]]
    known: frozenset[str]
    mapped: bool

    @cached_property
    def having(self) -> Mapping[str, frozenset[str]]:
        """Concept -> the units that have it."""
        found: dict[str, set[str]] = {concept: set() for concept in self.known}
        for unit, concepts in self.has.items():
            for concept in concepts:
                found[concept].add(unit)
        return {concept: frozenset(units) for concept, units in found.items()}


def tagging(tagger: Tagger, cut: float, concepts: Concepts) -> Tagging:
    """What a tagger says of every unit, from ``cut`` on."""
    if not 0 <= cut <= 1:
        raise InputError(f"a cut is a confidence from 0 to 1, got {cut} for {tagger.name}")
    mapped = bool(concepts.words)
    has = {}
    for unit, labels in tagger.labels.items():
        meant = [concepts.meant(tagger.kind, label) for label, sure in labels.items() if sure >= cut]
        found = frozenset(concept for one in meant for concept in one)
        has[unit] = found or frozenset({NONE_OF_THESE} if mapped else ())
    given = frozenset(concept for found in has.values() for concept in found)
    known = concepts.known(tagger.kind) | {NONE_OF_THESE} if mapped else given
    return Tagging(tagger.name, tagger.kind, cut, has, known, mapped)


def vocabulary(tagger: Tagger, concepts: Concepts) -> list[Row]:
    """Every label that a tagger gave: in how many units, how surely, and what it is taken to mean. Commonest first."""
    sure: dict[str, list[float]] = {}
    for labels in tagger.labels.values():
        for label, confidence in labels.items():
            sure.setdefault(label, []).append(confidence)
    rows = [
        {
            "tagger": tagger.name,
            "label": label,
            "units": len(values),
            "share": len(values) / len(tagger.labels),
            "confidence_mean": float(np.mean(values)),
            "concepts": " ".join(concepts.meant(tagger.kind, label)) if concepts.words else "",
        }
        for label, values in sure.items()
    ]
    return sorted(rows, key=lambda row: (-row["units"], row["label"]))


def shares(taggings: Sequence[Tagging]) -> list[Row]:
    """For every tagger and concept: the share of units that have it, with its 95 % interval (Wilson)."""
    return [
        {
            "tagger": one.name,
            "cut": one.cut,
            "concept": concept,
            "units": len(one.has),
            "with": len(one.having[concept]),
        }
        | _named("share", share(len(one.having[concept]), len(one.has)))
        for one in taggings
        for concept in sorted(one.known)
    ]


def pairs(a: Tagging, b: Tagging, seed: int = 0) -> list[Row]:
    """How far two taggers agree, concept by concept, on the units that both saw: percent agreement and kappa.

    Of the concepts only those that both have words for: a concept that one of them cannot give says nothing about
    agreement.
    """
    units = _both(a, b)
    rows = []
    for concept in sorted(a.known & b.known):
        both, only_a, only_b, neither = _cells(a.having[concept] & units, b.having[concept] & units, units)
        counts = {"units": len(units), "both": both, "only_a": only_a, "only_b": only_b, "neither": neither}
        kappa = _kappa(cohen_kappa([[both, only_a], [only_b, neither]], seed))
        rows.append(_head(a, b) | {"concept": concept} | counts | kappa)
    return rows


def overlap(a: Tagging, b: Tagging) -> Row:
    """How far two taggers agree on whole units: how many both saw, how many differ in any way, and the mean Jaccard.

    The Jaccard of a unit is |A and B| / |A or B|; units without a concept in either take no part. By a mapping it is of
    the concepts that both have words for. Its 95 % interval is the normal one of a mean.
    """
    units = _both(a, b)
    known = ((a.known & b.known) if a.mapped else (a.known | b.known)) - {NONE_OF_THESE}
    sets = [(a.has[unit] & known, b.has[unit] & known) for unit in sorted(units)]
    values = np.array([len(x & y) / len(x | y) for x, y in sets if x | y], np.float64)
    counts = {"units": len(units), "only_a_saw": len(a.has) - len(units), "only_b_saw": len(b.has) - len(units)}
    counts |= {"differ": sum(x != y for x, y in sets), "jaccard_units": len(values)}
    return _head(a, b) | counts | _mean("jaccard", values)


def drift(before: Tagging, after: Tagging) -> list[Row]:
    """What changed from one wave of a tagger to the next: for every concept, units that gained and that lost it.

    ``change`` is the difference of the two shares on the same units, with its 95 % interval (adjusted Wald for paired
    data).

    References:
        Bonett & Price (2012), doi:10.3102/1076998611411915.
    """
    units = _both(before, after)
    rows = []
    for concept in sorted(before.known | after.known):
        had, has = (one.having.get(concept, frozenset()) & units for one in (before, after))
        counts = {"units": len(units), "before": len(had), "after": len(has)}
        counts |= {"gained": len(has - had), "lost": len(had - has)}
        head = {"before_wave": before.name, "after_wave": after.name, "concept": concept}
        rows.append(head | counts | _change(len(has - had), len(had - has), len(units)))
    return rows


def against(one: Tagging, codes: Mapping[str, Mapping[str, bool]], seed: int = 0) -> list[Row]:
    """How right a tagger is by people's codes: kappa, precision and recall of every concept that was coded.

    Args:
        one: the tagger at its cut.
        codes: concept -> unit -> whether it is there. Units that were not coded take no part. Without a mapping a
            concept is a label, in whatever case.
        seed: of the bootstrap of kappa.
    """
    rows = []
    for name, coded in codes.items():
        concept = name if one.mapped else name.casefold()
        units = frozenset(coded) & one.has.keys()
        true = frozenset(unit for unit in units if coded[unit])
        tp, fp, fn, tn = _cells(one.having.get(concept, frozenset()) & units, true, units)
        row: Row = {"tagger": one.name, "cut": one.cut, "concept": concept, "units": len(units)}
        row |= {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
        row |= _named("precision", share(tp, tp + fp)) | _named("recall", share(tp, tp + fn))
        row |= _kappa(cohen_kappa([[tp, fp], [fn, tn]], seed))
        rows.append(row if concept in one.known else row | {"reason": "the tagger has no word for it"})
    return rows


def _head(a: Tagging, b: Tagging) -> Row:
    return {"a": a.name, "b": b.name, "cut_a": a.cut, "cut_b": b.cut}


def _both(a: Tagging, b: Tagging) -> frozenset[str]:
    return frozenset(a.has.keys() & b.has.keys())


def _cells(a: frozenset[str], b: frozenset[str], units: frozenset[str]) -> tuple[int, int, int, int]:
    """Both, only a, only b, neither."""
    return len(a & b), len(a - b), len(b - a), len(units - a - b)


def _mean(name: str, values: npt.NDArray[np.float64]) -> Row:
    if not len(values):
        return {name: math.nan, f"{name}_low": math.nan, f"{name}_high": math.nan}
    mean = float(values.mean())
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return {name: mean, f"{name}_low": max(0.0, mean - half), f"{name}_high": min(1.0, mean + half)}


def _change(gained: int, lost: int, n: int) -> Row:
    if n == 0:
        return {"change": math.nan, "change_low": math.nan, "change_high": math.nan}
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = Z * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    low, high = max(-1.0, up - down - half), min(1.0, up - down + half)
    return {"change": (gained - lost) / n, "change_low": low, "change_high": high}


def _named(name: str, found: Share) -> Row:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _kappa(found: Kappa) -> Row:
    values = {"kappa": found.kappa, "kappa_se": found.se, "kappa_low": found.low, "kappa_high": found.high}
    return _named("agreement", found.agreement) | values | {"undefined": found.undefined, "reason": found.reason}
