"""How good a trained model is: what is written beside it, for the report and for readers.

``evaluation.json``::

    format          1
    name, of        of the model; kind of the units
    variable, task  "protest"; "categorical", "ordinal", "multilabel" or "continuous"
    classes         names; of a binary variable the second counts as 1
    model, takes    the estimator ("linear"); "table", "text", "image" or "material"
    inputs, modality  in words or by recipe; "text", "image", "audio" or "multimodal"
    settings        of the fitted model: what was given, chosen and tuned (thresholds, calibration) and by what
    training        units, groups, per_class, effective, digest; of a network its ``curve``
    labels          units, per_class {class: n}, unused [classes that no unit has, which it does not know], coders (how
                    many), combine, dropped {reason: n}, told {what: n}
    left_out        {reason: n}: coded units without inputs
    split           test (share), folds, seed, kept_apart [keys], told [what could not be had], digest,
                    parts {"train" | "validation" | "test": {stratum: units}}
    figures         on the test units: [{name, value, low, high, n, groups, of (""), note}]; of each class too
    groups          [the same, ``of`` "party: left"]: errors by group, with Wilson's intervals
    confusion       categorical and ordinal, on the test units: [[n]], a row for each true class; else null
    reliability     [{class, bins [{n, share, probability, came_true}], ece, mce}] on the test units: of a binary
                    variable the class that counts as 1; none of a continuous one
    seconds         {train, predict}
    memory          peak in bytes, or null
    templates       whether it learned from templates of faces, so that it is under the legal basis

``predictions.parquet``: a row for each unit of the validation and the test part: ``unit``, ``part`` ("validation",
"test"), ``group``, ``weight``, ``true`` and ``predicted`` (text; of a multilabel variable a JSON list, of a continuous
one a number), ``outputs`` (probabilities in the order of ``classes``; of a continuous variable its value), and
``by_<column>`` for each column that errors are reported by. Those of the validation part were tuned on.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from studium.core import config, parameters, parts, weights
from studium.core.store import Store
from studium.core.variable import NONE_OF_THESE
from studium.errors import UnknownNameError
from studium.learn.evaluate import metrics, probabilities
from studium.learn.models.card import Figure, ModelCard
from studium.learn.models.estimator import Fitted
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL, Head, answers
from studium.learn.predict import answered
from studium.run.apart import AUTHORS, told_of

if TYPE_CHECKING:
    from studium.learn.evaluate.summary import Judged
    from studium.learn.trial import Rows, Trial
    from studium.run.given import Given

__all__ = ["bases", "told", "write"]


def write(store: Store, given: "Given", tried: "Trial", place: Path) -> ModelCard:
    """Write ``evaluation.json`` and ``predictions.parquet`` into a folder.

    Returns:
        The model card.
    """
    rows = given.rows()
    by = {name: told_of(store, given.order.of, given.units, name) for name in given.order.by}
    body = _evaluation(given, tried, rows, by)
    parts.replace_file(place / "evaluation.json", json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    pq.write_table(_predictions(given, tried, rows, by), place / "predictions.parquet")
    return told(store, given, tried.fitted, body)


def bases(given: "Given") -> dict[str, str]:
    """The published models that a model rests on -> their licences; "" where nobody said."""
    named = [model for table in (given.tables.tables if given.tables else ()) for model in table.recipe.models]
    if base := getattr(given.estimator(), "model", ""):
        named.append(str(base))
    return {model: _licence(model) for model in dict.fromkeys(named)}


def _licence(model: str) -> str:
    try:
        return weights.get(model).licence
    except UnknownNameError:
        return ""


def _judged(given: "Given", tried: "Trial", rows: "Rows") -> "Judged":
    from studium.learn.evaluate.summary import Judged

    part, said = given.examples.take(rows.test), tried.test
    true = _true(given, rows.test)
    return Judged(given.head, true, said.outputs, said.predicted, part.weights, part.groups)


def _true(given: "Given", rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """What coders said, one answer for each unit, also where the model learns from their shares."""
    return np.asarray(answers(given.target)[np.asarray(given.kept)[rows]])


def _evaluation(given: "Given", tried: "Trial", rows: "Rows", by: dict[str, list[str | None]]) -> dict[str, Any]:
    from studium.learn.evaluate.summary import by_group, figures

    order, head, judged = given.order, given.head, _judged(given, tried, rows)
    grouped = {name: [_named(values[row]) for row in rows.test.tolist()] for name, values in by.items()}
    fitted = tried.fitted
    return {
        "format": 1,
        "name": order.called,
        "of": order.of,
        "variable": head.variable,
        "task": head.task,
        "classes": [str(one) for one in head.classes],
        "model": order.model,
        "takes": fitted.takes,
        "inputs": given.inputs,
        "modality": given.modality,
        "settings": fitted.settings,
        "training": fitted.training,
        "labels": {
            "units": len(given.target.units),
            "per_class": given.target.counts(),
            "unused": [name for name in given.target.variable.names if name not in (*head.classes, NONE_OF_THESE)],
            "coders": len(given.target.coders),
            "combine": order.coding.get("combine", "majority"),
            "dropped": {reason: len(units) for reason, units in given.target.dropped.items()},
            "told": dict(given.target.told),
        },
        "left_out": {reason: len(units) for reason, units in given.left_out.items()},
        "split": _split(given, rows),
        "figures": [dataclasses.asdict(one) for one in figures(judged)],
        "groups": [dataclasses.asdict(one) for one in (by_group(judged, grouped) if grouped else ())],
        "confusion": _confusion(head, judged),
        "reliability": _reliability(head, judged),
        "seconds": dict(tried.seconds),
        "memory": tried.memory,
        "templates": given.templates,
    }


def _named(value: str | None) -> str:
    return "not stated" if value is None else value


def _split(given: "Given", rows: "Rows") -> dict[str, Any]:
    split = given.split
    stratum = dict(zip(split.units, split.strata, strict=True))
    named = {"train": rows.train, "validation": rows.validation, "test": rows.test}
    counts = {name: Counter(stratum[given.units[row]] for row in part.tolist()) for name, part in named.items()}
    return {
        "test": split.test,
        "folds": split.folds,
        "seed": split.seed,
        "kept_apart": list(split.keys),
        "told": list(split.told),
        "digest": split.digest,
        "parts": {name: dict(sorted(found.items())) for name, found in counts.items()},
    }


def _confusion(head: Head, judged: "Judged") -> list[list[int]] | None:
    from studium.learn.evaluate.summary import codes

    if head.task not in {CATEGORICAL, ORDINAL}:
        return None
    true, said = codes(head, judged.y), codes(head, judged.predicted)
    return [[int(n) for n in row] for row in metrics.confusion(true, said, None, len(head.classes))]


def _reliability(head: Head, judged: "Judged") -> list[dict[str, Any]]:
    from studium.learn.evaluate.summary import codes

    if head.task == CONTINUOUS:
        return []
    k = len(head.classes)
    if head.task == MULTILABEL:
        truth = np.asarray(judged.y, np.int64)
    else:
        truth = np.eye(k, dtype=np.int64)[codes(head, judged.y)]
    shown = [1] if head.task == CATEGORICAL and k == 2 else range(k)
    found = []
    for at in shown:
        one = probabilities.reliability(truth[:, at], judged.outputs[:, at], judged.weights)
        bins = [dataclasses.asdict(bin_) for bin_ in one.bins]
        found.append({"class": str(head.classes[at]), "bins": bins, "ece": one.ece, "mce": one.mce})
    return found


def _predictions(given: "Given", tried: "Trial", rows: "Rows", by: dict[str, list[str | None]]) -> pa.Table:
    head, tables = given.head, []
    for part, which, said in (
        ("validation", rows.validation, tried.validation),
        ("test", rows.test, tried.test),
    ):
        examples, at = given.examples.take(which), which.tolist()
        columns = {
            "unit": [given.units[row] for row in at],
            "part": [part] * len(at),
            "group": list(examples.groups or ()),
            "weight": np.asarray(examples.weights, np.float64),
            "true": answered(head, _true(given, which)),
            "predicted": answered(head, said.predicted),
            "outputs": pa.array(said.outputs.tolist(), pa.list_(pa.float64())),
            **{f"by_{name}": pa.array([values[row] for row in at], pa.string()) for name, values in by.items()},
        }
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def told(store: Store, given: "Given", fitted: Fitted, body: dict[str, Any]) -> ModelCard:
    """The card: what the model, its ``evaluation.json`` and the study know, and what its makers say."""
    study = config.read(path) if (path := store.root / "studium.toml").exists() else config.Study()
    labels, split = body["labels"], body["split"]
    lost = {**labels["dropped"], **body["left_out"]}
    dropped = "; ".join(f"{n} units left out: {reason}" for reason, n in lost.items())
    coders = "1 coder" if labels["coders"] == 1 else f"{labels['coders']} coders, combined by {labels['combine']}"
    coded = f"{labels['units']} units, {coders}."
    coded += f" No unit is {', '.join(labels['unused'])}: the model does not know it." if labels["unused"] else ""
    rests = "; ".join(f"{model} ({licence or 'licence not stated'})" for model, licence in bases(given).items())
    groups = [one for one in body["groups"] if not one["of"].startswith(AUTHORS)]  # a card is handed on
    figures: Sequence[Figure] = [Figure(**one) for one in (*body["figures"], *groups)]
    known = {
        "name": given.order.called,
        "model": fitted.card,
        "data": " ".join(one for one in (study.title, study.question) if one),
        "coding": f"{coded} {dropped}".strip(),
        "splits": split["parts"],
        "grouping": ", ".join(split["kept_apart"]),
        "figures": figures,
        "factors": ", ".join(given.order.by),
        "ethics": "\n".join(f"{name}: {text}" for name, text in study.ethics.items()),
        "licence": f"rests on {rests}" if rests else "",
    }
    return parameters.make("card", ModelCard, {**known, **given.order.card})
