"""Reads the JSON export of Label Studio: answers of whole units, and boxes.

``choices``, ``taxonomy`` (the path joined with "/", or its last step, whichever the codebook knows), ``rating``,
``number``, ``textarea``, ``pairwise`` and ``rectanglelabels`` become answers. What does not is counted: skipped
("cancelled") annotations, "predictions", labels of "regions" of a unit, "other_controls" that are no variables or no
such answers, boxes that are "rotated", annotations that are "empty". Label Studio places boxes between pixels: those
that were "rounded" to whole ones are counted, too; and "drafts", which nobody submitted.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.codebook import Codebook
from studium.core.exchange.cells import CANNOT_TELL
from studium.core.exchange.given import Given, Read, moment, number, valid
from studium.core.variable import NONE_OF_THESE, Answer, Variable
from studium.errors import InputError

__all__ = ["INSTEAD", "OWN", "Tasks"]

INSTEAD = ".instead"
"""Ends the name of a control that says "cannot tell", or that there are no boxes, of a variable that is no choice."""
OWN = "studium"
"""Key of an annotation that holds what Label Studio has no place for."""
_WHOLE = {"choices": "choices", "taxonomy": "taxonomy", "rating": "rating", "number": "number", "textarea": "text"}
_WHOLE |= {"pairwise": "selected"}
_BOX = "rectanglelabels"
_NEAR = 0.01  # px: what is off by less is whole


@dataclass(frozen=True)
class Tasks:
    """How a file of tasks is read.

    Attributes:
        codebook: which variables there are.
        unit: key of a task's ``data`` that names the unit.
        variables: name of a control -> variable; a control that is not in it is called as its variable.
        weight: key of a task's ``data`` that holds 1 / P(drawn), or "" if all weigh 1.
        coder: who coded, where the file does not say it.
    """

    codebook: Codebook
    unit: str
    variables: Mapping[str, str] | None = None
    weight: str = ""
    coder: str = ""

    def read(self, path: str | Path) -> Read:
        """The answers in a file.

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
        rows = [
            row for at, task in enumerate(tasks, start=1) for row in self._of_task(task, f"{path}, task {at}", told)
        ]
        return Read(tuple(rows), {name: count for name, count in sorted(told.items()) if count})

    def _of_task(self, task: Any, where: str, told: "Counter[str]") -> Iterator[Given]:
        data, annotations = _entry(task, "data", dict, where), _entry(task, "annotations", list, where)
        unit = data.get(self.unit)
        if not isinstance(unit, str | int) or isinstance(unit, bool) or unit == "":
            raise InputError(
                f"{where}: expected the unit in data[{self.unit!r}], got {unit!r}; it has {', '.join(data)}"
            )
        weight = number(data.get(self.weight), "a weight, 1 / P(drawn)", where) if self.weight else 1.0
        told["predictions"] += len(task.get("predictions") or ())
        told["drafts"] += len(task.get("drafts") or ())
        for annotation in annotations:
            result = _entry(annotation, "result", list, where)
            if annotation.get("was_cancelled"):
                told["cancelled"] += 1
                continue
            coder = self._coder(annotation, where)
            answers = self._answers(result, where, told)
            told["empty"] += not answers
            for name, value in answers.items():
                more = {"weight": weight, "size": _size(result), **_more(annotation, name, where)}
                yield Given(str(unit), name, value, coder, **more)

    def _answers(self, result: list[Any], where: str, told: "Counter[str]") -> dict[str, Answer]:
        known = {variable.name for variable in self.codebook.variables}
        answers: dict[str, Answer] = {}
        drawn: dict[str, list[Any]] = {}
        for it in result:
            kind = _entry(it, "type", str, where)
            value = {} if kind == "relation" else _entry(it, "value", dict, where)
            control = str(it.get("from_name"))
            instead = control.endswith(INSTEAD) and kind == "choices"
            plain = control.removesuffix(INSTEAD) if instead else control
            name = (self.variables or {}).get(control, plain)
            boxes = kind == _BOX and name in known and self.codebook[name].type == "boxes"
            if name not in known or not (kind in _WHOLE or boxes):
                told["other_controls"] += 1
            elif boxes:
                if found := _boxes(it, value, where, told):  # if all are left out, nobody said "no box"
                    drawn.setdefault(name, []).extend(found)
            elif set(value) != {_WHOLE[kind]} or "item_index" in it:
                told["regions"] += 1
            elif name in answers:
                raise InputError(f"{where}: one annotation answers {name!r} twice; correct it in Label Studio")
            else:
                variable, said = self.codebook[name], value[_WHOLE[kind]]
                chosen = _instead(variable, said, where) if instead else _chosen(variable, kind, said, where)
                answers[name] = valid(variable, chosen, where)
        for name, them in drawn.items():
            if name in answers:
                raise InputError(f"{where}: one annotation draws {name!r} and says {answers[name]!r}; correct it")
            answers[name] = valid(self.codebook[name], them, where)
        return answers

    def _coder(self, annotation: Mapping[str, Any], where: str) -> str:
        said = annotation.get("completed_by")
        said = said.get("id", said.get("email")) if isinstance(said, dict) else said
        own = annotation.get(OWN)
        said = own.get("coder", said) if isinstance(own, dict) else said
        if said is None and not self.coder:
            raise InputError(f"{where}: the export does not say who coded; export with user details, or say coder=")
        return self.coder if said is None else str(said)


def _more(annotation: Mapping[str, Any], variable: str, where: str) -> dict[str, Any]:
    """When and how long, as Label Studio tells it of all answers alike, or as `OWN` tells it of each."""
    own = annotation.get(OWN)
    codes = own.get("codes") if isinstance(own, dict) else None
    said = codes.get(variable) if isinstance(codes, dict) else None
    if isinstance(said, dict):
        texts = {key: str(said[key]) for key in ("note", "sample", "definition", "key") if said.get(key) is not None}
        seconds = None if said.get("seconds") is None else number(said["seconds"], "seconds", where)
        weight = number(said.get("weight", 1), "a weight, 1 / P(drawn)", where)
        return {**texts, "seconds": seconds, "weight": weight, "at": moment(said.get("at"), where)}
    took = annotation.get("lead_time")
    at = moment(annotation.get("updated_at") or annotation.get("created_at"), where)
    return {"at": at, "seconds": None if took is None else number(took, "seconds as lead_time", where)}


def _boxes(it: Mapping[str, Any], value: Mapping[str, Any], where: str, told: "Counter[str]") -> list[Any]:
    """Percent of the picture as whole pixels; one box for each of its labels."""
    if value.get("rotation") or it.get("image_rotation"):
        told["rotated"] += 1
        return []
    wide, high = (number(it.get(key), f"{key} of a box, in pixels", where) for key in _SIZE)
    x, y, width, height = (number(value.get(key), f"{key} of a box, in percent", where) for key in _SIDES)
    exact = [x * wide / 100, y * high / 100, (x + width) * wide / 100, (y + height) * high / 100]
    whole = [round(min(max(at, 0), most)) for at, most in zip(exact, (wide, high, wide, high), strict=True)]
    whole[0], whole[1] = min(whole[0], int(wide) - 1), min(whole[1], int(high) - 1)  # at the edge, too, it has a pixel
    whole[2], whole[3] = max(whole[2], whole[0] + 1), max(whole[3], whole[1] + 1)
    told["rounded"] += any(abs(a - b) > _NEAR for a, b in zip(exact, whole, strict=True))
    return [{"value": label, "box": whole} for label in _entry(value, _BOX, list, where)]


def _size(result: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    """Of the picture that the boxes of an annotation were drawn in."""
    drawn = [it for it in result if it.get("type") == _BOX and all(it.get(key) is not None for key in _SIZE)]
    return (float(drawn[0][_SIZE[0]]), float(drawn[0][_SIZE[1]])) if drawn else None


_SIZE = ("original_width", "original_height")
_SIDES = ("x", "y", "width", "height")


def _instead(variable: Variable, said: Any, where: str) -> object:
    if said == [CANNOT_TELL] and variable.cannot_tell:
        return None
    if said == [NONE_OF_THESE] and variable.type == "boxes":
        return []
    raise InputError(f"{where}: expected {CANNOT_TELL} instead of an answer to {variable.name!r}, got {said!r}")


def _chosen(variable: Variable, kind: str, value: Any, where: str) -> object:
    """The answer of one control."""
    if kind in {"rating", "number", "pairwise"}:
        return value
    if kind == "textarea":
        return "\n".join(map(str, value)) if isinstance(value, list) else value
    if not isinstance(value, list) or (kind == "taxonomy" and not all(isinstance(path, list) for path in value)):
        raise InputError(f"{where}: expected a list of {kind}, got {value!r}")
    known = {name.casefold() for name in variable.names}
    names = value if kind == "choices" else [_step(path, known) for path in value]
    if names == [CANNOT_TELL] and CANNOT_TELL not in known and variable.cannot_tell:
        return None
    if variable.type == "multilabel":
        return [] if names == [NONE_OF_THESE] and NONE_OF_THESE not in known else names
    if len(names) != 1:
        raise InputError(f"{where}: variable {variable.name!r} is {variable.type}: expected one choice, got {names}")
    return names[0]


def _step(path: list[Any], known: set[str]) -> str:
    whole = "/".join(map(str, path))
    return whole if whole.strip().casefold() in known or not path else str(path[-1])


def _entry(holder: Any, key: str, of: type, where: str) -> Any:
    if not isinstance(holder, dict) or not isinstance(holder.get(key), of):
        raise InputError(
            f"{where}: expected {key!r} as Label Studio exports it; export as JSON, not as JSON_MIN or CSV"
        )
    return holder[key]
