"""Pictures per second of `embed` with a ViT-B/32 on an accelerator, beside a plain transformers loop and the limits.

    python benchmarks/gpu.py [--images 1024] [--rounds 5] [--out gpu.json]     # needs torch.cuda, else it says so
    python benchmarks/gpu.py --device cpu --images 16 --rounds 3               # the same code, to see that it runs

CLIP with random weights (speed does not depend on them), saved as a checkpoint and loaded as a user's would be; made
pictures, 960 x 720, JPEG. From decoded pictures to vectors in the memory of the host:
  studium        `Embed(model)`, in batches of its `at_once`
  plain 64, 1    what users write: processor (Pillow) and model of transformers, 64 pictures or 1 at a time
Limits of that: `matmul`, the matrix products of the network alone, as torch.matmul of the same shapes in the same
precision; `forward`, the network on batches that lie on the accelerator; `prepare`, resizing and scaling alone, a
thread for every core. From files:
  study          a new study of a folder, `corpus.measure("embed")`, with everything that a run does
  loader         torch's DataLoader, a worker for every core that decodes and prepares with Pillow, batches of 64
Limit of that: `decode`, decoding alone, a thread for every core.

Scoring: wall-clock time with the accelerator synchronised before and after; one turn each to warm up, then rounds in
which all take turns; medians of pictures per second, and of the ratios within a round. TF32 is off for all. GB: the
most that torch took on the accelerator beyond the weights, in this process. Distance: the largest relative one of 64
vectors to those of transformers on the processor in float32, with studium's own settings, before anything else ran;
bars 1e-3 (float32) and 3e-2 (float16), above them the exit code is 1.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

CORES = len(os.sched_getaffinity(0))
SIDE, PATCH, WIDTH, DEEP, HEADS, MLP, OUT = 224, 32, 768, 12, 12, 3072, 512
BARS = {"float32": 1e-3, "float16": 3e-2}
Calls = dict[str, Callable[[], object]]
Times = dict[str, list[float]]


def checkpoint(folder: Path) -> Path:
    """CLIP ViT-B/32 with random weights and a text tower as small as it can be, as a repository of the hub has it."""
    import torch
    import transformers

    torch.manual_seed(1)
    transformers.utils.logging.disable_progress_bar()
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    config = transformers.CLIPConfig(text_config=text)  # its vision tower is ViT-B/32 unless told otherwise
    transformers.CLIPModel(config).save_pretrained(folder)
    transformers.CLIPImageProcessorPil().save_pretrained(folder)
    return folder


def photographs(folder: Path, count: int) -> list[Path]:
    """Clouds of several octaves, which cost to decode what photographs do."""
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        rng, total = np.random.default_rng(number), np.zeros((720, 960, 3), np.float32)
        for octave in (8, 32, 128, 512):
            noise = Image.fromarray(rng.integers(0, 256, (octave * 3 // 4, octave, 3), np.uint8))
            total += np.asarray(noise.resize((960, 720), Image.Resampling.BICUBIC), np.float32) / octave**0.5
        Image.fromarray((255 * total / total.max()).astype(np.uint8)).save(folder / f"{number:05}.jpg", quality=90)
    return sorted(folder.iterdir())


def products(batch: int) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """The matrix products of a forward pass: how often, and the two shapes."""
    patches, head = (SIDE // PATCH) ** 2, WIDTH // HEADS
    tokens = patches + 1
    return [
        (1, (batch * patches, 3 * PATCH * PATCH), (3 * PATCH * PATCH, WIDTH)),
        (4 * DEEP, (batch * tokens, WIDTH), (WIDTH, WIDTH)),  # queries, keys, values, and out
        (DEEP, (batch * HEADS, tokens, head), (batch * HEADS, head, tokens)),
        (DEEP, (batch * HEADS, tokens, tokens), (batch * HEADS, tokens, head)),
        (DEEP, (batch * tokens, WIDTH), (WIDTH, MLP)),
        (DEEP, (batch * tokens, MLP), (MLP, WIDTH)),
        (1, (batch, WIDTH), (WIDTH, OUT)),
    ]


def read(processor: Any, files: Sequence[Path]) -> Any:
    """What a worker of torch's DataLoader does."""
    from PIL import Image

    return processor(images=[Image.open(file).convert("RGB") for file in files], return_tensors="pt")["pixel_values"]


class _Plain:
    """What users write: the model and the processor of transformers."""

    def __init__(self, model: Path, device: str, precision: str) -> None:
        import torch
        import transformers

        self.torch, self.device, self.dtype = torch, device, getattr(torch, precision)
        self.processor = transformers.AutoImageProcessor.from_pretrained(model, backend="pil")
        self.network = transformers.CLIPModel.from_pretrained(model).eval().to(device, self.dtype)

    def prepare(self, pictures: Any) -> Any:
        return self.processor(images=pictures, return_tensors="pt")["pixel_values"]

    def forward(self, pixels: Any) -> Any:
        with self.torch.inference_mode():
            return self.network.get_image_features(pixel_values=pixels).pooler_output

    def vectors(self, parts: Iterable[Any]) -> Any:
        return np.concatenate([self.forward(one.to(self.device, self.dtype)).float().cpu().numpy() for one in parts])

    def embed(self, pictures: Sequence[Any], size: int) -> Any:
        return self.vectors(self.prepare(pictures[i : i + size]) for i in range(0, len(pictures), size))

    def load(self, files: Sequence[Path]) -> Any:
        collate = partial(read, self.processor)
        loader: Any = self.torch.utils.data.DataLoader
        return self.vectors(loader(files, batch_size=64, num_workers=CORES, collate_fn=collate))


def study(files: Sequence[Path], parameters: dict[str, str]) -> int:
    """A new study of the folder that the files lie in."""
    from studium import Corpus, sources

    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(folder)
        corpus.add(sources.folder(str(files[0].parent)))
        corpus.measure("embed", of="image", **parameters)
        return int(corpus.store.find("image", "embed").read(["unit"]).num_rows)


def every_core(one: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Do one after another, with a thread for every core, and keep nothing."""
    with ThreadPoolExecutor(CORES) as pool:
        for _ in pool.map(one, items):
            pass


def contenders(measure: Any, plain: _Plain, files: Sequence[Path], pictures: Sequence[Any]) -> Calls:
    """Calls that each handle every picture once."""
    from studium.media.image import decode

    batch = min(measure.at_once, len(files))
    whole = [pictures[i : i + batch] for i in range(0, len(files), batch)]
    random = {"device": plain.device, "dtype": plain.dtype}
    ready = plain.torch.rand(batch, 3, SIDE, SIDE, **random)
    pairs = [(n, *(plain.torch.rand(*shape, **random) for shape in shapes)) for n, *shapes in products(batch)]
    parameters = {field.name: getattr(measure, field.name) for field in dataclasses.fields(measure)}

    def matmul() -> None:
        for times, one, other in pairs * len(whole):
            for _ in range(times):
                one @ other

    return {
        "matmul": matmul,
        "forward": lambda: [plain.forward(ready).shape for _ in whole],
        "prepare": lambda: every_core(lambda one: plain.prepare(one).shape, pictures),
        "studium": lambda: [measure(part) for part in whole],
        "plain 64": lambda: plain.embed(pictures, 64),
        "plain 1": lambda: plain.embed(pictures, 1),
        "decode": lambda: every_core(lambda file: decode(file, detail=measure.detail).shape, files),
        "study": lambda: study(files, parameters),
        "loader": lambda: plain.load(files),
    }


def measured(calls: Calls, rounds: int, cuda: Any) -> tuple[Times, dict[str, int]]:
    """Seconds of each call in every round, and the most bytes that torch took on the accelerator for it."""
    times: Times = {name: [] for name in calls}
    held = dict.fromkeys(calls, 0)
    for turn in range(rounds + 1):
        for name, call in calls.items():
            if cuda:
                cuda.synchronize()
                cuda.reset_peak_memory_stats()
                before = cuda.memory_allocated()
            begun = time.perf_counter()
            call()
            if cuda:
                cuda.synchronize()
                held[name] = max(held[name], cuda.max_memory_allocated() - before)
            if turn:  # the first is to warm up
                times[name].append(time.perf_counter() - begun)
    return times, held


def distance(measure: Any, model: Path, pictures: Sequence[Any]) -> float:
    """The largest relative distance of a vector to that of transformers on the processor in float32."""
    true = _Plain(model, "cpu", "float32").embed(pictures, 1)
    found = measure(pictures)["embedding"]
    return float((np.linalg.norm(found - true, axis=1) / np.linalg.norm(true, axis=1)).max())


def table(precision: str, count: int, times: Times, held: dict[str, int]) -> dict[str, dict[str, float]]:
    """Print the medians; returns them."""
    beside = ("plain 64", "matmul", "decode")
    print(f"\n{precision:<12}{'pictures/s':>12}" + "".join(f"{'of ' + one:>13}" for one in beside) + f"{'GB':>8}")
    figures = {}
    for name, taken in times.items():
        ratios = {one: statistics.median(b / a for a, b in zip(taken, times[one], strict=True)) for one in beside}
        figures[name] = {"per_second": count / statistics.median(taken), "gigabytes": held[name] / 1e9, **ratios}
        cells = "".join(f"{ratio:>13.3g}" for ratio in ratios.values())
        print(f"{name:<12}{figures[name]['per_second']:>12,.1f}{cells}{held[name] / 1e9:>8.2f}")
    return figures


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Every precision that the device offers."""
    import torch

    from studium.measure.embed import Embed
    from studium.media.image import decode

    cuda = torch.cuda if arguments.device == "cuda" else None
    model = checkpoint(folder / "model")
    measures = {"float32": Embed(model=str(model))}
    if cuda:
        measures["float16"] = Embed(model=str(model), precision="float16")
    batch = min(measures["float32"].at_once, arguments.images)
    files = photographs(folder / "pictures", arguments.images // batch * batch)  # whole batches
    pictures = [decode(file, detail=measures["float32"].detail) for file in files]
    name = cuda.get_device_name() if cuda else f"processor, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}, {CORES} cores, {len(files)} pictures in batches of {batch}")
    report: dict[str, Any] = {"device": name, "torch": torch.__version__, "cores": CORES, "images": len(files)}
    report["distance"] = {key: distance(measure, model, pictures[:64]) for key, measure in measures.items()}
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    flop = sum(2 * times * math.prod(one) * other[-1] for times, one, other in products(1))
    for key, measure in measures.items():
        calls = contenders(measure, _Plain(model, arguments.device, key), files, pictures)
        report[key] = table(key, len(files), *measured(calls, arguments.rounds, cuda))
        rate = report[key]["matmul"]["per_second"] * flop / 1e12
        print(f"the products alone: {rate:.3g} TFLOP/s, {flop / 1e9:.2f} GFLOP a picture")
        print(f"distance to the processor: {report['distance'][key]:.1e} (bar {BARS[key]:.0e})")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks: studium takes an accelerator where there is one
    import torch

    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("no accelerator: nothing measured")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = run(arguments, Path(folder))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return int(any(found > BARS[precision] for precision, found in report["distance"].items()))


if __name__ == "__main__":
    sys.exit(main())
