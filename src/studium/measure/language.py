"""Which language a text is in, and which script: for posts, lines of text in pictures, and speech."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

from studium.core import weights
from studium.core.column import Column
from studium.errors import InputError, MissingExtraError
from studium.measure.per_item import PerItem
from studium.networks.sessions import loaded

__all__ = ["MODEL", "Identified", "Language", "identifier", "language_of", "script_of"]

MODEL = "py3langid"
SOURCE = "Lui & Baldwin (2012), ACL P12-3005; github.com/adbar/py3langid"

LEAST = 0.6
"""Probability below which no language is named."""

_SCRIPTS = {
    "ARABIC": "Arab", "ARMENIAN": "Armn", "BENGALI": "Beng", "CJK": "Hani", "CYRILLIC": "Cyrl", "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi", "GEORGIAN": "Geor", "GREEK": "Grek", "GUJARATI": "Gujr", "GURMUKHI": "Guru", "HANGUL": "Hang",
    "HEBREW": "Hebr", "HIRAGANA": "Jpan", "IDEOGRAPHIC": "Hani", "KANNADA": "Knda", "KATAKANA": "Jpan",
    "KATAKANA-HIRAGANA": "Jpan", "KHMER": "Khmr", "LAO": "Laoo", "LATIN": "Latn", "MALAYALAM": "Mlym",
    "MYANMAR": "Mymr", "ORIYA": "Orya", "SINHALA": "Sinh", "TAMIL": "Taml", "TELUGU": "Telu", "THAANA": "Thaa",
    "THAI": "Thai", "TIBETAN": "Tibt",
}  # fmt: skip
"""First word of a letter's Unicode name -> ISO 15924 code."""


class Identified(NamedTuple):
    """ISO 639 code of the most probable language, None where that is improbable; and its probability, 0 to 1."""

    code: str | None
    probability: float


@dataclass(frozen=True)
class Language(PerItem):
    """The language and the script of a text, as far as the text tells.

    A language is named where its probability reaches .6. Of captions in Latin letters that is so for an eighth of
    those of 8 to 12 letters, four tenths of those of 16 to 24 and nine tenths of those of 40 and more, and then it is
    right in 98 of 100 (docs/read-text.md); scripts of one language need fewer. Otherwise it is null, and the
    probability says how little was known. The script is that of most letters; Japanese is written in several, which
    count as one. Letters that are only styled (𝐛𝐨𝐥𝐝, ｗｉｄｅ) count as those that they stand for (NFKC).

    References:
        Lui & Baldwin (2012), langid.py, ACL P12-3005.
    """

    name: ClassVar[str] = "language"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Language, probability, script."""
        return (
            Column("text_language", "string", f"ISO 639 code of the language; null below {LEAST}", source=SOURCE),
            Column("text_language_probability", "float32", "of the most probable language", "share", 0, 1,
                   source=SOURCE),
            Column("text_script", "string", "ISO 15924 code of the script of most letters; null if none or a rare one",
                   source="Unicode 15, ISO 15924"),
        )  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (MODEL,)

    def prepare(self) -> None:
        """Fetch and load the model."""
        loaded(identifier)

    def row(self, item: str) -> Mapping[str, Any]:
        """Look at one text.

        Raises:
            InputError: not a text.
        """
        if not isinstance(item, str):
            raise InputError(f"expected a text, got {type(item).__name__}")
        found = language_of(item)
        return {
            "text_language": found.code,
            "text_language_probability": found.probability,
            "text_script": script_of(item),
        }


def language_of(text: str) -> Identified:
    """The language of a text; of one without letters none, with a probability of 0."""
    text = unicodedata.normalize("NFKC", text)
    if not any(letter.isalpha() for letter in text):
        return Identified(None, 0.0)
    code, probability = loaded(identifier).classify(text)
    return Identified(code if probability >= LEAST else None, min(1.0, probability))


def script_of(text: str) -> str | None:
    """ISO 15924 code of the script of most letters; None if there are none, or of no script listed here."""
    text = unicodedata.normalize("NFKC", text)
    counts = Counter(_SCRIPTS.get(unicodedata.name(letter, "").split(" ")[0]) for letter in text if letter.isalpha())
    if counts["Jpan"]:  # kana beside kanji
        counts["Jpan"] += counts.pop("Hani", 0)
    return max(counts, key=lambda script: counts[script], default=None)


@cache
def identifier() -> Any:
    """The classifier, whose probabilities are normalised and do not depend on the length of the text."""
    try:
        from py3langid.langid import LanguageIdentifier
    except ImportError as error:
        raise MissingExtraError("py3langid", "text") from error
    return LanguageIdentifier.from_modelpath(weights.path(MODEL, "model.npz.xz"), norm_probs=True)
