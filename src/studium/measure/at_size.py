"""Measures of pictures that are shrunk to a common size first, so that their values compare."""

from studium.core.protocols import DETAIL
from studium.measure.parameters import check_whole
from studium.measure.per_item import PerItem
from studium.media.transform import Picture, check_rgb, downscale

__all__ = ["AtSize"]


class AtSize(PerItem):
    """A measure with a parameter ``longest``: subclasses declare the field and `row` begins with `shrunk`.

    Attributes:
        longest: pictures with a longer side are shrunk to it, in pixels.
    """

    longest: int

    def __post_init__(self) -> None:
        """Refuse an impossible size at the door."""
        check_whole(self, "longest", 1)

    @property
    def detail(self) -> int:
        """What decoding must keep: ``longest`` px even of the shorter side, so that no picture is shrunk below it."""
        return max(DETAIL, self.longest)

    def shrunk(self, item: Picture) -> Picture:
        """The RGB picture, its longer side at most ``longest`` px."""
        return downscale(check_rgb(item), self.longest)
