"""What a model of tables predicts of the units of a study; kept, once for each model and inputs."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.recipe import Recipe, canonical, digest_of
from studium.core.store import Store, Table
from studium.core.unit import KINDS
from studium.errors import InputError, UnknownNameError
from studium.learn.models.saved import load
from studium.learn.models.training import fingerprint
from studium.learn.predict import Predict, columns_of, said, values_of
from studium.run import gate
from studium.run.estimators import TABLE, knows_missing
from studium.run.features import features
from studium.run.given import PREDICTIONS
from studium.run.inputs import through
from studium.run.train import recipe_of

__all__ = ["NAME", "Predicted", "measure_of", "predicted", "sources"]

log = logging.getLogger(__name__)

NAME = PREDICTIONS


@dataclass(frozen=True)
class Predicted:
    """Predictions on disk: ``<variable>`` and ``<variable>_prob``; see `studium.learn.predict.Predict`.

    Attributes:
        table: where they lie.
        computed: whether any were computed just now.
        units: that have one.
        missing: why others have none -> how many.
    """

    table: Table
    computed: bool
    units: int
    missing: Mapping[str, int]


def sources(store: Store, place: Path, of: str) -> dict[str, list[str]]:
    """The tables that a model reads, by kind: those made by the very recipes that it learned from.

    Args:
        store: the study.
        place: folder of the model.
        of: kind of the units that are predicted, which stands for the kind of those that it learned from.

    Raises:
        UnknownNameError: there is no such table; says what to measure.
    """
    recipe, found = recipe_of(place), dict[str, list[str]]()
    for one in recipe["on"]:
        kind = of if one["kind"] == recipe["of"] else one["kind"]
        found.setdefault(kind, []).append(_same(store, kind, one))
    return found


def predicted(store: Store, place: Path, of: str) -> Predicted:
    """Predict all units that have a row of every table, unless that was done for the same model and rows.

    Args:
        store: the study.
        place: folder of a model of tables.
        of: kind of the units.

    Raises:
        InputError: tables with other columns than the model learned from.
        UnknownNameError: a table that it learned from was not measured on these units.
    """
    about = recipe_of(place)
    given = features(store, of, sources(store, place, of))
    given = given if knows_missing(about["model"]) else given.whole()
    if list(given.names) != about["names"]:
        raise InputError(
            f"{place.name} learned from {len(about['names'])} columns ({', '.join(about['names'][:3])} ...), these are "
            f"{len(given.names)} ({', '.join(given.names[:3])} ...); predict {about['of']} units, or train it anew"
        )
    model = digest_of(place / "model.json")
    rows = hashlib.sha256(canonical([given.units, fingerprint(given.X)]).encode()).hexdigest()
    params = {"model": place.name, "variable": about["variable"], "by": given.inputs}
    recipe = Recipe(NAME, "1", params, inputs=f"{model}{rows}")
    table = store.table(of, recipe)
    missing = {why: len(units) for why, units in given.reasons().items()}
    fitted = load(place)
    columns = columns_of(fitted.head, f"predicted by {place.name}", bool(about["sensitive"]))
    if table.result():
        return Predicted(store.create(of, recipe, columns), False, len(given.units), missing)
    outputs, answers = said(fitted, given.X)
    table = store.create(of, recipe, columns)
    if about["templates"] or any(gate.holds_templates(one) for one in given.tables):
        gate.mark(table, gate.oldest(given.tables))
    values = table.arrays(values_of(fitted.head, outputs, answers))
    table.replace(list(given.units), values, {"by": given.inputs, "units": len(given.units), "missing": missing})
    return Predicted(table, True, len(given.units), missing)


def measure_of(store: Store, place: Path, of: str) -> Predict:
    """The measure that predicts units of a kind by a model of media.

    Raises:
        InputError: it is a model of tables, or units of this kind do not offer what it reads.
    """
    about = recipe_of(place)
    takes = about["takes"]
    if takes == TABLE:
        raise InputError(f"{place.name} is a model of tables, which reads no media")
    made_of = through(store, of, takes)
    if made_of not in KINDS[of]:
        raise InputError(f"{place.name} reads {takes}, which {of} units do not offer")
    return Predict(
        str((place / "model.json").resolve()),
        called=place.name,
        through="" if made_of == takes else made_of,
        sensitive=bool(about["sensitive"]),
    )


def _same(store: Store, kind: str, wanted: Mapping[str, Any]) -> str:
    """The name, with its key, of the latest table of a kind that was made as another one was."""
    recipe = Recipe(**{field.name: wanted[field.name] for field in dataclasses.fields(Recipe)})
    for table in reversed(store.tables(kind)):
        if table.begun and _described(table.recipe) == _described(recipe):
            return f"{recipe.name}:{table.recipe.key}"
    params = " ".join(f"--set {name}={json.dumps(value)}" for name, value in recipe.params.items())
    other = f"; or predict {wanted['kind']} units, and roll them up" * (kind != wanted["kind"])
    raise UnknownNameError(
        f"the model learned from {recipe.label}, and there is no such table of {kind} units; make it with  studium "
        f"measure {recipe.name} --of {kind} {params}".rstrip()
        + other
    )


def _described(recipe: Recipe) -> str:
    """All of a recipe but the rows that a result was made from."""
    return canonical({**dataclasses.asdict(recipe), "inputs": bool(recipe.inputs)})
