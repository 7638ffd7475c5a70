"""From the material of a unit to what a model is shown of it."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from studium.errors import MediaError
from studium.measure.ask.provider import Shown
from studium.media.damage import HALF_MICROSECOND
from studium.media.material import Material
from studium.media.pictures import Pictures
from studium.media.reader import Reader
from studium.media.transform import Picture, check_rgb, downscale
from studium.media.video import Video

__all__ = ["frames_of", "show", "written"]

_TEXTS = {"post": "text of the post", "line": "text read in the picture", "speech": "transcript"}

Taken = tuple[float, Picture]


def show(material: Material, frames: int, longest: int, facts: Sequence[str] = (), cover_faces: bool = False) -> Shown:
    """What is shown of a unit: its texts, its pictures, and frames of its films. Nothing is cut off.

    Args:
        material: of the unit.
        frames: how many frames of each film, from the middles of as many equal parts; all, if it has no more.
        longest: pictures with a longer side are shrunk to it, in px.
        facts: names of what the source says of the post, to be shown as well.
        cover_faces: whether faces are covered first.

    Raises:
        MediaError: a film has no frame or cannot be decoded, the post lacks a fact, or there is nothing to show.
    """
    films = [frames_of(film, frames, longest) for film in material.videos]
    pictures = [*material.pictures, *(picture for film in films for _, picture in film)]
    if cover_faces and pictures:
        from studium.measure.faceless import faceless

        pictures = [faceless(picture) for picture in pictures]
    texts = [
        ("pictures", _legend(material, films) if films and len(pictures) > 1 else ""),
        (_TEXTS.get(material.kind or "", "text"), material.text or ""),
        *((name, _fact(material.facts, name)) for name in facts),
        *((f"transcript of the {heard}", text) for heard, text in material.transcripts),
    ]
    told = tuple((label, text) for label, text in texts if text.strip())
    if not (told or pictures):
        raise MediaError("there is nothing to show: no picture, and no text that is not blank")
    return Shown(told, tuple(downscale(check_rgb(picture), longest) for picture in pictures))


def written(shown: Shown) -> str:
    """The texts as they stand in a message: each under its label, in a fence that nothing in it can close.

    A fence is a row of backticks, longer than any within the text, as in Markdown. Empty if there is no text.
    """
    return "\n\n".join(f"[{label}]\n{fence}\n{text}\n{fence}" for label, text, fence in map(_fenced, shown.texts))


def _fenced(labelled: tuple[str, str]) -> tuple[str, str, str]:
    label, text = labelled
    return label, text, "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))


def _fact(facts: Mapping[str, Any], name: str) -> str:
    if name not in facts:
        there = ", ".join(facts) or "none"
        raise MediaError(f"its source says nothing called {name!r} of this post; the facts there are: {there}")
    value = facts[name]
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _legend(material: Material, films: Sequence[Sequence[Taken]]) -> str:
    """Which of the pictures is what."""
    lines, at = [], len(material.pictures)
    if at:
        lines.append(f"{_numbered(1, at)}: attached to the {material.kind or 'post'}.")
    for number, (film, taken) in enumerate(zip(material.videos, films, strict=True), start=1):
        name = f"film {number}" if len(films) > 1 else "the film"
        times = ", ".join(f"{time - film.start:.1f}" for time, _ in taken)
        lines.append(f"{_numbered(at + 1, at + len(taken))}: of {name}, {times} s after it begins.")
        at += len(taken)
    return "\n".join(lines)


def _numbered(first: int, last: int) -> str:
    return f"Picture {first}" if first == last else f"Pictures {first} to {last}"


def frames_of(film: Video, count: int, detail: int | None = None) -> list[Taken]:
    """Frames of a film, spread evenly, in the order of time: (seconds from the first instant of the file, RGB uint8).

    The stretch from the first frame to the end is cut into ``count`` equal parts; of each the frame is taken that is
    shown in its middle. A frame that is shown in several is taken once.

    Args:
        film: or a stretch of one.
        count: at most so many.
        detail: the shorter side in px to scale down to; None for every pixel.

    Raises:
        MediaError: it cannot be opened, has no frame there, or one that is needed cannot be decoded.
    """
    times = _middles(film, count)
    with closing(Reader(Path(film.path))) as reader:
        return [(time, reader.at(time).rgb(detail)) for time in times]


def _middles(film: Video, count: int) -> list[float]:
    """When the frames are shown that are taken: told by the packets, nothing is decoded."""
    with closing(Pictures(film.path)) as pictures:
        times = sorted(_within(film, (time for time, _ in pictures.times())))
        end = pictures.end if film.end is None else min(film.end, pictures.end)
    if not times:
        raise MediaError(f"{film.path}: no frame begins from {film.start:g} s on, before {film.end} s")
    part = max(0.0, end - times[0]) / count
    middles = [times[0] + (number + 0.5) * part + HALF_MICROSECOND for number in range(count)]
    return list(dict.fromkeys(times[bisect_right(times, middle) - 1] for middle in middles))


def _within(film: Video, times: Iterator[float]) -> Iterator[float]:
    low = film.start - HALF_MICROSECOND
    high = None if film.end is None else film.end - HALF_MICROSECOND
    return (time for time in times if low <= time and (high is None or time < high))
