"""Actions in videos, by a video transformer from the hub."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError, MediaError
from studium.measure.parameters import check_checkpoint, check_whole
from studium.media.reader import Reader
from studium.media.video import Video
from studium.networks.hub import Checkpoint, checkpoint

__all__ = ["Actions", "clip_times"]

_TASK = "VideoClassification"
_SHORTER_SIDE = 540  # px of a frame that goes to the checkpoint's processor, which scales it to some 224

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Actions(Measure):
    """What is done in a video or a shot: the most probable classes of a video transformer, the most probable first.

    As many frames as the network takes (16 for VideoMAE) are spread evenly over the stretch, and go to the network with
    the checkpoint's own preparation; only what leads to them is decoded. In a stretch with fewer frames, frames are
    repeated. The networks were trained on a few seconds of one action: measure shots rather than videos, or take
    several clips of some seconds each; then the mean of their probabilities counts.

    The classes are those of the checkpoint: for Kinetics-400 sports, music, crafts and everyday actions on YouTube. The
    probabilities are over these classes only and sum to 1, so a protest, which is none of them, gets one too. Check
    against hand-coded videos, or fine-tune a checkpoint on your own classes and give its folder.

    Args:
        model: an id of `models`, ``owner/name@commit`` of a hub repository, or the path of a folder, with a checkpoint
            of transformers for video classification (VideoMAE, TimeSformer ...) in safetensors.
        k: how many of the most probable classes, 1 or more.
        clips: how many clips, in equal distances; 1 or more.
        seconds: length of a clip; left out, the clips divide the stretch among them.

    References:
        Tong et al. (2022), VideoMAE, doi:10.48550/arXiv.2203.12602; Bertasius et al. (2021), TimeSformer,
        doi:10.48550/arXiv.2102.05095; Kay et al. (2017), Kinetics, doi:10.48550/arXiv.1705.06950.
    """

    model: str = "videomae-kinetics"
    k: int = 5
    clips: int = 1
    seconds: float | None = None

    name: ClassVar[str] = "actions"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "video"

    def __post_init__(self) -> None:
        """Refuse unknown models and impossible numbers at the door."""
        check_checkpoint(self, self.model)
        check_whole(self, "k", 1)
        check_whole(self, "clips", 1)
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"actions: seconds should be more than 0, got {self.seconds}; leave it out for all of it")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The most probable class, and the k most probable."""
        source = "doi:10.48550/arXiv.2203.12602"
        return (
            Column("action", "string", "most probable class", source=source),
            Column("action_probability", "float32", "its probability", "share", 0, 1, source=source),
            Column("actions", "string", "most probable classes", size=self.k, source=source),
            Column("actions_prob", "float32", "their probabilities", "share", 0, 1, size=self.k, source=source),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoint."""
        return (self.model,)

    def prepare(self) -> None:
        """Load the checkpoint, and refuse what it cannot do.

        Raises:
            InputError: it gives each video several labels or a number, or has fewer than k classes.
        """
        config = checkpoint(self.model, _TASK).config
        if config.problem_type not in {None, "single_label_classification"}:
            raise InputError(f"actions: {self.model} is made for {config.problem_type}, not for one class a video")
        if config.num_labels < self.k:
            raise InputError(
                f"actions: {self.model} has {config.num_labels} classes; k should be no more, got {self.k}"
            )

    def __call__(self, batch: Sequence[Video]) -> Mapping[str, Any]:
        """Recognise what is done in videos, one after the other.

        Raises:
            MediaError: a video has no frame, or one that is needed cannot be decoded.
        """
        self.prepare()
        model = checkpoint(self.model, _TASK)
        found = [self._probabilities(video, model) for video in batch]
        order = [np.argsort(-row, kind="stable")[: self.k] for row in found]
        names = [[model.labels[number] for number in numbers] for numbers in order]
        values = [row[numbers] for row, numbers in zip(found, order, strict=True)]
        return {
            "action": [row[0] for row in names],
            "action_probability": np.array([row[0] for row in values], np.float32),
            "actions": names,
            "actions_prob": np.array(values, np.float32).reshape(len(batch), self.k),
        }

    def _probabilities(self, video: Video, model: Checkpoint) -> Vector:
        """Of every class, the mean over the clips; n float32."""
        times = clip_times(*_stretch(video), self.clips, self.seconds, model.config.num_frames)
        rows = [_classify(frames, model) for frames in _read(Path(video.path), times)]
        return np.array(np.stack(rows).mean(axis=0, dtype=np.float64), np.float32)


def clip_times(start: float, end: float, clips: int, seconds: float | None, frames: int) -> npt.NDArray[np.float64]:
    """When to look: the middles of ``frames`` equal parts of every clip, the clips centred in equal parts of the whole.

    Args:
        start: of the stretch, in seconds.
        end: of the stretch, in seconds.
        clips: how many.
        seconds: length of a clip, at most that of the stretch; None for a clip that fills its part.
        frames: of a clip.

    Returns:
        clips x frames, in seconds.
    """
    part = (end - start) / clips
    length = min(part if seconds is None else seconds, end - start)
    begin = start + (np.arange(clips) + 0.5) * part - length / 2
    begin = np.clip(begin, start, end - length)
    times: npt.NDArray[np.float64] = begin[:, None] + (np.arange(frames) + 0.5) * (length / frames)
    return times


def _stretch(video: Video) -> tuple[float, float]:
    """From where pictures are shown on to the end of the stretch; of a whole file, of its last picture."""
    if next(video.frames(), None) is None:
        raise MediaError(f"{video.path}: no frame begins from {video.start} s on, before {video.end} s")
    start = max(video.start, next(Video(video.path).frames()).time)
    end = video.info.duration if video.end is None else video.end
    if end is None or end <= start:
        end = deque((frame.time + frame.duration for frame in video.frames()), maxlen=1)[0]
    return start, end


def _read(path: Path, times: npt.NDArray[np.float64]) -> Iterator[list[npt.NDArray[np.uint8]]]:
    """The frames of each clip (H x W x 3, uint8)."""
    reader = Reader(path)
    try:
        for clip in times:
            yield [reader.at(time).rgb(_SHORTER_SIDE) for time in clip.tolist()]
    finally:
        reader.close()


def _classify(frames: Sequence[npt.NDArray[np.uint8]], model: Checkpoint) -> Vector:
    """Probabilities of all classes (n, float32) for one clip."""
    import torch

    pixels = model.processor(list(frames), return_tensors="pt", input_data_format="channels_last")
    with torch.inference_mode():
        logits = model.network(**pixels.to(model.device)).logits[0]
    probabilities: Vector = logits.float().softmax(-1).cpu().numpy()
    return probabilities
