"""Recognition on public test pictures: alignment, false matches by threshold, and grouping faces into persons.

    python benchmarks/detect_persons.py                 all three tables; about three minutes on two cores
    python benchmarks/detect_persons.py --faces 2000    the third with fewer faces

Scoring.

1. Alignment: five press photographs of one president (two of them cut off at the edge), one of another, one of an
   astronaut, each at full, half and a quarter of 900 px. Genuine pairs show one person in two photographs, impostor
   pairs two persons. Printed: mean distances, the largest genuine, the smallest impostor, d' = difference of the
   means over the root mean variance, and the median distance of the templates to those of dlib's own pipeline (HOG
   detector, its landmarks, its chip). Peers: that pipeline; dlib's landmarks in CenterFace's box; a similarity
   transform of CenterFace's five points alone.
2. Thresholds: share of genuine pairs of (1) at or above it (false non-matches), share of impostor pairs below it
   (false matches): of (1), and of 100 faces of LFW at 25 x 25 px, blown up to 150: as poor as faces in crowds are.
   No two of these are counted as one person; a few may be.
3. Persons: templates drawn like those of the 100 faces of LFW (covariance of the persons, the same flattened within a
   person, genuine distances about .39 +- .07), sizes of persons by Zipf's law. B-cubed precision, recall and F, and
   CPU seconds. Peers: connected components, Chinese whispers of dlib, average linkage of scipy (n^2 memory; up to
   5,000 faces).

This needs studium[recognition] and the test pictures of tests/fetch.py. Test pictures only, of public office holders;
the legal basis below says so.
"""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import fetch

from studium.core import legal, weights
from studium.explore.persons import distances, persons
from studium.measure.align import aligned
from studium.measure.centerface import find_faces
from studium.measure.face_embedding import _FACE, MODEL, FaceEmbedding
from studium.media.region import region

BASIS = legal.LegalBasis(
    purpose="Benchmark of the software on its public test pictures; nothing is kept",
    article_6="GDPR Art. 6(1)(f)",
    article_9="GDPR Art. 9(2)(e), manifestly made public",
    dpia="not stored, no study: this file",
    ethics_approval="software test, no human subjects research",
    retention_days=1,
    expires=legal.today() + timedelta(1),
    requested_by="whoever runs this benchmark",
    approved_by="the authors of the test sets",
)
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65)


def pictures() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Pictures, who is shown, and which photograph it is."""
    folder = fetch.politicians()
    files = [
        folder / f"{name}.jpg"
        for name in ("obama", "obama2", "obama3", "obama_partial_face", "obama_partial_face2", "biden")
    ]
    files.append(fetch.photos() / "astronaut.png")
    made, whose, which = [], [], []
    for number, file in enumerate(files):
        for side in (900, 450, 225):
            picture = Image.open(file).convert("RGB")
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
            made.append(np.asarray(picture))
            whose.append(file.stem[:5])
            which.append(number)
    return made, np.array(whose), np.array(which)


def embed(picture: np.ndarray, face: object) -> np.ndarray:
    box = tuple(round(v) for v in face.box)
    with legal.under(BASIS, logged=True):
        return FaceEmbedding()([region(picture, box, face.points)])["face_embedding"][0]


def contenders() -> dict[str, Callable[[np.ndarray, object], np.ndarray]]:
    import dlib

    net, landmarks = (str(weights.path(MODEL, file.name)) for file in weights.get(MODEL).files)
    network, shape = dlib.face_recognition_model_v1(net), dlib.shape_predictor(landmarks)
    detector = dlib.get_frontal_face_detector()
    chip = (np.array(_FACE) + 0.25) / 1.5

    def own(picture: np.ndarray, _: object) -> np.ndarray:
        found = detector(picture, 1)
        return (
            np.array(network.compute_face_descriptor(picture, shape(picture, found[0])))
            if found
            else np.full(128, np.nan)
        )

    def boxed(picture: np.ndarray, face: object) -> np.ndarray:
        return np.array(network.compute_face_descriptor(picture, shape(picture, dlib.rectangle(*map(round, face.box)))))

    def five(picture: np.ndarray, face: object) -> np.ndarray:
        return np.array(network.compute_face_descriptor(aligned(picture, face.points, chip, 150)))

    return {"dlib's own": own, "CenterFace's box": boxed, "five points": five, "studium": embed}


def alignment() -> tuple[np.ndarray, np.ndarray]:
    """Prints the first table; returns studium's genuine and impostor distances."""
    shown, whose, which = pictures()
    faces = [find_faces(picture, smallest=15)[0] for picture in shown]
    upper = np.triu(np.ones((len(shown),) * 2, bool), 1)
    genuine = upper & (whose[:, None] == whose) & (which[:, None] != which)
    impostor = upper & (whose[:, None] != whose)
    print(f"{'alignment':18s} genuine  largest  impostor  smallest    d'  to dlib's own")
    reference = None
    for name, how in contenders().items():
        made = np.stack([how(picture, face) for picture, face in zip(shown, faces, strict=True)])
        reference = made if reference is None else reference
        apart = np.linalg.norm(made[:, None] - made[None], axis=2)
        g, i = apart[genuine], apart[impostor]
        d = (np.nanmean(i) - np.nanmean(g)) / np.sqrt((np.nanvar(i) + np.nanvar(g)) / 2)
        moved = np.nanmedian(np.linalg.norm(made - reference, axis=1))
        told = (np.nanmean(g), np.nanmax(g), np.nanmean(i), np.nanmin(i))
        print(f"{name:18s} {told[0]:7.3f} {told[1]:8.3f} {told[2]:9.3f} {told[3]:9.3f} {d:5.1f} {moved:8.3f}")
    return g, i


def lfw() -> np.ndarray:
    """Templates of the faces of the LFW subset in which a face is found."""
    made = []
    for grey in np.load(fetch.photos() / "lfw_subset.npy")[:100]:
        small = Image.fromarray((grey * 255).astype(np.uint8)).resize((150, 150), Image.Resampling.BICUBIC)
        picture = np.pad(np.repeat(np.asarray(small)[..., None], 3, axis=2), ((75, 75), (75, 75), (0, 0)), mode="edge")
        if found := find_faces(picture, threshold=0.3):
            made.append(embed(picture, found[0]))
    return np.stack(made)


def thresholds(genuine: np.ndarray, impostor: np.ndarray, poor: np.ndarray) -> None:
    apart = distances(poor, poor)[np.triu_indices(len(poor), 1)]
    told = f"matched falsely ({len(impostor)})  of {len(poor)} faces of 25 px ({len(apart)})"
    print(f"\nthreshold  not matched ({len(genuine)})  {told}")
    for t in THRESHOLDS:
        print(f"{t:9.2f} {(genuine >= t).mean():18.1%} {(impostor < t).mean():22.1%} {(apart < t).mean():22.2%}")


def simulated(like: np.ndarray, n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Templates of n faces, and whose they are."""
    rng, people = np.random.default_rng(seed), max(1, n // 7)
    mean = like.mean(axis=0)
    _, scale, axes = np.linalg.svd(like - mean, full_matrices=False)
    between = scale**0.75  # 99 rows overstate how few directions matter
    between *= 0.78 / np.sqrt(2 * (between**2).sum())
    within = between**0.7
    within *= 0.38 / np.sqrt(2 * (within**2).sum())
    whose = np.repeat(np.arange(people), rng.zipf(1.6, people).clip(1, n // 20))
    whose = np.concatenate([whose, rng.integers(0, people, max(0, n - len(whose)))])
    whose = rng.permutation(whose)[:n]
    centres = rng.normal(size=(people, len(scale))) * between
    spread = rng.normal(size=(n, len(scale))) * within * rng.lognormal(0, 0.22, n)[:, None]
    return (mean + (centres[whose] + spread) @ axes).astype(np.float32), whose


def b_cubed(label: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    both = np.unique(np.stack([label, truth]), axis=1, return_inverse=True)[1].ravel()
    shared = np.bincount(both)[both]
    p, r = (shared / np.bincount(label)[label]).mean(), (shared / np.bincount(truth)[truth]).mean()
    return p, r, 2 * p * r / (p + r)


def components(X: np.ndarray, t: float) -> np.ndarray:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    pairs = cKDTree(X).query_pairs(t, output_type="ndarray")
    return connected_components(csr_array((np.ones(len(pairs)), pairs.T), (len(X),) * 2))[1]


def whispers(X: np.ndarray, t: float) -> np.ndarray:
    import dlib

    return np.array(dlib.chinese_whispers_clustering([dlib.vector(row.astype(float)) for row in X], t))


def linkage(X: np.ndarray, t: float) -> np.ndarray:
    from scipy.cluster.hierarchy import fcluster, linkage

    return fcluster(linkage(X, "average"), t, "distance")


def grouping(like: np.ndarray, n: int) -> None:
    print("\nfaces   threshold  grouping               precision  recall      F  CPU s")
    for size in sorted({2000, n}):
        X, truth = simulated(like, size)
        ways = {"connected components": components, "dlib's whispers": whispers, "average linkage": linkage}
        ways["studium"] = lambda X, t: persons(X, t).person
        if size > 5000:
            del ways["average linkage"], ways["connected components"]
        for t in (0.45, 0.5, 0.55, 0.6) if size == 2000 else (0.5,):
            for name, way in ways.items():
                begun = time.process_time()
                scores = b_cubed(way(X, t), truth)
                spent = time.process_time() - begun
                print(
                    f"{size:6d} {t:10.2f}  {name:22s} {scores[0]:9.3f} {scores[1]:7.3f} {scores[2]:6.3f} {spent:6.1f}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=20_000, help="of the third table")
    told = parser.parse_args()
    genuine, impostor = alignment()
    poor = lfw()
    thresholds(genuine, impostor, poor)
    grouping(poor, told.faces)


if __name__ == "__main__":
    main()
