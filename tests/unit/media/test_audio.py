"""Sound: sample i is heard at i / 16,000 s from the first instant of the file, whatever the container does."""

import resource
from pathlib import Path

import fetch
import hostile_video
import numpy as np
import pytest
from hostile_video import sweep
from numpy.typing import NDArray

from studium.errors import DamagedStreamError, EmptyFileError, InputError, NoStreamError, TruncatedFileError
from studium.media.audio import RATE, Sound

Films = tuple[Path, dict[str, str]]
WHOLE = sweep(3.0, RATE)


def written(folder: Path, name: str, codec: str, rate: int, channels: int = 1) -> Path:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    return hostile_video.sound(folder / name, np.tile(sweep(3.0, rate), (channels, 1)), codec, rate, layout)


def far(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Largest difference, the ends left out, where a resampler knows too little."""
    return float(np.abs(a[100 : len(b) - 100] - b[100 : len(a) - 100][: len(a)]).max()) if len(a) == len(b) else np.inf


def test_files_without_sound(films: Films, tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError):
        Sound(films[0] / "empty.mp4").samples()
    with pytest.raises(NoStreamError, match=r"silent.mp4: the file has no sound"):
        Sound(films[0] / "silent.mp4").samples()
    whole = written(tmp_path, "a.wav", "pcm_s16le", 16_000).read_bytes()
    (tmp_path / "header.wav").write_bytes(whole[: whole.index(b"data") + 8])
    with pytest.raises(TruncatedFileError):
        Sound(tmp_path / "header.wav").samples()


@pytest.mark.parametrize(("name", "codec", "rate", "channels", "error"), [
    ("a.wav", "pcm_s16le", 16_000, 1, 1e-4), ("b.wav", "pcm_s16le", 44_100, 2, 1e-4),
    ("c.wav", "pcm_u8", 8_000, 1, 0.011), ("d.wav", "pcm_s24le", 96_000, 1, 1e-4),
    ("f.wav", "pcm_f64le", 11_025, 1, 1e-4),
    ("g.flac", "flac", 44_100, 2, 1e-4), ("h.m4a", "alac", 48_000, 1, 1e-4),
    ("i.mp3", "libmp3lame", 44_100, 2, 0.04), ("j.webm", "libopus", 48_000, 2, 0.03),
    ("k.ogg", "libopus", 48_000, 1, 0.03), ("l.mkv", "libmp3lame", 44_100, 1, 0.04),
    ("m.aiff", "pcm_s16be", 22_050, 2, 1e-4),
])  # fmt: skip
def test_any_container_rate_and_layout(
    tmp_path: Path, name: str, codec: str, rate: int, channels: int, error: float
) -> None:
    path = written(tmp_path, name, codec, rate, channels)
    whole = Sound(path).samples()
    assert whole.dtype == np.float32
    assert far(whole, WHOLE) < error
    for start, end in ((0.0, 0.7), (0.3, 0.9), (1.5, 2.2505), (2.0, 3.0), (2.9999, None), (9.0, None)):
        part = Sound(path, start, end).samples()
        same = whole[round(start * RATE) : None if end is None else round(end * RATE)]
        assert np.array_equal(part, same), (start, end)  # exactly, also for these lossy codecs


@pytest.mark.parametrize(("name", "codec", "error"), [
    ("a.m4a", "aac", 2e-3), ("a.mkv", "aac", 2e-3), ("a.flv", "aac", 2e-3), ("a.ts", "aac", 2e-3), ("a.ts", "mp2", 0),
])  # fmt: skip
def test_stretches_of_codecs_that_fill_in_noise(tmp_path: Path, name: str, codec: str, error: float) -> None:
    path = written(tmp_path, name, codec, 44_100, 2)
    whole = Sound(path).samples()
    for start, end in ((1.5, 2.25), (2.0, 2.9)):
        part = Sound(path, start, end).samples()
        assert np.abs(part - whole[round(start * RATE) : round(end * RATE)]).max() <= error


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = sweep(1.0, RATE), np.full(RATE, 0.25, np.float32)
    path = hostile_video.sound(tmp_path / "a.wav", np.stack([left, right]), "pcm_f32le", RATE, "stereo")
    assert np.allclose(Sound(path).samples(), (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "weight"), [("FL", 0.5), ("FR", 0.5), ("FC", 0.70710678), ("LFE", 0), ("BL", 0.35355339)]
)
def test_surround_sound_is_mixed_so_that_speech_is_heard(tmp_path: Path, name: str, weight: float) -> None:
    samples = np.zeros((6, RATE), np.float32)
    samples[["FL", "FR", "FC", "LFE", "BL", "BR"].index(name)] = sweep(1.0, RATE)
    path = hostile_video.sound(tmp_path / "a.wav", samples, "pcm_f32le", RATE, "5.1")
    assert np.allclose(Sound(path).samples(), weight * sweep(1.0, RATE), atol=1e-6)


def test_real_speech() -> None:
    path = fetch.speech() / "jfk.wav"
    import wave

    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        stored = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.array_equal(Sound(path).samples(), (stored / 32768).astype(np.float32))


def test_blocks(tmp_path: Path) -> None:
    path = written(tmp_path, "a.wav", "pcm_s16le", 44_100)
    whole = Sound(path).samples()
    for seconds in (1.0, 0.7, 1 / RATE * 777, 5.0):
        blocks = list(Sound(path, 0.5, 2.9).blocks(seconds))
        size = round(seconds * RATE)
        assert [block.start for block in blocks] == [(8000 + i * size) / RATE for i in range(len(blocks))]
        assert {len(block.samples) for block in blocks[:-1]} <= {size}
        assert np.array_equal(np.concatenate([block.samples for block in blocks]), whole[8000:46_400])
    with pytest.raises(InputError, match="at least one sample"):
        next(Sound(path).blocks(0.0))


@pytest.mark.parametrize(("name", "error"), [("a.mkv", 0.05), ("a.ts", 0.05)])
def test_a_late_start_is_silence(tmp_path: Path, name: str, error: float) -> None:
    whole = Sound(hostile_video.delayed(tmp_path / name, sound=0.5)).samples()
    assert np.abs(whole[:7600]).max() == 0
    assert np.abs(whole[8100:39_000] - sweep(2.0, RATE)[100:31_000]).max() < error


def test_sound_that_begins_before_the_pictures_is_not_moved(tmp_path: Path) -> None:
    whole = Sound(hostile_video.delayed(tmp_path / "a.mkv", pictures=0.52)).samples()
    assert np.abs(whole[100:31_000] - sweep(2.0, RATE)[100:31_000]).max() < 0.05


def test_a_gap_is_silence_and_nonsense_is_not_hours_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = hostile_video.gap(tmp_path / "gap.m4a", "alac", 1.0, 0.5)
    whole = Sound(path).samples()
    begin = int(np.flatnonzero(np.abs(WHOLE - whole[: len(WHOLE)]) > 0.01)[0])
    assert abs(begin - RATE) < 1600  # packets of 85 ms
    assert len(whole) == 3.5 * RATE
    assert np.abs(whole[begin + 400 : begin + 7500]).max() == 0
    assert far(whole[begin + 8400 :], WHOLE[begin + 400 :]) < 1e-4
    assert np.array_equal(Sound(path, 1.4, 2.6).samples(), whole[22_400:41_600])
    assert not caplog.records
    nonsense = Sound(hostile_video.gap(tmp_path / "far.mkv", "pcm_s16le", 1.0, 18_000.0)).samples()
    assert far(nonsense, WHOLE) < 1e-4
    assert "jump by 18000.0" in caplog.text


def test_damage_is_silent_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a.flac", "flac", 16_000)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)
    kept: list[NDArray[np.float32]] = []
    with pytest.raises(DamagedStreamError, match=r"a.flac: sound could not be decoded: 0\.720 to 1\.008 s$"):
        kept.extend(block.samples for block in Sound(path).blocks(0.1))
    whole = np.concatenate(kept)
    assert len(whole) == len(WHOLE)
    hole = np.arange(len(whole)) // 1152 * 1152
    hole = (hole >= 11_520) & (hole < 16_128)  # four frames of the codec
    assert not whole[hole].any()
    assert np.abs(whole - WHOLE)[~hole].max() < 1e-4
    assert np.array_equal(Sound(path, 2.4, 2.9).samples(), whole[38_400:46_400])
    with pytest.raises(DamagedStreamError):
        Sound(path).samples()


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = written(tmp_path, "a.wav", "pcm_s16le", 16_000)
    path.write_bytes(path.read_bytes()[:64_078])
    with pytest.raises(DamagedStreamError, match=r"from 2\.000 s to the end"):
        Sound(path).samples()
    assert np.allclose(Sound(path, 0.0, 1.9).samples(), WHOLE[: round(1.9 * RATE)], atol=1e-4)


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    samples = sweep(1.0, RATE)
    samples[5000] = np.nan
    path = hostile_video.sound(tmp_path / "a.wav", samples[None], "pcm_f32le", RATE)
    with pytest.raises(DamagedStreamError, match=r"sound could not be decoded: 0\.2"):
        list(Sound(path).blocks())
    assert np.isfinite(Sound(path, 0.5).samples()).all()


@pytest.mark.slow
def test_ten_hours_in_constant_memory(tmp_path: Path) -> None:
    path = hostile_video.long_sound(tmp_path / "long.wav", hours=10)
    Sound(path, 0.0, 60.0).samples()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    heard = sum(len(block.samples) for block in Sound(path).blocks())
    assert heard == 10 * 3600 * RATE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB
