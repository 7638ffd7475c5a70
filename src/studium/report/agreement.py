"""How far the coders of the study agree. Coders are numbered here: their names, or pseudonyms, stay in the study."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from studium.core.codebook import Codebook
from studium.report.experiments import interval
from studium.report.plots import Dot, dots
from studium.report.reading import Reading
from studium.report.text import count, noun, plural
from studium.run.coding.agreement import Agreed, Group, agreements
from studium.run.coding.opened import exists, opened

__all__ = ["Agreements", "Coded", "agreement"]

NAMES = {
    "percent": "percent agreement",
    "cohen_kappa": "Cohen's kappa",
    "cohen_kappa_linear": "Cohen's kappa, linear weights",
    "cohen_kappa_quadratic": "Cohen's kappa, quadratic weights",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "gwet_ac1": "Gwet's AC1",
    "randolph_kappa": "Randolph's kappa (PABAK)",
}
CATEGORIES = 12
"""Values up to which the table of what was confused is shown."""


@dataclass(frozen=True)
class Coded:
    """A variable.

    Attributes:
        name: in the codebook.
        question: as coders read it.
        about: how many units and coders, and what is not counted, in words.
        measures: (coefficient, value, interval, standard error, note) as text; of multilabel ones first the value.
        paradox: whether kappa is low although coders hardly differ.
        pairs: (two coders, units, percent, kappa) as text.
        heads: values, in the order of ``confusion``.
        confusion: a row for each value: its name, then units by the other coder's value; [] if not shown.
        drift: sentences about coders who change over time, and who coded units twice.
        groups: (trait, value, groups, coders, units, difference, interval, p, adjusted p, note) as text.
    """

    name: str
    question: str
    about: str
    measures: list[list[str]]
    paradox: bool
    pairs: list[list[str]]
    heads: list[str]
    confusion: list[list[str]]
    drift: list[str]
    groups: list[list[str]]


@dataclass(frozen=True)
class Agreements:
    """The section: alpha of every variable, drawn, and each variable."""

    drawn: Markup
    variables: list[Coded]


def agreement(reading: Reading) -> Agreements | None:
    """Agreement about every variable that two coders coded; None if there is none."""
    path = reading.root / "codebook.toml"
    if not (path.exists() and exists(reading.root, reading.study)):
        return None
    with opened(reading.root, reading.study) as records:
        found = agreements(reading.store, records, Codebook.read(path), seed=reading.study.seed)
    found = [one for one in found if one.overall.units]
    return Agreements(_drawn(found), [_coded(one) for one in found]) if found else None


def _drawn(found: Sequence[Agreed]) -> Markup:
    rows = []
    for level in dict.fromkeys(one.level for one in found):
        for one in (one for one in found if one.level == level):
            known = {measure.name: measure for measure in one.overall.measures}
            it = known.get("krippendorff_alpha", known["percent"])
            name = one.variable.name if it.name != "percent" else f"{one.variable.name} (percent)"
            rows.append(Dot(name, level, *(_known(number) for number in (it.value, it.low, it.high))))
    said = "; ".join(f"{row.name} {'n/a' if row.value is None else f'{row.value:.3f}'}" for row in rows)
    return dots(rows, 0.0, f"Krippendorff's alpha of each variable, with 95 % intervals: {said}")


def _coded(one: Agreed) -> Coded:
    number = {said.coder: _called(said.coder, said.machine, at) for at, said in enumerate(one.coders, 1)}
    shown = 1 < len(one.labels) <= CATEGORIES and len(one.coders) > 1 and not one.variable.sensitive
    return Coded(
        name=one.variable.name,
        question=one.variable.question,
        about=_about(one),
        measures=_measures(one),
        paradox=one.paradox,
        pairs=_pairs(one, number) if len(one.pairs) > 1 else [],
        heads=[*one.labels] if shown else [],
        confusion=[[name, *map(count, row)] for name, row in zip(one.labels, one.confusion, strict=True)]
        if shown
        else [],
        drift=_drift(one, number),
        groups=[_group(group) for group in one.groups],
    )


def _called(coder: str, machine: bool, at: int) -> str:
    return coder if machine else f"coder {at}"


def _about(one: Agreed) -> str:
    of = one.variable.of
    said = [
        f"{noun(one.overall.units, of)} coded by two or more of {noun(len(one.coders), 'coder')}, compared as "
        f"{'texts' if one.level == 'exact' else one.level}."
    ]
    if one.overall.single:
        said.append(f"{noun(one.overall.single, of)} coded by one only.")
    if one.unequal:
        said.append(
            f"These {plural(of)} were drawn with unequal probabilities: agreement is of them as drawn, not weighted."
        )
    unsure, answers = sum(who.cannot_tell for who in one.coders), sum(len(who.codes) for who in one.coders)
    if unsure:
        said.append(f"“Cannot tell” was said {count(unsure)} times in {count(answers)} answers, and counts as missing.")
    said += [f"{noun(n, 'answer')} not counted: {why}." for why, n in one.left_out.items()]
    if one.variable.type == "boxes":
        said.append(f"Boxes in {plural(of)} were matched first, from an overlap of .5 (intersection over union).")
    return " ".join(said)


def _measures(one: Agreed) -> list[list[str]]:
    rows = []
    for value, found in {"": one.overall, **one.parts}.items():
        for it in found.measures:
            name = f"{value}: {NAMES[it.name]}" if value else NAMES[it.name]
            lost = f"undefined in {100 * it.undefined:.1f} % of resamples" if it.undefined > 0 else ""
            numbers = [_number(it.value), interval(_known(it.low), _known(it.high)), _number(it.se)]
            rows.append([name, *numbers, it.reason or lost])
    return rows


def _pairs(one: Agreed, number: dict[str, str]) -> list[list[str]]:
    return [
        [
            f"{number[it.a]}, {number[it.b]}",
            count(it.found.units),
            _number(it.found["percent"].value),
            _number(it.kappa),
        ]
        for it in one.pairs
    ]


def _drift(one: Agreed, number: dict[str, str]) -> list[str]:
    said = []
    for coder, it in one.drift.items():
        if it.p < 0.05:
            first, last = it.blocks[0].value, it.blocks[-1].value
            what = "mean difference from" if one.level == "interval" else "agreement with"
            said.append(
                f"{number[coder].capitalize()} changes over time: {what} the others {_number(first)} in the first of "
                f"{len(it.blocks)} blocks, {_number(last)} in the last (p = {_number(it.p)}, not adjusted)."
            )
    for coder, again in one.again.items():
        same = _number(again["percent"].value)
        said.append(f"{number[coder].capitalize()} coded {noun(again.units, 'unit')} twice: percent agreement {same}.")
    return said


def _group(of: Group) -> list[str]:
    it = of.contrast
    ends = [_number(it.difference), interval(_known(it.low), _known(it.high)), _number(it.p), _number(it.p_holm)]
    note = it.reason or ("" if it.smallest < 0.05 else f"so few coders give no p below {_number(it.smallest)}")
    coders = f"{it.coders_a}, {it.coders_b}"
    return [of.trait, of.value, f"{it.a} – {it.b}", coders, count(it.units), *ends, note]


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}".replace("-", "−")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
