"""Labels of a study's units, wherever they were given: in its records, a file, class folders, or a column of posts."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studium.core import parameters
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.csvfile import csv_rows
from studium.core.exchange.label_studio import Tasks
from studium.core.store import Store
from studium.core.unit import KINDS, PARENTS
from studium.core.variable import Variable
from studium.errors import InputError, UnknownNameError
from studium.learn.labels.read import Label, Labels, of_column, read_csv, read_tasks
from studium.learn.labels.targets import Target, Targets
from studium.run.coding.opened import exists, opened
from studium.run.coding.settled import combined
from studium.run.lineage import FILES, climbed
from studium.run.tables import posts
from studium.run.taggers import identified

__all__ = ["COLUMN", "FOLDERS", "Where", "annotated", "labels_of", "target"]

log = logging.getLogger(__name__)

FOLDERS = "folders"
"""What stands for the class folders as labels."""
COLUMN = "column:"
"""What stands before the name of a column of posts that holds labels."""
_KEYS = ("unit", "path")
Where = str | Path | Sequence[str | Path] | None
"""Where labels are: see `labels_of`."""


@dataclass(frozen=True)
class _Settings:
    """How labels become a target: see `studium.learn.labels.targets.Targets`."""

    combine: str = "majority"
    ties: str = "drop"
    cannot_tell: str = "ignore"
    none_of_these: str = "class"
    least: int = 1


def target(
    store: Store, codebook: Codebook, variable: str, of: str = "", labels: Where = None, **settings: Any
) -> Target:
    """What a model learns of a variable, from the labels of a study's units; without classes that no unit has.

    Args:
        store: the study.
        codebook: with the variable.
        variable: its name.
        of: kind of the units; "" for that of the codebook.
        labels: as for `labels_of`.
        **settings: ``combine``, "majority" (of numbers the mean) or "dawid_skene"; ``ties``, ``cannot_tell``,
            ``none_of_these``, ``least``: see `studium.learn.labels.targets.Targets`.

    Raises:
        UnknownNameError: no such variable or column, or the labels are of others.
        InputError: labels that do not fit, or none.
    """
    asked, how = codebook[variable], parameters.make("labels", _Settings, settings)
    if (of or asked.of) != asked.of:
        raise InputError(
            f"the codebook has {variable!r} for {asked.of} units, asked for are {of} units; leave of out, or change "
            "the codebook"
        )
    rows = labels_of(store, codebook, variable, asked.of, labels)
    if labels is None and not rows:
        raise InputError(
            f"nobody has coded {variable!r} by its present definition in this study; code units (answers by an earlier "
            "definition stay in the record), or hand over labels, such as a CSV file"
        )
    known = set(store.units(asked.of)["id"].to_pylist())
    gone = tuple(dict.fromkeys(row.unit for row in rows if row.variable == variable and row.unit not in known))
    kept = [row for row in rows if row.unit in known]
    combine = _combiner(how.combine, asked)
    made = Targets(asked, combine, how.ties, how.cannot_tell, how.none_of_these, how.least)
    found = _used(combined(store.root, made, kept) if labels is None else made(kept))
    return replace(found, dropped={**found.dropped, "not in the study": gone}) if gone else found


def labels_of(store: Store, codebook: Codebook, variable: str, of: str, labels: Where) -> Sequence[Label | Annotation]:
    """The labels of a variable, with the ids of units.

    Args:
        store: the study.
        codebook: with the variable.
        variable: its name.
        of: kind of the units.
        labels: None for the annotations of the study; `FOLDERS` for the class folders that files lie in; `COLUMN` and
            a name for a column of posts; or the path of a file. A CSV names units in ``unit`` (ids of studium),
            ``path``, or, of posts, ``id`` (theirs), and has their labels in ``value``, or in a column called as the
            variable; perhaps ``variable``, ``coder``, ``weight`` (1 / P(drawn)). A JSON is an export of Label Studio,
            whose data name units likewise. Several of these are taken together; files that do not say
            who coded are of one coder.

    Raises:
        InputError: what cannot be read, does not fit, or names units that the study does not have.
    """
    if labels is None:
        return annotated(store.root, codebook[variable])
    if not isinstance(labels, str | Path):
        return [row for one in labels for row in labels_of(store, codebook, variable, of, one)]
    if str(labels) == FOLDERS:
        return _of_folders(store, codebook[variable], of)
    if str(labels).startswith(COLUMN):
        return _of_column(store, codebook[variable], of, str(labels).removeprefix(COLUMN))
    path = Path(labels)
    keys = (*_KEYS, "id") if of == "post" else _KEYS
    read = _of_json if path.suffix.casefold() == ".json" else _of_csv
    found, key = read(path, codebook, variable, keys)
    rows = [row for row in found.rows if row.variable == variable] or found.rows  # others may be of other kinds
    names = list(dict.fromkeys(row.unit for row in rows))
    ids = dict(zip(names, identified(path, names, key, store, of), strict=True))
    if (n := found.told.get("other_definition")) and not any(row.variable == variable for row in rows):
        raise InputError(
            f"{path} has no label of {variable!r} by its present definition: {n} rows follow another; code the units "
            "anew, or bring that definition back"
        )
    if found.told:
        log.log(logging.WARNING if n else logging.INFO, "%s holds what is no label: %s", path, dict(found.told))
    return [row._replace(unit=ids[row.unit]) for row in rows]


def annotated(root: Path, variable: Variable) -> list[Annotation]:
    """What coders say in the records of the study, by the variable's present definition.

    Raises:
        InputError: nobody has coded in this study.
        MissingExtraError: sqlalchemy is not installed.
    """
    if not exists(root):
        raise InputError(f"nobody has coded {variable.name!r} in this study; hand over labels, such as a CSV file")
    with opened(root) as records:
        said = records.annotations(variable.name)
    present = [one for one in said if one.variable_digest == variable.digest]
    if len(present) < len(said):
        log.warning("%d annotations of %s follow another definition", len(said) - len(present), variable.name)
    return present


def _used(made: Target) -> Target:
    """Without the classes that no unit has, which no model can learn; if there are others to learn."""
    counts = made.counts()
    used = np.array([counts[name] > 0 for name in made.classes], np.bool_)
    if used.all() or used.sum() < (1 if made.y.ndim == 2 else 2):
        return made
    classes, soft = tuple(name for name in made.classes if counts[name]), made.soft[:, used]
    told = {**made.told, "classes_without_units": int((~used).sum())}
    log.warning("%s: no unit is %s", made.variable.name, ", ".join(name for name in made.classes if not counts[name]))
    if made.y.ndim == 2:
        return replace(made, classes=classes, y=made.y[:, used], soft=soft, told=told)
    y = (np.cumsum(used) - 1)[made.y]
    return replace(made, classes=classes, y=y, soft=soft / soft.sum(axis=1, keepdims=True), told=told)


def _combiner(name: str, variable: Variable) -> Any:
    if name == "majority":
        return None
    if name == "dawid_skene":
        from studium.coding.dawid_skene import DawidSkene

        return DawidSkene()
    raise InputError(f"combine: expected majority or dawid_skene, got {name!r} for {variable.name!r}")


def _of_csv(path: Path, codebook: Codebook, variable: str, keys: Sequence[str]) -> tuple[Labels, str]:
    """The labels of a CSV file, and the column that names the units."""
    header = list(next(csv_rows(path), {}))
    key = next((name for name in keys if name in header), "")
    if not (key and {"value", variable} & set(header)):
        raise InputError(
            f"{path} needs a column {' or '.join(keys)}, a column value or {variable}, and perhaps the columns "
            f"variable, coder, weight; got {', '.join(header) or 'no rows'}"
        )
    return read_csv(path, codebook, "file", key, variable), key


def _of_json(path: Path, codebook: Codebook, _: str, keys: Sequence[str]) -> tuple[Labels, str]:
    """The labels of an export of Label Studio, and the key of a task's data that names the units."""
    try:
        tasks = json.loads(path.read_text("utf-8-sig"))
        data = tasks[0]["data"] if tasks else {}
        key, weight = next((one for one in keys if one in data), "unit"), "weight" * ("weight" in data)
    except (OSError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise InputError(f"{path} cannot be read as an export of Label Studio: {error}; export as JSON") from error
    return read_tasks(path, Tasks(codebook, key, weight=weight)), key


def _of_folders(store: Store, variable: Variable, of: str) -> list[Label]:
    """The label of a file is its class folder. The same file in folders of several classes has a label of each."""
    if of not in PARENTS and of not in FILES:
        raise InputError(f"{of} units lie in no folders; code {', '.join(FILES)} units, or units split from these")
    found: dict[str, list[str]] = {}
    for media, label in _columns(store.attachments(), "media", "label"):
        if label is not None and label not in found.setdefault(media, []):
            found[media].append(label)
    units = store.units(of)["id"].to_pylist()
    files = climbed(store, of, FILES).to_pylist() if of in PARENTS else units
    said = [
        (unit, label, f"folder {number}")
        for unit, file in zip(units, files, strict=True)
        for number, label in enumerate(found.get(file, ()), 1)
    ]
    if not said:
        raise InputError(f"no {of} unit has a class folder; add their source again, with a folder for each class")
    return [row for one in said for row in of_column([one[0]], [one[1]], variable, one[2]).rows]


def _of_column(store: Store, variable: Variable, of: str, name: str) -> list[Label]:
    if "text" not in KINDS[of] or of in PARENTS:
        raise InputError(f"{COLUMN}{name} is a column of posts, and {variable.name!r} is coded on {of} units")
    table = posts(store)
    if name not in table.column_names[1:]:
        there = ", ".join(table.column_names[1:]) or "none"
        raise UnknownNameError(f"posts have no column {name!r} of labels; there are: {there}")
    said = [None if value == "" else value for value in table[name].to_pylist()]
    return list(of_column(table["unit"].to_pylist(), said, variable, name).rows)


def _columns(table: Any, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
