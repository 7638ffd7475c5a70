"""Examples: units with labels, that a model is trained on, stopped by, or judged on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

__all__ = ["Examples", "Some"]


@dataclass(frozen=True, eq=False)
class Some(Sequence[Any]):
    """Some rows of a sequence that makes its items when they are asked for, such as decoded pictures.

    Attributes:
        of: the sequence.
        rows: (n,) which.
    """

    of: Sequence[Any]
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: Any) -> Any:
        return Some(self.of, self.rows[at]) if isinstance(at, slice) else self.of[int(self.rows[at])]


@dataclass(frozen=True, eq=False)
class Examples:
    """Units with labels; the arguments of `studium.learn.models.estimator.Estimator.fit`.

    Attributes:
        X: n units: a table (n, d), or a sequence of texts, pictures or materials, which may make them when asked for.
        y: (n,) or (n, k) labels.
        weights: (n,) above 0; None for equal ones.
        groups: (n,) names of groups; None if each unit is one of its own.
    """

    X: Any
    y: ArrayLike
    weights: ArrayLike | None = None
    groups: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: npt.NDArray[Any]) -> "Examples":
        """Some of them: (m,) numbers, or (n,) whether."""
        which = np.flatnonzero(rows) if np.asarray(rows).dtype == np.bool_ else np.asarray(rows, np.int64)
        return Examples(
            self.X[which] if isinstance(self.X, np.ndarray) else Some(self.X, which),
            np.asarray(self.y)[which],
            None if self.weights is None else np.asarray(self.weights)[which],
            None if self.groups is None else [self.groups[at] for at in which.tolist()],
        )
