"""Tiny video transformers with random weights, saved in the format of the hub by transformers itself."""

import json
from pathlib import Path
from typing import Any

__all__ = ["ARCHITECTURES", "LABELS", "write"]

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
