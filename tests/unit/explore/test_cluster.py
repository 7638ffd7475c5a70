import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from studium.errors import InputError
from studium.explore import cluster
from studium.explore.cluster import Iterative, iterative


def _benchmark():
    path = Path(__file__).parents[3] / "benchmarks" / "cluster.py"
    spec = importlib.util.spec_from_file_location("benchmark_cluster", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = _benchmark()


def plain(X, how=None, seed=0):
    """The same algorithm in plain scikit-learn, with one thread."""
    with threadpool_limits(1):
        return bench.plain(X, how or Iterative(), seed)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def blobs(sizes=(80, 60, 40), d=8, spread=0.3, seed=0):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return 4 * random.normal(size=(len(sizes), d))[truth] + spread * random.normal(size=(len(truth), d)), truth


def test_no_rows():
    found = iterative(np.zeros((0, 5)))
    assert found.labels.shape == found.silhouette.shape == found.distance.shape == (0,)
    assert (found.table, found.history, found.unassigned, found.representatives(3)) == ((), (), 0.0, [])


@pytest.mark.parametrize("n", [1, 4, 5, 20])
def test_too_few_rows_for_a_cluster_stay_unassigned(n):
    found = iterative(np.random.default_rng(0).normal(size=(n, 3)))
    assert (found.labels == -1).all()
    assert np.isnan(found.silhouette).all()
    assert found.unassigned == 1.0
    assert found.history == ()


def test_fewer_rows_than_step_end_the_search_even_above_stop():
    found = iterative(np.random.default_rng(0).normal(size=(5, 3)), Iterative(stop=0))
    assert found.unassigned == 1.0
    assert found.history == ()


def test_k_stops_below_the_number_of_rows():
    found = iterative(np.random.default_rng(0).normal(size=(12, 3)), Iterative(stop=0, threshold=1.0))
    assert [tried.K for tried in found.history] == [5, 10]


def test_equal_rows_are_no_clusters():
    assert iterative(np.ones((50, 4))).unassigned == 1.0


def test_k_does_not_exceed_the_number_of_different_rows():
    X = np.repeat(np.eye(6), 10, axis=0)
    found = iterative(X, Iterative(step=3))
    assert [tried.K for tried in found.history] == [3, 6]
    assert len(found.table) == 6
    assert found.silhouette.min() == 1.0
    assert found.distance.max() < 1e-6


def test_three_blobs():
    X, truth = blobs()
    found = iterative(X, Iterative(step=3))
    assert adjusted_rand_score(truth, found.labels) == 1.0
    assert sorted(row.size for row in found.table) == [40, 60, 80]
    assert {(row.round, row.K) for row in found.table} == {(1, 3)}
    for row in found.table:
        members = found.labels == row.label
        assert row.size == members.sum()
        assert row.silhouette == pytest.approx(found.silhouette[members].mean(), abs=1e-6)


def test_representatives_are_nearest_the_centre():
    X, _ = blobs()
    found = iterative(X, Iterative(step=3))
    for row, nearest in zip(found.table, found.representatives(4), strict=True):
        members = np.flatnonzero(found.labels == row.label)
        distance = np.linalg.norm(X[members] - X[members].mean(axis=0), axis=1)
        assert nearest.tolist() == members[np.argsort(distance)[:4]].tolist()
    assert [len(rows) for rows in found.representatives(10**6)] == [row.size for row in found.table]


def test_a_round_without_a_cohesive_cluster_ends_the_search():
    found = iterative(np.random.default_rng(0).normal(size=(300, 50)), Iterative(threshold=0.5))
    assert found.unassigned == 1.0
    assert {tried.round for tried in found.history} == {1}


@pytest.mark.parametrize("seed", range(4))
def test_digits_are_ten_clusters_whatever_the_sample(digits, seed):
    found = iterative(digits.data, Iterative(threshold=0.04), seed=seed)
    assert (len(found.table), max(row.round for row in found.table), found.unassigned) == (10, 1, 0.0)


@pytest.mark.parametrize("seed", [0, 2, 5])  # other samples give 2 to 6 clusters
def test_digits_at_a_high_threshold(digits, seed):
    found = iterative(digits.data, Iterative(threshold=0.20), seed=seed)
    assert len(found.table) == 4
    assert 1 - found.unassigned == pytest.approx(0.345, abs=0.005)


@pytest.mark.parametrize(
    ("how", "seed"),
    [(Iterative(threshold=0.15), 0), (Iterative(step=4, threshold=0.1, sample=300, stop=50, window=2), 3)],
)
def test_digits_as_plain_scikit_learn(digits, how, seed):
    assert iterative(digits.data, how, seed=seed).labels.tolist() == plain(digits.data, how, seed).tolist()


def test_float32_embeddings_as_plain_scikit_learn():
    X, truth = bench.mixture(800, 0.5)
    found = iterative(X)
    assert found.labels.tolist() == plain(X).tolist()
    assert adjusted_rand_score(truth, found.labels) > 0.7


def test_more_rows_than_one_table_of_distances_holds(monkeypatch):
    from studium.explore import kmeans

    X, _ = bench.mixture(600, 1.0)
    expected = iterative(X, Iterative(sample=500)).labels.tolist()
    monkeypatch.setattr(kmeans, "ALL_AT_ONCE", 100)
    assert iterative(X, Iterative(sample=500)).labels.tolist() == expected


def test_fast_finds_the_truth_as_well(digits):
    plainly, fast = (
        np.mean([adjusted_rand_score(digits.target, iterative(digits.data, seed=s, fast=f).labels) for s in range(4)])
        for f in (False, True)
    )
    assert fast > plainly - 0.01


def test_history_explains_the_choice_of_k(digits):
    found = iterative(digits.data)
    tried = [(step.K, step.silhouette) for step in found.history if step.round == 1]
    assert [K for K, _ in tried] == list(range(5, 5 * len(tried) + 1, 5))
    values = [value for _, value in tried]
    averages = np.convolve(values, np.ones(3) / 3, "valid")
    assert averages[-1] <= averages[-2]
    assert (np.diff(averages)[:-1] > 0).all()
    assert tried[int(np.argmax(averages))][0] == found.table[0].K


def test_same_seed_same_clusters_and_input_untouched(digits):
    X = digits.data.copy()
    X.flags.writeable = False
    first, second = (iterative(X, Iterative(sample=200), seed=7) for _ in range(2))
    assert first.labels.tolist() == second.labels.tolist()
    assert np.array_equal(first.silhouette, second.silhouette, equal_nan=True)


def test_float16_is_read_as_float32():
    X, _ = blobs()
    half = X.astype(np.float16)
    assert iterative(half).labels.tolist() == iterative(half.astype(np.float32)).labels.tolist()


def test_progress_tells_and_can_interrupt(digits):
    told = []
    iterative(digits.data, progress=told.append)
    assert told[0].startswith("K = 5: silhouette")
    assert told[-1] == "1,797 of 1,797 rows in 10 clusters"

    def stop(message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        iterative(digits.data, progress=stop)


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 2, 2)), np.zeros((3, 0)), np.array([["a", "b"]])])
def test_not_a_matrix(bad):
    with pytest.raises(InputError):
        iterative(bad)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(value):
    X = np.ones((30, 2))
    X[7, 1] = value
    with pytest.raises(InputError, match=r"1 of 30 rows .*row 7"):
        iterative(X)


@pytest.mark.parametrize("bad", [{"step": 1}, {"sample": 2}, {"stop": -1}, {"window": 0}, {"threshold": 1.1}])
def test_parameters_that_cannot_run(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Iterative(**bad)


def test_public_names():
    assert cluster.__all__ == ["Cluster", "Clusters", "Iterative", "Progress", "Tried", "iterative"]
