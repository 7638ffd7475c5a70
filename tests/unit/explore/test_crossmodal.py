import numpy as np
import pytest

from studium.errors import InputError
from studium.explore import crossmodal, search


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(40, 8))
    pictures = np.repeat(texts, 2, axis=0) + rng.normal(0, 1.2, (80, 8))
    return pictures.astype(np.float32), texts.astype(np.float32)


def cosines(A, B):
    A, B = A.astype(np.float64), B.astype(np.float64)
    return (A / np.linalg.norm(A, axis=1, keepdims=True)) @ (B / np.linalg.norm(B, axis=1, keepdims=True)).T


def test_nothing():
    assert list(crossmodal.blocks(np.zeros((0, 3)), np.ones((2, 3)))) == []
    assert crossmodal.softmax(np.zeros((0, 3)), 1.0).shape == (0, 3)
    assert crossmodal.paired(np.ones((2, 3)), np.ones((2, 3)), []).shape == (0,)
    assert crossmodal.ranks_of_own(np.ones((2, 3)), np.ones((2, 3)), []).tolist() == [0, 0]
    with pytest.raises(InputError, match="at least one pair"):
        crossmodal.retrieval(np.ones((2, 3)), np.ones((2, 3)), [])


@pytest.mark.parametrize("cells", [1, 100, 2**24])
def test_blocks_are_the_whole_matrix(tables, cells):
    pictures, texts = tables
    found = list(crossmodal.blocks(pictures, texts, cells))
    assert [start for start, _ in found] == np.cumsum([0, *[len(c) for _, c in found[:-1]]]).tolist()
    assert max(len(c) for _, c in found) <= max(1, cells // 40)
    np.testing.assert_allclose(np.concatenate([c for _, c in found]), cosines(pictures, texts), atol=1e-12)
    np.testing.assert_allclose(search.similarity(pictures, texts), cosines(pictures, texts), atol=1e-6)


def test_a_memory_map_is_read_block_by_block(tables, tmp_path):
    np.save(tmp_path / "X.npy", tables[0].astype(np.float16))
    held = np.load(tmp_path / "X.npy", mmap_mode="r")
    (block,) = crossmodal.blocks(held, tables[1])
    np.testing.assert_allclose(block.cosine, cosines(tables[0].astype(np.float16), tables[1]), atol=1e-12)


def test_zeros_and_what_is_no_number():
    (block,) = crossmodal.blocks([[0.0, 0.0], [3.0, 4.0]], [[1.0, 0.0]])
    assert block.cosine.tolist() == [[0.0], [0.6]]
    with pytest.raises(InputError, match="A should be finite: row 1"):
        list(crossmodal.blocks([[0.0, 1.0], [np.nan, 4.0]], [[1.0, 0.0]], cells=1))
    with pytest.raises(InputError, match="as many columns"):
        list(crossmodal.blocks(np.ones((2, 3)), np.ones((2, 4))))
    with pytest.raises(InputError, match="at least one row"):
        list(crossmodal.blocks(np.ones((2, 3)), np.ones((0, 3))))


def test_softmax_both_ways():
    C = np.array([[0.3, 0.1], [0.2, 0.2]])
    rows, columns = crossmodal.softmax(C, 0.1), crossmodal.softmax(C, 0.1, axis=0)
    assert rows[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert rows[1].tolist() == [0.5, 0.5]
    assert columns[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert crossmodal.softmax(C, 1e-6)[0].tolist() == [1.0, 0.0], "no overflow"


@pytest.mark.parametrize(("temperature", "axis"), [(0, 1), (-1, 1), (np.nan, 1), (1.0, 2)])
def test_impossible_softmax(temperature, axis):
    with pytest.raises(InputError):
        crossmodal.softmax(np.ones((2, 2)), temperature, axis)


def test_ranks_of_one_own_each_are_those_of_search(tables):
    texts = tables[1]
    noisy = texts + np.random.default_rng(1).normal(0, 2, texts.shape)
    own = np.column_stack([np.arange(40), np.arange(40)])
    expected = search.ranks(cosines(noisy, texts))
    assert crossmodal.ranks_of_own(noisy, texts, own).tolist() == expected.tolist()
    found = crossmodal.retrieval(noisy, texts, own)
    assert found.recall == search.recall_at(expected)
    assert (found.n, found.among, found.median) == (40, 40, np.median(expected))
    assert found.chance == pytest.approx({1: 1 / 40, 5: 5 / 40, 10: 10 / 40})


def test_ranks_of_several_own_by_brute_force(tables, monkeypatch):
    pictures, texts = tables
    pairs = np.array([(t, p) for t in range(0, 40, 2) for p in (2 * t, 2 * t + 1)])
    S, expected = cosines(texts, pictures), []
    for text in range(40):
        own = pairs[pairs[:, 0] == text, 1]
        best = S[text, own].max() if len(own) else np.inf
        others = np.delete(S[text], own)
        expected.append(int((others >= best).sum()) + 1 if len(own) else 0)
    for cells in (50, 2**24):
        monkeypatch.setattr(crossmodal.blocks, "__defaults__", (cells,))
        assert crossmodal.ranks_of_own(texts, pictures, pairs).tolist() == expected
        assert crossmodal.ranks_of_own(texts, pictures, pairs[::-1].repeat(2, axis=0)).tolist() == expected
    found = crossmodal.retrieval(texts, pictures, pairs)
    assert (found.n, found.among) == (20, 80)
    assert found.chance[1] == pytest.approx(2 / 80)
    assert found.chance[5] == pytest.approx(1 - (78 * 77 * 76 * 75 * 74) / (80 * 79 * 78 * 77 * 76))
    assert crossmodal.retrieval(texts[:3], pictures[:3], [[0, 0]]).chance[10] == 1


def test_ties_count_against_it():
    same = np.ones((7, 3))
    assert crossmodal.ranks_of_own(same, same, [[i, i] for i in range(7)]).tolist() == [7] * 7
    assert crossmodal.ranks_of_own(same[:1], same, [[0, 1], [0, 5]]).tolist() == [6], "its own do not stand before it"


def test_pairs_one_by_one(tables, monkeypatch):
    pictures, texts = tables
    pairs = np.array([[0, 0], [79, 3], [5, 5], [0, 0]])
    monkeypatch.setattr(crossmodal, "CELLS", 16)
    np.testing.assert_allclose(
        crossmodal.paired(pictures, texts, pairs), cosines(pictures, texts)[pairs[:, 0], pairs[:, 1]], atol=1e-12
    )


@pytest.mark.parametrize("pairs", [[[0, 2]], [[-1, 0]], [[0.0, 1.0]], [[0, 1, 2]], [0, 1]])
def test_pairs_that_are_none(pairs):
    with pytest.raises(InputError, match="pairs"):
        crossmodal.ranks_of_own(np.ones((2, 3)), np.ones((2, 3)), pairs)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_softmax_of_no_number(bad):
    with pytest.raises(InputError, match="cosine should be finite"):
        crossmodal.softmax([[0.5, bad], [0.1, 0.2]], 0.01)


def test_softmax_at_the_edges():
    assert crossmodal.softmax([[0.0, 1.0]], 1e-320).tolist() == [[0.0, 1.0]]
    given = np.array([[0.0, 1.0]])
    crossmodal.softmax(given, 0.5)
    assert given.tolist() == [[0.0, 1.0]], "what is handed over stays as it is"
    with pytest.raises(InputError, match="a number above 0, got 'cold'"):
        crossmodal.softmax(given, "cold")
