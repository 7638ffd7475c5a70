"""Parameters of measures: impossible values are refused when the measure is made, not once for every picture."""

import dataclasses
from typing import Any

from studium.core.protocols import Measure
from studium.errors import InputError

__all__ = ["check_whole"]


def check_whole(measure: Measure, parameter: str, low: int, high: int | None = None) -> None:
    """Refuse a parameter that is no whole number from ``low`` to ``high`` (None: no limit).

    Raises:
        InputError: the message names measure, parameter, range, what came, and the default.
    """
    value: Any = getattr(measure, parameter)
    fits = isinstance(value, int) and not isinstance(value, bool) and low <= value and (high is None or value <= high)
    if not fits:
        span = f"of at least {low}" if high is None else f"from {low} to {high}"
        default = {f.name: f.default for f in dataclasses.fields(measure)}[parameter]  # type: ignore[arg-type]
        raise InputError(
            f"{measure.name}: {parameter} should be a whole number {span}, got {value!r}; leave it out for {default}"
        )
