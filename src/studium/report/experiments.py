"""Experiments: which model is how good at what, what several media add, and what it costs.

Reads ``experiments/NAME/overview.json`` and ``costs.json``; their keys stand in `studium.learn.experiment.overview`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from studium.learn.evaluate.summary import LOWER, SAID
from studium.report.plots import SHAPES, Dot, Line, dots, lines
from studium.report.reading import Reading, kept
from studium.report.text import count, noun, number, size

__all__ = ["Chart", "Experiment", "Task", "difference", "experiments", "figure_name", "interval", "losses", "p_value"]

FORMAT = 1
"""Version of the overviews that are read."""
_ORDER = tuple(SHAPES)
_ABREAST = 6  # models side by side in a table
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Chart:
    """Several curves, the names that their marks stand for, and what is on which axis."""

    title: str
    names: list[str]
    drawn: Markup
    axes: str


@dataclass(frozen=True)
class Task:
    """One variable of an experiment.

    Attributes:
        name: of the variable.
        about: what was predicted on how many units, in words.
        told: what could not be had.
        figure: by which models are compared, as the field calls it.
        better: "higher" or "lower", whichever is better.
        dots: the dot plot of the models.
        results: (model, modality, figure, interval, on validation, units, groups) as text.
        findings: sentences.
        gains: (model, over, difference, interval, relative, interval, p) as text.
        pairs: (second, first, difference, interval, p, adjusted p, McNemar's p, adjusted) as text.
        heads: names of the models.
        figures: (figure, that of every model with its interval) as text.
        shares: (stratum, units in each part) as text.
        parts: of the split: heads of the shares.
        learning: figure against the number of units for training, if it was asked for.
        training: loss against epochs, of networks.
        costs: (model, seconds for training, for predicting, memory, dollars) as text.
        priced: the price of an hour in words, or "".
    """

    name: str
    about: str
    told: list[str]
    figure: str
    better: str
    dots: Markup
    results: list[list[str]]
    findings: list[str]
    gains: list[list[str]]
    pairs: list[list[str]]
    heads: list[str]
    figures: list[list[str]]
    parts: list[str]
    shares: list[list[str]]
    learning: Chart | None
    training: list[Chart]
    costs: list[list[str]]
    priced: str

    @property
    def blocks(self) -> list[tuple[list[str], list[list[str]]]]:
        """``heads`` and ``figures``, some models at a time, so that a sheet of paper is wide enough."""
        starts = range(0, len(self.heads), _ABREAST)
        return [
            (self.heads[at : at + _ABREAST], [[row[0], *row[at + 1 : at + 1 + _ABREAST]] for row in self.figures])
            for at in starts
        ]


@dataclass(frozen=True)
class Experiment:
    """One experiment: its name, how it was made in words, its models (name, kind, modality, inputs), and its tasks."""

    name: str
    about: str
    models: list[list[str]]
    tasks: list[Task]


def experiments(reading: Reading) -> list[Experiment]:
    """Every experiment of the study that is finished, by name."""
    return [_experiment(path) for path in sorted((reading.root / "experiments").glob("[!.]*/overview.json"))]


def figure_name(figure: str) -> str:
    """What the field calls a figure: "macro_f1" is macro-F1."""
    return SAID.get(figure, figure.replace("_", " "))


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """``.712 to .803`` as text, or ``n/a``."""
    return "n/a" if low is None or high is None else f"{_signed(low, digits)} to {_signed(high, digits)}"


def difference(value: float | None, digits: int = 3) -> str:
    """A difference with its sign."""
    return "n/a" if value is None else ("+" if value > 0 else "") + _signed(value, digits)


def p_value(p: float | None) -> str:
    """A p-value as journals print it."""
    return "n/a" if p is None else "< .001" if p < 0.001 else f"{p:.3f}"


def _experiment(path: Path) -> Experiment:
    about = kept(path)
    if about.get("format") != FORMAT:
        return Experiment(
            path.parent.name, "No overview, or of another version of studium; run the experiment again.", [], []
        )
    beside = path.with_name("costs.json")
    costs = kept(beside) if beside.exists() else {}
    share = f"{100 * about['test']:.0f} %"
    said = (
        f"{noun(len(about['models']), 'model')} of {noun(2, about['of']).split(maxsplit=1)[1]}; one test set of about "
        f"{share} for all models, {count(about['folds'])} folds of the rest for training and choosing, seed "
        f"{about['seed']}. Intervals draw whole groups again, {count(about['draws'])} times."
    )
    models = [[one["name"], one["kind"], one["modality"], one["of"], _inputs(one)] for one in about["models"]]
    return Experiment(about["name"], said, models, [_task(task, about["of"], costs) for task in about["tasks"]])


def _inputs(model: Mapping[str, Any]) -> str:
    """What a model reads: of a fusion, which others."""
    members = model["settings"].get("members")
    return " + ".join(members) if members else str(model["inputs"])


def _task(task: Mapping[str, Any], of: str, costs: Mapping[str, Any]) -> Task:
    results = _ordered(task)
    names = list(dict.fromkeys(name for one in results for name in one["mean"]))
    strata = list(dict.fromkeys(name for counts in task["parts"].values() for name in counts))
    paid = [one for one in costs.get("models", ()) if one["task"] == task["name"]]
    price = costs.get("price_per_hour")
    return Task(
        name=task["name"],
        about=_about(task, of),
        told=[*task["told"], *(f"{noun(n, of)} left out for all models: {why}" for why, n in task["left_out"].items())],
        figure=figure_name(task["figure"]),
        better="lower" if task["figure"] in LOWER else "higher",
        dots=_dots(task, results),
        results=[_result(one, task["figure"]) for one in results],
        findings=list(task["findings"]),
        gains=[_gain(one) for one in task["gains"]],
        pairs=[_pair(one) for one in task["pairs"]],
        heads=[one["model"] for one in results],
        figures=[[figure_name(name), *(_valued(one["mean"].get(name)) for one in results)] for name in names],
        parts=list(task["parts"]),
        shares=[[name, *(count(counts.get(name, 0)) for counts in task["parts"].values())] for name in strata],
        learning=_learning(task),
        training=[
            drawn for one in task["training"] if (drawn := losses(one["points"], f"{one['model']}, fold {one['fold']}"))
        ],
        costs=[_cost(one) for one in paid],
        priced="" if price is None else f"At {number(price)} dollars an hour.",
    )


def _about(task: Mapping[str, Any], of: str) -> str:
    labels = task["labels"]
    classes = f": {', '.join(task['classes'])}" if task["classes"] else ""
    apart = f" Never on both sides: {', '.join(task['kept_apart'])}." if task["kept_apart"] else ""
    dropped = "".join(f"; {count(n)} dropped ({why})" for why, n in labels["dropped"].items())
    return (
        f"{task['task'].capitalize()}{classes}. {noun(labels['units'], of)} with labels, of "
        f"{noun(labels['groups'], 'group')}{dropped}.{apart}"
    )


def _ordered(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The results by modality, and the best of each first."""
    sign = 1 if task["figure"] in LOWER else -1

    def place(one: Mapping[str, Any]) -> tuple[int, bool, float]:
        value = (one["mean"].get(task["figure"]) or {}).get("value")
        at = _ORDER.index(one["modality"]) if one["modality"] in _ORDER else len(_ORDER)
        return at, value is None, sign * (value or 0.0)

    return sorted(task["results"], key=place)


def _dots(task: Mapping[str, Any], results: Rows) -> Markup:
    rows = []
    for one in results:
        mean = one["mean"].get(task["figure"]) or {}
        rows.append(Dot(one["model"], one["modality"], mean.get("value"), mean.get("low"), mean.get("high")))
    told = "; ".join(f"{row.name} ({row.under}) {_number(row.value)}" for row in rows)
    return dots(rows, task["chance"], f"{figure_name(task['figure'])} of models of {task['name']}: {told}")


def _result(one: Mapping[str, Any], figure: str) -> list[str]:
    mean = one["mean"].get(figure) or {}
    ends = interval(mean.get("low"), mean.get("high"))
    why = f" ({mean['reason']})" if mean.get("reason") else ""
    validation = _number(one.get("validation"))
    told = _number(mean.get("value")) + why
    return [one["model"], one["modality"], told, ends, validation, count(one["n"]), count(one["groups"])]


def _gain(one: Mapping[str, Any]) -> list[str]:
    relative = "n/a" if one["relative"] is None else f"{100 * one['relative']:+.1f} %".replace("-", "−")
    low, high = one["relative_low"], one["relative_high"]
    ends = "n/a" if low is None or high is None else f"{interval(100 * low, 100 * high, 1)} %"
    over = f"{one['over']} ({one['modality']})"
    told = [difference(one["value"]), interval(one["low"], one["high"]), relative, ends, p_value(one["p"])]
    return [one["model"], over, *told]


def _pair(one: Mapping[str, Any]) -> list[str]:
    tested = one["mcnemar"] or {}
    why = f" ({one['reason']})" if one.get("reason") else ""
    told = [difference(one["value"]) + why, interval(one["low"], one["high"]), p_value(one["p"])]
    ps = [p_value(p) for p in (one["p_holm"], tested.get("p_mid"), tested.get("p_holm"))]
    return [one["second"], one["first"], *told, *ps]


def _learning(task: Mapping[str, Any]) -> Chart | None:
    rows = [row for row in task["learning"] if row["value"] is not None]
    if not rows:
        return None
    names = list(dict.fromkeys(row["model"] for row in rows))
    curves = []
    for name in names:
        mine = sorted((row for row in rows if row["model"] == name), key=lambda row: row["units"])
        ends = [None if row["low"] is None else (row["low"], row["high"]) for row in mine]
        curves.append(Line(name, [(row["units"], row["value"]) for row in mine], ends))
    figure = figure_name(task["figure"])
    told = "; ".join(f"{one.name} {', '.join(f'{y:.3f} of {x:.0f}' for x, y in one.points)}" for one in curves)
    said = f"{figure} against units for training: {told}"
    return Chart(
        "More labels", names, lines(curves, said, 720), f"{figure} on the test units upwards, units for training across"
    )


def losses(points: Rows, title: str) -> Chart | None:
    """The losses of a network over its epochs; None if there are none. Those that are no finite numbers are counted."""
    named = (("train_loss", "training"), ("validation_loss", "validation"))
    given = [(name, p["epoch"], p[key]) for key, name in named for p in points if p.get(key) is not None]
    finite = [one for one in given if math.isfinite(one[2])]
    if not finite:
        return None
    names = list(dict.fromkeys(name for name, *_ in finite))
    shown = [Line(name, [(x, y) for of, x, y in finite if of == name]) for name in names]
    drawn = lines(shown, f"Loss of {title} over {noun(len(points), 'epoch')}", 230)
    lost = len(given) - len(finite)
    diverged = f"; {noun(lost, 'value')} not drawn, which no longer were finite numbers" if lost else ""
    return Chart(title, names, drawn, f"loss upwards, epochs across{diverged}")


def _cost(one: Mapping[str, Any]) -> list[str]:
    seconds, memory = one["seconds"], one.get("memory")
    times = [_seconds(seconds.get(name)) for name in ("train", "predict")]
    dollars = one.get("dollars")
    return [
        one["model"],
        *times,
        "n/a" if memory is None else size(memory),
        "n/a" if dollars is None else number(dollars),
    ]


def _seconds(value: float | None) -> str:
    return "n/a" if value is None else f"{number(value)} s" if value < 120 else f"{number(value / 60)} min"


def _valued(found: Mapping[str, Any] | None) -> str:
    if not found or found["value"] is None:
        return "n/a"
    ends = "" if found["low"] is None else f" ({interval(found['low'], found['high'])})"
    return f"{_number(found['value'])}{ends}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else _signed(value, 3)


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
