"""The pictures and the words of a unit."""

import numpy as np
import pytest

from studium.errors import InputError, MediaError
from studium.learn.nets.material import pictures_of, text_of, unseen
from studium.media.material import Material
from studium.media.video import Video


@pytest.fixture(scope="module")
def bikes(videos):
    """250 frames in 10 s."""
    return videos / "bikes.mp4"


def flat(grey: int) -> np.ndarray:
    return np.full((4, 6, 3), grey, np.uint8)


def shown_at(film: Video, time: float) -> np.ndarray:
    """The frame shown at a time, by decoding all of them."""
    return [frame.rgb() for frame in film.frames() if frame.time <= time + 1e-6][-1]


def test_of_nothing_there_is_nothing():
    assert pictures_of(Material(), 4) == []
    assert text_of(Material()) == text_of(Material(" \n", transcripts=(("film", " "),))) == ""
    assert unseen(Material(), 1) == 0


def test_a_text_stands_alone_and_transcripts_under_their_labels():
    assert text_of(Material("as it is\n")) == "as it is\n"
    told = (("film 1", "hello"), ("sound", " "), ("film 2", "bye"))
    assert text_of(Material("a", transcripts=told)) == (
        "a\n\n[transcript of the film 1]\nhello\n\n[transcript of the film 2]\nbye"
    )
    assert text_of(Material(None, transcripts=told[:1])) == "[transcript of the film 1]\nhello"


def test_pictures_come_in_order_and_what_is_left_out_is_told():
    material = Material(pictures=tuple(flat(grey) for grey in range(5)))
    assert [picture[0, 0, 0] for picture in pictures_of(material, 3)] == [0, 1, 2]
    assert (unseen(material, 3), unseen(material, 5), unseen(material, 9)) == (2, 0, 0)


def test_frames_are_those_in_the_middle_of_equal_parts(bikes):
    film = Video(bikes, 2.0, 6.0)
    found = pictures_of(Material(videos=(film,)), 2)
    for picture, time in zip(found, (3.0, 5.0), strict=True):
        assert np.array_equal(picture, shown_at(film, time))


def test_films_share_what_pictures_leave(bikes):
    films = Video(bikes, 0, 1), Video(bikes, 5, 6)
    for most, frames in ((1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (2, 1)), (5, (2, 2))):
        found = pictures_of(Material(pictures=(flat(9),), videos=films), most)
        assert np.array_equal(found[0], flat(9))
        assert len(found) == 1 + sum(frames)
        for film, count, first in zip(films, frames, (1, 1 + frames[0]), strict=True):
            if count:
                assert np.array_equal(found[first], shown_at(film, film.start + 0.5 / count))
    assert unseen(Material(pictures=(flat(9),), videos=films), 2) == 1


def test_a_film_of_fewer_frames_gives_what_it_has(bikes):
    assert len(pictures_of(Material(videos=(Video(bikes, 0, 0.08),)), 8)) == 2


def test_what_is_no_picture_is_refused(bikes, tmp_path):
    with pytest.raises(InputError, match="RGB uint8"):
        pictures_of(Material(pictures=(np.zeros((2, 2), np.uint8),)), 4)
    with pytest.raises(InputError, match="at least one"):
        pictures_of(Material(), 0)
    with pytest.raises(MediaError):
        pictures_of(Material(videos=(Video(tmp_path / "none.mp4"),)), 1)
    with pytest.raises(MediaError, match="no frame begins"):
        pictures_of(Material(videos=(Video(bikes, 99.0),)), 1)
