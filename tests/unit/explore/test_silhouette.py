import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import silhouette_samples

from studium.errors import InputError
from studium.explore import silhouette
from studium.explore.threads import one_thread_each


def test_golden():
    X = [(0, 0), (0, 1), (10, 0), (10, 1)]
    assert silhouette.samples(X, [0, 0, 1, 1]) == pytest.approx([0.9002487578] * 4, abs=1e-10)


def test_only_members_of_a_cluster_are_zero():
    assert silhouette.samples([[0.0], [1.0], [9.0]], [0, 0, 1])[2] == 0
    assert silhouette.samples([[0.0], [1.0], [9.0]], [0, 1, 2]).tolist() == [0, 0, 0]


def test_equal_rows_in_different_clusters_are_zero():
    assert silhouette.samples(np.ones((4, 2)), [0, 0, 1, 1]).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("block", [7, 100, 1024])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_those_of_scikit_learn(monkeypatch, block, dtype):
    monkeypatch.setattr(silhouette, "BLOCK", block)
    digits = load_digits()
    X, labels = digits.data[:500].astype(dtype), digits.target[:500] * 3 - 5
    assert silhouette.samples(X, labels) == pytest.approx(silhouette_samples(X.astype(np.float64), labels), abs=1e-6)


def test_from_all_distances_and_in_single_precision():
    digits = load_digits()
    X, labels = digits.data[:400], digits.target[:400]
    expected = silhouette.samples(X, labels)
    assert silhouette.from_distances(silhouette.distances(X), labels) == pytest.approx(expected, abs=1e-12)
    with one_thread_each() as pool:
        assert silhouette.in_blocks(X, labels, pool, single=True) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("X", "labels"), [(np.zeros((0, 2)), []), (np.ones((3, 2)), [1, 1, 1]), (np.ones((3, 2)), [0, 1])]
)
def test_nothing_to_compare(X, labels):
    with pytest.raises(InputError):
        silhouette.samples(X, labels)
