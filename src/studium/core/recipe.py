"""Recipes: how a table was made, as an 8-character key. The same recipe is never computed twice."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any

from studium.core import weights
from studium.core.protocols import Measure, Unitizer
from studium.errors import InputError

__all__ = ["Recipe", "canonical", "recipe_of"]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a table holds.

    Attributes:
        name: of the part, as in the study file.
        version: of the part.
        params: its parameters; JSON values.
        models: id of every model it loads -> fingerprint of the weights.
        inputs: digest of the rows it was made from, for results over many units (clusters, maps); else empty.
    """

    name: str
    version: str
    params: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    inputs: str = ""

    @cached_property
    def key(self) -> str:
        """The first 8 hex digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(canonical(dataclasses.asdict(self)).encode()).hexdigest()[:8]

    @property
    def label(self) -> str:
        """``name-key``, the folder of the table."""
        return f"{self.name}-{self.key}"


def recipe_of(part: Measure | Unitizer) -> Recipe:
    """The recipe of a part: its name, version, fields and the weights it loads."""
    if not dataclasses.is_dataclass(part):
        raise InputError(f"{type(part).__name__} must be a frozen dataclass, so that its parameters can be recorded")
    params = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    models = {model: weights.fingerprint(model) for model in part.models}
    return Recipe(part.name, part.version, json.loads(canonical(params)), models)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces; 2.0 and 2 are the same number, tuples are lists, NaN is refused."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, PurePath):
        return str(value)
    raise InputError(f"a parameter must be text, a number, true/false or a list of those, got {type(value).__name__}")
