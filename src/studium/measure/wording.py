"""What a text is made of: words, sentences, hashtags, mentions, links, emoji; and how hard it is to read."""

import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

from studium.core.column import Column
from studium.errors import InputError, MissingExtraError
from studium.measure.per_item import PerItem

__all__ = ["Wording"]

LIX = "Björnsson (1968), Läsbarhet"

_LINK = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?…]+(?=\s|$|[\"'”’)\]])|\n+|[。！？।॥]")
_LONG = 6  # letters: words that have more are long


@dataclass(frozen=True)
class Wording(PerItem):
    """Counts of what a text is made of, and the hashtags and mentions themselves.

    Links are taken out first, so that ``#part`` of one is no hashtag. A hashtag needs a letter; an address of e-mail is
    no mention. Hashtags and mentions are lower case without # and @, each as often as it stands there. What is left is
    words (letters and digits in a row; an apostrophe, a hyphen, and the point in a number join) and sentences.
    Languages that put no space between words (Chinese, Japanese, Thai) have few and long "words" here: count
    ``characters`` instead. Emoji are counted as they are seen: a family, a flag or a thumb with a colour is one.

    ``lix`` is the readability of Björnsson, for any language with spaces: words per sentence, and the percentage of
    words of more than six letters. Below 30 is a children's book, 40 a novel, 50 a newspaper, above 60 an office. It
    was made for pages of prose: for posts of a sentence or two it says little. Null where there is no word.

    References:
        Björnsson (1968), Läsbarhet, Stockholm: Liber.
    """

    name: ClassVar[str] = "wording"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Counts, the tags and names, readability."""
        return (
            Column("characters", "int32", "Unicode characters, with spaces", low=0),
            Column("words", "int32", "words", low=0),
            Column("sentences", "int32", "stretches with a word, up to a mark that ends sentences or a line", low=0),
            Column("hashtags", "string", "JSON list of the hashtags, lower case, without #"),
            Column("hashtag_count", "int32", "hashtags", low=0),
            Column("mentions", "string", "JSON list of the accounts mentioned, lower case, without @"),
            Column("mention_count", "int32", "mentions", low=0),
            Column("link_count", "int32", "links (http, https, www)", low=0),
            Column("emoji_count", "int32", "emoji", low=0),
            Column("question_marks", "int32", "question marks", low=0),
            Column("exclamation_marks", "int32", "exclamation marks", low=0),
            Column("capitals", "float32", "share of capitals among letters that have a case; null without any", "share",
                   0, 1),
            Column("lix", "float32", "readability index; null without a word", low=0, source=LIX),
        )  # fmt: skip

    def prepare(self) -> None:
        """Set up the patterns."""
        _patterns()
        _emoji("")

    def row(self, item: str) -> Mapping[str, Any]:
        """Count one text.

        Raises:
            InputError: not a text.
        """
        if not isinstance(item, str):
            raise InputError(f"expected a text, got {type(item).__name__}")
        text = unicodedata.normalize("NFC", item)
        plain, links = _LINK.subn(" ", text)
        patterns = _patterns()
        hashtags = [tag.lower() for tag in patterns.hashtag.findall(plain)]
        mentions = [name.lower() for name in patterns.mention.findall(plain)]
        words, sentences = _words(plain)
        return {
            "characters": len(text),
            "words": len(words),
            "sentences": sentences,
            "hashtags": json.dumps(hashtags, ensure_ascii=False),
            "hashtag_count": len(hashtags),
            "mentions": json.dumps(mentions, ensure_ascii=False),
            "mention_count": len(mentions),
            "link_count": links,
            "emoji_count": _emoji(plain),
            "question_marks": sum(plain.count(mark) for mark in "?？؟"),
            "exclamation_marks": sum(plain.count(mark) for mark in "!！"),
            "capitals": _capitals(plain),
            "lix": _lix(words, sentences),
        }


class _Patterns(NamedTuple):
    hashtag: re.Pattern[str]
    mention: re.Pattern[str]
    word: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    """Letters and digits, with the marks that belong to them in Hindi, Arabic, Thai: to Python these are no letters."""
    marks = (
        "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "M") + "\u200c\u200d"
    )
    part, letter = rf"[\w{marks}]", rf"[^\W_]+[{marks}]*"
    return _Patterns(
        re.compile(rf"(?<![\w&/])[#＃]((?=\w*[^\W\d_]){part}+)"),
        re.compile(r"(?<![\w@/.])[@＠](\w+(?:[.\-]\w+)*)"),
        re.compile(rf"(?:{letter})+(?:(?:['’\-]|(?<=\d)[.,](?=\d))(?:{letter})+)*"),
    )


def _words(plain: str) -> tuple[list[str], int]:
    """The words of a text, and how many sentences they stand in."""
    stretches = [_patterns().word.findall(stretch) for stretch in _SENTENCE.split(plain)]
    return [word for words in stretches for word in words], sum(bool(words) for words in stretches)


def _lix(words: list[str], sentences: int) -> float | None:
    if not words:
        return None
    long = sum(sum(letter.isalpha() for letter in word) > _LONG for word in words)
    return len(words) / sentences + 100 * long / len(words)


def _capitals(plain: str) -> float | None:
    cased = [letter for letter in plain if letter.isupper() or letter.islower()]
    return sum(letter.isupper() for letter in cased) / len(cased) if cased else None


def _emoji(plain: str) -> int:
    try:
        import emoji
    except ImportError as error:
        raise MissingExtraError("emoji", "text") from error
    return emoji.emoji_count(plain)
