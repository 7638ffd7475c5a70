"""Local features: SIFT keypoints, an index of those of many references, and where they place a reference in a picture.

References:
    Lowe (2004), Distinctive image features from scale-invariant keypoints, doi:10.1023/B:VISI.0000029664.99615.94;
    Arandjelović and Zisserman (2012), Three things everyone should know to improve object retrieval (RootSIFT),
    doi:10.1109/CVPR.2012.6248018; Philbin et al. (2007), Object retrieval with large vocabularies and fast spatial
    matching, doi:10.1109/CVPR.2007.383172.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studium.errors import InputError, MissingExtraError

__all__ = ["Features", "Index", "Matches", "Pose", "features", "joined", "mirrored_contrast", "poses"]

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

CONTRAST, EDGE = 0.02, 15.0  # more keypoints than Lowe's .04 and 10: flat marks have few
TREES, CHECKS = 4, 64  # of the k-d forest
FARTHEST = 0.62  # distance of unit vectors beyond which two descriptors have nothing in common
CLOSE = 0.35  # distance at which a match counts 1 / e
REACH = 0.08  # matches agree on a pose if it places them within this share of the reference's longer side
OCTAVES, TURN = 0.6, 0.4  # ... and they agree on its scale, and on its turn in radians
MOST = 300  # matches of one reference that are looked at, the closest


@dataclass(frozen=True, eq=False)
class Features:
    """Keypoints and what they look like.

    Attributes:
        points: n x 2, (x, y) of each, px.
        sizes: n, diameters, px.
        angles: n, radians.
        descriptors: n x 128, RootSIFT: of length 1.
    """

    points: Floats
    sizes: Floats
    angles: Floats
    descriptors: Floats

    def __len__(self) -> int:
        """Number of keypoints."""
        return len(self.sizes)


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of a keypoint of a picture and one of the index that look alike.

    Attributes:
        query: n, number of the keypoint in the picture.
        train: n, number of the keypoint in the index.
        distance: n, between the descriptors, 0 to sqrt 2.
    """

    query: NDArray[np.intp]
    train: NDArray[np.intp]
    distance: Floats


@dataclass(frozen=True, eq=False)
class Pose:
    """Where matches place a reference in a picture.

    Attributes:
        owner: number of the reference.
        matrix: 3 x 3, a similarity from the coordinates of the reference to px of the picture.
        support: how many matches agree, close ones counting more (each at most 1).
        inliers: how many keypoints of the picture agree.
        query: the matches that agree: n x 2, px of the picture.
        train: n x 2, the same in coordinates of the reference.
    """

    owner: int
    matrix: Matrix
    support: float
    inliers: int
    query: Floats
    train: Floats


def features(grey: NDArray[np.uint8]) -> Features:
    """SIFT keypoints of a picture, with RootSIFT descriptors.

    Args:
        grey: uint8, H x W.

    Returns:
        Those above the contrast threshold, also none.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("opencv-python-headless", "images") from error
    if grey.dtype != np.uint8 or grey.ndim != 2:
        raise InputError(f"features should get a grey picture, uint8 H x W, got {grey.dtype} {grey.shape}")
    sift = cv2.SIFT.create(contrastThreshold=CONTRAST, edgeThreshold=EDGE)
    keypoints, found = sift.detectAndCompute(grey, None)
    if not keypoints:
        return Features(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0,), (0,), (0, 128))))
    table = np.array([(*point.pt, point.size, np.radians(point.angle)) for point in keypoints], np.float32)
    root = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-7)).astype(np.float32)
    return Features(table[:, :2], table[:, 2], table[:, 3], root)


def mirrored_contrast(given: Features) -> Features:
    """The features of the same picture with dark and light exchanged, without looking at it again.

    Every gradient turns by 180 degrees: so does the keypoint, and its 4 x 4 cells are read from the other end.
    """
    cells = given.descriptors.reshape(-1, 4, 4, 8)[:, ::-1, ::-1]
    return Features(given.points, given.sizes, given.angles + np.float32(np.pi), cells.reshape(-1, 128).copy())


def joined(parts: Sequence[Features]) -> Features:
    """All of them, one after the other."""
    return Features(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.angles for part in parts]),
        np.concatenate([part.descriptors for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class Index:
    """The features of many references together, searched at once, so that twice as many cost little more.

    Attributes:
        features: of all references, each in coordinates of its own.
        owners: number of the reference that each belongs to.
    """

    features: Features
    owners: NDArray[np.intp]

    @cached_property
    def _forest(self) -> Any:
        """A randomised k-d forest; the same one every time."""
        import cv2

        cv2.setRNGSeed(0)  # of this thread: the forest is drawn with it
        forest = cv2.FlannBasedMatcher({"algorithm": 1, "trees": TREES}, {"checks": CHECKS})
        forest.add([self.features.descriptors])
        forest.train()
        return forest

    def build(self) -> "Index":
        """Build what is built at the first search, now."""
        _ = self._forest
        return self

    def nearest(self, given: Features, count: int) -> Matches:
        """The ``count`` nearest of every feature, as far as they look alike (approximate)."""
        if not len(given) or not len(self.features):
            return Matches(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))
        count = min(count, len(self.features))
        found = [match for row in self._forest.knnMatch(given.descriptors, count) for match in row]
        pairs = np.array([(match.queryIdx, match.trainIdx) for match in found], np.intp)
        distance = np.array([match.distance for match in found], np.float32)
        near = distance < FARTHEST
        return Matches(pairs[near, 0], pairs[near, 1], distance[near])


def poses(given: Features, index: Index, matches: Matches, per_owner: int = 3) -> list[Pose]:
    """Where references may lie: one match is a hypothesis of place, scale and turn, the others vote.

    This is RANSAC with samples of one match, all of them tried (Philbin et al. 2007); nothing is drawn at random.

    Args:
        given: features of the picture.
        index: of the references, each in coordinates in which its longer side is 1.
        matches: between them.
        per_owner: at most so many poses of each reference.

    Returns:
        Best supported first.
    """
    owners = index.owners[matches.train]
    order = np.lexsort((matches.distance, owners))
    found: list[Pose] = []
    for group in np.split(order, np.flatnonzero(np.diff(owners[order])) + 1):
        if len(group):
            found += _poses_of(given, index, matches, group[:MOST], per_owner)
    return sorted(found, key=lambda pose: -pose.support)


def _poses_of(given: Features, index: Index, matches: Matches, group: NDArray[np.intp], most: int) -> list[Pose]:
    """The best poses of the one reference that the matches ``group`` belong to."""
    query, train = matches.query[group], matches.train[group]
    seen, known = given.points[query].astype(np.float64), index.features.points[train].astype(np.float64)
    scale = (given.sizes[query] / index.features.sizes[train]).astype(np.float64)
    turn = (given.angles[query] - index.features.angles[train]).astype(np.float64)
    spin = scale * np.exp(1j * turn)  # a similarity is z -> spin z + shift
    at, of = seen @ (1, 1j), known @ (1, 1j)
    shift = at - spin * of
    miss = np.abs(spin[:, None] * of + shift[:, None] - at)
    agree = miss < REACH * scale[:, None]
    agree &= np.abs(np.log2(scale[:, None] / scale)) < OCTAVES
    agree &= np.abs(np.angle(np.exp(1j * (turn[:, None] - turn)))) < TURN
    support = agree @ np.exp(-((matches.distance[group] / CLOSE) ** 2)).astype(np.float64)
    left = np.ones(len(group), bool)
    found: list[Pose] = []
    while left.any() and len(found) < most:
        best = int(np.argmax(np.where(left, support, -1)))
        voters = agree[best]
        matrix = np.array(
            [
                (spin[best].real, -spin[best].imag, shift[best].real),
                (spin[best].imag, spin[best].real, shift[best].imag),
                (0, 0, 1),
            ]
        )
        seen_by, known_by = seen[voters].astype(np.float32), known[voters].astype(np.float32)
        owner, inliers = int(index.owners[train[0]]), len(np.unique(query[voters]))
        found.append(Pose(owner, matrix, float(support[best]), inliers, seen_by, known_by))
        left &= ~voters & (np.abs(shift - shift[best]) >= REACH * scale[best])
        left[best] = False
    return found
