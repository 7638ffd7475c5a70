"""Pictures to faces: where they are, with landmarks. That there is a face, never whose."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor
from typing import ClassVar

from studium.core.column import Column
from studium.core.protocols import Unitizer
from studium.core.unit import Span
from studium.measure import centerface
from studium.media.region import Box
from studium.media.transform import Picture
from studium.networks.sessions import loaded

__all__ = ["Faces"]


@dataclass(frozen=True)
class Faces(Unitizer):
    """Faces in a picture or a frame, as CenterFace finds them: box, five landmarks and confidence; the largest first.

    Pictures of any size are searched for faces of any size from ``smallest`` on, in memory that does not grow with the
    picture. The time does: half of ``smallest`` takes four times as long.

    The points of a face are its right eye (left in the picture), left eye, tip of the nose, right and left corner of
    the mouth. Small faces are found up to a tilt of some 20 degrees, and missed if they lie on their side; nothing is
    turned in search of them. What the camera noted about its orientation (EXIF) is applied when a picture is read.

    Attributes:
        threshold: confidence that a face must exceed, between 0 and 1. A lower one finds more, and more that are none.
        smallest: longer side of the smallest box that is kept, in pixels, 8 or more.

    References:
        Xu, Yan, Yang & Liu (2020), CenterFace: Joint Face Detection and Alignment Using Face as Point, Scientific
        Programming, doi:10.1155/2020/7845384.
    """

    threshold: float = 0.5
    smallest: int = 20

    name: ClassVar[str] = "faces"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    makes: ClassVar[str] = "face"

    def __post_init__(self) -> None:
        """Refuse parameters that do not say which faces."""
        centerface.check_search(self.threshold, self.smallest)

    @property
    def columns(self) -> tuple[Column, ...]:
        """How sure, and how much of the picture."""
        return (
            Column("confidence", "float32", "of the detector; not a calibrated probability", "share", 0, 1,
                   source=centerface.SOURCE),
            Column("face_share", "float64", "share of the picture that the box of the face covers", "share", 0, 1),
        )  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """CenterFace."""
        return (centerface.MODEL,)

    def prepare(self) -> None:
        """Load the network."""
        loaded(centerface.network)

    def __call__(self, media: Picture) -> Iterable[Span]:
        """The faces in one picture (RGB uint8, H x W x 3), the largest first.

        Raises:
            InputError: not such a picture.
        """
        found = centerface.find_faces(media, self.threshold, self.smallest)
        height, width = media.shape[:2]
        spans: dict[Box, Span] = {}
        for face in found:
            box = (floor(face.box[0]), floor(face.box[1]), ceil(face.box[2]), ceil(face.box[3]))
            share = _area(box) / (width * height)
            values = {"confidence": face.confidence, "face_share": share}
            spans.setdefault(box, Span(box=box, points=face.points, values=values))  # the surest of a box comes first
        return [spans[box] for box in sorted(spans, key=lambda box: (-_area(box), box))]


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
