"""Files: only those that a study names, only where they may lie, and as what their bytes are."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from studium import Corpus, sources
from studium.browse.files import UNKNOWN, File, byte_range, disposition, file_of, pieces
from studium.browse.view import View
from studium.errors import InputError, MediaError, RefusedError, UnreadableFileError


@pytest.mark.parametrize(
    ("header", "size", "part"),
    [
        *((None, 10, None), ("", 10, None), ("bytes=", 10, None), ("bytes=-", 10, None), ("bytes=a-b", 10, None)),
        *(("bytes=0-0", 10, (0, 1)), ("bytes=2-4", 10, (2, 5)), ("bytes=2-", 10, (2, 10)), ("bytes=2-99", 10, (2, 10))),
        *(("bytes=-3", 10, (7, 10)), ("bytes=-99", 10, (0, 10)), ("bytes=4-2", 10, None), ("items=0-1", 10, None)),
        *(("bytes=0-1,4-5", 10, None), ("bytes=10-", 10, (10, 10)), ("bytes=-0", 10, (10, 10))),
        *(("bytes=0-", 0, (0, 0)), ("bytes=" + "9" * 30 + "-", 10, None), ("bytes=١-٢", 10, None)),
    ],
)
def test_ranges(header: str | None, size: int, part: tuple[int, int] | None) -> None:
    assert byte_range(header, size) == part


@pytest.mark.parametrize(
    ("name", "kind", "header"),
    [
        ("a.jpg", "image/jpeg", "inline; filename=\"a.jpg\"; filename*=UTF-8''a.jpg"),
        ("a.svg.bin", UNKNOWN, "attachment; filename=\"a.svg.bin\"; filename*=UTF-8''a.svg.bin"),
        ("ä 1.jpg", "image/jpeg", "inline; filename=\"__1.jpg\"; filename*=UTF-8''%C3%A4%201.jpg"),
        ('"\r\nX: 1.jpg', "image/jpeg", "inline; filename=\"___X__1.jpg\"; filename*=UTF-8''___X_%201.jpg"),
        ("\u202egpj.exe.jpg", "image/jpeg", "inline; filename=\"_gpj.exe.jpg\"; filename*=UTF-8''_gpj.exe.jpg"),
        ("..", UNKNOWN, "attachment; filename=\"file\"; filename*=UTF-8''file"),
    ],
)
def test_names_of_files_are_no_headers(name: str, kind: str, header: str) -> None:
    assert disposition(File(Path("x"), "0", name, kind, 1, 1)) == header


@pytest.fixture
def study(tmp_path: Path, photos: Path) -> SimpleNamespace:
    """A study with pictures inside, and a second source outside of it."""
    root, outside, secret = tmp_path / "study", tmp_path / "outside", tmp_path / "secret"
    for folder in (root / "in", outside, secret):
        folder.mkdir(parents=True)
    shutil.copy(photos / "rocket.jpg", root / "in" / "rocket.jpg")
    shutil.copy(photos / "chelsea.png", outside / "page.html.png")
    shutil.copy(photos / "coffee.png", outside / "coffee.jpg")  # a PNG, whatever it says
    shutil.copy(photos / "flower.jpg", secret / "flower.jpg")
    (outside / "link.jpg").symlink_to(secret / "flower.jpg")
    (outside / "bad.png").write_bytes(b"<svg onload=alert(1)>")
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "in"))
    corpus.add(sources.folder(outside))
    view = View(corpus.store)
    where = {Path(path).name: row for row, path in enumerate(view.paths("image").to_pylist())}
    return SimpleNamespace(view=view, outside=outside, file=lambda name: file_of(view, "image", where[name]))


def test_a_file_is_what_its_bytes_are(study: SimpleNamespace) -> None:
    assert (study.file("rocket.jpg").type, study.file("rocket.jpg").name) == ("image/jpeg", "rocket.jpg")
    assert study.file("coffee.jpg").type == "image/png"
    assert (study.file("bad.png").type, study.file("bad.png").name) == (UNKNOWN, "bad.png.bin")
    file = study.file("page.html.png")
    assert b"".join(pieces(file, 1, 4)) == b"PNG"
    assert b"".join(pieces(file, 0, file.size)) == file.path.read_bytes()


def test_a_link_that_leads_out_of_the_sources_is_refused(study: SimpleNamespace) -> None:
    with pytest.raises(RefusedError, match="lies outside"):
        study.file("link.jpg")


def test_a_file_that_changed_or_went_is_refused(study: SimpleNamespace, photos: Path) -> None:
    file = study.file("coffee.jpg")
    shutil.copy(photos / "astronaut.png", file.path)
    with pytest.raises(UnreadableFileError, match="changed"):
        study.file("coffee.jpg")
    with pytest.raises(UnreadableFileError, match="changed while"):
        b"".join(pieces(file, 0, 10))
    file.path.unlink()
    with pytest.raises(UnreadableFileError):
        study.file("coffee.jpg")


def test_a_file_swapped_for_a_link_is_refused(study: SimpleNamespace, tmp_path: Path) -> None:
    path = study.file("page.html.png").path
    moved = tmp_path / "secret" / "moved.png"
    path.replace(moved)
    path.symlink_to(moved)  # the very same bytes, but elsewhere
    with pytest.raises(RefusedError):
        study.file("page.html.png")


def test_a_post_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("id,text\n1,hello\n")
    corpus = Corpus(tmp_path)
    corpus.add(sources.posts(tmp_path / "posts.csv"))
    with pytest.raises(MediaError, match="no file"):
        file_of(View(corpus.store), "post", 0)


def test_ids_are_no_paths(study: SimpleNamespace) -> None:
    for name in ("../../etc/passwd", "", "0" * 64, "A" * 64, "\ud800" * 64):
        with pytest.raises(InputError):
            study.view.find(name)
