"""What coders said of units, made one: where a unit was decided about, what was decided counts before any votes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studium.core.annotation import Annotation
from studium.core.variable import Variable
from studium.learn.labels.read import Label
from studium.learn.labels.targets import Target, Targets
from studium.run.coding.opened import exists, opened

__all__ = ["ADJUDICATED", "combined"]

ADJUDICATED = "adjudicated"
"""In what a target tells: how many units have the value that was decided where coders disagreed."""


def combined(root: Path, make: Targets, said: Sequence[Label | Annotation]) -> Target:
    """The target of what people coded in a study; where a unit was decided about, what was decided.

    Args:
        root: the study folder.
        make: combines what people said.
        said: what people say, as `annotated` gives it.
    """
    decided = _decided(root, make.variable, said)
    if not decided:
        return make(said)
    return _settled(make(said), replace(make, combine=None, least=1)(decided), Counter(row.unit for row in said))


def _decided(root: Path, variable: Variable, said: Iterable[Label | Annotation]) -> list[Label]:
    """What was decided of units that people coded, by the present definition, with the weights that the units have."""
    weights = {row.unit: row.weight for row in said if row.variable == variable.name}
    if not exists(root):
        return []
    with opened(root) as records:
        found = [one for one in records.adjudications.all(variable.name) if one.variable_digest == variable.digest]
    return [
        Label(one.unit, variable.name, one.value, ADJUDICATED, weights[one.unit])
        for one in found
        if one.unit in weights
    ]


def _settled(votes: Target, decided: Target, labels: Mapping[str, int]) -> Target:
    """Votes, and in their place what was decided; how many were is told.

    What people said of decided units keeps its part in how coders are weighed, and in how many labels a unit has.
    """
    over = {*decided.units, *(unit for units in decided.dropped.values() for unit in units)}
    stays = [at for at, unit in enumerate(votes.units) if unit not in over]
    both = [*(votes.units[at] for at in stays), *decided.units]
    place = {unit: at for at, unit in enumerate(labels)}
    rows = sorted(range(len(both)), key=lambda at: place[both[at]])
    dropped = {reason: [unit for unit in units if unit not in over] for reason, units in votes.dropped.items()}
    for reason, units in decided.dropped.items():
        dropped[reason] = [*dropped.get(reason, []), *units]
    units = tuple(both[at] for at in rows)
    counts = dict(zip(votes.units, votes.labels.tolist(), strict=True))
    by_unit: dict[str, Any] = {
        key: np.concatenate([getattr(votes, key)[stays], getattr(decided, key)])[rows]
        for key in ("y", "soft", "weights")
    }
    return replace(
        votes,
        units=units,
        **by_unit,
        labels=np.array([labels[unit] if unit in over else counts[unit] for unit in units], np.int64),
        dropped={reason: tuple(some) for reason, some in dropped.items() if some},
        told={**votes.told, ADJUDICATED: len(over)},
    )
