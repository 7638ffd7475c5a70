"""Models as rows of data, ``models.toml``: what each does, under which licence, and where its weights come from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from studium.core.bundle import Bundle, Snapshot, bundle_of
from studium.core.fetch import Source
from studium.errors import (
    ConfigError,
    UnknownNameError,
)

__all__ = ["File", "Model", "get", "load_rows", "rows"]


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: its name, the sha256 of its content (64 hex digits), bytes, and sources in order."""

    name: str
    sha256: str
    size: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """One row of ``models.toml``.

    Attributes:
        id: how measures call it.
        task: what it does, in words.
        licence: of the weights.
        paper: DOI.
        about: what it can and cannot do, for the reader of a study.
        dims: length of the vector it makes.
        input: what its input must look like (``size``, ``mean``, ``std``, ``tokens`` ...).
        files: its weights.
        uses: ids of the models it is composed of.
        bundle: its weights, where they are several files that belong in one folder (``hub`` in ``models.toml``).
        trained_on: what it learned from, in a few words, for who chooses a model.
        parameters: of its networks, in millions; 0 if nobody counted them.
        megabytes: what a snapshot of the hub weighs, as published; other rows know it from their files.
    """

    id: str
    task: str
    licence: str
    paper: str
    about: str
    dims: int
    input: Mapping[str, float] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    uses: tuple[str, ...] = ()
    bundle: Bundle | None = None
    trained_on: str = ""
    parameters: float = 0
    megabytes: float = 0

    @property
    def size(self) -> int:
        """Bytes of its own weights, without those of the models it uses; 0 if that is not known."""
        return round(self.megabytes * 1e6) or sum(file.size for file in self.files)


def load_rows(path: Path) -> dict[str, Model]:
    """Read rows from a TOML file of the shape of ``models.toml``.

    Raises:
        ConfigError: it cannot be read, or a row lacks a key or has an unknown one.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _model(name, entry) for name, entry in raw.items()}
    except (OSError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise ConfigError(f"{path} does not describe models: {error}; see models.toml of studium.core") from error


@cache
def rows() -> dict[str, Model]:
    """Every model studium ships a row for, by id."""
    return load_rows(Path(__file__).with_name("models.toml"))


def get(model: str | Model) -> Model:
    """The row of a model; a `Model` is its own row.

    Args:
        model: an id of `rows`, ``owner/name@commit`` of a hub repository, or the path of a folder.

    Raises:
        UnknownNameError: none of these; the message lists what there is.
    """
    if isinstance(model, Model):
        return model
    if model in rows():
        return rows()[model]
    if bundle := bundle_of(model):
        return Model(model, task="", licence="", paper="", about="", dims=0, bundle=bundle)
    raise UnknownNameError(
        f"no model named {model!r}; there are: {', '.join(rows())}; or give owner/name@commit of a hub repository "
        "(the commit has 40 hex digits), or the path of a folder"
    )


def _model(name: str, entry: dict[str, Any]) -> Model:
    files = tuple(
        File(**{**item, "sources": tuple(Source(**source) for source in item["sources"])})
        for item in entry.get("files", [])
    )
    rest = {key: value for key, value in entry.items() if key not in {"files", "uses", "hub"}}
    bundle = Snapshot(**entry["hub"]) if "hub" in entry else None
    return Model(id=name, **rest, files=files, uses=tuple(entry.get("uses", ())), bundle=bundle)
