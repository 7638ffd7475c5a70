"""Annotations as tasks of Label Studio: one task for each unit, one annotation for each of its coders."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from studium.coding.codebook.label_studio import BESIDES, LEFT, UNIT, control_of, objects
from studium.coding.exchange.written import Place, Written, extra
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.exchange.cells import CANNOT_TELL
from studium.core.exchange.label_studio import INSTEAD, OWN
from studium.core.pair import units_of
from studium.core.variable import NONE_OF_THESE, Answer, Variable

__all__ = ["write_tasks"]


def write_tasks(rows: Iterable[Annotation], codebook: Codebook, places: Mapping[str, Place]) -> Written:
    """The tasks; Label Studio imports them, and `studium.core.exchange.label_studio` reads them.

    Label Studio knows coders as its own users, and no weight, note, sample, definition or time of a single answer.
    These stand in ``studium`` of each annotation, which it ignores, and which does not come back from it.

    Args:
        rows: annotations of variables of the codebook, of one kind of units, or of pairs of them.
        codebook: with their variables.
        places: unit -> where it is; of pairs for each of the two.

    Returns:
        The file. Left out, and told, are "boxes_without_size", of pictures whose size is not known, and "cannot_tell"
        of a variable with a value of that name. Told, and in it, are units that are "no_file" of their own: of these
        Label Studio shows nothing until somebody cuts them out and says where in ``data``.
    """
    told: Counter[str] = Counter()
    units: dict[str, dict[str, list[Annotation]]] = {}
    for one in rows:
        units.setdefault(one.unit, {}).setdefault(one.coder, []).append(one)
    tasks, n, ids = [], 0, count(1)
    for unit, coders in units.items():
        annotations = []
        for coder, said in coders.items():
            results = [(one, _result(one, codebook, places, told)) for one in said]
            found = [(one, result) for one, result in results if result is not None]
            if found:
                annotations.append(_annotation(coder, found))
                n += len(found)
        first = codebook[next(iter(coders.values()))[0].variable]
        if annotations:
            tasks.append({"id": next(ids), "data": _data(unit, first, places, told), "annotations": annotations})
    return Written(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", n, {k: v for k, v in told.items() if v})


def _annotation(coder: str, found: Sequence[tuple[Annotation, list[dict[str, Any]]]]) -> dict[str, Any]:
    """What a coder says of a unit."""
    latest = max(one.at for one, _ in found).isoformat()
    took = {one.at: one.seconds for one, _ in found if one.seconds is not None}  # answers of one time took as long
    return {
        "was_cancelled": False,
        "created_at": latest,
        "updated_at": latest,
        **({"lead_time": sum(took.values())} if took else {}),
        "result": [it for _, results in found for it in results],
        OWN: {"coder": coder, "codes": {one.variable: extra(one) for one, _ in found}},
    }


def _data(unit: str, variable: Variable, places: Mapping[str, Place], told: "Counter[str]") -> dict[str, Any]:
    """What Label Studio shows, and what names the unit when it comes back."""
    parts = units_of(unit) if variable.pairs else (unit,)
    data: dict[str, Any] = {"unit": unit}
    for part, (_, key) in zip(parts, objects(variable), strict=True):
        place = places.get(part, Place())
        told["no_file"] += bool(place.within)
        data[key] = place.text if key.startswith("text") else f"/data/local-files/?d={place.path}"
        data |= {} if variable.pairs else {"path": place.path, **(place.within or {})}
    return data


def _result(
    one: Annotation, codebook: Codebook, places: Mapping[str, Place], told: "Counter[str]"
) -> list[dict[str, Any]] | None:
    """What one annotation says, in Label Studio's words; None if it cannot be said."""
    variable = codebook[one.variable]
    about = LEFT if variable.pairs else UNIT
    if one.value is None or one.value == []:
        word = CANNOT_TELL if one.value is None else NONE_OF_THESE
        if word in {name.casefold() for name in variable.names} and control_of(variable) not in BESIDES:
            told[word] += 1
            return None
        control = one.variable + INSTEAD * (control_of(variable) in BESIDES)
        return [_said(control, about, "choices", {"choices": [word]}, one)]
    if control_of(variable) == "RectangleLabels":
        if (size := places.get(one.unit, Place()).size) is None:
            told["boxes_without_size"] += 1
            return None
        return [_box(one, at, box, size) for at, box in enumerate(_listed(one.value))]
    if control_of(variable) == "Pairwise":
        return [_said(one.variable, f"{LEFT},right", "pairwise", {"selected": one.value}, one)]
    kind, value = _whole(variable, one.value)
    return [_said(one.variable, about, kind, value, one)]


def _whole(variable: Variable, value: Answer) -> tuple[str, dict[str, Any]]:
    """Type and value of an answer of the whole unit."""
    control = control_of(variable)
    if control == "Rating":
        return "rating", {"rating": int(str(value))}
    if control == "Number":
        return "number", {"number": value}
    if control == "TextArea":
        return "textarea", {"text": [value]}
    return "choices", {"choices": value if isinstance(value, list) else [value]}


def _box(one: Annotation, at: int, box: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    (x0, y0, x1, y1), (wide, high) = box["box"], size
    sides = {"x": x0 / wide, "y": y0 / high, "width": (x1 - x0) / wide, "height": (y1 - y0) / high}
    value = {name: side * 100 for name, side in sides.items()} | {"rotation": 0, "rectanglelabels": [box["value"]]}
    said = _said(one.variable, UNIT, "rectanglelabels", value, one)
    return {**said, "id": f"{said['id']}-{at}", "original_width": wide, "original_height": high, "image_rotation": 0}


def _said(control: str, about: str, kind: str, value: Mapping[str, Any], one: Annotation) -> dict[str, Any]:
    return {
        "id": f"{one.unit[:8]}-{one.variable}",
        "from_name": control,
        "to_name": about,
        "type": kind,
        "value": dict(value),
        "origin": "manual",
    }


def _listed(value: Answer) -> list[Any]:
    return value if isinstance(value, list) else []
