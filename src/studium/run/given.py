"""What a model of a study learns from: coded units, split, with their inputs."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from studium.core.codebook import Codebook
from studium.core.recipe import canonical
from studium.core.store import Store
from studium.errors import InputError
from studium.learn.folds.splits import TEST, Split, Splits
from studium.learn.labels.targets import Target
from studium.learn.models.estimator import Estimator
from studium.learn.models.examples import Examples, Some
from studium.learn.models.head import Head, answers
from studium.learn.models.training import fingerprint
from studium.run import gate
from studium.run.estimators import TABLE, knows_missing, made, takes_of
from studium.run.features import Features, On, features, modality
from studium.run.inputs import Inputs, inputs
from studium.run.labels import Where, target
from studium.run.load import DEFAULT, Decoding
from studium.run.tested import split_of

__all__ = ["PREDICTIONS", "Given", "Order", "given_of"]

PREDICTIONS = "predict"
"""Name of the tables of what models predict."""
TESTED = 0.2
"""Share of the units that a model is judged on, if nobody says."""


@dataclass(frozen=True)
class Order:
    """What is trained, on what.

    Attributes:
        variable: its name in the codebook.
        of: kind of the units; "" for that of the codebook.
        model: the estimator: "linear", "boosting" (of tables), "ngrams", "text_network" (of texts), "image_network"...
        on: for a model of tables: kind of units -> name or names of their tables.
        labels: where they are; see `studium.run.labels.labels_of`.
        coding: how the labels of several coders become one: ``combine``, ``ties``, ``cannot_tell``, ``none_of_these``,
            ``least``; and ``soft = true`` to learn from the shares of the coders.
        name: of the model; "" for VARIABLE-MODEL.
        apart: names of what is never in two parts; None for all that the study knows. See `studium.run.apart.keys`.
        test: share of the coded units that the model is judged on, and that nothing else sees.
        test_sample: instead, the name of a sample of the study, such as a holdout: its coded units are the test part,
            weighted by 1 / P(drawn), and units that hang together with them are left out.
        folds: one in so many of the others is for tuning.
        settings: of the model.
        tuning: ``calibrate``, ``threshold`` ...; see `studium.learn.models.tuned.Tuning`.
        by: columns of posts by whose values errors are reported, such as ("party",).
        card: what only people know: ``use``, ``misuse``, ``limits`` ...; see `studium.learn.models.card.ModelCard`.
    """

    variable: str
    of: str = ""
    model: str = "linear"
    on: On = field(default_factory=dict)
    labels: Where = None
    coding: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    apart: tuple[str, ...] | None = None
    test: float = TESTED
    test_sample: str = ""
    folds: int = 5
    settings: Mapping[str, Any] = field(default_factory=dict)
    tuning: Mapping[str, Any] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    card: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a test part that is told twice."""
        if self.test_sample and self.test != TESTED:
            raise InputError(
                f"the test part is the sample {self.test_sample!r}, or a share of {self.test:g}; leave one of them out"
            )

    @property
    def called(self) -> str:
        """The name of the model.

        Raises:
            InputError: it is no name of a folder.
        """
        name = self.name or f"{self.variable}-{self.model}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise InputError(f"the name of a model should be letters, digits, - and _, got {name!r}; it is a folder")
        return name


@dataclass(frozen=True, eq=False)
class Given:
    """What a model learns from: coded units that have inputs.

    Attributes:
        order: what is trained.
        target: the labels of all coded units.
        split: of all coded units.
        kept: rows of the target whose units have inputs.
        X: their inputs.
        left_out: why others have none -> units.
        inputs: in words or by recipe.
        modality: "text", "image", "audio" or "multimodal".
        tables: the features, of a model of tables.
    """

    order: Order
    target: Target
    split: Split
    kept: Sequence[int]
    X: Any
    left_out: Mapping[str, tuple[str, ...]]
    inputs: str
    modality: str
    tables: Features | None = None

    @cached_property
    def head(self) -> Head:
        """What is predicted."""
        return Head.of(self.target)

    @cached_property
    def units(self) -> list[str]:
        """Those that have inputs."""
        return [self.target.units[row] for row in self.kept]

    @cached_property
    def examples(self) -> Examples:
        """Inputs, labels, weights and groups of those units."""
        group = dict(zip(self.split.units, self.split.groups, strict=True))
        y = answers(self.target, bool(self.order.coding.get("soft", False)))
        groups = [group[unit] for unit in self.units]
        return Examples(self.X, y[list(self.kept)], self.target.weights[list(self.kept)], groups)

    @property
    def templates(self) -> bool:
        """Whether it learns from templates of faces."""
        return any(gate.holds_templates(table) for table in (self.tables.tables if self.tables else ()))

    def estimator(self) -> Estimator:
        """What is trained."""
        return made(self.order.model, self.order.settings, self.head, self.inputs)

    def rows(self) -> Any:
        """Which of the units are for what; see `studium.learn.trial.Rows`.

        Raises:
            InputError: no unit with inputs is in one of the parts.
        """
        from studium.learn.trial import Rows

        part = self.split.of(self.units)
        rows = [np.flatnonzero(one) for one in ((part != TEST) & (part != 0), part == 0, part == TEST)]
        if empty := [name for name, one in zip(("training", "validation", "test"), rows, strict=True) if not len(one)]:
            lacking = "".join(f"; {len(units)} left out: {why}" for why, units in self.left_out.items())
            raise InputError(
                f"of {len(self.target.units)} coded units {len(self.units)} have inputs, and none is for {empty[0]}"
                f"{lacking}; measure more of them, or code more"
            )
        return Rows(*rows)

    def digest(self) -> str:
        """Names the labels and inputs, as they are."""
        seen = [fingerprint(np.asarray(one)) for one in (self.target.soft, self.target.weights)]
        y = fingerprint(self.target.y)
        X = fingerprint(self.X) if isinstance(self.X, np.ndarray) else self.X.of.outline()
        said = [*seen, y, self.target.variable.digest, self.target.units, self.units, X, self.inputs]
        return hashlib.sha256(canonical(said).encode()).hexdigest()


def given_of(store: Store, codebook: Codebook, order: Order, seed: int, decoding: Decoding = DEFAULT) -> Given:
    """Labels, split and inputs; arguments as `train`."""
    coding = {key: value for key, value in order.coding.items() if key != "soft"}
    wanted = target(store, codebook, order.variable, order.of, order.labels, **coding)
    of = wanted.variable.of
    wanted, split = split_of(store, wanted, order.apart, order.test_sample, Splits(order.test, order.folds, seed))
    order = dataclasses.replace(order, of=of)
    if takes_of(order.model) == TABLE:
        return _of_tables(store, order, wanted, split)
    if order.on:
        raise InputError(f"{order.model} reads {takes_of(order.model)}, no tables; leave out on = {dict(order.on)}")
    return _of_media(inputs(store, of, wanted.units, takes_of(order.model), decoding), order, wanted, split)


def _of_tables(store: Store, order: Order, wanted: Target, split: Split) -> Given:
    found = features(store, order.of, order.on)
    if learned := [table.recipe.label for table in found.tables if table.recipe.name == PREDICTIONS]:
        raise InputError(
            f"{', '.join(learned)} is what a model says that learned from labels, perhaps of units that this one would "
            "be judged on; learn from its tables, or stack models in an experiment"
        )
    found = found if knows_missing(order.model) else found.whole()
    rows = found.rows(wanted.units)
    coded = set(wanted.units)
    lacking = {why: tuple(unit for unit in units if unit in coded) for why, units in found.reasons().items()}
    return Given(
        order=order,
        target=wanted,
        split=split,
        kept=np.flatnonzero(rows >= 0).tolist(),
        X=found.X[rows[rows >= 0]],
        left_out={why: units for why, units in lacking.items() if units},
        inputs=found.inputs,
        modality=found.modality,
        tables=found,
    )


def _of_media(found: Inputs, order: Order, wanted: Target, split: Split) -> Given:
    missing = found.missing()
    kept = [row for row, unit in enumerate(wanted.units) if unit not in missing]
    left_out: dict[str, list[str]] = {}
    for unit, why in missing.items():
        error, _, told = why.partition(": ")
        left_out.setdefault(told if error == "MediaError" else error, []).append(unit)
    return Given(
        order=order,
        target=wanted,
        split=split,
        kept=kept,
        X=Some(found, np.array(kept, np.int64)),
        left_out={why: tuple(units) for why, units in left_out.items()},
        inputs=f"{found.takes} of {order.of} units",
        modality=modality(["text", "image"] if found.takes == "material" else [found.takes]),
    )
