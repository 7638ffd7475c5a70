"""Making a cell: a model is trained on units, or their parts, or fused of what others say; then it is tuned."""

import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from studium.errors import InputError
from studium.learn.aggregate import choose
from studium.learn.evaluate.checks import Floats, Ints
from studium.learn.experiment.cells import Cell, Place
from studium.learn.experiment.design import Design, Fusion, Model
from studium.learn.models.decision import decision
from studium.learn.models.estimator import Estimator
from studium.learn.models.examples import Examples, Some
from studium.learn.models.head import Head
from studium.learn.models.stack import Stack
from studium.learn.models.training import Training, coded
from studium.learn.models.tuning import sides
from studium.learn.trial import Rows, Said, Untuned, trained

__all__ = ["fused", "learned", "refuse", "with_head"]


def learned(place: Place, model: Model, design: Design, checkpoints: Path) -> Cell:
    """Train a model on the training units of a fold, and tune it on the others.

    Args:
        place: of the cell.
        model: what is trained.
        design: of the experiment.
        checkpoints: folder in which a network goes on after an interruption.
    """
    ground = place.ground
    own, whole = _inputs(place, model)
    examples = Examples(
        model.X[own] if isinstance(model.X, np.ndarray) else Some(model.X, own),
        ground.taught[whole],
        None if ground.weights is None else ground.weights[whole],
        [ground.groups[at] for at in whole.tolist()],
    )
    of = (place.rows.train, place.rows.validation, place.rows.test)
    rows = Rows(*(np.flatnonzero(np.isin(whole, units)) for units in of))
    found = trained(with_head(model.estimator, ground.task.head, model.inputs), examples, rows, checkpoints)
    outputs, aggregated = (found.validation, found.test), dict[str, Any]()
    if model.parts:
        outputs, aggregated = _wholes(place, found, (whole[rows.validation], whole[rows.test]))
    facts = {
        "seconds": dict(found.seconds),
        "memory": found.memory,
        "settings": found.fitted.settings,
        "curve": found.fitted.training.get("curve", []),
        "aggregated": aggregated,
    }
    return _tuned(place, outputs, facts, design)


def fused(place: Place, fusion: Fusion, members: Sequence[Cell], design: Design) -> Cell:
    """Fuse what the members say of the validation and test units of a fold.

    Args:
        place: of the cell.
        fusion: how.
        members: their cells, of the same fold.
        design: of the experiment.
    """
    named = dict(zip(fusion.members, members, strict=True))
    validation = {name: cell.validation.outputs for name, cell in named.items()}
    test = {name: cell.test.outputs for name, cell in named.items()}
    facts: dict[str, Any] = {"seconds": {"train": 0.0, "predict": 0.0}, "memory": None, "curve": [], "aggregated": {}}
    if fusion.how == "mean":
        outputs = [np.asarray(np.mean([*said.values()], axis=0), np.float64) for said in (validation, test)]
        return _tuned(place, (outputs[0], outputs[1]), facts | {"settings": {}}, design)
    on, begun = _validation(place), time.perf_counter()
    stack = Stack.on(place.ground.task.head, validation, on.y, on.weights, on.groups)
    crossed = stack.crossed(validation, on.y, on.weights, on.groups)  # else it would look better than other models
    facts |= {"seconds": {"train": time.perf_counter() - begun, "predict": 0.0}, "settings": stack.settings}
    as_it_is = replace(design, tuning=replace(design.tuning, calibrate="none"))  # its probabilities are calibrated
    return _tuned(place, (crossed, stack.outputs(test)), facts, as_it_is)


def refuse(place: Place) -> None:
    """Refuse a cell whose labels are too few to make it, before anything is trained.

    Raises:
        InputError: a class that is not among the units that are learned from, or is of too few groups.
    """
    ground, member, head = place.ground, place.member, place.ground.task.head
    if isinstance(member, Fusion) and member.how == "mean":
        return
    if isinstance(member, Fusion):
        said, rows, y, inner = "validation", place.rows.validation, ground.y, Stack().folds
    else:
        said, rows, y, inner = "training", place.rows.train, ground.taught, getattr(member.estimator, "inner", 0)
    try:
        given = Training.of(head, y[rows], len(rows), None, [ground.groups[at] for at in rows.tolist()])
        for problem in given.problems(balanced=False) if inner else ():
            problem.folds(inner, 0)
    except InputError as error:
        raise InputError(f"{place.said}, {said} units: {error}") from error
    watched = place.rows.validation
    if (
        isinstance(member, Model)
        and member.parts
        and sides(head)
        and not coded(head, ground.y[watched], len(watched)).any()
    ):
        raise InputError(
            f"{place.said}: no validation unit is positive, so that nothing tells how parts make a whole; code more"
        )


def with_head(estimator: Estimator, head: Head, inputs: str) -> Estimator:
    """The estimator for a task."""
    changed: Any = estimator
    named = {"inputs": inputs} if "inputs" in {one.name for one in fields(changed)} else {}
    made: Estimator = replace(changed, head=head, **named)
    return made


def _inputs(place: Place, model: Model) -> tuple[Ints, Ints]:
    """Rows of the inputs of all units of the ground, and the number of the unit that each is of."""
    found = [model.rows[unit] for unit in place.ground.units]
    if not model.parts and (several := next((rows for rows in found if len(rows) > 1), None)):
        raise InputError(f"{model.name}: a unit has {len(several)} inputs; say that they are parts of units")
    own = np.array([row for rows in found for row in rows], np.int64)
    return own, np.repeat(np.arange(len(found)), [len(rows) for rows in found])


def _validation(place: Place) -> Examples:
    """Labels, weights and groups of the validation units."""
    ground, rows = place.ground, place.rows.validation
    return Examples(np.zeros((len(ground.units), 0)), ground.y, ground.weights, ground.groups).take(rows)


def _wholes(place: Place, found: Untuned, of: tuple[Ints, Ints]) -> tuple[tuple[Floats, Floats], dict[str, Any]]:
    """What is said of units, of what is said of their parts; the rule is chosen on validation units.

    Args:
        place: of the cell.
        found: what is said of the parts.
        of: the unit that each part of the validation and of the test units is of.
    """
    head, on = place.ground.task.head, _validation(place)
    units = (place.rows.validation, place.rows.test)
    number = [np.searchsorted(which, whole) for which, whole in zip(units, of, strict=True)]
    rule = choose(found.validation, number[0], on.y, head, on.weights)
    validation, test = (
        rule.outputs(said, at, len(which), head)
        for said, at, which in zip((found.validation, found.test), number, units, strict=True)
    )
    return (validation, test), {"rule": rule.rule, "threshold": list(rule.threshold)}


def _tuned(place: Place, outputs: tuple[Floats, Floats], facts: dict[str, Any], design: Design) -> Cell:
    """The cell of outputs as they are: tuned on those of the validation units."""
    ground, train, on = place.ground, place.rows.train, _validation(place)
    decide = decision(ground.task.head, outputs[0], on.y, on.weights, on.groups, design.tuning)
    facts |= {
        "tuned": dict(decide.settings),
        "units": len(train),
        "groups": len({ground.groups[at] for at in train.tolist()}),
    }
    return Cell(Said.by(decide, outputs[0]), Said.by(decide, outputs[1]), facts)
