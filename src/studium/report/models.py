"""Models that were trained in the study: how good they are on units that they never saw, and for whom.

Reads ``models/NAME/evaluation.json``; its keys stand in `studium.run.evaluated`. As everywhere in the report, no author
of a post is named: errors by account stand on the page of mistakes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from studium.report.experiments import Chart, interval, losses
from studium.report.plots import diagonal
from studium.report.reading import Reading, kept
from studium.report.text import count, noun, number, plural
from studium.run.apart import AUTHORS

__all__ = ["FORMAT", "Model", "Reliable", "evaluations", "models", "settled"]

FORMAT = 1
"""Version of the evaluations that are read."""
WIDE = 12
"""Classes up to which every one is named at once, and has a column and a diagram; of more, the worst are shown."""
GROUPS, CONFUSED = 40, 24
"""Rows of errors by group, and of classes that were taken for each other, where there are too many for a matrix."""
_OF_CLASS = re.compile(r"(precision|recall|F1) of (.+)", re.DOTALL)
_KEPT_OUT = {"chosen", "told", "tuning"}  # settings that are long, or stand elsewhere
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reliable:
    """A reliability diagram: of which class, drawn, and ECE and MCE as text."""

    name: str
    drawn: Markup
    ece: str
    mce: str


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        name: as the study calls it.
        about: what it predicts, from what, and how it was trained, in words.
        told: what was left out, and what could not be had.
        figures: (figure, value, interval, units, groups, note) as text.
        classes: (class, precision, interval, recall, interval, F1, interval) as text.
        heads: classes, in the order of ``confusion``.
        confusion: a row for each true class: its name, then units by predicted class; [] if there is none, or if
            there are more classes than `WIDE`.
        confused: (true, taken for, units) as text, the most frequent first; [] if there is a matrix.
        reliability: a diagram for each class that has one, of many those with the greatest ECE.
        tuned: what was tuned on which units, in words, "" if nothing.
        calibrated: (class, method, temperature, note) as text.
        thresholds: (class, threshold, precision, interval, recall, interval, note) on the validation units, as text.
        settings: (name, value) of the model.
        curve: losses of a network over its epochs.
        groups: (group, figure, value, interval, n, note) as text.
        parts: of the split: heads of the shares.
        shares: (stratum, units in each part) as text.
    """

    name: str
    about: str
    told: list[str]
    figures: list[list[str]]
    classes: list[list[str]]
    heads: list[str]
    confusion: list[list[str]]
    confused: list[list[str]]
    reliability: list[Reliable]
    tuned: str
    calibrated: list[list[str]]
    thresholds: list[list[str]]
    settings: list[list[str]]
    curve: Chart | None
    groups: list[list[str]]
    parts: list[str]
    shares: list[list[str]]


def models(reading: Reading) -> list[Model]:
    """Every model of the study that was evaluated, by name."""
    return [_model(path.parent.name, about) for path, about in evaluations(reading.root)]


def evaluations(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The evaluation of every model, and where it lies."""
    found = sorted((root / "models").glob("[!.]*/evaluation.json"))
    return [(path, kept(path)) for path in found]


def _model(name: str, about: Row) -> Model:
    if about.get("format") != FORMAT:
        old = "No evaluation, or of another version of studium; train the model again."
        return Model(name, old, [], [], [], [], [], [], [], "", [], [], [], None, [], [], [])
    parts = about["split"]["parts"]
    strata = list(dict.fromkeys(name for counts in parts.values() for name in counts))
    curve = about["training"].get("curve") or []
    return Model(
        name=name,
        about=_about(about),
        told=_told(about),
        figures=[_figure(one) for one in about["figures"] if not _OF_CLASS.fullmatch(one["name"])],
        classes=_classes(about["figures"]),
        heads=list(about["classes"]),
        confusion=_confusion(about) if len(about["classes"]) <= WIDE else [],
        confused=_confused(about) if len(about["classes"]) > WIDE else [],
        reliability=[_reliable(one) for one in _worst(about["reliability"])],
        **_tuned(about["settings"].get("tuning") or {}, about["classes"]),
        settings=settled(about["settings"]),
        curve=losses(curve, "Training") if curve else None,
        groups=[[one["of"], *_named(one), _n(one["n"]), one["note"]] for one in _nameable(about)[:GROUPS]],
        parts=list(parts),
        shares=[[name, *(count(counts.get(name, 0)) for counts in parts.values())] for name in strata],
    )


def settled(settings: Row, under: str = "") -> list[list[str]]:
    """Settings as (name, value), those inside of others as "tuned, threshold"; without what is long."""
    rows = []
    for key, value in settings.items():
        name = f"{under}, {key}" if under else key
        if key in _KEPT_OUT or value is None:
            continue
        if isinstance(value, Mapping):
            rows += settled(value, name)
        elif isinstance(value, list) and not any(isinstance(one, Mapping) for one in value):
            rows.append([name, ", ".join(map(_plain, value)) or "none"])
        elif not isinstance(value, list):
            rows.append([name, _plain(value)])
    return rows


def _tuned(tuning: Row, classes: Sequence[str]) -> dict[str, Any]:
    """What was calibrated, and which thresholds were chosen; see `studium.learn.models.tuned`."""
    calibrators, limits = tuning.get("calibrators") or [], tuning.get("thresholds") or []
    said = f"By {tuning['threshold']}, on {count(tuning['units'])} validation units" if tuning else ""
    names = classes if len(calibrators) == len(classes) else [""] * len(calibrators)
    return {
        "tuned": said,
        "calibrated": [
            [name or "all", one["method"], _plain(one.get("temperature", "")), one.get("reason", "")]
            for name, one in zip(names, calibrators, strict=False)
        ],
        "thresholds": [_threshold(one) for one in limits],
    }


def _threshold(one: Row) -> list[str]:
    cells = ["n/a" if one["value"] is None else f"{one['value']:.3f}"]
    for found in (one.get("precision"), one.get("recall")):
        value, low, high = found or (None, None, None)
        cells += ["n/a" if value is None else f"{value:.3f}", interval(low, high)]
    return [str(one["class"]), *cells, one.get("reason", "")]


def _about(about: Row) -> str:
    labels, training, seconds = about["labels"], about["training"], about["seconds"]
    names = [*about["classes"][:WIDE], *([f"{len(about['classes']) - WIDE} more"] * (len(about["classes"]) > WIDE))]
    classes = f" ({', '.join(names)})" if names else ""
    learned = f"{count(training['units'])} units of {noun(training['groups'], 'group')}"
    reads = f"{about['model']} on {about['inputs'] or about['takes']} ({about['modality']})"
    coders = f"{noun(labels['coders'], 'coder')}, {labels['combine'].replace('_', '-')}"
    tested = count(sum(about["split"]["parts"].get("test", {}).values()))
    took = f" Training took {number(seconds['train'])} s." if seconds.get("train") is not None else ""
    return (
        f"{about['variable']}, {about['task']}{classes}, of {plural(about['of'])}, by {reads}. "
        f"{count(labels['units'])} units are coded ({coders}); it learned from {learned} and is tested on {tested} "
        f"labels.{took}"
    )


def _told(about: Row) -> list[str]:
    split, told = about["split"], []
    if split["kept_apart"]:
        told.append(f"Never on both sides: {', '.join(split['kept_apart'])}.")
    told += [f"{noun(n, about['of'])} left out: {why}." for why, n in about["left_out"].items()]
    told += [f"{noun(n, about['of'])} without an answer: {why}." for why, n in about["labels"]["dropped"].items()]
    if about.get("templates"):
        told.append("It learned from templates of faces, and lives under the legal basis of the study.")
    told += split["told"]
    if hidden := len(about["groups"]) - len(_nameable(about)):
        told.append(f"{noun(hidden, 'figure')} by account: on the page of mistakes, as the report names no author.")
    if len(_nameable(about)) > GROUPS:
        told.append(f"Errors by group: {GROUPS} of {count(len(_nameable(about)))} figures are shown.")
    if len(about["reliability"]) > WIDE:
        told.append(f"Reliability: the {WIDE} classes with the greatest ECE of {len(about['reliability'])} are shown.")
    return told


def _nameable(about: Row) -> list[Row]:
    """Errors by group, without those that name authors of posts."""
    return [one for one in about["groups"] if not one["of"].startswith(AUTHORS)]


def _figure(one: Row) -> list[str]:
    return [*_named(one), _n(one["n"]), _n(one["groups"]), one["note"]]


def _named(one: Row) -> list[str]:
    """Name, value and interval of a figure."""
    return [one["name"], "n/a" if one["value"] is None else f"{one['value']:.3f}", interval(one["low"], one["high"])]


def _n(value: int | None) -> str:
    return "" if value is None else count(value)


def _classes(figures: Sequence[Row]) -> list[list[str]]:
    """Precision, recall and F1 of each class, with intervals."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in figures:
        if fits := _OF_CLASS.fullmatch(one["name"]):
            found.setdefault(fits[2], {})[fits[1]] = _named(one)[1:]
    none = ["n/a", "n/a"]
    return [
        [name, *(cell for of in ("precision", "recall", "F1") for cell in own.get(of, none))]
        for name, own in found.items()
    ]


def _confusion(about: Row) -> list[list[str]]:
    rows = about["confusion"] or []
    return [[name, *map(count, row), count(sum(row))] for name, row in zip(about["classes"], rows, strict=False)]


def _confused(about: Row) -> list[list[str]]:
    """Pairs of classes by how often one was taken for the other."""
    names = about["classes"]
    found = [
        (n, true, said)
        for true, row in zip(names, about["confusion"] or [], strict=False)
        for said, n in zip(names, row, strict=False)
        if n and said != true
    ]
    return [[true, said, count(n)] for n, true, said in sorted(found, key=lambda one: -one[0])[:CONFUSED]]


def _worst(found: Sequence[Row]) -> Sequence[Row]:
    """Of many diagrams those with the greatest ECE."""
    return found if len(found) <= WIDE else sorted(found, key=lambda one: -(one["ece"] or 0.0))[:WIDE]


def _reliable(one: Row) -> Reliable:
    bins = [(bin_["probability"], bin_["came_true"], bin_["n"]) for bin_ in one["bins"]]
    told = "; ".join(f"{p:.2f} predicted, {share:.2f} true, {n} units" for p, share, n in bins)
    said = f"Reliability of the class {one['class']}: {told}"
    ece, mce = ("n/a" if one[key] is None else f"{one[key]:.3f}" for key in ("ece", "mce"))
    return Reliable(one["class"], diagonal(bins, said), ece, mce)


def _plain(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
