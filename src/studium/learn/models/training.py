"""What models are trained on, checked: numbers, labels, weights and groups; and the folds that choose settings."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats, numbered

__all__ = [
    "CATEGORICAL",
    "CONTINUOUS",
    "MULTILABEL",
    "ORDINAL",
    "Head",
    "Problem",
    "Training",
    "fingerprint",
    "numbers",
]

CATEGORICAL, ORDINAL, MULTILABEL, CONTINUOUS = "categorical", "ordinal", "multilabel", "continuous"

Whole = npt.NDArray[np.int64]
Label = str | int | bool


@dataclass(frozen=True)
class Head:
    """What a model predicts.

    Attributes:
        variable: its name in the codebook.
        task: "categorical" (one of two or more classes), "ordinal" (likewise, from low to high), "multilabel" (any
            number of classes) or "continuous".
        classes: all of one type; the columns of the probabilities. If none is given: those of the labels, sorted; of
            multilabel ones they must be given. Continuous variables have none.
    """

    variable: str = "label"
    task: str = CATEGORICAL
    classes: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no target."""
        object.__setattr__(self, "classes", tuple(_plain(one) for one in self.classes))
        if self.task not in {CATEGORICAL, ORDINAL, MULTILABEL, CONTINUOUS}:
            raise InputError(f"a task is categorical, ordinal, multilabel or continuous; got {self.task!r}")
        if len(set(map(type, self.classes))) > 1 or not all(isinstance(one, str | int) for one in self.classes):
            raise InputError(f"classes should be all text, all whole numbers, or False and True; got {self.classes}")
        if len(set(self.classes)) < len(self.classes) or (self.task == CONTINUOUS and self.classes):
            raise InputError(f"classes should differ, and a continuous variable has none; got {self.classes}")


@dataclass(frozen=True)
class Problem:
    """One model's share of a target: all classes of a categorical one, one class of a multilabel one, or numbers.

    Attributes:
        name: for messages.
        truth: (n,) number of the class, from 0; or the value.
        classes: how many there are; 0 for numbers.
        weights: (n,) with mean 1.
        groups: (n,) number of the group, from 0.
    """

    name: str
    truth: npt.NDArray[Any]
    classes: int
    weights: Floats
    groups: Whole

    def folds(self, most: int, seed: int) -> list[tuple[Whole, Whole]]:
        """Rows to train on and to judge: no group on both sides, like shares of the classes, every class in each.

        Args:
            most: folds; fewer are made of a class with fewer groups.
            seed: of the draw.

        Raises:
            InputError: a class (or the whole) of one group only, or groups that cannot be dealt so.
        """
        if not self.classes:
            return self._plain_folds(most, seed)
        fewest = min(len(np.unique(self.groups[self.truth == one])) for one in range(self.classes))
        if fewest < 2:
            raise InputError(
                f"{self.name}: settings are chosen on units of other groups, so each class needs labels of at least "
                "two groups (files, posts, accounts); code more of the rare ones, join them, or give the setting"
            )
        try:
            from sklearn.model_selection import StratifiedGroupKFold
        except ImportError as error:
            raise MissingExtraError("scikit-learn", "images") from error
        for count in range(min(most, fewest), 1, -1):
            cut = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
            made = list(cut.split(np.zeros((len(self.truth), 1)), self.truth, self.groups))
            if all(len(np.unique(self.truth[train])) == self.classes and len(test) for train, test in made):
                return made
        raise InputError(f"{self.name}: groups cannot be dealt into folds that all have every class; code more groups")

    def _plain_folds(self, most: int, seed: int) -> list[tuple[Whole, Whole]]:
        count = int(self.groups.max()) + 1
        if count < 2:
            raise InputError(f"{self.name}: settings are chosen on units of other groups, but there is one group only")
        fold = (np.random.default_rng(seed).permutation(count) % min(most, count))[self.groups]
        return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(min(most, count))]


@dataclass(frozen=True)
class Training:
    """Checked labels, weights and groups of n units.

    Attributes:
        head: with its classes.
        truth: (n,) numbers of classes, (n, k) whether each class holds, or (n,) values.
        weights: (n,) with mean 1.
        groups: (n,) numbers from 0.
    """

    head: Head
    truth: npt.NDArray[Any]
    weights: Floats
    groups: Whole

    @classmethod
    def of(
        cls, head: Head, y: ArrayLike, n: int, weights: ArrayLike | None, groups: Sequence[Any] | None
    ) -> "Training":
        """Check the labels of n units.

        Args:
            head: what they are labels of.
            y: (n,) classes; (n, k) of 0 and 1 for a multilabel target; (n,) finite numbers for a continuous one.
            n: how many units there are.
            weights: (n,) above 0, such as 1 / P(drawn for coding); None for equal ones. Only their ratios count.
            groups: (n,) names of groups; None if each unit is one of its own.

        Raises:
            InputError: what does not fit.
        """
        if not n:
            raise InputError("a model needs labels, got none; code some units first")
        given = np.asarray(y) if not isinstance(y, list | tuple) else _as_array(y)
        heavy = np.ones(n) if weights is None else np.asarray(weights, np.float64)
        if heavy.shape != (n,) or not (np.isfinite(heavy).all() and (heavy > 0).all()):
            raise InputError(f"weights should be {n} finite numbers above 0, one for each unit; leave out what has 0")
        heavy = heavy / heavy.max()
        checks = {CATEGORICAL: _categories, ORDINAL: _categories, MULTILABEL: _sets, CONTINUOUS: _values}
        head, truth = checks[head.task](head, given, n)
        return cls(head, truth, heavy / heavy.mean(), numbered(groups, n))

    def problems(self, balanced: bool) -> Iterator[Problem]:
        """What to fit one by one.

        Args:
            balanced: whether classes count the same together, whatever their shares; numbers have no classes.
        """
        name, k = self.head.variable, len(self.head.classes)
        if self.head.task == MULTILABEL:
            for at, one in enumerate(self.head.classes):
                found = Problem(f"{name}: {one}", self.truth[:, at].astype(np.int64), 2, self.weights, self.groups)
                yield _evened(found) if balanced else found
            return
        found = Problem(name, self.truth, k, self.weights, self.groups)
        yield _evened(found) if balanced and k else found

    def facts(self, digest: str) -> dict[str, Any]:
        """What is kept of them with the model; ``digest`` is that of what they are labels of."""
        k = len(self.head.classes)
        several = self.head.task == MULTILABEL
        counts = self.truth.sum(axis=0) if several else np.bincount(self.truth, minlength=k) if k else np.zeros(0)
        seen = hashlib.sha256(digest.encode())
        for part in (self.truth, self.weights, self.groups):
            seen.update(fingerprint(part).encode())
        return {
            "units": len(self.truth),
            "groups": int(self.groups.max()) + 1,
            "per_class": [int(count) for count in counts],
            "effective": float(self.weights.sum() ** 2 / (self.weights**2).sum()),
            "digest": seen.hexdigest(),
        }


def numbers(X: ArrayLike, width: int | None = None, missing: bool = False) -> Floats:
    """A table of finite numbers, (n, d), as float64.

    Args:
        X: the table; booleans count as 0 and 1.
        width: d, if it is known.
        missing: whether NaN may stand for a missing number.

    Raises:
        InputError: anything else.
    """
    try:
        given = np.asarray(X)
    except ValueError as error:
        raise InputError(f"a table of numbers is needed, with as many in each row: {error}") from error
    if given.dtype.kind not in "biuf":
        raise InputError(f"a table of numbers is needed, got {given.dtype}; a missing number is NaN")
    table = given.astype(np.float64)
    if table.ndim != 2 or not table.shape[1] or width not in {None, table.shape[1]}:
        raise InputError(f"a table (n, {'d' if width is None else width}) is needed, got {table.shape}")
    bad = ~np.isfinite(table) & ~(np.isnan(table) & missing)
    if bad.any():
        rows = np.flatnonzero(bad.any(axis=1))
        also = "" if missing else "; leave these rows out, fill them in, or take boosting, which knows missing numbers"
        raise InputError(f"{len(rows)} of {len(table)} rows hold NaN or infinite numbers, the first is {rows[0]}{also}")
    return table


def fingerprint(table: npt.NDArray[Any]) -> str:
    """64 hex digits of an array's type, shape and numbers, equal on every machine."""
    plain = np.ascontiguousarray(table, table.dtype.newbyteorder("<"))
    return hashlib.sha256(f"{plain.dtype.str}{plain.shape}".encode() + plain.tobytes()).hexdigest()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _as_array(y: Sequence[Any]) -> npt.NDArray[Any]:
    """Keep the types of a list: numpy would make text of [1, "a"]."""
    if any(isinstance(one, list | tuple | np.ndarray) for one in y):
        try:
            return np.asarray(y)
        except ValueError as error:
            raise InputError(f"y should have as many labels in each row: {error}") from error
    return np.array([*y, None], object)[:-1]


def _categories(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, Whole]:
    if given.shape != (n,):
        raise InputError(f"y should be {n} labels, one for each unit; got {given.shape}")
    labels = [_plain(one) for one in given]
    wrong = [one for one in labels if not isinstance(one, str | int)]
    if wrong:
        raise InputError(f"{len(wrong)} labels are no class (text, whole number, bool), such as {wrong[0]!r}")
    if not head.classes:
        found = set(labels)
        if len(set(map(type, labels))) > 1:
            raise InputError("labels should be all text, all whole numbers, or all bool")
        head = replace(head, classes=tuple(sorted(found)))
    place = {(type(one), one): at for at, one in enumerate(head.classes)}
    unknown = sorted({repr(one) for one in labels if (type(one), one) not in place})
    if unknown:
        raise InputError(f"unknown labels {', '.join(unknown[:5])}; {head.variable} has {head.classes}")
    codes = np.array([place[type(one), one] for one in labels], np.int64)
    counts = np.bincount(codes, minlength=len(head.classes))
    if len(counts) < 2 or not counts.all():
        empty = [one for one, count in zip(head.classes, counts, strict=True) if not count]
        raise InputError(
            f"{head.variable}: a model needs labels of at least two classes, and of each; got "
            f"{len(head.classes) - len(empty)}" + (f", none of {empty}; code some or leave them out" * bool(empty))
        )
    return head, codes


def _sets(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, npt.NDArray[np.bool_]]:
    k = len(head.classes)
    if not k or given.shape != (n, k) or given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
        raise InputError(
            f"{head.variable}: a multilabel target needs its classes, and y ({n}, {k}) of 0 and 1; got {given.shape}"
        )
    held = given.astype(np.bool_)
    same = [one for one, column in zip(head.classes, held.T, strict=True) if column.all() or not column.any()]
    if same:
        raise InputError(f"{head.variable}: all units have the same label of {same}; code others or leave them out")
    return head, held


def _values(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, Floats]:
    try:
        values = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{head.variable}: y should be numbers: {error}") from error
    if values.shape != (n,) or not np.isfinite(values).all():
        raise InputError(f"{head.variable}: y should be {n} finite numbers, one for each unit; got {values.shape}")
    if np.ptp(values) == 0:
        raise InputError(f"{head.variable}: all values are {values[0]}; there is nothing to learn")
    return head, values


def _evened(problem: Problem) -> Problem:
    """Weights by which each class counts the same together."""
    shares = np.bincount(problem.truth, problem.weights, problem.classes)
    even = problem.weights / shares[problem.truth]
    return replace(problem, weights=even / even.mean())
