"""Films whose transitions are known, made of real pictures: the same film from the same seed.

Shots are photographs under a moving camera (still, drift, pan, zoom, shake) and stretches of real clips. What must not
be taken for a transition happens inside them: photo flashes, captions and insets that pop up, things that pass close
by, changes of brightness, black frames, grain, darkness. Between them lie cuts, dissolves of .3 to 1.5 s, and fades
out and in through black or white. The two pools share no photograph, no cutout and no clip.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import fetch
import numpy as np
from numpy.typing import NDArray

__all__ = ["Film", "Transition", "encode", "film"]

Picture = NDArray[np.uint8]
Shot = Callable[[int], Picture]
Size = tuple[int, int]
Random = np.random.Generator
Clip = tuple[str, str, int, int]

PHOTOS = {
    "tuning": (
        "photos astronaut.png", "photos chelsea.png", "photos coffee.png", "photos rocket.jpg", "photos camera.png",
        "photos motorcycle_left.png", "photos grass.png", "opencv_doc data/fruits.jpg", "opencv_doc data/messi5.jpg",
        "opencv_doc data/home.jpg", "opencv_doc text/scenetext01.jpg", "opencv_doc text/scenetext03.jpg",
        "opencv_doc text/scenetext05.jpg", "opencv_doc data/leuvenA.jpg", "opencv_doc data/squirrel_cls.jpg",
        "opencv_doc data/stuff.jpg", "opencv_doc data/basketball1.png", "opencv_doc data/starry_night.jpg",
        "opencv_doc data/aloeL.jpg", "opencv_doc data/rubberwhale1.png", "opencv_doc hfs/data/000.jpg",
        "politicians obama.jpg",
    ),
    "test": (
        "photos china.jpg", "photos flower.jpg", "photos hubble_deep_field.jpg", "photos brick.png",
        "photos coins.png", "photos retina.jpg", "opencv_doc data/baboon.jpg", "opencv_doc text/scenetext02.jpg",
        "opencv_doc text/scenetext04.jpg", "opencv_doc text/scenetext06.jpg", "opencv_doc data/building.jpg",
        "opencv_doc data/graf1.png", "opencv_doc data/butterfly.jpg", "opencv_doc data/board.jpg",
        "opencv_doc data/ela_original.jpg", "opencv_doc alphamat/input_images/plant.jpg",
        "opencv_doc data/pca_test1.jpg", "opencv_doc data/apple.jpg", "opencv_doc data/aero1.jpg",
        "opencv_doc data/left.jpg", "opencv_doc hfs/data/001.jpg", "opencv_doc hfs/data/002.jpg",
        "politicians biden.jpg",
    ),
}  # fmt: skip
CLIPS = {
    "tuning": (
        *(("videos", "bikes.mp4", first, end) for first, end in ((30, 76), (76, 137), (137, 187), (187, 242))),
        ("videos", "carphone_pristine.mp4", 0, 120),
    ),
    "test": (("videos", "bigbuckbunny.mp4", 0, 132), ("opencv_doc", "data/vtest.avi", 0, 300)),
}
"""Folder, file, first frame and end of stretches without a transition."""

RATES = (15, 24, 25, Fraction(30000, 1001), 30, 50, 60)
SIZES = ((320, 180), (320, 240), (480, 270), (640, 360))
_ALWAYS_THE_SAME = {
    "preset": "veryfast",
    "threads": "2",
    "x264-params": "rc-lookahead=0:no-mbtree=1:weightp=0",  # x264's assembly looks ahead beyond the picture
}
MOTIONS = ("still", "drift", "pan", "zoom", "shake")


@dataclass(frozen=True)
class Transition:
    """From ``first``, its first frame that is not of the shot before alone, to ``last``, the first of the next alone.

    Of a cut both are the first frame of the new shot.
    """

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Film:
    """An encoded film: its file, frames per second, frames, and what lies between its shots."""

    path: Path
    rate: Fraction
    frames: int
    transitions: tuple[Transition, ...]


@dataclass(frozen=True)
class Join:
    """How a shot becomes the next: frames out of the one, frames of nothing but ``level``, frames into the other."""

    kind: str
    out: int = 0
    hold: int = 0
    into: int = 0
    level: int = 0


def film(folder: Path, seed: int, pool: str, shots: int = 25) -> Film:
    """The film of a seed, made if it is not in ``folder`` yet."""
    path = folder / f"{pool}-{seed}-{shots}.mp4"
    notes = path.with_suffix(".json")
    if not notes.exists():
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        size, rate = SIZES[rng.integers(len(SIZES))], Fraction(RATES[rng.integers(len(RATES))])
        found: list[Transition] = []
        count = encode(path, _frames(rng, pool, size, rate, shots, found), rate, crf=int(rng.integers(20, 32)))
        rows = [asdict(transition) for transition in found]
        notes.write_text(json.dumps({"rate": str(rate), "frames": count, "transitions": rows}))
    said = json.loads(notes.read_text())
    return Film(path, Fraction(said["rate"]), said["frames"], tuple(Transition(**row) for row in said["transitions"]))


def encode(
    path: Path,
    frames: Iterable[Picture],
    rate: Fraction | int = 25,
    crf: int = 23,
    times: Sequence[float] | None = None,
) -> int:
    """Write an H.264 file and count its frames; ``times`` in seconds, rising, if the rate is not constant."""
    count = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf), **_ALWAYS_THE_SAME})
        stream.pix_fmt = "yuv420p"
        tick = stream.codec_context.time_base = Fraction(1, 90_000) if times else 1 / Fraction(rate)
        for picture in frames:
            if count == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), "yuv420p")
            frame.pts = round(times[count] / tick) if times else count
            frame.time_base = tick
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count


def _frames(
    rng: Random, pool: str, size: Size, rate: Fraction, shots: int, found: list[Transition]
) -> Iterator[Picture]:
    """Frames of a film; ``found`` gets its transitions as they pass."""
    sources = _sources(rng, pool, shots)
    joins = [_join(rng, float(rate)) for _ in range(shots - 1)]
    count = 0
    lead: Shot | None = None
    begun = 0
    for number, source in enumerate(sources):
        before = joins[number - 1].into if number else 0
        after = joins[number].out if number < shots - 1 else 0
        pure = max(2, round(rng.uniform(0.8, 4.0) * float(rate)))
        shot = _shot(rng, pool, source, size, float(rate), (before, before + pure, before + pure + after))
        if number and lead:
            join = joins[number - 1]
            first = count
            for picture in _joined(join, lead, begun, shot, size):
                yield picture
                count += 1
            found.append(Transition(join.kind, first, count))
        for index in range(before, before + pure):
            yield shot(index)
            count += 1
        lead, begun = shot, before + pure


def _sources(rng: Random, pool: str, shots: int) -> list[str | Clip]:
    """What each shot shows; no two neighbours the same."""
    chosen: list[str | Clip] = []
    while len(chosen) < shots:
        among = CLIPS[pool] if rng.random() < 0.25 else PHOTOS[pool]
        if (one := among[rng.integers(len(among))]) not in chosen[-1:]:
            chosen.append(one)
    return chosen


def _join(rng: Random, rate: float) -> Join:
    kind = rng.choice(("cut", "dissolve", "fade"), p=(0.45, 0.3, 0.25))
    if kind == "cut":
        return Join("cut")
    if kind == "dissolve":
        count = max(2, round(rng.uniform(0.3, 1.5) * rate) - 1)
        return Join("dissolve", count, 0, count)
    out, hold, into = (max(1, round(rng.uniform(*span) * rate)) for span in ((0.2, 0.8), (0.0, 0.5), (0.2, 0.8)))
    return Join("fade", out, hold, into, int(rng.choice((0, 0, 255))))


def _joined(join: Join, one: Shot, begun: int, other: Shot, size: Size) -> Iterator[Picture]:
    """The frames between two shots; ``begun`` is where the first one stands."""
    if join.kind == "dissolve":
        for index in range(join.out):
            share = (index + 1) / (join.out + 1)
            yield cv2.addWeighted(one(begun + index), 1 - share, other(index), share, 0)
        return
    blank = np.full((size[1], size[0], 3), join.level, np.uint8)
    for index in range(join.out):
        share = (index + 1) / join.out
        yield cv2.addWeighted(one(begun + index), 1 - share, blank, share, 0)
    for _ in range(join.hold):
        yield blank
    for index in range(join.into):
        share = (index + 1) / (join.into + 1)
        yield cv2.addWeighted(blank, 1 - share, other(index), share, 0)


# shots


def _shot(rng: Random, pool: str, source: str | Clip, size: Size, rate: float, marks: tuple[int, int, int]) -> Shot:
    """A shot: its transitions end and begin at ``marks``, and what happens in it happens between."""
    low, high, total = marks
    if isinstance(source, str):
        shot = _camera(rng, _scene(rng, source, pool), size, total, rate)
    else:
        shot = _clip(rng, source, size, total)
    if rng.random() < 0.12:
        shot = _dark(rng, shot)
    if rng.random() < 0.2:
        shot = _grain(rng, shot, size)
    inside = (low + (high - low) // 6, high - (high - low) // 6)
    for happening, chance in HAPPENINGS:
        if rng.random() < chance:
            shot = happening(rng, shot, pool, size, inside, rate)
    return shot


def _camera(rng: Random, picture: Picture, size: Size, total: int, rate: float) -> Shot:
    """A camera that moves over a picture, which is mirrored beyond its borders."""
    width, height = size
    scale = max(width / picture.shape[1], height / picture.shape[0]) * rng.uniform(1.05, 1.6)
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        scale = 1.0
    motion = rng.choice(MOTIONS, p=(0.15, 0.35, 0.2, 0.18, 0.12))
    speed = {"still": 0.0, "pan": rng.uniform(0.15, 0.7)}.get(motion, rng.uniform(0, 0.08))  # widths a second
    growth = {"still": 0.0, "zoom": rng.uniform(0.15, 0.6)}.get(motion, rng.uniform(0, 0.05)) * rng.choice((-1, 1))
    angle = rng.uniform(0, 2 * np.pi) if motion != "pan" else rng.choice((0, np.pi)) + rng.normal(0, 0.2)
    centre = np.array(picture.shape[1::-1]) * rng.uniform(0.35, 0.65, 2)
    tremor = _tremor(rng, total, rate) * (rng.uniform(0.006, 0.02) * width if motion == "shake" else 0)
    middle = np.array([width, height]) / 2

    def shot(index: int) -> Picture:
        seconds = index / rate
        zoom = scale * np.exp(np.clip(growth * seconds, -0.7, 1.0))
        way = np.array([np.cos(angle), np.sin(angle)]) * speed * width * seconds / zoom
        shift = middle - zoom * (centre + way) + tremor[index % total]
        matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
        return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    return shot


def _tremor(rng: Random, total: int, rate: float) -> NDArray[np.float64]:
    """How a hand trembles, about eight times a second: (total, 2), mean 0 and deviation about 1."""
    knots = rng.normal(0, 1, (int(total / rate * 8) + 3, 2))
    at = np.arange(total) / rate * 8
    return np.stack([np.interp(at, np.arange(len(knots)), knots[:, axis]) for axis in (0, 1)], 1)


def _clip(rng: Random, source: Clip, size: Size, total: int) -> Shot:
    """A stretch of a clip from a chance frame on, back and forth if it is too short."""
    frames = _read(*source, size)
    begin, turn = int(rng.integers(len(frames))), 2 * (len(frames) - 1)

    def shot(index: int) -> Picture:
        at = (begin + index) % turn
        return frames[min(at, turn - at)]

    return shot


@lru_cache(maxsize=2)
def _read(folder: str, name: str, first: int, end: int, size: Size) -> list[Picture]:
    frames = []
    with av.open(str(getattr(fetch, folder)() / name)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= end:
                break
            if index >= first:
                frames.append(_covering(frame.to_ndarray(format="rgb24"), size))
    return frames


def _covering(picture: Picture, size: Size) -> Picture:
    """The middle of a picture, resized so that it fills ``size``."""
    width, height = size
    scale = max(width / picture.shape[1], height / picture.shape[0])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(picture, None, fx=scale + 1e-3, fy=scale + 1e-3, interpolation=way)
    y, x = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.ascontiguousarray(large[y : y + height, x : x + width])


@lru_cache(maxsize=64)
def _photo(source: str) -> Picture:
    folder, name = source.split(" ")
    found = cv2.imread(str(getattr(fetch, folder)() / name), cv2.IMREAD_COLOR)
    assert found is not None, source
    return np.ascontiguousarray(found[..., ::-1])


@lru_cache(maxsize=2)
def _cutouts(pool: str) -> list[Path]:
    return sorted(fetch.stamps().rglob("*.png"))[0 if pool == "tuning" else 1 :: 2]


def _scene(rng: Random, source: str, pool: str) -> Picture:
    """A photograph, perhaps blurred behind something that was cut out of another."""
    picture = _photo(source)
    if rng.random() < 0.35:
        picture = cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 60)
        height, width = picture.shape[:2]
        cutout = _cutout(rng, pool, int(height * rng.uniform(0.5, 0.8)), width)
        y, x = (height - cutout.shape[0]) // 2, int(rng.integers(width - cutout.shape[1] + 1))
        _paste(picture, cutout, x, y)
    return picture


def _cutout(rng: Random, pool: str, height: int, width: int) -> Picture:
    """Something cut out, RGBA, at most this large."""
    paths = _cutouts(pool)
    while True:
        found = cv2.imread(str(paths[rng.integers(len(paths))]), cv2.IMREAD_UNCHANGED)
        if found is not None and found.ndim == 3 and found.shape[2] == 4 and found.dtype == np.uint8:
            break
    scale = min(height / found.shape[0], width / found.shape[1])
    small = cv2.resize(found, (max(1, int(found.shape[1] * scale)), max(1, int(found.shape[0] * scale))))
    return np.ascontiguousarray(small[..., [2, 1, 0, 3]])


def _paste(picture: Picture, cutout: Picture, x: int, y: int) -> None:
    """Lay an RGBA picture over another in place; what lies outside is left away."""
    left, right = max(0, -x), min(cutout.shape[1], picture.shape[1] - x)
    top, bottom = max(0, -y), min(cutout.shape[0], picture.shape[0] - y)
    if left >= right or top >= bottom:
        return
    part = cutout[top:bottom, left:right]
    below = picture[y + top : y + bottom, x + left : x + right]
    share = part[..., 3:].astype(np.float32) / 255
    below[:] = (below * (1 - share) + part[..., :3] * share).astype(np.uint8)


# what happens in a shot


def _dark(rng: Random, shot: Shot) -> Shot:
    gain = rng.uniform(0.2, 0.5)
    return lambda index: cv2.convertScaleAbs(shot(index), alpha=gain)


def _grain(rng: Random, shot: Shot, size: Size) -> Shot:
    noise = rng.normal(0, rng.uniform(2, 7), (size[1], size[0], 1)).astype(np.int16)
    shifts = rng.integers(0, size[1] * size[0], 64)
    return lambda index: np.clip(shot(index) + np.roll(noise, shifts[index % 64]), 0, 255).astype(np.uint8)


def _flash(rng: Random, shot: Shot, pool: str, size: Size, inside: Size, rate: float) -> Shot:
    begin, count, light = int(rng.integers(*inside)), int(rng.integers(1, 4)), float(rng.uniform(60, 240))
    return lambda i: cv2.add(shot(i), (light, light, light, 0)) if begin <= i < begin + count else shot(i)


def _black(rng: Random, shot: Shot, pool: str, size: Size, inside: Size, rate: float) -> Shot:
    begin, count = int(rng.integers(*inside)), int(rng.integers(1, 6))
    return lambda i: np.zeros((size[1], size[0], 3), np.uint8) if begin <= i < begin + count else shot(i)


def _brightness(rng: Random, shot: Shot, pool: str, size: Size, inside: Size, rate: float) -> Shot:
    begin, count, gain = int(rng.integers(*inside)), rng.uniform(0.05, 1) * rate, rng.choice((0.5, 0.6, 1.4, 1.7))

    def brightened(index: int) -> Picture:
        share = np.clip((index - begin) / count, 0, 1)
        return cv2.convertScaleAbs(shot(index), alpha=1 + share * (gain - 1)) if share else shot(index)

    return brightened


def _caption(rng: Random, shot: Shot, pool: str, size: Size, inside: Size, rate: float) -> Shot:
    """A caption, or a picture in a corner, that pops up and off."""
    width, height = size
    begin, end = sorted(rng.integers(*inside, 2))
    if rng.random() < 0.6:
        high = int(height * rng.uniform(0.12, 0.3))
        box = np.full((high, width, 3), rng.integers(0, 256, 3), np.uint8)
        text = "".join(rng.choice(list("abcdefgh ijklmnop QRSTUVW"), 28))
        cv2.putText(box, text, (8, high - 8), cv2.FONT_HERSHEY_SIMPLEX, high / 40, (255, 255, 255), 2)
        y, x = height - high, 0
    else:
        wide = int(width * rng.uniform(0.2, 0.4))
        other = PHOTOS[pool][rng.integers(len(PHOTOS[pool]))]
        box = _covering(_photo(other), (wide, wide * height // width))
        y, x = int(rng.choice((8, height - box.shape[0] - 8))), int(rng.choice((8, width - wide - 8)))

    def captioned(index: int) -> Picture:
        picture = shot(index)
        if begin <= index < end:
            picture = picture.copy()
            picture[y : y + box.shape[0], x : x + box.shape[1]] = box
        return picture

    return captioned


def _passing(rng: Random, shot: Shot, pool: str, size: Size, inside: Size, rate: float) -> Shot:
    """Something that passes close to the camera."""
    width, height = size
    cutout = _cutout(rng, pool, int(height * rng.uniform(0.4, 0.95)), width)
    begin, speed = int(rng.integers(*inside)), rng.choice((-1, 1)) * rng.uniform(0.5, 3) * width / rate
    y = height - cutout.shape[0]

    def passed(index: int) -> Picture:
        picture, way = shot(index), int(abs(speed) * (index - begin))
        if 0 <= way < width + cutout.shape[1]:
            picture = picture.copy()
            _paste(picture, cutout, way - cutout.shape[1] if speed > 0 else width - way, y)
        return picture

    return passed


HAPPENINGS = (
    (_passing, 0.2), (_caption, 0.3), (_brightness, 0.12), (_flash, 0.2), (_black, 0.05),
)  # fmt: skip
"""In this order, and with this chance in a shot."""
