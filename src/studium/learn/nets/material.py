"""From the material of a unit to the pictures and the words that a network is given."""

from studium.errors import InputError
from studium.media.evenly import frames_of
from studium.media.material import Material
from studium.media.transform import Picture, check_rgb

__all__ = ["pictures_of", "text_of", "unseen"]


def pictures_of(material: Material, most: int) -> list[Picture]:
    """The pictures of a unit, and frames of its films: pictures first, then films, each in the order of the post.

    Every picture counts as one; what is left of ``most`` the films share alike, the first ones one more if it does not
    come out even. Of a film the frames are taken that are shown in the middles of as many equal parts; one that is
    shown in several is taken once. If there are more pictures and films than ``most``, the first of them are taken, one
    picture of each: `unseen` says how many are not.

    Args:
        material: of the unit.
        most: how many are taken, at most; at least 1.

    Returns:
        RGB uint8, H x W x 3 each, none scaled; empty if there is nothing to see.

    Raises:
        InputError: ``most`` is below 1, or a picture is not RGB uint8.
        MediaError: a film has no frame or cannot be decoded.
        MissingExtraError: there is a film, and the extra video is not installed.
    """
    shares = _shares(len(material.pictures), len(material.videos), most)
    still = [check_rgb(picture) for picture in material.pictures[:most]]
    shared = zip(material.videos, shares, strict=False)
    return [*still, *(frame for film, count in shared for _, frame in frames_of(film, count))]


def unseen(material: Material, most: int) -> int:
    """How many pictures and films of a unit `pictures_of` takes nothing of."""
    return max(0, len(material.pictures) + len(material.videos) - most)


def text_of(material: Material) -> str:
    """The words of a unit: its text, then each transcript under its label. What is blank is left out.

    A text that stands alone has no label. Empty if there are no words.
    """
    text = material.text or ""
    said = [f"[transcript of the {of}]\n{words}" for of, words in material.transcripts if words.strip()]
    return "\n\n".join([text, *said] if text.strip() else said)


def _shares(pictures: int, films: int, most: int) -> list[int]:
    """How many frames are taken of each of the first films; films that get none are not listed."""
    if most < 1:
        raise InputError(f"at least one picture should be taken of a unit, got {most}")
    left = max(0, most - pictures)
    each, more = divmod(left, films) if films else (0, 0)
    return [count for count in (each + (at < more) for at in range(films)) if count]
