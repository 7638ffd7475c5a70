"""Training a network: what is compared with earlier checkpoints, what is set for a while, and what is told."""

import hashlib
import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from studium.errors import MissingExtraError
from studium.learn.models.examples import Examples
from studium.learn.models.training import Training
from studium.learn.nets import objective
from studium.learn.nets.batches import Batches, Encodes, seen
from studium.learn.nets.training.checkpoints import held
from studium.learn.nets.training.curve import Curve, best
from studium.learn.nets.training.schedule import Schedule
from studium.learn.nets.training.surroundings import alone

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Trained", "Work", "trained"]

log = logging.getLogger(__name__)


class Trainable(Encodes, Protocol):
    """What is trained; see `studium.learn.nets.net.Body`."""

    @property
    def module(self) -> "nn.Module":
        """The network."""


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        body: what is trained, in place.
        schedule: how.
        balanced: whether classes count the same together.
        parts: examples to train on, and to watch, which may be none.
        given: their labels.
        about: what else a training must have in common with one that it goes on with, as JSON.
    """

    body: Trainable
    schedule: Schedule
    balanced: bool
    parts: tuple[Examples, Examples]
    given: tuple[Training, Training]
    about: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """What there is to tell.

    Attributes:
        scale: of a continuous target.
        curve: of each epoch.
        schedule: what was asked, and what was done: epochs, the one that counted, precision, device.
        digests: of the input of both parts.
    """

    scale: objective.Scale
    curve: Curve
    schedule: dict[str, Any]
    digests: tuple[str, str]


def trained(work: Work, folder: Path | None) -> Trained:
    """Train a body, within `studium.learn.nets.training.surroundings.seeded`.

    Raises:
        InputError: an example cannot be used, training diverges, or the folder is another training's.
        BusyError: another process trains in the folder.
        MissingExtraError: torch, transformers or accelerate is not installed.
    """
    digests = seen(work.body, work.parts[0].X), seen(work.body, work.parts[1].X)
    scale, told = objective.Scale.of(work.given[0]), asdict(work.schedule)
    done: dict[str, Any] = {"epochs_run": 0, "epoch_kept": 0}
    if not work.schedule.epochs:
        return Trained(scale, [], told | done, digests)
    try:
        import_module("accelerate")  # the loop needs it

        from studium.learn.nets.training import loop
    except ImportError as error:
        raise MissingExtraError(error.name or "accelerate", "finetune") from error
    used, device = _precision(work.schedule.precision), _device()
    pairs = zip(work.given, digests, strict=True)
    about = {
        "schedule": told, "balanced": work.balanced, "network": _digest(work.body.module), "device": device,
        "examples": [one.facts(digest)["digest"] for one, digest in pairs if len(one.truth)],
        "precision": used, "versions": _versions(), **work.about,
    }  # fmt: skip
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studium-")))
        kept = stack.enter_context(held(place))
        kept.claim(about)
        learner = loop.Learner(work.body.module, work.given[0].head, *_wanted(work, scale))
        stack.enter_context(alone())
        found = loop.run(learner, _batches(work), _judge(work, scale), _arguments(work, used, folder), kept)
    work.body.module.to("cpu").eval()
    return Trained(scale, found, told | _done(found, used, device), digests)


def _wanted(work: Work, scale: objective.Scale) -> "tuple[Tensor, Tensor]":
    """Targets and weights of all examples: those to train on, then those to watch."""
    import torch

    factors = objective.even(work.given[0], work.balanced)
    targets = [torch.from_numpy(objective.target(one, scale)).float() for one in work.given]
    weights = [torch.from_numpy(objective.weigh(one, factors)).float() for one in work.given]
    return torch.cat(targets), torch.cat(weights)


def _batches(work: Work) -> tuple[Batches, Batches | None]:
    (train, validation), size, seed = work.parts, work.schedule.batch, work.schedule.seed
    watched = Batches(validation.X, work.body, size, len(train)) if len(validation) else None
    return Batches(train.X, work.body, size, 0, seed), watched


def _judge(work: Work, scale: objective.Scale) -> "Callable[[Tensor], dict[str, float]]":
    """What outputs for the examples that are watched are worth."""
    target, weights = (every[len(work.parts[0]) :] for every in _wanted(work, scale))
    head = work.given[0].head

    def judged(logits: "Tensor") -> dict[str, float]:
        outputs = objective.finished(logits.numpy(), head, scale)
        lost = float(objective.loss(logits, target, weights, head))
        told = objective.agreement(outputs, work.given[1])
        return {"validation_loss": lost} | {f"validation_{name}": value for name, value in told.items()}

    return judged


def _arguments(work: Work, precision: str, folder: Path | None) -> dict[str, Any]:
    """Of transformers' ``TrainingArguments``."""
    schedule = work.schedule
    return {
        "num_train_epochs": schedule.epochs,
        "learning_rate": schedule.rate,
        "weight_decay": schedule.decay,
        "warmup_steps": schedule.warmup,  # a share, as it is below 1
        "gradient_accumulation_steps": schedule.accumulate,
        "bf16": precision == "bfloat16",
        "fp16": precision == "float16",
        "seed": schedule.seed,
        "patience": schedule.patience,
        "save_only_model": folder is None,
    }


def _precision(asked: str) -> str:
    """The precision that is used."""
    import torch

    if torch.cuda.is_available():
        auto = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
        return auto if asked == "auto" else asked
    if asked not in {"auto", "float32"}:
        log.info("computes in float32: %s is for accelerators, and there is none", asked)
    return "float32"


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _versions() -> dict[str, str]:
    """Of what computes: other versions may compute other numbers, or write other checkpoints."""
    return {name: version(name) for name in ("accelerate", "torch", "transformers")}


def _digest(module: "nn.Module") -> str:
    """64 hex digits of all that a network is before it is trained."""
    import torch

    digest = hashlib.sha256()
    for name, one in sorted(module.state_dict().items()):
        digest.update(f"{name}{one.dtype}{tuple(one.shape)}".encode())
        digest.update(one.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _done(found: Curve, precision: str, device: str) -> dict[str, Any]:
    kept = best(found)["epoch"]
    return {"epochs_run": len(found), "epoch_kept": kept, "precision_used": precision, "device": device}
