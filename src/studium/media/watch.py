"""One pass over a video or a sound for everything that watches it."""

import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from studium.core.protocols import Measure, Unitizer, Watcher
from studium.core.unit import Span
from studium.errors import DamagedStreamError
from studium.media.audio import Sound
from studium.media.video import Video

log = logging.getLogger(__name__)

__all__ = ["Watches", "WatchingMeasure", "WatchingUnitizer", "watch"]


class Watches(Protocol):
    """What a part has in common that watches videos (``takes = "video"``) or sounds (``takes = "audio"``).

    Attributes:
        keyframes: True if the frames that are stored whole are enough for it.
    """

    keyframes: ClassVar[bool]

    def watch(self, medium: Any) -> Watcher:
        """Begin to watch a `Video` or a `Sound`."""


class WatchingMeasure(Measure):
    """A measure that sees a medium go by; the result of its watcher maps each column to its value."""

    keyframes: ClassVar[bool] = False

    @abstractmethod
    def watch(self, medium: Any) -> Watcher:
        """Begin to watch a `Video` or a `Sound`."""

    def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
        """Measure videos (or sounds), one pass each.

        Raises:
            MediaError: one cannot be used at all.
        """
        rows = [_only(self, medium) for medium in batch]
        return {column.name: [row[column.name] for row in rows] for column in self.columns}


class WatchingUnitizer(Unitizer):
    """A unitizer that sees a medium go by; the result of its watcher are its spans."""

    keyframes: ClassVar[bool] = False

    @abstractmethod
    def watch(self, medium: Any) -> Watcher:
        """Begin to watch a `Video` or a `Sound`."""

    def __call__(self, media: Any) -> Iterable[Span]:
        """Where the new units lie.

        Raises:
            MediaError: the medium cannot be used at all.
        """
        found: Iterable[Span] = _only(self, media)
        return found


def watch(medium: Video | Sound, parts: Sequence[Watches]) -> tuple[list[Any], DamagedStreamError | None]:
    """Let all parts watch one pass.

    Returns:
        For each part what its watcher found, or the exception that it raised; and what could not be decoded, if
        anything.

    Raises:
        MediaError: the medium cannot be used at all.
    """
    watchers: list[Watcher | Exception] = [_begun(part, medium) for part in parts]
    damage = None
    try:
        for piece in _pieces(medium, parts):
            for number, (part, watcher) in enumerate(zip(parts, watchers, strict=True)):
                if not isinstance(watcher, Exception) and (not part.keyframes or piece.key):
                    watchers[number] = _shown(watcher, piece)
            del piece  # a frame that is held while the next is decoded makes that slower
    except DamagedStreamError as error:
        damage = error
    return [_found(watcher) for watcher in watchers], damage


def _pieces(medium: Video | Sound, parts: Sequence[Watches]) -> Iterator[Any]:
    if isinstance(medium, Sound):
        return medium.blocks()
    return medium.frames(keyframes=all(part.keyframes for part in parts))


def _begun(part: Watches, medium: Video | Sound) -> Watcher | Exception:
    try:
        return part.watch(medium)
    except Exception as error:  # noqa: BLE001  (one part's failure must not end the others' pass)
        return error


def _shown(watcher: Watcher, piece: Any) -> Watcher | Exception:
    try:
        watcher.see(piece)
    except Exception as error:  # noqa: BLE001
        return error
    return watcher


def _found(watcher: Watcher | Exception) -> Any:
    if isinstance(watcher, Exception):
        return watcher
    try:
        return watcher.result()
    except Exception as error:  # noqa: BLE001
        return error


def _only(part: Watches, medium: Video | Sound) -> Any:
    """What the only part found; a warning if the medium is damaged, as in a notebook nothing else would say so."""
    (found,), damage = watch(medium, [part])
    if isinstance(found, Exception):
        raise found
    if damage:
        log.warning("%s", damage)
    return found
