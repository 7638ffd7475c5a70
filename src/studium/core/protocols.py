"""The parts that a study is made of. Built-ins and plugins are written against these alike.

A part is a frozen dataclass whose fields are its parameters: arrays in, arrays out, no study, no global state.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from studium.core.column import Column
from studium.core.outgoing import Outgoing
from studium.core.unit import Span, Unit

__all__ = [
    "DETAIL",
    "TEMPLATE",
    "Found",
    "Link",
    "Loss",
    "Measure",
    "Note",
    "Place",
    "Source",
    "Unitizer",
    "Watcher",
    "wide",
]

DETAIL = 540
"""Shorter side in pixels that pictures are decoded at, at least, unless a part says otherwise."""

TEMPLATE = 64
"""Numbers from which on a vector of a face counts as one that tells persons from each other."""


def wide(columns: Iterable[Column]) -> bool:
    """Whether there is a vector of `TEMPLATE` numbers or more without a unit: an embedding, and no histogram."""
    return any((c.size or 0) >= TEMPLATE and c.dtype != "string" and not c.unit for c in columns)


class Watcher(ABC):
    """Sees one medium go by, piece by piece, and then says what it found. Many watch the same pass.

    A piece is a `studium.media.video.Frame` of a video, or a `studium.media.audio.Block` of a sound.
    """

    @abstractmethod
    def see(self, piece: Any) -> None:
        """Take the next piece; keep what is needed of it, not the piece itself."""

    @abstractmethod
    def result(self) -> Any:
        """What was found, asked for once, at the end: of a measure column -> value, of a unitizer its spans."""


class Measure(ABC):
    """One unit in, one row out. Subclass as ``@dataclass(frozen=True)``; the fields are the parameters.

    Attributes:
        name: how the study file calls it.
        version: raised whenever the same input gives another number; part of the recipe.
        takes: the modality of one input: "image" (RGB uint8 H x W x 3), "region" (`studium.media.region.Region`: a
            face, object or line with what surrounds it), "text" (str), "file" (Path), "video"
            (`studium.media.video.Video`), "audio" (`studium.media.audio.Sound`), "material"
            (`studium.media.material.Material`: all that a coder of the unit is shown). Those that see them go by rather
            than hold them are written with `studium.media.watch`.
        paths: fields that name a file or a folder which it reads (empty for none). Relative ones start from the study
            folder; their content is part of the recipe, where they lie is not.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    takes: ClassVar[str]
    paths: ClassVar[tuple[str, ...]] = ()

    @property
    def detail(self) -> int | None:
        """For pictures, the shorter side in pixels that decoding must keep; None for every pixel."""
        return DETAIL

    @property
    def remote(self) -> bool:
        """Whether data leave the machine; refused unless the user allows it."""
        return False

    @property
    def at_once(self) -> int:
        """How many units a run hands over in one batch; more where an accelerator wants them."""
        return 8

    @property
    @abstractmethod
    def columns(self) -> tuple[Column, ...]:
        """What one row holds; may depend on the parameters."""

    @property
    def models(self) -> tuple[str, ...]:
        """Ids of the models whose weights this measure loads; part of the recipe."""
        return ()

    def identifies(self, of: str) -> bool:
        """Whether its rows tell one person from another (templates), so that a legal basis is needed to make them.

        Any vector of a face of `TEMPLATE` numbers or more does, whatever network made it; see `wide`.

        Args:
            of: kind of the units that are measured.
        """
        return of == "face" and wide(self.columns)

    def outgoing(self, item: Any) -> Outgoing | None:
        """What would be sent about one input; asked of measures that are ``remote``, and said before anything is sent.

        Nothing may be sent to find it out. None: it cannot be told, or the input is refused before it is sent.

        Args:
            item: an input of the modality ``takes``.
        """
        return None

    def prepare(self) -> None:  # noqa: B027  (most measures have nothing to load)
        """Load what is slow to load, once per process; an error here stops a run before it starts."""

    @abstractmethod
    def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
        """Measure a batch.

        Args:
            batch: inputs of the modality ``takes``, any number of them, also none.

        Returns:
            For every column one array (or list) of ``len(batch)`` values. A value depends on its own input alone,
            never on what else is in the batch.
        """


class Unitizer(ABC):
    """One unit in, many units out. Subclass as ``@dataclass(frozen=True)``; the fields are the parameters.

    Attributes:
        name: how the study file calls it.
        version: raised whenever the same input gives other units.
        takes: the modality of the input, as for a `Measure`.
        makes: the kind of the units.
        paths: as for a `Measure`.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    takes: ClassVar[str]
    makes: ClassVar[str]
    paths: ClassVar[tuple[str, ...]] = ()

    @property
    def detail(self) -> int | None:
        """As for a `Measure`."""
        return None

    @property
    def remote(self) -> bool:
        """As for a `Measure`."""
        return False

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is known of every new unit besides where it lies: the keys of ``Span.values``."""
        return ()

    @property
    def models(self) -> tuple[str, ...]:
        """Ids of the models whose weights this unitizer loads; part of the recipe."""
        return ()

    def prepare(self) -> None:  # noqa: B027  (most unitizers have nothing to load)
        """Load what is slow to load, once per process; an error here stops a run before it starts."""

    @abstractmethod
    def __call__(self, media: Any) -> Iterable[Span]:
        """Where the new units lie in ``media``, in order, each with a value for every column."""


@dataclass(frozen=True, slots=True)
class Place:
    """A media file where a source found it. The same bytes at two places are one unit with two attachments.

    Attributes:
        path: absolute path of the file.
        kind: "image", "video" or "audio".
        post: id of the post unit it is attached to, or None.
        position: 0, 1, ... among the media of its post.
        label: name of its class folder, or None.
    """

    path: Path
    kind: str
    post: str | None = None
    position: int = 0
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A medium that a source names by its URL. Nothing is fetched until the study is told to download.

    Attributes:
        url: where it is on the web, http or https.
        kind: "image", "video" or "audio"; None if only its content will tell.
        post: id of the post unit it is attached to, or None.
        position: 0, 1, ... among the media of its post.
        label: name of its class, or None.
    """

    url: str
    kind: str | None = None
    post: str | None = None
    position: int = 0
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Something a source could not use: where it was, the class of the error, and why."""

    where: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of the study should know about a source: ("encoding", "latin-1"), ("skipped .txt", "3")."""

    about: str
    value: str


Found = Unit | Place | Link | Loss | Note
"""What a source yields; a `Unit` is always a post."""


class Source(ABC):
    """Where units come from. Subclass as ``@dataclass(frozen=True)``; the fields are the parameters.

    Attributes:
        name: how the study file calls it.
    """

    name: ClassVar[str]

    @abstractmethod
    def __iter__(self) -> Iterator[Found]:
        """Yield what is there, in an order that is the same every time."""
