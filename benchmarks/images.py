"""Images per second and peak memory of embedding 3,000 photographs: studium, its limit, and other engines.

    python benchmarks/images.py [--images 3000] [--rounds 3] [--only studium,daft] [--photos FOLDER]

Every contender runs in a process of its own, in turns, and writes its embeddings as Parquet. The limit is what this
machine can do at all: 1 / (1 / decode + 1 / forward), both measured in the same round with every core busy. Every peer
gets the same ONNX network, one inference thread per worker and one worker per core; they decode with plain Pillow, as
their users do. Printed are medians over the rounds, and ratios within a round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

CORES = len(os.sched_getaffinity(0))
LIMITS = ("decode", "forward")
CONTENDERS = ("studium", "pillow + onnxruntime", "daft", "datachain", "ray data")


# ------------------------------------------------------------------ the photographs


def photographs(folder: Path, count: int) -> list[Path]:
    """Crops of real photographs, mirrored, brightened and enlarged to about 1024 x 768; made once."""
    from PIL import Image, ImageEnhance

    found = sorted(folder.glob("*.jpg"))
    if len(found) >= count:
        return found[:count]
    folder.mkdir(parents=True, exist_ok=True)
    originals = list(_originals())
    for i in range(len(found), count):
        rng = np.random.default_rng(i)
        photo = originals[i % len(originals)]
        share = rng.uniform(0.6, 1.0)
        width, height = (int(side * share) for side in photo.size)
        left, top = (int(rng.integers(0, b - a + 1)) for a, b in zip((width, height), photo.size, strict=True))
        photo = photo.crop((left, top, left + width, top + height))
        photo = photo.resize(
            (int(1024 * rng.uniform(0.9, 1.1)), int(768 * rng.uniform(0.9, 1.1))), Image.Resampling.BICUBIC
        )
        photo = ImageEnhance.Brightness(photo).enhance(rng.uniform(0.8, 1.2))
        if rng.random() < 0.5:
            photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        photo.save(folder / f"{i:05}.jpg", quality=int(rng.integers(80, 95)))
    return sorted(folder.glob("*.jpg"))[:count]


def _originals() -> Iterator["Image.Image"]:  # noqa: F821
    import skimage.data
    from PIL import Image
    from sklearn.datasets import load_sample_images

    for name in ("astronaut", "chelsea", "coffee", "rocket", "retina"):
        yield Image.fromarray(getattr(skimage.data, name)())
    for image in load_sample_images().images:
        yield Image.fromarray(image)


# ------------------------------------------------------------------ the same job, by hand


def network() -> str:
    """Path of the ONNX file."""
    from studium.networks.efficientnet import onnx_path

    return str(onnx_path())


def session() -> "onnxruntime.InferenceSession":  # noqa: F821
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network(), options, providers=["CPUExecutionProvider"])


def prepared(path: str) -> np.ndarray:
    """What a user writes: open, convert, shorter side to 256, centre crop, scale."""
    from PIL import Image

    image = Image.open(path).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    return ((pixels - 127) / 128).transpose(2, 0, 1)


def embedded(net: "onnxruntime.InferenceSession", batch: np.ndarray) -> np.ndarray:  # noqa: F821
    name = net.get_inputs()[0].name
    return np.concatenate([net.run(["embedding"], {name: one[None]})[0] for one in batch])


def save(out: Path, paths: list[str], vectors: np.ndarray) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float32).reshape(-1)), vectors.shape[1])
    pq.write_table(pa.table({"path": paths, "embedding": flat}), out / f"part-{time.time_ns()}.parquet")


# ------------------------------------------------------------------ contenders: each (paths, out) -> images written


def decode(paths: list[str], out: Path) -> int:
    """The limit, first half: studium's decoding and resizing alone, every core busy."""
    from studium.core import weights
    from studium.measure.embed import Embed
    from studium.media.image import decode
    from studium.networks.image_network import pixels

    settings = weights.get("efficientnet-lite0").input

    def one(path: str) -> int:
        pixels(decode(path, detail=Embed.detail), settings)
        return 1

    with ThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(one, paths))


def forward(paths: list[str], out: Path) -> int:
    """The limit, second half: the network alone on arrays in memory, every core busy."""
    net = session()
    batch = prepared(paths[0])[None]

    def one(_: str) -> int:
        return len(embedded(net, batch))

    with ThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(one, paths))


def studium(paths: list[str], out: Path) -> int:
    from studium import Corpus, sources

    corpus = Corpus(out)
    corpus.add(sources.folder(str(Path(paths[0]).parent)))
    corpus.measure("embed", of="image")
    return corpus.store.find("image", "embed").read(["unit"]).num_rows


def pillow(paths: list[str], out: Path) -> int:
    """A plain loop: decode one, embed one; ONNX Runtime may use every core for a picture."""
    import onnxruntime

    net = onnxruntime.InferenceSession(network(), providers=["CPUExecutionProvider"])
    vectors = np.concatenate([embedded(net, prepared(path)[None]) for path in paths])
    save(out, paths, vectors)
    return len(vectors)


def daft(paths: list[str], out: Path) -> int:
    import daft

    @daft.cls(max_concurrency=CORES, use_process=False)
    class Embed:
        def __init__(self) -> None:
            self.net = session()

        @daft.method.batch(return_dtype=daft.DataType.embedding(daft.DataType.float32(), 1280))
        def vectors(self, column: daft.Series) -> list:
            return list(embedded(self.net, np.stack([prepared(path) for path in column.to_pylist()])))

    frame = daft.from_pydict({"path": paths}).into_batches(32)
    frame.with_column("embedding", Embed().vectors(daft.col("path"))).write_parquet(str(out))
    return daft.read_parquet(str(out / "*.parquet")).count_rows()


def datachain(paths: list[str], out: Path) -> int:
    import datachain as dc

    net = session()

    def vector(path: str) -> list[float]:
        return embedded(net, prepared(path)[None])[0].tolist()

    chain = dc.read_values(path=paths).settings(parallel=False).map(embedding=vector)
    chain.to_parquet(str(out / "all.parquet"))
    return len(paths)


def ray_data(paths: list[str], out: Path) -> int:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(num_cpus=CORES, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False

    class Embed:
        def __init__(self) -> None:
            self.net = session()

        def __call__(self, batch: dict) -> dict:
            return {**batch, "embedding": embedded(self.net, np.stack([prepared(path) for path in batch["path"]]))}

    data = ray.data.from_items([{"path": path} for path in paths], override_num_blocks=4 * CORES)
    data.map_batches(Embed, batch_size=32, concurrency=CORES).write_parquet(str(out))
    ray.shutdown()
    return len(paths)


RUNS: dict[str, Callable[[list[str], Path], int]] = {
    "decode": decode,
    "forward": forward,
    "studium": studium,
    "pillow + onnxruntime": pillow,
    "daft": daft,
    "datachain": datachain,
    "ray data": ray_data,
}


# ------------------------------------------------------------------ measuring


def measured(name: str, folder: Path, count: int) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory (summed proportional set size of the process tree) of one contender."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            sys.executable,
            __file__,
            "--one",
            name,
            "--photos",
            str(folder),
            "--images",
            str(count),
            "--out",
            out,
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        said, errors = process.communicate()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{name} failed: {errors[-600:]}")
    told = json.loads(said.strip().splitlines()[-1])
    assert told["done"] == count, f"{name}: {told['done']} of {count} images"
    return {"seconds": told["seconds"], "rate": count / told["seconds"], "memory": peak[0] / 1e6}


def _watch(process: "subprocess.Popen[str]", peak: list[int]) -> None:
    import psutil

    while process.poll() is None:
        total = 0
        try:
            root = psutil.Process(process.pid)
            for each in [root, *root.children(recursive=True)]:
                total += each.memory_full_info().pss
        except psutil.Error:
            pass
        peak[0] = max(peak[0], total)
        time.sleep(0.25)


def one(name: str, folder: Path, count: int, out: Path) -> None:
    paths = [str(path) for path in photographs(folder, count)]
    began = time.perf_counter()
    done = RUNS[name](paths, out)
    print(json.dumps({"seconds": time.perf_counter() - began, "done": done}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONTENDERS))
    parser.add_argument("--photos", type=Path, default=Path(tempfile.gettempdir()) / "studium-bench-photos")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, given.photos, given.images, given.out)
        return
    folder = given.photos / str(given.images)
    photographs(folder, given.images)
    names = [name for name in CONTENDERS if name in given.only.split(",")]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in (*LIMITS, *names)}
    failed: dict[str, str] = {}
    for number in range(given.rounds):
        for name in (*LIMITS, *names):
            if name in failed:
                continue
            try:
                rounds[name].append(measured(name, folder, given.images))
            except (RuntimeError, AssertionError) as error:
                failed[name] = str(error)
            else:
                print(
                    f"round {number + 1}: {name}: {rounds[name][-1]['rate']:.1f} images/s", file=sys.stderr, flush=True
                )
    show(rounds, failed, given.images)


def show(rounds: dict[str, list[dict[str, float]]], failed: dict[str, str], count: int) -> None:
    limits = [1 / (1 / d["rate"] + 1 / f["rate"]) for d, f in zip(rounds["decode"], rounds["forward"], strict=True)]
    print(f"{count} photographs, {CORES} cores, {len(limits)} rounds; medians")
    print(f"{'':24}{'images/s':>10}{'of limit':>10}{'peak MB':>10}")
    for name, runs in rounds.items():
        if runs:
            rate, memory = (statistics.median(run[key] for run in runs) for key in ("rate", "memory"))
            share = statistics.median(run["rate"] / limit for run, limit in zip(runs, limits, strict=False))
            print(f"{name:24}{rate:10.1f}{share:10.2f}{memory:10.0f}")
    print(f"{'limit':24}{statistics.median(limits):10.1f}{1:10.2f}")
    for name, why in failed.items():
        print(f"{name} did not run: {why}")


if __name__ == "__main__":
    main()
