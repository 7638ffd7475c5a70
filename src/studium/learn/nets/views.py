"""What of a picture a network is shown in training: another view of it each time."""

from dataclasses import dataclass

import numpy as np

from studium.errors import InputError
from studium.media.augment import augment
from studium.media.transform import Picture, centre_crop, check_rgb, downscale

__all__ = ["Views"]


@dataclass(frozen=True)
class Views:
    """How much the views of a picture differ: all 0 gives the picture as it is.

    Attributes:
        on: whether pictures are changed at all.
        degrees: largest rotation either way.
        jitter: of brightness, contrast and saturation, 0..1.
    """

    on: bool
    degrees: float
    jitter: float

    def __post_init__(self) -> None:
        """Refuse what is no strength."""
        if not (0 <= self.degrees <= 180 and 0 <= self.jitter <= 1):
            raise InputError(f"degrees should be 0..180 and jitter 0..1, got {self.degrees} and {self.jitter}")

    def of(self, image: Picture, side: int, rng: np.random.Generator | None) -> Picture | None:
        """A view of ``side`` x ``side`` px, by `studium.media.augment.augment`; None where it is to be as it is."""
        shown = check_rgb(image)
        if rng is None or not self.on:
            return None
        high, wide = (min(length, _MARGIN * min(shown.shape[:2])) for length in shown.shape[:2])
        middle = downscale(centre_crop(shown, high, wide), _MARGIN * side * max(high, wide) // min(high, wide))
        return augment(middle, rng, size=side, degrees=self.degrees, jitter=self.jitter)


_MARGIN = 2
"""A picture is cut to at most this aspect ratio, and shrunk to this many times the side, before it is turned: what is
not seen anyway costs nothing."""
