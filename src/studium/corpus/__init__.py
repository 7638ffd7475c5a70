"""A study folder and everything one does with it, in three layers: opened, reading, doing."""

from studium.corpus.corpus import Corpus

__all__ = ["Corpus"]
