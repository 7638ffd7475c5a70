import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from studium.explore import kmeans
from studium.explore.threads import one_thread_each


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("all_at_once", [10, 10_000])
@pytest.mark.parametrize("K", [1, 2, 7, 30])
def test_the_solution_of_scikit_learn(monkeypatch, dtype, all_at_once, K):
    monkeypatch.setattr(kmeans, "ALL_AT_ONCE", all_at_once)
    X = load_digits().data[:700].astype(dtype) + 3
    with one_thread_each() as pool:
        ours = kmeans.fit(X, K, 5, pool)
        theirs = KMeans(K, n_init=10, random_state=5).fit(X)
    assert ours.labels.tolist() == theirs.labels_.tolist()
    assert ours.centres.tolist() == theirs.cluster_centers_.tolist()
    assert ours.inertia == theirs.inertia_


def test_as_many_clusters_as_rows():
    X = np.arange(12.0).reshape(6, 2) ** 2
    with one_thread_each() as pool:
        assert sorted(kmeans.fit(X, 6, 0, pool).labels) == [0, 1, 2, 3, 4, 5]
