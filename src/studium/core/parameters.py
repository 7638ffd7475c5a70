"""Parameters from a study file or a command line: known names, right types, clear refusals."""

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from studium.errors import InputError

__all__ = ["make"]

_Part = TypeVar("_Part")
_PLAIN = (bool, int, float, str)


def make(name: str, kind: type[_Part], params: Mapping[str, Any]) -> _Part:
    """An instance of the dataclass ``kind`` with these parameters; lists become tuples, so that it stays hashable.

    Args:
        name: how the part is called in messages.
        kind: the dataclass; a field annotated bool, int, float or str takes just that (a float also whole numbers).
        params: as read from TOML.

    Raises:
        InputError: a parameter that it does not have, one that is missing, or one of the wrong type.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(params) - set(fields)):
        raise InputError(f"{name} has no parameter {', '.join(unknown)}; it has: {', '.join(fields) or 'none'}")
    if missing := [n for n, f in fields.items() if n not in params and _required(f)]:
        raise InputError(f"{name} needs the parameter {', '.join(missing)}")
    hints = get_type_hints(kind)
    for key, value in params.items():
        if not _fits(value, hints[key]):
            raise InputError(f"{name}: {key} should be {_called(hints[key])}, got {type(value).__name__} {value!r}")
    return kind(**{key: _frozen(value) for key, value in params.items()})


def _required(f: "dataclasses.Field[Any]") -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _fits(value: object, hint: Any) -> bool:
    """Whether the value is of a plain type that the hint names; hints that name none are left to the part."""
    kinds = _kinds(hint)
    allowed = [kind for kind in kinds if kind in _PLAIN or kind is type(None)]
    if len(allowed) < len(kinds):
        return True
    if isinstance(value, bool):
        return bool in allowed
    return isinstance(value, tuple(allowed)) or (isinstance(value, int) and float in allowed)


def _called(hint: Any) -> str:
    return " or ".join("none" if kind is type(None) else kind.__name__ for kind in _kinds(hint))


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The members of a union; of any other hint, such as Mapping[str, str], itself."""
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list | tuple) else value
