"""Labels from elsewhere as one long table: a CSV file, a Label Studio export, class folders or a column.

What is no answer (an empty cell, a skipped task) is no label, and is counted. "Cannot tell" is an answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from studium.core.codebook import Codebook
from studium.core.csvfile import csv_rows
from studium.core.exchange.cells import CANNOT_TELL, NOTHING, read_cell
from studium.core.exchange.given import number, valid
from studium.core.exchange.label_studio import Tasks
from studium.core.variable import Answer, Variable
from studium.errors import InputError

__all__ = ["CANNOT_TELL", "Label", "Labels", "of_column", "of_folders", "read_csv", "read_tasks"]


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
    rows = tuple(Label(unit, variable.name, valid(variable, value, unit), coder) for unit, value in given)
    return Labels(rows, _told(empty=len(units) - len(rows)))


def of_folders(units: Sequence[str], paths: Sequence[str], variable: Variable, coder: str = "folders") -> Labels:
    """Class folders: the label of a file is the name of the folder that it lies in."""
    return of_column(units, [PurePath(path).parent.name for path in paths], variable, coder)


def read_csv(path: str | Path, codebook: Codebook, coder: str = "", key: str = "unit", variable: str = "") -> Labels:
    """Labels from a CSV file, long or wide.

    Long: the columns ``unit``, ``variable`` and ``value``, and perhaps ``definition``: rows that follow another
    definition than the present one are no labels, and are told. Wide: ``unit``, and a column for each variable, named
    as in the codebook. Both may have ``coder`` and ``weight``. An empty cell, NA or NaN is no label; ``cannot_tell`` is
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
    for at, row in enumerate(csv_rows(path, (key,)), start=1):
        where = f"{path}, row {at}"
        unit, who = row[key].strip(), row.get("coder", coder).strip()
        if not (unit and who):
            raise InputError(f"{where}: expected a unit and a coder, got {unit!r} and {who!r}; add the column coder")
        for name, cell in _cells(row, codebook, Path(path), variable):
            value = read_cell(codebook[name], cell, where)
            if value is NOTHING:
                told["empty"] += 1
            elif "variable" in row and not _present(codebook, name, row.get("definition", "").strip()):
                told["other_definition"] += 1
            else:
                weight = number(row.get("weight", "1"), "a weight, 1 / P(drawn)", where)
                rows.append(Label(unit, name, valid(codebook[name], value, where), who, weight))
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


def read_tasks(path: str | Path, tasks: Tasks) -> Labels:
    """Labels from the JSON export of Label Studio (not JSON_MIN, which does not say who coded).

    What becomes a label, and what is counted instead, says `studium.core.exchange.label_studio`; so are labels by
    another definition than the present one.

    Args:
        path: the file.
        tasks: how it is read.

    Raises:
        InputError: it is no such export, or holds an answer that the codebook does not know.
    """
    found = tasks.read(path)
    kept = [row for row in found.rows if _present(tasks.codebook, row.variable, row.definition)]
    rows = tuple(Label(row.unit, row.variable, row.value, row.coder, row.weight) for row in kept)
    return Labels(rows, _told(**found.told, other_definition=len(found.rows) - len(kept)))


def _present(codebook: Codebook, variable: str, definition: str | None) -> bool:
    """Whether an answer follows the present definition, as far as the file tells."""
    return not definition or definition == codebook[variable].digest


def _told(**counts: int) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
