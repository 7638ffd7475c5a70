"""Images, video, audio and posts as data: from collection to published inference, in one reproducible study."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studium import errors, sources
    from studium.core.column import Column
    from studium.core.protocols import Measure, Source, Unitizer
    from studium.corpus import Corpus

__all__ = ["Column", "Corpus", "Measure", "Source", "Unitizer", "errors", "sources"]

_HOMES = {
    "Column": "studium.core.column",
    "Corpus": "studium.corpus",
    "Measure": "studium.core.protocols",
    "Source": "studium.core.protocols",
    "Unitizer": "studium.core.protocols",
}


def __getattr__(name: str) -> Any:
    """Load the public names on first use, so that ``import studium`` costs nothing."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in {"errors", "sources"}:
        return import_module(f"studium.{name}")
    raise AttributeError(f"module 'studium' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
