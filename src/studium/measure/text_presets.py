"""Classifiers of texts whose labels are known beforehand: toxicity, and sentiment in many languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError
from studium.measure import encoder_models
from studium.measure.per_item import collect
from studium.measure.text_classes import check_model, read, read_columns, share, snake
from studium.measure.text_classifier import TextClassifier, text_classifier

__all__ = ["SentimentMultilingual", "Toxicity"]

_TOXIC = {
    "toxicity": ("toxicity", "toxic"),
    "toxicity_severe": ("severe_toxicity", "severe_toxic"),
    "toxicity_obscene": ("obscene",),
    "toxicity_threat": ("threat",),
    "toxicity_insult": ("insult",),
    "toxicity_identity": ("identity_attack", "identity_hate"),
}
"""Columns, and what the classifiers trained on the data of Jigsaw call them."""


@dataclass(frozen=True)
class _Preset(Measure):
    """A classifier whose labels are known beforehand, by the names that its columns have for them."""

    model: str

    takes: ClassVar[str] = "text"
    version: ClassVar[str] = "1"
    problem: ClassVar[str]
    known: ClassVar[Mapping[str, tuple[str, ...]]]

    def __post_init__(self) -> None:
        """Refuse unknown models at the door."""
        check_model(self)

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    @property
    def at_once(self) -> int:
        """Many on an accelerator."""
        return encoder_models.at_once(self.model)

    def prepare(self) -> None:
        """Load the model, and refuse one that does not know the labels.

        Raises:
            InputError: it does not.
        """
        self._places(text_classifier(self.model, self.problem))

    def __call__(self, batch: Sequence[str]) -> Mapping[str, Any]:
        """Classify texts."""
        found = text_classifier(self.model, self.problem)
        places = self._places(found)
        rows = [
            {name: float(reading.values[place]) for name, place in places.items()} | read(f"{self.name}_", reading)
            for reading in found(batch)
        ]
        return collect(self.columns, [self._finished(row) for row in rows])

    def _finished(self, row: dict[str, Any]) -> dict[str, Any]:
        return row

    def _places(self, found: TextClassifier) -> dict[str, int]:
        """Which output stands for which column."""
        has = {snake(label): number for number, label in enumerate(found.labels)}
        places = {name: has[word] for name, words in self.known.items() for word in words if word in has}
        if lacking := [words[0] for name, words in self.known.items() if name not in places]:
            raise InputError(
                f"{self.name}: {self.model} should know the labels {', '.join(lacking)}; it has "
                f"{', '.join(found.labels)}. Take the measure classify_text for it"
            )
        return places


@dataclass(frozen=True)
class Toxicity(_Preset):
    """How probably a text would be called toxic: rude or disrespectful, so that people leave the discussion.

    English. A classifier that was trained on comments which people had rated: six probabilities, each of its own, so
    that they do not sum to 1. In its training data a comment counted as toxic if at least half of its raters had called
    it so. It answers what such raters would have said of a comment on a news site, not whether somebody was hurt.

    Known biases: such classifiers find African American English toxic far more often than the same said otherwise (Sap
    et al. 2019), and so texts that only name a group: gay, Muslim, blind (Dixon et al. 2018). The default model was
    trained to be less biased in the second way; nothing was done about the first. Quoted insults, reclaimed words and
    jokes among friends count too. Compare groups of people by it only after hand-coding texts of each.

    The model reads the first 512 word pieces; ``toxicity_truncated`` says where the rest was not read.

    Args:
        model: an id of `models`, ``owner/name@commit``, or the path of a folder; of a classifier that knows the labels
            of the data of Jigsaw, as "toxic-roberta" (extra images) and "toxic-bert" (extra torch) do.

    References:
        Borkan et al. (2019), doi:10.1145/3308560.3317593; Sap et al. (2019), doi:10.18653/v1/P19-1163; Dixon et al.
        (2018), doi:10.1145/3278721.3278729.
    """

    model: str = "toxic-roberta"

    name: ClassVar[str] = "toxicity"
    problem: ClassVar[str] = "multi_label_classification"
    known: ClassVar[Mapping[str, tuple[str, ...]]] = _TOXIC

    @property
    def columns(self) -> tuple[Column, ...]:
        """Six probabilities, and how much was read."""
        about = {name: words[0].replace("_", " ") for name, words in _TOXIC.items()}
        shares = (share(name, f"probability of {what}", "doi:10.1145/3308560.3317593") for name, what in about.items())
        return (*shares, *read_columns("toxicity_"))


@dataclass(frozen=True)
class SentimentMultilingual(_Preset):
    """How positive or negative a text is, in many languages, by a transformer.

    Three probabilities that sum to 1, and ``sentiment_multilingual``, the probability of positive less that of
    negative: -1 to 1, like the value of the measure `sentiment`, but not comparable with it. Trained for English,
    Arabic, Chinese, French, German, Hindi, Indonesian, Italian, Japanese, Malay, Portuguese and Spanish; of others it
    says something too. No person labelled its training texts: it imitates the zero-shot answers of a larger model. So
    take it for exploring; for a claim compare it with hand codes in each language, or give a checkpoint of your own.

    The model reads the first 512 word pieces; ``sentiment_multilingual_truncated`` says where the rest was not read.

    Args:
        model: an id of `models`, ``owner/name@commit``, or the path of a folder; of a classifier with the labels
            positive, neutral and negative. The default needs the extra torch.

    References:
        Distilled from mDeBERTa: Laurer et al. (2023), doi:10.1017/pan.2023.20.
    """

    model: str = "sentiment-distilbert"

    name: ClassVar[str] = "sentiment_multilingual"
    problem: ClassVar[str] = "single_label_classification"
    known: ClassVar[Mapping[str, tuple[str, ...]]] = {
        f"sentiment_multilingual_{word}": (word,) for word in ("positive", "neutral", "negative")
    }

    @property
    def columns(self) -> tuple[Column, ...]:
        """The valence, three probabilities, and how much was read."""
        about = "probability of positive less that of negative: -1 negative, 1 positive"
        shares = (share(name, f"probability of {words[0]}") for name, words in self.known.items())
        return (Column(self.name, "float32", about, low=-1, high=1), *shares, *read_columns(f"{self.name}_"))

    def _finished(self, row: dict[str, Any]) -> dict[str, Any]:
        valence = row[f"{self.name}_positive"] - row[f"{self.name}_negative"]
        return {self.name: valence, **row}
