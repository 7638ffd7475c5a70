"""From the material of a unit to what a model is shown of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from studium.errors import MediaError
from studium.measure.ask.provider import Shown
from studium.media.evenly import Taken, frames_of
from studium.media.material import Material
from studium.media.transform import check_rgb, downscale
from studium.networks.prompting import fenced

__all__ = ["show", "written"]

_TEXTS = {"post": "text of the post", "line": "text read in the picture", "speech": "transcript"}


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
    """The texts as they stand in a message: each under its label, in a fence that nothing in it can close."""
    return "\n\n".join(fenced(label, text) for label, text in shown.texts)


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
