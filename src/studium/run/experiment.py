"""Experiments of a study: from the names in the study file to models, their inputs and the labels of their tasks."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core import parameters
from studium.core.codebook import Codebook
from studium.core.experiment import ExperimentEntry
from studium.core.parts import replace_file
from studium.core.recipe import canonical
from studium.core.store import Store
from studium.core.unit import PARENTS
from studium.errors import InputError, StudiumError
from studium.learn.experiment.design import Design, Fusion, Member, Model, Task
from studium.learn.experiment.run import Experiment, Found
from studium.learn.folds.splits import Split
from studium.learn.labels.targets import Target
from studium.learn.models.estimator import Estimator
from studium.learn.models.examples import Some
from studium.learn.models.head import Head, answers
from studium.learn.models.tuned import Tuning
from studium.run import apart, gate
from studium.run.estimators import TABLE, made, takes_of
from studium.run.features import Features, features, found, modality
from studium.run.inputs import Inputs, inputs
from studium.run.labels import COLUMN, FOLDERS, target
from studium.run.lineage import FILES, climbed
from studium.run.load import DEFAULT, Decoding

__all__ = ["FOLDER", "experiment", "tables_of"]

FOLDER = "experiments"
"""Where experiments lie in a study, each in a folder of its name."""
_OURS = ("model", "of", "on", "weights")


def experiment(
    store: Store,
    codebook: Codebook,
    entry: ExperimentEntry,
    seed: int = 0,
    decoding: Decoding = DEFAULT,
    told: Callable[[int, int], None] | None = None,
) -> Found:
    """Run an experiment: only the cells that are missing, then the overview.

    Args:
        store: the study.
        codebook: with the variables.
        entry: what the study file says.
        seed: of split and bootstrap, if the entry has none.
        decoding: what may be decoded.
        told: called with (cells done, cells) after each.

    Raises:
        UnknownNameError: no such variable, estimator or table; of a table it says how it is made.
        InputError: settings, labels or inputs that do not fit. Nothing was trained then.
    """
    asked = _Asked(store, codebook, entry, decoding)
    design = Design(
        test=entry.test,
        folds=entry.folds,
        seed=seed if entry.seed is None else entry.seed,
        figure=entry.figure,
        draws=entry.draws,
        tuning=parameters.make(f"experiment {entry.name} tuning", Tuning, entry.tuning),
        curve=entry.learning_curve,
        pairs=entry.pairs,
        price=entry.price_per_hour,
    )
    split = Split.load(store.root / entry.split) if entry.split else None
    made_of = Experiment(entry.name, asked.tasks, asked.members(), design, asked.of, split)
    folder = store.root / FOLDER / entry.name
    gate.mark_folder(folder, [table for kind, name in tables_of(entry) for table in found(store, {kind: name})])
    return made_of(folder, told)


def tables_of(entry: ExperimentEntry) -> list[tuple[str, str]]:
    """(kind, name) of the tables that the models of an experiment read."""
    named = []
    for about in entry.models.values():
        for kind, names in (about.get("on") or {}).items():
            named += [(kind, name) for name in ([names] if isinstance(names, str) else names)]
    return list(dict.fromkeys(named))


@dataclass(frozen=True)
class _Asked:
    """What the study file asks of a study."""

    store: Store
    codebook: Codebook
    entry: ExperimentEntry
    decoding: Decoding

    @cached_property
    def of(self) -> str:
        """Kind of the coded units."""
        kinds = {target.variable.of for target in self.targets}
        if len(kinds) > 1:
            raise InputError(f"experiment {self.entry.name}: its variables are of {', '.join(sorted(kinds))}; split it")
        return kinds.pop()

    @cached_property
    def targets(self) -> list[Target]:
        entry = self.entry
        asked = [entry.labels] if isinstance(entry.labels, str) else entry.labels
        files = [one if one == FOLDERS or one.startswith(COLUMN) else self.store.root / one for one in asked if one]
        labels = files or None
        coding = {key: value for key, value in entry.coding.items() if key != "soft"}
        coding = {key: value for key, value in entry.coding.items() if key != "soft"}
        return [target(self.store, self.codebook, name, entry.of, labels, **coding) for name in entry.variables]

    @cached_property
    def coded(self) -> list[str]:
        """Units that are coded for any of the variables."""
        return sorted({unit for target in self.targets for unit in target.units})

    @property
    def tasks(self) -> list[Task]:
        return [self._task(one) for one in self.targets]

    def _task(self, one: Target) -> Task:
        keys = apart.keys(self.store, self.of, one.units, self.entry.apart or None)
        about = {"coders": len(one.coders), "dropped": {why: len(units) for why, units in one.dropped.items()}}
        soft = self.entry.coding.get("soft", False)
        if not isinstance(soft, bool):
            raise InputError(f"experiment {self.entry.name} coding: soft should be true or false, got {soft!r}")
        shares = answers(one, soft=True) if soft else None
        return Task(Head.of(one), one.units, answers(one), one.strata(), keys, one.weights, shares, about)

    def members(self) -> list[Member]:
        """The models, all of whose settings and tables are looked at before any input is made."""
        models = {name: about for name, about in self.entry.models.items() if "model" in about}
        estimators = {name: self._estimator(name, about) for name, about in models.items()}
        for about in models.values():
            if about.get("on"):
                found(self.store, about["on"])
        members: list[Member] = []
        for name, about in self.entry.models.items():
            if name in models:
                members.append(self._model(name, about, estimators[name]))
            else:
                members.append(Fusion(name, tuple(about["fuse"]), str(about.get("how", "mean"))))
        return members

    def _estimator(self, name: str, about: Mapping[str, Any]) -> Estimator:
        """The estimator of a model, and whether it is given what it reads."""
        kind = str(about["model"])
        settings = {key: value for key, value in about.items() if key not in _OURS}
        settings |= {"model": self._weights(str(about["weights"]))} if "weights" in about else {}
        try:
            estimator = made(kind, settings, Head.of(self.targets[0]))
            takes = takes_of(kind)
        except StudiumError as error:
            error.args = (f"models {name}: {error}", *error.args[1:])
            raise
        if (takes == TABLE) != bool(about.get("on")):
            wanted = (
                'tables: say which, such as on = { image = "embed" }' if takes == TABLE else "no tables: leave on out"
            )
            raise InputError(f"models {name}: {kind} reads {wanted if takes == TABLE else f'{takes}, {wanted}'}")
        return estimator

    def _weights(self, named: str) -> str:
        """The id of a model, or the path of a folder, which starts from the study folder."""
        place = self.store.root / named
        return str(place) if place.is_dir() else named

    def _model(self, name: str, about: Mapping[str, Any], estimator: Estimator) -> Model:
        of = str(about.get("of", self.of))
        build = self._of_tables if about.get("on") else self._of_media
        return build(name, about, estimator, of, self.pairs(of))

    def pairs(self, of: str) -> list[tuple[str, str]]:
        """(unit of a kind, coded unit that it is, or is a part of)."""
        if of == self.of:
            return [(unit, unit) for unit in self.coded]
        return _parts(self.store, of, self.of, self.coded)

    def _of_tables(
        self, name: str, about: Mapping[str, Any], estimator: Estimator, of: str, pairs: Sequence[tuple[str, str]]
    ) -> Model:
        table = features(self.store, of, about["on"])
        rows = table.rows([unit for unit, _ in pairs])
        X = table.X[rows[rows >= 0]]
        if not getattr(estimator, "missing", False):
            _refuse_missing(name, X, table)
        lacking = {unit: f"no row of {where}" for where, units in table.missing.items() for unit in units}
        return Model(
            name=name,
            estimator=estimator,
            X=X,
            units=[whole for (_, whole), row in zip(pairs, rows.tolist(), strict=True) if row >= 0],
            modality=table.modality,
            kind=str(about["model"]),
            of=of,
            inputs=table.inputs,
            parts=of != self.of,
            lacking=_lacking(pairs, lacking, of),
        )

    def _of_media(
        self, name: str, about: Mapping[str, Any], estimator: Estimator, of: str, pairs: Sequence[tuple[str, str]]
    ) -> Model:
        takes, units = takes_of(str(about["model"])), list(dict.fromkeys(unit for unit, _ in pairs))
        media = inputs(self.store, of, units, takes, self.decoding)
        lacking = self._missing(media)
        place = {unit: row for row, unit in enumerate(units) if unit not in lacking}
        outline = media.outline()
        there = [(place[unit], whole) for unit, whole in pairs if unit in place]
        return Model(
            name=name,
            estimator=estimator,
            X=Some(media, np.array([row for row, _ in there], np.int64)),
            units=[whole for _, whole in there],
            modality=modality(["text", "image"] if takes == "material" else [takes]),
            kind=str(about["model"]),
            of=of,
            inputs=f"{takes} of {of} units",
            parts=of != self.of,
            outline=[outline[row] for row, _ in there],
            lacking=_lacking(pairs, lacking, of),
        )

    def _missing(self, media: Inputs) -> dict[str, str]:
        """Unit -> why its input cannot be made. All are tried, which takes long, so it is written down."""
        named = canonical([media.through, media.takes, self.decoding, media.units, media.outline()])
        key = hashlib.sha256(named.encode()).hexdigest()[:16]
        path = self.store.root / FOLDER / self.entry.name / "inputs" / f"{key}.json"
        if path.exists():
            return dict(json.loads(path.read_bytes()))
        lacking = {unit: why.partition(":")[0] for unit, why in media.missing().items()}
        if "UnreadableFileError" not in lacking.values():  # the file may be there again tomorrow
            replace_file(path, json.dumps(lacking, indent=1, sort_keys=True) + "\n")
        return lacking


def _refuse_missing(name: str, X: npt.NDArray[np.float64], table: Features) -> None:
    """Refuse rows of a table without all numbers, for a model that needs them, before anything is trained."""
    odd = ~np.isfinite(X)
    if odd.any():
        where = [table.names[at] for at in np.flatnonzero(odd.any(axis=0)).tolist()]
        more = f" and {len(where) - 3} more" * (len(where) > 3)
        raise InputError(
            f"models {name}: {int(odd.any(axis=1).sum())} of {len(X)} coded {table.of} units lack a number in "
            f'{", ".join(where[:3])}{more}; take model = "boosting", which knows missing numbers, or other tables'
        )


def _lacking(pairs: Sequence[tuple[str, str]], lacking: Mapping[str, str], of: str) -> dict[str, str]:
    """Coded unit -> why none of its parts has an input."""
    return {
        whole: f"{of}: {lacking[unit]}" if unit != whole else lacking[unit] for unit, whole in pairs if unit in lacking
    }


def _parts(store: Store, kind: str, of: str, coded: Sequence[str]) -> list[tuple[str, str]]:
    """(part, coded unit) of all units of a kind that lie in coded units, or are attached to them.

    Raises:
        InputError: units of this kind lie in none of that kind.
    """
    ids, wanted = store.units(kind)["id"].to_pylist(), set(coded)
    if of != "post":
        pairs = zip(ids, climbed(store, kind, (of,)).to_pylist(), strict=True)
        return [(unit, whole) for unit, whole in pairs if whole in wanted]
    files = climbed(store, kind, FILES).to_pylist() if kind in PARENTS else ids
    attached = store.attachments()
    posts: dict[str, list[str]] = {}
    for media, post in zip(attached["media"].to_pylist(), attached["post"].to_pylist(), strict=True):
        if post in wanted and post not in posts.setdefault(media, []):
            posts[media].append(post)
    return [(unit, post) for unit, file in zip(ids, files, strict=True) for post in posts.get(file, ())]
