"""Sentiment of English texts by a lexicon made for social media."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from studium.core.column import Column
from studium.errors import InputError, MissingExtraError
from studium.measure.per_item import PerItem
from studium.networks.sessions import loaded

__all__ = ["Sentiment"]

SOURCE = "doi:10.1609/icwsm.v8i1.14550"


@dataclass(frozen=True)
class Sentiment(PerItem):
    """How positive or negative an English text is, by VADER: a lexicon that people rated, and rules for its use.

    Words, emoticons and emoji have a valence; negation, "very", "but", capitals and exclamation marks change it.
    ``sentiment`` runs from -1 to 1; its authors call .05 and more positive, -.05 and less negative, the rest neutral.
    The shares say how much of the text is positive, neutral and negative words; they sum to 1, except that a text
    without words has 0 for all of them. Against the mean of 20 raters of 4,200 tweets ``sentiment`` correlates .87.

    English only: a text in another language is mostly "neutral" (measure `language` first). Irony is taken at its
    word, and so is a quotation.

    References:
        Hutto & Gilbert (2014), doi:10.1609/icwsm.v8i1.14550.
    """

    name: ClassVar[str] = "sentiment"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The valence of the whole, and three shares."""
        return (
            Column(
                "sentiment", "float32", "valence of the text: -1 negative, 1 positive", low=-1, high=1, source=SOURCE
            ),
            *(
                Column(
                    f"sentiment_{kind}", "float32", f"share of the text that is {kind}", "share", 0, 1, source=SOURCE
                )
                for kind in ("positive", "neutral", "negative")
            ),
        )

    def prepare(self) -> None:
        """Read the lexicon."""
        loaded(_analyser)

    def row(self, item: str) -> Mapping[str, Any]:
        """Score one text.

        Raises:
            InputError: not a text.
        """
        if not isinstance(item, str):
            raise InputError(f"expected a text, got {type(item).__name__}")
        found = loaded(_analyser).polarity_scores(item)
        return {
            "sentiment": found["compound"],
            "sentiment_positive": found["pos"],
            "sentiment_neutral": found["neu"],
            "sentiment_negative": found["neg"],
        }


@cache
def _analyser() -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise MissingExtraError("vaderSentiment", "text") from error
    return SentimentIntensityAnalyzer()
