"""What models cost on a processor: CPU time of one picture, one thread, and the arithmetic behind it.

    python benchmarks/models.py                        # the embedded defaults, and architectures with random weights
    python benchmarks/models.py --only ResNet-50,minilm --rounds 9

The speed of a network does not depend on its weights, so the networks of the hub are built here from their
configurations, with random ones. Of the embedded models the whole measure is timed, from a decoded picture of 720 x 540
px (or a text of 20 words) to the vector; of the others the network alone, in PyTorch, on a picture that is ready.

CPU seconds of the process, one thread, float32, median of rounds in which all take turns; `ratio` is the median over
the rounds of the time beside EfficientNet-Lite0 in the same round, which is what carries over to another machine.
GFLOP: two for each multiplication and addition of the matrix products and convolutions, counted by PyTorch, of the part
that sees the picture; for those too slow to time in passing that is all there is.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from studium.measure.embed import Embed, EmbedText

BASE = "efficientnet-lite0"
TEXT = "thousands of people marched through the city with signs and asked the government to act on climate change now"


def vit(width: int, layers: int, heads: int) -> dict[str, Any]:
    """A vision transformer of the usual proportions."""
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
    }


SMALL, BASIC, LARGE = vit(384, 12, 6), vit(768, 12, 12), vit(1024, 24, 16)
FINE = {**BASIC, "image_size": 960, "patch_size": 16}
ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any], int, bool]] = {
    # name: configuration, network, settings, side of its input in px, whether it is timed
    "ResNet-50": ("ResNetConfig", "ResNetModel", {}, 224, True),
    "DINOv2-S/14": ("Dinov2Config", "Dinov2Model", {**SMALL, "image_size": 518, "patch_size": 14}, 224, True),
    "DINOv2-B/14": ("Dinov2Config", "Dinov2Model", {**BASIC, "image_size": 518, "patch_size": 14}, 224, True),
    "CLIP ViT-B/32": ("CLIPVisionConfig", "CLIPVisionModelWithProjection", {**BASIC, "patch_size": 32}, 224, True),
    "CLIP ViT-L/14": ("CLIPVisionConfig", "CLIPVisionModelWithProjection", {**LARGE, "patch_size": 14}, 224, True),
    "SigLIP B/16, 224 px": ("SiglipVisionConfig", "SiglipVisionModel", {**BASIC, "image_size": 224}, 224, True),
    "SigLIP B/16, 256 px": ("SiglipVisionConfig", "SiglipVisionModel", {**BASIC, "image_size": 256}, 256, True),
    "BLIP L/16, 384 px": ("BlipVisionConfig", "BlipVisionModel", {**LARGE, "image_size": 384}, 384, False),
    "BLIP B/16, 384 px": ("BlipVisionConfig", "BlipVisionModel", {**BASIC, "image_size": 384}, 384, False),
    "OWLv2 B/16, 960 px": ("Owlv2VisionConfig", "Owlv2VisionModel", FINE, 960, False),
}  # fmt: skip


def built(name: str, device: str) -> tuple[Any, Any]:
    """A network with random weights and a picture that is ready for it."""
    config, model, settings, side, _ = ARCHITECTURES[name]
    with torch.device(device):
        network = getattr(transformers, model)(getattr(transformers, config)(**settings)).eval()
        return network, torch.zeros(1, 3, side, side)


@torch.inference_mode()
def arithmetic(name: str) -> tuple[float, float]:
    """Millions of parameters and GFLOP of one picture; computes nothing, holds no weights."""
    network, pixels = built(name, "meta")
    with FlopCounterMode(display=False) as counter:
        network(pixels)
    return sum(weight.numel() for weight in network.parameters()) / 1e6, counter.get_total_flops() / 1e9


def timed(name: str) -> Callable[[], object]:
    """One forward pass."""
    network, pixels = built(name, "cpu")
    return torch.inference_mode()(lambda: network(pixels))


def embedded() -> dict[str, Callable[[], object]]:
    """The models that come with the package index, from a decoded picture or a text to the vector."""
    picture = np.random.default_rng(1).integers(0, 256, (540, 720, 3), np.uint8)
    pictures = {name: Embed(name) for name in (BASE, "conse")}
    texts = {"minilm": EmbedText("minilm")}
    calls: dict[str, Callable[[], object]] = {name: lambda one=one: one([picture]) for name, one in pictures.items()}
    return calls | {name: lambda one=one: one([TEXT]) for name, one in texts.items()}


def measured(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each, in turns, after one to warm up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            begun = time.process_time()
            call()
            times[name].append(time.process_time() - begun)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="names, separated by commas, or a part of them")
    arguments = parser.parse_args()
    wanted = [word.strip() for word in arguments.only.split(",")]
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()

    def chosen(name: str) -> bool:
        return any(word in name for word in wanted)

    calls = {name: call for name, call in embedded().items() if name == BASE or chosen(name)}
    calls |= {name: timed(name) for name, (*_, quick) in ARCHITECTURES.items() if quick and chosen(name)}
    times = measured(calls, arguments.rounds)
    print(f"{'':<26}{'parameters, M':>14}{'GFLOP':>9}{'CPU ms':>10}{'ratio':>8}")
    for name in dict.fromkeys([*calls, *filter(chosen, ARCHITECTURES)]):
        counted = "{:>14.1f}{:>9.1f}".format(*arithmetic(name)) if name in ARCHITECTURES else f"{'':23}"
        ratios = [own / base for own, base in zip(times.get(name, []), times[BASE], strict=False)]
        taken = f"{statistics.median(times[name]) * 1e3:>10.1f}{statistics.median(ratios):>8.2f}" if ratios else ""
        print(f"{name:<26}{counted}{taken}")


if __name__ == "__main__":
    main()
