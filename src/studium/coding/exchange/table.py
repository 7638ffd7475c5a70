"""Annotations as a long table in a CSV file: one row for each. It holds all that an annotation is."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from studium.coding.exchange.written import Place, Written
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.csvfile import csv_rows
from studium.core.exchange.cells import NOTHING, holds, read_cell, write_cell
from studium.core.exchange.given import Given, Read, moment, number, valid
from studium.core.variable import Answer, Variable
from studium.errors import InputError

__all__ = ["COLUMNS", "read_table", "write_table"]

COLUMNS = (
    *("unit", "path", "of", "variable", "value", "coder", "at", "weight", "note", "sample", "seconds"),
    *("definition", "key"),
)
"""Of the file; ``definition`` is the digest of the definition that the coder read."""


def write_table(rows: Iterable[Annotation], codebook: Codebook, places: Mapping[str, Place]) -> Written:
    """The table; `read_table` reads it, and so does ``studium train --labels``.

    Args:
        rows: annotations of variables of the codebook.
        codebook: with their variables.
        places: unit -> where it is, for ``path``.

    Returns:
        The file. Left out, and told, is "cannot_tell" of a variable with a value of that name.
    """
    told: Counter[str] = Counter()
    text, n = io.StringIO(newline=""), 0
    out = csv.DictWriter(text, COLUMNS)
    out.writeheader()
    for one in rows:
        variable = codebook[one.variable]
        cell = _cell(variable, one.value)
        if cell is None:
            told["cannot_tell"] += 1
            continue
        n += 1
        out.writerow(
            {
                **{name: getattr(one, name) for name in ("unit", "variable", "coder", "note", "sample", "key")},
                "path": places.get(one.unit, Place()).path,
                "of": variable.of,
                "value": cell,
                "at": one.at.isoformat(),
                "weight": repr(one.weight),
                "definition": one.variable_digest,
                "seconds": None if one.seconds is None else repr(one.seconds),
            }
        )
    return Written(text.getvalue(), n, dict(told))


def read_table(path: str | Path, codebook: Codebook, key: str = "unit", coder: str = "") -> Read:
    """The annotations of a table, long or wide.

    Long: ``unit``, ``variable`` and ``value``. Wide: ``unit``, and a column for each variable of the codebook. Others
    of `COLUMNS` may be there. A time without a zone is UTC.

    Args:
        path: the file.
        codebook: which variables there are.
        key: column that names the unit.
        coder: who coded, where the file does not say it.

    Returns:
        The rows. Told are "empty" cells, and rows by an "other_definition" whose value the present one does not know.

    Raises:
        InputError: it cannot be read, lacks a column, or holds an answer that the codebook does not know.
    """
    told: Counter[str] = Counter()
    rows: list[Given] = []
    for at, row in enumerate(csv_rows(path, (key,)), start=1):
        where = f"{path}, row {at}"
        for name, cell in _cells(row, codebook, where):
            found = _row(row, codebook[name], cell, (row[key].strip(), coder), where)
            if isinstance(found, str):
                told[found] += 1
            else:
                rows.append(found)
    return Read(tuple(rows), dict(told))


def _row(row: Mapping[str, str], variable: Variable, cell: str, who: tuple[str, str], where: str) -> Given | str:
    """A row, or why it is none."""
    definition = row.get("definition", "").strip() or None
    unit, coder = who[0], row.get("coder", "").strip() or who[1]
    if not unit or not coder:
        raise InputError(
            f"{where}: expected a unit and a coder, got {unit!r} and {coder!r}; add the column coder, or say who coded"
        )
    said = json.loads(cell) if definition and _written_as_json(variable, cell) else read_cell(variable, cell, where)
    if said is NOTHING:
        return "empty"
    try:
        value = valid(variable, said, where)
    except InputError:
        if definition in {None, variable.digest}:
            raise
        return "other_definition"
    seconds = row.get("seconds", "").strip()
    return Given(
        *(unit, variable.name, value, coder),
        weight=number(row.get("weight", "1"), "a weight, 1 / P(drawn)", where),
        at=moment(row.get("at", "").strip(), where),
        note=row.get("note") or None,
        sample=row.get("sample") or None,
        seconds=number(seconds, "seconds", where) if seconds else None,
        definition=definition,
        key=row.get("key") or None,
    )


def _cells(row: Mapping[str, str], codebook: Codebook, where: str) -> list[tuple[str, str]]:
    if "value" in row and "variable" in row:
        return [(row["variable"].strip(), row["value"])]
    names = [variable.name for variable in codebook.variables if variable.name in row]
    if not names:
        raise InputError(
            f"{where}: expected the columns variable and value, or one named as a variable of the codebook; "
            f"got {', '.join(row)}"
        )
    return [(name, row[name]) for name in names]


def _cell(variable: Variable, answer: Answer) -> str | None:
    """The cell of an answer; a text that would be read as something else stands as JSON; None if there is no way."""
    if variable.type == "text" and isinstance(answer, str):
        return answer if holds(variable, answer) and answer[:1] != '"' else json.dumps(answer, ensure_ascii=False)
    return write_cell(variable, answer) if holds(variable, answer) else None


def _written_as_json(variable: Variable, cell: str) -> bool:
    """Whether `_cell` wrote it so."""
    if variable.type != "text" or cell[:1] != '"':
        return False
    try:
        return isinstance(json.loads(cell), str)
    except ValueError:
        return False
