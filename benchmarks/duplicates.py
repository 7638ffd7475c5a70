"""Near-duplicates: what PDQ and embeddings see in copies of real photographs, and how fast pairs are found.

    python benchmarks/duplicates.py [--hashes 1000000]

Scoring: 21 photographs of scikit-image and scikit-learn, each against its own copies and against all others. Recall
is the share of copies within 31 bits (PDQ, quality 50 or more); for embeddings the least cosine of a copy is printed
beside the greatest of two different photographs (210 pairs): a threshold separates them only if the first is the
larger. Speed: all pairs within 31 bits among random hashes, 1,000 of them planted twice, against counting bits pair by
pair on a sample of rows, scaled up.
"""

import argparse
import io
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

Picture = NDArray[np.uint8]
NAMES = "astronaut coffee chelsea rocket retina immunohistochemistry hubble_deep_field camera coins moon page text clock brick grass gravel cell colorwheel".split()  # noqa: E501


def photographs() -> list[Picture]:
    found = [np.asarray(getattr(skimage.data, name)()) for name in NAMES]
    found += [skimage.data.stereo_motorcycle()[0], *load_sample_images().images]
    return [np.ascontiguousarray((np.stack([a] * 3, -1) if a.ndim == 2 else a)[..., :3], np.uint8) for a in found]


def resized(image: Picture) -> Picture:
    return np.asarray(
        Image.fromarray(image).resize((image.shape[1] // 2, image.shape[0] // 2), Image.Resampling.BICUBIC)
    )


def recompressed(image: Picture) -> Picture:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=30)
    return np.asarray(Image.open(data))


def cropped(share: float) -> Callable[[Picture], Picture]:
    def crop(image: Picture) -> Picture:
        y, x = (int(side * share / 2) for side in image.shape[:2])
        return np.ascontiguousarray(image[y : image.shape[0] - y, x : image.shape[1] - x])

    return crop


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "half the size": resized,
    "JPEG quality 30": recompressed,
    "grey": lambda a: np.stack([a.mean(-1).astype(np.uint8)] * 3, -1),
    "brighter by 30 %": lambda a: np.clip(a * 1.3, 0, 255).astype(np.uint8),
    "cropped by 3 %": cropped(0.03),
    "cropped by 10 %": cropped(0.10),
    "mirrored": lambda a: np.ascontiguousarray(a[:, ::-1]),
}


def accuracy() -> None:
    from studium.explore.search import similarity
    from studium.measure.embed import Embed
    from studium.measure.pdq import Pdq

    photos = photographs()
    copies = {name: [copy(photo) for photo in photos] for name, copy in COPIES.items()}
    print(f"{len(photos)} photographs{'':12}{'PDQ recall':>12}{'median bits':>13}", end="")
    models = ("efficientnet-lite0", "conse")
    print("".join(f"{model + ', least cosine':>34}" for model in models))
    hashes, quality = hashed(Pdq(), photos)
    spaces = {model: np.asarray(Embed(model)(photos)["embedding"]) for model in models}
    for name, made in copies.items():
        theirs, marks = hashed(Pdq(), made)
        bits = np.bitwise_count(hashes ^ theirs).sum(axis=1)
        found = (bits <= 31) & (quality >= 50) & (marks >= 50)
        print(f"{name:26}{found.mean():12.2f}{statistics.median(bits):13.0f}", end="")
        for model in models:
            same = np.diag(similarity(spaces[model], np.asarray(Embed(model)(made)["embedding"])))
            print(f"{same.min():34.2f}", end="")
        print()
    pairs = np.triu_indices(len(photos), 1)
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)[pairs]
    print(f"{'different, closest':26}{(bits <= 31).mean():12.2f}{bits.min():13.0f}", end="")
    print("".join(f"{similarity(spaces[model], spaces[model])[pairs].max():34.2f}" for model in models))


def hashed(
    measure: Callable[[list[Picture]], dict[str, list[object]]], images: list[Picture]
) -> tuple[Picture, Picture]:
    rows = measure(images)
    return np.frombuffer(b"".join(rows["pdq"]), np.uint8).reshape(len(images), 32), np.asarray(rows["pdq_quality"])


def speed(count: int) -> None:
    from studium.explore.duplicates import hamming_pairs

    hashes = np.random.default_rng(0).integers(0, 256, (count, 32), np.uint8)
    planted = min(1000, count // 2)
    hashes[:planted] = hashes[-planted:]
    began = time.perf_counter()
    pairs = hamming_pairs(hashes, 31)
    ours = time.perf_counter() - began
    rows = hashes[:20]
    began = time.perf_counter()
    for row in rows:
        np.flatnonzero(np.bitwise_count(hashes ^ row).sum(axis=1) <= 31)
    plain = (time.perf_counter() - began) / len(rows) * count / 2
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{count:,} hashes: {len(pairs.i):,} pairs (planted: {planted:,}) in {ours:.1f} s, {plain / ours:,.0f} times "
    )
    print(f"as fast as comparing all with all (estimated from {len(rows)} rows); {memory:.0f} MB at most")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    given = parser.parse_args()
    accuracy()
    speed(given.hashes)
