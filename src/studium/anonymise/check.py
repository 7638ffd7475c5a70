"""Looking at a random sample of copies: which frames to look at, and what the answers say about all of them."""

import csv
import io
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from studium.anonymise.journal import Entry, beside, entries_of, writing
from studium.core import parts
from studium.errors import InputError, MissingExtraError
from studium.media.video import Video

__all__ = ["Recall", "draw", "recall", "recall_of"]

SHEET = ("original", "copy", "frame", "time", "faces", "left")


@dataclass(frozen=True)
class Recall:
    """How many frames that show a face show none in the copy.

    Attributes:
        frames: frames of the sample in which a person saw a face.
        covered: those in whose copy the person saw none.
        estimate: covered / frames.
        low: of the exact (Clopper-Pearson) confidence interval.
        high: of it.
        level: of it.
    """

    frames: int
    covered: int
    estimate: float
    low: float
    high: float
    level: float


def recall(frames: int, covered: int, level: float = 0.95) -> Recall:
    """Share of frames in which every face is covered, with an exact confidence interval (Clopper & Pearson 1934).

    The interval holds for frames that were drawn independently, as `draw` does. Neighbouring frames are alike: many
    frames of few films say little about other films.

    Args:
        frames: frames of a random sample in which a person saw at least one face.
        covered: those of them in whose copy the person saw none.
        level: of the interval, 0 to 1.

    Raises:
        InputError: impossible counts.

    References:
        doi:10.1093/biomet/26.4.404
    """
    if not 0 <= covered <= frames or frames == 0 or not 0 < level < 1:
        raise InputError(f"expected 0 <= covered <= frames, frames > 0, got {covered} of {frames} at level {level}")
    try:
        from scipy.special import betaincinv
    except ImportError as error:
        raise MissingExtraError("scipy", "images") from error
    tail, missed = (1 - level) / 2, frames - covered
    low = float(betaincinv(covered, missed + 1, tail)) if covered else 0.0
    high = float(betaincinv(covered + 1, missed, 1 - tail)) if missed else 1.0
    return Recall(frames, covered, covered / frames, low, high, level)


def draw(to: str | Path, number: int, seed: int = 1) -> Path:
    """Draw frames to look at, and write the sheet ``<to>.check.csv`` in which a person notes what is to be seen.

    Every frame of every copy has the same chance. The sheet names originals: do not hand it on. For each row, write
    how many faces the original shows into ``faces``, and how many of them are still to be seen in the copy into
    ``left``; then ask `recall_of`.

    Args:
        to: the folder of the copies.
        number: how many frames, drawn without replacement; all, if there are fewer.
        seed: of the random numbers.

    Returns:
        Path of the sheet.

    Raises:
        InputError: there are no copies, or there is a sheet already.
    """
    entries = _entries(Path(to))
    sheet = beside(Path(to), "check.csv")
    if number < 1 or not entries:
        raise InputError(f"expected copies in {to} and at least 1 frame to draw, got {len(entries)} and {number}")
    if sheet.exists():
        raise InputError(f"{sheet} is there already; move it elsewhere to draw again")
    ends = list(accumulate(int(entry.result["frames"]) for entry in entries))
    chosen = sorted(random.Random(seed).sample(range(ends[-1]), min(number, ends[-1])))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SHEET)
    by_copy: dict[int, list[int]] = {}
    for index in chosen:
        at = bisect(ends, index)
        by_copy.setdefault(at, []).append(index - (ends[at - 1] if at else 0))
    for at, frames in by_copy.items():
        entry = entries[at]
        for frame, time in zip(frames, _times(Path(to), entry, frames), strict=True):
            writer.writerow([entry.source, entry.copy, frame, time, "", ""])
    with writing(sheet):
        parts.replace_file(sheet, text.getvalue())
    return sheet


def _entries(to: Path) -> list[Entry]:
    """The last entry of every copy that is there, in the order of their names."""
    by_copy = {entry.copy: entry for entry in entries_of(to) if entry.copy and (to / entry.copy).exists()}
    return [by_copy[name] for name in sorted(by_copy)]


def _times(to: Path, entry: Entry, frames: list[int]) -> Iterator[str]:
    """When the frames of a film are shown, in seconds, for a player to go to; nothing for pictures."""
    if not entry.copy.endswith(".mp4"):
        yield from ("" for _ in frames)
        return
    wanted = set(frames)
    for number, frame in enumerate(Video(to / entry.copy).frames()):
        if number in wanted:
            yield f"{frame.time:.3f}"
        if number == frames[-1]:
            return


def recall_of(sheet: str | Path, level: float = 0.95) -> Recall:
    """What a sheet of `draw` says, when a person has filled it in.

    Raises:
        InputError: it is no such sheet, a cell is not filled in, or no frame shows a face.
    """
    with Path(sheet).open(encoding="utf-8-sig", errors="replace", newline="") as file:  # only counts are read
        reader = csv.DictReader(file)
        if not set(SHEET) <= set(reader.fieldnames or ()):
            raise InputError(f"{sheet}: expected the columns {', '.join(SHEET)}, got {reader.fieldnames}")
        rows = [
            (_count(sheet, number, row["faces"]), _count(sheet, number, row["left"]))
            for number, row in enumerate(reader, 2)
        ]
    shown = [left for faces, left in rows if faces]
    if not shown:
        raise InputError(f"{sheet}: none of its {len(rows)} frames shows a face, so nothing can be said about recall")
    return recall(len(shown), sum(left == 0 for left in shown), level)


def _count(sheet: str | Path, line: int, cell: str | None) -> int:
    if cell is None or not cell.strip().isdecimal():
        raise InputError(f"{sheet}, line {line}: expected how many faces (0, 1 ...) in faces and left, got {cell!r}")
    return int(cell)
