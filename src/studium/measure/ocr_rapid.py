"""Lines of text in a picture: where they are (DBNet), and what they say (SVTR with CTC).

The networks are PaddleOCR's PP-OCRv6, small, as the RapidOCR package ships them. Unlike that package, this looks at
long pictures in windows rather than in miniature, takes any number of lines, cuts them out of the whole picture, and
reads each on its own, so that its text depends on nothing else in the picture.

References:
    Liao et al. (2020), doi:10.1609/aaai.v34i07.6812 (detection); Du et al. (2022), doi:10.24963/ijcai.2022/124, and
    Graves et al. (2006), doi:10.1145/1143844.1143891 (recognition).
"""

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studium.core import weights
from studium.errors import MissingExtraError
from studium.media.transform import Picture, check_rgb
from studium.networks.sessions import loaded, session

__all__ = ["MODEL", "Corners", "Read", "characters", "extent", "find", "networks", "read", "straight"]

MODEL = "pp-ocrv6"

Floats = npt.NDArray[np.float32]
Corners = npt.NDArray[np.float32]

SMALL, LARGE = 736, 1536  # px that the shorter side has at least and at most when lines are looked for
WINDOW, OVERLAP = 1600, 320  # px of what the network sees at once, and of what it sees twice
INK = 0.3  # least probability of a pixel to be text
SURE = 0.5  # least mean probability within a line
GROWTH = 1.6  # the network is taught lines shrunk by this: Vatti clipping, D = A r / L
TINY = 3.0  # px; no line is lower
QUARTER, LARGEST = 0.25, 128.0  # the second look, and px in full detail of what it is for; higher ones must be long
HEIGHT = 48  # px of a line to be read
TALL = 1.5  # height / width from which a line is taken to be read downwards


class Read(NamedTuple):
    """What a line says, and the mean probability of its characters, 0 to 1."""

    text: str
    confidence: float


def find(picture: Picture, large: bool = False) -> list[Corners]:
    """Where there is text.

    Args:
        picture: RGB uint8, H x W x 3.
        large: look at a quarter of the detail, for lines so high that the network sees only parts of their letters
            in full detail, and for none else. Single letters of that height are left out: most are round things.

    Returns:
        Of every line its corners, 4 x 2 (x, y) in px, clockwise from the one where reading begins: at the top left; of
        a line that is half as high again as wide, at the top right, for it is read downwards.
    """
    cv2 = _cv2()
    share = QUARTER if large else 1.0
    probable, scale = _map(check_rgb(picture), share)
    mask = cv2.dilate((probable > INK).view(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        middle, (wide, high), angle = cv2.minAreaRect(outline)
        if min(wide, high) < TINY or _mean(probable, cv2.boxPoints((middle, (wide, high), angle))) < SURE:
            continue
        grown = wide * high * GROWTH / (wide + high)  # on both sides together
        corners = _clockwise(cv2.boxPoints((middle, (wide + grown, high + grown), angle)) / scale)
        wide, high = extent(corners)
        is_large, is_long = min(wide, high) * scale > LARGEST * share, max(wide, high) >= TALL * min(wide, high)
        if is_long if is_large else not large:
            found.append(np.roll(corners, -1, axis=0) if high >= TALL * wide else corners)
    return found


def extent(corners: Corners) -> tuple[float, float]:
    """Width and height of a line in px, along and across the direction of reading."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return float(max(sides[0], sides[2])), float(max(sides[1], sides[3]))


def straight(picture: Picture, corners: Corners) -> Picture:
    """Cut a line out and make it level; what lies beyond the edges of the picture repeats them.

    Args:
        picture: RGB uint8, H x W x 3.
        corners: as `find` returns them.
    """
    cv2 = _cv2()
    wide, high = (max(1, int(side)) for side in extent(corners))
    level = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    x, y = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)  # cubic interpolation sees 2 px around
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 3
    turn = cv2.getPerspectiveTransform(np.asarray(corners - (x, y), np.float32), level)
    line: Picture = cv2.warpPerspective(
        picture[y:bottom, x:right], turn, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return line


def read(line: Picture) -> Read:
    """Read a line.

    Args:
        line: RGB uint8, H x W x 3, level.
    """
    net, alphabet = loaded(networks)["rec.onnx"], loaded(characters)
    high, wide = check_rgb(line).shape[:2]
    likely = _first(net, _scaled(line, HEIGHT, max(320, int(HEIGHT * wide / high))))[0]
    best = likely.argmax(axis=1)
    kept = np.flatnonzero((best != 0) & (best != np.concatenate([[-1], best[:-1]])))
    if not len(kept):
        return Read("", 0.0)
    return Read("".join(alphabet[number] for number in best[kept]), float(likely[kept, best[kept]].mean()))


@cache
def networks() -> dict[str, Any]:
    """The sessions, by file."""
    _cv2()  # what is missing is said before a run starts
    return {file.name: session(weights.path(MODEL, file.name), MODEL) for file in weights.get(MODEL).files}


@cache
def characters() -> tuple[str, ...]:
    """What the outputs of the reading network stand for; the first is none."""
    listed = loaded(networks)["rec.onnx"].get_modelmeta().custom_metadata_map["character"].splitlines()
    return ("", *listed, " ")


def _map(picture: Picture, share: float) -> tuple[Floats, float]:
    """Probability of text in a share of full detail, and pixels of it per pixel of the picture."""
    cv2 = _cv2()
    high, wide = picture.shape[:2]
    short, long = sorted((high, wide))
    scale = share * (LARGE / short if short > LARGE else max(1.0, min(SMALL / short, WINDOW / long)))
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    if scale != 1:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    net = loaded(networks)["det.onnx"]
    found = np.zeros(picture.shape[:2], np.float32)
    for top, bottom, above, below in _windows(size[1]):
        for left, right, before, after in _windows(size[0]):
            seen = _first(net, _planes(picture[top:bottom, left:right]))[0, 0]
            found[above:below, before:after] = seen[above - top : below - top, before - left : after - left]
    return found, scale


def _windows(length: int) -> list[tuple[int, int, int, int]]:
    """Start and end of windows, as few and then as short as may be, and of the middle part of each: these tile it."""
    if length <= WINDOW:
        return [(0, length, 0, length)]
    count = -(-(length - OVERLAP) // (WINDOW - OVERLAP))
    size = -(-(length + (count - 1) * OVERLAP) // count)
    starts = np.linspace(0, length - size, count).astype(int).tolist()
    seams = [0, *[(a + size + b) // 2 for a, b in pairwise(starts)], length]
    return [(a, a + size, seams[i], seams[i + 1]) for i, a in enumerate(starts)]


def _planes(picture: Picture) -> Floats:
    """BGR, -1 to 1, sides filled up to multiples of 32: 1 x 3 x H x W."""
    high, wide = picture.shape[:2]
    filled = np.pad(picture, ((0, -high % 32), (0, -wide % 32), (0, 0)), mode="edge")
    planes = np.ascontiguousarray(filled[..., ::-1].transpose(2, 0, 1)[None], np.float32)
    planes /= 127.5
    planes -= 1
    return planes


def _scaled(line: Picture, high: int, wide: int) -> Floats:
    """A line of that height, BGR, -1 to 1, filled up or pressed to that width: 1 x 3 x H x W."""
    own = min(wide, int(np.ceil(high * line.shape[1] / line.shape[0])))
    cv2 = _cv2()
    how = cv2.INTER_AREA if line.shape[0] > 2 * high else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(line), (own, high), interpolation=how)
    filled = np.zeros((1, 3, high, wide), np.float32)
    filled[0, :, :, :own] = small[..., ::-1].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
    return filled


def _first(net: Any, planes: Floats) -> Floats:
    found: Floats = net.run(None, {"x": planes}, loaded(_frugal))[0]
    return found


@cache
def _frugal() -> Any:
    """Give the memory of a pass back after it: the largest picture would hold hundreds of MB to the end of the run."""
    from onnxruntime import RunOptions

    options = RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _mean(probable: Floats, corners: Corners) -> float:
    """Mean probability within a quadrilateral."""
    cv2 = _cv2()
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.ceil(corners.max(axis=0)).astype(int) + 1
    part = probable[low[1] : high[1], low[0] : high[0]]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, (corners - low).astype(np.int32)[None], 1)
    return float(cv2.mean(part, inside)[0])


def _clockwise(corners: Corners) -> Corners:
    """From the top left: of the two corners most to the left the upper one."""
    order = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (side[np.argsort(side[:, 1], kind="stable")] for side in (order[:2], order[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "ocr") from error
    return cv2
