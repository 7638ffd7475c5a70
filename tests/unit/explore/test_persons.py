import numpy as np
import pytest
from persons import templates
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from studium.errors import InputError
from studium.explore.persons import distances, persons


def same_partition(one, other) -> bool:
    pairs = len(np.unique(np.stack([one, other]), axis=1).T)
    return pairs == len(np.unique(one)) == len(np.unique(other))


def test_no_face_is_no_person():
    found = persons(np.empty((0, 128)))
    assert [part.shape for part in found] == [(0,), (0,), (0,)]


def test_one_face_is_one_person():
    found = persons(np.ones((1, 128)))
    assert [part.tolist() for part in found] == [[0], [0], [0.0]]


def test_copies_are_one_person_at_no_distance():
    found = persons(np.ones((300, 128)) / 3)
    assert set(found.person.tolist()) == {0}
    assert found.distance.tolist() == [0.0] * 300


def test_every_person_is_found_and_numbered_by_size():
    X, whose = templates(30, 20)
    keep = np.flatnonzero((np.arange(len(X)) >= 100) | (whose > 2))  # persons 0 to 2 have fewer faces
    found = persons(X[keep])
    assert same_partition(found.person, whose[keep])
    sizes = np.bincount(found.person)
    assert (np.diff(sizes) <= 0).all()
    assert len(sizes) == 30


def test_the_medoid_is_the_face_nearest_to_the_others():
    X, _ = templates(3, 9)
    found = persons(X)
    for number, medoid in enumerate(found.medoid):
        members = np.flatnonzero(found.person == number)
        apart = cdist(X[members], X[members])
        assert medoid == members[apart.mean(axis=1).argmin()]
        np.testing.assert_allclose(found.distance[members], cdist(X[members], X[[medoid]])[:, 0], atol=1e-6)


def test_one_wrong_link_joins_no_two_persons():
    X, whose = templates(2, 30)
    bridge = (X[whose == 0].mean(axis=0) + X[whose == 1].mean(axis=0)) / 2
    X = np.vstack([X, bridge])
    near = cdist(X, X) < 0.5
    assert connected_components(csr_array(near))[0] == 1, "the bridge should reach both"
    found = persons(X)
    assert same_partition(found.person[:-1], whose)


def test_a_person_with_more_faces_than_neighbours_stays_whole():
    X, whose = templates(1, 400)
    Y, _ = templates(30, 5, seed=1)
    found = persons(np.vstack([X, Y]))
    assert (found.person[:400] == 0).all()
    assert np.bincount(found.person)[0] == 400
    assert len(whose) == 400


def test_equal_input_gives_equal_output():
    X, _ = templates(50, 6)
    one, other = persons(X, seed=3), persons(X.copy(), seed=3)
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_the_threshold_decides():
    X, whose = templates(10, 10)
    assert len(persons(X, 0.1).medoid) == len(whose)
    assert len(persons(X, 5.0).medoid) == 1


@pytest.mark.slow
def test_many_faces_need_little_memory():
    import tracemalloc

    X, whose = templates(1500, 4)
    tracemalloc.start()
    found = persons(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert same_partition(found.person, whose)
    assert peak < 250e6, f"{peak / 1e6:.0f} MB; all distances at once would be {6000**2 * 8 / 1e6:.0f} MB and more"


def test_distances_are_euclidean():
    A, B = np.random.default_rng(0).normal(size=(5, 128)), np.random.default_rng(1).normal(size=(7, 128))
    np.testing.assert_allclose(distances(A, B), cdist(A, B), rtol=1e-6)
    assert distances(A, A).diagonal().tolist() == [0.0] * 5
    assert distances(A[:0], B).shape == (0, 7)


@pytest.mark.parametrize(
    ("X", "threshold", "says"),
    [
        (np.ones(128), 0.5, "shape"),
        (np.full((2, 128), np.nan), 0.5, "finite"),
        (np.ones((2, 128)), 0.0, "above 0"),
        (np.ones((2, 128)), float("nan"), "above 0"),
    ],
)
def test_what_is_no_set_of_templates_is_refused(X, threshold, says):
    with pytest.raises(InputError, match=says):
        persons(X, threshold)
    with pytest.raises(InputError, match="as many columns"):
        distances(np.ones((2, 3)), np.ones((2, 4)))
