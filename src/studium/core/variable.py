"""A variable: what is asked about a unit, which answers are possible, and how they are checked."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from studium.core.answers import Answer, checked, quoted, schema
from studium.core.unit import KINDS
from studium.errors import ConfigError, InputError

__all__ = ["NONE_OF_THESE", "TEMPLATE", "TYPES", "Answer", "Value", "Variable", "quoted"]

TYPES = ("binary", "categorical", "multilabel", "ordinal", "continuous", "text", "boxes")
NONE_OF_THESE = "none_of_these"
TEMPLATE = "a photo of a {}"
"""The prompt of a value without prompts, for categorical and multilabel variables of pictures."""

_LATER = MappingProxyType({"later": True})  # not in the recipes of variables that do not use it
_OF_PAIRS = ("binary", "categorical", "ordinal")


@dataclass(frozen=True, slots=True)
class Value:
    """One value a variable can take.

    Attributes:
        name: what is stored.
        definition: when this value applies, as coders and models read it.
        examples: cases in words, shown under the definition.
        prompts: descriptions for zero-shot classification; several are averaged.
        include: inclusion rules: what also counts, where one might doubt it.
        exclude: exclusion rules: what does not count, though it looks alike.
        units: ids of units of the study that show what is meant.
    """

    name: str
    definition: str = ""
    examples: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    include: tuple[str, ...] = field(default=(), metadata=_LATER)
    exclude: tuple[str, ...] = field(default=(), metadata=_LATER)
    units: tuple[str, ...] = field(default=(), metadata=_LATER)

    def __post_init__(self) -> None:
        """Lists become tuples, as they do from JSON."""
        for key in ("examples", "prompts", "include", "exclude", "units"):
            object.__setattr__(self, key, tuple(getattr(self, key)))

    @property
    def rule(self) -> str:
        """The definition, and what it includes and excludes, in one line; "" if there is none of these."""
        rules = (("Include", self.include), ("Exclude", self.exclude))
        said = [f"{word}: {'; '.join(one.rstrip('.') for one in them)}." for word, them in rules if them]
        return " ".join(one for one in (self.definition, *said) if one)


@dataclass(frozen=True)
class Variable:
    """One variable, defined once.

    Attributes:
        name: lower snake case: it becomes a column.
        question: what coders and models are asked.
        of: kind of unit it is coded on, one of `KINDS`.
        type: one of `TYPES`.
        values: two for binary (the first counts as 1), from low to high for ordinal; what may be drawn for boxes; none
            for continuous and text.
        low: smallest possible number (continuous), or None.
        high: largest possible number (continuous), or None.
        none_of_these: categorical: offers "none of these", stored as the value ``none_of_these``.
        cannot_tell: offers "cannot tell", stored as null: a missing value that says who looked.
        sensitive: what may only be shown and exported with care (perceived traits of people).
        pairs: whether it is asked about two units of the kind, such as "the same content?".
        instructions: how to go about it, as coders and models read it; "" for none.
        only_if: ((variable, (value, ...)), ...): asked only if each of these variables, which stand before it in the
            codebook, has one of its values.
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
    pairs: bool = field(default=False, metadata=_LATER)
    instructions: str = field(default="", metadata=_LATER)
    only_if: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), metadata=_LATER)

    def __post_init__(self) -> None:
        """Refuse definitions that do not hold together; mappings and lists become tuples."""
        given: Any = self.only_if
        conditions = given.items() if isinstance(given, Mapping) else given
        object.__setattr__(self, "only_if", tuple((name, tuple(values)) for name, values in conditions))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ConfigError(f"variable {self.name!r}: expected a lower snake case name like 'main_scene'; rename it")
        if self.of not in KINDS:
            raise self._misfit("of", f"one of {', '.join(KINDS)}", self.of)
        if self.type not in TYPES:
            raise self._misfit("type", f"one of {', '.join(TYPES)}", self.type)
        self._check_values()
        self._check_scale()
        self._check_kind()

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
        rules = [[list(them) for them in (value.include, value.exclude, value.units)] for value in self.values]
        more: dict[str, Any] = {"pairs": self.pairs, "instructions": self.instructions, "only_if": self.only_if}
        more["rules"] = rules if any(map(any, rules)) else []
        used = {key: said for key, said in more.items() if said}  # definitions without these keep the digest they had
        return hashlib.sha256(json.dumps([*read, used] if used else read).encode()).hexdigest()[:16]

    def asked(self, answers: Mapping[str, Answer]) -> bool:
        """Whether it is to be asked of a unit, by what was answered so far: see ``only_if``.

        Args:
            answers: variable -> answer, of the same unit; without those that were not asked or not answered yet. Of
                several labels, or boxes, one that is among the values will do.
        """
        return all(name in answers and _among(answers[name], values) for name, values in self.only_if)

    def prompts(self) -> tuple[tuple[str, ...], ...]:
        """Prompts of each value, in order, for zero-shot classification (without ``none_of_these``).

        Values without prompts get `TEMPLATE` where that makes sense: "a photo of a yes" does not.

        Raises:
            InputError: the variable has no values to choose from, or a value needs prompts and has none.
        """
        if not self.values:
            raise InputError(f"variable {self.name!r} is {self.type}: only variables with values have prompts")
        if self.pairs or self.type == "boxes":
            what = "about pairs of units" if self.pairs else "answered by boxes"
            raise InputError(
                f"variable {self.name!r} is {what}, and prompts choose a value for one whole unit; code it by hand, "
                "or ask a variable of single, whole units"
            )
        pictured = self.type in {"categorical", "multilabel"} and KINDS[self.of] & {"image", "video"}
        bare = [value.name for value in self.values if not value.prompts]
        if bare and not pictured:
            raise InputError(
                f"variable {self.name!r}: a {self.type} variable of {self.of} units needs prompts for every value, "
                f"and {quoted(bare)} has none; add prompts = [...] to the codebook"
            )
        return tuple(value.prompts or (TEMPLATE.format(value.name.replace("_", " ")),) for value in self.values)

    def schema(self) -> dict[str, Any]:
        """JSON schema of one answer; its description holds the question, the instructions and the definitions."""
        return schema(self)

    def validate(self, value: object, size: tuple[int, int] | None = None) -> Answer:
        """Check one coded value and bring it into its stored form.

        Names match without regard to case and outer blanks; whole numbers match values named so (``1`` is "1").
        Several names come in the order of the codebook, each once. Numbers may come as text ("3.5"). Boxes come from
        top to bottom and left to right, each once.

        Args:
            value: what was said.
            size: width and height of the unit's picture, in which boxes must lie; None if it is not known.

        Raises:
            InputError: the value is not a possible answer.
        """
        return checked(self, value, size)

    def _check_values(self) -> None:
        valued = self.type not in {"continuous", "text"}
        if not valued and self.values:
            raise self._misfit("values", f"no values for type {self.type!r}", self.names)
        if self.type == "binary" and len(self.values) != 2:
            raise self._misfit("values", "exactly two (the first counts as 1)", self.names)
        one = self.type in {"multilabel", "boxes"}
        if valued and len(self.values) < (1 if one else 2):
            raise self._misfit("values", "at least " + ("one" if one else "two"), self.names)
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

    def _check_kind(self) -> None:
        if self.pairs and self.type not in _OF_PAIRS:
            raise self._misfit("pairs", f"false for type {self.type!r} (pairs take {', '.join(_OF_PAIRS)})", True)
        if self.type == "boxes" and "image" not in KINDS[self.of]:
            pictured = [kind for kind, offers in KINDS.items() if "image" in offers]
            raise self._misfit("of", f"a kind of still pictures for boxes: {', '.join(pictured)}", self.of)
        if bare := [name for name, values in self.only_if if not values]:
            raise self._misfit("only_if", f"values of {quoted(bare)}, one or more", [])

    def _misfit(self, key: str, expected: str, got: object) -> ConfigError:
        return ConfigError(f"variable {self.name!r}, key {key!r}: expected {expected}, got {quoted(got)}; change it")


def _among(answer: Answer, values: tuple[str, ...]) -> bool:
    if isinstance(answer, list):
        return any((one["value"] if isinstance(one, dict) else one) in values for one in answer)
    return answer in values
