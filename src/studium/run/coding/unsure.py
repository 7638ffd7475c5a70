"""What a model is unsure of, among the units that it predicted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.sample import uncertainty
from studium.core.codebook import Codebook
from studium.core.store import Store, Table
from studium.errors import InputError, UnknownNameError
from studium.learn.folds.splits import Split
from studium.run.coding.opened import exists
from studium.run.estimators import TABLE
from studium.run.features import features
from studium.run.labels import Where, labels_of
from studium.run.predicted import NAME, sources
from studium.run.tables import living
from studium.run.train import place_of, recipe_of

__all__ = ["Unsure"]


@dataclass(frozen=True)
class Unsure:
    """A model of the study that tells how sure it is, and the units that it predicted.

    Attributes:
        store: the study.
        name: of the model.
        of: kind of the units.
        variable: that it predicts.
        key: of what it was made from.
        probabilities: unit -> of each class.
    """

    store: Store
    name: str
    of: str
    variable: str
    key: str
    probabilities: dict[str, Any]

    @classmethod
    def read(cls, store: Store, name: str, of: str = "") -> "Unsure":
        """The model of that name; of the units that it learned from if ``of`` is "".

        Raises:
            UnknownNameError: no such model, or it predicted nothing yet.
            InputError: a model of numbers, which tells no uncertainty.
        """
        about = recipe_of(place_of(store.root, name))
        of, variable = of or str(about["of"]), str(about["variable"])
        rows, column = living(store, _table(store, of, name)), f"{variable}_prob"
        if column not in rows.column_names:
            raise InputError(f"{variable} is continuous: a model of it tells no uncertainty; draw at random")
        found = dict(zip(rows["unit"].to_pylist(), rows[column].to_pylist(), strict=True))
        return cls(store, name, of, variable, str(about["key"]), found)

    def coded(self, codebook: Codebook, labels: Where = None) -> set[str]:
        """Units that somebody coded: those that it learned from or was judged by, and others that there are.

        Args:
            codebook: with the variable.
            labels: where there are more codes; see `studium.run.labels.labels_of`.
        """
        found = set(Split.load(self._place / "split.json").units)
        if exists(self.store.root):
            found |= {row.unit for row in labels_of(self.store, codebook, self.variable, self.of, None)}
        if labels is not None:
            more = labels_of(self.store, codebook, self.variable, self.of, labels)
            found |= {row.unit for row in more if row.variable == self.variable}
        return found

    def uncertainty(self, codebook: Codebook, units: Sequence[str], measure: str) -> npt.NDArray[np.float64]:
        """(n,) how unsure it is of each of these units; see `studium.coding.sample.uncertainty`."""
        p = np.clip(np.array([self.probabilities[unit] for unit in units], np.float64), 0, 1)
        return uncertainty(p, codebook[self.variable].type == "multilabel", measure)

    def alike(self, units: Sequence[str]) -> npt.NDArray[np.float64] | None:
        """(n, d) what a model of tables learned from, in columns of like spread; None of a model of media."""
        if recipe_of(self._place)["takes"] != TABLE:
            return None
        given = features(self.store, self.of, sources(self.store, self._place, self.of))
        X = np.nan_to_num(given.X[given.rows(units)])
        spread = X.std(axis=0)
        return np.asarray((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1))

    @property
    def _place(self) -> Path:
        return place_of(self.store.root, self.name)


def _table(store: Store, of: str, name: str) -> Table:
    try:
        return store.find(of, f"{NAME}:{name}")
    except UnknownNameError:
        raise UnknownNameError(
            f"{name} predicted no {of} units yet; begin with  studium predict {name} --of {of}"
        ) from None
