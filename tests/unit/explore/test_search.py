import numpy as np
import pytest
from sklearn.datasets import load_digits

from studium.errors import InputError
from studium.explore import search


def brute(query, X, k):
    cosine = (X @ query) / np.linalg.norm(X, axis=1) / np.linalg.norm(query)
    order = np.lexsort((np.arange(len(X)), -cosine))[:k]
    return order, cosine[order]


def test_nothing_to_find():
    hits = search.top(np.ones(3), np.zeros((0, 3)), 5)
    assert hits.row.shape == hits.score.shape == (0,)
    assert search.top(np.ones((2, 3)), np.zeros((0, 3)), 5).row.shape == (2, 0)
    assert search.top(np.zeros((0, 3)), np.ones((4, 3)), 2).row.shape == (0, 2)


def test_fewer_rows_than_wanted():
    hits = search.top([1, 0], [[0, 1], [2, 0]], 10)
    assert hits.row.tolist() == [1, 0]
    assert hits.score.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("block", [5, 300, 16384])
@pytest.mark.parametrize("k", [1, 7, 2000])
def test_brute_force(monkeypatch, block, k):
    monkeypatch.setattr(search, "BLOCK", block)
    X = load_digits().data[:600] - 5
    hits = search.top(X[[3, 77]], X, k)
    for q, row in enumerate((3, 77)):
        order, score = brute(X[row], X, k)
        assert hits.row[q].tolist() == order.tolist()
        assert hits.score[q] == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize("block", [4, 16384])
def test_ties_go_by_row(monkeypatch, block):
    monkeypatch.setattr(search, "BLOCK", block)
    X = np.tile(np.random.default_rng(0).normal(size=(1, 333)).astype(np.float32), (50, 1))
    X[10] = 1
    hits = search.top(X[0] * 3, X, 12)
    assert hits.row.tolist() == [*range(10), 11, 12]
    assert len(set(hits.score)) == 1


def test_a_float16_memory_map(tmp_path):
    X = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float16)
    np.save(tmp_path / "X.npy", X)
    hits = search.top(X[42], np.load(tmp_path / "X.npy", mmap_mode="r"), 3)
    assert hits.row[0] == 42
    assert hits.row.tolist() == brute(X[42].astype(float), X.astype(float), 3)[0].tolist()


def test_a_row_of_zeros_counts_as_cosine_zero():
    hits = search.top([1.0, 0.0], [[0, 0], [-1, 0], [1, 0]], 3)
    assert (hits.row.tolist(), hits.score.tolist()) == ([2, 0, 1], [1.0, 0.0, -1.0])


@pytest.mark.parametrize(("query", "X", "k"), [
    ([1.0, 2.0], np.ones((3, 3)), 1), ([0.0, 0.0], np.ones((3, 2)), 1), ([1.0, np.nan], np.ones((3, 2)), 1),
    ([1.0, 1.0], np.ones((3, 2)), 0), ([1.0, 1.0], [[1.0, np.inf]], 1), (np.ones((1, 1, 2)), np.ones((3, 2)), 1),
])  # fmt: skip
def test_searches_that_cannot_be(query, X, k):
    with pytest.raises(InputError):
        search.top(query, X, k)


def test_similarity_of_two_spaces():
    assert search.similarity(np.zeros((0, 2)), np.ones((3, 2))).shape == (0, 3)
    cosines = search.similarity([[2, 0], [0, 0]], [[0, 1], [1, 1], [-3, 0]])
    assert cosines == pytest.approx(np.array([[0, 0.5**0.5, -1], [0, 0, 0]]), abs=1e-7)
    with pytest.raises(InputError):
        search.similarity(np.ones((2, 3)), np.ones((2, 4)))


def test_ranks_and_recall():
    S = np.array([[0.9, 0.1, 0.2], [0.8, 0.7, 0.9], [0.3, 0.3, 0.3]])
    assert search.ranks(S).tolist() == [1, 3, 3]
    assert search.recall_at([1, 3, 3, 7, 40]) == {1: 0.2, 5: 0.6, 10: 0.8}
    with pytest.raises(InputError):
        search.ranks(np.ones((2, 3)))


@pytest.mark.parametrize("bad", [[], [0, 1], [[1]]])
def test_no_ranks(bad):
    with pytest.raises(InputError):
        search.recall_at(bad)
