"""Learning: from labels to models, and what they are worth."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studium.learn.models.estimator import Fitted

__all__ = ["load"]


def load(folder: str | Path) -> "Fitted":
    """A trained model from its folder, anywhere; see `studium.learn.models.saved.load`.

    >>> load("models/protest").predict_proba(X)                                          # doctest: +SKIP
    """
    from studium.learn.models import saved

    return saved.load(folder)
