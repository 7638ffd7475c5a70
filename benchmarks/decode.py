"""Decoding for embeddings: what `detail` saves, and how far the embedding moves.

    python benchmarks/decode.py cosine     # embeddings of scaled decodes against those of full decodes
    python benchmarks/decode.py speed      # CPU time against plain Pillow, interleaved, medians

Photographs: scikit-image (astronaut, coffee, chelsea, rocket, retina) and scikit-learn (china, flower), resized with a
bicubic filter and cropped to each size, JPEG quality 90, 4:2:0. Bar: cosine .9995 on average, .997 at worst.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image

from studium.media.image import decode

SIZES = (
    *((4000, 3000), (3023, 4031), (2049, 1365), (2048, 1536), (1921, 1281), (1920, 1080), (1600, 1200), (1441, 1081)),
    *((1350, 1080), (1365, 1081), (1366, 1024), (1365, 1024), (1201, 1201), (1195, 896), (1080, 1080), (1024, 768)),
)
DETAILS = (384, 448, 512, 540)


def photos() -> dict[str, Image.Image]:
    names = ("astronaut", "coffee", "chelsea", "rocket", "retina")
    arrays = {name: getattr(skimage.data, name)() for name in names}
    arrays |= {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}
    return {name: Image.fromarray(array).convert("RGB") for name, array in arrays.items()}


def jpeg(photo: Image.Image, size: tuple[int, int], **options: object) -> bytes:
    data = io.BytesIO()
    ImageOps.fit(photo, size, Image.Resampling.BICUBIC).save(data, "JPEG", quality=90, **options)
    return data.getvalue()


def cosine() -> None:
    from studium.measure.embed import Embed

    embed = Embed()
    embed.prepare()

    def vectors(images: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
        rows = np.array(list(next(iter(embed(images).values()))), float)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    scaled_ones: dict[int, list[NDArray[np.float64]]] = {detail: [] for detail in DETAILS}
    for size in SIZES:
        files = [jpeg(photo, size) for photo in photos().values()]
        full = vectors([decode(file) for file in files])
        for detail in DETAILS:
            scaled = [decode(file, detail=detail) for file in files]
            same = (vectors(scaled) * full).sum(1)
            kept = min(scaled[0].shape[:2])
            print(f"{size[0]} x {size[1]} detail {detail} keeps {kept}: mean {same.mean():.5f} min {same.min():.5f}")
            if kept < min(size):
                scaled_ones[detail].append(same)
    for detail, cosines in scaled_ones.items():
        every = np.concatenate(cosines)
        print(f"detail {detail}, {every.size} scaled decodes: mean {every.mean():.5f} min {every.min():.5f}")


def speed() -> None:
    for size, rounds in (((1024, 768), 41), ((4000, 3000), 9)):
        times: dict[str, list[float]] = {}
        ways = _ways(jpeg(photos()["china"], size))
        for _ in range(rounds):
            for name, way in ways.items():
                start = time.process_time()
                way()
                times.setdefault(name, []).append(time.process_time() - start)
        plain = statistics.median(times["Pillow"])
        for name, values in times.items():
            middle = statistics.median(values)
            print(f"{size[0]} x {size[1]} {name:>10}: {1000 * middle:6.2f} ms CPU, {middle / plain:.2f} of Pillow")


def _ways(file: bytes) -> dict[str, Callable[[], object]]:
    return {
        "Pillow": lambda: np.asarray(Image.open(io.BytesIO(file)).convert("RGB")),
        "decode": lambda: decode(file),
        **{f"detail={detail}": partial(decode, file, detail=detail) for detail in DETAILS},
    }


if __name__ == "__main__":
    for name in sys.argv[1:] or ["cosine", "speed"]:
        {"cosine": cosine, "speed": speed}[name]()
