"""The reference pictures of brands: a folder for each, as files of any format, light or dark, transparent or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studium.core.suffixes import decoder
from studium.errors import InputError, MediaError, MissingExtraError
from studium.measure.local_features import Features, Index, features, joined, mirrored_contrast
from studium.measure.registration import Template, template
from studium.media.image import MAX_PIXELS, decode
from studium.media.readers import media_errors, open_file, open_image

__all__ = ["Reference", "References", "read_references"]

Grey = NDArray[np.float32]

LUMA = np.array((0.299, 0.587, 0.114), np.float32)
SIDES = (40, 80, 160)  # px of the longer side at which features are taken: a mark is seen small, or blurred, too
AROUND = 0.3  # of the longer side, ground around a mark, so that its outline has features
SAME = 12  # levels of 255 by which the edge of a picture may vary and still be a ground of one colour
FEWEST = 1  # features of a reference: without any it cannot be found


@dataclass(frozen=True, eq=False)
class Reference:
    """One reference picture.

    Attributes:
        brand: name of its folder.
        template: for laying it over a picture.
        features: in coordinates of the reference, whose longer side is 1.
    """

    brand: str
    template: Template
    features: Features


@dataclass(frozen=True, eq=False)
class References:
    """All reference pictures, and the index of their features.

    Attributes:
        all: in the order of their paths.
        index: owner 2 i is picture i, owner 2 i + 1 the same with dark and light exchanged.
    """

    all: Sequence[Reference]
    index: Index


def read_references(folder: Path) -> References:
    """Read a folder of reference pictures: a folder in it for each brand, with one or more files.

    Raises:
        InputError: no such folder, nothing in it, or a picture that does not serve; the message names the file.
        MissingExtraError: OpenCV is not installed.
    """
    if not folder.is_dir():
        raise InputError(f"references should be a folder with a folder of pictures for every brand; {folder} is none")
    there = [one for one in folder.rglob("*") if one.is_file()]
    files = sorted(one for one in there if not any(part.startswith(".") for part in one.relative_to(folder).parts))
    if astray := [one for one in files if one.parent.parent != folder]:
        raise InputError(f"{astray[0]} should lie in a folder named as its brand, in {folder}; move it there")
    if not files:
        raise InputError(f"{folder} has no reference pictures: expected one or more in a folder per brand, acme/1.png")
    found = [_read(file) for file in files]
    both = [one for reference in found for one in (reference.features, mirrored_contrast(reference.features))]
    owners = np.repeat(np.arange(len(both)), [len(one) for one in both])
    return References(found, Index(joined(both), owners).build())


def _read(file: Path) -> Reference:
    try:
        levels, opacity, ground = _opened(file)
    except MediaError as error:
        raise InputError(f"the reference picture {file} cannot be used: {error}; take it out of the folder") from error
    taken = _features(levels, ground)
    if len(taken) < FEWEST:
        raise InputError(
            f"the reference picture {file} should show a mark that can be told from others, but it has {len(taken)} "
            f"features ({FEWEST} or more are needed); is it of one colour, or very small? take it out of the folder"
        )
    return Reference(file.parent.name, template(levels, opacity, ground), taken)


def _opened(file: Path) -> tuple[Grey, Grey, float | None]:
    """Grey levels, 0 to 1, opacity, and the level of what is transparent (None if nothing is), without margins."""
    colours, opacity = _pixels(file)
    levels = np.asarray(colours @ LUMA / 255, np.float32)
    if opacity is None or opacity.min() == 1:
        opacity = _standing_out(colours)
    if opacity is None:
        return levels, np.ones_like(levels), None
    ground = 1.0 if (levels * opacity).sum() < 0.5 * opacity.sum() else 0.0
    mixed = np.asarray(levels * opacity + ground * (1 - opacity), np.float32)
    ys, xs = np.nonzero(opacity > 0.25)
    inside = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] if len(ys) else np.s_[:, :]
    return np.ascontiguousarray(mixed[inside]), np.ascontiguousarray(opacity[inside]), ground


def _pixels(file: Path) -> tuple[Grey, Grey | None]:
    """RGB, 0 to 255, and opacity, 0 to 1, if the file has it: `decode` would lay it on white, and lose white marks."""
    if decoder(file) is None:
        with media_errors(str(file)), open_file(file) as opened:
            image = open_image(opened, MAX_PIXELS)
            if image.has_transparency_data:
                pixels = np.asarray(image.convert("RGBA"), np.float32)
                return np.ascontiguousarray(pixels[..., :3]), np.asarray(pixels[..., 3] / 255, np.float32)
    return decode(file).astype(np.float32), None


def _standing_out(colours: Grey) -> Grey | None:
    """Opacity of a mark that is printed on one colour, which the edge of the picture shows; None if there is none."""
    edge = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    ground = np.median(edge, axis=0)
    if np.quantile(np.abs(edge - ground).max(axis=1), 0.95) > SAME:
        return None
    apart = np.abs(colours - ground).max(axis=2)
    return np.asarray(np.clip((apart - SAME) / max(0.5 * float(apart.max()), SAME), 0, 1), np.float32)


def _features(levels: Grey, ground: float | None) -> Features:
    """Features of the mark as it looks at several sizes, in coordinates of the reference."""
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "images") from error

    longer = max(levels.shape)
    taken = []
    for side in SIDES:
        shape = [max(1, round(side * length / longer)) for length in levels.shape[::-1]]
        small = cv2.resize(levels, shape, interpolation=cv2.INTER_AREA)
        border = 0 if ground is None else round(AROUND * side)
        padded = cv2.copyMakeBorder(small, *(border,) * 4, cv2.BORDER_CONSTANT, value=ground or 0.0)
        found = features((padded * 200 + 20).round().astype(np.uint8))
        points = (found.points - border + 0.5) / shape * np.array(levels.shape[::-1]) / longer
        sizes = np.asarray(found.sizes / side, np.float32)
        taken.append(Features(np.asarray(points, np.float32), sizes, found.angles, found.descriptors))
    return joined(taken)
