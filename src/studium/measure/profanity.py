"""Swear words in texts, by lists for 25 languages."""

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar

from studium.core import weights
from studium.core.column import Column
from studium.errors import InputError, UnknownNameError
from studium.measure.language import MODEL as LANGUAGES_MODEL
from studium.measure.language import identifier, language_of
from studium.measure.per_item import PerItem
from studium.networks.sessions import loaded

__all__ = ["LANGUAGES", "MODEL", "Profanity"]

MODEL = "swear-words"
ENGLISH = "swear-words-english"
SOURCE = "LDNOOBW (github.com/LDNOOBW); for English Surge AI (github.com/surge-ai/profanity)"

LANGUAGES = tuple("ar cs da de en eo es fa fi fil fr hi hu it ja ko nl no pl pt ru sv th tr zh".split())
"""There is a list for each."""

_SAME = {"nb": "no", "nn": "no", "tl": "fil"}  # codes of `language` whose list has another
_LATIN_ONLY = "hi"  # texts that are read as Hindi are in Devanagari, of which its list knows nothing
_RUNS_ON = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana, Han."""
_LINK = re.compile(r"\b(?:https?://|www\.)\S+")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_KATAKANA = "[\u30a1-\u30fa\u30fc]"  # words run from one end of it to the other
_UNSEEN = re.compile("[\u00ad\u0640\u064b-\u0652\u200b\u200d\u2060\ufeff]")
"""What is not part of a word: soft hyphens, joiners, blanks of no width; what lengthens Arabic letters, vowel signs."""


@dataclass(frozen=True)
class Profanity(PerItem):
    """How many words of a text stand in a list of swear words.

    It finds words, not toxicity: no insult, threat or contempt in plain words, which is most of it; and it counts what
    is quoted, reclaimed, said among friends or meant medically, and names (Peter, Wang). All lists but the English one
    hold what a search box should not suggest, so plain words for sex too. Their size and care differ by language:
    compare texts of one language only, and look at ``profanity_words`` first. For English the measure `toxicity` reads
    the whole text instead.

    Of 4,200 English tweets the English list found 84 % of those with a strong word and a tenth of those with a mild one
    only (damn, crap); of those that it found 83 % were coarse, as a language model had coded them. The other lists were
    not tested, and some hold everyday words: Chinese adult and passion, Japanese murder case and girl, Turkish a name
    for Roma, Thai shrimp paste, Korean forms of the verbs to see and to sleep.

    Words are compared whole, without regard to case: "class" and "Scunthorpe" hold none. Inflected, misspelt and masked
    words count only where the list has that form (the English one has many). In Chinese, Japanese and Thai, which put
    no space between words, an entry is looked for anywhere, so also inside longer words; one of a single letter only
    where it stands alone, one in katakana only where the katakana begin and end with it. In Korean it is looked for at
    the beginning of a word, because particles follow.

    Args:
        languages: codes of the lists to use, for all texts: ("en", "es"). Left out, the list of the language that each
            text is in, by the measure `language`; where that is not known, as in many short texts, or has no list (the
            Hindi one is in Latin letters), the values are null. Give the languages where you know them.

    References:
        LDNOOBW, List of Dirty, Naughty, Obscene, and Otherwise Bad Words, CC-BY-4.0; Surge AI (2021), The Obscenity
        List, MIT.
    """

    languages: tuple[str, ...] = ()

    name: ClassVar[str] = "profanity"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        """Refuse languages without a list."""
        object.__setattr__(self, "languages", _codes(self.languages))
        if unknown := sorted(set(self.languages) - set(LANGUAGES)):
            raise UnknownNameError(
                f"profanity: no list of swear words for {', '.join(unknown)}; there are: {', '.join(LANGUAGES)}"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """How many, which share of the text, which ones, and by which lists."""
        return (
            Column("profanity_count", "int32", "swear words, repeated ones each time; null without a list", low=0,
                   source=SOURCE),
            Column("profanity_share", "float32", "share of the letters of the text that stand in swear words; null "
                   "without a list or a letter", "share", 0, 1, source=SOURCE),
            Column("profanity_words", "string", "JSON list of them, lower case; null without a list", source=SOURCE),
            Column("profanity_lists", "string", "JSON list of the languages whose lists were used; empty for none",
                   source=SOURCE),
        )  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """The lists, and what tells languages."""
        if not self.languages:
            return (MODEL, ENGLISH, LANGUAGES_MODEL)
        return tuple(dict.fromkeys(ENGLISH if code == "en" else MODEL for code in self.languages))

    def prepare(self) -> None:
        """Read the lists."""
        for lists in [self.languages] if self.languages else [(code,) for code in LANGUAGES]:
            loaded(partial(_pattern, lists))
        if not self.languages:
            loaded(identifier)

    def row(self, item: str) -> Mapping[str, Any]:
        """Count in one text.

        Raises:
            InputError: not a text.
        """
        if not isinstance(item, str):
            raise InputError(f"expected a text, got {type(item).__name__}")
        lists = self.languages or _lists_of(item)
        if not lists:
            return dict.fromkeys(("profanity_count", "profanity_share", "profanity_words")) | {"profanity_lists": "[]"}
        plain = _LINK.sub(" ", _plain(item))
        found = loaded(partial(_pattern, lists)).findall(plain)
        letters = _letters(plain)
        return {
            "profanity_count": len(found),
            "profanity_share": sum(map(_letters, found)) / letters if letters else None,
            "profanity_words": json.dumps(found, ensure_ascii=False),
            "profanity_lists": json.dumps(lists),
        }


def _codes(languages: Any) -> tuple[str, ...]:
    if isinstance(languages, str):
        raise InputError(f'profanity: languages should be a list of codes, ["{languages}"], got a text')
    return tuple(dict.fromkeys(languages))


def _lists_of(text: str) -> tuple[str, ...]:
    code = language_of(text).code
    code = _SAME.get(code or "", code)
    return (code,) if code in LANGUAGES and code != _LATIN_ONLY else ()


def _plain(text: str) -> str:
    """Without regard to case, width, style, what is not seen, the form of an apostrophe and the dot of a Turkish i."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _UNSEEN.sub("", folded).replace("’", "'").replace("i\u0307", "i").replace("ı", "i")


def _letters(text: str) -> int:
    """Letters and digits, with the marks that belong to them."""
    return sum(letter.isalnum() or unicodedata.category(letter)[0] == "M" for letter in text)


@cache
def _pattern(lists: tuple[str, ...]) -> "re.Pattern[str]":
    """Finds what stands in the lists; where an entry may begin and end depends on its script."""
    entries = {_plain(entry) for code in lists for entry in _entries(code)}
    anywhere = {entry for entry in entries if _RUNS_ON.search(entry) and len(entry) > 1}
    beginning = {entry for entry in entries - anywhere if _HANGUL.search(entry)}
    katakana = {entry for entry in anywhere if re.fullmatch(f"{_KATAKANA}+", entry)}
    before, after = f"(?<!{_letter()})", f"(?!{_letter()})"
    return re.compile(
        f"(?<!{_KATAKANA}){_any(katakana)}(?!{_KATAKANA})|{_any(anywhere - katakana)}(?![{_marks()}])"
        f"|{before}{_any(beginning)}|{before}{_any(entries - anywhere - beginning)}{after}"
    )


def _any(entries: set[str]) -> str:
    """Any of these, the longest that fits; with hyphens or any blanks between the words of one; of none nothing."""
    order = sorted(entries, key=lambda entry: (-len(entry), entry))
    return (
        "(?:" + "|".join(r"[\s\-]+".join(map(re.escape, entry.split())) for entry in order) + ")" if order else "(?!)"
    )


def _entries(code: str) -> list[str]:
    if code != "en":
        return list(json.loads(weights.path(MODEL, f"{code}.json").read_text("utf-8")))
    with weights.path(ENGLISH, "profanity_en.csv").open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def _letter() -> str:
    """A letter or digit, or a mark that belongs to one: to Python marks are no letters."""
    return rf"(?:[^\W_]|[{_marks()}])"


@cache
def _marks() -> str:
    """All marks that go with a letter, such as accents, vowels and tones."""
    return "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "M")
