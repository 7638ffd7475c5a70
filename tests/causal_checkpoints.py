"""Tiny language models with random weights, saved in the format of the hub by transformers itself."""

from pathlib import Path
from typing import Any

__all__ = ["CHATML", "causal", "tokenizer"]

WORDS = ("YES", "NO", "A", "B", "C", "1", "2", "3", "the", "text", "march", "crowd", "police", "cat", "dog", "asleep")
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% if enable_thinking is defined and "
    "not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
"""The chat template of Qwen's kind, which thinks aloud unless it is told not to."""


def causal(folder: Path, kind: str = "llama", seed: int = 1, longest: int = 2048, template: str = CHATML) -> Path:
    """A model that goes on with a text; returns the folder.

    Args:
        folder: to write.
        kind: "llama", or "gpt2" (absolute positions, and weights stored transposed).
        seed: of the weights.
        longest: tokens that it reads.
        template: of a chat; "" for a model that was never tuned to chat.
    """
    import torch
    import transformers
    from transformers.utils import logging

    words = tokenizer(template)
    marks = {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    sizes = {"vocab_size": len(words), "max_position_embeddings": longest, **marks}
    if kind == "gpt2":
        drops = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)  # so small, it would forget all
        config: Any = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, **drops, **sizes)
    else:
        config = transformers.LlamaConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, **sizes
        )
    torch.manual_seed(seed)
    network = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for values in network.parameters():  # as they are made, they say nearly the same of everything
            if values.ndim > 1:
                torch.nn.init.xavier_normal_(values, gain=2.0)
    logging.disable_progress_bar()
    network.save_pretrained(folder)
    logging.enable_progress_bar()
    words.save_pretrained(folder)
    return folder


def tokenizer(template: str = CHATML) -> Any:
    """Byte pairs that know `WORDS`, with and without a blank before them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    known = list(bytes_to_unicode().values())
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [word[0], *word[1:], "Ġ"]  # a blank is joined last
        start = pieces[0]
        for piece in pieces[1:]:
            pair = (piece, start) if piece == "Ġ" else (start, piece)
            merges += [] if pair in merges else [pair]
            start = "".join(pair)
            known += [] if start in known else [start]
    pairs = Tokenizer(models.BPE({piece: number for number, piece in enumerate(known)}, merges))
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|im_start|>", "<|im_end|>"]
    pairs.add_special_tokens([AddedToken(one, normalized=False, special=True) for one in special])
    made = PreTrainedTokenizerFast(
        tokenizer_object=pairs, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    made.chat_template = template or None
    return made
