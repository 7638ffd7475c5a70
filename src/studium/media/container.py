"""Opening containers of video and sound. Time 0 is the first instant of the file, whichever of its streams begins."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studium.errors import (
    EmptyFileError,
    MissingExtraError,
    NoStreamError,
    TruncatedFileError,
    UnknownFormatError,
    UnreadableFileError,
)

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["ends_before", "open_container", "packets_from", "packets_of", "start_of", "stream_of"]

_REFUSED = frozenset({"ansi", "concat", "dash", "hls", "image2", "imf", "lavfi", "sdp", "tty"})
"""Demuxers of text, of pictures, and of lists of other files, which are no media of their own."""

_STATED = frozenset({"aiff", "avi", "caf", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "w64", "wav"})
"""Demuxers that read how long a stream is from its header, rather than guess it from what is there."""

_SHORT = Fraction(3, 10)
"""Seconds by which a stream may end before the time that its header states."""

_BEGINNINGS = (
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (0, b"RIFF"), (0, b"RF64"), (0, b"\x1aE\xdf\xa3"),
    (0, b"OggS"), (0, b"ID3"), (0, b"fLaC"), (0, b"FLV"), (0, b"FORM"), (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    (0, b"\0\0\x01\xba"), (0, b"\0\0\x01\xb3"), (0, b"\0\0\0\x01"), (0, b"#!AMR"), (0, b"caff"),
)  # fmt: skip
"""How files of video and sound begin: (offset, bytes). What begins so and cannot be opened was cut off."""


def open_container(path: str | Path) -> "InputContainer":
    """Open a file of video or sound, and nothing but that file: playlists that name others are refused.

    Raises:
        EmptyFileError: no bytes.
        UnreadableFileError: missing, a folder, or no permission.
        TruncatedFileError: it begins like video or sound and ends before it can be read.
        UnknownFormatError: no demuxer recognises it.
        MissingExtraError: PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("av", "video") from error
    head = _head(Path(path))
    try:  # "file:" for names with a colon; as replaced, for tags that are no UTF-8
        container = av.open(f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if any(head[at:].startswith(mark) for at, mark in _BEGINNINGS):
            raise TruncatedFileError(f"{path}: its header is broken or incomplete ({reason})") from error
        raise UnknownFormatError(f"{path}: no video or sound that can be read ({reason})") from error
    name = container.format.name
    if name in _REFUSED or name.endswith("_pipe"):
        container.close()
        raise UnknownFormatError(f"{path}: no video or sound, but {name}")
    return container


def _head(path: Path) -> bytes:
    try:
        if not path.is_file() and path.exists():  # opening a pipe or a device could wait for ever
            raise UnreadableFileError(f"{path}: not a regular file")
        with path.open("rb") as file:
            head = file.read(64)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not head:
        raise EmptyFileError(f"{path}: the file is empty")
    return head


def stream_of(container: "InputContainer", kind: str) -> Any:
    """Its first stream of a kind ("video" or "audio") that can be decoded and is no cover picture.

    Raises:
        NoStreamError: it has none.
        UnknownFormatError: it has some, but no decoder for them.
    """
    streams = _streams(container, kind)
    for stream in streams:
        if stream.codec_context is not None:
            return stream
    path, what = container.name.removeprefix("file:"), "pictures" if kind == "video" else "sound"
    if streams:
        raise UnknownFormatError(f"{path}: there is no decoder for its {what}")
    raise NoStreamError(f"{path}: the file has no {what}")


def _streams(container: "InputContainer", kind: str) -> list[Any]:
    streams = container.streams.video if kind == "video" else container.streams.audio
    return [stream for stream in streams if "attached_pic" not in str(stream.disposition)]


def start_of(container: "InputContainer") -> Fraction:
    """The first instant of the file in seconds of its own clock: where its pictures or its sound begin."""
    streams = [streams[0] for kind in ("video", "audio") if (streams := _streams(container, kind))]
    starts = [s.start_time * Fraction(s.time_base) for s in streams if s.start_time is not None and s.time_base]
    return min(starts, default=Fraction(0))


def packets_of(container: "InputContainer", stream: Any) -> Iterator[Any]:
    """The packets of a stream that hold something; where the container breaks off, they end."""
    import av

    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.error.FFmpegError:
        return


def packets_from(container: "InputContainer", stream: Any, stamp: int) -> Iterator[Any] | None:
    """The packets of a stream from the last one on that is stored whole and not after a time stamp, found by seeking.

    Returns:
        None if the container cannot find it; then open it anew, and read from the beginning.
    """
    import av

    back, base = Fraction(0), Fraction(stream.time_base)
    while (at := int(stamp - back / base)) > (stream.start_time or 0):
        try:
            container.seek(at, stream=stream)
        except (av.error.FFmpegError, OSError):
            return None
        packets = packets_of(container, stream)
        key = next((packet for packet in packets if packet.is_keyframe), None)
        if key is not None and key.pts is not None and key.pts <= stamp:
            return chain([key], packets)
        back = 2 * back + 1
    return None


def ends_before(container: "InputContainer", stream: Any, stamp: int) -> bool:
    """Whether a stream whose last packet ends at ``stamp`` is shorter than its header states: its file was cut off."""
    if container.format.name == "wav" and _riff_is_cut(Path(container.name.removeprefix("file:"))):
        return True
    if container.format.name not in _STATED or stream.duration is None or stream.start_time is None:
        return False
    return bool((stream.start_time + stream.duration - stamp) * Fraction(stream.time_base) > _SHORT)


def _riff_is_cut(path: Path) -> bool:
    """Whether a WAV is smaller than its first bytes say; those that were streamed say nothing (0, or all ones)."""
    stated = int.from_bytes(_head(path)[4:8], "little")
    return 0 < stated < 0xFFFFFFFF and stated + 7 > path.stat().st_size  # 7: some leave out the byte that fills up
