"""Boxes as COCO: ``images``, ``categories``, ``annotations``. See https://cocodataset.org/#format-data.

COCO knows no coders, no "cannot tell", and not who looked and drew nothing: ``studium`` tells them, beside.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.coding.exchange.written import Place, Written, extra
from studium.core.annotation import Annotation
from studium.core.boxes import Boxed
from studium.core.codebook import Codebook
from studium.core.exchange.given import Given, Read, moment, number, valid
from studium.errors import InputError

__all__ = ["NAMES", "Coco", "write_coco"]

OWN = "studium"
NAMES = ("sha256", "file_name")
"""Keys of an image by which it is found: the digest of its file's content, or its path."""
_OTHER = ("segmentation", "keypoints", "caption")  # what an annotation may be besides a box
_NEAR = 0.01  # px: what is off by less is whole


def write_coco(rows: Iterable[Annotation], codebook: Codebook, places: Mapping[str, Place]) -> Written:
    """The boxes of whole pictures. `Coco` reads them, and so does whatever reads COCO.

    Args:
        rows: annotations of variables of the codebook.
        codebook: with their variables.
        places: unit -> where it is, with its size.

    Returns:
        The file. Left out, and told, are annotations that are "no_boxes", those of parts of a file ("no_file"), and
        "boxes_without_size", of pictures whose size is not known. Told, and in it, are pictures of "several_coders":
        in ``annotations`` stand the boxes of all of them.
    """
    told: Counter[str] = Counter()
    kept = []
    for one in rows:
        if why := _unfit(one, codebook, places):
            told[why] += 1
        else:
            kept.append(one)
    units = {unit: at for at, unit in enumerate(dict.fromkeys(one.unit for one in kept), start=1)}
    asked = [codebook[name] for name in dict.fromkeys(one.variable for one in kept)]
    names = [(variable.name, value.name) for variable in asked for value in variable.values]
    categories = {pair: at for at, pair in enumerate(names, start=1)}
    boxes: list[dict[str, Any]] = []
    codes: list[dict[str, Any]] = []
    for one in kept:
        drawn = [_box(one, box, units, categories) for box in _listed(one)]
        ids = [*range(len(boxes) + 1, len(boxes) + 1 + len(drawn))]
        boxes += [{"id": number, **box} for number, box in zip(ids, drawn, strict=True)]
        about = {"image_id": units[one.unit], "variable": one.variable, "coder": one.coder, **extra(one)}
        codes.append({**about, "annotations": None if one.value is None else ids})
    counted = Counter(one.unit for one in {(one.unit, one.variable, one.coder): one for one in kept}.values())
    told["several_coders"] += sum(n > len(asked) for n in counted.values())
    body = {
        "images": [_image(unit, at, places[unit]) for unit, at in units.items()],
        "categories": [
            {"id": at, "name": value, "supercategory": variable} for (variable, value), at in categories.items()
        ],
        "annotations": boxes,
        OWN: {"codes": codes},
    }
    text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
    return Written(text, len(kept), {why: n for why, n in told.items() if n})


@dataclass(frozen=True)
class Coco:
    """How a file is read.

    Attributes:
        codebook: which variables there are.
        variable: the one whose values the categories are; "" for that of their ``supercategory``, or the only variable
            of pictures that is answered by boxes.
        coder: who drew them, where the file does not say it.
    """

    codebook: Codebook
    variable: str = ""
    coder: str = ""

    def read(self, path: str | Path) -> Read:
        """The boxes in a file, by the `NAMES` of images: every image has an answer, which may be no box.

        Returns:
            The rows; each ``unit`` is an image's sha256, or its ``file_name``. Told are other labels that annotations
            carry ("segmentation" ...), boxes around "crowds", annotations "without_box", boxes that were "rounded" to
            whole pixels, and images of which "only_others" are known: what is in them is no box, so they get no answer.

        Raises:
            InputError: it is no COCO, names categories that are no values, or has boxes outside of their pictures.
        """
        try:
            body = json.loads(Path(path).read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} cannot be read as JSON in UTF-8: {error}") from error
        where = str(path)
        images = {_get(one, "id", where): one for one in _get(body, "images", where)}
        drawn, told = self._drawn(body, images, where)
        others = {(one, name) for one, name, box in drawn.values() if box is None}
        drawn = {at: one for at, one in drawn.items() if one[2] is not None}
        if isinstance(body.get(OWN), dict):
            rows = [self._own(code, images, drawn, where) for code in _get(body[OWN], "codes", where)]
        else:
            rows = self._of_images(body, images, drawn, others, where)
            told["only_others"] = len(others - {(image, name) for image, name, _ in drawn.values()})
        return Read(tuple(rows), {why: n for why, n in sorted(told.items()) if n})

    def _drawn(
        self, body: Mapping[str, Any], images: Mapping[Any, Any], where: str
    ) -> "tuple[dict[Any, tuple[Any, str, Boxed | None]], Counter[str]]":
        """Id of each annotation -> its image, variable and box; None if it has none, or one around a crowd."""
        categories = {_get(one, "id", where): one for one in _get(body, "categories", where)}
        drawn: dict[Any, tuple[Any, str, Boxed | None]] = {}
        told: Counter[str] = Counter()
        for at, one in enumerate(_get(body, "annotations", where), start=1):
            here = f"{where}, annotation {at}"
            image = images.get(_get(one, "image_id", here))
            category = categories.get(_get(one, "category_id", here))
            if image is None or category is None:
                raise InputError(f"{here}: its image or category is not in the file; export it anew")
            told["crowds"] += bool(one.get("iscrowd"))
            told.update(other for other in _OTHER if one.get(other))
            told["without_box"] += not one.get("bbox") and not one.get("iscrowd")
            if one.get("id", at) in drawn:
                raise InputError(f"{here}: the id {one.get('id')} is given twice; number annotations anew")
            name = self._variable(category, where)
            box = None if one.get("iscrowd") or not one.get("bbox") else _corners(one, image, here, told)
            said = None if box is None else {"value": _get(category, "name", here), "box": box}
            drawn[one.get("id", at)] = one["image_id"], name, said
        return drawn, told

    def _own(self, code: Any, images: Mapping[Any, Any], drawn: Mapping[Any, Any], where: str) -> Given:
        """An answer that studium wrote."""
        ids, variable = _get(code, "annotations", where, None), self.codebook[_get(code, "variable", where)]
        if lost := [one for one in ids or () if one not in drawn]:
            raise InputError(f"{where}: an answer names the annotation {lost[0]}, which is not there; export it anew")
        said = None if ids is None else [drawn[one][2] for one in ids]
        texts = {key: code.get(key) for key in ("note", "sample", "definition", "key")}
        return Given(
            _named(images.get(_get(code, "image_id", where)), where),
            variable.name,
            valid(variable, said, where),
            str(_get(code, "coder", where)),
            weight=number(code.get("weight", 1), "a weight, 1 / P(drawn)", where),
            at=moment(code.get("at"), where),
            seconds=None if code.get("seconds") is None else number(code["seconds"], "seconds", where),
            **texts,
            size=_size(images.get(_get(code, "image_id", where)), where),
        )

    def _of_images(
        self, body: Mapping[str, Any], images: Mapping[Any, Any], drawn: Mapping[Any, Any], others: Any, where: str
    ) -> list[Given]:
        """An answer for every image and variable that the categories are of, but where only others than boxes are."""
        if not self.coder:
            raise InputError(f"{where}: COCO does not say who drew the boxes; say it (--coder NAME)")
        names = dict.fromkeys(self._variable(one, where) for one in body["categories"])
        found: dict[tuple[Any, str], list[Boxed]] = {(image, name): [] for image in images for name in names}
        for image, name, box in drawn.values():
            found[image, name].append(box)
        return [
            Given(
                *(_named(images[image], where), name, valid(self.codebook[name], boxes, where), self.coder),
                size=_size(images[image], where) if boxes else None,
            )
            for (image, name), boxes in found.items()
            if boxes or (image, name) not in others
        ]

    def _variable(self, category: Any, where: str) -> str:
        """The variable that a category is a value of."""
        known = [one.name for one in self.codebook.variables if one.type == "boxes" and one.of == "image"]
        said = self.variable or category.get("supercategory")
        name = said if said in known else known[0] if len(known) == 1 and not self.variable else ""
        if not name:
            raise InputError(
                f"{where}: which variable are the categories of? Say one that is answered by boxes (--variable): "
                f"{', '.join(known) or 'the codebook has none of image units'}"
            )
        return name


def _unfit(one: Annotation, codebook: Codebook, places: Mapping[str, Place]) -> str:
    """Why COCO cannot hold an annotation; "" if it can."""
    variable, place = codebook[one.variable], places.get(one.unit, Place())
    if variable.type != "boxes":
        return "no_boxes"
    if variable.of != "image" or place.within:
        return "no_file"
    return "" if place.size else "boxes_without_size"


def _image(unit: str, at: int, place: Place) -> dict[str, Any]:
    wide, high = place.size or (0, 0)
    return {"id": at, "file_name": place.path, "width": wide, "height": high, "sha256": unit}


def _box(
    one: Annotation, box: Boxed, units: Mapping[str, int], categories: Mapping[tuple[str, str], int]
) -> dict[str, Any]:
    x0, y0, x1, y1 = box["box"]
    return {
        "image_id": units[one.unit],
        "category_id": categories[one.variable, box["value"]],
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": (x1 - x0) * (y1 - y0),
        "iscrowd": 0,
    }


def _listed(one: Annotation) -> Sequence[Any]:
    return one.value if isinstance(one.value, list) else []


def _corners(one: Any, image: Any, where: str, told: "Counter[str]") -> list[int]:
    """The box in whole pixels; half a pixel over the edge is no error, for others place boxes between pixels."""
    box = _get(one, "bbox", where)
    if not isinstance(box, list) or len(box) != 4:
        raise InputError(f"{where}: expected bbox as [x, y, width, height] in pixels, got {box!r}")
    x, y, width, height = (number(it, "a bbox in pixels", where) for it in box)
    exact = [x, y, x + width, y + height]
    size = _size(image, where)
    if min(x, y) < -1 or x + width > size[0] + 1 or y + height > size[1] + 1 or min(width, height) < 0:
        raise InputError(f"{where}: the box {box} leaves its image, which is {size[0]:g} x {size[1]:g} px; correct it")
    x0, y0, x1, y1 = (round(min(max(at, 0), most)) for at, most in zip(exact, [*size, *size], strict=True))
    x0, y0 = min(x0, int(size[0]) - 1), min(y0, int(size[1]) - 1)
    whole = [x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)]
    told["rounded"] += any(abs(a - b) > _NEAR for a, b in zip(exact, whole, strict=True))
    return whole


def _size(image: Any, where: str) -> tuple[float, float]:
    wide, high = (number(_get(image, key, where), f"{key} of its image", where) for key in ("width", "height"))
    return wide, high


def _named(image: Any, where: str) -> str:
    if image is None:
        raise InputError(f"{where}: an answer names an image that the file does not have; export it anew")
    named = next((image[key] for key in NAMES if image.get(key)), None)
    if not isinstance(named, str):
        raise InputError(f"{where}: expected a file_name of every image, got {image!r}")
    return named


_NEEDED = object()


def _get(holder: Any, key: str, where: str, default: Any = _NEEDED) -> Any:
    if not isinstance(holder, dict) or (key not in holder and default is _NEEDED):
        raise InputError(f"{where}: expected {key!r} as in COCO's object detection format, which is missing; add it")
    return holder.get(key, default)
