"""Judging one task: every model's figures on the shared test units, fold by fold and on the same draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from studium.learn.evaluate.checks import Floats, Ints
from studium.learn.evaluate.drawn import Drawn, defined, drawn
from studium.learn.evaluate.intervals import Bootstrap
from studium.learn.evaluate.judges import Judge, Judged, codes, judges
from studium.learn.evaluate.summary import BOLD
from studium.learn.experiment.cells import Cell, Place
from studium.learn.experiment.design import Design, Fusion, Ground, Member
from studium.learn.models.head import CONTINUOUS, MULTILABEL
from studium.learn.trial import Said

__all__ = ["Bench", "Row", "averaged", "chance", "modality"]

_DRAWS = 1000  # at most, of figures that models are not compared by


@dataclass(frozen=True, eq=False)
class Row:
    """A model on a task.

    Attributes:
        member: the model.
        modality: its own, or that of its members.
        cells: of each fold.
    """

    member: Member
    modality: str
    cells: Sequence[Cell]


@dataclass(frozen=True, eq=False)
class Bench:
    """A task, its test units, and what every model says of them.

    Attributes:
        ground: the task.
        design: of the experiment.
        rows: one for each model.
        places: of the cells of all folds and shares.
        cells: by the names of their places.
        comparisons: how many pairs the experiment compares.
    """

    ground: Ground
    design: Design
    rows: Sequence[Row]
    places: Sequence[Place]
    cells: Mapping[str, Cell]
    comparisons: int

    @property
    def figure(self) -> str:
        """That models are compared by."""
        return self.design.figure_of(self.ground.task.head.task)

    @cached_property
    def test(self) -> Ints:
        """Rows of the test units."""
        return self.places[0].rows.test

    @cached_property
    def heavy(self) -> Floats:
        """Weights of the test units."""
        weights = self.ground.weights
        return np.ones(len(self.test)) if weights is None else weights[self.test]

    @cached_property
    def group(self) -> Ints:
        """Numbers of the groups of the test units."""
        _, number = np.unique([self.ground.groups[at] for at in self.test.tolist()], return_inverse=True)
        return np.asarray(number, np.int64)

    @property
    def independent(self) -> bool:
        """Whether each test unit is a group of its own, and all weigh the same."""
        return len(set(self.group.tolist())) == len(self.test) and len(set(self.heavy.tolist())) == 1

    @property
    def bootstrap(self) -> Bootstrap:
        """Of what models are compared by: with so many draws that Holm's p-values can be small."""
        return Bootstrap(max(self.design.draws, 100 * self.comparisons), self.design.seed)

    def judged(self, said: Said) -> Judged:
        """What is said of the test units, and the truth."""
        return Judged(self.ground.task.head, self.ground.y[self.test], said.outputs, said.predicted)

    @cached_property
    def main(self) -> Drawn:
        """The figure that models are compared by, of each model: the mean over folds."""
        figures = [averaged([judges(self.judged(cell.test))[self.figure] for cell in row.cells]) for row in self.rows]
        return drawn(figures, self.heavy, self.group, self.bootstrap)

    def figures(self, row: Row) -> tuple[dict[str, Judge], list[dict[str, Judge]]]:
        """Of a model: each figure's mean over folds, and those of each fold."""
        folds = [judges(self.judged(cell.test)) for cell in row.cells]
        return {name: averaged([fold[name] for fold in folds]) for name in folds[0]}, folds

    def sure(self, figures: Mapping[str, Judge]) -> dict[str, Drawn]:
        """Figures with their draws, but for those that have no interval."""
        named = [name for name in figures if name not in BOLD]
        bootstrap = Bootstrap(min(_DRAWS, self.design.draws), self.design.seed)
        found = drawn([figures[name] for name in named], self.heavy, self.group, bootstrap)
        return {name: Drawn(found.values[[at]], found.draws[:, [at]], found.groups) for at, name in enumerate(named)}

    def validation(self, row: Row) -> float | None:
        """The figure on the validation units of each fold, the mean over folds: what models are chosen by."""
        found = []
        for place, cell in zip(self.folds(row.member), row.cells, strict=True):
            at, said, ground = place.rows.validation, cell.validation, self.ground
            heavy = np.ones(len(at)) if ground.weights is None else ground.weights[at]
            given = Judged(ground.task.head, ground.y[at], said.outputs, said.predicted)
            found.append(judges(given)[self.figure](heavy[None])[0])
        return defined(float(np.mean(found)))

    def folds(self, member: Member) -> list[Place]:
        """The places of a model, one for each fold."""
        return [place for place in self.places if place.member is member and place.share == 1]

    def voted(self, row: Row) -> Ints:
        """The class that most folds give each test unit; of several the one with the highest mean probability."""
        head = self.ground.task.head
        votes = np.zeros((len(self.test), len(head.classes)))
        for cell in row.cells:
            votes[np.arange(len(votes)), codes(head, cell.test.predicted)] += 1
        mean = np.mean([cell.test.outputs for cell in row.cells], axis=0)
        return np.asarray((votes + mean / 2).argmax(axis=1), np.int64)


def averaged(parts: Sequence[Judge]) -> Judge:
    """The mean of figures; not defined if one of them is not."""
    return lambda weights: np.mean([part(weights) for part in parts], axis=0)


def chance(bench: Bench, lower: bool) -> float | None:
    """The figure of the best constant answer on the test units: one class, none or all labels, the mean value.

    Args:
        bench: the task.
        lower: whether the figure is better the lower it is.
    """
    head, n = bench.ground.task.head, len(bench.test)
    if head.task == CONTINUOUS:
        y = np.asarray(bench.ground.y[bench.test], np.float64)
        middle = np.full(n, bench.heavy @ y / bench.heavy.sum())
        said = [Said(middle[:, None], middle)]
    elif head.task == MULTILABEL:
        said = [Said(np.full((n, len(head.classes)), float(on)), np.full((n, len(head.classes)), on)) for on in (0, 1)]
    else:
        names = np.array(head.classes)
        rows = np.eye(len(names))
        said = [Said(np.tile(rows[at], (n, 1)), np.repeat(names[[at]], n)) for at in range(len(names))]
    found = [judges(bench.judged(one))[bench.figure](bench.heavy[None])[0] for one in said]
    values = [float(one) for one in found if not np.isnan(one)]
    return (min if lower else max)(values) if values else None


def modality(member: Member, others: Mapping[str, Member]) -> str:
    """That of a model, or of all members of a fusion."""
    if isinstance(member, Fusion):
        found = {modality(others[name], others) for name in member.members}
        return found.pop() if len(found) == 1 else "multimodal"
    return member.modality
