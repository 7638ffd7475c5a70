"""Sound events: speech, music, sirens, applause ..., by an audio network from the hub."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Watcher
from studium.errors import InputError, NoStreamError
from studium.measure.parameters import check_checkpoint, check_whole
from studium.measure.running import Framer
from studium.media.audio import RATE, Block, Sound
from studium.media.watch import WatchingMeasure
from studium.networks.hub import Checkpoint, checkpoint

__all__ = ["SoundEvents"]

_TASK, _READS = "AudioClassification", "FeatureExtractor"
_SPEECH, _MUSIC = "Speech", "Music"  # as the ontology of AudioSet names them
_LEAST = 400  # samples, 25 ms: a window of the spectrum that the networks look at
_HOP = 160  # samples from one of these to the next
_SHORTEST = 0.1  # seconds

Vector = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True)
class SoundEvents(WatchingMeasure):
    """What is heard: how much of the time speech and music, and the most probable of AudioSet's sound events.

    A sound is heard in windows of ``seconds``, end to end; the last one reaches back to be whole, and counts for what
    is new in it. In each window the network gives every class a probability by itself (they do not sum to 1: speech
    over music is both). ``sound_events`` are the classes with the highest means over the time.

    Classes lie within each other (speech, male speech, conversation) and none of them is exact: AST, the default, has
    a mean average precision of .459 over the 527 classes. Its probabilities are not calibrated; rare and soft sounds
    get low ones. Singing has classes of its own. Check against hand-coded stretches, and set ``threshold`` by them. For
    stretches of speech to the tenth of a second use `speech_activity`, which needs no download.

    Args:
        model: an id of `models`, ``owner/name@commit`` of a hub repository, or the path of a folder, with a checkpoint
            of transformers for audio classification, trained on AudioSet (it has the classes Speech and Music), in
            safetensors.
        k: how many of the most probable classes, 1 or more.
        seconds: length of a window, .1 or more; AudioSet was labelled in clips of 10 s, and AST takes 10.2 at most.
        threshold: probability from which on speech, or music, is said to be heard in a window, above 0, at most 1.

    References:
        Gong, Chung & Glass (2021), AST, doi:10.48550/arXiv.2104.01778; Gemmeke et al. (2017), AudioSet,
        doi:10.1109/ICASSP.2017.7952261.
    """

    model: str = "ast-audioset"
    k: int = 5
    seconds: float = 10.0
    threshold: float = 0.5

    name: ClassVar[str] = "sound_events"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"

    def __post_init__(self) -> None:
        """Refuse unknown models and impossible numbers at the door."""
        check_checkpoint(self, self.model)
        check_whole(self, "k", 1)
        if not _SHORTEST <= self.seconds < float("inf"):
            raise InputError(f"sound_events: seconds should be .1 or more, got {self.seconds!r}; leave it out for 10")
        if not 0 < self.threshold <= 1:
            raise InputError(
                f"sound_events: threshold should be above 0 and at most 1, got {self.threshold!r}; leave it out for .5"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """Shares of time with speech and music, and the k most probable classes."""
        source = "doi:10.48550/arXiv.2104.01778"
        share = f"share of time in windows where {{}} has a probability of {self.threshold:g} or more"
        return (
            Column("speech_heard", "float64", share.format("speech"), "share", 0, 1, source=source),
            Column("music_heard", "float64", share.format("music"), "share", 0, 1, source=source),
            Column("sound_events", "string", "most probable classes", size=self.k, source=source),
            Column("sound_events_prob", "float32", "their mean probabilities", "share", 0, 1, size=self.k,
                   source=source),
        )  # fmt: skip

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoint."""
        return (self.model,)

    def prepare(self) -> None:
        """Load the checkpoint, and refuse what it cannot do.

        Raises:
            InputError: it was not trained on AudioSet, takes another sampling rate or no windows as long as these, or
                has fewer than k classes.
        """
        self._checkpoint()

    def watch(self, medium: Sound) -> Watcher:
        """Begin to listen."""
        return _Listener(medium, self, self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        found = checkpoint(self.model, _TASK, _READS)
        if lacking := [name for name in (_SPEECH, _MUSIC) if name not in found.labels]:
            raise InputError(
                f"sound_events: {self.model} has no class {' and no class '.join(lacking)}; "
                f"take a checkpoint that was trained on AudioSet, such as {SoundEvents.model}"
            )
        if found.config.problem_type not in {None, "multi_label_classification"}:
            raise InputError(
                f"sound_events: {self.model} is made for {found.config.problem_type}, but several things are heard at "
                f"once; take one that judges every class by itself, such as {SoundEvents.model}"
            )
        if self.k > len(found.labels):
            raise InputError(
                f"sound_events: {self.model} has {len(found.labels)} classes; k should be no more, got {self.k}"
            )
        if found.processor.sampling_rate != RATE:
            raise InputError(
                f"sound_events: {self.model} takes {found.processor.sampling_rate} samples per second; sounds here "
                f"have {RATE}"
            )
        frames = getattr(found.processor, "max_length", None)  # more than these it would cut off without a word
        if frames is not None and 1 + (round(self.seconds * RATE) - _LEAST) // _HOP > frames:
            longest = (frames * _HOP + _LEAST - _HOP) / RATE
            raise InputError(
                f"sound_events: {self.model} hears {longest:g} s at a time; seconds should be no more, "
                f"got {self.seconds!r}"
            )
        return found


class _Listener(Watcher):
    def __init__(self, sound: Sound, part: SoundEvents, model: Checkpoint) -> None:
        self._sound, self._part, self._model = sound, part, model
        self._size = round(part.seconds * RATE)
        self._windows = Framer(self._size, self._size)
        self._last: Numbers = np.zeros(0, np.float32)
        self._time = 0  # in samples, as the sums are
        self._sums: Vector = np.zeros(len(model.labels))
        self._heard: Vector = np.zeros(2)
        self._both = [model.labels.index(name) for name in (_SPEECH, _MUSIC)]

    def see(self, piece: Block) -> None:
        for window in self._windows.cut(piece.samples):
            self._last = window.copy()
            self._count(self._last, self._size)

    def result(self) -> Mapping[str, Any]:
        rest = self._windows.rest
        if len(rest):
            self._count(np.concatenate([self._last, rest])[-self._size :], len(rest))
        if not self._time:
            raise NoStreamError(f"{self._sound.path}: the sound has no samples")
        means = self._sums / self._time
        best = np.argsort(-means, kind="stable")[: self._part.k]
        speech, music = (self._heard / self._time).tolist()
        return {
            "speech_heard": speech,
            "music_heard": music,
            "sound_events": [self._model.labels[number] for number in best],
            "sound_events_prob": means[best].astype(np.float32),
        }

    def _count(self, window: Numbers, new: int) -> None:
        if len(window) < _LEAST:
            raise NoStreamError(f"{self._sound.path}: the sound is shorter than 25 ms, so has no spectrum")
        found = _probabilities(window, self._model)
        self._sums += new * found
        self._heard += new * (found[self._both] >= self._part.threshold)
        self._time += new


def _probabilities(window: Numbers, model: Checkpoint) -> Vector:
    """Of every class by itself."""
    import torch

    prepared = model.processor(window, sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        logits = model.network(**prepared.to(model.device)).logits[0]
    probabilities: Vector = logits.double().sigmoid().cpu().numpy()
    return probabilities
