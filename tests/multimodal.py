"""Posts with texts, pictures and labels: what words, pictures or only both together can tell.

Each function writes ``posts.csv`` into a folder, with the pictures that it names beside it, and returns its path: the
same bytes on every machine. Texts and pictures are real; only how `xor` pairs them is made up.
``python tests/multimodal.py stamps my-posts`` does it by hand, and so do ``tweets`` and ``xor``.
"""

import csv
import hashlib
import io
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import fetch

__all__ = ["CATEGORIES", "stamps", "tweets", "xor"]

CATEGORIES = ("animals", "food", "plants", "seasonal", "symbols", "town", "vehicles")
"""The categories of Tux Paint's stamps that have at least 36 pictures with captions."""
GROUNDS = {"day": (250, 248, 240), "night": (14, 16, 34)}
_SIDE = 96  # px
_MILD = 0.5  # of -4 to 4: a mean rating from which on a tweet is not neutral
_CLEAR = 1.5  # of -4 to 4: a mean rating from which on a tweet has a tone beyond doubt


def stamps(folder: Path, most: int = 80) -> Path:
    """Stamps as posts: id, text (their English caption), media, and category, the label.

    Pictures with the same caption are of one motif, the column ``motif``: they should not be parted.

    Args:
        folder: where to write.
        most: pictures of a category, drawn by the digest of their names.
    """
    root, count, rows = fetch.stamps(), Counter[str](), []
    for picture in _mixed(path for name in CATEGORIES for path in (root / name).rglob("*.png")):
        caption, place = picture.with_suffix(".txt"), picture.relative_to(root)
        if not caption.exists() or count[place.parts[0]] == most:
            continue
        count[place.parts[0]] += 1
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, folder / place)
        text = caption.read_text("utf-8").splitlines()[0].strip()
        rows.append((f"s{len(rows):04}", text, place.as_posix(), place.parts[0], text.casefold().rstrip(".!")))
    return _written(folder, ("id", "text", "media", "category", "motif"), rows)


def tweets(folder: Path, n: int = 1500) -> Path:
    """Tweets as posts: id, text, rating (mean of 20 raters, -4 to 4), tone, its class, and negative, yes or no.

    Args:
        folder: where to write.
        n: how many, drawn by their digest.
    """
    rows = []
    for one, rating, text in _mixed(_rated())[:n]:
        tone = "positive" if rating >= _MILD else "negative" if rating <= -_MILD else "neutral"
        rows.append((one, text, rating, tone, "yes" if tone == "negative" else "no"))
    return _written(folder, ("id", "text", "rating", "tone", "negative"), rows)


def xor(folder: Path, n: int = 480) -> Path:
    """A label that neither text nor picture carries, only the pair: id, text, media, tone, light and irony.

    Real tweets whose tone is beyond doubt stand below real stamps on a bright or a dark ground. ``irony`` is "yes"
    where a glad text stands below a dark picture, or a sad one below a bright picture. Of the four pairings there are
    as many, and no text and no picture comes twice, so that without the other half each class is as likely.

    Args:
        folder: where to write.
        n: how many, a multiple of 4.
    """
    from PIL import Image

    clear = _mixed((one, rating, text) for one, rating, text in _rated() if abs(rating) >= _CLEAR)
    texts = {True: [one[2] for one in clear if one[1] > 0], False: [one[2] for one in clear if one[1] < 0]}
    pictures = _mixed(path for path in fetch.stamps().rglob("*.png"))
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    rows = []
    for at, picture in zip(range(n), pictures, strict=False):
        glad, dark = at % 2 == 0, at // 2 % 2 == 0
        name, light = f"pictures/{at:04}.png", "night" if dark else "day"
        with Image.open(picture) as opened:
            stamp = opened.convert("RGBA").resize((_SIDE, _SIDE))
        ground = Image.new("RGBA", stamp.size, GROUNDS[light])
        drawn = io.BytesIO()
        Image.alpha_composite(ground, stamp).convert("RGB").save(drawn, "PNG")
        (folder / name).write_bytes(drawn.getvalue())
        tone = "glad" if glad else "sad"
        rows.append((f"x{at:04}", texts[glad].pop(), name, tone, light, "yes" if glad == dark else "no"))
    assert len(rows) == n, f"there are {len(rows)} stamps for {n} posts"
    return _written(folder, ("id", "text", "media", "tone", "light", "irony"), rows)


def _rated() -> list[tuple[str, float, str]]:
    """Number, mean rating and text of the tweets."""
    lines = (fetch.rated() / "tweets_GroundTruth.txt").read_text("utf-8").splitlines()
    parts = (line.split("\t", 2) for line in lines)
    return [(one, float(rating), text.strip()) for one, rating, text in parts]


def _mixed(things: Iterable[Any]) -> list[Any]:
    """In an order that nothing about them explains, the same on every machine."""
    root = str(fetch.stamps())
    return sorted(things, key=lambda one: hashlib.sha256(str(one).removeprefix(root).encode()).digest())


def _written(folder: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "posts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    return path


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"stamps", "tweets", "xor"}:
        sys.exit("usage: python tests/multimodal.py stamps|tweets|xor FOLDER")
    print({"stamps": stamps, "tweets": tweets, "xor": xor}[sys.argv[1]](Path(sys.argv[2])))
