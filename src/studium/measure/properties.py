"""What an image file's header says: size, shape, format. Never GPS, dates or other personal metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from studium.core.column import Column
from studium.measure.per_item import PerItem
from studium.media.probe import probe

__all__ = ["Properties"]


@dataclass(frozen=True)
class Properties(PerItem):
    """Size, shape and format of an image file, read from its header without decoding a pixel.

    The cheapest look at a collection: find thumbnails among photographs, screenshots by their exact sizes, animations,
    scans and odd formats before measuring anything else. Width and height are those a viewer sees, after the file's
    orientation is applied; an aspect above 1 is a landscape, below 1 a portrait. Few bytes per pixel mean strong
    compression or little detail.

    It describes the file, not the picture: platforms resize and recompress what is uploaded, so sizes and formats often
    tell the platform and not the author. Place, date and camera are never read.
    """

    name: ClassVar[str] = "properties"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "file"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Facts of the header and three ratios."""
        return (
            Column("width", "int32", "width, upright", "px", 1),
            Column("height", "int32", "height, upright", "px", 1),
            Column("aspect", "float32", "width / height", "", 0),
            Column("megapixels", "float32", "width x height / 1,000,000", "Mpx", 0),
            Column("bytes", "int64", "size of the file", "bytes", 1),
            Column(
                "bytes_per_pixel", "float32", "bytes / (width x height); of all frames of an animation", "bytes/px", 0
            ),
            Column("format", "string", "format of the bytes, whatever the suffix says"),
            Column("mode", "string", "stored pixels in Pillow's terms: RGB, L, P, CMYK, I;16 ..."),
            Column("frames", "int32", "frames of an animation or pages of a TIFF; else 1", "frames", 1),
            Column(
                "orientation",
                "int32",
                "EXIF orientation; 1 lies upright in the file",
                "",
                1,
                8,
                source="CIPA DC-008-2023 (Exif 3.0)",
            ),
            Column("alpha", "bool", "the file can hold transparent pixels"),
        )

    def row(self, item: Path) -> Mapping[str, Any]:
        """Read one header."""
        info = probe(item)
        pixels = info.width * info.height
        return {
            "width": info.width,
            "height": info.height,
            "aspect": info.width / info.height,
            "megapixels": pixels / 1_000_000,
            "bytes": info.bytes,
            "bytes_per_pixel": info.bytes / pixels,
            "format": info.format,
            "mode": info.mode,
            "frames": info.frames,
            "orientation": info.orientation,
            "alpha": info.has_alpha,
        }
