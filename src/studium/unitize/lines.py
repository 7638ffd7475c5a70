"""Lines of text in pictures: where they are, what they say, in which script and language."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from studium.core.column import Column
from studium.core.protocols import Unitizer
from studium.core.unit import Span
from studium.errors import InputError
from studium.measure import language, ocr_rapid, ocr_tesseract
from studium.measure.language import language_of, script_of
from studium.measure.ocr_rapid import Corners, Read, extent, find, straight
from studium.media.region import Box
from studium.media.transform import Picture
from studium.networks.sessions import loaded

__all__ = ["Lines"]

ENGINES = {"rapidocr": 0.8, "tesseract": 0.5}
"""What reads -> the confidence from which its reading is believed."""

CERTAIN = 0.97  # confidence below which a line is read upside down too, and the surer reading counts
LONG = 4.0  # times as long as high: such a region is a line of text, read or not
SPARSE = 0.4  # characters per height of the line, below which most were not known to the reader (others have 1.2 to 3)
GREEK = re.compile(r"[Ͱ-Ͽἀ-῿][^\W\d_]|[^\W\d_][Ͱ-Ͽἀ-῿]")  # a Greek letter in a word, not a lone π or Δ
RIGHT_TO_LEFT = frozenset({"Arab", "Hebr"})

PAPER = "doi:10.48550/arXiv.2507.05595"


class _Line(NamedTuple):
    """A line that was found: where, and what reads there; "" if that is withheld, for the reason given."""

    corners: Corners
    text: str
    confidence: float | None
    withheld: str | None


@dataclass(frozen=True)
class Lines(Unitizer):
    """Lines of text in a picture, with a network that finds them and one of two engines that read them.

    Lines are found in any script, at any angle, from letters of about 8 px on (of pictures whose shorter side is above
    1536 px, of that much larger ones). ``rapidocr`` (PP-OCRv6) reads Latin letters with their accents, digits, Chinese
    and Japanese, also as outlined captions, on signs and downwards. ``tesseract`` reads the languages that are
    installed with it and named here, plain print best.

    No text is better than an invented one: a line that is not read with confidence is a unit that covers its place and
    has no text, and ``withheld`` says why. "script" are letters that the engine does not know (Cyrillic, Greek, Korean:
    it leaves most of them out), "unsure" is everything else below ``threshold``. Regions read below it that are shorter
    than four times their height are mostly not text, and left out. Words of letters that look Latin (ΝΑΤΟ, РОССИЯ in
    part) can still come out as Latin ones.

    Lines come in the order of reading: rows from top to bottom, within a row from left to right, or from right to left
    where the script is Arabic or Hebrew; columns that are read downwards from right to left. All as seen along the
    direction of most lines. The columns of a newspaper are not told apart.

    Args:
        engine: "rapidocr" or "tesseract" (a program to be installed: https://github.com/tesseract-ocr).
        languages: codes of tesseract ("rus", "ell"), the most important first; none for rapidocr, which needs none.
        threshold: least confidence of a reading that is believed, 0 to 1; None for .8 (rapidocr) or .5 (tesseract).
        reader: found out here, and part of the recipe: the version of tesseract and what its languages contain.

    References:
        Liao et al. (2020), doi:10.1609/aaai.v34i07.6812; PaddleOCR 3.0, doi:10.48550/arXiv.2507.05595; Smith (2007),
        doi:10.1109/ICDAR.2007.4376991.
    """

    engine: str = "rapidocr"
    languages: tuple[str, ...] = ()
    threshold: float | None = None
    reader: str = field(init=False, default="")

    name: ClassVar[str] = "lines"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    makes: ClassVar[str] = "line"

    def __post_init__(self) -> None:
        """Refuse what does not fit together at the door.

        Raises:
            InputError: what was expected; of tesseract also that it, or a language, is not installed.
        """
        if self.engine not in ENGINES:
            raise InputError(f"lines: engine should be one of {', '.join(ENGINES)}, got {self.engine!r}")
        codes = isinstance(self.languages, list | tuple) and all(one and isinstance(one, str) for one in self.languages)
        if not codes or (self.engine == "tesseract") != bool(self.languages):
            raise InputError(
                'lines: languages should be a list of codes for tesseract, such as ["rus", "eng"], and left out for '
                f"rapidocr; got {self.languages!r} for {self.engine}"
            )
        object.__setattr__(self, "languages", tuple(self.languages))  # a list would not be hashable
        number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if self.threshold is not None and not (number and 0 <= self.threshold <= 1):
            raise InputError(
                f"lines: threshold should be a number from 0 to 1, got {self.threshold!r}; leave it out for the usual"
            )
        if self.engine == "tesseract":
            object.__setattr__(self, "reader", ocr_tesseract.identity(self.languages))

    @property
    def columns(self) -> tuple[Column, ...]:
        """How sure, in what script and language, how large, how tilted."""
        unicode = "Unicode 15, ISO 15924"
        return (
            Column("confidence", "float32", "mean probability of the characters; null for those of an unknown script",
                   "share", 0, 1, source=PAPER),
            Column("withheld", "string", "why there is no text: script, unsure; null if there is"),
            Column("script", "string", "ISO 15924 code of the script of most letters; null without", source=unicode),
            Column("language", "string", f"ISO 639 code; null if its probability is below {language.LEAST}",
                   source=language.SOURCE),
            Column("language_probability", "float32", "of the most probable language", "share", 0, 1,
                   source=language.SOURCE),
            Column("height", "float32", "of the line, across the direction of reading", "px", 0),
            Column("angle", "float32", "direction of reading: 0 to the right, 90 downwards", "degree", -180, 180),
        )  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """The networks, and the languages."""
        return (ocr_rapid.MODEL, language.MODEL)

    def prepare(self) -> None:
        """Load the models."""
        loaded(ocr_rapid.networks)
        loaded(language.identifier)

    def __call__(self, media: Picture) -> Iterable[Span]:
        """The lines of one picture, in the order of reading.

        Args:
            media: RGB uint8, H x W x 3.
        """
        lines = self._lines(media, find(media))
        for large in self._lines(media, find(media, large=True)):
            lines = _unless_less(lines, large)
        spans: dict[Any, Span] = {}
        for line in sorted(lines, key=_worth, reverse=True):  # of two in one place the surer
            span = _span(line, media.shape[1], media.shape[0])
            spans.setdefault(span.box, span)
        return _ordered(list(spans.values()))

    def _lines(self, picture: Picture, places: list[Corners]) -> list[_Line]:
        """What is read in each place, the right way up, if it is a line."""
        found = [self._judged(*line) for line in zip(places, self._read(picture, places), strict=True)]
        doubted = [number for number, line in enumerate(found) if _sure(line) < CERTAIN]
        turned = [np.roll(places[number], -2, axis=0) for number in doubted]
        for number, corners, text in zip(doubted, turned, self._read(picture, turned), strict=True):
            other = self._judged(corners, text)
            if other and other.text and _sure(other) > _sure(found[number]):
                found[number] = other
        return [line for line in found if line]

    def _judged(self, corners: Corners, read: Read) -> _Line | None:
        """A line with its text, or with the reason to withhold it; None if it is hardly one."""
        text = read.text.strip()
        wide, high = extent(corners)
        sparse = len(text.replace(" ", "")) < SPARSE * wide / high  # it leaves out letters that it does not know
        unknown = self.engine == "rapidocr" and (sparse or bool(GREEK.search(text)))
        least = ENGINES[self.engine] if self.threshold is None else self.threshold
        if text and read.confidence >= least and not unknown:
            return _Line(corners, text, read.confidence, None)
        if wide >= LONG * high:
            return _Line(corners, "", None, "script") if unknown else _Line(corners, "", read.confidence, "unsure")
        return None

    def _read(self, picture: Picture, places: Sequence[Corners]) -> list[Read]:
        """What the engine reads in each place; one line at a time is cut out."""
        lines = (straight(picture, corners) for corners in places)
        if self.engine == "tesseract":
            return ocr_tesseract.read(lines, self.languages)
        return [ocr_rapid.read(line) for line in lines]


def _sure(line: _Line | None) -> float:
    """The confidence of a text; 0 of none."""
    return line.confidence if line and line.text and line.confidence else 0.0


def _worth(line: _Line) -> float:
    """How many letters are read, and how surely."""
    return len(line.text.replace(" ", "")) * _sure(line)


def _unless_less(lines: list[_Line], large: _Line) -> list[_Line]:
    """Put a large line in the place of those that lie in it, unless they say much more: parts of its letters do not."""
    inside = [line for line in lines if _share(line.corners, large.corners) > 0.5]
    if inside and 1.5 * _worth(large) <= sum(map(_worth, inside)):
        return lines
    return [line for line in lines if not any(line is part for part in inside)] + [large]


def _share(corners: Corners, other: Corners) -> float:
    """Share of the box around some corners that lies in the box around others."""
    low, high = np.maximum(corners.min(axis=0), other.min(axis=0)), np.minimum(corners.max(axis=0), other.max(axis=0))
    return float(np.prod(np.maximum(high - low, 0.0)) / np.prod(np.ptp(corners, axis=0)))


def _span(line: _Line, wide: int, high: int) -> Span:
    """The span of a line, clipped to the picture."""
    (left, top), (right, bottom) = line.corners.min(axis=0), line.corners.max(axis=0)
    x0, y0 = min(max(0, math.floor(left)), wide - 1), min(max(0, math.floor(top)), high - 1)
    x1, y1 = max(x0 + 1, min(wide, math.ceil(right))), max(y0 + 1, min(high, math.ceil(bottom)))
    points = tuple((min(max(0.0, x), float(wide)), min(max(0.0, y), float(high))) for x, y in line.corners.tolist())
    along = line.corners[1] - line.corners[0]
    found = language_of(line.text)
    values = {
        "confidence": line.confidence,
        "withheld": line.withheld,
        "script": script_of(line.text),
        "language": found.code,
        "language_probability": found.probability if line.text else None,
        "height": extent(line.corners)[1],
        "angle": math.degrees(math.atan2(along[1], along[0])),
    }
    return Span(box=(x0, y0, x1, y1), text=line.text or None, points=points, values=values)


def _ordered(spans: Sequence[Span]) -> list[Span]:
    """In the order of reading: rows of lines that lie beside each other, one after the other.

    All as seen along the direction of most, so that pages that lie on a side and columns of Chinese come right.
    """
    quarters = Counter(round(span.values["angle"] / 90) % 4 for span in spans)
    quarter = max(quarters, key=lambda one: quarters[one], default=0)
    rows: list[list[tuple[Box, Span]]] = []
    placed = [(_turned(span, quarter), span) for span in spans]
    for box, span in sorted(placed, key=lambda one: (one[0][1] + one[0][3], one[0][0])):
        if rows and _beside(rows[-1][0][0], box):
            rows[-1].append((box, span))
        else:
            rows.append([(box, span)])
    return [span for row in rows for _, span in sorted(row, key=lambda one: one[0], reverse=_to_the_left(row))]


def _turned(span: Span, quarter: int) -> Box:
    """The box of a span in a picture that was turned back by so many quarters."""
    assert span.box is not None
    x0, y0, x1, y1 = span.box
    return ((x0, y0, x1, y1), (y0, -x1, y1, -x0), (-x1, -y1, -x0, -y0), (-y1, x0, -y0, x1))[quarter]


def _beside(one: Box, other: Box) -> bool:
    """Whether two boxes share more than half the height of the lower one."""
    shared = min(one[3], other[3]) - max(one[1], other[1])
    return shared > min(one[3] - one[1], other[3] - other[1]) / 2


def _to_the_left(row: Sequence[tuple[Box, Span]]) -> bool:
    """Whether most of a row is in a script that runs to the left."""
    return sum(span.values["script"] in RIGHT_TO_LEFT for _, span in row) * 2 > len(row)
