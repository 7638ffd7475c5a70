"""Which files are media, judged by their suffix alone: what a folder scan needs before anything is decoded."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from studium.errors import InputError

__all__ = ["DECODERS", "SUFFIXES", "decoder", "kind_of", "suffixes"]

DECODERS = "studium.decoders"
"""Entry-point group of image decoders: name = suffix without dot ("dcm"), value = callable(path) -> H x W x 3 uint8."""

SUFFIXES: Mapping[str, frozenset[str]] = {
    "image": frozenset("apng avif bmp dib gif heic heif hif jfif jpe jpeg jpg png tif tiff webp".split()),
    "video": frozenset("3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv webm wmv".split()),
    "audio": frozenset("aac aif aiff flac m4a mp3 oga ogg opus wav wma".split()),
}
"""Built-in suffixes of every kind, lower case, without dot. A GIF is an image (its first frame)."""


def kind_of(path: str | Path) -> str | None:
    """The kind of a media file by its suffix: "image", "video", "audio", or None if it is none of them.

    Raises:
        InputError: the installed plugin decoders contradict each other or a built-in.
    """
    suffix = _suffix(path)
    for kind, known in SUFFIXES.items():
        if suffix in known:
            return kind
    return "image" if suffix and suffix in _plugins() else None


def suffixes(kind: str = "image") -> frozenset[str]:
    """Every suffix of that kind, built in or from a plugin: lower case, without dot."""
    return SUFFIXES[kind] | _plugins().keys() if kind == "image" else SUFFIXES[kind]


def decoder(path: str | Path) -> tuple[str, Callable[[Path], Any]] | None:
    """The plugin that decodes files of this suffix, with its name "package.module:function"; None if there is none."""
    suffix = _suffix(path)
    if not suffix or any(suffix in known for known in SUFFIXES.values()):
        return None
    point = _plugins().get(suffix)
    return (point.value, _load(point)) if point else None


def _suffix(path: str | Path) -> str:
    return Path(path).suffix[1:].lower()


@cache
def _load(point: EntryPoint) -> Callable[[Path], Any]:
    try:
        function: Callable[[Path], Any] = point.load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"decoder plugin {point.value!r} cannot be loaded: {error}") from error
    return function


@cache
def _plugins() -> Mapping[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=DECODERS):
        _check(point, found)
        found[point.name] = point
    return found


def _check(point: EntryPoint, found: Mapping[str, EntryPoint]) -> None:
    name, where = point.name, f"decoder plugin {point.value!r}"
    if name != name.lower() or not name.isalnum():
        raise InputError(
            f'{where}: its entry point must be a lower-case suffix without dot, such as "dcm", got {name!r}'
        )
    if any(name in known for known in SUFFIXES.values()):
        raise InputError(f"{where}: {name!r} is decoded by studium itself; uninstall the plugin or rename its suffix")
    if name in found and found[name].value != point.value:
        raise InputError(f"two plugins decode {name!r}: {found[name].value!r} and {point.value!r}; remove one")
