"""A folder of media: empty, one, many, hostile."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studium import sources
from studium.core.protocols import Loss, Note, Place
from studium.errors import SourceError


def places(folder: Path) -> list[tuple[str, str, str | None]]:
    found = [item for item in sources.folder(folder) if isinstance(item, Place)]
    return [(str(place.path.relative_to(folder)), place.kind, place.label) for place in found]


def losses(folder: Path) -> list[Loss]:
    return [item for item in sources.folder(folder) if isinstance(item, Loss)]


def notes(folder: Path) -> dict[str, str]:
    return {item.about: item.value for item in sources.folder(folder) if isinstance(item, Note)}


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_an_empty_folder_is_nothing_but_a_note(tmp_path: Path) -> None:
    assert list(sources.folder(tmp_path)) == [Note("media files", "0")]


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder; check the path"):
        list(sources.folder(tmp_path / "nowhere"))
    touch(tmp_path / "a.jpg")
    with pytest.raises(SourceError, match="this is a file"):
        list(sources.folder(tmp_path / "a.jpg"))


def test_real_pictures_carry_the_name_of_their_class_folder(study: Path) -> None:
    assert places(study / "images") == [
        ("living/chelsea.png", "image", "living"),
        ("living/flower.jpg", "image", "living"),
        ("thing/coffee.png", "image", "thing"),
        ("thing/rocket.jpg", "image", "thing"),
    ]


def test_a_relative_path_becomes_absolute(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    assert all(item.path.is_absolute() for item in sources.folder("images") if isinstance(item, Place))


def test_train_and_test_stay_in_the_path_and_the_root_is_no_class(tmp_path: Path) -> None:
    touch(tmp_path / "test/class01/a.jpg", tmp_path / "train/class01/a.jpg", tmp_path / "b.MP4", tmp_path / "c.wav")
    assert places(tmp_path) == [
        ("b.MP4", "video", None),
        ("c.wav", "audio", None),
        ("test/class01/a.jpg", "image", "class01"),
        ("train/class01/a.jpg", "image", "class01"),
    ]


def test_the_order_is_that_of_the_bytes_of_the_paths(tmp_path: Path) -> None:
    names = ["a/b.jpg", "a.jpg", "a-b/c.jpg", "a b.jpg", "Z.jpg", "é.jpg", "😀.jpg", "line\nbreak.jpg", "a/b/c.jpg"]
    touch(*(tmp_path / name for name in names))
    assert [name for name, _, _ in places(tmp_path)] == sorted(names, key=os.fsencode)


def test_what_is_no_medium_or_hidden_is_counted(tmp_path: Path) -> None:
    touch(
        *(
            tmp_path / name
            for name in ("a.txt", "b.TXT", "c", ".hidden.jpg", ".git/d.jpg", "Thumbs.db", "__MACOSX/e.jpg")
        )
    )
    assert notes(tmp_path) == {
        "media files": "0",
        "skipped .txt": "2",
        "skipped files without a suffix": "1",
        "skipped hidden": "4",
    }


def test_a_link_to_a_file_or_a_folder_is_followed(study: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/cats").symlink_to(study / "images/living")
    (tmp_path / "linked/one.png").symlink_to(study / "images/thing/coffee.png")
    assert places(tmp_path / "linked") == [
        ("cats/chelsea.png", "image", "cats"),
        ("cats/flower.jpg", "image", "cats"),
        ("one.png", "image", None),
    ]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.jpg", tmp_path / "b/y.jpg")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/b").symlink_to(tmp_path / "b")
    (tmp_path / "b/a").symlink_to(tmp_path / "a")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    assert {"a/x.jpg", "b/y.jpg"} <= {name for name, _, _ in places(tmp_path)}
    found = {Path(loss.where).name: loss for loss in losses(tmp_path)}
    assert {"up", "gone.jpg", "self.jpg"} <= set(found)
    assert "No such file" in found["gone.jpg"].message
    assert "it lies in" in found["up"].message


def test_a_thousand_links_among_folders_do_not_explode(tmp_path: Path) -> None:
    folders = [tmp_path / f"{i:02}" for i in range(12)]
    for folder in folders:
        touch(folder / "x.jpg")
    for folder in folders:
        for other in folders:
            if other != folder:
                (folder / f"to_{other.name}").symlink_to(other)
    items = list(sources.folder(tmp_path))
    assert len(items) < 500
    assert {place.path for place in items if isinstance(place, Place)} >= {folder / "x.jpg" for folder in folders}


def test_a_very_deep_folder_is_walked(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(1200):
        deep /= "d"
        deep.mkdir()
    (deep / "a.jpg").write_bytes(b"x")
    found = places(tmp_path)
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # Python's own would recurse too deep
    assert [(kind, label) for _, kind, label in found] == [("image", "d")]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses such names itself")
def test_a_name_that_is_not_utf8_is_a_readable_loss(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    (loss,) = losses(tmp_path)
    assert loss.where.endswith(r"caf\xe9.jpg'")
    loss.message.encode()
    assert places(tmp_path) == []


def test_a_socket_is_a_loss_and_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.jpg")
        (loss,) = losses(tmp_path)
    os.mkfifo("b.jpg")
    assert "neither a file nor a folder" in loss.message
    assert len(losses(tmp_path)) == 2


def test_a_folder_that_must_not_be_read_is_a_loss(tmp_path: Path) -> None:
    touch(tmp_path / "closed/a.jpg", tmp_path / "open/b.jpg")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    (tmp_path / "closed").chmod(0)
    with ordinary_user():
        found, lost = places(tmp_path), losses(tmp_path)
        with pytest.raises(SourceError, match="cannot be read"):
            list(sources.folder(tmp_path / "closed"))
    (tmp_path / "closed").chmod(0o755)
    assert found == [("open/b.jpg", "image", "open")]
    assert [(Path(loss.where).name, loss.error) for loss in lost] == [("closed", "UnreadableFileError")]


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read everything, so act as nobody."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)
