"""The study that is served, as its files say now: they may change while the server runs."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studium.corpus import Corpus

__all__ = ["Watched"]

_FILES = ("studium.toml", "codebook.toml")


class Watched:
    """A study; opened anew when its study file or its codebook was written."""

    def __init__(self, corpus: "Corpus") -> None:
        self._now = (_stamps(corpus.root), corpus)

    @property
    def corpus(self) -> "Corpus":
        """The study as it is now. What a run adds is read from its folder in any case."""
        stamps, corpus = self._now
        if (found := _stamps(corpus.root)) != stamps:
            corpus = type(corpus)(corpus.root)
            self._now = (found, corpus)
        return corpus


def _stamps(root: Path) -> list[tuple[int, int, int]]:
    """When each file was written, and how long it is."""
    found = []
    for name in _FILES:
        try:
            stat = (root / name).stat()
            found.append((stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size))
        except OSError:
            found.append((0, 0, 0))
    return found
