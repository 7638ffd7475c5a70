"""Tiny text classifiers with random weights, saved in the format of the hub by transformers itself, and as ONNX."""

from pathlib import Path
from typing import Any

__all__ = ["KINDS", "READS", "export", "text_classifier"]

READS = 16
"""Tokens that they read, with the marks at the ends."""
SIZES: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
LETTERS = "abcdefghijklmnopqrstuvwxyz'!?.,0123456789@#é"


def text_classifier(folder: Path, kind: str, labels: tuple[str, ...], problem: str | None = None) -> Path:
    """Save a classifier; returns the folder.

    Args:
        folder: to write.
        kind: "bert" (word pieces), "roberta" (byte pairs; positions begin at 2) or "xlm-roberta" (Unigram).
        labels: of the outputs.
        problem: problem_type of its config, or None.
    """
    import torch
    import transformers
    from transformers.utils import logging

    torch.manual_seed(1)
    tokenizer, config = KINDS[kind]()
    names = {"id2label": dict(enumerate(labels)), "label2id": {name: n for n, name in enumerate(labels)}}
    settings = config(
        vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, problem_type=problem, **SIZES, **names,
        max_position_embeddings=READS if kind == "bert" else READS + tokenizer.pad_token_id + 1,
    )  # fmt: skip
    network = transformers.AutoModelForSequenceClassification.from_config(settings)
    with torch.no_grad():
        for values in network.parameters():  # as they are made, they say the same of everything
            if values.ndim > 1:
                torch.nn.init.xavier_normal_(values, gain=2.0)
    logging.disable_progress_bar()
    network.save_pretrained(folder)
    logging.enable_progress_bar()
    tokenizer.save_pretrained(folder)
    return folder


def export(folder: Path, target: Path) -> Path:
    """The same classifier as Optimum exports it: model.onnx, tokenizer.json and config.json; returns ``target``."""
    import shutil
    import warnings

    import torch
    import transformers

    network = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager"
    ).eval()
    names = ["input_ids", "attention_mask"]
    if network.config.model_type == "bert":
        names.append("token_type_ids")
    example = tuple(torch.ones(1, 6, dtype=torch.int64) for _ in names)
    target.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter
        torch.onnx.export(
            network, example, target / "model.onnx", input_names=names, output_names=["logits"], dynamo=False,
            dynamic_axes={name: {0: "batch", 1: "length"} for name in names}, opset_version=17,
        )  # fmt: skip
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, target)
    return target


def _bert() -> tuple[Any, Any]:
    import transformers

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "not", "day", *LETTERS]
    pieces = [*words, *(f"##{letter}" for letter in LETTERS)]
    return transformers.BertTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}), transformers.BertConfig


def _roberta() -> tuple[Any, Any]:
    import transformers
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *bytes_to_unicode().values(), "go", "od"]
    vocab = {piece: n for n, piece in enumerate(pieces)}
    return transformers.RobertaTokenizer(vocab=vocab, merges=[("g", "o"), ("o", "d")]), transformers.RobertaConfig


def _xlm_roberta() -> tuple[Any, Any]:
    import transformers

    marks = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    words = [(piece, -2.0) for piece in ("▁good", "▁bad", "▁gut", "▁день", "▁", "天")]
    letters = [(letter, -5.0) for letter in LETTERS]
    return transformers.XLMRobertaTokenizer(
        vocab=[*marks, *words, *letters, ("<mask>", 0.0)]
    ), transformers.XLMRobertaConfig


KINDS = {"bert": _bert, "roberta": _roberta, "xlm-roberta": _xlm_roberta}
"""How each tokenizer and config is made."""
