"""Pictures with marks of brands pasted on photographs, and where they lie: for the test and the benchmark of logos.

A scene is a photograph, 640 to 1,024 px wide, with at most one mark: its longer side .05 to .5 of the width (uniform in
the logarithm, so that there are as many small ones as large ones), turned by up to 20 degrees, its corners moved by up
to 8 % of its longer side, up to 30 % hidden behind a piece of another photograph; then all of it blurred (Gaussian,
sigma 0 to 1.5 px) and written as a JPEG of quality 30 to 90. Half of the marks are printed on a tile of one colour,
half straight on the photograph, at least 80 of 255 lighter or darker than what they are printed on (median luma).
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import fetch
import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

__all__ = ["Scene", "brands", "mark", "scene", "write_references"]

Picture = NDArray[np.uint8]

PHOTOS = {
    "tune": (
        *("camera.png", "motorcycle_right.png", "hubble_deep_field.jpg", "gravel.png", "flower.jpg"),
        *("aloeL.jpg", "starry_night.jpg", "butterfly.jpg", "apple.jpg", "orange.jpg", "squirrel_cls.jpg", "left.jpg"),
        *("scenetext02.jpg", "scenetext04.jpg", "scenetext06.jpg", "ela_original.jpg", "pca_test1.jpg"),
        *("rubberwhale1.png", "smarties.png", "left01.jpg", "basketball1.png", "licenseplate_motion.jpg"),
    ),
    "test": (
        *("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "rocket.jpg", "brick.png", "grass.png"),
        *("fruits.jpg", "home.jpg", "messi5.jpg", "building.jpg", "leuvenA.jpg", "baboon.jpg", "stuff.jpg"),
        *("scenetext01.jpg", "scenetext03.jpg", "scenetext05.jpg", "aero1.jpg", "graf1.png", "board.jpg"),
        *("text_defocus.jpg", "box_in_scene.png", "cards.png"),
    ),
}
SCALES, WIDTHS, QUALITIES = (0.05, 0.5), (640, 1024), (30, 90)
TURN, WARP, BLUR, HIDDEN = 20.0, 0.08, 1.5, 0.3
CONTRAST = 80.0
LUMA = np.array((0.299, 0.587, 0.114))


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it.

    Attributes:
        picture: RGB uint8.
        brand: of the mark; None if there is none.
        corners: 4 x 2, px, clockwise from the upper left of the mark.
        style: "tile" or "bare"; "" without a mark.
        scale: longer side of the mark as a share of the picture's width.
        hidden: share of the mark's quadrilateral that is covered.
        blur: sigma, px.
        quality: of the JPEG.
    """

    picture: Picture
    brand: str | None
    corners: NDArray[np.float64]
    style: str
    scale: float
    hidden: float
    blur: float
    quality: int

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) around the mark, px."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        return (*low.tolist(), *high.tolist())


def brands(part: str, count: int) -> list[str]:
    """Names of marks; those of "tune", "test" and "other" (for pasting what nobody looks for) have none in common."""
    names = sorted(path.stem for path in fetch.logos().glob("*.png"))
    order = default_rng(2024).permutation(names).tolist()
    start = {"test": 0, "other": 700, "tune": 800, "tune other": 900}[part]
    return order[start : start + count]


def write_references(folder: Path, names: list[str]) -> Path:
    """A folder per brand with its mark, black on transparent, 512 x 512."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "mark.png").write_bytes((fetch.logos() / f"{name}.png").read_bytes())
    return folder


def mark(brand: str) -> Picture:
    """How opaque each pixel of a mark is, 0 to 255, without the empty margin."""
    opacity = cv2.imread(str(fetch.logos() / f"{brand}.png"), cv2.IMREAD_UNCHANGED)[..., 3]
    ys, xs = np.nonzero(opacity > 127)
    return opacity[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]


def scene(part: str, seed: int, brand: str | None) -> Scene:
    """One picture, the same for the same arguments.

    Args:
        part: "tune" or "test": whose photographs.
        seed: of everything that is drawn.
        brand: whose mark to paste; None for a photograph alone.
    """
    rng = default_rng((seed, {"tune": 0, "test": 1}[part]))
    names = PHOTOS[part]
    one, other = rng.choice(len(names), 2, replace=False)
    width = int(rng.integers(WIDTHS[0], WIDTHS[1] + 1))
    picture = _cropped(_photo(names[one]), width, rng)
    scale, hidden, blur = 0.0, 0.0, rng.uniform(0, BLUR)
    quality, style, corners = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1)), "", np.zeros((4, 2))
    if brand is not None:
        scale = float(np.exp(rng.uniform(*np.log(SCALES))))
        hidden, style = rng.uniform(0, HIDDEN), ("tile", "bare")[int(rng.integers(2))]
        picture, corners = _pasted(picture, brand, scale * width, style, rng)
        picture = _covered(picture, _cropped(_photo(names[other]), width, rng), corners, hidden, rng)
    blurred = cv2.GaussianBlur(picture, (0, 0), max(blur, 1e-3))
    _, packed = cv2.imencode(".jpg", blurred[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    shown = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
    return Scene(shown, brand, corners, style, scale, hidden, blur, quality)


def _photo(name: str) -> Picture:
    (path,) = [
        path
        for folder in (fetch.photos(), fetch.opencv_doc() / "data", fetch.opencv_doc() / "text")
        for path in folder.glob(name)
    ]
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]


def _cropped(photo: Picture, width: int, rng: Generator) -> Picture:
    """A piece of the photograph of 4 : 3 and at least .6 of its width, mirrored half the time."""
    high, wide = photo.shape[:2]
    w = int(rng.uniform(0.6, 1) * min(wide, high * 4 / 3))
    h = int(w * 3 / 4)
    x, y = int(rng.integers(wide - w + 1)), int(rng.integers(high - h + 1))
    piece = photo[y : y + h, x : x + w]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    smaller = width < w
    shape = (width, round(width * 3 / 4))
    return cv2.resize(np.ascontiguousarray(piece), shape, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _pasted(
    picture: Picture, brand: str, side: float, style: str, rng: Generator
) -> tuple[Picture, NDArray[np.float64]]:
    """The picture with a mark of this longer side, and the corners of the mark."""
    shape = mark(brand)
    high, wide = shape.shape
    corners = _corners(side * wide / max(high, wide), side * high / max(high, wide), rng)
    low, top = corners.min(axis=0), corners.max(axis=0)
    room = np.array(picture.shape[1::-1]) - (top - low) - 2
    corners += np.floor(rng.uniform(1, np.maximum(room, 1.01))) - low
    frame = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float64)
    margin = 0.2 * max(wide, high)
    tile = np.ones((round(high + 2 * margin), round(wide + 2 * margin)), np.float32)
    to = cv2.getPerspectiveTransform(frame.astype(np.float32), corners.astype(np.float32))
    behind = picture.astype(np.float32)
    under = _colour_of(behind, corners)
    if style == "tile":
        under = rng.uniform(0, 255, 3)
        shifted = to @ np.array([(1, 0, -margin), (0, 1, -margin), (0, 0, 1)])
        behind = _mixed(behind, under, _drawn(tile, shifted, picture.shape))
    return _mixed(
        behind, _contrasting(under, rng), _drawn((shape / 255).astype(np.float32), to, picture.shape)
    ).round().astype(np.uint8), corners


def _corners(wide: float, high: float, rng: Generator) -> NDArray[np.float64]:
    angle = np.radians(rng.uniform(-TURN, TURN))
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    flat = np.array([(0, 0), (wide, 0), (wide, high), (0, high)])
    # of an elongated mark the corners move by a share of the shorter side upright, so that it stays convex
    moved = rng.uniform(-WARP, WARP, (4, 2)) * np.array((max(wide, high), min(max(wide, high), 2 * high)))
    return (flat + moved) @ turn.T


def _drawn(mask: NDArray[np.float32], to: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The mask in the picture, drawn at four times its size so that edges are smooth."""
    high, wide = mask.shape
    frame = np.array([[(0, 0), (wide, 0), (wide, high), (0, high)]], np.float64)
    corners = cv2.perspectiveTransform(frame, to)[0]
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, shape[1::-1])
    fine = np.diag((4.0, 4.0, 1.0)) @ np.array([(1, 0, -x0), (0, 1, -y0), (0, 0, 1)]) @ to
    large = cv2.warpPerspective(mask, fine, (int(x1 - x0) * 4, int(y1 - y0) * 4))
    drawn = np.zeros(shape[:2], np.float32)
    drawn[y0:y1, x0:x1] = cv2.resize(large, (int(x1 - x0), int(y1 - y0)), interpolation=cv2.INTER_AREA)
    return drawn[..., None]


def _mixed(behind: NDArray[np.float32], colour: NDArray[np.float64], share: NDArray[np.float32]) -> NDArray[np.float32]:
    return (behind * (1 - share) + colour * share).astype(np.float32)


def _colour_of(picture: NDArray[np.float32], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median colour of what lies under the mark."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1)
    return np.median(picture[mask > 0], axis=0).astype(np.float64)


def _contrasting(under: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Black or white (half the time), or any colour, that stands out by at least `CONTRAST` of luma."""
    while True:
        colour = np.full(3, rng.choice((0.0, 255.0))) if rng.random() < 0.5 else rng.uniform(0, 255, 3)
        if abs((colour - under) @ LUMA) >= CONTRAST:
            return colour


def _covered(picture: Picture, other: Picture, corners: NDArray[np.float64], share: float, rng: Generator) -> Picture:
    """The picture with this share of the quadrilateral, from one side on, behind a piece of another photograph."""
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, corners.round().astype(np.int32), 1)
    angle = rng.uniform(0, 2 * np.pi)
    ys, xs = np.mgrid[: picture.shape[0], : picture.shape[1]]
    along = xs * np.cos(angle) + ys * np.sin(angle)
    cut = np.quantile(along[inside > 0], 1 - share)
    near = cv2.dilate(inside, np.ones((9, 9), np.uint8)) > 0
    return np.where(((along > cut) & near)[..., None], other, picture)
