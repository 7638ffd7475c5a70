"""Models and the reference list: every source that a column or a model names, numbered in the order of first use."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["ModelUse", "Reference", "References"]

_DOI = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/|\b)(10\.\d{4,9}/[^\s;,\"<>]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """One source: its number, what is known of it, its DOI as a URL, and what it is the source of."""

    number: int
    text: str
    url: str
    used_by: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ModelUse:
    """A model that a table used: what it is, under which licence, and what it can and cannot do."""

    id: str
    task: str
    licence: str
    about: str
    fingerprint: str
    used_by: list[str]
    numbers: list[int]


class References:
    """Collects sources while the methods are written."""

    def __init__(self) -> None:
        """Start without any."""
        self._found: dict[str, Reference] = {}

    def cite(self, source: str, used_by: str) -> list[int]:
        """Numbers of the references in ``source``: its DOIs, or else its words."""
        keys = [doi.rstrip(".)") for doi in _DOI.findall(source)] or [source.strip()] * bool(source.strip())
        return [self._one(key, used_by) for key in dict.fromkeys(keys)]

    @property
    def all(self) -> list[Reference]:
        """Every reference cited so far, in order."""
        return list(self._found.values())

    def _one(self, key: str, used_by: str) -> int:
        known = self._found.get(key.lower())
        if known is None:
            doi = _DOI.fullmatch(key) is not None
            text = _bibliography().get(key.lower(), "") if doi else key
            known = Reference(len(self._found) + 1, text, f"https://doi.org/{key}" if doi else "")
            self._found[key.lower()] = known
        if used_by not in known.used_by:
            known.used_by.append(used_by)
        return known.number


@cache
def _bibliography() -> dict[str, str]:
    """Works that built-in parts cite, by DOI in lower case. A DOI not in it stands alone."""
    path = Path(__file__).with_name("bibliography.json")
    return {doi.lower(): text for doi, text in json.loads(path.read_text(encoding="utf-8")).items()}
