"""Telling text that was invented from text that was said. Whisper writes fluent sentences over music and silence.

References:
    Koenecke et al. (2024), Careless Whisper, doi:10.1145/3630106.3658996; Barański et al. (2025), Investigation of
    Whisper ASR hallucinations induced by non-speech audio, doi:10.48550/arXiv.2501.11378; the thresholds are those of
    Radford et al. (2023), doi:10.48550/arXiv.2212.04356.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studium.unitize.transcribe import Utterance

__all__ = ["credit", "repeats", "withheld"]

NO_SPEECH, MEAN_LOG, COMPRESSION = 0.6, -1.0, 2.4
VOICE = 0.5
LOOP = 6  # the same words so often in a row
PHRASE = 8  # words of the longest phrase that is looked for

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CREDITS = re.compile(
    r"amara\.org|opensubtitles\.org|"
    r"untertitel(ung)? (im auftrag )?des (zdf|ndr|swr|wdr)|untertitel der amara|"
    r"sous-titr(es|age) (réalisés? )?(para |par |st' ?501|société radio-canada)|"
    r"sottotitoli (creati|e revisione)|субтитры (сделал|создавал|подогнал)|редактор субтитров|"
    r"ご視聴ありがとうございました|字幕由.*提供|请不吝点赞|napisy stworzone przez",
    re.IGNORECASE,
)


def withheld(utterance: Utterance, voice: NDArray[np.float64]) -> str | None:
    """Why a text must not be taken for speech, or None if it may.

    Args:
        utterance: the segment.
        voice: probability of speech of every 32 ms of it (`studium.measure.voice`).

    Returns:
        "no voice": no 32 ms of it sound like speech (none reaches .5). "no speech": Whisper is not sure of its words
        (mean log probability below -1), and either hears no speech itself (probability above .6) or most of the
        segment does not sound like speech (mean below .5; calls of animals are like that). "repetition": the text
        compresses more than 2.4 times, or says the same words six times in a row (a chant does, too). "credit": a line
        that subtitlers write and nobody says.
    """
    if voice.max() < VOICE:
        return "no voice"
    doubtful = utterance.no_speech_probability > NO_SPEECH or voice.mean() < VOICE
    if doubtful and utterance.mean_log_probability < MEAN_LOG:
        return "no speech"
    if utterance.compression_ratio > COMPRESSION or repeats(utterance.text) >= LOOP:
        return "repetition"
    return "credit" if credit(utterance.text) else None


def repeats(text: str) -> int:
    """How often the same phrase of at most 8 words is said in a row; 1 if none is repeated, 0 without words."""
    words = [word.casefold() for word in _WORD.findall(text)]
    return max((_run(words, size) for size in range(1, min(PHRASE, len(words)) + 1)), default=0)


def credit(text: str) -> bool:
    """Whether this is a subtitler's credit, which Whisper learned from subtitles and writes over music."""
    return _CREDITS.search(text) is not None


def _run(words: Sequence[str], size: int) -> int:
    """Longest run of one phrase of ``size`` words."""
    longest = same = 0
    for here in range(size, len(words)):
        same = same + 1 if words[here] == words[here - size] else 0
        longest = max(longest, same)
    return 1 + longest // size
