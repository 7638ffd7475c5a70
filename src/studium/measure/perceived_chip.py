"""A face as the networks for perceived traits want it: upright, at a fixed scale."""

import numpy as np
import numpy.typing as npt

from studium.errors import MediaError
from studium.measure.align import aligned
from studium.measure.centerface import Face, find_faces
from studium.media.region import Region
from studium.media.transform import Picture, check_rgb

__all__ = ["PADDING", "PADDINGS", "TEMPLATE", "chip", "landmarks", "planes", "views"]

TEMPLATE = ((0.22, 0.197), (0.78, 0.197), (0.5, 0.506), (0.262, 0.77), (0.738, 0.77))
"""Where CenterFace's five landmarks lie, on average, in the square that dlib cuts out around its own five.

dlib's are the corners of the eyes and the base of the nose, and the networks were trained on its squares. Measured on
the photographs of faces that the tests use, and made symmetric.
"""

PADDING = 0.2
"""How much wider than that square the networks see, on every side, as a share of its side."""

PADDINGS = (0.1, 0.15, PADDING, 0.25, 0.3)
"""Of the `views`."""

MEAN = np.array([122.782, 117.001, 104.298], np.float32)
"""Of red, green and blue in the faces that dlib's networks learned from."""

Points = tuple[tuple[float, float], ...]


def chip(region: Region, size: int, padding: float = PADDING) -> Picture:
    """The face of a region, upright, ``size`` x ``size`` pixels.

    Args:
        region: a face and what surrounds it.
        size: side of the result in px.
        padding: around dlib's square, as a share of its side.

    Returns:
        RGB uint8, size x size x 3.

    Raises:
        MediaError: no face is there.
    """
    template = (np.array(TEMPLATE) + padding) / (1 + 2 * padding)
    return aligned(region.picture, landmarks(region), template, size)


def views(region: Region, size: int) -> Picture:
    """The face at five scales, and each of them mirrored.

    The networks are nervous: a pixel more or less around a face can move its age by ten years. The mean over these
    views is steadier, and the same for a picture and its mirror image.

    Returns:
        RGB uint8, 10 x size x size x 3.

    Raises:
        MediaError: no face is there.
    """
    points = landmarks(region)
    found = Region(region.picture, region.box, points)
    chips = np.stack([chip(found, size, padding) for padding in PADDINGS])
    return np.concatenate([chips, chips[:, :, ::-1]])


def planes(chips: Picture) -> npt.NDArray[np.float32]:
    """Chips as dlib's networks take them.

    Args:
        chips: RGB uint8, n x size x size x 3.

    Returns:
        n x 3 x size x size: (RGB - mean) / 256.
    """
    return np.ascontiguousarray(((chips.astype(np.float32) - MEAN) / np.float32(256)).transpose(0, 3, 1, 2))


def landmarks(region: Region) -> Points:
    """The five landmarks of the face in a region: those that came with it, else those that CenterFace finds.

    Raises:
        MediaError: no face is there, so nothing can be said about one.
    """
    check_rgb(region.picture)
    if region.points is not None and len(region.points) == len(TEMPLATE):
        return region.points
    faces = [face for face in find_faces(region.picture) if _centred_in(face, region)]
    if not faces:
        raise MediaError("no face was found where one should be; its traits cannot be told")
    return faces[0].points


def _centred_in(face: Face, region: Region) -> bool:
    x0, y0, x1, y1 = face.box
    left, top, right, bottom = region.box
    return left <= (x0 + x1) / 2 <= right and top <= (y0 + y1) / 2 <= bottom
