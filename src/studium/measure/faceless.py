"""Pictures without faces, for whatever leaves the machine."""

from studium.measure.centerface import MODEL, network
from studium.measure.cover import Cover
from studium.media.transform import Picture, check_rgb, downscale
from studium.networks.sessions import loaded

__all__ = ["GLANCE", "MODELS", "faceless", "faces_in", "ready"]

MODELS = (MODEL,)
"""Ids of the models whose weights it takes; part of the recipe of a measure that covers faces."""

GLANCE = 640
"""Longer side in px at which it takes a fraction of a second to see whether there are faces, smaller ones excepted."""


def faceless(picture: Picture) -> Picture:
    """The picture with every face that is found filled with black, as `studium.anonymise` does with its defaults.

    Faces of 20 px and more are looked for, with a low threshold, and once more in what was covered. **A finder misses
    some**: faces in profile, hidden in part, painted, small or blurred; see ``docs/anonymise.md`` for how many. Who is
    shown may also be told by clothes, place and text.

    Args:
        picture: RGB uint8, H x W x 3, upright.

    Raises:
        MissingExtraError: ONNX Runtime, onnx or OpenCV is not installed.
        WeightsError: the network that finds faces cannot be had.
    """
    return Cover()(picture)


def faces_in(picture: Picture) -> int:
    """How many faces show at first sight: found as by `faceless`, but in the picture at `GLANCE` px.

    Args:
        picture: RGB uint8, H x W x 3, upright.
    """
    return len(Cover().find(downscale(check_rgb(picture), GLANCE)))


def ready() -> None:
    """Load what finds faces, once per process: for `prepare` of a measure that covers them.

    Raises:
        MissingExtraError: ONNX Runtime, onnx or OpenCV is not installed.
        WeightsError: the network that finds faces cannot be had.
    """
    loaded(network)
