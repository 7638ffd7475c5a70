"""Gradient boosting of trees on any table of numbers, some of which may be missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Arrays, Fitted
from studium.learn.models.saved import shaped
from studium.learn.models.scores import columns, finished
from studium.learn.models.training import Head, Problem, Training, Whole, fingerprint, numbers

__all__ = ["Boosting", "FittedBoosting"]

_CELLS = 2**18  # paths through trees that are followed at once
_TREES = ("root", "output")
_NODES = {"left": "i", "right": "i", "feature": "i", "missing_left": "i", "threshold": "f", "value": "f"}


@dataclass(frozen=True)
class Boosting:
    """Histogram-based gradient boosting (scikit-learn's), with log-loss, or squared error of a continuous target.

    How many rounds there are is chosen by the loss on grouped, stratified inner folds, not on a random share of the
    units, in which copies would hide that it learns by heart. A multilabel target has trees for each class, an ordinal
    one for each step between classes (Frank & Hall). Of soft labels each class that coders gave has a copy of the unit,
    which weighs its share. Made for tables of some dozen columns; on embeddings a linear probe is faster, and as a rule
    better.

    Attributes:
        head: what is predicted.
        inputs: what X is, in words or by recipe; kept with the model.
        rounds: exactly so many; None to choose from 1 to ``most``.
        most: rounds at most, if they are chosen.
        rate: by which the values of each tree are shrunk, above 0 to 1.
        leaves: of a tree at most, at least 2.
        smallest: units in a leaf at least (of soft labels: copies). With fewer than twice as many there is nothing to
            split.
        balanced: whether classes count the same, whatever their shares. Probabilities are then those of a world in
            which classes are equally common.
        folds: inner ones, at least 2.
        seed: of the draw of the folds.

    References:
        Friedman (2001), doi:10.1214/aos/1013203451; Ke et al. (2017), LightGBM, NeurIPS 30.
    """

    head: Head = field(default_factory=Head)
    inputs: str = ""
    rounds: int | None = None
    most: int = 200
    rate: float = 0.1
    leaves: int = 31
    smallest: int = 20
    balanced: bool = False
    folds: int = 3
    seed: int = 0

    missing: ClassVar[bool] = True
    """Whether numbers may be missing, as NaN."""

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        counts = (self.most, self.smallest, 1 if self.rounds is None else self.rounds)
        if min(counts) < 1 or self.leaves < 2 or self.folds < 2 or not 0 < self.rate <= 1:
            raise InputError(
                "rounds, most and smallest should be at least 1, leaves and folds at least 2, rate above 0 to 1; "
                f"got {self}"
            )

    @property
    def inner(self) -> int:
        """How many inner folds are made of the training units; 0 for none."""
        return self.folds if self.rounds is None else 0

    def fit(
        self, X: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None, groups: Sequence[Any] | None = None
    ) -> "FittedBoosting":
        """Train on a table (n, d), where NaN is a missing number; see `studium.learn.models.estimator.Estimator`.

        Raises:
            InputError: what does not fit; infinite numbers; classes of too few groups.
            MissingExtraError: scikit-learn is not installed.
        """
        table = numbers(X, missing=True)
        given = Training.of(self.head, y, len(table), weights, groups)
        forests: list[tuple[int, npt.NDArray[Any]]] = []
        baselines: list[Floats] = []
        chosen = []
        for problem in given.problems(self.balanced):
            rounds, losses = self._rounds(table, problem)
            model = self._fitted(table, problem, np.arange(len(table)), rounds)
            first = sum(one.size for one in baselines)
            forests += [(first + at, one.nodes) for step in model._predictors for at, one in enumerate(step)]
            baselines.append(np.ravel(model._baseline_prediction).astype(np.float64))
            chosen.append({"rounds": rounds, "losses": losses})
        settings = {
            "rate": self.rate,
            "leaves": self.leaves,
            "smallest": self.smallest,
            "balanced": self.balanced,
            "folds": self.folds,
            "seed": self.seed,
            "chosen": chosen,
        }
        arrays = _flat(forests) | {"baseline": np.concatenate(baselines)}
        facts = given.facts(fingerprint(table))
        return FittedBoosting(given.head, self.inputs, settings, facts, table.shape[1], arrays)

    def _rounds(self, table: Floats, problem: Problem) -> tuple[int, list[float]]:
        """The best number of rounds, the smallest of equal ones, and the loss after each."""
        if self.rounds is not None:
            return self.rounds, []
        losses = np.zeros(self.most)
        for train, test in problem.folds(self.folds, self.seed):
            model = self._fitted(table, problem, train, self.most)
            stages = model.staged_predict_proba(table[test]) if problem.classes else model.staged_predict(table[test])
            losses += [problem.loss(stage, test) for stage in stages]
        losses /= problem.weights.sum()
        return int(losses.argmin()) + 1, losses.tolist()

    def _fitted(self, table: Floats, problem: Problem, rows: Whole, rounds: int) -> Any:
        """scikit-learn's model of one problem, of some rows."""
        try:
            from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        except ImportError as error:
            raise MissingExtraError("scikit-learn", "images") from error
        kind = HistGradientBoostingClassifier if problem.classes else HistGradientBoostingRegressor
        model = kind(
            learning_rate=self.rate,
            max_iter=rounds,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.smallest,
            early_stopping=False,
            categorical_features=None,
            random_state=self.seed,
        )
        at, truth, weights = problem.copies(rows)
        return model.fit(table[at], truth, weights)


@dataclass(frozen=True)
class FittedBoosting(Fitted):
    """A trained `Boosting`: the baseline, and what the leaf of each tree adds to it, in the order of the trees.

    Attributes:
        width: d, columns of the table.
        trees: of all nodes, one tree after the other: ``feature``, ``threshold`` (smaller or equal goes left),
            ``missing_left`` (whether a missing number does), ``left`` and ``right`` (-1 in a leaf) and ``value``; of
            each tree: its ``root`` and the ``output`` that it adds to; and the ``baseline`` of each output.
    """

    width: int
    trees: Arrays

    kind: ClassVar[str] = "boosting"

    def outputs(self, X: ArrayLike) -> Floats:
        """As `Fitted.outputs`, of a table (n, d) where NaN is a missing number."""
        table = numbers(X, self.width, missing=True)
        scores = np.tile(self.trees["baseline"].astype(np.float64), (len(table), 1))
        step = max(1, _CELLS // max(1, len(self.trees["root"])))
        for at in range(0, len(table), step):
            values = self.trees["value"][self._leaves(table[at : at + step])]
            for tree, output in enumerate(self.trees["output"]):
                scores[at : at + step, output] += values[:, tree]
        return finished(scores, self.head)

    def _leaves(self, table: Floats) -> npt.NDArray[np.int64]:
        """Of (n, d): the node in which each row ends in each tree, (n, trees)."""
        left, right, feature = (self.trees[name] for name in ("left", "right", "feature"))
        threshold, missing = self.trees["threshold"], self.trees["missing_left"].astype(np.bool_)
        node = np.tile(self.trees["root"].astype(np.int64), (len(table), 1))
        while True:
            row, tree = np.nonzero(left[node] >= 0)
            if not len(row):
                return node
            here = node[row, tree]
            found = table[row, feature[here]]
            goes = np.where(np.isnan(found), missing[here], found <= threshold[here])
            node[row, tree] = np.where(goes, left[here], right[here])

    def arrays(self) -> Arrays:
        """The trees."""
        return self.trees

    def preprocessing(self) -> dict[str, Any]:
        """How many columns a table has."""
        return {"width": self.width}

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`; trees whose paths would not end, or leave the table, are refused."""
        n, t, m = len(arrays.get("value", ())), len(arrays.get("root", ())), columns(common["head"])
        expected = {name: (kind, (n,)) for name, kind in _NODES.items()} | dict.fromkeys(_TREES, ("i", (t,)))
        shaped(arrays, baseline=("f", (m,)), **expected)
        inner = np.flatnonzero(arrays["left"] >= 0)
        children = np.concatenate([arrays["left"][inner], arrays["right"][inner]])
        ends = np.append(arrays["root"][1:], n)[np.searchsorted(arrays["root"], inner, "right") - 1] if t else inner
        width = preprocessing["width"]
        sound = (
            isinstance(width, int)
            and (children > np.tile(inner, 2)).all()
            and (children < np.tile(ends, 2)).all()
            and (np.diff(arrays["root"], append=n) > 0).all()
            and (not t or arrays["root"][0] == 0)
            and ((arrays["feature"] >= 0) & (arrays["feature"] < width)).all()
            and ((arrays["output"] >= 0) & (arrays["output"] < m)).all()
        )
        if not sound:
            raise InputError("the trees of the saved model do not hang together")
        return cls(**common, width=width, trees=arrays)


def _flat(forests: list[tuple[int, npt.NDArray[Any]]]) -> Arrays:
    """Trees of scikit-learn, each with its output, as plain arrays."""
    sizes = [len(nodes) for _, nodes in forests]
    root = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    nodes = np.concatenate([one for _, one in forests])
    leaf, first = nodes["is_leaf"].astype(np.bool_), np.repeat(root, sizes)
    return {
        "root": root.astype(np.int32),
        "output": np.array([output for output, _ in forests], np.int32),
        "left": np.where(leaf, -1, nodes["left"] + first).astype(np.int32),
        "right": np.where(leaf, -1, nodes["right"] + first).astype(np.int32),
        "feature": np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        "missing_left": np.where(leaf, 0, nodes["missing_go_to_left"]).astype(np.int8),
        "threshold": np.where(leaf, 0, nodes["num_threshold"]).astype(np.float64),
        "value": nodes["value"].astype(np.float64),
    }
