"""The study that is looked at and coded in the browser: its units, its codebook and its accounts."""

import csv
import shutil
from datetime import UTC, datetime
from pathlib import Path

from studium import Corpus, sources
from studium.core.records import Account
from studium.core.unit import Span, Unit, derived_id
from studium.server import passwords

__all__ = ["CAPTION", "HOSTILE", "PASSWORD", "accounts", "study"]

HOSTILE = '"><img src=x onerror=alert(1)>.png'  # a file name
CAPTION = "<script>alert('caption')</script> \u202eegnp.exe & 'quotes' " + "a very long caption " * 60
SAID = [
    (0.5, 2.8, "Two riders come down the street."),
    (3.0, 6.1, "<b>Bold</b> one of them turns left."),
    (6.4, 9.5, "ثم يعود."),
]
PASSWORD = "correct horse battery staple"
CODEBOOK = """\
[scene]
question = "What does the picture mainly show?"
instructions = "Decide by what takes most of the picture."
of = "image"
type = "categorical"
none_of_these = true

[[scene.values]]
name = "animal"
definition = "One or more living animals are the main subject."
include = ["drawings of animals"]
exclude = ["meat on a plate"]
examples = ["a bird on a branch"]

[[scene.values]]
name = "food"
definition = "Something to eat or drink."

[[scene.values]]
name = "thing"
definition = "A made thing <b>is</b> the main subject."

[friendly]
question = "How friendly is the animal?"
of = "image"
type = "ordinal"
only_if = { scene = ["animal"] }

[[friendly.values]]
name = "hostile"

[[friendly.values]]
name = "neutral"

[[friendly.values]]
name = "friendly"

[colours]
question = "Which of these colours stand out?"
of = "image"
type = "multilabel"

[[colours.values]]
name = "red"

[[colours.values]]
name = "green"

[[colours.values]]
name = "blue"

[things]
question = "Where are things?"
of = "image"
type = "boxes"

[[things.values]]
name = "head"

[[things.values]]
name = "body"

[number]
question = "How many are there?"
of = "image"
type = "continuous"
low = 0
high = 10

[remark]
question = "Describe it."
of = "image"
type = "text"

[same_content]
question = "Do both pictures show the same kind of thing?"
of = "image"
type = "binary"
pairs = true

[[same_content.values]]
name = "yes"

[[same_content.values]]
name = "no"
"""


def study(root: Path, stamps: Path, videos: Path) -> Path:
    """A new study of 44 pictures with posts, and a video with shots, frames and speech."""
    media = root / "media"
    media.mkdir(parents=True)
    found = sorted(stamps.rglob("*.png"))[::18][:44]
    names = [HOSTILE, *(path.name for path in found[1:])]
    for name, path in zip(names, found, strict=True):
        shutil.copy(path, media / name)
    shutil.copy(videos / "bikes.mp4", media / "bikes.mp4")
    (media / "broken.png").write_bytes(b"no picture at all")
    _post(root / "posts.csv", names)
    (root / "studium.toml").write_text('[study]\ntitle = "Stamps & bikes"\nquestion = "What do they show?"\nseed = 1\n')
    (root / "codebook.toml").write_text(CODEBOOK)
    corpus = Corpus(root)
    corpus.add(sources.folder(media))
    corpus.add(sources.posts(root / "posts.csv", media="media", root=media))
    _measure(corpus)
    _say(corpus)
    _outline(corpus)
    return root


def _post(path: Path, names: list[str]) -> None:
    captions = [CAPTION, *(f"A {Path(name).stem}" for name in names[1:])]
    rows = [
        (str(at), caption, "ann" if at % 3 else "ben", 10 * at, name)
        for at, (caption, name) in enumerate(zip(captions, names, strict=True))
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(("id", "text", "author", "likes", "media"))
        csv.writer(file).writerows([*rows, ("99", "Bikes go by", "ann", 7, "bikes.mp4")])


def _measure(corpus: Corpus) -> None:
    for measure in ("properties", "colour", "embed"):
        corpus.measure(measure, of="image")
    corpus.measure("embed", of="image", model="conse")
    corpus.cluster("image", by="embed:efficientnet-lite0")
    corpus.map("image", by="embed:efficientnet-lite0")
    corpus.split("frames", of="video", every=1.0)
    corpus.split("shots", of="video")


def _outline(corpus: Corpus) -> None:
    """Two objects and a line of text in the first picture, as detectors would add them."""
    image = corpus.store.units("image")["id"][0].as_py()
    found = [
        ("object", (10, 10, 60, 70), None),
        ("object", (70, 20, 110, 60), None),
        ("line", (5, 80, 90, 95), "<i>ABC</i>"),
    ]
    spans = [(kind, Span(box=box, text=text)) for kind, box, text in found]
    corpus.store.add_units([Unit(derived_id(image, kind, span), kind, parent=image, span=span) for kind, span in spans])


def _say(corpus: Corpus) -> None:
    """Spoken segments of the video, as the recogniser of speech would add them; it is too slow for every test run."""
    video = corpus.store.units("video")["id"][0].as_py()
    spans = [Span(start=start, end=end, text=text) for start, end, text in SAID]
    corpus.store.add_units(
        [Unit(derived_id(video, "speech", span), "speech", parent=video, span=span) for span in spans]
    )


def accounts(root: Path, **roles: str) -> None:
    """Accounts of a study: name -> role. All have the same password."""
    kept = passwords.hashed(PASSWORD)
    with Corpus(root).records() as records:
        for name, role in roles.items():
            records.accounts.put(Account(name, role, kept, datetime.now(UTC)))
