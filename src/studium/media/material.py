"""The material of a unit: all that a coder, or a model in a coder's place, is shown of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studium.media.video import Video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Material", "outlined"]


@dataclass(frozen=True, eq=False)
class Material:
    """What is to be seen, heard and read of a unit: of a post its text, its pictures and films, and what is said there.

    Attributes:
        text: of a post, a line or a spoken segment; None if there is none.
        pictures: RGB uint8, H x W x 3 each, in the order of the post.
        videos: films, or the stretch of one, in the order of the post; nothing of them is decoded yet.
        transcripts: (of what, what is said) of each film and sound of which speech was transcribed, in the order of the
            post: ("film 2", "..."), ("sound", "...") if there is but one.
        facts: what its source says of a post (hashtags, author, date ...), by name; JSON scalars.
        outline: names what this was made of, without its pixels: ids of the media, and every text.
        kind: of the unit, one of `studium.core.unit.KINDS`; None if it is of no study.
    """

    text: str | None = None
    pictures: "tuple[NDArray[np.uint8], ...]" = ()
    videos: tuple[Video, ...] = ()
    transcripts: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    outline: str = ""
    kind: str | None = None

    @property
    def nbytes(self) -> int:
        """Size of the decoded pictures in bytes."""
        return sum(picture.nbytes for picture in self.pictures)


def outlined(text: str | None, media: Sequence[str], transcripts: Sequence[tuple[str, str]]) -> str:
    """The outline of a material: JSON of its texts and the ids of its media. Facts, such as likes, come and go."""
    return json.dumps([text, media, transcripts], ensure_ascii=False)
