"""The API, by what it is about; each module has a ``router``, which `studium.server.app` puts under ``/api``."""

__all__ = ["MODULES"]

MODULES = (
    "session",
    "accounts",
    "study",
    "codebook",
    "units",
    "children",
    "media",
    "search",
    "facets",
    "maps",
    "clusters",
    "failures",
    "samples",
    "tasks",
    "coding",
    "agreement",
    "pairs",
    "coders",
)
