"""Which encoding a text file is in: decided over all of its bytes, and never silently wrong."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from studium.errors import SourceError

__all__ = ["detect", "is_clean"]

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins like UTF-16 LE, so it is asked first
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CHUNK = 1 << 20
_C1 = frozenset(range(0x80, 0xA0))  # letters and quotes in cp1252, control characters in latin-1
_UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")  # in cp1252


def detect(path: Path) -> str:
    """Find the encoding of a text file.

    Args:
        path: the file; all of it is read, a megabyte at a time.

    Returns:
        A Python codec: "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8", "cp1252" or "latin-1".
        "utf-8" also for a file that is UTF-8 but for some damaged bytes: read it with ``errors="surrogateescape"``
        and ask `is_clean` of every row.

    Raises:
        SourceError: none of these is plausible (most likely another script's one-byte or two-byte encoding).
    """
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    for bom, name in _BOMS.items():
        if head.startswith(bom):
            return name
    return _wide(head) or _narrow(path)


def is_clean(text: str) -> bool:
    """Whether ``text`` is valid Unicode: no damaged bytes, no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wide(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: its ASCII characters have a zero as every other byte."""
    pairs = len(head) // 2
    if not pairs or b"\0" not in head:
        return None
    high_zeros, low_zeros = head[1::2].count(0), head[0::2].count(0)
    if max(high_zeros, low_zeros) < pairs / 4:  # a posts table has a header, separators and digits
        return None
    return "utf-16-le" if high_zeros > low_zeros else "utf-16-be"


def _narrow(path: Path) -> str:
    try:
        for _ in _decoded(path, "strict"):
            pass
    except UnicodeDecodeError:
        return "utf-8" if _mostly_utf8(path) else _one_byte(path)
    return "utf-8"


def _decoded(path: Path, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    for chunk in _chunks(path):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _mostly_utf8(path: Path) -> bool:
    """More whole non-ASCII characters than stray bytes; one-byte encodings hardly ever form one by chance."""
    whole = stray = 0
    for text in _decoded(path, "surrogateescape"):
        broken = len(re.findall(r"[\udc80-\udcff]", text))
        stray += broken
        whole += len(re.findall(r"[^\x00-\x7f]", text)) - broken
    return whole > stray


def _one_byte(path: Path) -> str:
    high = in_runs = 0
    seen: set[int] = set()
    for chunk in _chunks(path):
        runs = re.findall(rb"[\x80-\xff]+", chunk)
        seen.update(*runs)
        high += sum(map(len, runs))
        in_runs += sum(len(run) for run in runs if len(run) >= 3)
    if in_runs * 2 > high or (seen & _UNDEFINED):
        # Western European letters stand among ASCII ones; Cyrillic, Greek, Chinese ... come in runs
        raise SourceError(
            f"{path}: the text is neither UTF-8 nor UTF-16 nor plausible Western European text; save it as UTF-8, "
            'or say what it is: encoding="cp1251" (Cyrillic), "cp1253" (Greek), "gb18030", "shift_jis", "euc_kr" ...'
        )
    return "cp1252" if seen & _C1 else "latin-1"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
