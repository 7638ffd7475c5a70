"""The page: every section read, then one template filled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.config import Study
from studium.core.store import Store
from studium.report.agreement import agreement
from studium.report.clusters import clusterings
from studium.report.detections import detections
from studium.report.duplicates import duplicates
from studium.report.environment import environment
from studium.report.experiments import experiments
from studium.report.films import films
from studium.report.ledger import glance, ledger
from studium.report.maps import maps
from studium.report.methods import methods
from studium.report.mistakes import CELLS, IN_CELL, mistakes
from studium.report.models import evaluations, models
from studium.report.montage import sample
from studium.report.pairs import validations
from studium.report.posts import posts
from studium.report.reading import Reading
from studium.report.representation import representations
from studium.report.variables import labels, variables

__all__ = ["errors", "render"]

_FILES = ("studium.toml", "codebook.toml")


@dataclass(frozen=True)
class Source:
    """A file of the study, word for word."""

    name: str
    content: str


def render(root: Path, store: Store, study: Study) -> str:
    """The report of a study as one HTML page."""
    return environment().get_template("page.html").render(_content(Reading(root, store, study)))


def errors(root: Path, store: Store, study: Study) -> dict[str, str]:
    """Name of each model that was evaluated -> the page of its mistakes."""
    template, pages = environment().get_template("mistakes.html"), {}
    for path, _ in evaluations(root):
        reading = Reading(root, store, study)  # a budget of pictures for each page
        if found := mistakes(reading, path.parent):
            pages[found.name] = template.render(
                {"found": found, "most": IN_CELL, "frequent": CELLS, "pictures": reading.pictures}
            )
    return pages


def _content(reading: Reading) -> Mapping[str, Any]:
    found = ledger(reading)
    return {
        "study": reading.study,
        "date": reading.date,
        "run": reading.run,
        "version": reading.run.get("packages", {}).get("studium", ""),
        "manifest": json.dumps(reading.run, indent=1, ensure_ascii=False),
        "glance": glance(reading, found),
        "ledger": found,
        "variables": [v for kind in reading.kinds for v in variables(reading, kind)],
        "labels": [(kind, c) for kind in reading.kinds if (c := labels(reading, kind))],
        "samples": [(kind, sample(reading, kind)) for kind in reading.pictured],
        "clusterings": [c for kind in reading.kinds for c in clusterings(reading, kind)],
        "duplicates": [d for kind in reading.kinds for d in duplicates(reading, kind)],
        "maps": [m for kind in reading.kinds for m in maps(reading, kind)],
        "detections": detections(reading),
        "representations": representations(reading),
        "films": films(reading),
        "posts": posts(reading),
        "agreements": agreement(reading),
        "validations": validations(reading),
        "models": models(reading),
        "experiments": experiments(reading),
        "methods": methods(reading, found),
        "files": _files(reading.root),
        "pictured": reading.pictured,
        "pictures": reading.pictures,
    }


def _files(root: Path) -> list[Source]:
    there = [root / name for name in _FILES]
    return [Source(p.name, p.read_text(encoding="utf-8", errors="backslashreplace")) for p in there if p.exists()]
