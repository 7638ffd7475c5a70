"""Exposure: how long, how often and how large faces, objects, logos and text are to be seen in a medium or a post."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa

from studium.core.recipe import Recipe
from studium.core.store import Store, Table
from studium.core.unit import BOXED, PARENTS, STRETCHES
from studium.errors import InputError
from studium.media.region import Box, union
from studium.run.lineage import split_by
from studium.run.tables import paths

__all__ = ["EXPOSURE", "Asked", "exposure"]

EXPOSURE = pa.schema(
    {
        "unit": pa.string(),
        "path": pa.string(),
        "label": pa.string(),
        "units": pa.int64(),
        "pictures": pa.int64(),
        "looked_at": pa.int64(),
        "seconds": pa.float64(),
        "share": pa.float64(),
        "area": pa.float64(),
        "area_shown": pa.float64(),
        "first": pa.float64(),
        "last": pa.float64(),
    }
)
_TO = ("image", "frame", "video", "post")


@dataclass(frozen=True)
class Asked:
    """What exposure is asked for.

    Attributes:
        of: "face", "object" or "line".
        by: table of these units that has the label; or of the split that found them.
        to: "image", "frame", "video" or "post".
        label: its column; "" for no labels.
        made_by: the split that found the units, if there were several and ``by`` is not one of them.
        frames: the split that made the frames, if there were several.
    """

    of: str
    by: str
    to: str
    label: str = ""
    made_by: str = ""
    frames: str = ""

    def __post_init__(self) -> None:
        """Refuse what has no exposure."""
        if self.of not in BOXED:
            raise InputError(f"exposure is of {', '.join(sorted(BOXED))} units, got {self.of!r}")
        if self.to not in _TO:
            raise InputError(f"exposure is rolled up to one of {', '.join(_TO)}, got {self.to!r}")


@dataclass
class _Picture:
    """A picture that was looked at: what it lies in, the time it stands for, and the boxes found in it, by label."""

    medium: str
    seconds: float | None = None
    start: float | None = None
    covered: float = 0.0
    boxes: dict[str | None, list[Box]] = field(default_factory=lambda: defaultdict(list))

    def areas(self) -> dict[str | None, float]:
        """Share of the picture that each label covers; of all of them together under None."""
        every = [box for boxes in self.boxes.values() for box in boxes]
        found = {label: self.covered * union(boxes) / union(every) for label, boxes in self.boxes.items()}
        return found | ({None: self.covered} if every else {})


def exposure(store: Store, asked: Asked, prefer: Collection[Path] = ()) -> pa.Table:
    """How much of its labels every unit of a kind shows; schema `EXPOSURE`.

    For every unit that was looked at one row without a label, for all labels together (so that units which show nothing
    are there, with 0; what has no label counts in it alone), and one for each label found in it. Columns: ``path`` (of
    all but posts); ``units`` found, in how many ``pictures`` of those ``looked_at``; of videos the ``seconds`` of the
    frames they are in, and the ``first`` and ``last`` such frame, in seconds (of a post with several videos: of
    whichever has the earliest, the latest); ``share`` of the time (of an image: 0 or 1); ``area``, the mean share of
    the picture that they cover, over all the time; and ``area_shown``, over the time in which they are to be seen. Each
    medium of a post weighs the same.

    Args:
        store: the study.
        asked: of what, to what.
        prefer: folders of the tables that a bare name means first.

    Raises:
        InputError: there are several splits, and none is named; or a table or column that is not there.
    """
    split = split_by(store, asked.of, asked.by, asked.made_by, prefer)
    if split is None:
        raise InputError(f"no split has made {asked.of} units yet")
    pictures = _looked_at(store, asked, split, prefer)
    _place(store, asked, split, pictures)
    where = dict(zip(store.units(asked.to)["id"].to_pylist(), paths(store, asked.to).to_pylist(), strict=True))
    belonging = _belonging(store, asked.to, pictures).items()
    rows = [{"path": where.get(unit), **row} for unit, media in belonging for row in _rows(unit, media)]
    return pa.Table.from_pylist(rows, schema=EXPOSURE)


def _looked_at(store: Store, asked: Asked, split: Table, prefer: Collection[Path]) -> dict[str, _Picture]:
    """Every picture that the split looked at, by its id."""
    found: dict[str, _Picture] = {}
    for kind in PARENTS[asked.of]:
        twin = next((table for table in store.tables(kind) if table.recipe.label == split.recipe.label), None)
        if twin is None or not twin.begun:
            continue
        area = twin.read(["unit", f"{asked.of}_area"]).to_pydict()
        seen = dict(zip(area["unit"], area[f"{asked.of}_area"], strict=True))
        timed = kind == "frame" and asked.to in {"video", "post"}
        times = _times(store, asked.frames, prefer) if timed else {}
        for row in store.units(kind).select(["id", "parent", "start"]).to_pylist():
            unit = row["id"]
            if unit in seen and (not timed or unit in times):
                found[unit] = _Picture(row["parent"] or unit, times.get(unit), row["start"], seen[unit])
    return found


def _times(store: Store, frames: str, prefer: Collection[Path]) -> dict[str, float]:
    """The seconds that each frame stands for; of a split of videos and of their shots, to the next frame of either."""
    table = split_by(store, "frame", frames or "frames", frames, prefer)
    if table is None:
        raise InputError("no split has made frames")
    rows = table.read(["unit", "stands_for"]).to_pydict()
    times: dict[str, float] = dict(zip(rows["unit"], rows["stands_for"], strict=True))
    split = [kind for kind in ("video", *STRETCHES) if _begun(store, kind, table.recipe)]
    return times if len(split) < 2 else _cut_short(store, times)


def _begun(store: Store, kind: str, recipe: Recipe) -> bool:
    return any(table.begun for table in store.tables(kind) if table.recipe.label == recipe.label)


def _cut_short(store: Store, times: Mapping[str, float]) -> dict[str, float]:
    """What each frame stands for, but no longer than to the next frame of its video."""
    frames = [row for row in store.units("frame").select(["id", "parent", "start"]).to_pylist() if row["id"] in times]
    frames.sort(key=lambda row: (row["parent"], row["start"]))
    gaps = [
        later["start"] - row["start"] if later["parent"] == row["parent"] else inf for row, later in pairwise(frames)
    ]
    return {row["id"]: min(times[row["id"]], gap) for row, gap in zip(frames, [*gaps, inf], strict=True)}


def _place(store: Store, asked: Asked, split: Table, pictures: Mapping[str, _Picture]) -> None:
    """Put the boxes of all units that the split found into their pictures."""
    labels = _labels(store, asked) if asked.label else {}
    found = set(split.done().to_pylist())
    for row in store.units(asked.of).select(["id", "parent", "box"]).to_pylist():
        if row["id"] in found and row["parent"] in pictures:
            label = labels.get(row["id"], "") if asked.label else asked.of
            pictures[row["parent"]].boxes[label].append(tuple(row["box"]))


def _labels(store: Store, asked: Asked) -> dict[str, str]:
    """The label of each unit as text; units whose label is missing have none."""
    table = store.find(asked.of, asked.by)
    names = [column.name for column in table.columns]
    if asked.label not in names:
        raise InputError(f"{asked.by!r} has no column {asked.label!r}; it has: {', '.join(names)}")
    rows = table.read(["unit", asked.label]).to_pydict()
    pairs = zip(rows["unit"], rows[asked.label], strict=True)
    return {unit: str(label) for unit, label in pairs if label is not None}


def _belonging(store: Store, to: str, pictures: Mapping[str, _Picture]) -> dict[str, list[list[_Picture]]]:
    """For every unit of kind ``to``: its media, each as the pictures of it that were looked at."""
    if to in {"image", "frame"}:
        there = set(store.units(to)["id"].to_pylist())
        return {unit: [[picture]] for unit, picture in pictures.items() if unit in there}
    media: dict[str, list[_Picture]] = defaultdict(list)
    for picture in pictures.values():
        media[picture.medium].append(picture)
    if to == "video":
        return {unit: [media[unit]] for unit in store.units("video")["id"].to_pylist() if unit in media}
    posts: dict[str, dict[str, None]] = {}
    for row in store.attachments().to_pylist():
        if row["post"] is not None and row["media"] in media:
            posts.setdefault(row["post"], {})[row["media"]] = None  # twice in a post is once here
    return {post: [media[medium] for medium in found] for post, found in posts.items()}


def _rows(unit: str, media: Sequence[Sequence[_Picture]]) -> Iterator[dict[str, Any]]:
    """The row of all labels, and those of each label, the one seen longest first."""
    weighed = list(_weighed(media))
    labels: Counter[str] = Counter()
    areas = [picture.areas() for _, picture in weighed]
    for (weight, _), shown in zip(weighed, areas, strict=True):
        labels.update({label: weight for label in shown if label})
    for label in [None, *sorted(labels, key=lambda name: (-labels[name], name))]:
        yield {"unit": unit, "label": label, **_row(weighed, areas, label)}


def _weighed(media: Sequence[Sequence[_Picture]]) -> Iterator[tuple[float, _Picture]]:
    """Each picture with its share of what the unit shows: media weigh the same, frames by the time they stand for."""
    for pictures in media:
        total = sum(picture.seconds or 0.0 for picture in pictures)
        for picture in pictures:
            alone = 1 / len(pictures) if not total else (picture.seconds or 0.0) / total
            yield alone / len(media), picture


def _row(
    weighed: Sequence[tuple[float, _Picture]], areas: Sequence[Mapping[str | None, float]], label: str | None
) -> dict[str, Any]:
    held = [
        (weight, picture, shown[label])
        for (weight, picture), shown in zip(weighed, areas, strict=True)
        if label in shown
    ]
    every = {label} if label is not None else set().union(*(picture.boxes for _, picture, _ in held))
    times = [picture.seconds for _, picture, _ in held if picture.seconds is not None]
    starts = [picture.start for _, picture, _ in held if picture.start is not None]
    share, area = sum(weight for weight, _, _ in held), sum(weight * covered for weight, _, covered in held)
    return {
        "units": sum(len(picture.boxes[name]) for _, picture, _ in held for name in every if name in picture.boxes),
        "pictures": len(held),
        "looked_at": len(weighed),
        "seconds": sum(times) if any(picture.seconds is not None for _, picture in weighed) else None,
        "share": min(share, 1.0),
        "area": area,
        "area_shown": area / share if share else None,
        "first": min(starts, default=None),
        "last": max(starts, default=None),
    }
