"""Speech to text with Whisper, on arrays: faster-whisper computes, studium decodes, and nothing is downloaded here.

References:
    Radford et al. (2023), Robust speech recognition via large-scale weak supervision, doi:10.48550/arXiv.2212.04356.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studium.core import weights
from studium.errors import InputError, MissingExtraError, WeightsError
from studium.media.audio import RATE
from studium.networks.sessions import loaded

__all__ = ["Utterance", "Whisper", "Word", "apart", "whisper"]

_NEEDED = ("config.json", "model.bin", "tokenizer.json")


class Word(NamedTuple):
    """A word as Whisper divides them, with the space before it: seconds from the first sample, and its probability."""

    start: float
    end: float
    word: str
    probability: float


@dataclass(frozen=True)
class Utterance:
    """One segment as Whisper gives it.

    Attributes:
        start: seconds from the first sample.
        end: seconds from the first sample.
        text: what was said, without spaces at its ends.
        words: what was said, word by word.
        language: code of the language ("en").
        language_probability: of that language; 1 if it was given.
        no_speech_probability: that the sound holds no speech; of the whole piece that was decoded at once.
        mean_log_probability: natural logarithm, mean over the tokens of that piece.
        compression_ratio: bytes of that piece's text, plain / compressed; high if it repeats itself.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    language: str
    language_probability: float
    no_speech_probability: float
    mean_log_probability: float
    compression_ratio: float


class Whisper:
    """A Whisper model in CTranslate2's format. May be called from several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Args:
            folder: with model.bin, config.json, tokenizer.json and vocabulary.json or .txt.

        Raises:
            MissingExtraError: faster-whisper is not installed.
            WeightsError: a file is missing, or they do not load.
        """
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise MissingExtraError("faster-whisper", "speech") from error
        _check(folder)
        try:  # 0 threads: as OMP_NUM_THREADS says, which is 1 in a run's worker; workers share the weights
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="float32", cpu_threads=0, num_workers=_cores()
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise WeightsError(f"{folder} does not load as a Whisper model of CTranslate2's format: {error}") from error
        bands = self._model.feature_extractor.mel_filters.shape[0]
        if bands != self._model.model.n_mels:
            raise WeightsError(
                f"{folder}: the model needs {self._model.model.n_mels} mel bands and would get {bands}; put its own "
                "preprocessor_config.json there"
            )

    @property
    def languages(self) -> list[str]:
        """Codes of the languages that it knows."""
        return sorted(self._model.supported_languages)

    def check_language(self, language: str) -> None:
        """Refuse a language that it does not know.

        Raises:
            InputError: the message lists those it knows.
        """
        if language not in self.languages:
            raise InputError(f"unknown language {language!r}; the model knows: {', '.join(self.languages)}")

    def transcribe(self, samples: NDArray[np.float32], language: str = "", beam: int = 5) -> list[Utterance]:
        """What is said, the same every time: temperature 0, and nothing of an earlier call is remembered.

        Args:
            samples: (n,) float32 at 16 kHz, -1 to 1.
            language: code ("en"), or empty to find it out from the first 30 s.
            beam: hypotheses that are followed at once.

        Returns:
            In order, none longer than what was handed over; nothing is held back here (`studium.unitize.invented`).
        """
        if not len(samples):
            return []
        found, info = self._model.transcribe(
            samples,
            language=language or None,
            beam_size=beam,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=False,
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        most = len(samples) / RATE
        return [_utterance(segment, info, most) for segment in found]


def apart(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The same utterances; but of neighbours that lie in one place, from start to end, one is made."""
    found: list[Utterance] = []
    for one in utterances:
        if found and (found[-1].start, found[-1].end) == (one.start, one.end):
            last = found.pop()
            found.append(replace(last, text=f"{last.text} {one.text}", words=last.words + one.words))
        else:
            found.append(one)
    return found


def whisper(model: str) -> Whisper:
    """A model, loaded once per process and shared by all threads.

    Args:
        model: id of a row of models.toml, or the path of a folder.

    Raises:
        UnknownNameError: there is neither.
        WeightsError: it cannot be had, or does not load.
        MissingExtraError: faster-whisper is not installed.
    """
    return loaded(partial(_loaded, weights.folder(model)))


@cache
def _loaded(folder: Path) -> Whisper:
    return Whisper(folder)


def _check(folder: Path) -> None:
    """Refuse a folder that lacks a file: faster-whisper would go to the network for it."""
    lacking = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any((folder / f"vocabulary.{suffix}").is_file() for suffix in ("json", "txt")):
        lacking.append("vocabulary.json")
    if lacking:
        raise WeightsError(
            f"{folder} should hold a Whisper model in CTranslate2's format; it lacks {', '.join(lacking)}. "
            "Copy a folder such as Systran/faster-whisper-base of the Hugging Face hub"
        )


def _utterance(segment: Any, info: Any, most: float) -> Utterance:
    words = [Word(_within(w.start, most), _within(w.end, most), w.word, float(w.probability)) for w in segment.words]
    return Utterance(
        _within(segment.start, most), _within(segment.end, most), segment.text.strip(), tuple(words),
        info.language, float(info.language_probability), float(segment.no_speech_prob),
        float(segment.avg_logprob), float(segment.compression_ratio),
    )  # fmt: skip


def _within(second: float, most: float) -> float:
    """Whisper pads what it hears with silence, and now and then ends a word in it."""
    return min(float(second), most)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
