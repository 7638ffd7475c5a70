"""Parameters of measures: impossible values are refused when the measure is made, not once for every picture."""

import dataclasses
from typing import Any

from studium.core import weights
from studium.core.protocols import Measure
from studium.errors import InputError

__all__ = ["check_checkpoint", "check_whole"]


def check_checkpoint(measure: Measure, model: str) -> None:
    """Refuse a ``model`` that is no folder of a checkpoint, such as a row of single files; nothing is loaded.

    Raises:
        UnknownNameError: there is no such model.
        InputError: the message names measure, model, and the default.
    """
    if weights.get(model).bundle is None:
        raise InputError(
            f"{measure.name}: {model} is no checkpoint of transformers; leave it out for {_default(measure, 'model')}"
        )


def check_whole(measure: Measure, parameter: str, low: int, high: int | None = None) -> None:
    """Refuse a parameter that is no whole number from ``low`` to ``high`` (None: no limit).

    Raises:
        InputError: the message names measure, parameter, range, what came, and the default.
    """
    value: Any = getattr(measure, parameter)
    fits = isinstance(value, int) and not isinstance(value, bool) and low <= value and (high is None or value <= high)
    if not fits:
        span = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise InputError(
            f"{measure.name}: {parameter} should be a whole number {span}, got {value!r}; "
            f"leave it out for {_default(measure, parameter)}"
        )


def _default(measure: Measure, parameter: str) -> Any:
    return {f.name: f.default for f in dataclasses.fields(measure)}[parameter]  # type: ignore[arg-type]
