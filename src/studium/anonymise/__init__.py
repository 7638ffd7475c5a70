"""Copies of images and videos in which faces, and on request text, are covered."""

from studium.anonymise.check import Recall, draw, recall, recall_of
from studium.anonymise.folder import Report, anonymise
from studium.measure.cover import Cover

__all__ = ["Cover", "Recall", "Report", "anonymise", "draw", "recall", "recall_of"]
