"""Pictures to logos: whose mark is where, by comparing with reference pictures of each brand."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from studium.core.column import Column
from studium.core.protocols import Unitizer
from studium.core.recipe import digest_of
from studium.core.unit import Span
from studium.errors import InputError
from studium.media.transform import Picture
from studium.networks.sessions import loaded
from studium.unitize.logo_references import References, read_references
from studium.unitize.logo_search import find_logos

__all__ = ["Logos"]


@dataclass(frozen=True)
class Logos(Unitizer):
    """Marks of brands in a picture or a frame, each a unit with its box, brand and confidence; the surest first.

    You bring the marks: a folder for each brand, named as it, with one or more reference pictures of any format. What
    is transparent, or of the one colour of the picture's edge, is taken for ground; a mark is found on any other ground
    and in any colour, light on dark as well as dark on light. So one file for each variant of the drawing is enough.
    Nothing is learned, and nothing leaves the machine.

    Local features (RootSIFT) of the picture are matched with those of all references at once; each match says where a
    mark would lie, and the others vote. The best are laid over the picture, moved until their contours lie on its
    edges, and judged by how well edges agree, by the votes and by the distortion; a third of a mark may be hidden. The
    confidence is the share of true ones among marks with such evidence, in pictures half of which show one.

    Marks are found from about 30 pixels on, better from 60; turned by any angle, but not mirrored, and not seen from
    far aside. Plain shapes (a ring, a square with a bar) look like much else, and are found less surely. A mark that is
    part of another mark is found as either.

    Attributes:
        references: path of the folder, with a folder of pictures for each brand; its content counts, not where it lies.
        threshold: least confidence, more than 0, less than 1; at .8, .97 of what it was fitted on were marks.
        pixels: larger pictures are shrunk to so many pixels first. More finds smaller marks, and takes longer.

    References:
        Lowe (2004), doi:10.1023/B:VISI.0000029664.99615.94; Arandjelović and Zisserman (2012), RootSIFT,
        doi:10.1109/CVPR.2012.6248018; Philbin et al. (2007), hypotheses from single matches,
        doi:10.1109/CVPR.2007.383172; Drummond and Cipolla (2002), alignment along contours,
        doi:10.1109/TPAMI.2002.1017620.
    """

    references: str
    threshold: float = 0.8
    pixels: int = 1_250_000

    name: ClassVar[str] = "logos"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    makes: ClassVar[str] = "object"
    paths: ClassVar[tuple[str, ...]] = ("references",)

    def __post_init__(self) -> None:
        """Refuse parameters that do not say which marks."""
        if not self.references:
            raise InputError("logos needs references = the path of a folder with a folder of pictures for every brand")
        if not 0 < self.threshold < 1:
            raise InputError(
                f"logos: threshold should be more than 0 and less than 1, got {self.threshold!r}; leave it out for 0.8"
            )
        if self.pixels < 10_000:
            raise InputError(
                f"logos: pixels should be a number of at least 10000, got {self.pixels!r}; leave it out for 1250000"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """Whose mark it is, and how sure."""
        return (
            Column("label", "string", "brand: name of the folder of reference pictures"),
            Column("confidence", "float64", "share of true ones among marks with such evidence", "share", 0, 1),
            Column("inliers", "int32", "local features that agree on where the mark lies", low=1,
                   source="doi:10.1109/CVPR.2007.383172"),
        )  # fmt: skip

    def prepare(self) -> None:
        """Read the reference pictures.

        Raises:
            InputError: there are none, or one does not serve; the message names it.
        """
        self._references()

    def __call__(self, media: Picture) -> Iterable[Span]:
        """The marks in one RGB picture, the most confident first.

        Raises:
            InputError: the references do not serve.
        """
        return [
            Span(
                box=logo.box,
                points=tuple((float(x), float(y)) for x, y in logo.corners),
                values={"label": logo.brand, "confidence": logo.confidence, "inliers": logo.evidence.inliers},
            )
            for logo in find_logos(media, self._references(), self.threshold, self.pixels)
        ]

    def _references(self) -> References:
        folder = Path(self.references)
        if not folder.is_dir():
            return read_references(folder)  # which says what is wrong
        digest = digest_of(folder)
        return loaded(lambda: _read(folder, digest))


@lru_cache(maxsize=2)
def _read(folder: Path, digest: str) -> References:
    """The references as they are now: ``digest`` changes with the folder's content."""
    return read_references(folder)
