"""A study that covers faces: in the gallery, on a unit's page, in coding and in stills; and who looks beneath."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import moving
import numpy as np
import pytest
from browsing import Served, serve, shoot, sign_in
from handcoding import open_task
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from studied import accounts

from studium import Corpus, sources

SIDE = 48
CODEBOOK = """\
[NAME]
question = "Is the face calm?"
of = "KIND"
type = "binary"

[[NAME.values]]
name = "yes"

[[NAME.values]]
name = "no"
"""
SEEN = f"""image => {{
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = {SIDE};
    const drawing = canvas.getContext("2d");
    drawing.drawImage(image, 0, 0, {SIDE}, {SIDE});
    return [...drawing.getImageData(0, 0, {SIDE}, {SIDE}).data];
}}"""


@pytest.fixture(scope="module")
def plain(politicians: Path) -> bytes:
    """A face, as it was photographed."""
    with Image.open(politicians / "obama.jpg") as photo:
        data = BytesIO()
        photo.convert("RGB").resize((320, 320)).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def covering(tmp_path_factory: pytest.TempPathFactory, plain: bytes) -> Iterator[Served]:
    """A study that covers faces, of a picture and a film, which ada codes."""
    root = tmp_path_factory.mktemp("covering") / "study"
    (root / "media").mkdir(parents=True)
    (root / "media" / "face.png").write_bytes(plain)
    picture = np.asarray(Image.open(BytesIO(plain)))
    moving.encode(root / "media" / "film.mp4", [picture] * 25)
    (root / "studium.toml").write_text('[study]\ntitle = "Faces"\n\n[serve]\nblur_faces = true\n')
    books = [CODEBOOK.replace("KIND", kind).replace("NAME", f"calm_{kind}") for kind in ("image", "shot")]
    (root / "codebook.toml").write_text("\n".join(books))
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "media"))
    corpus.split("shots", of="video")
    for kind in ("image", "shot"):
        corpus.draw_sample(kind, of=kind, n=1)
        corpus.task(kind, sample=kind, variables=[f"calm_{kind}"], coders=["ada"])
    accounts(root, ada="coder", dora="admin")
    with serve(root, "--accounts") as server:
        yield server


def covered(image: Locator, plain: bytes) -> bool:
    """Whether another picture is shown than the one that was photographed."""
    expect(image).to_be_visible()
    expect(image).not_to_have_js_property("naturalWidth", 0)
    shown = np.array(image.evaluate(SEEN), float).reshape(SIDE, SIDE, 4)[..., :3]
    with Image.open(BytesIO(plain)) as photo:
        known = np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR), float)
    return float(np.abs(shown - known).mean()) > 12


def unit(page: Page, url: str, kind: str) -> str:
    """Open the first unit of a kind, by the gallery; its id."""
    page.goto(f"{url}#/?of={kind}")
    page.locator("[data-index='0'] a").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page.url.partition("#/units/")[2].partition("?")[0]


@pytest.mark.slow
def test_a_coder_sees_no_face(opened: Callable[..., Page], covering: Served, plain: bytes) -> None:
    page = opened(covering.url)
    sign_in(page, "ada")
    for kind in ("image", "video", "shot"):
        page.goto(f"{covering.url}#/?of={kind}")
        assert covered(page.get_by_role("gridcell").first.locator("img"), plain), kind
        there = f"{covering.url}api/units/{unit(page, covering.url, kind)}"
        assert covered(page.locator("figure img, .player img.still").first, plain), kind
        expect(page.get_by_text("Faces are covered")).to_be_visible()
        expect(page.get_by_role("button", name="Show faces")).to_have_count(0)
        expect(page.get_by_role("link", name="Download")).to_have_count(0)
        expect(page.locator("video")).to_have_count(0)
        assert page.request.get(f"{there}/media").status == 403
        assert page.request.get(f"{there}/picture?unblurred=1").status == 403
    for kind in ("image", "shot"):
        open_task(page, covering.url, kind)
        assert covered(page.locator("[data-unit] img").first, plain), kind
        expect(page.locator("video")).to_have_count(0)
    shoot(page, "coding-covered-shot")


def test_an_admin_looks_beneath_and_it_is_logged(opened: Callable[..., Page], covering: Served, plain: bytes) -> None:
    page = opened(covering.url)
    sign_in(page, "dora")
    expect(page.get_by_role("grid")).to_be_visible()
    looked = unit(page, covering.url, "image")
    image = page.locator("figure img")
    assert covered(image, plain)
    with Corpus(covering.root).records() as records:
        assert not records.audit("unblurred")
        with page.expect_response(lambda answer: "unblurred" in answer.url):
            page.get_by_role("button", name="Show faces (logged)").click()
        expect(page.get_by_text("Faces are shown; the audit log says so.")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert not covered(image, plain)
        shoot(page, "unit-faces-shown")
        assert {(one.who, one.detail["unit"]) for one in records.audit("unblurred")} == {("dora", looked)}
        page.get_by_role("button", name="Cover faces").click()
        page.wait_for_load_state("networkidle")
        assert covered(image, plain)
    page.reload()
    assert covered(image, plain)  # it is asked for each time
