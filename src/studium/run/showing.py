"""What shows the faces of a split: how much of its picture each covers, and the images, frames, videos and posts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.store import Store, Table
from studium.explore.duplicates import Pairs, groups
from studium.media.region import Box, union
from studium.run.lineage import climbed, split_by

__all__ = ["Items", "Searched", "areas", "holders", "searched"]


@dataclass(frozen=True)
class Searched:
    """The pictures of one kind in which faces were looked for.

    Attributes:
        of: their kind: "image" or "frame".
        units: their ids.
        area: the share of each that its faces cover.
    """

    of: str
    units: pa.Array
    area: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Items:
    """The units of one kind in which faces were looked for.

    Attributes:
        of: their kind.
        clusters: what each is drawn with: a frame with its video, a post with all that share a medium with it, the
            others by themselves.
        pairs: m x 2: a face (its row), and an item that shows it.
    """

    of: str
    clusters: Sequence[str]
    pairs: npt.NDArray[np.int64]


def searched(store: Store, split: Table, frames: str = "", prefer: Collection[Path] = ()) -> list[Searched]:
    """The images and frames in which a split looked for faces, as far as there are any.

    Args:
        store: the study.
        split: which looked for faces.
        frames: the split that made the frames that count, if there were several.
        prefer: folders of tables that are meant where none is named.

    Raises:
        InputError: there were several splits into frames, and none is named.
        UnknownNameError: there is no split of that name.
    """
    found = []
    twins = [t for kind in ("image", "frame") for t in store.tables(kind) if t.recipe.label == split.recipe.label]
    made = _frames(store, frames, prefer) if frames or any(table.kind == "frame" for table in twins) else None
    for table in twins:
        rows = table.read(["unit", "face_area"])
        counts = pc.is_in(rows["unit"], value_set=store.units(table.kind)["id"])
        if table.kind == "frame" and made:
            counts = pc.and_(counts, pc.is_in(rows["unit"], value_set=made.done()))
        rows = rows.filter(counts).combine_chunks()
        if rows.num_rows:
            found.append(Searched(table.kind, rows["unit"].combine_chunks(), rows["face_area"].to_numpy()))
    return found


def _frames(store: Store, name: str, prefer: Collection[Path]) -> Table | None:
    """The split whose frames count; None if the frames come from none that studium knows."""
    splits = [table for table in store.tables("frame") if table.recipe.name == "frames" and table.begun]
    return split_by(store, "frame", name or "frames", name, prefer) if name or splits else None


def holders(store: Store, pictures: Sequence[Searched], units: pa.Table, files: pa.Array) -> Iterable[Items]:
    """Images, frames, videos and posts in which faces were looked for, as far as there are any.

    Args:
        store: the study.
        pictures: in which faces were looked for.
        units: the faces.
        files: ids of the images and videos that they lie in, in the same order.
    """
    parents, sources = units["parent"].to_pylist(), files.to_pylist()
    media: dict[str, list[str]] = {"image": [], "video": []}
    for some in pictures:
        within = _media(store, some)
        media["video" if some.of == "frame" else "image"] += list(dict.fromkeys(within))
        yield Items(some.of, within, _paired(parents, {unit: [i] for i, unit in enumerate(some.units.to_pylist())}))
    if videos := media["video"]:
        yield Items("video", videos, _paired(sources, {unit: [i] for i, unit in enumerate(videos)}))
    if posts := _posts(store, {*media["image"], *media["video"]}):
        ids = list(dict.fromkeys(post for one in posts.values() for post in one))
        number = {post: i for i, post in enumerate(ids)}
        shown = {medium: [number[post] for post in one] for medium, one in posts.items()}
        yield Items("post", _together(len(ids), shown.values()), _paired(sources, shown))


def _media(store: Store, pictures: Searched) -> list[str]:
    """For each picture, the file that it lies in: a frame's video, an image itself."""
    if pictures.of == "image":
        return list(pictures.units.to_pylist())
    at = pc.index_in(pictures.units, value_set=store.units("frame")["id"])
    return list(climbed(store, "frame", ["video"]).take(at).to_pylist())


def _together(n: int, media: Iterable[Sequence[int]]) -> list[str]:
    """For each of n posts: what it is drawn with, given the posts of every medium; the same for all that share one."""
    pairs = np.array([(some[0], other) for some in media for other in some[1:]], np.int64).reshape(-1, 2)
    linked = groups(Pairs(pairs[:, 0], pairs[:, 1], np.ones(len(pairs))), n).group
    return [str(group) if group >= 0 else f"alone {post}" for post, group in enumerate(linked.tolist())]


def _posts(store: Store, media: Collection[str]) -> dict[str, dict[str, None]]:
    """The posts that each medium is attached to, each once."""
    found: dict[str, dict[str, None]] = {}
    for row in store.attachments().select(["post", "media"]).to_pylist():
        if row["post"] is not None and row["media"] in media:
            found.setdefault(row["media"], {})[row["post"]] = None
    return found


def _paired(of_faces: Sequence[str | None], items: Mapping[str, Sequence[int]]) -> npt.NDArray[np.int64]:
    """(face, item) for every face whose unit in ``of_faces`` has items."""
    found = [(face, item) for face, unit in enumerate(of_faces) for item in items.get(unit or "", ())]
    return np.array(found, np.int64).reshape(len(found), 2)


def areas(pictures: Sequence[Searched], units: pa.Table) -> dict[str, float]:
    """The share of its picture that each face covers, by its id; without those of pictures that are not done yet.

    The boxes of a picture cover so many pixels together, and its ``face_area`` is the share that these are.
    """
    inside: dict[str, list[tuple[str, Box]]] = {}
    for row in units.select(["id", "parent", "box"]).to_pylist():
        inside.setdefault(row["parent"], []).append((row["id"], tuple(row["box"])))
    found: dict[str, float] = {}
    for some in pictures:
        for picture, share in zip(some.units.to_pylist(), some.area.tolist(), strict=True):
            faces = inside.get(picture, [])
            pixels = union([box for _, box in faces])
            found |= {unit: (x1 - x0) * (y1 - y0) * share / pixels for unit, (x0, y0, x1, y1) in faces}
    return found
