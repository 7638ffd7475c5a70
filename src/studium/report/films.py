"""Some videos and sounds, looked at in time: frames, shots, and what there is to hear."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from studium.core.store import unit_of
from studium.errors import MediaError, MissingExtraError
from studium.report.montage import Montage
from studium.report.pictures import Picture
from studium.report.reading import Reading
from studium.report.text import name, noun, visible
from studium.run.load import Loader

__all__ = ["Film", "clock", "films"]

FILMS = 4
"""Videos, and sounds, that are shown."""

FRAMES = 12
"""Frames of each video."""


@dataclass(frozen=True)
class Film:
    """A video or a sound: its name, what is known of it, frames in the order of time, and its spectrogram."""

    name: str
    facts: list[str]
    frames: Montage
    sound: Picture | None


def films(reading: Reading) -> list[Film]:
    """A random sample of the videos and of the sounds, drawn with the study's seed."""
    kinds = [kind for kind in ("video", "audio") if kind in reading.kinds]
    return [_film(reading, kind, row) for kind in kinds for row in reading.rows(kind, reading.sample(kind, FILMS))]


def clock(seconds: float) -> str:
    """``1:02:03.5``: hours if there are any, minutes, seconds and tenths."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02}.{rest % 10}"


def _film(reading: Reading, kind: str, row: Mapping[str, Any]) -> Film:
    facts, heard = _facts(reading, kind, row)
    facts += [noun(n, part) for part in ("shot", "speech") if (n := _parts(reading, part, row["id"]).num_rows)]
    frames = _parts(reading, "frame", row["id"]).sort_by("start").to_pylist()
    shown = min(len(frames), FRAMES)
    chosen = [frames[i * len(frames) // shown] for i in range(shown)]
    pictures = [reading.pictures.of(frame, clock(frame["start"])) for frame in chosen]
    sound = reading.pictures.spectrogram(row) if heard else None
    return Film(visible(name(row["path"])), facts, Montage(pictures, len(frames)), sound)


def _parts(reading: Reading, kind: str, parent: str) -> Any:
    units = reading.units(kind)
    return units.filter(pc.equal(units["parent"], parent))


def _facts(reading: Reading, kind: str, row: Mapping[str, Any]) -> tuple[list[str], bool]:
    """What the file says about itself, and whether there is anything to hear."""
    if kind == "audio":
        return [], True
    try:
        with Loader(reading.root) as loader:
            info = loader.load(unit_of(row), "video").info
    except (MediaError, MissingExtraError) as error:
        return [f"cannot be opened: {type(error).__name__}"], False
    facts = [clock(info.duration)] if info.duration is not None else []
    rate = [f"{info.rate:g} frames/s"] if info.rate else []
    return [*facts, f"{info.width} × {info.height}", *rate, info.codec], info.sound
