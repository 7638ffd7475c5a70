"""Networks of transformers as they were published: to be trained, with a new last layer, and saved so that they load.

They are read from a folder on this machine, safetensors only, and no code of a repository is run; each call loads anew,
so that what is trained is nobody else's.
"""

from pathlib import Path
from typing import Any

from studium.core import weights
from studium.errors import MissingExtraError, WeightsError
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, Head
from studium.networks.hub import quiet

__all__ = ["classifier", "names", "network", "write"]

_NEW = (".pooler.",)  # parts of an encoder that those trained to fill in words lack


def network(folder: Path, task: str, reads: str, **config: Any) -> tuple[Any, Any, list[str]]:
    """A network in float32 on the CPU, and what makes its input.

    Its weights are copied out of the file: where they lie there is not aligned, and sums over numbers that lie so are
    added in another order, so that a saved network would not say bit by bit what the trained one said.

    Args:
        folder: in the format of the hub.
        task: the end of the name of an auto class of transformers: "SequenceClassification"; "" for the bare network.
        reads: "Tokenizer", or "Processor" for pictures too; these with Pillow and numpy alone.
        config: what its configuration should say instead.

    Returns:
        Network, tokenizer or processor, and the names of the weights that the folder lacks, or has in another size:
        torch's generator has drawn those.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it does not load.
    """
    try:
        import torch  # noqa: F401  (transformers does without, until it loads)
        import transformers
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "finetune") from error
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    told = {"output_loading_info": True, "ignore_mismatched_sizes": True, "use_safetensors": True}
    networks: Any = getattr(transformers, f"AutoModelFor{task}" if task else "AutoModel")
    readers: Any = getattr(transformers, f"Auto{reads}")
    try:
        with quiet():
            reader = readers.from_pretrained(folder, **({} if reads == "Tokenizer" else {"backend": "pil"}), **local)
            settings = transformers.AutoConfig.from_pretrained(folder, **local)
            for name, value in config.items():
                setattr(settings, name, value)
            found, info = networks.from_pretrained(folder, config=settings, **told, **local)
    except Exception as error:
        what = f"a safetensors checkpoint of transformers{f' for {task}' if task else ''}"
        raise WeightsError(f"{folder} does not load as {what}: {error}") from error
    lacks = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    for values in (*found.parameters(), *found.buffers()):
        values.data = values.detach().float().clone() if values.is_floating_point() else values.detach().clone()
    return found, reader, sorted(lacks)


def classifier(model: str, head: Head, outputs: int) -> tuple[Any, Any, list[str]]:
    """A published encoder of texts as a classifier, whose last layer is new, drawn by torch's generator.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder.
        head: what it is to predict.
        outputs: how many numbers it is to say.

    Returns:
        Network, tokenizer, and the names of the weights that are new: the last layer, and what the checkpoint lacks
        between it and the encoder.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        WeightsError: it is not on this machine, does not load, or lacks weights of its encoder.
    """
    folder = weights.folder(model)
    called = dict(enumerate(names(head)))
    config = {"id2label": called, "label2id": {name: n for n, name in called.items()}, "problem_type": _problem(head)}
    found, tokenizer, lacks = network(folder, "SequenceClassification", "Tokenizer", **config)
    last = _last(found, outputs, model)
    found.get_submodule(last).weight.data.normal_(0, 0.02)  # as transformers draws it for these
    if found.get_submodule(last).bias is not None:
        found.get_submodule(last).bias.data.zero_()
    encoder = [name for name in lacks if name.startswith(f"{found.base_model_prefix}.")]
    if wrong := [name for name in encoder if not any(part in name for part in _NEW)]:
        raise WeightsError(
            f"{folder} lacks weights of its encoder: {', '.join(wrong)}. Nothing is made up for them: take another"
        )
    return (
        found,
        tokenizer,
        sorted({*lacks, *(f"{last}.{name}" for name, _ in found.get_submodule(last).named_parameters())}),
    )


def names(head: Head) -> list[str]:
    """What each number means that a network says for a head, in order."""
    if head.task == CONTINUOUS:
        return [f"{head.variable}, standardised"]
    if head.task in {CATEGORICAL, MULTILABEL}:
        return [str(one) for one in head.classes]
    return [f"above {one}" for one in head.classes[:-1]]


def write(folder: Path, *parts: Any) -> None:
    """Save networks, tokenizers and processors into one folder, in the format of the hub."""
    with quiet():
        for part in parts:
            part.save_pretrained(folder)


def _problem(head: Head) -> str:
    """In the words of a configuration of transformers: so the folder is read rightly without studium too."""
    if head.task == CONTINUOUS:
        return "regression"
    return "single_label_classification" if head.task == CATEGORICAL else "multi_label_classification"


def _last(found: Any, outputs: int, model: str) -> str:
    """The name of the layer that says the numbers."""
    from torch.nn import Linear

    inner = f"{found.base_model_prefix}."
    outer = [(name, part) for name, part in found.named_modules() if not name.startswith(inner)]
    said = [name for name, part in outer if isinstance(part, Linear) and part.out_features == outputs]
    if not said:
        raise WeightsError(f"{model} has no last layer that can be made new; take a BERT-type encoder of texts")
    return str(said[-1])
