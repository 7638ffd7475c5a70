"""Tiny networks with random weights, saved in the format of the hub by transformers itself.

Each maker writes the configuration, the weights and what prepares the input, as a repository of the hub has them, and
returns the folder.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "ARCHITECTURES",
    "LABELS",
    "SOUNDS",
    "ast",
    "chinese_clip",
    "clip",
    "dinov2",
    "export",
    "resnet",
    "sentences",
    "siglip",
    "siglip2",
    "vit",
    "write",
]

LABELS = ("abseiling", "cooking egg", "dancing ballet", "filling eyebrows", "riding a bike", "yoga")
ARCHITECTURES = ("VideoMAE", "Timesformer")
SIZES: dict[str, Any] = {
    "image_size": 32, "patch_size": 16, "num_frames": 4, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.5,
}  # fmt: skip
PROCESSOR = {
    "image_processor_type": "VideoMAEImageProcessor", "do_resize": True, "size": {"shortest_edge": 32}, "resample": 2,
    "do_center_crop": True, "crop_size": {"height": 32, "width": 32}, "do_rescale": True, "rescale_factor": 1 / 255,
    "do_normalize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
}  # fmt: skip


def write(folder: Path, architecture: str = "VideoMAE", seed: int = 1, **config: Any) -> Path:
    """Save a network that takes 4 frames of 32 x 32 px and knows six actions; returns the folder."""
    import torch
    import transformers
    from transformers.utils import logging

    torch.manual_seed(seed)
    labels = {"id2label": dict(enumerate(LABELS)), "label2id": {name: n for n, name in enumerate(LABELS)}}
    settings = getattr(transformers, f"{architecture}Config")(**{**SIZES, **labels, **config})
    logging.disable_progress_bar()
    getattr(transformers, f"{architecture}ForVideoClassification")(settings).save_pretrained(folder)
    logging.enable_progress_bar()
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


WORDS = ("a", "photo", "of", "cat", "dog", "red", "flag", "the", "people", "march", "in", "street", "crowd", "police")
"""What the tokenizers know as whole words; everything else is taken apart."""
VISION: dict[str, Any] = {
    "image_size": 32, "patch_size": 8, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip


def clip(folder: Path, seed: int = 1) -> Path:
    """CLIP: pictures of 32 x 32 px and texts of up to 77 tokens to 12 numbers."""
    import transformers

    tokenizer = transformers.CLIPTokenizer(*_byte_pairs(), model_max_length=77)
    marks = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text = {**TEXT, **marks, "vocab_size": len(tokenizer), "max_position_embeddings": 77, "pad_token_id": 0}
    config = transformers.CLIPConfig(text_config=text, vision_config=VISION, projection_dim=12)
    pictures = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return _save(folder, seed, transformers.CLIPModel, config, pictures, tokenizer)


def chinese_clip(folder: Path, seed: int = 1) -> Path:
    """ChineseCLIP: pictures of 32 x 32 px and texts of up to 52 tokens to 12 numbers; its vocabulary in vocab.txt."""
    import transformers

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"抗议红旗猫狗的照片一张"]
    text = {**TEXT, "vocab_size": len(pieces), "max_position_embeddings": 52}
    config = transformers.ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=12)
    crop = {"height": 32, "width": 32}
    pictures = transformers.ChineseCLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=crop)
    _save(folder, seed, transformers.ChineseCLIPModel, config, pictures)
    (folder / "vocab.txt").write_text("\n".join(pieces), "utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]", "model_max_length": 52}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def siglip(folder: Path, seed: int = 1) -> Path:
    """SigLIP, and the fixed sizes of SigLIP 2: pictures of 32 x 32 px, texts padded to 64 tokens, to 16 numbers."""
    import transformers

    tokenizer = _unigram(64)
    config = transformers.SiglipConfig(text_config=_siglip_text(tokenizer), vision_config=VISION)
    pictures = transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return _save(folder, seed, transformers.SiglipModel, config, pictures, tokenizer)


def siglip2(folder: Path, seed: int = 1) -> Path:
    """SigLIP 2 for any shape of picture (NaFlex): at most 16 patches of 8 x 8 px, texts padded to 64 tokens."""
    import transformers

    tokenizer = _gemma(64)
    vision = {name: value for name, value in VISION.items() if name != "image_size"} | {"num_patches": 16}
    config = transformers.Siglip2Config(text_config=_siglip_text(tokenizer), vision_config=vision)
    pictures = transformers.Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16)
    return _save(folder, seed, transformers.Siglip2Model, config, pictures, tokenizer)


def dinov2(folder: Path, seed: int = 1) -> Path:
    """DINOv2: shorter side to 40 px, the central 32 x 32 px, to 16 numbers."""
    import transformers

    pictures = transformers.BitImageProcessorPil(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}, resample=3,
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
    )  # fmt: skip
    config = transformers.Dinov2Config(**{**VISION, "mlp_ratio": 2})
    return _save(folder, seed, transformers.Dinov2Model, config, pictures)


def vit(folder: Path, seed: int = 1) -> Path:
    """ViT with its pooler: pictures squeezed to 32 x 32 px, to 16 numbers."""
    import transformers

    pictures = transformers.ViTImageProcessorPil(size={"height": 32, "width": 32})
    return _save(folder, seed, transformers.ViTModel, transformers.ViTConfig(**VISION), pictures)


def resnet(folder: Path, seed: int = 1) -> Path:
    """ResNet with its classes, as the hub has it: shorter side to 36 px, the central 32 x 32 px, to 16 numbers."""
    import transformers

    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_labels=3, depth_multiplier=1
    )
    pictures = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 32}, crop_pct=0.875)
    return _save(folder, seed, transformers.ResNetForImageClassification, config, pictures)


SOUNDS = ("Speech", "Male speech, man speaking", "Laughter", "Applause", "Music", "Siren", "Silence")


def ast(folder: Path, seed: int = 1, prepare: Any = None, **config: Any) -> Path:
    """AST: up to 10.24 s of sound, prepared as AudioSet's is, to seven of its classes."""
    import transformers

    labels = {"id2label": dict(enumerate(SOUNDS)), "label2id": {name: n for n, name in enumerate(SOUNDS)}}
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    settings = transformers.ASTConfig(**{**sizes, **labels, **config})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
        extractor = transformers.ASTFeatureExtractor(**(prepare or {}))
    return _save(folder, seed, transformers.ASTForAudioClassification, settings, extractor)


def sentences(folder: Path, seed: int = 1, pooling: str = "mean") -> Path:
    """A sentence encoder as E5's repository has it: 16 numbers, at most 32 tokens, pooled by "mean" or "cls"."""
    import transformers

    tokenizer = _unigram(32, roberta=True)
    marks = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": 0, "eos_token_id": tokenizer.eos_token_id}
    config = transformers.XLMRobertaConfig(
        **TEXT, **marks, vocab_size=len(tokenizer), max_position_embeddings=34, type_vocab_size=1
    )
    _save(folder, seed, transformers.XLMRobertaModel, config, None, tokenizer)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    listed = [{"idx": n, "name": str(n), "path": p, "type": f"sentence_transformers.models.{t}"}
              for n, (p, t) in enumerate(modules)]  # fmt: skip
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {"word_embedding_dimension": 16, "pooling_mode_cls_token": pooling == "cls",
             "pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_max_tokens": pooling == "max"}  # fmt: skip
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 32, "do_lower_case": False}))
    return folder


def _save(folder: Path, seed: int, network: Any, config: Any, *prepare: Any) -> Path:
    """Random weights that tell inputs apart: as they are made, they say nearly the same of everything."""
    import torch

    torch.manual_seed(seed)
    made = network(config)
    with torch.no_grad():
        for values in made.parameters():
            if values.ndim > 1:
                torch.nn.init.xavier_normal_(values, gain=2.0)
    with _quiet():
        made.save_pretrained(folder)
    for one in prepare:
        if one is not None:
            one.save_pretrained(folder)
    return folder


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


def _byte_pairs() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of CLIP's kind: bytes, bytes that end a word, and `WORDS`."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    known = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            merges += [] if pair in merges else [pair]
            pieces = ["".join(pair), *pieces[2:]]
            known += [] if pieces[0] in known else [pieces[0]]
    known += ["<|startoftext|>", "<|endoftext|>"]
    return {piece: number for number, piece in enumerate(known)}, merges


def _unigram(longest: int, roberta: bool = False) -> Any:
    """A fast tokenizer of sentencepiece's kind that reads bytes of what it does not know.

    SigLIP 2's pads with 0 and ends texts with 1; XLM-RoBERTa's begins with 0, pads with 1, ends with 2.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = ["<s>", "<pad>", "</s>", "<unk>"] if roberta else ["<pad>", "</s>", "<s>", "<unk>"]
    letters = [chr(code) for code in range(33, 127)]
    pieces = [(mark, 0.0) for mark in marks] + [(f"<0x{code:02X}>", -9.0) for code in range(256)]
    pieces += [
        ("▁", -3.0),
        *((letter, -6.0) for letter in letters),
        *((f"▁{word}", -2.0) for word in WORDS if word != "▁"),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    single = "<s> $A </s>" if roberta else "$A </s>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[(mark, marks.index(mark)) for mark in ("<s>", "</s>")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        model_max_length=longest, padding_side="right",
    )  # fmt: skip


def _gemma(longest: int) -> Any:
    """A fast tokenizer of Gemma's kind: byte pairs over letters, with bytes for the rest; texts end with 1."""
    from tokenizers import Tokenizer, models, normalizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    known = [*marks, *(f"<0x{code:02X}>" for code in range(256)), "▁", *(chr(code) for code in range(33, 127))]
    merges = []
    for word in WORDS:
        start = "▁"
        for letter in word:
            merges += [] if (start, letter) in merges else [(start, letter)]
            start += letter
            known += [] if start in known else [start]
    vocabulary = {piece: number for number, piece in enumerate(known)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>",
        model_max_length=longest, padding_side="right",
    )  # fmt: skip


def _siglip_text(tokenizer: Any) -> dict[str, Any]:
    marks = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": 2}
    return {**TEXT, **marks, "vocab_size": len(tokenizer), "max_position_embeddings": 64, "projection_size": 16}


def export(folder: Path, to: Path, precision: str = "float32") -> Path:
    """What a repository of exports has of a checkpoint: its JSON, and graphs in ``to``/onnx; returns ``to``.

    CLIP's kin becomes vision_model.onnx and text_model.onnx, others model.onnx; float16 and int8 are named as the hub
    names them.
    """
    import shutil

    import torch
    import transformers

    with _quiet():
        network = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    network = network.half() if precision == "float16" else network
    (to / "onnx").mkdir(parents=True, exist_ok=True)
    for file in folder.rglob("*.json"):
        (to / file.relative_to(folder)).parent.mkdir(exist_ok=True)
        shutil.copy(file, to / file.relative_to(folder))
    pixels = {"pixel_values": torch.rand(2, 3, 32, 32).to(network.dtype)}
    ids = {"input_ids": torch.randint(4, 90, (2, 64))}
    ends = {"float16": "_fp16", "int8": "_quantized"}
    for name, given, named, run in _towers(network, pixels, ids):
        _graph(network, to / "onnx" / f"{name}{ends.get(precision, '')}.onnx", given, named, run)
    if precision == "int8":
        for graph in (to / "onnx").glob("*_quantized.onnx"):
            _quantise(graph)
    return to


def _towers(network: Any, pixels: dict[str, Any], ids: dict[str, Any]) -> list[tuple[str, dict[str, Any], str, Any]]:
    """Of every graph its name, an example of its input, the name of its output, and what it does."""
    import torch

    if not hasattr(network, "get_image_features"):
        if network.main_input_name == "pixel_values":
            return [("model", pixels, "last_hidden_state", lambda x: network(x).last_hidden_state)]
        short = {"input_ids": ids["input_ids"][:, :20]}
        masked = {**short, "attention_mask": torch.ones_like(short["input_ids"])}
        return [("model", masked, "last_hidden_state", lambda x, y: network(x, attention_mask=y).last_hidden_state)]
    sigmoid = network.config.model_type.startswith("siglip")
    names = ("pooler_output", "pooler_output") if sigmoid else ("image_embeds", "text_embeds")
    if not sigmoid:
        ids = {
            "input_ids": torch.cat(
                [ids["input_ids"][:, :20], torch.full((2, 1), network.config.text_config.eos_token_id)], 1
            )
        }
    return [
        ("vision_model", pixels, names[0], lambda x: network.get_image_features(pixel_values=x).pooler_output),
        ("text_model", ids, names[1], lambda x: network.get_text_features(input_ids=x).pooler_output),
    ]


def _graph(network: Any, file: Path, given: dict[str, Any], named: str, run: Any) -> None:
    import torch

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *values: Any) -> Any:
            return run(*values)

    free = {name: {0: "batch", **({} if values.ndim == 4 else {1: "tokens"})} for name, values in given.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Tower().eval(), tuple(given.values()), str(file), input_names=list(given), output_names=[named],
            dynamic_axes={**free, named: {0: "batch"}}, opset_version=17, dynamo=False,
        )  # fmt: skip


def _quantise(file: Path) -> None:
    from onnxruntime.quantization import quantize_dynamic

    whole = file.with_name("whole.onnx")
    file.rename(whole)
    quantize_dynamic(whole, file)
    whole.unlink()
