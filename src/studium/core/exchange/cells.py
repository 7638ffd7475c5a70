"""Answers in the cells of a table: as people write them, and so that they can be read again."""

import json
from typing import Any

from studium.core.variable import NONE_OF_THESE, Answer, Variable
from studium.errors import InputError

__all__ = ["CANNOT_TELL", "NOTHING", "holds", "read_cell", "write_cell"]

CANNOT_TELL = "cannot_tell"
"""What stands in a cell for "cannot tell", unless the variable has a value of that name."""
NOTHING = object()
"""What a cell says that says nothing."""
_NO_CODE = {"", "na", "nan"}  # what R and pandas write for nothing


def read_cell(variable: Variable, cell: str, where: str) -> object:
    """What a cell says, to be validated, or `NOTHING`; names of the codebook come before words for nothing.

    Several values stand with ";" between, or as a JSON list, boxes as a JSON list.

    Raises:
        InputError: it says "cannot tell", which the variable does not offer.
    """
    word = cell.strip().casefold()
    known = {name.casefold() for name in variable.names}
    if word in _NO_CODE and word not in known:
        return NOTHING
    if word == CANNOT_TELL and word not in known:
        if not variable.cannot_tell:
            raise InputError(f"{where}: variable {variable.name!r} does not offer 'cannot tell'; recode it")
        return None
    if variable.type == "boxes":
        return _json(cell)
    if variable.type == "multilabel":
        if word == NONE_OF_THESE and word not in known:
            return []
        listed = _json(cell) if word.startswith("[") and word not in known else cell
        return listed if isinstance(listed, list) else [one for one in cell.split(";") if one.strip()]
    return cell


def write_cell(variable: Variable, answer: Answer) -> str:
    """An answer as `read_cell` reads it; a text as it is."""
    if answer is None:
        return CANNOT_TELL
    if isinstance(answer, list):
        names = [name for name in answer if isinstance(name, str)]
        plain = len(names) == len(answer) > 0 and not any(";" in name or name[:1] == "[" for name in names)
        return ";".join(names) if plain and variable.type == "multilabel" else json.dumps(answer, ensure_ascii=False)
    return answer if isinstance(answer, str) else repr(answer)


def holds(variable: Variable, answer: Answer) -> bool:
    """Whether a cell can hold an answer, so that it is read as what it is; a text may look like another answer."""
    try:
        read = read_cell(variable, write_cell(variable, answer), "")
        return read is not NOTHING and variable.validate(read) == answer
    except InputError:
        return False


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
