"""Recipes: how a table was made, as an 8-character key. The same recipe is never computed twice."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePath
from typing import Any

from studium.core import weights
from studium.core.protocols import Measure, Unitizer
from studium.errors import InputError

__all__ = ["Recipe", "canonical", "digest_of", "recipe_of"]


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
    """The recipe of a part: its name, version, fields (of files their content) and the weights it loads."""
    if not dataclasses.is_dataclass(part):
        raise InputError(f"{type(part).__name__} must be a frozen dataclass, so that its parameters can be recorded")
    params = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    params |= {name: digest_of(Path(params[name])) for name in part.paths if params[name]}
    models = {model: weights.fingerprint(model) for model in part.models}
    return Recipe(part.name, part.version, json.loads(canonical(params)), models)


def digest_of(path: Path) -> str:
    """Name of the content of a file, or of all files in a folder and what they are called there.

    Of a file the sha256; of a folder that of its sorted lines "sha256  path/in/it", hidden files and folders left out.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    try:
        if path.is_file():
            return _sha256(path)
        files = sorted(one for one in path.rglob("*") if one.is_file() and not _hidden(one.relative_to(path)))
        lines = sorted(f"{_sha256(one)}  {one.relative_to(path).as_posix()}\n" for one in files)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
    if not lines:
        raise InputError(f"{path}: there is no such file, and no folder with files; a part reads it")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _hashed(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hashed(path: Path, size: int, mtime_ns: int) -> str:
    """The sha256 of a file as it is now: read once, for a recipe is asked for at every chunk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces; 2.0 and 2 are the same number, tuples are lists, NaN is refused.

    A field of a dataclass with ``later`` in its metadata came after the first recipes with that dataclass: it is left
    out where it has its default, so that their keys stay.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f: getattr(value, f.name) for f in dataclasses.fields(value)}
        value = {f.name: said for f, said in fields.items() if not (f.metadata.get("later") and said == f.default)}
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
