"""A small real study, a server of it in a process of its own, and screenshots in build/screenshots."""

import csv
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from studium import Corpus, sources
from studium.core.unit import Span, Unit, derived_id

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "src" / "studium" / "server" / "static" / "index.html"
SHOTS = ROOT / "build" / "screenshots"
DESK, TABLET = {"width": 1280, "height": 800}, {"width": 820, "height": 1180}
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
of = "image"
type = "categorical"
cannot_tell = true
none_of_these = true

[[scene.values]]
name = "animal"
definition = "One or more living animals are the main subject."
examples = ["a bird on a branch"]

[[scene.values]]
name = "food"
definition = "Something to eat or drink."

[[scene.values]]
name = "thing"
definition = "A made thing <b>is</b> the main subject."

[tone]
question = "How friendly is it?"
of = "image"
type = "ordinal"

[[tone.values]]
name = "hostile"

[[tone.values]]
name = "neutral"

[[tone.values]]
name = "friendly"

[people]
question = "Are there people?"
of = "image"
type = "binary"

[[people.values]]
name = "yes"

[[people.values]]
name = "no"
"""


@dataclass(frozen=True)
class Served:
    """A server that runs.

    Attributes:
        url: of the app, without what follows the ``#``.
        login: the address that was printed; with accounts there is no token in it.
        root: the study folder.
        process: of the server; `again` starts another one in its place.
    """

    url: str
    login: str
    root: Path
    process: subprocess.Popen[str]


@contextmanager
def serve(root: Path, *options: str, port: int = 0) -> Iterator[Served]:
    """A real ``studium serve`` of a study, in a process of its own."""
    program = [Path(sys.executable).with_name("studium"), "serve", "--study", root, "--port", str(port), *options]
    log = root.parent / f"{root.name}-serve.log"
    with (
        log.open("a") as errors,
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            found = re.search(r"http://\S+", told)
            assert found, f"the server did not start: {told} {log.read_text()}"
            yield Served(found[0].split("#")[0], found[0], root, process)
        finally:
            process.terminate()
            process.communicate(timeout=20)


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


def until(page: Page, expression: str, seconds: float = 10) -> None:
    """Wait until an expression is true in the page; Playwright's own way needs eval(), which the policy refuses."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not true within {seconds} s: {expression}"
        page.wait_for_timeout(30)


def shoot(page: Page, name: str) -> None:
    """Keep a screenshot, after its pictures have come."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SHOTS / f"{name}.png")
