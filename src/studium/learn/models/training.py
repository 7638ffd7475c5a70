"""What models are trained on, checked: numbers, labels, weights and groups."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, numbered
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL, Head, Label, answers, plain
from studium.learn.models.ordinal import above
from studium.learn.models.problem import Classes, Fold, Numbers, Problem, Whole

__all__ = [
    "CATEGORICAL",
    "CONTINUOUS",
    "MULTILABEL",
    "ORDINAL",
    "Head",
    "Label",
    "Problem",
    "Training",
    "Whole",
    "answers",
    "coded",
    "fingerprint",
    "numbers",
]


@dataclass(frozen=True)
class Training:
    """Checked labels, weights and groups of n units.

    Attributes:
        head: with its classes.
        truth: (n,) numbers of classes (of shares: of the largest, the first of several), (n, k) whether each class
            holds, or (n,) values.
        soft: (n, k) shares of the classes, as floats: of hard labels 1 and 0; of values (n, 0).
        weights: (n,) with mean 1.
        groups: (n,) numbers from 0.
    """

    head: Head
    truth: npt.NDArray[Any]
    soft: Floats
    weights: Floats
    groups: Whole

    @classmethod
    def of(
        cls, head: Head, y: ArrayLike, n: int, weights: ArrayLike | None, groups: Sequence[Any] | None
    ) -> "Training":
        """Check the labels of n units.

        Args:
            head: what they are labels of.
            y: (n,) classes; (n, k) of 0 and 1 for a multilabel target; (n,) finite numbers for a continuous one. For
                a categorical or ordinal one with given classes also (n, k) shares of coders, of which each row sums
                to 1 (within 1e-6, to which it is then brought): "soft labels".
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
        one_of = _shares if given.ndim == 2 else _categories
        checks = {CATEGORICAL: one_of, ORDINAL: one_of, MULTILABEL: _sets, CONTINUOUS: _values}
        head, truth, soft = checks[head.task](head, given, n)
        return cls(head, truth, soft, heavy / heavy.mean(), numbered(groups, n))

    def problems(self, balanced: bool) -> Iterator[Problem]:
        """What to fit one by one: all classes of a categorical target, each of a multilabel one, each step of ranks.

        Args:
            balanced: whether classes count the same together, whatever their shares; numbers have no classes.
        """
        name = self.head.variable
        if self.head.task == CONTINUOUS:
            yield Numbers(name, self.truth, self.weights, self.groups)
            return
        several = {name: self.soft}
        if self.head.task == MULTILABEL:
            several = {f"{name}: {one}": _either(p) for one, p in zip(self.head.classes, self.soft.T, strict=True)}
        elif self.head.task == ORDINAL:
            steps = zip(self.head.classes[:-1], above(self.soft).T, strict=True)
            several = {f"{name} above {one}": _either(p) for one, p in steps}
        for title, shares in several.items():
            found = Classes(title, shares.argmax(axis=1), shares * self.weights[:, None], self.groups)
            yield found.evened() if balanced else found

    def folds(self, most: int, seed: int) -> list[Fold]:
        """Rows to train on and to judge, the same for all problems: as `Classes.folds`; stratified by rarest labels."""
        if self.head.task == CONTINUOUS:
            return Numbers(self.head.variable, self.truth, self.weights, self.groups).folds(most, seed)
        strata, soft = self.truth, self.soft
        if self.head.task == MULTILABEL:
            rarest = np.where(self.truth, soft.sum(axis=0), np.inf)
            strata = np.where(self.truth.any(axis=1), rarest.argmin(axis=1), soft.shape[1])
            soft = np.hstack([soft, 1 - soft])  # a label needs units with and without it
        return Classes(self.head.variable, strata, soft, self.groups).folds(most, seed)

    def facts(self, digest: str) -> dict[str, Any]:
        """What is kept of them with the model; ``digest`` is that of what they are labels of."""
        k = len(self.head.classes)
        several = self.head.task == MULTILABEL
        counts = self.truth.sum(axis=0) if several else np.bincount(self.truth, minlength=k) if k else np.zeros(0)
        seen = hashlib.sha256(digest.encode())
        for part in (self.truth, self.soft, self.weights, self.groups):
            seen.update(fingerprint(part).encode())
        return {
            "units": len(self.truth),
            "groups": int(self.groups.max()) + 1,
            "per_class": [int(count) for count in counts],
            "shared": 0 if several else int(((self.soft > 0).sum(axis=1) > 1).sum()),
            "effective": float(self.weights.sum() ** 2 / (self.weights**2).sum()),
            "digest": seen.hexdigest(),
        }


def coded(head: Head, y: ArrayLike, n: int) -> npt.NDArray[Any]:
    """Labels to judge n units by, as numbers; unlike those to learn from, they may lack classes.

    Args:
        head: what they are labels of, with its classes.
        y: as `Training.of` takes it.
        n: how many units there are, 0 or more.

    Returns:
        (n,) numbers of classes (of shares: of the largest, the first of several), (n, k) whether each class holds, or
        (n,) values.

    Raises:
        InputError: what does not fit.
    """
    given = np.asarray(y) if not isinstance(y, list | tuple) else _as_array(y)
    if head.task == CONTINUOUS:
        return _finite(head, given, n)
    if head.task == MULTILABEL:
        return _held(head, given, n)
    return _divided(head, given, n).argmax(axis=1) if given.ndim == 2 else _numbered(head, given, n)


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


def _as_array(y: Sequence[Any]) -> npt.NDArray[Any]:
    """Keep the types of a list: numpy would make text of [1, "a"]."""
    if any(isinstance(one, list | tuple | np.ndarray) for one in y):
        try:
            return np.asarray(y)
        except ValueError as error:
            raise InputError(f"y should have as many labels in each row: {error}") from error
    return np.array([*y, None], object)[:-1]


def _numbered(head: Head, given: npt.NDArray[Any], n: int) -> Whole:
    """The number of each label's class."""
    if given.shape != (n,):
        raise InputError(f"y should be {n} labels, one for each unit; got {given.shape}")
    place = {(type(one), one): at for at, one in enumerate(head.classes)}
    labels = [plain(one) for one in given]
    unknown = sorted({repr(one) for one in labels if (type(one), one) not in place})
    if unknown:
        raise InputError(f"unknown labels {', '.join(unknown[:5])}; {head.variable} has {head.classes}")
    return np.array([place[type(one), one] for one in labels], np.int64)


def _categories(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, Whole, Floats]:
    if given.shape != (n,):
        raise InputError(f"y should be {n} labels, one for each unit; got {given.shape}")
    labels = [plain(one) for one in given]
    wrong = [one for one in labels if not isinstance(one, str | int)]
    if wrong:
        raise InputError(f"{len(wrong)} labels are no class (text, whole number, bool), such as {wrong[0]!r}")
    if not head.classes:
        if len(set(map(type, labels))) > 1:
            raise InputError("labels should be all text, all whole numbers, or all bool")
        head = replace(head, classes=tuple(sorted(set(labels))))
    codes = _numbered(head, given, n)
    counts = np.bincount(codes, minlength=len(head.classes))
    if len(counts) < 2 or not counts.all():
        empty = [one for one, count in zip(head.classes, counts, strict=True) if not count]
        raise InputError(
            f"{head.variable}: a model needs labels of at least two classes, and of each; got "
            f"{len(head.classes) - len(empty)}" + (f", none of {empty}; code some or leave them out" * bool(empty))
        )
    return head, codes, np.eye(len(head.classes))[codes]


def _divided(head: Head, given: npt.NDArray[Any], n: int) -> Floats:
    """Shares of the classes, brought to the sum 1."""
    k = len(head.classes)
    if k < 2 or given.shape != (n, k) or given.dtype.kind not in "biuf":
        raise InputError(
            f"{head.variable}: y should be {n} labels, one for each unit, or ({n}, k) shares of the k classes that its "
            f"head names; got {given.shape} for {head.classes}"
        )
    shares = given.astype(np.float64)
    whole = shares.sum(axis=1, keepdims=True)
    if not ((shares >= 0).all() and (np.abs(whole - 1) <= 1e-6).all()):
        raise InputError(f"{head.variable}: shares of coders should be 0 to 1, and each row sum to 1")
    return np.asarray(shares / whole)


def _shares(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, Whole, Floats]:
    shares = _divided(head, given, n)
    some = shares.max(axis=0) > 0
    if not some.all():
        none = [one for one, said in zip(head.classes, some, strict=True) if not said]
        raise InputError(f"{head.variable}: no coder gave {none}; code some or leave them out")
    return head, shares.argmax(axis=1), shares


def _held(head: Head, given: npt.NDArray[Any], n: int) -> npt.NDArray[np.bool_]:
    k = len(head.classes)
    if not k or given.shape != (n, k) or given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
        raise InputError(
            f"{head.variable}: a multilabel target needs its classes, and y ({n}, {k}) of 0 and 1; got {given.shape}"
        )
    return given.astype(np.bool_)


def _sets(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, npt.NDArray[np.bool_], Floats]:
    held = _held(head, given, n)
    same = [one for one, column in zip(head.classes, held.T, strict=True) if column.all() or not column.any()]
    if same:
        raise InputError(f"{head.variable}: all units have the same label of {same}; code others or leave them out")
    return head, held, held.astype(np.float64)


def _finite(head: Head, given: npt.NDArray[Any], n: int) -> Floats:
    try:
        values = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{head.variable}: y should be numbers: {error}") from error
    if values.shape != (n,) or not np.isfinite(values).all():
        raise InputError(f"{head.variable}: y should be {n} finite numbers, one for each unit; got {values.shape}")
    return values


def _values(head: Head, given: npt.NDArray[Any], n: int) -> tuple[Head, Floats, Floats]:
    values = _finite(head, given, n)
    if np.ptp(values) == 0:
        raise InputError(f"{head.variable}: all values are {values[0]}; there is nothing to learn")
    return head, values, np.empty((n, 0))


def _either(p: Floats) -> Floats:
    """(n,) shares of yes, as (n, 2) of no and yes."""
    return np.stack([1 - p, p], axis=1)
