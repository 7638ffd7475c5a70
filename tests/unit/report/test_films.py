"""Videos and sounds in the report: facts, frames in time, spectrograms; and what cannot be opened."""

import shutil

import pytest

from studium import Corpus, sources
from studium.report.films import FRAMES, clock, films
from studium.report.reading import Reading


def reading(corpus):
    return Reading(corpus.root, corpus.store, corpus.study)


@pytest.fixture
def corpus(tmp_path, videos, speech):
    folder = tmp_path / "media"
    folder.mkdir()
    for path in (videos / "bikes.mp4", videos / "bigbuckbunny.mp4", *speech.rglob("jfk.wav")):
        shutil.copy(path, folder)
    opened = Corpus(tmp_path)
    opened.add(sources.folder(folder))
    return opened


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0:00.0"),
        (3.2, "0:03.2"),
        (59.96, "1:00.0"),
        (83.04, "1:23.0"),
        (3723.5, "1:02:03.5"),
        (36000, "10:00:00.0"),
    ],
)
def test_clock(seconds, said):
    assert clock(seconds) == said


def test_no_videos_no_section(tmp_path):
    corpus = Corpus(tmp_path)
    assert films(reading(corpus)) == []
    assert 'id="films"' not in corpus.report().read_text()


def test_facts_frames_and_sound(corpus):
    corpus.split("frames", of="video", every=0.5)
    found = {film.name: film for film in films(reading(corpus))}
    bikes, bunny, jfk = (found[name] for name in ("bikes.mp4", "bigbuckbunny.mp4", "jfk.wav"))
    assert bikes.facts == ["0:10.0", "640 × 272", "25 frames/s", "h264"]
    assert bikes.sound is None
    assert bikes.frames.of == 20
    assert len(bikes.frames.pictures) == FRAMES
    assert [p.caption for p in bikes.frames.pictures][:3] == ["0:00.0", "0:00.5", "0:01.5"]
    assert [p.caption for p in bunny.frames.pictures] == [clock(t / 2) for t in range(11)]
    assert bunny.sound.source.startswith("data:image/png;base64,")
    assert jfk.frames.of == 0
    assert jfk.sound.source.startswith("data:image/png;base64,")
    page = corpus.report().read_text()
    assert "Videos and sound" in page
    assert page == corpus.report().read_text()


def test_a_file_that_has_gone_is_said_to_have_gone(corpus):
    for path in (corpus.root / "media").iterdir():
        path.unlink()
    found = {film.name: film for film in films(reading(corpus))}
    assert found["bikes.mp4"].facts == ["cannot be opened: UnreadableFileError"]
    assert found["jfk.wav"].sound.why == "cannot be shown: UnreadableFileError"
    assert "cannot be opened" in corpus.report().read_text()
