"""What a coder is shown of a unit: nothing that tells what others, or machines, or the folders of files say of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.cache import cached, stamp
from studium.core.store import Store, unit_of
from studium.core.unit import BOXED
from studium.errors import UnknownNameError
from studium.run import held
from studium.run.coding.places import sizes
from studium.run.index import Index, indexed
from studium.run.load import text_of

__all__ = ["Shown", "shown", "size_of"]

_SIZED = {"image", "frame", *BOXED}
_ATTACHED = ("image", "video", "audio")


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit as a coder sees it, besides its picture, film or sound.

    Attributes:
        id: of the unit.
        kind: of the unit.
        label: its kind and the first digits of its id, to speak of it: names of files and folders may tell the answer.
        text: a post's text, or that of a line or a spoken segment; or None.
        size: width and height of its picture in pixels, upright, where they are known; or None.
        media: what is attached to a post, in its order; of each no more than its id, kind, label and size.
    """

    id: str
    kind: str
    label: str
    text: str | None = None
    size: tuple[int, int] | None = None
    media: "tuple[Shown, ...]" = ()


def shown(store: Store, of: str, units: Sequence[str]) -> list[Shown]:
    """Some units, in this order; of those that the study has no more only what their ids tell."""
    rows = [row for row in held.rows(store, of, units) if row is not None]
    found = held.units(store, of).take(pa.array(rows, pa.int64())).to_pylist()
    texts = {row["id"]: text_of(unit_of(row)) for row in found}
    media = _attached(store, units) if of == "post" else {}
    return [_one(store, of, unit, texts.get(unit), media.get(unit, ())) for unit in units]


def _one(store: Store, of: str, unit: str, text: str | None = None, media: tuple[Shown, ...] = ()) -> Shown:
    return Shown(unit, of, f"{of} {unit[:8]}", text, size_of(store, of, unit) if of in _SIZED else None, media)


def _attached(store: Store, posts: Sequence[str]) -> dict[str, tuple[Shown, ...]]:
    """The media of posts, each once, in the order in which the post shows them."""
    table = cached((store.root, "attachments"), stamp(store.root / "attachments"), store.attachments)
    rows = table.filter(pc.is_in(table["post"], value_set=pa.array(posts, pa.string()))).to_pylist()
    rows.sort(key=lambda row: row["position"])
    kinds = {medium: kind for kind in _ATTACHED for medium in _there(store, kind, {row["media"] for row in rows})}
    found: dict[str, dict[str, Shown]] = {}
    for row in rows:
        if kind := kinds.get(row["media"]):
            found.setdefault(row["post"], {})[row["media"]] = _one(store, kind, row["media"])
    return {post: tuple(media.values()) for post, media in found.items()}


def _there(store: Store, kind: str, ids: Collection[str]) -> list[str]:
    return [unit for unit, row in zip(ids, held.rows(store, kind, ids), strict=True) if row is not None]


def size_of(store: Store, of: str, unit: str) -> tuple[int, int] | None:
    """Width and height in pixels of a unit's picture, upright; None where neither a table nor a file's header tells."""
    if of in BOXED:
        (row,) = held.rows(store, of, [unit])
        boxes = [] if row is None else held.units(store, of)["box"].slice(row, 1).to_pylist()
        return (boxes[0][2] - boxes[0][0], boxes[0][3] - boxes[0][1]) if boxes else None
    return _measured(store, of, unit) or sizes(store, of, [unit]).get(unit)


def _measured(store: Store, of: str, unit: str) -> tuple[int, int] | None:
    """Width and height that `properties` told of a unit; read once and held while its table stays as it is."""
    try:
        table = store.find(of, "properties")
    except UnknownNameError:
        return None
    made, names = stamp(table.folder), ["unit", "width", "height"]
    known, places = cached((table.folder, "sizes"), made, lambda: _by_unit(table.read(names)))
    found = known.take(places.rows([unit])).to_pylist()
    return (found[0]["width"], found[0]["height"]) if found else None


def _by_unit(rows: pa.Table) -> tuple[pa.Table, Index]:
    return rows.drop_columns("unit").combine_chunks(), indexed(rows["unit"])
