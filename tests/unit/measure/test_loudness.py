"""Against the test signals of EBU Tech 3341 and 3342, pyloudnorm, and ffmpeg's ebur128."""

from itertools import pairwise

import av
import numpy as np
import pytest
from sounds import ODD, read, remembered, tone, watched, write

from studium.errors import InputError, NoStreamError
from studium.measure.loudness import Gate, Loudness, k_weighting
from studium.media.audio import Sound
from studium.testing import check_measure

MONO = 10 * np.log10(2)
"""EBU's signals are stereo, the same left and right; one loudspeaker has half the energy."""


def level(dbfs, seconds):
    return tone(1000, seconds, 10 ** (dbfs / 20))


def of(samples, sizes=(16_000,)):
    return watched(Loudness(), samples, sizes)


def test_no_samples_are_no_sound():
    with pytest.raises(NoStreamError, match="no samples"):
        of(np.zeros(0, np.float32))


@pytest.mark.parametrize("n", [1, 799, 800, 6399, 6400, 48_000])
def test_silence_has_no_level(n):
    assert of(np.zeros(n, np.float32)) == {
        "sound_seconds": n / 16_000,
        "level_dbfs": None,
        "peak_dbfs": None,
        "loudness_lufs": None,
        "loudness_range": None,
        "silence_share": 1,
    }


def test_a_sine_at_full_scale():
    found = of(level(0, 2))
    assert found["level_dbfs"] == pytest.approx(-3.01, abs=0.005)
    assert found["peak_dbfs"] == pytest.approx(0, abs=0.001)
    assert found["loudness_lufs"] == pytest.approx(-3.01, abs=0.05)  # as BS.1770-4 says of 997 Hz in one channel
    assert found["loudness_range"] is None
    assert found["silence_share"] == 0


def test_golden_k_weighting_at_48_khz():
    # tables 1 and 2 of BS.1770-4
    expected = [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
        [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
    ]
    np.testing.assert_allclose(k_weighting(48_000), expected, atol=1e-11)


@pytest.mark.parametrize(
    ("parts", "loudness"),
    [  # EBU Tech 3341, table 1, cases 1 to 5: (dBFS, seconds); tolerance .1 LU
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
)
def test_ebu_loudness(parts, loudness):
    found = of(np.concatenate([level(*part) for part in parts]))
    assert found["loudness_lufs"] + MONO == pytest.approx(loudness, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "spread"),
    [  # EBU Tech 3342, table 1, cases 1 to 4: dBFS, 20 s each; tolerance 1 LU
        ((-20, -30), 10),
        ((-20, -15), 5),
        ((-40, -20), 20),
        ((-50, -35, -20, -35, -50), 15),
    ],
)
def test_ebu_loudness_range(levels, spread):
    found = of(np.concatenate([level(dbfs, 20) for dbfs in levels]))
    assert found["loudness_range"] == pytest.approx(spread, abs=1)


@pytest.mark.parametrize(
    ("file", "loudness"),
    [  # pyloudnorm 0.2.0: Meter(16000, filter_class="DeMan").integrated_loudness(samples)
        ("jfk.wav", -15.3931455),
        ("data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav", -26.995629),
    ],
)
def test_speech_is_as_loud_as_pyloudnorm_says(speech, file, loudness):
    whole = read(speech / file)
    whole = whole[: len(whole) // 1600 * 1600]  # pyloudnorm rounds the number of blocks, up or down
    assert of(whole)["loudness_lufs"] == pytest.approx(loudness, abs=1e-5)


@pytest.mark.parametrize(("rate", "tolerance"), [(16_000, 0.01), (48_000, 0.1)])
def test_speech_is_as_loud_as_ffmpeg_says(speech, rate, tolerance):
    path = speech / "jfk.wav"
    theirs, found = ffmpeg(path, rate), of(read(path))
    assert found["loudness_lufs"] == pytest.approx(theirs["I"], abs=tolerance)
    assert found["loudness_range"] == pytest.approx(theirs["LRA"], abs=0.3)  # of 81 windows: it rounds percentiles


def test_the_sound_of_a_film_is_as_loud_as_ffmpeg_says(videos, tmp_path):
    film = Sound(videos / "bigbuckbunny.mp4")
    samples = film.samples()
    gain = 0.9 / np.abs(samples).max()  # so that rounding to 16 bits makes no difference
    write(tmp_path / "mixed.wav", samples * gain)
    (found,) = Loudness()([film])["loudness_lufs"]
    assert found + 20 * np.log10(gain) == pytest.approx(ffmpeg(tmp_path / "mixed.wav", 48_000)["I"], abs=0.1)


def ffmpeg(path, rate):
    """Last values of the filter ebur128 over the sound mixed to mono."""
    graph, found = av.filter.Graph(), {}
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        chain = [
            graph.add_abuffer(template=stream),
            graph.add("aformat", f"sample_rates={rate}:channel_layouts=mono"),
            graph.add("ebur128", "metadata=1"),
            graph.add("abuffersink"),
        ]
        for one, other in pairwise(chain):
            one.link_to(other)
        graph.configure()
        for frame in [*container.decode(stream), None]:
            graph.push(frame)
            try:
                while True:
                    found |= graph.pull().metadata
            except (av.error.BlockingIOError, av.error.EOFError):
                pass
    return {name: float(found[f"lavfi.r128.{name}"]) for name in ("I", "LRA")}


@pytest.mark.parametrize("sizes", [ODD, (1600,), (999,), (10**6,)])
def test_blocks_make_no_difference(speech, sizes):
    samples = read(speech / "jfk.wav")
    whole = of(samples)
    for name, value in of(samples, sizes).items():
        assert value == pytest.approx(whole[name], abs=1e-9), name


def test_gating_by_steps_is_gating_by_blocks():
    energies = 10 ** np.random.default_rng(0).uniform(-9, 0, 5000)
    gate = Gate()
    for part in np.array_split(energies, 7):
        gate.add(part)
    loud = energies[-0.691 + 10 * np.log10(energies) > -70]
    loud = loud[loud > loud.mean() / 10]
    assert gate.integrated() == pytest.approx(-0.691 + 10 * np.log10(loud.mean()), abs=1e-3)


def test_pauses_are_silence():
    sound = np.concatenate([tone(300, 0.5), np.zeros(8000, np.float32), tone(300, 0.03)])
    found = of(sound)
    assert found["silence_share"] == pytest.approx(0.5 / 1.03)
    assert found["sound_seconds"] == 1.03
    quiet = level(-59, 1)  # a level of -62.01
    assert of(quiet)["silence_share"] == 1
    assert watched(Loudness(silence=-63), quiet)["silence_share"] == 0


@pytest.mark.parametrize("silence", [0, 3, -200, float("nan"), "quiet"])
def test_impossible_silence_is_refused(silence):
    with pytest.raises(InputError, match="between -200 and 0 dBFS"):
        Loudness(silence=silence)


def test_more_than_full_scale_is_told():
    assert of(2 * level(0, 1))["peak_dbfs"] == pytest.approx(6.02, abs=0.01)


def test_keeps_the_contract(tmp_path):
    sounds = {"tone": tone(440, 1.3), "silence": np.zeros(9000), "one": np.ones(1), "short": tone(200, 0.3)}
    check_measure(Loudness(), [write(tmp_path / f"{name}.wav", samples) for name, samples in sounds.items()])


def test_what_is_remembered_does_not_grow():
    assert remembered(Loudness(), 2000) == remembered(Loudness(), 20)
