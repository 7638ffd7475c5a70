"""Videos and sounds that break pipelines, made with PyAV, the same each time; each function makes one, and says how.

Every picture carries its number in eight black or white fields (`number_of` reads it back), so that a test knows which
frame it holds; every sound is a sweep, so that no two moments of it are alike.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["FILES", "make", "number_of", "numbered", "sound", "sweep", "video"]

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 128, 96, 25


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """A picture that says its number, 0 to 255: two rows of four fields; above them a shade that moves with it."""
    rgb = np.zeros((height, width, 3), np.uint8)
    x = np.arange(width)
    rgb[: height // 3] = np.stack([(x + 5 * number) % 256, (2 * x) % 256, np.full(width, number % 256)], axis=-1)
    for bit in range(8):
        top, left = height // 3 * (1 + bit // 4), width // 4 * (bit % 4)
        rgb[top : top + height // 3, left : left + width // 4] = 235 if number >> bit & 1 else 20
    return rgb


def number_of(rgb: Picture) -> int:
    """The number that a picture of `numbered` carries, whatever its size."""
    height, width = rgb.shape[:2]
    middles = [(height * (1.5 + bit // 4) / 3, width * (0.5 + bit % 4) / 4) for bit in range(8)]
    return sum(int(rgb[int(y), int(x)].mean() > 127) << bit for bit, (y, x) in enumerate(middles))


def video(
    path: Path,
    pictures: Iterable[Any],
    codec: str = "libx264",
    stamps: Sequence[int] | None = None,
    **settings: Any,
) -> Path:
    """Encode pictures.

    Args:
        path: its suffix chooses the container.
        pictures: RGB arrays, or PyAV frames that are encoded as they are.
        codec: name of the encoder.
        stamps: time of each picture in 1/1000 s; None for 25 a second.
        settings: ``options`` of the encoder; ``container`` options; ``audio`` for (start in s, seconds) of a sweep in
            AAC beside them; anything else is set on the codec context.
    """
    settings = dict(settings)
    options, muxing = settings.pop("options", {}), settings.pop("container", {})
    audio, pixels = settings.pop("audio", None), settings.pop("pix_fmt", "yuv420p")
    base = Fraction(1, 1000) if stamps else Fraction(1, RATE)
    with av.open(str(path), "w", options=muxing) as output:
        stream = output.add_stream(codec, rate=RATE, options={k: str(v) for k, v in options.items()})
        frames = [_frame(picture, pixels) for picture in pictures]
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, pixels
        stream.codec_context.time_base = base
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        packets = list(_beside(output, *audio)) if audio else []
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base = (stamps[index] if stamps else index), base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


def _frame(picture: Any, pixels: str) -> Any:
    if isinstance(picture, av.VideoFrame):
        return picture
    return av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)


def _beside(output: Any, start: float, seconds: float) -> Iterator[Any]:
    stream = output.add_stream("aac", rate=48000, layout="mono")
    yield from _encoded(stream, sweep(seconds, 48000)[None], start)


def sweep(seconds: float, rate: int) -> NDArray[np.float32]:
    """A tone that rises from 200 Hz by 300 Hz a second, at half of full scale."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 * t + 150 * t**2))).astype(np.float32)


def sound(
    path: Path, samples: NDArray[np.float32], codec: str, rate: int, layout: str = "mono", start: float = 0.0
) -> Path:
    """Encode samples, (channels, n) float32, that begin at ``start`` seconds; the suffix chooses the container."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        for packet in _encoded(stream, samples, start):
            output.mux(packet)
    return path


def _encoded(stream: Any, samples: NDArray[np.float32], start: float) -> Iterator[Any]:
    context = stream.codec_context
    form = context.format.name
    size = context.frame_size or 1024
    whole = _as(form, samples)
    for begin in range(0, samples.shape[1], size):
        piece = whole[:, begin : begin + size]
        packed = piece if form.endswith("p") else piece.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), form, stream.layout.name)
        frame.sample_rate, frame.time_base = context.sample_rate, Fraction(1, context.sample_rate)
        frame.pts = begin + round(start * context.sample_rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _as(form: str, samples: NDArray[np.float32]) -> NDArray[Any]:
    kinds = {"u8": (128, 127, np.uint8), "s16": (0, 32767, np.int16), "s32": (0, 2147483000, np.int32)}
    name = form.removesuffix("p")
    if name not in kinds:
        return samples.astype(np.float64 if name == "dbl" else np.float32)
    zero, scale, kind = kinds[name]
    return np.rint(samples * scale + zero).astype(kind)


def _pictures(count: int = 60, **size: int) -> list[Picture]:
    return [numbered(i, **size) for i in range(count)]


def plain(path: Path) -> Path:
    """H.264 with frames that are stored out of order (B-frames), a keyframe every 25, and sound."""
    return video(path, _pictures(), options={"g": 25}, audio=(0.0, 2.4))


def variable_rate(path: Path) -> Path:
    """Frames at irregular times, one of them shown for two seconds."""
    stamps = [0, 40, 80, 83, 300, 2300, 2301, 2333, 2500, 2540]
    return video(path, _pictures(len(stamps)), stamps=stamps, options={"g": 4})


def delayed(path: Path, pictures: float = 0.0, sound: float = 0.0) -> Path:
    """Pictures, or sound, that begin later than the file."""
    stamps = [round(1000 * pictures) + 40 * i for i in range(50)]
    return video(path, _pictures(50), stamps=stamps, options={"g": 25}, audio=(sound, 2.0))


def open_groups(path: Path) -> Path:
    """Keyframes after which frames are stored that are shown before them and need the group before (open GOPs)."""
    return video(path, _pictures(), options={"g": 12, "x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0"})


def turned(path: Path, degrees: int, mirrored: bool = False) -> Path:
    """A phone's video: stored lying, with a display matrix that says how far to turn it clockwise to be upright."""
    video(path, _pictures(10))
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    a, b = (-cos, -sin) if mirrored else (cos, sin)
    matrix = [a << 16, b << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = np.array(matrix, ">i4").tobytes()
    path.write_bytes(data)
    return path


def edited(path: Path, skipped: int = 7) -> Path:
    """An edit list that leaves out the first frames, in the middle of a group of pictures."""
    video(path, _pictures(), options={"g": 25})
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4 + 8
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
    length, begin = np.frombuffer(data[at : at + 8], ">i4").tolist()
    ticks = int(Fraction(skipped, RATE) / base)
    data[at : at + 8] = np.array([length - skipped * 1000 // RATE, begin + ticks], ">i4").tobytes()
    path.write_bytes(data)
    return path


def endless(path: Path, codec: str = "libvpx") -> Path:
    """WebM as a browser records it: no duration, no index."""
    return video(path, _pictures(), codec, options={"g": 25}, container={"live": "1"})


def anamorphic(path: Path) -> Path:
    """Pixels that are 4 wide by 3 high."""
    return video(path, _pictures(5), sample_aspect_ratio=Fraction(4, 3))


def interlaced(path: Path) -> Path:
    """Two fields a frame: of a bar that moves by 16 px each field, so that whole frames look like combs."""
    frames = []
    for index in range(20):
        rgb = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        for field in (0, 1):
            left = (index * 2 + field) * 16 % WIDTH
            rgb[field::2, left : left + 16] = 220
        frames.append(rgb)
    return video(path, frames, options={"g": 10, "qp": 1, "x264-params": "tff=1"})


def damaged(path: Path, numbers: Sequence[int] = (30,), codec: str = "libx264") -> Path:
    """The packets of these pictures (in the order of time) overwritten in the middle with noise."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    video(path, _pictures(), codec, pix_fmt=pixels, options={"g": 25} if codec == "mjpeg" else {"g": 25, "bf": 2})
    with av.open(str(path)) as container:
        packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts)
        places = [(packets[number].pos, packets[number].size) for number in numbers]
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for at, size in places:
        low, high = at + min(8, size // 4), at + size
        data[low:high] = rng.integers(0, 256, high - low, np.uint8).tobytes()
    path.write_bytes(data)
    return path


def cut(path: Path, share: float = 0.6) -> Path:
    """A file that ends in the middle of a group of pictures; its header came first and promises more."""
    video(path, _pictures(), options={"g": 25}, container={"movflags": "faststart"})
    data = path.read_bytes()
    begin = data.index(b"mdat") + 4 if b"mdat" in data else 0
    path.write_bytes(data[: begin + int(share * (len(data) - begin))])
    return path


def header_only(path: Path) -> Path:
    """A whole header, and not one picture after it."""
    return cut(path, 0.0)


def header_lost(path: Path) -> Path:
    """A recording that was never finished: MP4 without its header, which would have come last."""
    video(path, _pictures())
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    return path


def gap(path: Path, codec: str = "pcm_s16le", at: float = 1.0, jump: float = 0.5, back: float | None = None) -> Path:
    """Sound of 3 s whose time stamps jump by ``jump`` seconds at ``at`` seconds, and back at ``back`` seconds.

    An MPEG transport stream, as others refuse to hold time stamps that go back; only their first packets are lasting.
    """
    rate = 48000
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        for packet in _encoded(stream, sweep(3.0, rate)[None], 0.0):
            time = packet.pts * packet.time_base
            if at <= time and (back is None or time < back):
                packet.pts = packet.dts = packet.pts + round(Fraction(jump) / packet.time_base)
            output.mux(packet)
    return path


def long_sound(path: Path, hours: float) -> Path:
    """Hours of 8 kHz sound as a WAV: the same minute again and again."""
    minute = np.rint(sweep(60, 8000) * 32767).astype("<i2").tobytes()
    size = round(hours * 60) * len(minute)
    header = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += np.array([1, 1], "<u2").tobytes() + np.array([8000, 16000], "<u4").tobytes()
    header += np.array([2, 16], "<u2").tobytes() + b"data" + size.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(header)
        for _ in range(round(hours * 60)):
            file.write(minute)
    return path


def long_video(path: Path, hours: float) -> Path:
    """Hours of one frame a second: one encoded minute, its packets again and again."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=1, options={"g": "20"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        minute = []
        for index in range(60):
            frame = _frame(numbered(index, 64, 48), "yuv420p")
            frame.pts, frame.time_base = index, Fraction(1)
            minute += [(bytes(p), p.is_keyframe) for p in stream.encode(frame)]
        minute += [(bytes(p), p.is_keyframe) for p in stream.encode(None)]
        for index in range(round(hours * 3600)):
            data, key = minute[index % 60]
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1), key
            packet.pts, packet.dts, packet.duration = index, index, 1
            output.mux(packet)
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "plain.mp4": (plain, "ok"),
    "plain.mkv": (plain, "ok"),
    "offset.ts": (plain, "ok"),
    "variable.mp4": (variable_rate, "ok"),
    "variable.webm": (lambda path: video(path, _pictures(4), "libvpx", [0, 17, 900, 2000]), "ok"),
    "late_pictures.mp4": (lambda path: delayed(path, pictures=0.52), "ok"),
    "late_sound.mkv": (lambda path: delayed(path, sound=0.5), "ok"),
    "open_groups.mkv": (open_groups, "ok"),
    "open_groups.ts": (open_groups, "ok"),
    "turned.mp4": (lambda path: turned(path, 90), "ok"),
    "edited.mp4": (edited, "ok"),
    "endless.webm": (endless, "ok"),
    "hidden.webm": (
        lambda path: video(path, _pictures(), "libvpx", options={"auto-alt-ref": 1, "lag-in-frames": 16}),
        "ok",
    ),
    "anamorphic.mp4": (anamorphic, "ok"),
    "interlaced.mp4": (interlaced, "ok"),
    "reordered.avi": (lambda path: video(path, _pictures(), "mpeg4", options={"g": 25, "bf": 2}), "ok"),
    "raw.h264": (lambda path: video(path, _pictures(), options={"g": 25}), "ok"),
    "one.mp4": (lambda path: video(path, _pictures(1)), "ok"),
    "silent.mp4": (lambda path: video(path, _pictures(10)), "ok"),
    "really_mkv.mp4": (lambda path: plain(path.with_suffix(".mkv")).rename(path), "ok"),
    "tag\u00e9d: 50%d.mp4": (plain, "ok"),
    "damaged.mp4": (damaged, "DamagedStreamError"),
    "damaged_key.mp4": (lambda path: damaged(path, [25]), "DamagedStreamError"),
    "damaged.avi": (lambda path: damaged(path, [10, 11, 40], "mpeg4"), "DamagedStreamError"),
    "damaged_jpeg.avi": (lambda path: damaged(path, [10, 40], "mjpeg"), "DamagedStreamError"),
    "cut.mp4": (cut, "DamagedStreamError"),
    "header_only.mp4": (header_only, "TruncatedFileError"),
    "header_lost.mp4": (header_lost, "TruncatedFileError"),
    "empty.mp4": (lambda path: _written(path, b""), "EmptyFileError"),
    "text.mp4": (lambda path: _written(path, b"This is no video.\n" * 100), "UnknownFormatError"),
    "playlist.mp4": (
        lambda path: _written(path, b"#EXTM3U\n#EXTINF:9,\nplain.mp4\n#EXT-X-ENDLIST\n"),
        "UnknownFormatError",
    ),
    "sound.m4a": (lambda path: sound(path, sweep(2, 44100)[None], "aac", 44100), "NoStreamError"),
}
"""Name of the file -> how it is made, and what becomes of its pictures: "ok", or the name of the error class."""


def make(folder: Path) -> dict[str, str]:
    """Write the zoo into ``folder``; returns name of the file -> "ok", or the error class that its pictures raise."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (maker, _) in FILES.items():
        maker(folder / name)
    return {name: expected for name, (_, expected) in FILES.items()}


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
