"""Copies of pictures with what was found in them drawn on, and the marks themselves for the report."""

import io
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studium.core import parts
from studium.core.store import Store, Table, unit_of
from studium.core.unit import BOXED, PARENTS, Unit
from studium.errors import InputError, MediaError, RefusedError, StoreError
from studium.media.draw import Mark, marked
from studium.run.lineage import Lineage
from studium.run.load import DEFAULT, Decoding, Loader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

__all__ = ["draw", "marks_of"]

Told = Callable[[int, int], None]

_LONGEST = 65_500  # px, of a side of a JPEG


def marks_of(store: Store, table: Table, label: str = "") -> dict[str, list[Mark]]:
    """What a table's units look like when drawn, by the id of the picture that they lie in.

    Args:
        store: the study.
        table: of face, object or line units.
        label: its column that is written beside each unit; "" for nothing. A column ``confidence`` is added.

    Raises:
        InputError: units of this kind have no box, or there is no such column.
        RefusedError: the column says what is perceived of a person; those are for tables, not for faces.
    """
    if table.kind not in BOXED:
        raise InputError(f"{', '.join(sorted(BOXED))} units can be drawn, got {table.kind!r}")
    columns = {column.name: column for column in table.columns}
    if label and label not in columns:
        raise InputError(f"{table.recipe.label} has no column {label!r}; it has: {', '.join(columns)}")
    if label and columns[label].sensitive:
        raise RefusedError(f"{label} is perceived of a person; it is not written beside anybody's face")
    wanted = [name for name in (label, "confidence") if name in columns]
    rows = {row["unit"]: row for row in table.read(["unit", *wanted]).to_pylist()}
    found: dict[str, list[Mark]] = defaultdict(list)
    for row in store.units(table.kind).to_pylist():
        if row["id"] in rows:
            found[row["parent"]].append(_mark(unit_of(row), rows[row["id"]], label))
    return dict(found)


def _mark(unit: Unit, row: Mapping[str, Any], label: str) -> Mark:
    assert unit.span is not None
    assert unit.span.box is not None
    confidence = row.get("confidence")
    said = "" if confidence is None else f"{confidence:.2f}"
    text = str(row[label]) if label and row[label] is not None else ""
    return Mark(unit.span.box, unit.span.points, text, said)


def draw(
    store: Store, marks: Mapping[str, list[Mark]], to: Path, decoding: Decoding = DEFAULT, told: Told | None = None
) -> int:
    """Write a copy of every picture that has marks: a JPEG without metadata, named by its unit's first 16 digits.

    Args:
        store: the study.
        marks: what to draw, by the id of the picture.
        to: folder; made if need be. A copy of the same name is replaced.
        decoding: what may be decoded.
        told: (pictures finished, pictures to do).

    Returns:
        How many were written. A warning names each picture that can no longer be decoded, or is too large for a JPEG.

    Raises:
        StoreError: the folder cannot be written to.
    """
    written = finished = 0
    for kind in PARENTS["face"]:
        units = [unit_of(row) for row in store.units(kind).to_pylist() if row["id"] in marks]
        with Loader(store.root, decoding, Lineage(store, kind).above(units)) as loader:
            for unit in units:
                try:
                    picture = marked(loader.load(unit, "image"), marks[unit.id])
                    _write(to / f"{unit.id[:16]}.jpg", _jpeg(picture))
                    written += 1
                except MediaError as error:
                    log.warning("%s: nothing drawn: %s", unit.id, error)
                finished += 1
                if told:
                    told(finished, len(marks))
    return written


def _write(file: Path, content: bytes) -> None:
    try:
        parts.replace_file(file, content)
    except OSError as error:
        raise StoreError(f"cannot write to {file.parent}: {error.strerror or error}") from error


def _jpeg(picture: "NDArray[np.uint8]") -> bytes:
    from PIL import Image

    if max(picture.shape) > _LONGEST:
        raise MediaError(f"a side is longer than {_LONGEST:,} px, the most that a JPEG takes")
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=92, subsampling=0)
    return data.getvalue()
