"""Annotations of a study from files and to files: CSV, Label Studio, COCO. Every import and export is in the log."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from studium.coding.exchange.coco import Coco, write_coco
from studium.coding.exchange.label_studio import write_tasks
from studium.coding.exchange.table import read_table, write_table
from studium.coding.exchange.written import Place, Written
from studium.core import parts
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.csvfile import csv_rows
from studium.core.exchange.given import Given, Read, valid
from studium.core.exchange.label_studio import Tasks
from studium.core.pair import units_of
from studium.core.records import Records
from studium.core.store import Store
from studium.core.variable import Variable
from studium.errors import InputError, UnknownNameError
from studium.run.coding.named import named
from studium.run.coding.places import places, sizes

__all__ = ["FORMATS", "Export", "Exported", "Import", "Imported", "exported", "imported"]

log = logging.getLogger(__name__)

FORMATS = ("csv", "label_studio", "coco")
_WRITERS: Mapping[str, Callable[[Iterable[Annotation], Codebook, Mapping[str, Place]], Written]] = {
    "csv": write_table,
    "label_studio": write_tasks,
    "coco": write_coco,
}
_KEYS = ("unit", "path", "id")


@dataclass(frozen=True)
class Import:
    """How a file is read.

    Attributes:
        format: one of `FORMATS`; "" for what the file looks like.
        coder: who coded, where the file does not say it.
        variable: whose values the categories of a COCO file are, where that is not clear.
    """

    format: str = ""
    coder: str = ""
    variable: str = ""


@dataclass(frozen=True)
class Imported:
    """What was imported.

    Attributes:
        added: annotations that are new.
        there: those that were there already.
        told: what the file holds that is no annotation, or could not be taken as it is, and how often.
    """

    added: int
    there: int
    told: Mapping[str, int]


@dataclass(frozen=True)
class Export:
    """What is written, and how.

    Attributes:
        format: one of `FORMATS`; "" for that of the file's name: .csv.
        variables: names; () for all.
        sensitive: whether sensitive variables are written, too.
        pseudonyms: whether coders are called "coder 1", "coder 2" ... instead of by their names.
    """

    format: str = ""
    variables: Sequence[str] = ()
    sensitive: bool = False
    pseudonyms: bool = False


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes:
        path: the file.
        n: annotations in it.
        told: what was left out, or the format cannot hold, and how often.
    """

    path: Path
    n: int
    told: Mapping[str, int]


def imported(
    store: Store, records: Records, codebook: Codebook, path: str | Path, how: Import, who: str = "local"
) -> Imported:
    """Add the annotations of a file, all or none. Importing it again adds nothing.

    Units are named by id, by path, or posts by the id of their source. A file that does not say when something was
    coded dates it now.

    Raises:
        InputError: the file cannot be read, does not fit the codebook, or names units that the study does not have.
    """
    place = Path(path)
    form = _format(place, how.format, _looks)
    found, key = _read(place, codebook, how, form)
    ids = named(store, codebook, place, found.rows, key)
    rows = [_annotation(codebook[row.variable], row, ids[row.variable, row.unit]) for row in found.rows]
    _check_sizes(store, codebook, place, rows, [row.size for row in found.rows])
    new = _new(records, found.rows, rows)
    added = records.annotate(new)
    made = Imported(added, len(rows) - added, dict(found.told))
    detail = {"file": place.name, "format": form, "added": made.added, "there": made.there, "told": made.told}
    records.log(who, "import annotations", detail)
    return made


def exported(
    store: Store, records: Records, codebook: Codebook, path: str | Path, how: Export, who: str = "local"
) -> Exported:
    """Write the annotations that count: of each coder the last about a unit, unless it was withdrawn.

    Left out, and told, are those of "sensitive" variables unless they are asked for, of variables "not_in_codebook",
    those by an "other_definition" that the present one cannot say, and what was "replaced_or_withdrawn" later.

    Raises:
        InputError: nothing is left to write, the file is there, or the format holds one kind of unit and there are
            several.
        UnknownNameError: no such variable.
    """
    place = Path(path)
    form = _format(place, how.format, lambda _: "")
    if place.exists():
        raise InputError(f"{place} is there already; name another file")
    rows, told = _chosen(records, codebook, how)
    if not rows:
        raise InputError(f"no annotation to write ({_said(told)}); code units first, or name other variables")
    asked = {name: codebook[name] for name in dict.fromkeys(one.variable for one in rows)}
    kinds = sorted({f"{'pairs of ' * one.pairs}{one.of}" for one in asked.values()})
    if form == "label_studio" and len(kinds) > 1:
        raise InputError(f"a project of Label Studio holds one kind of unit, not {', '.join(kinds)}; name variables")
    written = _WRITERS[form](_called(rows, told) if how.pseudonyms else rows, codebook, _places(store, rows, asked))
    told.update(written.told)
    parts.replace_file(place, written.text)
    found = Exported(place, written.n, {why: n for why, n in sorted(told.items()) if n})
    detail = {"file": place.name, "format": form, "annotations": written.n, "variables": [*asked], "told": found.told}
    records.log(who, "export annotations", {**detail, "sensitive": how.sensitive, "pseudonyms": how.pseudonyms})
    return found


def _format(path: Path, said: str, guess: Callable[[Path], str]) -> str:
    if said and said not in FORMATS:
        raise UnknownNameError(f"no format {said!r}; there are: {', '.join(FORMATS)}")
    found = said or ("csv" if path.suffix.casefold() == ".csv" else guess(path))
    if not found:
        raise InputError(f"{path}: which format? Say --format {', '.join(FORMATS)}")
    return found


def _looks(path: Path) -> str:
    """What a JSON file is: tasks are a list, COCO is an object."""
    try:
        first = path.read_text("utf-8-sig").lstrip()[:1]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return {"[": "label_studio", "{": "coco"}.get(first, "")


def _read(path: Path, codebook: Codebook, how: Import, form: str) -> tuple[Read, str]:
    """The rows of a file, and by what they name units."""
    if form == "coco":
        return Coco(codebook, how.variable, how.coder).read(path), "file"
    if form == "csv":
        header = list(next(csv_rows(path), {}))
        key = next((name for name in _KEYS if name in header), "unit")
        return read_table(path, codebook, key, how.coder), key
    try:
        data = json.loads(path.read_text("utf-8-sig"))[0]["data"]
        key = next((name for name in _KEYS if name in data), "unit")
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        key = "unit"  # the reader says what is wrong
    return Tasks(codebook, key, coder=how.coder).read(path), key


def _annotation(variable: Variable, row: Given, unit: str) -> Annotation:
    said = [unit, row.variable, row.value, row.coder, row.at and row.at.astimezone(UTC).isoformat()]
    more = [row.weight, row.note, row.sample, row.seconds, row.definition]
    name = hashlib.sha256(json.dumps([*said, *more], sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    return Annotation(
        *(unit, row.variable, row.value, row.coder, row.at or datetime.now(UTC), row.definition or variable.digest),
        *(row.weight, row.note, row.sample, row.seconds),
        key=row.key or f"import/{name[:32]}",
    )


def _new(records: Records, given: Sequence[Given], rows: Sequence[Annotation]) -> list[Annotation]:
    """Those that are not there: by their keys, which the database sees to, or word for word and to the microsecond."""
    known = {_same(one) for name in {one.variable for one in rows} for one in records.annotations(name, history=True)}
    return [one for row, one in zip(given, rows, strict=True) if row.at is None or _same(one) not in known]


def _same(one: Annotation) -> tuple[object, ...]:
    return one.unit, one.variable, one.coder, one.at, json.dumps(one.value, sort_keys=True)


def _check_sizes(
    store: Store,
    codebook: Codebook,
    path: Path,
    rows: Sequence[Annotation],
    drawn_in: Sequence[tuple[float, float] | None],
) -> None:
    """Refuse boxes that leave their pictures, or were drawn in others: smaller ones, or such as lie on their side."""
    for name in dict.fromkeys(one.variable for one in rows if codebook[one.variable].type == "boxes"):
        mine = [(one, size) for one, size in zip(rows, drawn_in, strict=True) if one.variable == name]
        known = sizes(store, codebook[name].of, {one.unit for one, _ in mine})
        for one, size in mine:
            if one.value and size and size != (there := known.get(one.unit, size)):
                raise InputError(
                    f"{path}, unit {one.unit}: its boxes were drawn in a picture of {size[0]:g} x {size[1]:g} px, and "
                    f"the study's has, upright, {there[0]} x {there[1]} px; draw in the study's pictures, or scale them"
                )
            try:
                codebook[name].validate(one.value, known.get(one.unit))
            except InputError as error:
                raise InputError(f"{path}, unit {one.unit}: {error}") from None


def _chosen(records: Records, codebook: Codebook, how: Export) -> "tuple[list[Annotation], Counter[str]]":
    known = {one.name: one for one in codebook.variables}
    wanted = [codebook[name].name for name in how.variables]
    rows = [one for one in records.annotations() if not wanted or one.variable in wanted]
    history = [one for one in records.annotations(history=True) if not wanted or one.variable in wanted]
    told = Counter({"replaced_or_withdrawn": len(history) - len(rows)})
    kept = []
    for one in rows:
        if one.variable not in known:
            told["not_in_codebook"] += 1
        elif known[one.variable].sensitive and not how.sensitive:
            told["sensitive"] += 1
        elif not _sayable(known[one.variable], one):
            told["other_definition"] += 1
        else:
            kept.append(one)
    return kept, told


def _sayable(variable: Variable, one: Annotation) -> bool:
    try:
        return valid(variable, one.value, "") == one.value
    except InputError:
        return False


def _called(rows: Sequence[Annotation], told: "Counter[str]") -> list[Annotation]:
    """With pseudonyms in the order in which coders first appear; without keys, which could be made from names."""
    names = {coder: f"coder {at}" for at, coder in enumerate(dict.fromkeys(one.coder for one in rows), start=1)}
    told["keys"] += sum(one.key is not None for one in rows)
    return [replace(one, coder=names[one.coder], key=None) for one in rows]


def _places(store: Store, rows: Sequence[Annotation], asked: Mapping[str, Variable]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for of in dict.fromkeys(variable.of for variable in asked.values()):
        mine = [one for one in rows if asked[one.variable].of == of]
        units = {unit for one in mine for unit in (units_of(one.unit) if asked[one.variable].pairs else [one.unit])}
        sized = any(asked[one.variable].type == "boxes" for one in mine)
        found |= places(store, of, units, sized)
    pairs = {one.unit for one in rows if asked[one.variable].pairs}
    ends = {pair: [found.get(unit, Place()).path for unit in units_of(pair)] for pair in pairs}
    return found | {pair: Place(" + ".join(ends[pair])) for pair in pairs}


def _said(told: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {why}" for why, n in sorted(told.items()) if n) or "there are none"
