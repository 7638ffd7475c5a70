"""A study folder and everything one does with it, in layers: opened, reading, measuring, recognising, all of it."""

from studium.corpus.corpus import Corpus

__all__ = ["Corpus"]
