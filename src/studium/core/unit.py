"""What is studied: units, where they lie in their parents, and what each kind of unit offers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studium.errors import InputError

__all__ = [
    "BOXED",
    "KINDS",
    "PARENTS",
    "STRETCHES",
    "Span",
    "Unit",
    "check_kind",
    "content_id",
    "derived_id",
    "kinds_offering",
    "post_id",
]

KINDS: Mapping[str, frozenset[str]] = {
    # sources
    "post": frozenset({"text", "material"}),
    "image": frozenset({"image", "file", "material"}),
    "video": frozenset({"video", "audio", "file", "material"}),
    "audio": frozenset({"audio", "file", "material"}),
    # derived
    "frame": frozenset({"image", "material"}),
    "shot": frozenset({"video", "audio", "material"}),
    "face": frozenset({"image", "region", "material"}),
    "object": frozenset({"image", "region", "material"}),
    "line": frozenset({"text", "image", "region", "material"}),
    "speech": frozenset({"text", "audio", "material"}),
}
"""Every kind of unit, and the modalities it offers to measures."""

PARENTS: Mapping[str, tuple[str, ...]] = {
    "frame": ("video",),
    "shot": ("video",),
    "face": ("image", "frame"),
    "object": ("image", "frame"),
    "line": ("image", "frame"),
    "speech": ("video", "audio"),
}
"""The kinds that units of a derived kind are split from."""

STRETCHES = frozenset({"shot", "speech"})
"""Kinds whose units are stretches of time: what they are split into belongs to the medium that they lie in."""


def check_kind(kind: str) -> None:
    """Refuse a kind that is not one of `KINDS`.

    Raises:
        InputError: unknown; the message lists what there is.
    """
    if kind not in KINDS:
        raise InputError(f"unknown kind of unit {kind!r}; known: {', '.join(KINDS)}")


def kinds_offering(modality: str) -> list[str]:
    """Kinds whose units offer ``modality``, in the order of `KINDS`."""
    return [kind for kind, offers in KINDS.items() if modality in offers]


BOXED = frozenset({"face", "object", "line"})
"""Kinds whose units are parts of a picture: their spans have a box that lies in it."""

Points = tuple[tuple[float, float], ...]
"""(x, y) of each point, in pixels."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a derived unit lies in its parent.

    Attributes:
        start: begin in seconds of the parent, or None.
        end: end in seconds of the parent, or None (an instant has only a start).
        box: (x0, y0, x1, y1) in pixels of the parent, x1 and y1 exclusive, or None.
        points: (x, y) in pixels of the parent: the landmarks of a face, the corners of a line of text or a logo; or
            None. Not part of the identity.
        text: what is written or said there, or None. Not part of the identity.
        values: what else its unitizer knows of it, by column. Not part of the identity.
    """

    start: float | None = None
    end: float | None = None
    box: tuple[int, int, int, int] | None = None
    text: str | None = None
    points: Points | None = field(default=None, compare=False)
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Refuse spans that are upside down."""
        if self.start is not None and self.end is not None and self.end < self.start:
            raise InputError(f"a span must not end before it starts: start={self.start}, end={self.end}")
        if self.box is not None and (self.box[2] <= self.box[0] or self.box[3] <= self.box[1]):
            raise InputError(f"a box needs x0 < x1 and y0 < y1, got {self.box}")

    def microseconds(self) -> tuple[int | None, int | None]:
        """Start and end as whole microseconds, the precision of the identity."""
        start, end = (None if t is None else round(t * 1_000_000) for t in (self.start, self.end))
        return start, end


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is studied.

    Attributes:
        id: 64 hex digits; of the content for a file, of (parent, kind, span) for a derived unit.
        kind: one of `KINDS`.
        parent: id of the unit this one was split from, or None.
        path: where a file lies, relative to the study folder or absolute, or None.
        span: where it lies in its parent, or None.
        meta: what the source said about it (a post's text, author, date ...); JSON scalars only.
    """

    id: str
    kind: str
    parent: str | None = None
    path: str | None = None
    span: Span | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse unknown kinds at the door."""
        check_kind(self.kind)


def content_id(data: bytes | bytearray | memoryview) -> str:
    """Identity of a file: the sha256 of its bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def post_id(identifier: str, namespace: str = "") -> str:
    """Identity of a post: a hash of its id on its platform (``namespace``)."""
    return _hash("post", namespace, identifier)


def derived_id(parent: str, kind: str, span: Span) -> str:
    """Identity of a derived unit: a hash of its parent, kind and span (whole microseconds and pixels).

    The recipe that found it is not part of the identity, so a label on the frame at 3.0 s survives a re-split.
    """
    start, end = span.microseconds()
    return _hash(parent, kind, str(start), str(end), str(span.box and tuple(int(v) for v in span.box)))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
