"""Clusterings validated by people: which shares of their pairs belong together, and which clustering does better."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from studium.coding.pairs import Figure
from studium.core.codebook import Codebook
from studium.report.agreement import NAMES
from studium.report.experiments import difference, interval, p_value
from studium.report.plots import Dot, dots
from studium.report.reading import Reading
from studium.report.text import count, noun, plural
from studium.run.coding.compared import Compared, Configuration, Difference, compared
from studium.run.coding.opened import exists, opened
from studium.run.coding.pairs import PAIRS

__all__ = ["MEASURES", "Validation", "validations"]

MEASURES = {
    "share": "share of pairs within clusters",
    "cluster_share": "share within a cluster, mean of clusters",
    "recall": "recall",
    "f1": "F1",
}
"""What the figures are called."""
_DRAWN = ("share", "cluster_share", "recall")


@dataclass(frozen=True)
class Validation:
    """One sample of pairs, coded by one variable.

    Attributes:
        name: of the sample.
        question: as coders read it.
        about: how many pairs were drawn, coded and left open, in words.
        drawn: the figures of each configuration.
        configurations: (name, clusters, unassigned, pairs, share, interval, cluster share, interval) as text.
        found: (name, precision, recall, interval, F1, interval) as text.
        differences: (figure, configuration, over, difference, interval, p, p adjusted) as text.
        agreement: (coefficient, value, interval) as text; empty if one coder coded alone.
        data: the Python that reads it.
    """

    name: str
    question: str
    about: str
    drawn: Markup
    configurations: list[list[str]]
    found: list[list[str]]
    differences: list[list[str]]
    agreement: list[list[str]]
    data: str


def validations(reading: Reading) -> list[Validation]:
    """Every sample of pairs that somebody coded, the oldest first."""
    path = reading.root / "codebook.toml"
    if not (path.exists() and exists(reading.root, reading.study)):
        return []
    codebook = Codebook.read(path)
    with opened(reading.root, reading.study) as records:
        found = [
            compared(records, codebook, sample.name, variable.name, seed=reading.study.seed)
            for sample in records.samples.all()
            for variable in codebook.variables
            if sample.design.get("design") == PAIRS and variable.pairs and variable.of == sample.of
        ]
    return [_validation(one, codebook) for one in found if one.votes.known]


def _validation(one: Compared, codebook: Codebook) -> Validation:
    variable = codebook[one.variable]
    return Validation(
        name=one.sample,
        question=variable.question,
        about=_about(one, variable.of),
        drawn=_drawn(one.configurations),
        configurations=[_within(configuration) for configuration in one.configurations],
        found=[_across(configuration) for configuration in one.configurations],
        differences=[_difference(change, one.configurations) for change in one.differences],
        agreement=[
            [NAMES.get(it.name, it.name), _number(it.value), interval(_known(it.low), _known(it.high))]
            for it in (one.agreement.measures if one.agreement else ())
        ],
        data=f'corpus.pairs("{one.sample}", "{one.variable}")',
    )


def _about(one: Compared, of: str) -> str:
    votes = one.votes
    said = [
        f"{count(votes.known)} of {noun(len(votes.same), 'pair')} of {plural(of)} have an answer, by "
        f"{noun(len(one.coders), 'coder')} who did not know which clustering put them together; "
        f"{count(votes.majority)} by majority, {count(votes.adjudicated)} by decision."
    ]
    left = ((votes.ties, "tied"), (votes.cannot_tell, "that nobody could tell"), (votes.uncoded, "not coded"))
    if open_ := [f"{count(n)} {why}" for n, why in left if n]:
        said.append(f"Left open, and not counted: {', '.join(open_)}.")
    said.append(f"What counts as belonging together: {', '.join(one.same)}.")
    if changed := [it.name for it in one.configurations if it.changed]:
        said.append(
            f"Clusters of {', '.join(changed)} were merged or parted after the pairs were drawn, which does not count."
        )
    if one.agreement is None:
        said.append("One coder coded alone: how reliable the answers are is not known.")
    return " ".join(said)


def _drawn(configurations: Sequence[Configuration]) -> Markup:
    rows = []
    for measure in _DRAWN:
        for one in configurations:
            it: Figure = getattr(one.found, measure)
            rows.append(Dot(one.name, MEASURES[measure], *(_known(x) for x in (it.value, it.low, it.high))))
    said = "; ".join(f"{row.under} of {row.name}: {_number(row.value)}" for row in rows)
    return dots(rows, None, f"Figures of each clustering with 95 % intervals. {said}")


def _within(one: Configuration) -> list[str]:
    each = one.found.share, one.found.cluster_share
    figures = [text for it in each for text in (_number(it.value), interval(_known(it.low), _known(it.high)))]
    return [
        one.name,
        count(one.clusters),
        f"{one.unassigned:.1%}".replace("%", "\u202f%"),
        count(one.found.pairs),
        *figures,
    ]


def _across(one: Configuration) -> list[str]:
    each = one.found.recall, one.found.f1
    figures = [text for it in each for text in (_number(it.value), interval(_known(it.low), _known(it.high)))]
    return [one.name, _number(one.found.share.value), *figures]


def _difference(one: Difference, configurations: Sequence[Configuration]) -> list[str]:
    name = {it.table: it.name for it in configurations}
    ends = interval(_known(one.low), _known(one.high))
    ps = [p_value(_known(p)) for p in (one.p, one.p_holm)]
    return [MEASURES[one.measure], name[one.b], name[one.a], difference(_known(one.change)), ends, *ps]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.3f}"
