"""A camera over a photograph: what it sees while it makes a known move, and films of such views without any loss."""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["MOVES", "record", "view", "views"]

Grey = NDArray[np.uint8]
SIZE = (320, 240)
MOVES = {
    "static": {},
    "pan": {"right": 3.0},
    "tilt": {"up": 2.0},
    "zoom": {"zoom": 0.02},
    "roll": {"roll": 1.0},
}
"""What the camera does from frame to frame: px, share of the scale, degrees clockwise."""


def view(photo: NDArray[np.uint8], right: float = 0, up: float = 0, zoom: float = 1, roll: float = 0) -> Grey:
    """320 x 240 px of the middle of a photograph, after the camera went right, up, nearer, and rolled clockwise."""
    width, height = SIZE
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    least = max(1.0, 420 / grey.shape[1], 380 / grey.shape[0])
    grey = cv2.resize(grey, None, fx=least, fy=least, interpolation=cv2.INTER_CUBIC)
    turn = math.radians(-roll)
    turned = zoom * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre = np.array([grey.shape[1] / 2 + right, grey.shape[0] / 2 - up])
    shift = np.array([(width - 1) / 2, (height - 1) / 2]) - turned @ centre
    return cv2.warpAffine(grey, np.c_[turned, shift], SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def views(photo: NDArray[np.uint8], move: str, thing: NDArray[np.uint8] | None = None, count: int = 20) -> list[Grey]:
    """So many frames of a move; a thing (grey, 72 x 58 px: .0544 of the picture) goes 4 px right and 2 down in each."""
    step = {"right": 0.0, "up": 0.0, "zoom": 0.0, "roll": 0.0} | MOVES[move]
    frames = []
    for k in range(count):
        at = k - (count - 1) / 2
        zoom = (1 + step["zoom"]) ** at
        frame = view(photo, step["right"] * at, step["up"] * at, zoom, step["roll"] * at)
        if thing is not None:
            frame[60 + 2 * k : 118 + 2 * k, 40 + 4 * k : 112 + 4 * k] = thing
        frames.append(frame)
    return frames


def record(path: Path, frames: Iterable[Grey], rate: int = 25, times: Sequence[float] = ()) -> Path:
    """Write grey pictures as a film that gives them back exactly; ``times`` in seconds if the rate varies."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"qp": "0", "preset": "ultrafast"})
        stream.pix_fmt = "gray"
        stream.codec_context.color_range = 2  # full
        stream.codec_context.time_base = Fraction(1, 90_000)
        for k, picture in enumerate(frames):
            if k == 0:
                stream.height, stream.width = picture.shape
            frame = av.VideoFrame.from_ndarray(picture, "gray")
            frame.color_range = 2
            frame.pts = round(90_000 * (times[k] if times else k / rate))
            frame.time_base = Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
