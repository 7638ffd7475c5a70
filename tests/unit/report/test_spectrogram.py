import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from sounds import tone, write

from studium.errors import MediaError
from studium.media.audio import Sound
from studium.report import spectrogram as s

LEFT, TOP = s.LEFT, s.TOP


def drawn(sound):
    picture = Image.open(io.BytesIO(s.spectrogram(sound)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (830, 244))
    return picture


def field(picture):
    return np.asarray(picture)[TOP : TOP + s.HEIGHT, LEFT : LEFT + s.WIDTH]


@pytest.mark.parametrize("n", [0, 511])
def test_less_than_a_window_has_no_picture(tmp_path, n):
    with pytest.raises(MediaError, match=r"no sound|shorter than one window"):
        s.spectrogram(write(tmp_path / "short.wav", np.zeros(n)))


def test_one_window_is_enough(tmp_path):
    assert field(drawn(write(tmp_path / "one.wav", tone(440, 512 / 16_000)))).max() > 0.95 * s.COLOURS


def test_silence_is_dark_all_over(tmp_path):
    assert not field(drawn(write(tmp_path / "silence.wav", np.zeros(20_000)))).any()


@pytest.mark.parametrize("hertz", [250, 1000, 4000])
def test_a_tone_is_a_line_beside_its_mark(tmp_path, hertz):
    picture = drawn(write(tmp_path / "tone.wav", tone(hertz)))
    rows = field(picture).mean(axis=1)
    marks = np.flatnonzero(np.asarray(picture)[TOP : TOP + s.HEIGHT, LEFT - 3] == s.COLOURS)
    mark = marks[[8000, 4000, 2000, 1000, 500, 250, 0].index(hertz)]
    assert rows.argmax() == pytest.approx(mark, abs=3)
    assert rows.max() > 0.9 * s.COLOURS
    assert np.median(rows) < 0.2 * s.COLOURS


def test_time_goes_from_left_to_right(tmp_path):
    silence = np.zeros(16_000)
    columns = field(drawn(write(tmp_path / "second.wav", np.concatenate([silence, tone(500), silence])))).max(axis=0)
    loud = np.flatnonzero(columns > s.COLOURS * 0.8)
    at = 0.011 + (np.array([loud[0], loud[-1]]) + 0.5) / s.WIDTH * 2.97
    assert at == pytest.approx([1, 2], abs=0.03)


def test_hours_keep_their_shape_in_constant_memory():
    columns = s._Columns()
    rng = np.random.default_rng(0)
    frames = rng.random((10_007, s.BANDS))
    for part in np.array_split(frames, 101):
        columns.add(part)
    assert columns.per == 8
    assert len(columns.sums) == 2 * s.WIDTH
    expected = [frames[i : i + 8].mean(axis=0) for i in range(0, len(frames), 8)]
    np.testing.assert_allclose(columns.mean(), expected)


@pytest.mark.parametrize(
    ("seconds", "step", "end", "said"),
    [
        (0.05, 0.05, 0.3, "0.05"),
        (0.1, 0.1, 0.9, "0.1"),
        (7, 1, 8, "7"),
        (60, 10, 60, "60"),
        (90, 30, 200, "1:30"),
        (90.5, 0.5, 93, "1:30.5"),
        (7200, 3600, 36_000, "2:00:00"),
    ],
)
def test_times_are_written_for_readers(seconds, step, end, said):
    assert s._clock(seconds, step, end) == said


def test_stretches_have_the_time_of_the_whole(speech):
    whole, part = (s.spectrogram(Sound(speech / "jfk.wav", start, start + 2)) for start in (0.0, 5.0))
    assert whole != part


def test_films_have_one(videos):
    assert field(drawn(Sound(videos / "bigbuckbunny.mp4"))).std() > 20


def test_colours_are_cividis():
    ours = np.array(s._palette()[: 3 * s.COLOURS]).reshape(-1, 3)
    theirs = mpl.colormaps["cividis"](np.linspace(0, 1, s.COLOURS))[:, :3] * 255
    assert np.abs(ours - theirs).max() < 12
    assert (np.diff(ours @ [0.2126, 0.7152, 0.0722]) > 0).all()
