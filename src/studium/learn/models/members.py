"""Members of an ensemble: their names, inputs, training, outputs and folders."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Estimator, Fitted
from studium.learn.models.examples import Some
from studium.learn.models.head import Head
from studium.learn.models.saved import load
from studium.learn.models.training import Whole

__all__ = [
    "Inputs",
    "agreed",
    "asked",
    "loaded",
    "named",
    "ordered",
    "proportions",
    "rows",
    "told",
    "trained",
    "units",
    "written",
]

Inputs = Mapping[str, Any]
"""Name of a member -> its X."""


def named(members: Mapping[str, Any], several: bool = False) -> None:
    """Refuse names that are no names of folders, and, if there should be some, no members."""
    odd = [name for name in members if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name)]
    if odd or (several and not members):
        raise InputError(f"members need names of letters, digits, _ and -; got {odd[0] if odd else 'no members'!r}")


def proportions(members: Mapping[str, Any], weights: Mapping[str, float]) -> Floats:
    """How much each member counts, with the sum 1."""
    if weights and (weights.keys() != members.keys() or not all(0 < one < np.inf for one in weights.values())):
        raise InputError(f"weights should be numbers above 0 for {', '.join(members)}; got {dict(weights)}")
    heavy = np.array([weights.get(name, 1.0) for name in members], np.float64)
    return np.asarray(heavy / heavy.sum()) if len(heavy) else heavy


def units(X: Inputs, members: Mapping[str, Any]) -> int:
    """How many units there are: as many for each member."""
    if not members:
        raise InputError("a fusion needs members")
    if not isinstance(X, Mapping) or set(X) != set(members):
        got = ", ".join(X) if isinstance(X, Mapping) else type(X).__name__
        raise InputError(f"X should be a mapping with the inputs of {', '.join(members)}; got {got}")
    sizes = {name: len(X[name]) for name in members}
    if len(set(sizes.values())) > 1:
        raise InputError(f"members need inputs of the same units, got {sizes}; leave units out that lack one")
    for name in members:
        if isinstance(X[name], list | tuple) and (lacking := sum(one is None for one in X[name])):
            raise InputError(f"{lacking} units have no input for {name}; leave them out of all members' inputs")
    return sizes[next(iter(members))]


def rows(X: Any, which: Whole) -> Any:
    """Some rows of a member's X."""
    return X[which] if isinstance(X, np.ndarray) else Some(X, which)


def trained(
    members: Mapping[str, Estimator],
    head: Head,
    X: Inputs,
    y: ArrayLike,
    weights: ArrayLike | None,
    groups: Sequence[Any] | None,
) -> dict[str, Fitted]:
    """Each member, trained on its X; arguments as `studium.learn.models.estimator.Estimator.fit`."""
    found = {}
    for name, member in members.items():
        made = replace(member, head=head)  # type: ignore[type-var]  # parts are dataclasses
        found[name] = made.fit(X[name], y, weights, groups)
    return found


def agreed(members: Mapping[str, Fitted]) -> Head:
    """The one target of all members."""
    named(members, several=True)
    heads = {one.head for one in members.values()}
    if len(heads) > 1:
        raise InputError(f"members should predict the same classes in the same order; got {heads}")
    return heads.pop()


def told(members: Mapping[str, Fitted]) -> dict[str, Any]:
    """What the settings of an ensemble say of its members."""
    return {name: {"kind": one.kind, "inputs": one.inputs, "settings": one.settings} for name, one in members.items()}


def asked(members: Mapping[str, Fitted], X: Inputs) -> dict[str, Floats]:
    """What each member says of n units."""
    units(X, members)
    return {name: one.outputs(X[name]) for name, one in members.items()}


def ordered(outputs: Mapping[str, Floats], names: Iterable[str]) -> list[Floats]:
    """Outputs in the order of the names; refused, if they are of other members."""
    if set(outputs) != set(names):
        raise InputError(f"outputs of {', '.join(names)} are needed; got {', '.join(outputs)}")
    return [outputs[name] for name in names]


def written(members: Mapping[str, Fitted], folder: Path) -> None:
    """Save members in a folder each."""
    for name, one in members.items():
        one.save(folder / "members" / name)


def loaded(names: Sequence[str], head: Head, folder: Path) -> dict[str, Fitted]:
    """The members that were saved."""
    named(dict.fromkeys(names), several=True)
    found = {name: load(folder / "members" / name) for name in names}
    if agreed(found) != head:
        raise InputError(f"the members predict {agreed(found)}, and the saved model {head}")
    return found
