"""A variable: what is asked about a unit, which answers are possible, and how they are checked."""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from typing import Any

from studium.core.unit import KINDS
from studium.errors import ConfigError, InputError

__all__ = ["NONE_OF_THESE", "TEMPLATE", "TYPES", "Answer", "Value", "Variable", "quoted"]

Answer = str | float | list[str] | None
"""One coded value: a value's name, a number, the names that apply, a text; None is "cannot tell"."""

TYPES = ("binary", "categorical", "multilabel", "ordinal", "continuous", "text")
NONE_OF_THESE = "none_of_these"
TEMPLATE = "a photo of a {}"
"""The prompt of a value without prompts, for categorical and multilabel variables of pictures."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Value:
    """One value a variable can take.

    Attributes:
        name: what is stored.
        definition: when this value applies, as coders and models read it.
        examples: cases in words, shown under the definition.
        prompts: descriptions for zero-shot classification; several are averaged.
    """

    name: str
    definition: str = ""
    examples: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable:
    """One variable, defined once.

    Attributes:
        name: lower snake case: it becomes a column.
        question: what coders and models are asked.
        of: kind of unit it is coded on, one of `KINDS`.
        type: one of `TYPES`.
        values: two for binary (the first counts as 1), from low to high for ordinal; none for continuous and text.
        low: smallest possible number (continuous), or None.
        high: largest possible number (continuous), or None.
        none_of_these: categorical: offers "none of these", stored as the value ``none_of_these``.
        cannot_tell: offers "cannot tell", stored as null: a missing value that says who looked.
        sensitive: what may only be shown and exported with care (perceived traits of people).
    """

    name: str
    question: str
    of: str
    type: str
    values: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    none_of_these: bool = False
    cannot_tell: bool = True
    sensitive: bool = False

    def __post_init__(self) -> None:
        """Refuse definitions that do not hold together."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ConfigError(f"variable {self.name!r}: expected a lower snake case name like 'main_scene'; rename it")
        if self.of not in KINDS:
            raise self._misfit("of", f"one of {', '.join(KINDS)}", self.of)
        if self.type not in TYPES:
            raise self._misfit("type", f"one of {', '.join(TYPES)}", self.type)
        self._check_values()
        self._check_scale()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values, and last ``none_of_these`` if it is offered."""
        return tuple(value.name for value in self.values) + (NONE_OF_THESE,) * self.none_of_these

    @cached_property
    def digest(self) -> str:
        """16 hex digits that change with anything a coder reads or may answer (not with prompts and ``sensitive``)."""
        values = [[value.name, value.definition, list(value.examples)] for value in self.values]
        scale = [None if bound is None else float(bound) for bound in (self.low, self.high)]
        read = [self.name, self.question, self.of, self.type, values, scale, self.none_of_these, self.cannot_tell]
        return hashlib.sha256(json.dumps(read).encode()).hexdigest()[:16]

    def prompts(self) -> tuple[tuple[str, ...], ...]:
        """Prompts of each value, in order, for zero-shot classification (without ``none_of_these``).

        Values without prompts get `TEMPLATE` where that makes sense: "a photo of a yes" does not.

        Raises:
            InputError: the variable has no values, or a value needs prompts and has none.
        """
        if not self.values:
            raise InputError(f"variable {self.name!r} is {self.type}: only variables with values have prompts")
        pictured = self.type in {"categorical", "multilabel"} and KINDS[self.of] & {"image", "video"}
        bare = [value.name for value in self.values if not value.prompts]
        if bare and not pictured:
            raise InputError(
                f"variable {self.name!r}: a {self.type} variable of {self.of} units needs prompts for every value, "
                f"and {quoted(bare)} has none; add prompts = [...] to the codebook"
            )
        return tuple(value.prompts or (TEMPLATE.format(value.name.replace("_", " ")),) for value in self.values)

    def schema(self) -> dict[str, Any]:
        """JSON schema of one answer; its description holds the question and the definitions."""
        null = ["null"] if self.cannot_tell else []
        names = [*self.names]
        answer: dict[str, Any]
        if self.type == "multilabel":
            answer = {"type": ["array", *null], "items": {"type": "string", "enum": names}}
        elif self.type == "continuous":
            bounds = {"minimum": self.low, "maximum": self.high}
            answer = {"type": ["number", *null]} | {key: it for key, it in bounds.items() if it is not None}
        elif self.type == "text":
            answer = {"type": ["string", *null], "pattern": r"\S"}
        else:
            answer = {"type": ["string", *null], "enum": [*names, None] if null else names}
        return {"description": self._instructions()} | answer

    def validate(self, value: object) -> Answer:
        """Check one coded value and bring it into its stored form.

        Names match without regard to case and outer blanks; whole numbers match values named so (``1`` is "1").
        Several names come in the order of the codebook, each once. Numbers may come as text ("3.5").

        Raises:
            InputError: the value is not a possible answer.
        """
        if value is None and self.cannot_tell:
            return None
        if self.type == "text" and isinstance(value, str) and value.strip():
            return value
        if self.type == "continuous" and (number := _number(value)) is not None and self._within(number):
            return number
        if self.type == "multilabel" and isinstance(value, list | tuple | set | frozenset):
            found = {self._name_of(item, whole=value) for item in value}
            return [name for name in self.names if name in found]
        if self.type in {"binary", "categorical", "ordinal"}:
            return self._name_of(value, whole=value)
        raise self._refused(value)

    def _name_of(self, item: object, whole: object) -> str:
        text = str(item) if isinstance(item, Integral) and not isinstance(item, bool) else item
        if isinstance(text, str):
            for name in self.names:
                if name.casefold() == text.strip().casefold():
                    return name
        raise self._refused(whole)

    def _within(self, number: float) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def _refused(self, value: object) -> InputError:
        missing = " or null (cannot tell)" if self.cannot_tell else ""
        return InputError(
            f"variable {self.name!r}: expected {self._expected()}{missing}, got {value!r}; "
            "recode it or change the codebook"
        )

    def _expected(self) -> str:
        if self.type == "text":
            return "a text that is not blank"
        if self.type == "continuous":
            bounds = {" of at least": self.low, " of at most": self.high}
            return "a finite number" + " and".join(f"{key} {it}" for key, it in bounds.items() if it is not None)
        return ("a list of any of " if self.type == "multilabel" else "one of ") + quoted(self.names)

    def _instructions(self) -> str:
        lines = [self.question, *(f"- {value.name}: {value.definition}".removesuffix(": ") for value in self.values)]
        if self.none_of_these:
            lines.append(f"- {NONE_OF_THESE}: none of the above")
        if self.cannot_tell:
            lines.append("- null: cannot tell")
        return "\n".join(lines)

    def _check_values(self) -> None:
        valued = self.type not in {"continuous", "text"}
        if not valued and self.values:
            raise self._misfit("values", f"no values for type {self.type!r}", self.names)
        if self.type == "binary" and len(self.values) != 2:
            raise self._misfit("values", "exactly two (the first counts as 1)", self.names)
        if valued and len(self.values) < (1 if self.type == "multilabel" else 2):
            raise self._misfit("values", "at least " + ("one" if self.type == "multilabel" else "two"), self.names)
        if self.none_of_these and self.type != "categorical":
            raise self._misfit("none_of_these", f"false for type {self.type!r}", True)
        folded = [name.strip().casefold() for name in self.names]
        if twice := [name for name, fold in zip(self.names, folded, strict=True) if folded.count(fold) > 1]:
            raise self._misfit("values", "names that differ in more than case and blanks", twice)
        if odd := [name for name in self.names if not name or name != name.strip() or not name.isprintable()]:
            raise self._misfit("values", "names of printable characters without outer blanks", odd)

    def _check_scale(self) -> None:
        if self.type != "continuous" and (self.low, self.high) != (None, None):
            raise self._misfit("low, high", f"no bounds for type {self.type!r}", (self.low, self.high))
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise self._misfit("low, high", "low < high", (self.low, self.high))

    def _misfit(self, key: str, expected: str, got: object) -> ConfigError:
        return ConfigError(f"variable {self.name!r}, key {key!r}: expected {expected}, got {quoted(got)}; change it")


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
