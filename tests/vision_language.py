"""Tiny networks that read pictures and write text, with random weights, saved in the format of the hub by transformers.

Each maker writes configuration, weights, tokenizer, processor and, where the original has one, its chat template, and
returns the folder. They say nothing that makes sense, but another thing for every picture and every seed.
"""

from pathlib import Path
from typing import Any

from checkpoints import VISION

__all__ = ["CHATS", "blip_captions", "blip_vqa", "git", "idefics3", "llava"]

WORDS = (
    "a", "photo", "of", "the", "what", "is", "there", "how", "many", "people", "cat", "dog", "yes", "no", "red", "flag",
    "march", "street", "crowd", "police", "protest", "none", "these", "in", "or", "one", "two", "three",
)  # fmt: skip
TEXT: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip
IDEFICS3 = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == "
    "'image' %}{{':'}}{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}"
    "{{line['text']}}{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""The chat template of SmolVLM-Instruct and Idefics3."""
LLAVA = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
"""The chat template of LLaVA 1.5: it writes no <s>; the tokenizer does."""


def blip_captions(folder: Path, seed: int = 1) -> Path:
    """BLIP for captions: pictures squeezed to 32 x 32 px, captions of at most 64 word pieces."""
    import transformers

    return _blip(folder, seed, transformers.BlipForConditionalGeneration)


def blip_vqa(folder: Path, seed: int = 1) -> Path:
    """BLIP for questions about a picture."""
    import transformers

    return _blip(folder, seed, transformers.BlipForQuestionAnswering)


def git(folder: Path, seed: int = 1) -> Path:
    """GIT, another captioner, which reads the picture as if it were words before the caption."""
    import transformers

    tokenizer = _bert()
    marks = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id, "pad_token_id": 0}
    config = transformers.GitConfig(
        vision_config={**VISION, "patch_size": 16},
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        **TEXT,
        **marks,
    )
    pictures = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return _save(folder, seed, transformers.GitForCausalLM, config, transformers.GitProcessor(pictures, tokenizer))


def idefics3(folder: Path, seed: int = 1, longest: int = 4096) -> Path:
    """Idefics3, which SmolVLM-Instruct is: pictures cut into tiles of 32 x 32 px, four tokens a tile.

    Args:
        folder: to write.
        seed: of the weights.
        longest: tokens that it reads and writes, at most.
    """
    import transformers

    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    added = ["<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>", *tiles]
    tokenizer = _bytes(added, bos_token="<|im_start|>", eos_token="<end_of_utterance>", pad_token="<pad>")
    pictures = transformers.Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    processor = transformers.Idefics3Processor(pictures, tokenizer, image_seq_len=4, chat_template=IDEFICS3)
    marks = _marks(tokenizer)
    text = {
        "model_type": "llama",
        **TEXT,
        **marks,
        "vocab_size": len(tokenizer) + 3,
        "max_position_embeddings": longest,
    }
    config = transformers.Idefics3Config(
        vision_config=VISION, text_config=text, scale_factor=2, image_token_id=processor.image_token_id, **marks
    )
    return _save(folder, seed, transformers.Idefics3ForConditionalGeneration, config, processor)


def llava(folder: Path, seed: int = 1, longest: int = 4096) -> Path:
    """LLaVA 1.5: the central 32 x 32 px of a picture in 16 tokens, before CLIP's last layer."""
    import transformers

    tokenizer = _bytes(["<s>", "</s>", "<image>"], bos_token="<s>", eos_token="</s>", pad_token="<pad>", begins="<s>")
    pictures = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = transformers.LlavaProcessor(
        pictures, tokenizer, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=LLAVA,
    )  # fmt: skip
    marks = _marks(tokenizer)
    text = {
        "model_type": "llama",
        **TEXT,
        **marks,
        "vocab_size": len(tokenizer) + 3,
        "max_position_embeddings": longest,
    }
    config = transformers.LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **VISION}, text_config=text, **marks,
        image_token_index=processor.image_token_id,
    )  # fmt: skip
    return _save(folder, seed, transformers.LlavaForConditionalGeneration, config, processor)


CHATS = {"idefics3": idefics3, "llava": llava}
"""Makers of models to chat with."""


def _blip(folder: Path, seed: int, network: Any) -> Path:
    """With BERT's tokenizer; [DEC] and [ENC] are numbers of the network that the tokenizer lacks, as in BLIP."""
    import transformers

    tokenizer = _bert()
    known = len(tokenizer)
    text = {
        **TEXT, "vocab_size": known + 2, "max_position_embeddings": 64, "pad_token_id": 0,
        "bos_token_id": known, "eos_token_id": 2, "sep_token_id": tokenizer.sep_token_id,
    }  # fmt: skip
    config = transformers.BlipConfig(
        text_config=text, vision_config={**VISION, "hidden_size": 32}, projection_dim=16, image_text_hidden_size=16
    )
    pictures = transformers.BlipImageProcessorPil(size={"height": 32, "width": 32})
    return _save(folder, seed, network, config, transformers.BlipProcessor(pictures, tokenizer))


def _bert() -> Any:
    """A lower-case word-piece tokenizer that knows `WORDS`, and takes the rest apart into letters and digits."""
    import transformers

    letters = [chr(code) for code in (*range(33, 65), *range(91, 127))]
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*marks, *dict.fromkeys([*letters, *(f"##{letter}" for letter in letters), *WORDS])]
    return transformers.BertTokenizer({piece: number for number, piece in enumerate(pieces)}, model_max_length=64)


def _bytes(added: list[str], begins: str = "", **marks: str) -> Any:
    """A byte-level tokenizer that knows `WORDS`; ``begins`` is what it puts before every text, if anything."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    known = list(bytes_to_unicode().values())
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        start = "Ġ"
        for letter in word:
            merges += [] if (start, letter) in merges else [(start, letter)]
            start += letter
            known += [] if start in known else [start]
    tokenizer = Tokenizer(models.BPE({piece: number for number, piece in enumerate(known)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(one, normalized=False, special=True) for one in ("<pad>", *added)]
    tokenizer.add_special_tokens(special)
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begins} $A", special_tokens=[(begins, tokenizer.token_to_id(begins))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **marks, extra_special_tokens=added, clean_up_tokenization_spaces=False
    )


def _marks(tokenizer: Any) -> dict[str, int]:
    return {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}


def _save(folder: Path, seed: int, network: Any, config: Any, processor: Any) -> Path:
    """Random weights that tell inputs apart: as they are made, they say nearly the same of everything."""
    import torch
    from transformers.utils import logging

    torch.manual_seed(seed)
    made = network(config)
    with torch.no_grad():
        for values in made.parameters():
            if values.ndim > 1:
                torch.nn.init.xavier_normal_(values, gain=2.0)
    logging.disable_progress_bar()
    made.save_pretrained(folder)
    logging.enable_progress_bar()
    processor.save_pretrained(folder)
    return folder
