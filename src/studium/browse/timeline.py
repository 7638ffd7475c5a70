"""A film or a sound in time: its shots, the frames that were taken from it, and what is said in it."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.browse.files import file_of
from studium.browse.view import View, whole
from studium.core.cache import cached
from studium.core.unit import KINDS
from studium.errors import InputError, MediaError
from studium.run.lineage import FILES

__all__ = ["Said", "Stretch", "Taken", "Timeline", "timeline"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A shot, in seconds of the film."""

    id: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame, and when it is shown."""

    id: str
    time: float


@dataclass(frozen=True, slots=True)
class Said:
    """A spoken segment; ``text`` is None where none could be made out."""

    id: str
    start: float
    end: float
    text: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What lies in a film or a sound, by time; of several splits, what the one asked for last found."""

    seconds: float | None
    shots: list[Stretch]
    frames: list[Taken]
    speech: list[Said]


def timeline(view: View, unit: str, of: str | None = None) -> Timeline:
    """The timeline of a video or an audio file.

    Raises:
        UnknownNameError: the study does not have the unit.
        InputError: it is neither.
    """
    kind, row = view.find(unit, of)
    if "audio" not in KINDS[kind] or kind not in FILES:
        raise InputError(f"a timeline is of a video or an audio file, and {unit} is of kind {kind}")
    everything = View(view.store)  # what lies where is no finding; the words of a film are heard in it as well
    shots, frames, speech = (_parts(everything, one, unit) for one in ("shot", "frame", "speech"))
    languages = _languages(everything) if speech and view.measured else {}
    return Timeline(
        _seconds(view, kind, row, [*shots, *speech]),
        [Stretch(one["id"], one["start"], one["end"]) for one in shots],
        [Taken(one["id"], one["start"]) for one in frames],
        [Said(one["id"], one["start"], one["end"], one["text"], languages.get(one["id"])) for one in speech],
    )


def _parts(view: View, kind: str, unit: str) -> list[dict[str, Any]]:
    units = view.units(kind)
    rows = units.select(["id", "start", "end", "text"]).take(view.children(kind, unit))
    counted = {
        table.recipe.label for one in FILES for table in view.tables(one) if f"{kind}_count" in table.schema.names
    }
    splits = [table for table in view.tables(kind) if table.recipe.label in counted]
    if splits:
        done = cached((splits[-1].folder, "split"), view.made(splits[-1]), lambda: whole(splits[-1].done()))
        rows = rows.filter(pc.is_in(rows["id"], value_set=done))
    return sorted(rows.to_pylist(), key=lambda one: (one["start"], one["end"] or one["start"]))


def _languages(view: View) -> dict[str, str]:
    """The language of spoken segments, as the last split into speech heard it."""
    found = [table for table in view.tables("speech") if "language" in table.schema.names]
    if not found:
        return {}

    def read() -> dict[str, str]:
        rows: pa.Table = found[-1].read(["unit", "language"])
        return dict(zip(rows["unit"].to_pylist(), rows["language"].to_pylist(), strict=True))

    return cached((found[-1].folder, "languages"), view.made(found[-1]), read)


def _seconds(view: View, kind: str, row: int, stretches: list[dict[str, Any]]) -> float | None:
    """As the header of a film states it; else as far as something lies in it."""
    from studium.media.video import Video

    try:
        told = Video(file_of(view, kind, row).path).info.duration if kind == "video" else None
    except MediaError:
        told = None
    return max((one["end"] for one in stretches), default=None) if told is None else told
