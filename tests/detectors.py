"""Tiny object detectors made on the spot: ONNX graphs that find colours, and transformers with random weights.

A graph gives one box around all that is red, one around all that is green, one around all that is blue, so what it says
depends on what it is shown: where a picture is put in the input, and what lies beside it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["COLOURS", "NAMES", "blobs", "constant", "rectangles", "transformer"]

NAMES = ("red", "green", "blue")
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
GREY = 114

Box = tuple[int, int, int, int]


def rectangles(height: int, width: int, boxes: dict[str, Box]) -> np.ndarray:
    """A grey picture with a rectangle of each colour named."""
    picture = np.full((height, width, 3), GREY, np.uint8)
    for name, (x0, y0, x1, y1) in boxes.items():
        picture[y0:y1, x0:x1] = COLOURS[NAMES.index(name)]
    return picture


def blobs(file: Path, family: str, size: tuple[int, int] = (128, 128), **metadata: Any) -> Path:
    """A detector of the three colours; returns the file.

    Args:
        file: to write.
        family: "yolov8" (centre and sides), "yolov5", "end-to-end" (corners, confidence, class), "boxes" (boxes, labels
            from 1 on, scores), "tf" (as TensorFlow exports: uint8, height x width x 3, shares, y before x).
        size: height and width of its input.
        metadata: what the file says of itself.
    """
    graph = Graph()
    if family == "tf":
        graph.input("image", "UINT8", [1, *size, 3])
        picture = graph("Transpose", graph("Cast", "image", to=1), perm=[0, 3, 1, 2])
        picture = graph("Mul", picture, graph.constant(np.float32(1 / 255)))
    else:
        graph.input("image", "FLOAT", [1, 3, *size])
        picture = "image"
    corners, shown = _found(graph, picture, size)  # 3 x 4, 3
    _say(graph, family, corners, shown, size)
    return graph.save(file, metadata)


def constant(file: Path, outputs: dict[str, np.ndarray], shape: Sequence[Any] = (1, 3, 64, 64), **rest: Any) -> Path:
    """A network that says the same whatever it sees; ``rest`` may give the type of its input, and metadata."""
    graph = Graph()
    graph.input("image", rest.pop("type", "FLOAT"), list(shape))
    for name, values in outputs.items():
        graph.output(graph("Identity", graph.constant(values), name=name), values.dtype, list(values.shape))
    return graph.save(file, rest)


def transformer(folder: Path, kind: str, seed: int = 1) -> Path:
    """A tiny detector of transformers with random weights, in the format of the hub; returns the folder.

    Args:
        folder: to write.
        kind: "detr" (softmax with "no object"), "rt-detr", "d-fine" (sigmoid) or "owlv2" (words).
        seed: of the weights.
    """
    import torch
    from transformers.utils import logging

    torch.manual_seed(seed)
    network, processor = {"detr": _detr, "rt-detr": _rt_detr, "d-fine": _d_fine, "owlv2": _owlv2}[kind]()
    with torch.no_grad():
        for values in network.parameters():  # as they are made, they say the same of everything
            if values.ndim > 1:
                torch.nn.init.xavier_normal_(values, gain=2.0)
    logging.disable_progress_bar()
    network.save_pretrained(folder)
    logging.enable_progress_bar()
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    if kind == "owlv2":
        _tokenizer(folder)
    return folder


class Graph:
    """An ONNX graph that grows node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def __call__(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = name or f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values), f"constant{len(self.constants)}"))
        return str(self.constants[-1].name)

    def input(self, name: str, kind: str, shape: list[Any]) -> None:
        from onnx import TensorProto, helper

        self.inputs.append(helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape))

    def output(self, name: str, dtype: Any, shape: list[Any]) -> None:
        from onnx import helper

        self.outputs.append(
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
        )

    def save(self, file: Path, metadata: dict[str, Any]) -> Path:
        from onnx import checker, helper, save

        graph = helper.make_graph(self.nodes, "tiny", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
        checker.check_model(model)
        file.parent.mkdir(parents=True, exist_ok=True)
        save(model, file)
        return file


def _found(graph: Graph, picture: str, size: tuple[int, int]) -> tuple[str, str]:
    """Corners (3 x 4, px of the input) of what has each colour, and whether there is any (3)."""
    one = graph.constant(np.float32([1]))
    kernel = np.float32([[2 * (i == j) - 1 for j in range(3)] for i in range(3)])[:, :, None, None]
    pure = graph("Conv", picture, graph.constant(kernel))  # 1 for the colour itself, at most .1 for grey
    seen = graph("Cast", graph("Greater", pure, graph.constant(np.float32(0.5))), to=1)
    sides = []
    for axis, length in ((3, size[1]), (2, size[0])):
        line = graph("ReduceMax", seen, axes=[2 if axis == 3 else 3], keepdims=0)  # 1 x 3 x length
        at = graph.constant(np.arange(length, dtype=np.float32))
        far = graph.constant(np.float32(10_000))
        absent = graph("Mul", graph("Sub", one, line), far)
        first = graph("ReduceMin", graph("Add", graph("Mul", line, at), absent), axes=[2], keepdims=0)
        last = graph("Add", graph("ReduceMax", graph("Mul", line, at), axes=[2], keepdims=0), one)
        sides.append((first, last))
    (x0, x1), (y0, y1) = sides
    shown = graph("ReduceMax", seen, axes=[2, 3], keepdims=0)
    second = graph.constant(np.int64([2]))
    columns = [graph("Unsqueeze", graph("Mul", side, shown), second) for side in (x0, y0, x1, y1)]
    first_axis = graph.constant(np.int64([0]))
    return graph("Squeeze", graph("Concat", *columns, axis=2), first_axis), graph("Squeeze", shown, first_axis)


def _say(graph: Graph, family: str, corners: str, shown: str, size: tuple[int, int]) -> None:
    """Add the outputs of a family. Confidences are .9, .8 and .7 for red, green and blue."""
    batch, last = graph.constant(np.int64([0])), graph.constant(np.int64([1]))
    confidence = graph("Mul", shown, graph.constant(np.float32([0.9, 0.8, 0.7])))
    if family in {"yolov8", "yolov5"}:
        half = np.float32([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]])
        centred = graph("MatMul", corners, graph.constant(half))
        classes = graph("Mul", graph("Unsqueeze", confidence, last), graph.constant(np.eye(3, dtype=np.float32)))
        places = sum((size[0] // s) * (size[1] // s) for s in (8, 16, 32)) * (3 if family == "yolov5" else 1)
        sure = [graph.constant(np.ones((3, 1), np.float32))] if family == "yolov5" else []
        rows = graph("Concat", centred, *sure, classes, axis=1)
        width = 7 + len(sure)
        padded = graph("Pad", rows, graph.constant(np.int64([0, 0, places - 3, 0])))
        said = graph("Transpose", padded, perm=[1, 0]) if family == "yolov8" else padded
        shape = [1, width, places] if family == "yolov8" else [1, places, width]
        graph.output(graph("Unsqueeze", said, batch, name="output0"), np.float32, shape)
    elif family == "end-to-end":
        numbers = graph.constant(np.float32([[0], [1], [2]]))
        rows = graph("Concat", corners, graph("Unsqueeze", confidence, last), numbers, axis=1)
        padded = graph("Pad", rows, graph.constant(np.int64([0, 0, 297, 0])))
        graph.output(graph("Unsqueeze", padded, batch, name="output0"), np.float32, [1, 300, 6])
    elif family == "boxes":
        graph.output(graph("Identity", corners, name="boxes"), np.float32, [3, 4])
        graph.output(graph("Identity", graph.constant(np.int64([1, 2, 3])), name="labels"), np.int64, [3])
        graph.output(graph("Identity", confidence, name="scores"), np.float32, [3])
    else:
        turned = graph("Gather", corners, graph.constant(np.int64([1, 0, 3, 2])), axis=1)
        shares = graph("Div", turned, graph.constant(np.float32([size[0], size[1], size[0], size[1]])))
        graph.output(graph("Unsqueeze", shares, batch, name="detection_boxes"), np.float32, [1, 3, 4])
        graph.output(graph("Unsqueeze", confidence, batch, name="detection_scores"), np.float32, [1, 3])
        numbers = graph.constant(np.float32([[1, 2, 3]]))
        graph.output(graph("Identity", numbers, name="detection_classes"), np.float32, [1, 3])
        graph.output(graph("Identity", graph.constant(np.float32([3])), name="num_detections"), np.float32, [1])


def _labels() -> dict[str, Any]:
    return {"id2label": dict(enumerate(NAMES)), "label2id": {name: n for n, name in enumerate(NAMES)}}


def _prepared(kind: str, size: dict[str, int]) -> dict[str, Any]:
    return {
        "image_processor_type": f"{kind}ImageProcessor", "do_resize": True, "size": size, "resample": 2,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": kind != "RTDetr", "do_pad": kind != "RTDetr",
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    }  # fmt: skip


def _detr() -> tuple[Any, dict[str, Any]]:
    import transformers

    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, num_queries=12, d_model=16, encoder_layers=1,
        decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2,
        decoder_attention_heads=2, **_labels(),
    )  # fmt: skip
    size = {"shortest_edge": 64, "longest_edge": 128}
    return transformers.DetrForObjectDetection(config), _prepared("Detr", size)


def _rt_detr() -> tuple[Any, dict[str, Any]]:
    import transformers

    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[8, 16, 16], **_small(), **_labels()
    )
    return transformers.RTDetrForObjectDetection(config), _prepared("RTDetr", {"height": 64, "width": 64})


def _d_fine() -> tuple[Any, dict[str, Any]]:
    import transformers

    backbone = transformers.HGNetV2Config(
        stem_channels=[3, 8, 8], stage_in_channels=[8, 8, 16, 16], stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[8, 16, 16, 16], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], embedding_size=8,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.DFineConfig(
        backbone_config=backbone, encoder_in_channels=[16, 16, 16], **_small(), **_labels()
    )
    return transformers.DFineForObjectDetection(config), _prepared("RTDetr", {"height": 64, "width": 64})


def _small() -> dict[str, Any]:
    return {
        "encoder_hidden_dim": 16, "d_model": 16, "num_queries": 12, "decoder_layers": 2, "decoder_ffn_dim": 16,
        "encoder_ffn_dim": 16, "decoder_attention_heads": 2, "encoder_attention_heads": 2, "decoder_n_points": 2,
        "decoder_in_channels": [16, 16, 16], "num_denoising": 0, "anchor_image_size": None, "encoder_layers": 1,
    }  # fmt: skip


def _owlv2() -> tuple[Any, dict[str, Any]]:
    import transformers

    common = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Owlv2Config(
        text_config={**common, "vocab_size": 514, "max_position_embeddings": 16, "eos_token_id": 513,
                     "bos_token_id": 512, "pad_token_id": 0},
        vision_config={**common, "image_size": 64, "patch_size": 16}, projection_dim=16,
    )  # fmt: skip
    prepared = _prepared("Owlv2", {"height": 64, "width": 64})
    return transformers.Owlv2ForObjectDetection(config), prepared


def _tokenizer(folder: Path) -> None:
    """CLIP's tokenizer with bytes for words."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 16, "pad_token": "!"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
