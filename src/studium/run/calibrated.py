"""Zero-shot codes of a study, calibrated on the units that people coded; kept, once per codes and labels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core import parts
from studium.core.codebook import Codebook
from studium.core.column import Column
from studium.core.recipe import Recipe, canonical
from studium.core.store import Store, Table
from studium.core.unit import PARENTS
from studium.core.variable import NONE_OF_THESE, Value, Variable
from studium.errors import InputError
from studium.learn.evaluate.prompt_assessment import assess
from studium.learn.evaluate.prompt_calibration import fit
from studium.learn.labels.targets import Targets
from studium.run import gate
from studium.run.coding.settled import combined
from studium.run.labels import labels_of
from studium.run.lineage import FILES, climbed
from studium.run.tables import living, matrix

__all__ = ["Calibrated", "Labels", "calibrated", "coded"]

Labels = Mapping[str, tuple[str, float]]
"""Unit -> the name of its value, and 1 / P(the unit was drawn for coding)."""

SOURCE = "doi:10.48550/arXiv.1706.04599"


@dataclass(frozen=True)
class Calibrated:
    """Calibrated codes on disk: ``<variable>`` and ``<variable>_prob``, of every unit that was coded by the model.

    Attributes:
        table: where they lie.
        computed: whether they were computed just now.
    """

    table: Table
    computed: bool

    @property
    def fit(self) -> dict[str, Any]:
        """``temperature``, ``effective``, ``groups``, ``folds``, ``unused``; by value ``bias``, ``labels`` (counts)."""
        return dict(self.table.result()["fit"])

    def assessment(self) -> list[dict[str, Any]]:
        """Log-loss, Brier score, ECE and accuracy, out of sample; see `Assessment.rows`."""
        return list(self.table.result()["assessment"])


def calibrated(store: Store, source: Table, labels: Labels, seed: int) -> Calibrated:
    """Calibrate the codes of a ``zero_shot`` table; see `studium.learn.evaluate.prompt_calibration`.

    Units of one file (frames of a video), or of files whose first post is the same, are judged together.

    Args:
        store: the study.
        source: the codes.
        labels: of some of its units, at random or with the weights to undo how they were drawn. Those of units that
            the table has no row of are not used; the result counts them.
        seed: of the draw of the folds.

    Raises:
        InputError: no such table, a label that is no value of it, or too few of them.
    """
    variable, values, scale = _coded(source)
    groups = _groups(store, source.kind)
    said = sorted((unit, _value(value, values), w, groups.get(unit, unit)) for unit, (value, w) in labels.items())
    params = {"by": source.recipe.label, "variable": variable, "values": values, "seed": seed}
    units = parts.sum_of_rows(living(store, source, ["unit"]))
    digest = hashlib.sha256(canonical(said).encode()).hexdigest()
    recipe = Recipe("calibrated", "1", params, inputs=f"{source.digest()}{units:064x}{digest}")
    columns, table = _columns(variable, values), store.table(source.kind, recipe)
    if table.result():
        return Calibrated(store.create(source.kind, recipe, columns), computed=False)
    ids, cosine = matrix(store, source, f"{variable}_cosine")
    p, told = _fitted(ids, cosine.astype(np.float64), said, scale, seed)
    table = store.create(source.kind, recipe, columns)
    if gate.holds_templates(source):
        gate.mark(table)
    codes = [values[number] for number in p.argmax(axis=1)]
    told["fit"] |= {key: dict(zip(values, told["fit"][key], strict=True)) for key in ("bias", "labels")}
    made = table.arrays({variable: codes, f"{variable}_prob": p.astype(np.float32)})
    table.replace(ids, made, {"by": source.recipe.label, "units": len(ids), **told})
    return Calibrated(table, computed=True)


def coded(store: Store, source: Table, codebook: Codebook | None, labels: str | Path | None) -> Labels:
    """What most coders say of each unit; those whose coders are split, or cannot tell, have no label.

    Args:
        store: the study.
        source: a ``zero_shot`` table.
        codebook: of the study, if it has one; otherwise the table tells which values there are.
        labels: where they are; see `studium.run.labels.labels_of`.

    Raises:
        InputError: what cannot be read, does not fit, or names units that the study does not have.
    """
    name, values, _ = _coded(source)
    if codebook is None or name not in {one.name for one in codebook.variables}:
        named = tuple(Value(value) for value in values if value != NONE_OF_THESE)
        codebook = Codebook(
            (Variable(name, "?", source.kind, "categorical", named, none_of_these=len(named) < len(values)),)
        )
    rows = labels_of(store, codebook, name, source.kind, labels)
    make = Targets(codebook[name])
    found = combined(store.root, make, rows) if labels is None else make(rows)
    said = zip(found.units, found.y.tolist(), found.weights.tolist(), strict=True)
    return {unit: (found.classes[number], weight) for unit, number, weight in said}


def _coded(source: Table) -> tuple[str, list[str], float]:
    """The variable of a ``zero_shot`` table, its values, and the slope of its probabilities."""
    from studium.measure import encoders

    params = source.recipe.params
    if source.recipe.name != "zero_shot" or params.get("multilabel"):
        raise InputError(
            f"{source.recipe.label} holds no codes of one value each, by zero_shot; a multilabel variable is "
            "calibrated as one binary variable for each of its values"
        )
    values = [*params["values"], *[NONE_OF_THESE] * bool(params["none_of_these"])]
    heat = params["temperature"]
    return str(params["variable"]), values, encoders.logit_scale(str(params["model"])) if heat is None else 1 / heat


def _groups(store: Store, kind: str) -> dict[str, str]:
    """Unit -> the first post that it, or the file that it lies in, is attached to; without any, that file."""
    units = store.units(kind)["id"].to_pylist()
    files = climbed(store, kind, FILES).to_pylist() if kind in PARENTS else units
    attached = store.attachments()
    first: dict[str, str] = {}
    for media, post in zip(attached["media"].to_pylist(), attached["post"].to_pylist(), strict=True):
        if post is not None:
            first.setdefault(media, post)
    return {unit: first.get(file or unit, file or unit) for unit, file in zip(units, files, strict=True)}


def _fitted(
    ids: list[str], scores: npt.NDArray[np.float64], said: list[tuple[str, int, float, str]], scale: float, seed: int
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """Probabilities of all units, and what is told of the fit."""
    place = {unit: number for number, unit in enumerate(ids)}
    used = [(place[unit], *rest) for unit, *rest in said if unit in place]
    if said and not used:
        raise InputError(f"none of the {len(said)} labels is of a unit with a code; measure these units first")
    rows, labels = (np.array([one[i] for one in used], np.int64) for i in (0, 1))
    given = scores[rows], labels, scale, np.array([one[2] for one in used], np.float64)
    found, judged = fit(*given), assess(*given, [one[3] for one in used], seed)
    told = asdict(found) | {"temperature": 1 / found.slope, "groups": judged.groups, "folds": judged.folds}
    told["unused"] = len(said) - len(used)
    return found.probabilities(scores), {"fit": told, "assessment": judged.rows()}


def _columns(variable: str, values: Sequence[str]) -> tuple[Column, Column]:
    order = f"of {', '.join(values)}"
    return (
        Column(variable, "string", f"most probable {order}, calibrated on labels", source=SOURCE),
        Column(f"{variable}_prob", "float32", f"calibrated {order}", "share", 0, 1, len(values), SOURCE),
    )


def _value(said: str, values: Sequence[str]) -> int:
    if said in values:
        return values.index(said)
    for number, value in enumerate(values):
        if value.casefold() == str(said).strip().casefold():
            return number
    raise InputError(
        f"a label should be one of {', '.join(values)}, got {said!r}; recode it, or measure zero_shot anew"
    )
