"""An experiment: every model on every task and fold, only what is missing; then the overview of all."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from studium.core.parts import replace_file
from studium.errors import InputError, StudiumError
from studium.learn.experiment import cells, making
from studium.learn.experiment.cells import Cell, Place
from studium.learn.experiment.design import SHARES, Design, Fusion, Ground, Member, Model, Task, ground
from studium.learn.experiment.overview import costs, overview, tidy
from studium.learn.folds.splits import Split, Splits

__all__ = ["Experiment", "Found"]

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Found:
    """What came of an experiment.

    Attributes:
        folder: where it lies.
        overview: see `studium.learn.experiment.overview`.
        costs: likewise.
        made: how many cells were made just now.
        kept: how many were there already.
    """

    folder: Path
    overview: Mapping[str, Any]
    costs: Mapping[str, Any]
    made: int
    kept: int


@dataclass(frozen=True, eq=False)
class Experiment:
    """Models x tasks x folds.

    Attributes:
        name: of the experiment.
        tasks: what is predicted.
        members: the models, and fusions of them.
        design: how they are compared.
        of: kind of the coded units, in words.
        split: one from elsewhere; None: each task has its own, which its units, keys and the seed determine.
    """

    name: str
    tasks: Sequence[Task]
    members: Sequence[Member]
    design: Design
    of: str = "unit"
    split: Split | None = None

    def __post_init__(self) -> None:
        """Refuse what no experiment is, before anything is trained."""
        names, models = [one.name for one in self.members], {one.name for one in self.models}
        if not self.tasks or not self.models or len(set(names)) < len(names):
            raise InputError(f"{self.name}: an experiment needs a task, and models of different names; got {names}")
        for one in self.members:
            if isinstance(one, Fusion) and (unknown := [name for name in one.members if name not in models]):
                raise InputError(f"{one.name} fuses {', '.join(unknown)}; the models are {', '.join(sorted(models))}")
        if unknown := sorted({name for pair in self.design.pairs for name in pair} - set(names)):
            raise InputError(f"pairs: no model is called {', '.join(unknown)}; there are {', '.join(names)}")
        for task in self.tasks:
            self.design.figure_of(task.head.task)
            for model in self.models:
                making.with_head(model.estimator, task.head, model.inputs)  # some refuse some tasks

    @property
    def models(self) -> list[Model]:
        """Those that are trained."""
        return [one for one in self.members if isinstance(one, Model)]

    def __call__(self, folder: Path, told: Told | None = None) -> Found:
        """Make the cells that are missing in a folder, and write the overview.

        Args:
            folder: of the experiment.
            told: called with (cells done, cells) after each.

        Raises:
            InputError: a split that leaks; labels that are too few; settings that fit no model.
        """
        grounds = [ground(task, self._split(task), self.models) for task in self.tasks]
        for on in grounds:
            on.split.save(folder / "splits" / f"{on.task.name}.json")
        places = [one for on in grounds for one in self._places(on)]
        for one in places:
            making.refuse(one)
        cells.sweep(folder / "cells")
        found: dict[str, Cell] = {}
        made = 0
        for number, one in enumerate(places):
            if told:
                told(number, len(places))
            found[one.name], new = cells.kept(folder / "cells", one, partial(self._made, one, found))
            made += new
        if told:
            told(len(places), len(places))
        cells.sweep(folder / "cells", done=True)
        said, spent = overview(self, grounds, places, found), costs(self.design, places, found)
        replace_file(folder / "overview.json", json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        replace_file(folder / "overview.csv", tidy(said))
        replace_file(folder / "costs.json", json.dumps(spent, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        return Found(folder, said, spent, made, len(places) - made)

    def _split(self, task: Task) -> Split:
        if self.split is not None:
            return self.split
        design = self.design
        return Splits(design.test, design.folds, design.seed)(task.units, task.strata, task.keys)

    def _places(self, on: Ground) -> list[Place]:
        """All cells of a task: every fold, and of the first one the shares of a learning curve; members go first."""
        rounds = [(fold, 1.0) for fold in range(on.split.folds)]
        rounds += [(0, share) for share in SHARES] if self.design.curve else []
        found: list[Place] = []
        for fold, share in rounds:
            there: dict[str, Place] = {}
            for one in sorted(self.members, key=lambda one: isinstance(one, Fusion)):
                others = [there[name] for name in one.members] if isinstance(one, Fusion) else []
                there[one.name] = cells.place(on, one, fold, self.design, others, share)
            found += there.values()
        return found

    def _made(self, one: Place, found: Mapping[str, Cell], checkpoints: Path) -> Cell:
        try:
            if isinstance(one.member, Fusion):
                return making.fused(one, one.member, [found[name] for name in one.others], self.design)
            return making.learned(one, one.member, self.design, checkpoints)
        except StudiumError as error:
            error.args = (f"{one.said}: {error}", *error.args[1:])
            raise
