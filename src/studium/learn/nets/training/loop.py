"""The loop, by transformers and accelerate: what a step is, what is watched after each epoch, what a checkpoint holds.

Imported by `studium.learn.nets.training.work` where torch is installed.
"""

import logging
import math
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studium.errors import InputError
from studium.learn.models.head import Head
from studium.learn.nets.batches import Batches
from studium.learn.nets.objective import losses
from studium.learn.nets.training.checkpoints import Checkpoints
from studium.learn.nets.training.curve import Curve, best, curve, over

__all__ = ["Learner", "run"]

log = logging.getLogger(__name__)

CLIP = 1.0
"""The gradient is shortened to this length, if it is longer: as is usual in fine-tuning, and none to be tuned."""
SECONDS = 300.0
"""Within an epoch a checkpoint is written when the last one is as old as this: so an interruption costs five minutes at
most, however long an epoch takes, and writing, which takes seconds, costs a hundredth of the time. When one is written
changes nothing in what is learned."""


class Learner(nn.Module):
    """A network with its loss; what it keeps is what is trained, and not the published weights that stay."""

    accepts_loss_kwargs = True  # Trainer then says how many examples a step has, over all its batches
    target: Tensor
    weights: Tensor
    seen: Tensor

    def __init__(self, module: nn.Module, head: Head, target: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.module, self.head = module, head
        self.register_buffer("target", target, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("seen", torch.zeros(2, dtype=torch.float64))  # weighted loss of this epoch, weight

    def forward(self, labels: Tensor, num_items_in_batch: Tensor | None = None, **batch: Any) -> dict[str, Tensor]:
        """Loss and outputs of a batch; ``labels`` are the numbers of its examples."""
        logits = self.module(**batch).float()
        lost, weight = losses(logits, self.target[labels], self.weights[labels], self.head)
        if self.training:
            self.seen += torch.stack([lost.detach().sum(), weight.sum()])
        count = len(labels) if num_items_in_batch is None else num_items_in_batch
        return {"loss": lost.sum() / count, "logits": logits}

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """What training changes: weights that are trained (tied ones once), and statistics of normalisation."""
        whole = super().state_dict(*args, **kwargs)
        named = {name for name, one in self.named_parameters() if one.requires_grad}
        fixed = {name for name, _ in self.named_parameters(remove_duplicate=False)} - named
        return {name: one.contiguous() for name, one in whole.items() if name not in fixed}

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Take what `state_dict` gave; all of it, and nothing else."""
        del strict
        if (wanted := self.state_dict().keys()) != state_dict.keys():
            odd = ", ".join(sorted(wanted ^ state_dict.keys())[:5])
            raise InputError(f"a checkpoint does not fit the network: {odd}; remove its folder to begin anew")
        super().load_state_dict(state_dict, strict=False, assign=assign)
        return SimpleNamespace(missing_keys=[], unexpected_keys=[])


class _Watch(TrainerCallback):
    """Says how each epoch went, ends a training that gets no better or diverges, and makes checkpoints count."""

    def __init__(self, learner: Learner, patience: int, kept: Checkpoints, lasting: bool) -> None:
        self.learner, self.patience, self.kept, self.lasting = learner, patience, kept, lasting
        self.written = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Refuse a loss that is no number; ask for a checkpoint when it is time, but not right before the epoch's."""
        if not bool(torch.isfinite(self.learner.seen).all()):
            raise InputError(_diverged("training", state, args))
        last = state.global_step % (state.max_steps // state.num_train_epochs) == 0
        if self.lasting and not last and time.monotonic() - self.written >= SECONDS:
            control.should_save = True

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Tell the epoch where nothing is watched; `on_evaluate` does otherwise."""
        del control
        if args.eval_strategy == "no":
            lost, weight = self.learner.seen.tolist()
            state.log_history.append(
                {"eval_train_loss": lost / weight if weight else math.nan, "step": state.global_step}
            )
            self.learner.seen.zero_()
            log.info("%s", _line(curve(state.log_history)[-1]))

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Tell the epoch, and stop if the best one is long ago."""
        self.learner.seen.zero_()
        told = curve(state.log_history)
        if not math.isfinite(told[-1]["validation_loss"]):
            raise InputError(_diverged("validation", state, args))
        log.info("%s", _line(told[-1]))
        control.should_training_stop |= over(told, self.patience)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """A checkpoint was written."""
        del args, control
        if self.lasting:
            self.kept.complete(state.global_step)
        self.kept.leave({state.global_step, state.best_global_step})
        self.written = time.monotonic()


def run(
    learner: Learner,
    parts: tuple[Batches, Batches | None],
    agreement: Callable[[Tensor], dict[str, float]],
    arguments: dict[str, Any],
    kept: Checkpoints,
) -> Curve:
    """Train, or go on training; afterwards the learner is as after its best epoch, or its last if none is watched.

    Args:
        learner: what is trained, in place.
        parts: what it is trained on, and watched on; None: nothing is.
        agreement: of all outputs for the second, in order: its loss, and how well it is predicted.
        arguments: of `TrainingArguments`, and ``patience``.
        kept: its checkpoints.
    """
    patience, lasting = arguments.pop("patience"), not arguments["save_only_model"]
    given = _arguments(kept, arguments, watched=parts[1] is not None)

    def measured(found: Any) -> dict[str, float]:
        lost, weight = learner.seen.tolist()
        return {"train_loss": lost / weight if weight else math.nan, **agreement(torch.from_numpy(found.predictions))}

    trainer: Any = Trainer(
        learner,
        given,
        data_collator=lambda batches: batches[0],
        train_dataset=parts[0],
        eval_dataset=parts[1],
        compute_metrics=measured,
        callbacks=[_Watch(learner, patience, kept, lasting)],
    )
    trainer.remove_callback(PrinterCallback)
    last = kept.newest()
    told = curve(TrainerState.load_from_json(str(last / "trainer_state.json")).log_history) if last else []
    if last:
        log.info("goes on after step %s", last.name.removeprefix("checkpoint-"))
    if not over(told, patience):
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        told = curve(trainer.state.log_history)
    if parts[1] is not None:
        _restore(learner, kept, best(told)["step"])
    if torch.cuda.is_available():
        trainer.accelerator.free_memory()
    return told


def _arguments(kept: Checkpoints, arguments: dict[str, Any], watched: bool) -> TrainingArguments:
    best_only = "best" if watched else "no"
    made = TrainingArguments(
        output_dir=str(kept.folder),
        per_device_train_batch_size=1,  # of batches
        per_device_eval_batch_size=1,
        optim="adamw_torch",
        lr_scheduler_type="cosine",
        max_grad_norm=CLIP,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        eval_strategy="epoch" if watched else "no",
        save_strategy=best_only if arguments["save_only_model"] else "epoch",
        metric_for_best_model="validation_loss" if watched else None,
        greater_is_better=False if watched else None,
        remove_unused_columns=False,
        label_names=["labels"],
        train_sampling_strategy="sequential",  # the order is that of `Batches`
        dataloader_pin_memory=torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
        average_tokens_across_devices=False,
        **arguments,
    )
    made._n_gpu = min(made.n_gpu, 1)  # one device: copies on several would change what a seed draws
    return made


def _line(epoch: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in epoch.items())


def _restore(learner: Learner, kept: Checkpoints, step: int) -> None:
    from safetensors.torch import load_file

    learner.load_state_dict(load_file(kept.path(step) / "model.safetensors"))


def _diverged(which: str, state: TrainerState, args: TrainingArguments) -> str:
    return (
        f"the {which} loss is no finite number after step {state.global_step} of {state.max_steps}: the training "
        f"diverged. Take a lower rate (it was {args.learning_rate:g}), or precision='float32' on an accelerator"
    )
