"""Spoken segments of videos and sounds: where somebody speaks, and, with a Whisper model, what is said."""

import json
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.core.unit import Span
from studium.errors import InputError
from studium.measure import voice
from studium.measure.voice import Step, Voice
from studium.media.audio import RATE, Block, Sound
from studium.media.watch import WatchingUnitizer
from studium.networks.sessions import loaded
from studium.unitize.invented import withheld
from studium.unitize.stretches import Cutter, Stretch
from studium.unitize.transcribe import Utterance, Whisper, Word, apart, whisper

log = logging.getLogger(__name__)

__all__ = ["Speech"]

_SURE = 0.5  # probability of a language that settles it for the rest of the file
_SHORTEST = RATE // 2  # samples; Whisper invents words for less

_UNSPACED = frozenset({"bo", "ja", "km", "lo", "my", "th", "yue", "zh"})  # languages written without spaces

SILERO = "Silero VAD, github.com/snakers4/silero-vad"
WHISPER = "doi:10.48550/arXiv.2212.04356"

_VOICE = Column("voice_probability", "float32", "mean probability of speech", "share", 0, 1, source=SILERO)
_TEXT = (
    Column("withheld", "string", "why there is no text; null if there is: too short, no words, no voice, no speech, "
           "repetition, credit", source="doi:10.1145/3630106.3658996"),
    Column("language", "string", "code of the language spoken", source=WHISPER),
    Column("language_probability", "float32", "its probability; 1 if it was given", "share", 0, 1, source=WHISPER),
    Column("no_speech_probability", "float32", "that nobody speaks; of the up to 30 s decoded at once", "share", 0, 1,
           source=WHISPER),
    Column("mean_log_probability", "float32", "of the tokens of the up to 30 s decoded at once", high=0,
           source=WHISPER),
    Column("compression_ratio", "float32", "bytes of text, plain / compressed, of the up to 30 s decoded at once",
           low=0, source=WHISPER),
    Column("words", "string", "JSON: [start, end, word, probability] of each word, in seconds of the file",
           source=WHISPER),
    Column("words_per_minute", "float32", "speech rate; null where words are not written apart", "1/min", 0),
)  # fmt: skip


@dataclass(frozen=True)
class Speech(WatchingUnitizer):
    """Where somebody speaks, and with a model also what.

    Without a model, a segment is speech between pauses of at least 100 ms, as silero's voice activity network hears
    it, and has no text. With one, a segment is what Whisper writes as one, usually a sentence, and its text is what is
    measured further on. Whisper hears only stretches with voice, of at most 30 s, cut at silences; its times are kept,
    without the silence that it adds to words.

    No text is better than an invented one: where there is a reason to doubt that somebody said it, the segment has no
    text, and the column ``withheld`` has the reason. A file without voice (silent, only music, a third of a second)
    has no segments; the measure ``speech_activity`` says why. Chants are withheld as repetitions: listen to them.

    The language is found out in the first stretch where its probability reaches .5 and kept for the file, so of a file
    in two languages one is transcribed badly, and of a file of a second or two the language is often guessed wrong:
    give it if you know it.

    Args:
        model: id of a Whisper model, or the path of a folder with one in CTranslate2's format; empty for none.
        language: code ("en") of what is spoken; empty to find it out.
        beam: hypotheses that Whisper follows at once; 1 is the fastest.

    References:
        Radford et al. (2023), doi:10.48550/arXiv.2212.04356; on invented text Koenecke et al. (2024),
        doi:10.1145/3630106.3658996.
    """

    model: str = ""
    language: str = ""
    beam: int = 5

    name: ClassVar[str] = "speech"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"
    makes: ClassVar[str] = "speech"

    def __post_init__(self) -> None:
        """Refuse what does not fit together at the door."""
        if self.language and not self.model:
            raise InputError("speech: a language is of use only with a model; give model=... too, or leave it out")
        if self.beam < 1:
            raise InputError(
                f"speech: beam should be a whole number of at least 1, got {self.beam}; leave it out for 5"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """How sure the network is of the voice; with a model, what Whisper says besides the text."""
        return (_VOICE, *_TEXT) if self.model else (_VOICE,)

    @property
    def models(self) -> tuple[str, ...]:
        """The voice network, and Whisper."""
        return (voice.MODEL, self.model) if self.model else (voice.MODEL,)

    def prepare(self) -> None:
        """Load the networks.

        Raises:
            InputError: a language that the model does not know.
        """
        loaded(voice.network)
        if self.model and self.language:
            whisper(self.model).check_language(self.language)
        elif self.model:
            whisper(self.model)

    def watch(self, medium: Sound) -> Watcher:
        """Begin to listen to a sound."""
        return _Writer(whisper(self.model), self.language, self.beam) if self.model else _Marker()


class _Listener(Watcher):
    """Hears the voice, step by step, and collects spans in seconds of the file."""

    def __init__(self) -> None:
        self._voice, self.spans = Voice(), list[Span]()
        self._origin: int | None = None  # sample of the file that is heard first

    def see(self, piece: Block) -> None:
        if self._origin is None:
            self._origin = round(piece.start * RATE)
        for step in self._voice.hear(piece.samples):
            self.take(step)

    def result(self) -> list[Span]:
        for step in self._voice.finish():
            self.take(step)
        self.finish()
        return self.spans

    def at(self, sample: float) -> float:
        """Seconds of the file, of a sample counted from the first one heard."""
        return (sample + (self._origin or 0)) / RATE

    @abstractmethod
    def take(self, step: Step) -> None:
        """Take the next step."""

    @abstractmethod
    def finish(self) -> None:
        """There is no further step."""


class _Marker(_Listener):
    """Segments of speech, without text."""

    def __init__(self) -> None:
        super().__init__()
        self._rules = voice.Hysteresis()

    def take(self, step: Step) -> None:
        self._mark(self._rules.take(step))

    def finish(self) -> None:
        self._mark(self._rules.finish())

    def _mark(self, segment: voice.Segment | None) -> None:
        if segment:
            values = {"voice_probability": segment.probability}
            self.spans.append(Span(self.at(segment.start), self.at(segment.end), values=values))


class _Writer(_Listener):
    """Segments of speech with what is said."""

    def __init__(self, model: Whisper, language: str, beam: int) -> None:
        super().__init__()
        self._model, self._language, self._beam = model, language, beam
        self._probability = 1.0  # of the language
        self._cutter = Cutter()

    def take(self, step: Step) -> None:
        self._write(self._cutter.take(step))

    def finish(self) -> None:
        self._write(self._cutter.finish())
        doubtful = Counter(reason for span in self.spans if (reason := span.values["withheld"]))
        if doubtful:
            log.info("text withheld of %d segments: %s", doubtful.total(), dict(doubtful))

    def _write(self, stretch: Stretch | None) -> None:
        if stretch is None or not stretch.voiced:
            return
        if len(stretch.samples) < _SHORTEST:
            self._wordless(stretch, "too short")
            return
        found = self._transcribed(stretch)
        for utterance in found:
            self._add(stretch, utterance)
        if not found:
            self._wordless(stretch, "no words")

    def _transcribed(self, stretch: Stretch) -> list[Utterance]:
        """What Whisper makes of it, in the language of the file as far as that is settled."""
        written = self._model.transcribe(stretch.samples, self._language, self._beam)
        found = apart([_trimmed(utterance, stretch) for utterance in written])
        if self._language:
            return [replace(utterance, language_probability=self._probability) for utterance in found]
        if found and found[0].language_probability >= _SURE:
            self._language, self._probability = found[0].language, found[0].language_probability
        return found

    def _add(self, stretch: Stretch, utterance: Utterance) -> None:
        spoken = stretch.between(utterance.start, utterance.end)
        reason = withheld(utterance, spoken)
        values = {"voice_probability": float(spoken.mean()), "withheld": reason, **_numbers(utterance)}
        values["words"] = None if reason else self._words(stretch, utterance.words)
        values["words_per_minute"] = None if reason else _rate(utterance)
        start, end = (self.at(stretch.start + second * RATE) for second in (utterance.start, utterance.end))
        self.spans.append(Span(start, end, text=None if reason else utterance.text, values=values))

    def _words(self, stretch: Stretch, words: Sequence[Word]) -> str:
        """The words as JSON, in seconds of the file to the microsecond."""
        listed = [
            (*(round(self.at(stretch.start + second * RATE), 6) for second in (w.start, w.end)), w.word, w.probability)
            for w in words
        ]
        return json.dumps(listed, ensure_ascii=False)

    def _wordless(self, stretch: Stretch, reason: str) -> None:
        """One segment from the first to the last voice."""
        start, end = stretch.voiced[0].start, stretch.voiced[-1].end
        values: dict[str, Any] = {column.name: None for column in _TEXT}
        values |= {"voice_probability": float(stretch.probabilities.mean()), "withheld": reason}
        self.spans.append(Span(self.at(stretch.start + start), self.at(stretch.start + end), values=values))


def _numbers(utterance: Utterance) -> dict[str, Any]:
    names = ("language", "language_probability", "no_speech_probability", "mean_log_probability", "compression_ratio")
    return {name: getattr(utterance, name) for name in names}


def _rate(utterance: Utterance) -> float | None:
    """Words a minute; None where words are not written apart."""
    seconds = utterance.end - utterance.start
    return 60 * len(utterance.text.split()) / seconds if seconds and utterance.language not in _UNSPACED else None


def _trimmed(utterance: Utterance, stretch: Stretch) -> Utterance:
    """The same, without the silence that Whisper adds to words and segments."""
    start, end = stretch.trimmed(utterance.start, utterance.end)
    words = tuple(Word(*stretch.trimmed(w.start, w.end), w.word, w.probability) for w in utterance.words)
    return replace(utterance, start=start, end=end, words=words)
