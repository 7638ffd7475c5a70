"""Finding parts by name. Built-ins register exactly as plugins do: by entry points."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from studium.core import parameters
from studium.errors import InputError, UnknownNameError

__all__ = ["load", "make", "names"]

GROUPS = ("measures", "unitizers", "sources", "estimators")


def names(group: str) -> list[str]:
    """Names of the registered parts of a group ("measures", "unitizers", "sources", "estimators"), sorted."""
    return sorted(_registered(group))


def load(group: str, name: str) -> type[Any]:
    """The class registered under ``name``.

    Raises:
        UnknownNameError: nothing of that name; the message lists what there is.
        InputError: two installed packages register the name.
    """
    parts = _registered(group)
    if name not in parts:
        raise UnknownNameError(f"no {group[:-1]} named {name!r}; there are: {', '.join(sorted(parts)) or 'none'}")
    loaded: type[Any] = parts[name].load()
    return loaded


def make(group: str, name: str, params: Mapping[str, Any]) -> Any:
    """The part ``name`` with these parameters, see `studium.core.parameters.make`."""
    return parameters.make(name, load(group, name), params)


def _registered(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise UnknownNameError(f"no group of parts {group!r}; there are: {', '.join(GROUPS)}")
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"studium.{group}"):
        if point.name in found and found[point.name].value != point.value:
            both = f"{found[point.name].value} and {point.value}"
            raise InputError(f"two installed packages register the {group[:-1]} {point.name!r}: {both}; remove one")
        found[point.name] = point
    return found
