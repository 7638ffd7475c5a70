"""Reading lines of text with tesseract, the program, for the scripts that no embedded network reads.

References:
    Smith (2007), doi:10.1109/ICDAR.2007.4376991.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.core.bundle import sha256_of
from studium.errors import InputError, MediaError
from studium.measure.ocr_rapid import Read
from studium.media.transform import Picture

__all__ = ["identity", "read"]

HEIGHT = 64
"""Pixels of a line as tesseract sees it: fewer errors than with 32, 40 or 48 (docs/read-text.md)."""

LONGEST = 32_000
"""Pixels; tesseract takes pictures of less than 32,767 a side."""

_COLUMNS = 12  # of tesseract's TSV
_WORD = "5"  # level of its rows that hold words
_CJK = r"[⺀-鿿豈-﫿぀-ヿ]"  # written without spaces, which tesseract puts there
_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))  # of direction; nobody wrote them


def read(lines: Iterable[Picture], languages: Sequence[str]) -> list[Read]:
    """Read lines, all in one process.

    Each is read twice: its grey levels, and the darkest of its three channels, which sets coloured and outlined letters
    off from what lies behind them; the surer reading counts.

    Args:
        lines: RGB uint8, H x W x 3, level.
        languages: codes of tesseract ("rus", "ell"), the most important first.

    Returns:
        One for each line; the confidence is the mean of its letters, 0 to 1.

    Raises:
        InputError: tesseract is not installed.
        MediaError: it fails; the message is its own.
    """
    with tempfile.TemporaryDirectory(prefix="studium-lines-") as folder:
        names = []
        for number, view in enumerate(view for line in lines for view in _views(line)):
            names.append(f"{folder}/{number}.png")
            Image.fromarray(view).save(names[-1], compress_level=1)
        if not names:
            return []
        listed = Path(folder, "lines.txt")
        listed.write_text("\n".join(names) + "\n", "utf-8")
        done = _tesseract(str(listed), "stdout", "-l", "+".join(languages), "--psm", "7", "--dpi", "300", "tsv")
    if done.returncode:
        raise MediaError(f"tesseract could not read the lines: {done.stderr.strip()[-300:]}")
    found = _lines(done.stdout, len(names))
    return [max(pair, key=lambda one: one.confidence) for pair in zip(found[::2], found[1::2], strict=True)]


def identity(languages: Sequence[str]) -> str:
    """What reads, for recipes: the version of tesseract, and the sha256 (16 digits) of the file of every language.

    Raises:
        InputError: tesseract 5 or a language is not installed; the message says how to install it.
    """
    folder, there = _installed()
    if lacking := [language for language in languages if language not in there]:
        packages = " ".join(f"tesseract-ocr-{language.replace('_', '-').lower()}" for language in lacking)
        raise InputError(
            f"tesseract has no language {', '.join(lacking)}; it has: {', '.join(there)}. Install it:  apt-get install "
            f"{packages}  or  brew install tesseract-lang,  or put {lacking[0]}.traineddata of "
            f"github.com/tesseract-ocr/tessdata_best into {folder}"
        )
    version = _tesseract("--version").stdout.split("\n")[0].strip()
    return " ".join([version, *(f"{one}:{sha256_of(folder / f'{one}.traineddata')[:16]}" for one in languages)])


def _installed() -> tuple[Path, list[str]]:
    """Where the languages lie, and their codes."""
    done = _tesseract("--list-langs")
    first, *codes = (done.stdout or done.stderr).strip().splitlines() or [""]
    named = re.search(r'"(.+)"', first)
    if done.returncode or named is None:
        raise InputError(f"expected tesseract 5 with its languages, got: {first or done.stderr}; install tesseract 5")
    return Path(named[1]), codes


def _tesseract(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("tesseract")
    if program is None:
        raise InputError(
            "tesseract is a program that is not on PATH; install it:  apt-get install tesseract-ocr  or  brew install "
            "tesseract  or  winget install UB-Mannheim.TesseractOCR"
        )
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    return subprocess.run(
        [program, *arguments], capture_output=True, encoding="utf-8", errors="replace", check=False, env=one_thread
    )


def _views(line: Picture) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Grey levels and the darkest channel, of a good height; of a line too long for tesseract, of a lower one."""
    share = min(HEIGHT / line.shape[0], LONGEST / line.shape[1])
    size = max(1, round(line.shape[1] * share)), max(1, round(line.shape[0] * share))
    image = Image.fromarray(np.ascontiguousarray(line)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image.convert("L")), np.asarray(image).min(axis=2)


def _lines(table: str, count: int) -> list[Read]:
    """What tesseract's table says, page by page: a page is a line."""
    words: list[list[tuple[str, float]]] = [[] for _ in range(count)]
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) == _COLUMNS and cells[0] == _WORD and (word := cells[-1].translate(_MARKS).strip()):
            words[int(cells[1]) - 1].append((word, max(0.0, float(cells[-2]) / 100)))
    return [_joined(found) for found in words]


def _joined(words: Sequence[tuple[str, float]]) -> Read:
    if not words:
        return Read("", 0.0)
    text = re.sub(rf"(?<={_CJK}) (?={_CJK})", "", " ".join(word for word, _ in words))
    letters = [len(word) for word, _ in words]
    sure = float(np.average([confidence for _, confidence in words], weights=letters))
    return Read(unicodedata.normalize("NFC", text), min(1.0, sure))
