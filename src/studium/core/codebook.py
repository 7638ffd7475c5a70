"""The codebook: one definition of a variable for coders, zero-shot prompts, vision-language models and tables.

``codebook.toml`` holds one table per variable; docs/codebook.md explains every key.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.variable import Value, Variable, quoted
from studium.errors import ConfigError, UnknownNameError

__all__ = ["VALUE_KEYS", "VARIABLE_KEYS", "Codebook"]

_CONDITIONS = "a table of lists of texts"
VARIABLE_KEYS: Mapping[str, str] = {
    "question": "a text",
    "of": "a text",
    "type": "a text",
    "values": "a list of [[variable.values]] tables",
    "low": "a number",
    "high": "a number",
    "none_of_these": "true or false",
    "cannot_tell": "true or false",
    "sensitive": "true or false",
    "pairs": "true or false",
    "instructions": "a text",
    "only_if": _CONDITIONS,
}
VALUE_KEYS: Mapping[str, str] = {
    "name": "a text",
    "definition": "a text",
    "examples": "a list of texts",
    "prompts": "a list of texts",
    "include": "a list of texts",
    "exclude": "a list of texts",
    "units": "a list of texts",
}


def _are_texts(it: object) -> bool:
    return isinstance(it, list) and all(isinstance(text, str) and text.strip() for text in it)


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "a text": lambda it: isinstance(it, str) and bool(it.strip()),
    "a number": lambda it: isinstance(it, int | float) and not isinstance(it, bool) and math.isfinite(it),
    "true or false": lambda it: isinstance(it, bool),
    "a list of texts": _are_texts,
    _CONDITIONS: lambda it: isinstance(it, dict) and all(map(_are_texts, it.values())),
    "a list of [[variable.values]] tables": lambda it: isinstance(it, list) and all(isinstance(t, dict) for t in it),
}


@dataclass(frozen=True)
class Codebook:
    """The variables of a study; ``codebook["scene"]`` is one of them."""

    variables: tuple[Variable, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two variables of one name, and conditions on what cannot be known before."""
        names = [variable.name for variable in self.variables]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"expected one definition of each variable, got several of {quoted(twice)}; rename them")
        for at, variable in enumerate(self.variables):
            _check_conditions(variable, self.variables[:at])

    def __getitem__(self, name: str) -> Variable:
        """The variable of that name."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        known = ", ".join(variable.name for variable in self.variables) or "none: the codebook is empty"
        raise UnknownNameError(f"no variable {name!r} in the codebook; known: {known}")

    @classmethod
    def read(cls, path: str | Path) -> "Codebook":
        """Read ``codebook.toml``.

        Raises:
            ConfigError: the file cannot be read, or a definition does not fit; names the file, variable and key.
        """
        import tomllib

        try:
            tables = tomllib.loads(Path(path).read_text("utf-8-sig"))
            return cls(tuple(_variable(name, table) for name, table in tables.items()))
        except OSError as error:
            raise ConfigError(
                f"{path}: expected a codebook, got {error.strerror}; write one, or fix the path"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: expected TOML in UTF-8, got a file that is not: {error}") from error
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None


def _check_conditions(variable: Variable, before: tuple[Variable, ...]) -> None:
    """Refuse skip rules that no answer could fulfil."""
    units = (variable.of, variable.pairs)
    known = {one.name: one for one in before if (one.of, one.pairs) == units}
    where = f"variable {variable.name!r}, key 'only_if'"
    for name, values in variable.only_if:
        if name not in known:
            about = f"{'pairs of ' * variable.pairs}{variable.of} units"
            raise ConfigError(
                f"{where}: expected a variable of {about} that stands before it "
                f"({quoted([*known])}), got {name!r}; name one of them, or move it up"
            )
        if not (choices := known[name].names):
            raise ConfigError(
                f"{where}: expected a variable with values, got {name!r}, which is {known[name].type}; choose another"
            )
        if odd := [value for value in values if value not in choices]:
            raise ConfigError(f"{where}: expected values of {name!r} ({quoted(choices)}), got {quoted(odd)}; change it")


def _variable(name: str, table: object) -> Variable:
    where = f"variable {name!r}"
    if not isinstance(table, dict):
        raise ConfigError(f"expected tables of variables, got {name!r} outside of any; put it below its [variable]")
    given = _typed(table, VARIABLE_KEYS, where, required=("question", "of", "type"))
    values = []
    for number, entry in enumerate(given.pop("values", ()), start=1):
        label = f"{where}, value {number}" + (f" ({entry['name']!r})" if "name" in entry else "")
        values.append(Value(**_typed(entry, VALUE_KEYS, label, required=("name",))))
    return Variable(name=name, values=tuple(values), **given)


def _typed(table: Mapping[str, Any], keys: Mapping[str, str], where: str, required: tuple[str, ...]) -> dict[str, Any]:
    """The table with lists as tuples, if its keys are known, complete and of their types."""
    if unknown := [key for key in table if key not in keys]:
        raise ConfigError(f"{where}: unknown key {quoted(unknown)}; known: {', '.join(keys)}")
    if missing := [key for key in required if key not in table]:
        raise ConfigError(f"{where}: expected the key {quoted(missing)}, which is missing; add it")
    for key, got in table.items():
        if not _FITS[keys[key]](got):
            raise ConfigError(f"{where}, key {key!r}: expected {keys[key]}, got {got!r}; docs/codebook.md shows how")
    return {key: tuple(got) if isinstance(got, list) else got for key, got in table.items()}
