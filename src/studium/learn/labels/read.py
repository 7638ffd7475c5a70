"""Labels from elsewhere as one long table: a CSV file, a Label Studio export, class folders or a column.

What is no answer (an empty cell, a skipped task) is no label, and is counted. "Cannot tell" is an answer.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from studium.core.codebook import Codebook
from studium.core.csvfile import csv_rows
from studium.core.variable import NONE_OF_THESE, Answer, Variable
from studium.errors import InputError

__all__ = ["CANNOT_TELL", "Label", "LabelStudio", "Labels", "of_column", "of_folders", "read_csv"]

CANNOT_TELL = "cannot_tell"
"""What stands in a cell for "cannot tell", unless the variable has a value of that name."""
_NO_CODE = {"", "na", "nan"}  # what R and pandas write for nothing


class Label(NamedTuple):
    """One row of the long table: what a coder said of a unit.

    Attributes:
        unit: its id, or whatever names it.
        variable: name in the codebook.
        value: as `Variable.validate` returns it; None is "cannot tell".
        coder: who said so.
        weight: 1 / P(the unit was drawn).
    """

    unit: str
    variable: str
    value: Answer
    coder: str
    weight: float = 1.0


@dataclass(frozen=True)
class Labels:
    """The rows of a file.

    Attributes:
        rows: the labels, in the order of the file.
        told: what was met that is no label, and how often: "empty", "cancelled" ...
    """

    rows: tuple[Label, ...]
    told: Mapping[str, int]


def of_column(units: Sequence[str], values: Sequence[object], variable: Variable, coder: str) -> Labels:
    """The values of a column as labels of one coder; None is no label."""
    if len(units) != len(values):
        raise InputError(f"expected a value for every unit, got {len(values)} for {len(units)}")
    given = [(unit, value) for unit, value in zip(units, values, strict=True) if value is not None]
    rows = tuple(Label(unit, variable.name, _answer(variable, value, unit), coder) for unit, value in given)
    return Labels(rows, _told(empty=len(units) - len(rows)))


def of_folders(units: Sequence[str], paths: Sequence[str], variable: Variable, coder: str = "folders") -> Labels:
    """Class folders: the label of a file is the name of the folder that it lies in."""
    return of_column(units, [PurePath(path).parent.name for path in paths], variable, coder)


def read_csv(path: str | Path, codebook: Codebook, coder: str = "", key: str = "unit", variable: str = "") -> Labels:
    """Labels from a CSV file, long or wide.

    Long: the columns ``unit``, ``variable`` and ``value``. Wide: ``unit``, and a column for each variable, named as in
    the codebook. Both may have ``coder`` and ``weight``. An empty cell, NA or NaN is no label; ``cannot_tell`` is
    None; a multilabel cell is a list with ";", and ``none_of_these`` if none applies.

    Args:
        path: the file.
        codebook: which variables there are.
        coder: who coded, in a file without that column.
        key: column that names the unit.
        variable: what ``value`` is of, in a file without the column ``variable``.

    Raises:
        InputError: it cannot be read, lacks a column, or holds an answer that the codebook does not know.
    """
    told: Counter[str] = Counter()
    rows: list[Label] = []
    for number, row in enumerate(csv_rows(path, (key,)), start=1):
        where = f"{path}, row {number}"
        unit, who = row[key].strip(), row.get("coder", coder).strip()
        if not (unit and who):
            raise InputError(f"{where}: expected a unit and a coder, got {unit!r} and {who!r}; add the column coder")
        for name, cell in _cells(row, codebook, Path(path), variable):
            value = _cell(codebook[name], cell, where)
            if value is _NOTHING:
                told["empty"] += 1
            else:
                weight = _weight(row.get("weight", "1"), where)
                rows.append(Label(unit, name, _answer(codebook[name], value, where), who, weight))
    return Labels(tuple(rows), _told(**told))


def _cells(row: Mapping[str, str], codebook: Codebook, path: Path, variable: str) -> list[tuple[str, str]]:
    if "value" in row and ("variable" in row or variable):
        return [(row.get("variable", variable).strip(), row["value"])]
    names = [variable.name for variable in codebook.variables if variable.name in row]
    if not names:
        raise InputError(
            f"{path} needs the columns variable and value, or one named as a variable of the codebook; "
            f"got {', '.join(row)}"
        )
    return [(name, row[name]) for name in names]


_NOTHING = object()


def _cell(variable: Variable, cell: str, where: str) -> object:
    """What a cell says; names of the codebook come before words for nothing."""
    word = cell.strip().casefold()
    known = {name.casefold() for name in variable.names}
    if word in _NO_CODE and word not in known:
        return _NOTHING
    if word == CANNOT_TELL and word not in known:
        if not variable.cannot_tell:
            raise InputError(f"{where}: variable {variable.name!r} does not offer 'cannot tell'; recode it")
        return None
    if variable.type == "multilabel":
        return [] if word == NONE_OF_THESE and word not in known else [one for one in cell.split(";") if one.strip()]
    return cell


@dataclass(frozen=True)
class LabelStudio:
    """Reads the JSON export of Label Studio (not JSON_MIN, which does not say who coded).

    ``choices``, ``taxonomy`` (the path joined with "/", or its last step, whichever the codebook knows), ``rating``
    and ``number`` become labels. Skipped (cancelled) annotations, predictions, labels of regions and controls that are
    no variables do not, and are counted.

    Attributes:
        codebook: which variables there are.
        unit: key of the task's ``data`` that names the unit.
        variables: name of a control -> variable; a control that is not in it is called as its variable.
        weight: key of the task's ``data`` that holds 1 / P(drawn), or "" if all weigh 1.
        coder: who coded, where the export does not say it.
    """

    codebook: Codebook
    unit: str
    variables: Mapping[str, str] | None = None
    weight: str = ""
    coder: str = ""

    def read(self, path: str | Path) -> Labels:
        """The labels of a file.

        Raises:
            InputError: it is no such export, or holds an answer that the codebook does not know.
        """
        try:
            tasks = json.loads(Path(path).read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} cannot be read as JSON in UTF-8: {error}") from error
        if not isinstance(tasks, list):
            raise InputError(f"{path}: expected a list of tasks, got {type(tasks).__name__}; export as JSON")
        told: Counter[str] = Counter()
        rows: list[Label] = []
        for number, task in enumerate(tasks, start=1):
            rows.extend(self._of_task(task, f"{path}, task {number}", told))
        return Labels(tuple(rows), _told(**told))

    def _of_task(self, task: Any, where: str, told: "Counter[str]") -> Iterator[Label]:
        data, annotations = _entry(task, "data", dict, where), _entry(task, "annotations", list, where)
        unit = data.get(self.unit)
        if not isinstance(unit, str | int) or isinstance(unit, bool) or unit == "":
            raise InputError(
                f"{where}: expected the unit in data[{self.unit!r}], got {unit!r}; it has {', '.join(data)}"
            )
        weight = _weight(data.get(self.weight), where) if self.weight else 1.0
        told["predictions"] += len(task.get("predictions") or ())
        for annotation in annotations:
            result = _entry(annotation, "result", list, where)
            if annotation.get("was_cancelled"):
                told["cancelled"] += 1
                continue
            coder = self._coder(annotation.get("completed_by"), where)
            answers = self._answers(result, where, told)
            told["empty"] += not answers
            yield from (Label(str(unit), name, value, coder, weight) for name, value in answers.items())

    def _answers(self, result: list[Any], where: str, told: "Counter[str]") -> dict[str, Answer]:
        known = {variable.name for variable in self.codebook.variables}
        answers: dict[str, Answer] = {}
        for it in result:
            kind, value = _entry(it, "type", str, where), _entry(it, "value", dict, where)
            name = (self.variables or {}).get(control := str(it.get("from_name")), control)
            if name not in known or kind not in {"choices", "taxonomy", "rating", "number"}:
                told["other_controls"] += 1
            elif set(value) != {kind} or "item_index" in it:
                told["regions"] += 1
            elif name in answers:
                raise InputError(f"{where}: one annotation answers {name!r} twice; correct it in Label Studio")
            else:
                variable = self.codebook[name]
                answers[name] = _answer(variable, _chosen(variable, kind, value[kind], where), where)
        return answers

    def _coder(self, said: Any, where: str) -> str:
        said = said.get("id", said.get("email")) if isinstance(said, dict) else said
        if said is None and not self.coder:
            raise InputError(f"{where}: the export does not say who coded; export with user details, or say coder=")
        return self.coder if said is None else str(said)


def _chosen(variable: Variable, kind: str, value: Any, where: str) -> object:
    """The answer of one control."""
    if kind in {"rating", "number"}:
        return value
    if not isinstance(value, list) or (kind == "taxonomy" and not all(isinstance(path, list) for path in value)):
        raise InputError(f"{where}: expected a list of {kind}, got {value!r}")
    known = {name.casefold() for name in variable.names}
    names = value if kind == "choices" else [_step(path, known) for path in value]
    if variable.type == "multilabel":
        return [] if names == [NONE_OF_THESE] and NONE_OF_THESE not in known else names
    if len(names) != 1:
        raise InputError(f"{where}: variable {variable.name!r} is {variable.type}: expected one choice, got {names}")
    said = names[0]
    return None if said == CANNOT_TELL and CANNOT_TELL not in known and variable.cannot_tell else said


def _step(path: list[Any], known: set[str]) -> str:
    whole = "/".join(map(str, path))
    return whole if whole.strip().casefold() in known or not path else str(path[-1])


def _entry(holder: Any, key: str, of: type, where: str) -> Any:
    if not isinstance(holder, dict) or not isinstance(holder.get(key), of):
        raise InputError(
            f"{where}: expected {key!r} as Label Studio exports it; export as JSON, not as JSON_MIN or CSV"
        )
    return holder[key]


def _answer(variable: Variable, value: object, where: str) -> Answer:
    try:
        return variable.validate(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _weight(said: Any, where: str) -> float:
    try:
        return float(said)  # whether it can be a weight is for the targets to say
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected a weight, 1 / P(drawn), got {said!r}") from None


def _told(**counts: int) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
