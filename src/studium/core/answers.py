"""What may be answered to a variable: the check of an answer, its stored form, and its JSON schema."""

import math
import re
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from studium.core.boxes import BOX, Boxed, boxes
from studium.errors import InputError

if TYPE_CHECKING:
    from studium.core.variable import Variable

__all__ = ["Answer", "checked", "quoted", "schema"]

Answer = str | float | list[str] | list[Boxed] | None
"""One coded value: a value's name, a number, the names that apply, boxes, a text; None is "cannot tell"."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def checked(variable: "Variable", value: object, size: tuple[int, int] | None = None) -> Answer:
    """A coded value in its stored form; see `studium.core.variable.Variable.validate`.

    Raises:
        InputError: the value is not a possible answer.
    """
    if value is None and variable.cannot_tell:
        return None
    if variable.type == "text" and isinstance(value, str) and value.strip():
        return value
    if variable.type == "continuous" and (number := _number(value)) is not None and _within(variable, number):
        return number
    if variable.type == "multilabel" and isinstance(value, list | tuple | set | frozenset):
        found = {_name_of(variable, item, whole=value) for item in value}
        return [name for name in variable.names if name in found]
    if variable.type == "boxes" and isinstance(value, list | tuple):
        return _boxes(variable, value, size)
    if variable.type in {"binary", "categorical", "ordinal"}:
        return _name_of(variable, value, whole=value)
    raise _refused(variable, value)


def schema(variable: "Variable") -> dict[str, Any]:
    """JSON schema of one answer; its description holds the question, the instructions and the definitions."""
    null = ["null"] if variable.cannot_tell else []
    names = [*variable.names]
    answer: dict[str, Any]
    if variable.type == "multilabel":
        answer = {"type": ["array", *null], "items": {"type": "string", "enum": names}}
    elif variable.type == "boxes":
        answer = {"type": ["array", *null], "items": _box_schema(names)}
    elif variable.type == "continuous":
        bounds = {"minimum": variable.low, "maximum": variable.high}
        answer = {"type": ["number", *null]} | {key: it for key, it in bounds.items() if it is not None}
    elif variable.type == "text":
        answer = {"type": ["string", *null], "pattern": r"\S"}
    else:
        answer = {"type": ["string", *null], "enum": [*names, None] if null else names}
    return {"description": _description(variable)} | answer


def _box_schema(names: list[str]) -> dict[str, Any]:
    corners = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 4, "maxItems": 4}
    properties = {"value": {"type": "string", "enum": names}, "box": corners}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _description(variable: "Variable") -> str:
    lines = [variable.question, *([variable.instructions] if variable.instructions else [])]
    lines += [f"- {value.name}: {value.rule}".removesuffix(": ") for value in variable.values]
    if variable.none_of_these:
        lines.append(f"- {variable.names[-1]}: none of the above")
    if variable.cannot_tell:
        lines.append("- null: cannot tell")
    return "\n".join(lines)


def _boxes(variable: "Variable", given: Any, size: tuple[int, int] | None) -> list[Boxed]:
    try:
        return boxes(given, lambda name: _name_of(variable, name, whole=given), size)
    except InputError as error:
        said = str(error)
        raise InputError(said if said.startswith("variable") else f"variable {variable.name!r}: {said}") from None


def _name_of(variable: "Variable", item: object, whole: object) -> str:
    text = str(item) if isinstance(item, Integral) and not isinstance(item, bool) else item
    if isinstance(text, str):
        for name in variable.names:
            if name.casefold() == text.strip().casefold():
                return name
    raise _refused(variable, whole)


def _within(variable: "Variable", number: float) -> bool:
    return (variable.low is None or number >= variable.low) and (variable.high is None or number <= variable.high)


def _refused(variable: "Variable", value: object) -> InputError:
    missing = " or null (cannot tell)" if variable.cannot_tell else ""
    return InputError(
        f"variable {variable.name!r}: expected {_expected(variable)}{missing}, got {value!r}; "
        "recode it or change the codebook"
    )


def _expected(variable: "Variable") -> str:
    if variable.type == "text":
        return "a text that is not blank"
    if variable.type == "continuous":
        bounds = {" of at least": variable.low, " of at most": variable.high}
        return "a finite number" + " and".join(f"{key} {it}" for key, it in bounds.items() if it is not None)
    if variable.type == "boxes":
        return f"a list of boxes {BOX} of {quoted(variable.names)}"
    return ("a list of any of " if variable.type == "multilabel" else "one of ") + quoted(variable.names)


def _number(value: object) -> float | None:
    """A finite number, or text that is one with a decimal point; None for anything else."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value := value.strip()) else None
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return number if math.isfinite(number := float(value)) else None
        except OverflowError:
            return None
    return None


def quoted(items: object) -> str:
    """The items of a list or tuple, or one thing, as they stand in an error message."""
    return ", ".join(map(repr, items)) or "none" if isinstance(items, list | tuple) else repr(items)
