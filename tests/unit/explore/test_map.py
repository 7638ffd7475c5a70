import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from studium.errors import InputError
from studium.explore import map as plane


@pytest.mark.parametrize("method", ["tsne", "pca"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 29])
def test_few_rows(method, n):
    places = plane.coordinates(np.random.default_rng(0).normal(size=(n, 6)), method)
    assert places.shape == (n, 2)
    assert places.dtype == np.float32
    assert ((places >= 0) & (places <= 1)).all()
    assert len(np.unique(places, axis=0)) == n


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_equal_rows_share_the_middle(method):
    assert (plane.coordinates(np.ones((40, 3)), method) == 0.5).all()


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_one_column(method):
    places = plane.coordinates(np.arange(8.0)[:, None], method)
    assert np.isfinite(places).all()
    assert np.ptp(places) == 1


def test_pca_keeps_proportions():
    assert plane.coordinates([[0, 0], [4, 0], [4, 1], [0, 1]], "pca") == pytest.approx(
        np.array([[0, 0.375], [1, 0.375], [1, 0.625], [0, 0.625]]), abs=1e-6
    )


def test_neighbours_stay_neighbours_and_the_seed_decides():
    digits = load_digits()
    X, truth = digits.data[:400], digits.target[:400]
    places = plane.coordinates(X)
    assert KNeighborsClassifier(5).fit(places, truth).score(places, truth) > 0.9
    assert places.tolist() == plane.coordinates(X).tolist()
    assert (places.min(), places.max()) == (0, 1)


@pytest.mark.parametrize(("X", "method"), [
    (np.ones(3), "pca"), ([[1, np.nan]], "pca"), (np.ones((5, 2)), "umap"), (np.zeros((20_001, 1)), "tsne"),
])  # fmt: skip
def test_maps_that_cannot_be(X, method):
    with pytest.raises(InputError):
        plane.coordinates(X, method)
