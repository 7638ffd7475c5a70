"""Recognition: is it the same person, who among these is it, which faces are one person. Behind `studium.run.gate`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.core import parameters, parts, registry
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store, Table, unit_of
from studium.core.unit import Span
from studium.errors import InputError
from studium.explore.persons import SAME, TOGETHER, distances, persons
from studium.media.image import MAX_PIXELS, decode
from studium.media.region import Region, region
from studium.run.lineage import Lineage
from studium.run.load import Decoding, Loader
from studium.run.tables import living, matrix, paths

__all__ = [
    "FOUND",
    "MEASURE",
    "Known",
    "Persons",
    "Verified",
    "find",
    "grouped",
    "one_face",
    "seen",
    "stored",
    "threshold_of",
]

MEASURE = "face_embedding"
FOUND = pa.schema({"unit": pa.string(), "path": pa.string(), "box": pa.list_(pa.int32()), "distance": pa.float32()})
"""Of the faces that `find` ranks: ``unit`` (null for those of loose pictures), ``path``, ``box`` and ``distance``."""

_COLUMNS = (
    Column("person", "int32", "number of the person that the face shows; 0 has the most faces", low=0, sensitive=True),
    Column("person_distance", "float32", "distance of the template to that of the person's most typical face", low=0),
    Column("person_medoid", "bool", "it is the most typical face of its person"),
)


@dataclass(frozen=True)
class _Persons:
    """Parameters of `grouped`."""

    threshold: float = TOGETHER


@dataclass(frozen=True)
class _Verify(_Persons):
    """Parameters of `Corpus.verify`."""

    threshold: float = SAME


@dataclass(frozen=True)
class Verified:
    """Whether two faces show one person.

    Attributes:
        distance: of their templates.
        threshold: the distance below which they count as one person.
    """

    distance: float
    threshold: float

    @property
    def same(self) -> bool:
        """Whether the distance is below the threshold."""
        return self.distance < self.threshold


@dataclass(frozen=True)
class Known:
    """Faces and where they are.

    Attributes:
        rows: ``unit``, ``path`` and ``box`` of each, as in `FOUND`.
        templates: n x 128, in the order of the rows.
        empty: paths of the pictures in which there is no face.
    """

    rows: list[dict[str, Any]]
    templates: npt.NDArray[np.float32]
    empty: tuple[str, ...] = ()


@dataclass(frozen=True)
class Persons:
    """Persons on disk: ``unit``, ``person``, ``person_distance``, ``person_medoid``.

    Attributes:
        table: where they lie.
        computed: whether they were computed just now.
    """

    table: Table
    computed: bool

    def overview(self) -> list[tuple[int, int, str]]:
        """(person, faces, id of the most typical face) of every person, the one with the most faces first."""
        return [(p["person"], p["faces"], p["medoid"]) for p in self.table.result()["persons"]]

    def members(self) -> pa.Table:
        """Every face with its person."""
        return self.table.read()


def seen(pictures: Iterable[str | Path], decoding: Decoding) -> Known:
    """The faces in loose pictures.

    Raises:
        RefusedError: no legal basis is in force here.
        MediaError: a picture cannot be decoded.
    """
    rows: list[dict[str, Any]] = []
    templates, empty = [_embedded([])], []
    for path in pictures:
        found = _faces(Path(path), decoding)
        rows += [{"unit": None, "path": str(path), "box": list(face.box or ())} for face, _ in found]
        templates.append(_embedded([cut for _, cut in found]))
        if not found:
            empty.append(str(path))
    return Known(rows, np.concatenate(templates), tuple(empty))


def stored(store: Store, table: Table) -> Known:
    """The faces of a study, by a table of their templates."""
    ids, templates = matrix(store, table)
    units = store.units("face")
    told = zip(units["id"].to_pylist(), paths(store, "face").to_pylist(), units["box"].to_pylist(), strict=True)
    where = {unit: {"unit": unit, "path": path, "box": box} for unit, path, box in told}
    return Known([where[unit] for unit in ids], templates)


def one_face(store: Store, target: str | Path, decoding: Decoding) -> npt.NDArray[np.float32]:
    """The template of the only face in a picture, or of a face of the study.

    Args:
        store: the study.
        target: path of a picture, or the id of a face, in full or its first digits (at least 6).
        decoding: what may be decoded.

    Returns:
        128 numbers.

    Raises:
        InputError: there is no such picture or face, no face in it, or several; the message lists these with boxes.
    """
    if Path(target).is_file():
        found = seen([target], decoding)
        if len(found.rows) != 1:
            raise InputError(_several(target, [row["box"] for row in found.rows]))
        return np.asarray(found.templates[0])
    units = store.units("face")
    fitting = [at for at, unit in enumerate(units["id"].to_pylist()) if unit.startswith(str(target))]
    if not re.fullmatch("[0-9a-f]{6,64}", str(target)) or len(fitting) != 1:
        raise InputError(
            f"{target} should be a picture with one face, or the id of a face of the study (6 digits or more); it is no"
            f" file, and {len(fitting)} faces have ids that begin so"
        )
    unit = unit_of(units.slice(fitting[0], 1).to_pylist()[0])
    with Loader(store.root, decoding, Lineage(store, "face").above([unit])) as loader:
        face: Region = loader.load(unit, "region")
    return np.asarray(_embedded([face])[0])


def threshold_of(verb: str, params: Mapping[str, Any]) -> float:
    """The threshold of "verify" or "persons", the default if it is not among the parameters.

    Raises:
        InputError: it is no distance above 0, or there are other parameters.
    """
    kind: type[_Persons] = _Verify if verb == "verify" else _Persons
    given = parameters.make(verb, kind, params).threshold
    if not 0 < given < np.inf:
        raise InputError(f"{verb}: threshold is a distance above 0, such as {TOGETHER}, got {given}")
    return float(given)


def find(template: npt.NDArray[np.float32], known: Known, k: int) -> pa.Table:
    """The ``k`` faces nearest to a template, the nearest first; then pictures without a face, without a distance."""
    apart = distances(template[None], known.templates)[0] if known.rows else np.zeros(0, np.float32)
    order = np.argsort(apart, kind="stable")[:k]
    rows = [{**known.rows[at], "distance": float(apart[at])} for at in order]
    return pa.Table.from_pylist([*rows, *({"path": path} for path in known.empty)], schema=FOUND)


def grouped(store: Store, source: Table, threshold: float, seed: int) -> Persons:
    """Faces as persons, see `studium.explore.persons`; computed once for the same templates and parameters."""
    params = {"by": source.recipe.label, "threshold": threshold, "seed": seed}
    units = parts.sum_of_rows(living(store, source, ["unit"]))
    recipe = Recipe("persons", "1", params, inputs=f"{source.digest()}{units:064x}")
    table = store.table(source.kind, recipe)
    if table.result():
        return Persons(store.create(source.kind, recipe, _COLUMNS), computed=False)
    ids, X = matrix(store, source)
    found = persons(X, threshold, seed)
    table = store.create(source.kind, recipe, _COLUMNS)
    medoid = np.zeros(len(ids), np.bool_)
    medoid[found.medoid] = True
    values = {"person": found.person, "person_distance": found.distance, "person_medoid": medoid}
    sizes = np.bincount(found.person, minlength=len(found.medoid)).tolist()
    told = [{"person": p, "faces": sizes[p], "medoid": ids[at]} for p, at in enumerate(found.medoid.tolist())]
    table.replace(ids, table.arrays(values), {"by": source.recipe.label, "units": len(ids), "persons": told})
    return Persons(table, computed=True)


def _faces(path: Path, decoding: Decoding) -> list[tuple[Span, Region]]:
    """The faces in a picture, found as the unitizer finds them by default."""
    most = MAX_PIXELS if decoding.max_pixels is None else decoding.max_pixels
    picture = decode(path, detail=None, max_pixels=most, truncated=decoding.truncated)
    spans: Sequence[Span] = list(registry.make("unitizers", "faces", {})(picture))
    return [(span, region(picture, span.box, span.points)) for span in spans if span.box]


def _embedded(faces: Sequence[Region]) -> npt.NDArray[np.float32]:
    templates: npt.NDArray[np.float32] = registry.make("measures", MEASURE, {})(faces)[MEASURE]
    return templates


def _several(target: str | Path, boxes: list[list[int]]) -> str:
    if not boxes:
        return f"{target}: expected one face, found none"
    listed = ", ".join(str(tuple(box)) for box in boxes)
    return f"{target}: expected one face, found {len(boxes)}, in the boxes (x0, y0, x1, y1) {listed}; cut out the one"
