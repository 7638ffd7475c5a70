"""Pictures with a red square in one corner, or with none, on noise: what a network learns in seconds."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CLASSES", "corner", "corners"]

CLASSES = ("nothing", "thing")


def corner(thing: bool, top: bool, left: bool, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """One of 64 x 80 px: a square of 24 px at 4 px from an edge, or nothing."""
    picture = rng.integers(90, 160, (64, 80, 3)).astype(np.uint8)
    y, x = (4 if top else 36), (12 if left else 44)
    if thing:
        picture[y : y + 24, x : x + 24] = (230, 20, 20)
    return picture


def corners(n: int, seed: int = 0) -> tuple[list[npt.NDArray[np.uint8]], list[Any]]:
    """Pictures, and names of classes in turn."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 2, (n, 2)).astype(bool)
    things = [at % 2 == 1 for at in range(n)]
    pictures = [corner(one, *place, rng) for one, place in zip(things, places.tolist(), strict=True)]
    return pictures, [CLASSES[one] for one in things]
