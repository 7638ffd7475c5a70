import numpy as np
import pytest
from skimage import data

from studium.errors import InputError
from studium.explore import hamming
from studium.explore.duplicates import Pairs, embedding_pairs, groups, hamming_pairs


def every_pair(hashes, threshold):
    """Brute force."""
    distance = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2, dtype=np.int64)
    i, j = np.nonzero(np.triu(distance <= threshold, 1))
    return i.tolist(), j.tolist(), distance[i, j].tolist()


def mutated(n, width, seed=0, most=40):
    """Random hashes, of which a third are others with up to ``most`` bits flipped."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 256, (n, width), dtype=np.uint8)
    for _ in range(n // 3):
        source, copy = random.integers(0, n, 2)
        hashes[copy] = hashes[source]
        for bit in random.integers(0, width * 8, random.integers(0, most)):
            hashes[copy, bit // 8] ^= 1 << (bit % 8)
    return hashes


def lists(pairs):
    return tuple(part.tolist() for part in pairs)


def pairs_of(*rows):
    i, j = np.array(rows, np.int64).reshape(-1, 2).T
    return Pairs(i, j, np.zeros(len(i)))


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_without_two(n):
    assert lists(hamming_pairs(np.zeros((n, 32), np.uint8))) == ([], [], [])
    assert lists(embedding_pairs(np.ones((n, 4)), 0.9)) == ([], [], [])


def test_the_threshold_is_inclusive():
    hashes = np.zeros((3, 32), np.uint8)
    hashes[1, :4] = 255, 255, 255, 127  # 31 bits, spread over two parts
    hashes[2, 28:] = 255  # 32 bits
    assert lists(hamming_pairs(hashes)) == ([0], [1], [31])


def test_one_bit_in_every_part():
    hashes = np.zeros((2, 32), np.uint8)
    hashes[1, ::2] = 1  # 16 bits, one in each of the 16 parts
    hashes[1, 1:31:2] = 1  # and another in all but one: 31
    assert lists(hamming_pairs(hashes)) == ([0], [1], [31])


@pytest.mark.parametrize(("n", "width", "threshold"), [
    (300, 32, 31), (300, 32, 0), (300, 8, 10), (200, 1, 2), (200, 3, 5), (300, 2, 4), (60, 32, 70), (40, 4, 9),
])  # fmt: skip
def test_every_pair_of_brute_force(n, width, threshold):
    hashes = mutated(n, width)
    assert lists(hamming_pairs(hashes, threshold)) == every_pair(hashes, threshold)


def test_in_pieces(monkeypatch):
    hashes = mutated(200, 32)
    monkeypatch.setattr(hamming, "CANDIDATES", 3)
    assert lists(hamming_pairs(hashes)) == every_pair(hashes, 31)


def test_equal_hashes_are_all_pairs():
    i, j, distance = hamming_pairs(np.full((40, 32), 170, np.uint8))
    assert len(i) == 40 * 39 // 2
    assert (i < j).all()
    assert not distance.any()


def test_blank_pictures_are_left_out_by_quality():
    hashes = np.zeros((4, 32), np.uint8)
    i, j, _ = hamming_pairs(hashes, quality=[50, 49, 100, 0])
    assert (i.tolist(), j.tolist()) == ([0], [2])


def test_many_hashes():
    random = np.random.default_rng(0)
    hashes = random.integers(0, 256, (20_000, 32), dtype=np.uint8)
    hashes[:50] = hashes[-50:]
    hashes[:50, 0] ^= 255  # 8 bits
    assert lists(hamming_pairs(hashes)) == (list(range(50)), list(range(19_950, 20_000)), [8] * 50)


@pytest.mark.parametrize(("hashes", "arguments"), [
    (np.zeros((2, 32), np.int64), {}), (np.zeros(32, np.uint8), {}), (np.zeros((2, 0), np.uint8), {}),
    (np.zeros((2, 32), np.uint8), {"threshold": -1}), (np.zeros((2, 32), np.uint8), {"quality": [100]}),
])  # fmt: skip
def test_hashes_that_do_not_fit(hashes, arguments):
    with pytest.raises(InputError):
        hamming_pairs(hashes, **arguments)


@pytest.mark.parametrize("block", [3, 50, 4096])
def test_cosines_of_brute_force(monkeypatch, block):
    monkeypatch.setattr("studium.explore.duplicates.BLOCK", block)
    faces = data.lfw_subset()[:120].reshape(120, -1)
    unit = faces / np.linalg.norm(faces, axis=1, keepdims=True)
    expected = np.triu(unit @ unit.T, 1)
    i, j, cosine = embedding_pairs(faces, 0.92)
    assert 100 < len(i) < 7000
    assert list(zip(i, j, strict=True)) == list(zip(*np.nonzero(expected >= 0.92), strict=True))
    assert cosine == pytest.approx(expected[i, j], abs=1e-12)


def test_equal_directions_have_cosine_one_and_zeros_have_none():
    X = np.random.default_rng(0).normal(size=(1, 700)).astype(np.float32)
    i, j, cosine = embedding_pairs(np.vstack([X, X, 2 * X, 0 * X, 0 * X]), 1.0)
    assert (i.tolist(), j.tolist(), cosine.tolist()) == ([0, 0, 1], [1, 2, 2], [1.0, 1.0, 1.0])


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01, np.nan])
def test_no_cosine(threshold):
    with pytest.raises(InputError):
        embedding_pairs(np.ones((2, 2)), threshold)


def test_no_pairs_no_groups():
    for n in (0, 5):
        found = groups(pairs_of(), n)
        assert found.group.tolist() == [-1] * n
        assert len(found.size) == len(found.exemplar) == 0


def test_chains_are_one_group():
    found = groups(pairs_of((1, 4), (2, 5), (4, 6), (6, 7)), 9)
    assert found.group.tolist() == [-1, 0, 1, -1, 0, 1, 0, 0, -1]
    assert found.size.tolist() == [4, 2]
    assert found.exemplar.tolist() == [4, 2]  # 4 and 6 have two pairs each; of equals the first


def test_the_exemplar_has_most_pairs():
    assert groups(pairs_of((0, 3), (1, 3), (2, 3)), 4).exemplar.tolist() == [3]


def test_groups_are_connected_components():
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    random = np.random.default_rng(1)
    i, j = np.sort(random.integers(0, 4000, (2, 1900)), axis=0)
    i, j = i[i < j], j[i < j]
    found = groups(Pairs(i, j, i), 4000)
    _, component = connected_components(coo_matrix((np.ones(len(i)), (i, j)), (4000, 4000)), directed=False)
    paired = np.flatnonzero(found.group >= 0)
    assert paired.tolist() == np.union1d(i, j).tolist()
    assert len({*zip(found.group[paired], component[paired], strict=True)}) == len(found.size)
    assert len(np.unique(component[paired])) == len(found.size)
    assert found.size.tolist() == np.bincount(found.group[paired]).tolist()


def test_a_long_chain_in_any_order():
    path = np.random.default_rng(0).permutation(5000)
    ends = np.sort([path[:-1], path[1:]], axis=0)
    assert groups(Pairs(*ends, ends[0]), 5000).size.tolist() == [5000]


def test_pairs_beyond_the_rows():
    with pytest.raises(InputError, match="0 to 3"):
        groups(pairs_of((0, 4)), 4)
