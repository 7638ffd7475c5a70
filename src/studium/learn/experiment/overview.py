"""The overview of an experiment: which model is how good at which task, what several media add, and how sure that is.

``experiments/NAME/overview.json``; the same study gives the same bytes, also after an interruption::

    format            1
    name, of          of the experiment; kind of the units that are coded
    folds, test, seed, draws
    models            [name, kind ("linear" ...; "mean" or "stack" of others), modality ("text", "image", "audio" or
                      "multimodal"), of (kind of the units that it reads), inputs (in words), settings {}]
    tasks             one for each variable:
      name, task      "protest"; "categorical", "ordinal", "multilabel" or "continuous"
      classes         names; of a binary variable the second counts as 1
      figure, chance  "macro_f1"; what the best constant answer reaches on the test units (null: not defined)
      labels          units, groups, per_class {class: n}, coders, dropped {reason: n},
                      soft (whether models learn from the shares of coders)
      left_out        {reason: units}: those that some model lacks inputs for
      parts           {"test" | "fold 0" ...: {stratum: units}}; kept_apart [keys]; told [what could not be had]
      results         one for each model, in the order of the study file:
        model, modality, n, groups
        folds         [fold, figures {figure: {value, low, high}}, tuned {}, epochs (of a network; else null)]
        mean          {figure: {value, low, high, reason}}: the mean over folds, with a 95 % grouped bootstrap interval
        validation    the task's figure on the validation units, the mean over folds: what "best" is chosen by
      gains           [model, over, modality (of ``over``), value, low, high, p, relative, relative_low, relative_high]
      pairs           [first, second, value (second - first), low, high, p, p_holm, reason,
                      mcnemar {first, second, p_mid, p_holm} | null]
      findings        sentences
      training        [model, fold, points [{epoch, train_loss, validation_loss ...}]]: networks only
      learning        [model, share, units, groups, value, low, high]: if ``learning_curve`` was asked for

``overview.csv`` holds the figures alone, tidy: task, model, modality, fold ("mean" for that over folds), figure, value,
low, high, n. ``costs.json`` holds what differs from run to run: price_per_hour (or null), and models [task, model,
seconds {train, predict}, memory (peak, in bytes, or null), dollars (or null)], summed over folds; those of a fusion are
its own, without its members'.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.learn.evaluate.drawn import defined, drawn
from studium.learn.evaluate.intervals import Interval
from studium.learn.evaluate.judges import Judge, judges
from studium.learn.evaluate.summary import LOWER
from studium.learn.experiment.cells import Cell, Place, about
from studium.learn.experiment.comparing import adjusted, findings, gains, paired_names, pairs
from studium.learn.experiment.design import SHARES, Design, Fusion, Ground, Member
from studium.learn.experiment.judging import Bench, Row, chance, modality

if TYPE_CHECKING:
    from studium.learn.experiment.run import Experiment

__all__ = ["COLUMNS", "costs", "overview", "tidy"]

_FORMAT = 1
COLUMNS = ("task", "model", "modality", "fold", "figure", "value", "low", "high", "n")
"""Of ``overview.csv``."""


def overview(
    asked: "Experiment", grounds: Sequence[Ground], places: Sequence[Place], cells: Mapping[str, Cell]
) -> dict[str, Any]:
    """The overview, as JSON: see the head of this module.

    Args:
        asked: the experiment.
        grounds: its tasks.
        places: of all cells.
        cells: by the names of their places.
    """
    named = {one.name: one for one in asked.members}
    design, count = asked.design, len(paired_names(asked.design, [*named])) * len(grounds)
    benches = []
    for ground in grounds:
        own = [place for place in places if place.ground is ground]
        rows = [Row(one, modality(one, named), _of(one, own, cells)) for one in asked.members]
        benches.append(Bench(ground, design, rows, own, cells, count))
    tasks = [_task(bench) for bench in benches]
    adjusted([pair for task in tasks for pair in task["pairs"]])
    return {
        "format": _FORMAT,
        "name": asked.name,
        "of": asked.of,
        "folds": grounds[0].split.folds,
        "test": grounds[0].split.test,
        "seed": design.seed,
        "draws": benches[0].bootstrap.draws,
        "models": [_model(one, modality(one, named), grounds[0]) for one in asked.members],
        "tasks": tasks,
    }


def costs(design: Design, places: Sequence[Place], cells: Mapping[str, Cell]) -> dict[str, Any]:
    """What models cost, over all folds: see the head of this module."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for place in places:
        if place.share == 1:
            facts, key = cells[place.name].facts, (place.ground.task.name, place.member.name)
            row = rows.setdefault(key, {"seconds": {"train": 0.0, "predict": 0.0}, "memory": None})
            row["seconds"] = {name: row["seconds"][name] + facts["seconds"][name] for name in row["seconds"]}
            held = [value for value in (row["memory"], facts["memory"]) if value is not None]
            row["memory"] = max(held, default=None)
    made = [{"task": task, "model": model, **row} for (task, model), row in rows.items()]
    for one in made:
        hours = sum(one["seconds"].values()) / 3600
        one["dollars"] = None if design.price is None else hours * design.price
    return {"price_per_hour": design.price, "models": made}


def tidy(said: Mapping[str, Any]) -> str:
    """The figures of an overview as CSV: one row each, `COLUMNS`."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for task in said["tasks"]:
        for row in task["results"]:
            folds = [(str(fold["fold"]), fold["figures"]) for fold in row["folds"]]
            for fold, figures in [*folds, ("mean", row["mean"])]:
                for figure, one in figures.items():
                    values = ["" if one[name] is None else repr(one[name]) for name in ("value", "low", "high")]
                    table.writerow([task["name"], row["model"], row["modality"], fold, figure, *values, row["n"]])
    return stream.getvalue()


def _of(member: Member, places: Sequence[Place], cells: Mapping[str, Cell]) -> list[Cell]:
    return [cells[place.name] for place in places if place.member is member and place.share == 1]


def _model(member: Member, sense: str, ground: Ground) -> dict[str, Any]:
    if isinstance(member, Fusion):
        settings: dict[str, Any] = {"members": list(member.members)}
        return {
            "name": member.name,
            "kind": member.how,
            "modality": sense,
            "of": "",
            "inputs": "",
            "settings": settings,
        }
    settings = {name: value for name, value in about(member.estimator, ground.task.head).items() if name != "inputs"}
    del settings["head"]
    shown = {"name": member.name, "kind": member.kind, "modality": sense, "of": member.of, "inputs": member.inputs}
    return shown | {"settings": settings}


def _task(bench: Bench) -> dict[str, Any]:
    ground, figure = bench.ground, bench.figure
    head, split = ground.task.head, ground.split
    constant = chance(bench, figure in LOWER)
    return {
        "name": ground.task.name,
        "task": head.task,
        "classes": [str(one) for one in head.classes],
        "figure": figure,
        "chance": constant,
        "labels": _labels(ground),
        "left_out": dict(ground.left_out),
        "parts": _parts(ground),
        "kept_apart": list(split.keys),
        "told": list(split.told),
        "results": [_result(bench, row) for row in bench.rows],
        "gains": gains(bench),
        "pairs": pairs(bench),
        "findings": findings(bench, constant),
        "training": _training(bench),
        "learning": _learning(bench),
    }


def _labels(ground: Ground) -> dict[str, Any]:
    """What was coded, of the units that count."""
    head, y = ground.task.head, ground.y
    if not head.classes:
        per_class = {}
    elif y.ndim == 2:
        per_class = {str(one): int(np.asarray(y)[:, at].sum()) for at, one in enumerate(head.classes)}
    else:
        per_class = {str(one): int((y == one).sum()) for one in head.classes}
    about = {"coders": ground.task.about.get("coders"), "dropped": dict(ground.task.about.get("dropped", {}))}
    about["soft"] = ground.task.soft is not None
    return {"units": len(ground.units), "groups": len(set(ground.groups)), "per_class": per_class, **about}


def _parts(ground: Ground) -> dict[str, dict[str, int]]:
    """Units of each stratum in each part, of the units that count."""
    stratum = dict(zip(ground.split.units, ground.split.strata, strict=True))
    names = sorted(set(stratum.values()))
    found = {}
    for part in range(-1, ground.split.folds):
        held = [stratum[unit] for unit, at in zip(ground.units, ground.parts.tolist(), strict=True) if at == part]
        found["test" if part < 0 else f"fold {part}"] = {name: held.count(name) for name in names}
    return found


def _result(bench: Bench, row: Row) -> dict[str, Any]:
    """One model: its figures in each fold, and their means."""
    means, folds = bench.figures(row)
    sure = bench.sure(means | {f"{bench.figure} {at}": fold[bench.figure] for at, fold in enumerate(folds)})
    mean = {name: _bare(bench, judge) | {"reason": ""} for name, judge in means.items()}
    mean |= {name: _ends(one.interval(0), "reason") for name, one in sure.items() if name in mean}
    mean[bench.figure] = _ends(bench.main.interval(bench.rows.index(row)), "reason")
    shown = []
    for at, (fold, cell) in enumerate(zip(folds, row.cells, strict=True)):
        figures = {name: _bare(bench, judge) for name, judge in fold.items()}
        figures[bench.figure] = _ends(sure[f"{bench.figure} {at}"].interval(0))
        facts = cell.facts
        tuned = facts["tuned"] | ({"aggregated": facts["aggregated"]} if facts["aggregated"] else {})
        shown.append({"fold": at, "figures": figures, "tuned": tuned, "epochs": len(facts["curve"]) or None})
    about = {"model": row.member.name, "modality": row.modality, "n": len(bench.test), "groups": bench.main.groups}
    return about | {"folds": shown, "mean": mean, "validation": bench.validation(row)}


def _bare(bench: Bench, judge: Judge) -> dict[str, Any]:
    """A figure without an interval."""
    return {"value": defined(judge(bench.heavy[None])[0]), "low": None, "high": None}


def _ends(found: Interval, *more: str) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("value", "low", "high", *more)}


def _training(bench: Bench) -> list[dict[str, Any]]:
    """The curves of networks."""
    return [
        {"model": row.member.name, "fold": fold, "points": cell.facts["curve"]}
        for row in bench.rows
        for fold, cell in enumerate(row.cells)
        if cell.facts["curve"]
    ]


def _learning(bench: Bench) -> list[dict[str, Any]]:
    """The figure against the number of training units, of the first fold."""
    if not bench.design.curve:
        return []
    found = []
    for row in bench.rows:
        for share in (*SHARES, 1.0):
            place = next(p for p in bench.places if p.member is row.member and (p.fold, p.share) == (0, share))
            cell = bench.cells[place.name]
            judge = judges(bench.judged(cell.test))[bench.figure]
            one = drawn([judge], bench.heavy, bench.group, bench.bootstrap).interval(0)
            counts = {"units": cell.facts["units"], "groups": cell.facts["groups"]}
            found.append({"model": row.member.name, "share": share, **counts, **_ends(one)})
    return found
