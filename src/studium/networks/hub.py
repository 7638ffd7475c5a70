"""Checkpoints in the format of transformers, from a folder on this machine: a snapshot of the hub, or one's own.

Nothing is fetched here, no code of a repository is run, and weights are read as safetensors only, never as pickles.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from studium.core import weights
from studium.errors import MissingExtraError, WeightsError
from studium.networks.sessions import loaded

__all__ = ["Checkpoint", "checkpoint", "quiet"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network and what prepares its input.

    Attributes:
        network: a torch module in evaluation mode, float32 unless it was asked for otherwise.
        processor: what prepares its input; pictures with Pillow and numpy alone: the same numbers on every machine.
        device: where the network lies, "cuda" where there is one, else "cpu".
    """

    network: Any
    processor: Any
    device: str

    @property
    def config(self) -> Any:
        """The configuration of the network."""
        return self.network.config

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its classes, in the order of its outputs."""
        return tuple(str(self.config.id2label[number]) for number in range(self.config.num_labels))


def checkpoint(model: str, task: str, reads: str = "ImageProcessor", exact: bool = True) -> Checkpoint:
    """The checkpoint, loaded once per process, and again if the files in the folder change.

    Of those that are stored in low precision (``exact=False``), which may fill an accelerator, only the last one is
    kept for the next call; one that is still used elsewhere stays there.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        task: the end of the name of an auto class of transformers: "VideoClassification"; "" for the bare network.
        reads: what prepares its input: "ImageProcessor", "Tokenizer", "Processor" for both in one, or
            "FeatureExtractor" for sounds.
        exact: whether it computes in float32 on an accelerator too, or there in the precision that it is stored in.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it is not on this machine, or does not load.
    """
    load = _kept if exact else _last
    return loaded(partial(load, weights.folder(model), weights.fingerprint(model), task, reads))


@cache
def _kept(folder: Path, fingerprint: str, task: str, reads: str) -> Checkpoint:
    del fingerprint
    return _load(folder, task, reads, exact=True)


def _last(folder: Path, fingerprint: str, task: str, reads: str) -> Checkpoint:
    which = (folder, fingerprint, task, reads)
    if which not in _LAST:
        _LAST.clear()  # first: there may be no room for both
        _LAST[which] = _load(folder, task, reads, exact=False)
    return _LAST[which]


_LAST: dict[tuple[Path, str, str, str], Checkpoint] = {}


def _load(folder: Path, task: str, reads: str, exact: bool) -> Checkpoint:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "torch") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    told = {"output_loading_info": True, "ignore_mismatched_sizes": True}  # so that it is told, and refused below
    networks: Any = getattr(transformers, f"AutoModelFor{task}" if task else "AutoModel")
    processors: Any = getattr(transformers, f"Auto{reads}")
    pictures = {} if reads in {"Tokenizer", "FeatureExtractor"} else {"backend": "pil"}
    try:
        with quiet():
            processor = processors.from_pretrained(folder, **pictures, **local)
            network, info = networks.from_pretrained(folder, use_safetensors=True, **told, **local)
    except Exception as error:
        what = f"a safetensors checkpoint of transformers{f' for {task}' if task else ''}"
        raise WeightsError(f"{folder} does not load as {what}: {error}") from error
    if lacking := sorted(map(str, {*info["missing_keys"], *info["mismatched_keys"]})):
        raise WeightsError(
            f"{folder} lacks weights for {task}, or has them in another size: {', '.join(lacking)}. Nothing is made up "
            "for them: take a checkpoint that was trained for this"
        )
    network = network.float() if exact or device == "cpu" else network
    return Checkpoint(network.to(device).eval(), processor, device)


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars and reports of transformers: what matters of them is an error here."""
    from transformers.utils import logging as said

    logging: Any = said
    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():  # of AST's own preparation, for which nobody here can do anything
            warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
