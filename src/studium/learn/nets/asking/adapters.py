"""Adapters (LoRA): a few new weights beside those of a large network, which stay as they were published, bit by bit.

The network of a checkpoint is loaded once per process, and its weights are shared by all that is learned beside them.
"""

import copy
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core import weights
from studium.core.bundle import Folder
from studium.errors import InputError, MissingExtraError, UnknownNameError, WeightsError
from studium.networks.hub import Checkpoint, checkpoint

__all__ = ["Base", "Lora", "adapted", "base_of", "merged", "opened", "prepared", "restored", "stored"]

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
"""As peft names them, so that it reads the folder too."""
_TOLD = ("r", "lora_alpha", "lora_dropout", "target_modules", "fan_in_fan_out")


@dataclass(frozen=True)
class Lora:
    """Of each linear layer, the product of two narrow matrices is learned, and added to what it says.

    Attributes:
        rank: their narrow side.
        alpha: the product is multiplied with alpha / rank.
        dropout: share of the layer's input that is left out at random in training.

    References:
        Hu et al. (2021), LoRA, doi:10.48550/arXiv.2106.09685; of all linear layers: Dettmers et al. (2023), QLoRA,
        doi:10.48550/arXiv.2305.14314.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.rank < 1 or not self.alpha > 0 or not 0 <= self.dropout < 1:
            raise InputError(f"rank should be at least 1, alpha above 0 and dropout from 0 to below 1; got {self}")


@dataclass(frozen=True)
class Base:
    """Which network an adapter belongs to.

    Attributes:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        fingerprint: of its weights, 16 hex digits.
    """

    model: str
    fingerprint: str

    def check(self) -> None:
        """Refuse a network of another content.

        Raises:
            WeightsError: it is not on this machine, or not the same; the message says what to fetch.
        """
        try:
            folder = isinstance(weights.get(self.model).bundle, Folder)
            found = weights.fingerprint(self.model)
        except (UnknownNameError, WeightsError) as error:
            raise WeightsError(
                f"this model is an adapter of {self.model} (fingerprint {self.fingerprint}), which is not here: put "
                f"that folder back, or export the model merged where it is ({error})"
            ) from error
        if found != self.fingerprint:
            todo = "put the folder back that it was trained on" if folder else f"run  studium models pull {self.model}"
            raise WeightsError(
                f"this model is an adapter of {self.model} with the fingerprint {self.fingerprint}; what is there has "
                f"{found}, so its answers would be others: {todo}, or export the model merged where it was trained"
            )


def base_of(model: str) -> Base:
    """Which network it is, as it is on this machine."""
    if not model:
        raise InputError("a model is needed: an id of models.toml, owner/name@commit, or the path of a folder")
    bundle = weights.get(model).bundle
    name = str(bundle.folder.expanduser().absolute()) if isinstance(bundle, Folder) else model
    return Base(name, weights.fingerprint(model))


def opened(model: str, task: str, reads: str) -> Checkpoint:
    """A network of its own modules, whose weights are those of the loaded checkpoint and are not trained.

    Float32 on a CPU. On an accelerator bfloat16, and activations are computed again in the backward pass instead of
    being kept (gradient checkpointing).

    Args:
        model: an id of ``models.toml``, ``owner/name@commit``, or the path of a folder.
        task: "CausalLM" or "ImageTextToText".
        reads: "Tokenizer" or "Processor".
    """
    found = checkpoint(model, task, reads, exact=False)
    return Checkpoint(prepared(found.network, found.device != "cpu"), found.processor, found.device)


def prepared(network: Any, accelerated: bool) -> Any:
    """A network of its own modules, with the same weights: bfloat16 and with gradient checkpointing if accelerated."""
    import torch

    if accelerated and network.dtype != torch.bfloat16:
        network = copy.deepcopy(network).to(torch.bfloat16)
    else:
        network = copy.deepcopy(network, {id(one): one for one in (*network.parameters(), *network.buffers())})
    network.requires_grad_(False)
    if accelerated:  # older versions of transformers know the second name alone
        save = getattr(network, "activation_checkpointing_enable", None) or network.gradient_checkpointing_enable
        save({"use_reentrant": False})
    return network.eval()


def adapted(network: Any, lora: Lora, vision: bool, seed: int) -> Any:
    """The network with new adapters, which say nothing before they are trained: half of their weights are 0.

    Args:
        network: as `opened` gives it; its layers are wrapped in place.
        lora: of which size.
        vision: whether layers that see are adapted too, and not those alone that read.
        seed: of the other half.
    """
    layers, transposed = _layers(network, vision)
    config = {
        "r": lora.rank, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout, "target_modules": layers,
        "fan_in_fan_out": transposed,
    }  # fmt: skip
    with _seeded(seed):
        return _wrapped(network, config)


def stored(network: Any, base: Base, folder: Path) -> None:
    """Write adapters, and which network they belong to; nothing of the network itself. peft reads the folder too."""
    from safetensors.torch import save_file

    config = network.peft_config["default"]
    told = {name: getattr(config, name) for name in _TOLD} | {
        "base_model_name_or_path": base.model, "bias": "none",
        "peft_type": "LORA", "peft_version": config.peft_version,
    }  # fmt: skip
    state = {name: one.detach().cpu().contiguous() for name, one in _own(network).items()}
    save_file(state, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")


def restored(network: Any, folder: Path) -> Any:
    """The network with the adapters of a folder.

    Raises:
        WeightsError: they do not fit.
    """
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtraError("safetensors", "finetune") from error
    try:
        told = json.loads((folder / CONFIG).read_text("utf-8"))
        with _seeded(0):
            found = _wrapped(network, {name: told[name] for name in _TOLD})
        state, own = load_file(folder / WEIGHTS), _own(found)
        if odd := sorted(own.keys() ^ state.keys()):
            raise ValueError(f"{', '.join(odd[:5])} is not in both")
        for name, one in own.items():
            one.data.copy_(state[name])
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"{folder} holds no adapter of this network: {error}") from error
    return found


def merged(network: Any) -> Any:
    """A copy of an adapted network whose layers have taken the adapters in; it needs as much memory again.

    Its answers are the same but for rounding: to about 1e-6 in float32, and to about .01 in bfloat16.
    """
    found = copy.deepcopy(network).merge_and_unload()
    found.__dict__.pop("peft_config", None)
    return found


def _wrapped(network: Any, config: dict[str, Any]) -> Any:
    """With adapters in float32, of which only these are trained."""
    try:
        from peft import LoraConfig, LoraModel
    except ImportError as error:
        raise MissingExtraError("peft", "finetune") from error
    found = LoraModel(network, {"default": LoraConfig(**config)}, "default")
    for one in _own(found).values():
        one.data = one.data.float()
    return found


def _own(network: Any) -> dict[str, Any]:
    """The weights of adapters, by the names that peft saves them under."""
    named = network.named_parameters()
    return {f"base_model.{name.replace('.default.', '.')}": one for name, one in named if one.requires_grad}


def _layers(network: Any, vision: bool) -> tuple[str, bool]:
    """A pattern of the names of the linear layers to adapt, and whether these store their weights transposed."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    reads = network.get_decoder()
    inside = next(name for name, part in network.named_modules() if part is reads)
    last = network.get_output_embeddings()
    found = {
        name: type(part)
        for name, part in network.named_modules()
        if isinstance(part, Linear | Conv1D) and part is not last and (vision or name.startswith(f"{inside}."))
    }
    if not found:
        raise InputError(f"{type(network).__name__} has no linear layers that adapters could be put beside")
    others = [name for name, _ in network.named_modules() if name not in found]
    return "|".join(sorted(set(_patterns(found, others)))), all(kind is Conv1D for kind in found.values())


def _patterns(names: Iterable[str], others: Sequence[str]) -> Iterator[str]:
    """Patterns of names, one for the same layer of all blocks, which are not those of others too."""
    alike = defaultdict(list)
    for name in names:
        alike[r"\.".join(r"\d+" if part.isdigit() else re.escape(part) for part in name.split("."))].append(name)
    for pattern, own in alike.items():
        if any(re.fullmatch(pattern, other) for other in others):  # blocks of layers of several kinds
            yield from map(re.escape, own)
        else:
            yield pattern


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """With torch's generator of the CPU begun by a seed, and put back at the end."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
