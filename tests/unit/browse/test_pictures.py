"""Pictures for the eye: of every kind of unit, and with faces covered."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studium import Corpus, sources
from studium.browse import pictures
from studium.browse.timeline import timeline
from studium.browse.view import View
from studium.errors import InputError, MediaError
from studium.measure.centerface import find_faces


def seen(data: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "WEBP"
    return np.asarray(picture.convert("RGB"))


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory, politicians: Path, videos: Path, speech: Path) -> View:
    """A portrait with its face, a video with its frames and shots, a sound, and posts."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "in").mkdir()
    for path in (politicians / "obama.jpg", videos / "bikes.mp4", speech / "jfk.wav"):
        shutil.copy(path, root / "in" / path.name)
    (root / "posts.csv").write_text("id,text,media\n1,a portrait,in/obama.jpg\n2,words,\n")
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "in"))
    corpus.add(sources.posts(root / "posts.csv", media="media"))
    corpus.split("faces", of="image")
    corpus.split("frames", of="video", every=4.0)
    corpus.split("shots", of="video")
    return View(corpus.store)


@pytest.mark.parametrize("kind", ["image", "face", "frame", "video", "shot", "post"])
def test_every_kind_that_is_seen_has_a_thumb_that_is_kept(view: View, kind: str) -> None:
    data = pictures.thumb(view, kind, 0, 100)
    assert max(seen(data).shape[:2]) <= 192  # rounded up to a side that is kept
    assert seen(data).std() > 10  # something is seen
    kept = view.root / "thumbs" / view.ids(kind)[0].as_py()[:2] / f"{view.ids(kind)[0].as_py()}.192.webp"
    assert kept.read_bytes() == data == pictures.thumb(view, kind, 0, 192)


def test_what_has_no_picture_says_so(view: View) -> None:
    for kind, row in (("audio", 0), ("post", 1)):
        with pytest.raises(MediaError, match="no picture"):
            pictures.thumb(view, kind, row)


def test_a_large_picture_is_no_larger_than_it_is(view: View) -> None:
    whole = seen(pictures.picture(view, "image", 0, 3200))
    with Image.open(view.root / "in" / "obama.jpg") as file:
        assert whole.shape[:2] == file.size[::-1]
    assert max(seen(pictures.picture(view, "image", 0, 500)).shape) == 800


def test_covered_faces_are_not_found_again(view: View) -> None:
    assert find_faces(seen(pictures.picture(view, "image", 0, 800)))
    assert not find_faces(seen(pictures.picture(view, "image", 0, 800, covered=True)))
    assert find_faces(seen(pictures.thumb(view, "image", 0, 512)))
    assert not find_faces(seen(pictures.thumb(view, "image", 0, 512, covered=True)))
    assert seen(pictures.thumb(view, "face", 0, covered=True)).max() == 0  # nothing is left of what is a face
    assert not find_faces(seen(pictures.thumb(view, "post", 0, 512, covered=True)))


def test_a_film_in_time(view: View) -> None:
    told = timeline(view, view.ids("video")[0].as_py())
    assert told.seconds == pytest.approx(10.0)
    assert [one.time for one in told.frames] == pytest.approx([0.0, 4.0, 8.0], abs=0.05)
    assert (told.shots[0].start, told.shots[-1].end) == (0.0, pytest.approx(10.0, abs=0.05))
    assert told.speech == []
    assert timeline(view, view.ids("audio")[0].as_py()).shots == []
    with pytest.raises(InputError, match="of a video or an audio"):
        timeline(view, view.ids("image")[0].as_py())
