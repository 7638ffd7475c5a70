"""From names to estimators: what a call, or a study file, asks to be trained."""

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_type_hints

from studium.core import parameters, registry
from studium.errors import InputError
from studium.learn.models.estimator import Estimator
from studium.learn.models.head import Head
from studium.learn.models.saved import KINDS

__all__ = ["TABLE", "knows_missing", "made", "takes_of"]

TABLE = "table"
"""What models of tables take."""
_OURS = ("head", "inputs")


def made(name: str, params: Mapping[str, Any], head: Head, inputs: str = "") -> Estimator:
    """The estimator ``name``, to learn a variable.

    Args:
        name: as it is registered: "linear", "image_network".
        params: its settings; those that are settings themselves, such as ``schedule``, as a table of their own.
        head: what it is to predict.
        inputs: what it learns from, in words or by recipe.

    Raises:
        UnknownNameError: there is no such estimator.
        InputError: settings that it does not have, or of the wrong type.
    """
    kind = registry.load("estimators", name)
    if taken := [key for key in _OURS if key in params]:
        raise InputError(f"{name}: {', '.join(taken)} follows from the variable and the tables; leave it out")
    own = [one.name for one in dataclasses.fields(kind) if one.name not in _OURS]
    if unknown := sorted(set(params) - set(own)):
        raise InputError(f"{name} has no parameter {', '.join(unknown)}; it has: {', '.join(own)}")
    nested = {key: hint for key, hint in get_type_hints(kind).items() if isinstance(hint, type)}
    nested = {key: hint for key, hint in nested.items() if dataclasses.is_dataclass(hint)}
    given = {key: _nested(name, kind, key, value) if key in nested else value for key, value in params.items()}
    estimator: Estimator = dataclasses.replace(registry.make("estimators", name, given), head=head, inputs=inputs)
    return estimator


def _nested(name: str, kind: type[Any], key: str, value: Any) -> Any:
    """Settings that are settings themselves, such as a schedule: what is not said is as the estimator has it."""
    if not isinstance(value, Mapping):
        return value
    (usual,) = (one for one in dataclasses.fields(kind) if one.name == key)
    start: Any = usual.default if usual.default_factory is dataclasses.MISSING else usual.default_factory()
    parameters.make(f"{name} {key}", type(start), value)  # refuses what does not fit
    return dataclasses.replace(start, **value)


def takes_of(name: str) -> str:
    """What the estimator ``name`` learns from: "table", "text", "image" or "material"."""
    kind = registry.load("estimators", name)
    if not hasattr(kind, "takes") and name in KINDS:
        module, _, fitted = KINDS[name].partition(":")
        kind = getattr(import_module(module), fitted)
    return str(getattr(kind, "takes", TABLE))


def knows_missing(name: str) -> bool:
    """Whether the estimator ``name`` learns from tables in which numbers are missing."""
    return bool(getattr(registry.load("estimators", name), "missing", False))
