"""Is this a graphic (a logo, a meme, a screenshot) or a photograph? Two numbers that tell most of them apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studium import Column
from studium.errors import InputError
from studium.measure.per_item import PerItem

__all__ = ["Graphic"]

SOURCE = "after Athitsos, Swain & Frankel (1997), Distinguishing photographs and graphics on the World Wide Web"


@dataclass(frozen=True)
class Graphic(PerItem):
    """How much of a picture is one flat colour, and how often its colour jumps.

    Attributes:
        jump: smallest step to the next pixel that counts: levels of red, green and blue added up, 1 to 765.
    """

    name: ClassVar[str] = "graphic"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    detail: ClassVar[int | None] = None  # every pixel: a smaller picture has mixed colours

    jump: int = 100

    def __post_init__(self) -> None:
        """Refuse what no picture can reach."""
        if not 1 <= self.jump <= 765:
            raise InputError(f"graphic: jump should be from 1 to 765 levels, got {self.jump}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """Two shares of the picture's pixels."""
        return (
            Column("prevalent_colour", "float32", "pixels of the most frequent colour", "share", 0, 1, source=SOURCE),
            Column("colour_jumps", "float32", f"pixels {self.jump} levels from the next", "share", 0, 1, source=SOURCE),
        )

    def row(self, item: Any) -> Mapping[str, Any]:
        """Measure one picture, RGB uint8 H x W x 3."""
        levels = item.astype(np.int32)
        _, counts = np.unique(levels @ (65536, 256, 1), return_counts=True)
        jumps = np.zeros(levels.shape[:2], bool)
        jumps[:, :-1] |= np.abs(np.diff(levels, axis=1)).sum(axis=2) >= self.jump
        jumps[:-1] |= np.abs(np.diff(levels, axis=0)).sum(axis=2) >= self.jump
        return {"prevalent_colour": counts.max() / counts.sum(), "colour_jumps": jumps.mean()}
