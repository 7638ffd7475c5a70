"""The demo corpus: both sources read all of it, it is the same every time, and a missing source is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studium import sources
from studium.core.protocols import Loss, Note, Place
from studium.core.unit import Unit

PREPARE = Path(__file__).parents[3] / "examples/album/prepare.py"


def prepare(dest: Path, **environment: str) -> str:
    command = [sys.executable, str(PREPARE), str(dest)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dest = tmp_path_factory.mktemp("demo") / "album"
    prepare(dest)
    return dest


def test_the_folder_has_classes_and_every_picture(album: Path) -> None:
    found = [item for item in sources.folder(album / "images") if not isinstance(item, Note)]
    assert all(isinstance(item, Place) for item in found)
    labels = {item.label for item in found if isinstance(item, Place)}
    assert {"people", "places", "mammals", "birds", "coins", "vehicles", "drawings", "broken"} <= labels
    assert len(found) > 500


def test_the_posts_are_read_and_only_the_missing_file_is_lost(album: Path) -> None:
    found = list(sources.posts(album / "posts.csv", id="post_id", text="caption", media="file"))
    metas = [item.meta for item in found if isinstance(item, Unit)]
    assert len(metas) > 600
    assert {"en", "de", "fr", "pt-br", "ja", "ru"} <= {meta["language"] for meta in metas}
    assert all(isinstance(meta["likes"], int) and len(meta["id"]) == 19 for meta in metas)
    assert ["gone.jpg" in item.message for item in found if isinstance(item, Loss)] == [True]
    places = [item for item in found if isinstance(item, Place)]
    assert max(place.position for place in places) == 3
    assert len({place.path for place in places}) < len(places)


def test_a_second_call_does_nothing_and_a_second_album_is_the_same(album: Path) -> None:
    before = (album / "posts.csv").stat().st_mtime_ns
    assert "is there already" in prepare(album)
    assert (album / "posts.csv").stat().st_mtime_ns == before
    prepare(album.parent / "again")
    subprocess.run(["diff", "-r", album, album.parent / "again"], check=True)


def test_without_debian_there_are_fewer_pictures_and_it_says_so(
    tmp_path: Path, photos: Path, politicians: Path
) -> None:
    for folder in (photos, politicians):
        (tmp_path / "cache").mkdir(exist_ok=True)
        (tmp_path / "cache" / folder.name).symlink_to(folder)
    said = prepare(tmp_path / "album", STUDIUM_TEST_DATA=str(tmp_path / "cache"), PATH="/nowhere")
    assert "there is no apt-get here" in said
    assert "there is no apt-get here" in (tmp_path / "album/README.md").read_text(encoding="utf-8")
    assert (tmp_path / "album/images/people/astronaut_marked.jpg").is_file()
