"""The whole page: valid, self-contained, complete, the same every time, and calm about hostile names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import page_checks
import pytest

from studium import Corpus, report
from studium.core.unit import Unit, post_id
from studium.errors import MissingExtraError
from studium.report import write
from studium.sources.folder import Folder
from studium.sources.posts import Posts

HOSTILE = "<script>alert('x')<∕script>\n\"&'😀 \u202egpj.exe مرحبا"


def page_of(corpus: Corpus) -> tuple[str, page_checks.Page]:
    html = write(corpus).read_text(encoding="utf-8")
    return html, page_checks.read(html)


def test_public_names():
    assert report.__all__ == ["write"]


def test_empty_study(tmp_path):
    path = write(Corpus(tmp_path / "new"))
    assert path == tmp_path / "new" / "report" / "index.html"
    page = page_checks.read(path.read_text(encoding="utf-8"))
    assert "Untitled study" in page.text
    assert "The study is empty" in page.text
    assert "no run recorded" in page.text
    assert not page.pictures


def test_study_file_without_units(tmp_path):
    (tmp_path / "studium.toml").write_text(
        '[study]\ntitle = "T <b>"\nquestion = "Q?"\nauthors = ["A", "B"]\nseed = 3\n'
    )
    _, page = page_of(Corpus(tmp_path))
    for said in ("T <b>", "Q?", "A · B · ", 'title = "T <b>"'):
        assert said in page.text


def test_images_not_yet_measured(images):
    _, page = page_of(images)
    assert "Clusters were not computed. Run studium cluster --of image." in page.text
    assert "Near-duplicates were not computed. Run studium duplicates --of image." in page.text
    assert "A map was not computed. Run studium map --of image." in page.text
    assert "5 of 5, drawn with the seed 0." in page.text
    assert len(page.pictures) == 4  # the fifth cannot be decoded
    assert "cannot be shown: " in page.text
    assert "living" in page.text  # labels of class folders


def test_measured_for_real(images):
    images.measure("colour", "properties", of="image")
    _, page = page_of(images)
    assert "brightness_mean" in page.text
    assert "image/colour" not in page.text.split("Manifest")[0]
    assert re.search(r"colour-[0-9a-f]{8}\s*image\s*5\s*4\s*80", page.text), "4 of 5 units have a row"
    assert "broken.jpg" in page.text
    assert "in colour" in page.text  # where the failure happened
    assert "Peng, Y. (2022). Athec" in page.text
    assert "https://doi.org/10.5117/CCR2022.1.009.PENG" in page.text
    assert "For every image, studium computed colour (version 1; longest = 512) for 4 of 5 [1" in page.text
    assert "Nothing left the machine" in page.text
    assert f"on Python {sys.version.split()[0]}" in page.text


def test_same_study_same_bytes(images):
    images.measure("colour", of="image")
    first = write(images).read_bytes()
    assert write(images).read_bytes() == first, "the second time"
    for thumb in (images.root / "thumbs").rglob("*.webp"):
        thumb.unlink()
    assert write(Corpus(images.root)).read_bytes() == first, "thumbnails made anew"


def test_date_is_that_of_the_last_run(images):
    date = max((images.root / "runs").glob("*.json")).name[:8]
    html, _ = page_of(images)
    assert f'<time datetime="{date[:4]}-{date[4:6]}-{date[6:]}">' in html


def test_a_run_that_was_killed(images):
    path = images.root / "runs" / "99990101T000000-00000000.json"
    path.write_text('{"id": "k", "command": "run", "status": "running", "started": "9999-01-01T00:00:00+00:00"}')
    _, page = page_of(images)
    assert "begun 9999-01-01T00:00:00+00:00: running" in page.text


def test_hostile_names(tmp_path, photos):
    label = tmp_path / "images" / HOSTILE
    label.mkdir(parents=True)
    data = (photos / "rocket.jpg").read_bytes()
    (label / f"{HOSTILE}.jpg").write_bytes(data)
    (label / "broken\u202e.jpg").write_bytes(b"\xff\xd8 no")
    (tmp_path / "studium.toml").write_text(
        '[study]\ntitle = "</title><script>alert(1)</script>"\n[ethics]\nx = "<i>"\n'
    )
    corpus = Corpus(tmp_path)
    corpus.add(Folder(str(tmp_path / "images")))
    corpus.measure("properties", of="image")
    html, page = page_of(corpus)
    shown = HOSTILE.replace("\n", "␊")
    assert f"{shown}.jpg" in {picture["alt"] for picture in page.pictures}
    assert page.text.count(shown) >= 2  # as a label and as a caption
    assert "<script" not in html.lower()
    apart = r"<bdi>[^<]*</bdi>|(?:alt|title|aria-label)=\"[^\"]*\""
    bare = re.sub(apart, "", html)
    assert "\u202e" not in bare, "text that turns the direction of writing stands apart"


def test_posts_only(tmp_path):
    rows = ["id,text,author,language,date"]
    rows += [
        f"{i},secret words {i},hidden author {i % 3},{'en' if i % 2 else '<b>'},2024-0{1 + i % 4}-10" for i in range(12)
    ]
    rows.append("12,no date,,,")
    (tmp_path / "posts.csv").write_text("\n".join(rows))
    corpus = Corpus(tmp_path)
    corpus.add(Posts(str(tmp_path / "posts.csv")))
    html, page = page_of(corpus)
    assert "13 posts by 3 authors" in page.text
    assert "2024-01-10 to 2024-04-10; 1 post without a date." in page.text
    assert "<b>" in page.text
    assert "secret words" not in html
    assert "hidden author" not in html
    assert not page.pictures
    assert "studium cluster" not in page.text


def test_no_posts_of_many_with_media(tmp_path, photos):
    (tmp_path / "a.jpg").write_bytes((photos / "rocket.jpg").read_bytes())
    (tmp_path / "b.mp4").write_bytes(b"no video")
    (tmp_path / "posts.csv").write_text("id,text,media\n1,x,a.jpg\n2,y,a.jpg|b.mp4\n3,z,b.mp4\n4,z,gone.jpg\n")
    corpus = Corpus(tmp_path)
    corpus.add(Posts(str(tmp_path / "posts.csv"), media="media"))
    _, page = page_of(corpus)
    assert "2 media stand in more than one post. The pictures used most: 1 of 1." in page.text
    assert "in 2 posts" in page.text
    assert "b.mp4" in page.text
    assert "'gone.jpg' does not exist (looked in .)" in page.text
    assert str(tmp_path) not in page.text, "where the study lay is nobody's business"


def test_other_kinds_of_units(tmp_path):
    corpus = Corpus(tmp_path)
    units = [Unit(post_id(str(i)), "audio", path=f"{i}.wav") for i in range(3)]
    corpus.store.add_units([*units, Unit(post_id("s"), "speech", parent=units[0].id)])
    _, page = page_of(corpus)
    assert "3 audio" in page.text.replace("\n", " ")
    assert not page.pictures


def test_budget(images, monkeypatch):
    monkeypatch.setattr("studium.report.pictures.BUDGET", 20_000)
    html, page = page_of(images)
    shown = sum(len(p["src"] or "") for p in page.pictures)
    assert 0 < shown <= 20_000
    assert f"{4 - len(page.pictures)} pictures were left out to keep this page small" in page.text
    assert "left out to keep this page small" in html


def test_codebook_word_for_word(images):
    (images.root / "codebook.toml").write_bytes('# "ä" & <b>\n'.encode() + b"# \xff\n")
    _, page = page_of(images)
    assert '# "ä" & <b>\n# \\xff\n' in page.text


@pytest.mark.parametrize("package", ["jinja2"])
def test_missing_extra(tmp_path, package):
    (tmp_path / f"{package}.py").write_text("raise ImportError\n")
    code = "from studium import Corpus\nfrom studium.report import write\nwrite(Corpus('new'))"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert MissingExtraError.__name__ in done.stderr
    assert "pip install 'studium[report]'" in done.stderr
    assert not (tmp_path / "new" / "report").exists()


def test_printing(images):
    html, _ = page_of(images)
    assert "@media print" in html
    assert "<details open>" in html
    assert 'lang="en"' in html


def test_nothing_left_half_written(images):
    write(images)
    assert [p.name for p in (images.root / "report").iterdir()] == ["index.html"]
    assert Path(images.root / "report" / "index.html").stat().st_size < 8_000_000
