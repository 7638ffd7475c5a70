"""Linear probe: logistic or ridge regression on embeddings, or on any table of numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Arrays, Fitted
from studium.learn.models.saved import shaped
from studium.learn.models.scores import columns, finished, sigmoid, softmax, total
from studium.learn.models.training import Head, Problem, Training, Whole, fingerprint, numbers

__all__ = ["STRENGTHS", "FittedLinear", "LinearProbe"]

STRENGTHS = tuple(10.0**power for power in range(-5, 3))
"""What C is chosen from."""
_CELLS = 2**20  # products held at once when scores are computed


@dataclass(frozen=True)
class LinearProbe:
    """Columns are standardised; logistic regression with an L2 penalty, multinomial if there are several classes.

    A multilabel target has a regression for each class, an ordinal one for each step between classes (Frank & Hall), a
    continuous one ridge regression. Of soft labels each class that coders gave has a copy of the unit, which weighs its
    share. C, the inverse of the penalty's weight, is the one with the smallest log-loss (squared error) on grouped,
    stratified inner folds.

    Attributes:
        head: what is predicted.
        inputs: what X is, in words or by recipe; kept with the model.
        C: above 0; None to choose it from `STRENGTHS`, for each class of a multilabel target by itself.
        balanced: whether classes count the same, whatever their shares. Probabilities are then those of a world in
            which classes are equally common.
        folds: inner ones, at least 2.
        seed: of the draw of the folds.

    References:
        Alain & Bengio (2016), doi:10.48550/arXiv.1610.01644 (linear probes).
    """

    head: Head = field(default_factory=Head)
    inputs: str = ""
    C: float | None = None
    balanced: bool = False
    folds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.folds < 2 or (self.C is not None and not 0 < self.C < np.inf):
            raise InputError(f"C should be above 0 and folds at least 2, got {self.C} and {self.folds}")

    @property
    def inner(self) -> int:
        """How many inner folds are made of the training units; 0 for none."""
        return self.folds if self.C is None else 0

    def fit(
        self, X: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None, groups: Sequence[Any] | None = None
    ) -> "FittedLinear":
        """Train on a table (n, d); see `studium.learn.models.estimator.Estimator`.

        Raises:
            InputError: what does not fit; NaN; classes of too few groups.
            MissingExtraError: scikit-learn is not installed.
        """
        table = numbers(X)
        given = Training.of(self.head, y, len(table), weights, groups)
        mean, scale = _spread(table, given.weights)
        even = (table - mean) / scale
        found: list[tuple[Floats, Floats]] = []
        chosen = []
        for problem in given.problems(self.balanced):
            strength, losses = self._strength(table, problem)
            found += _solved(even, problem, np.arange(len(even)), [strength])
            chosen.append({"C": strength, "losses": losses})
        settings = {"balanced": self.balanced, "folds": self.folds, "seed": self.seed, "chosen": chosen}
        coef, intercept = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return FittedLinear(
            given.head, self.inputs, settings, given.facts(fingerprint(table)), mean, scale, coef, intercept
        )

    def _strength(self, table: Floats, problem: Problem) -> tuple[float, dict[str, float]]:
        """The best C, the smallest of equal ones, and the loss of each."""
        if self.C is not None:
            return self.C, {}
        losses = np.zeros(len(STRENGTHS))
        for train, test in problem.folds(self.folds, self.seed):
            own = table[train]
            mean, scale = _spread(own, problem.weights[train])
            own, others = _evened(own, mean, scale), _evened(table[test], mean, scale)
            for at, (coef, intercept) in enumerate(_solved(own, problem, train, STRENGTHS)):
                losses[at] += problem.loss(_predicted(others @ coef.T + intercept, problem), test)
        losses /= problem.weights.sum()
        named = {f"{one:g}": float(loss) for one, loss in zip(STRENGTHS, losses, strict=True)}
        return STRENGTHS[int(losses.argmin())], named


@dataclass(frozen=True)
class FittedLinear(Fitted):
    """A trained `LinearProbe`: scores ((x - mean) / scale) coef' + intercept.

    Attributes:
        mean: (d,) of the training data.
        scale: (d,) its standard deviations; 1 where a column is constant.
        coef: (m, d) log-odds for each standard deviation; m is 1 of two classes and of values.
        intercept: (m,).
    """

    mean: Floats
    scale: Floats
    coef: Floats
    intercept: Floats

    kind: ClassVar[str] = "linear"

    def outputs(self, X: ArrayLike) -> Floats:
        """As `Fitted.outputs`, of a table (n, d)."""
        even = (numbers(X, len(self.mean)) - self.mean) / self.scale
        step = max(1, _CELLS // self.coef.size)
        scores = np.empty((len(even), len(self.coef)))
        for at in range(0, len(even), step):
            scores[at : at + step] = total(even[at : at + step, None] * self.coef) + self.intercept
        return finished(scores, self.head)

    def arrays(self) -> Arrays:
        """Mean, scale, coefficients and intercepts."""
        return {"mean": self.mean, "scale": self.scale, "coef": self.coef, "intercept": self.intercept}

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`."""
        del preprocessing  # it is in the arrays
        d, m = len(arrays.get("mean", ())), columns(common["head"])
        shaped(arrays, mean=("f", (d,)), scale=("f", (d,)), coef=("f", (m, d)), intercept=("f", (m,)))
        return cls(**common, **dict[str, Any](arrays))


def _spread(table: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted mean and standard deviation of each column; 1 where it is constant."""
    share = weights / weights.sum()
    constant = (table == table[0]).all(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(constant, table[0], share @ table)
        scale = np.sqrt(share @ (table - mean) ** 2)
    scale = np.where(constant | (scale == 0), 1.0, scale)
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise InputError("numbers are so large that their spread cannot be computed; divide the column, or take logs")
    return mean, scale


def _evened(table: Floats, mean: Floats, scale: Floats) -> Floats:
    """A table that nobody else holds, standardised in its place."""
    table -= mean
    table /= scale
    return table


def _solved(even: Floats, problem: Problem, rows: Whole, strengths: Sequence[float]) -> Iterator[tuple[Floats, Floats]]:
    """Coefficients (m, d) and intercepts (m,) of one problem, of rows in rising order; each C begins from the last."""
    try:
        from sklearn.linear_model import LogisticRegression, Ridge
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "images") from error
    at, truth, weights = problem.copies(rows)
    table = even if len(at) == len(rows) else even[np.searchsorted(rows, at)]
    model: Any = LogisticRegression(max_iter=10_000, warm_start=True) if problem.classes else Ridge()
    for strength in strengths:
        model.set_params(**({"C": strength} if problem.classes else {"alpha": 1 / strength}))
        model.fit(table, truth, weights)
        yield np.array(model.coef_, np.float64, ndmin=2), np.array(model.intercept_, np.float64, ndmin=1)


def _predicted(scores: Floats, problem: Problem) -> Floats:
    """Of (n, m) scores: (n,) values, or (n, k) probabilities."""
    if not problem.classes:
        return scores[:, 0]
    return softmax(scores) if scores.shape[1] > 1 else np.hstack([sigmoid(-scores), sigmoid(scores)])
