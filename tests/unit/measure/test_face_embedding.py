import dataclasses
import sys
import tracemalloc

import numpy as np
import pytest
from persons import BASIS, face

from studium.core import audit, legal, weights
from studium.errors import InputError, MediaError, MissingExtraError, RefusedError
from studium.explore.persons import distances
from studium.measure.face_embedding import MODEL, FaceEmbedding, _network
from studium.media.image import decode
from studium.media.region import region
from studium.testing import check_measure
from studium.unitize.faces import Faces

NAMES = ("obama", "obama2", "obama3", "biden")
PUBLISHED = [
    [0, 0.346, 0.332, 0.840],
    [0.346, 0, 0.428, 0.816],
    [0.332, 0.428, 0, 0.870],
    [0.840, 0.816, 0.870, 0],
]
"""Distances by dlib's own pipeline: HOG detector (upsampled once), 5-point landmarks, chip, network."""


@pytest.fixture(scope="module")
def faces(politicians):
    return [face(politicians / f"{name}.jpg") for name in NAMES]


def test_without_a_legal_basis_it_refuses_and_logs(faces, audited):
    for batch in ([], faces):
        with pytest.raises(RefusedError, match="needs a legal basis: there is no record"):
            FaceEmbedding()(batch)
    with pytest.raises(RefusedError):
        FaceEmbedding().prepare()
    assert [(e.use.what, e.use.units, e.allowed) for e in audit.read(audited)] == [
        ("face_embedding", 0, False),
        ("face_embedding", 4, False),
        ("prepare face_embedding", 0, False),
    ]


def test_it_refuses_before_it_misses_the_extra(faces, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    _network.cache_clear()
    with pytest.raises(RefusedError):
        FaceEmbedding()(faces)
    with legal.under(BASIS), pytest.raises(MissingExtraError, match=r"studium\[recognition\]"):
        FaceEmbedding()(faces)


def test_with_a_legal_basis_it_embeds_and_logs(audited):
    with legal.under(BASIS):
        assert FaceEmbedding()([])["face_embedding"].shape == (0, 128)
    (entry,) = audit.read(audited)
    assert (entry.allowed, entry.basis) == (True, BASIS.digest)


def test_distances_are_those_of_dlibs_own_pipeline(faces):
    with legal.under(BASIS):
        found = FaceEmbedding()(faces)["face_embedding"]
    assert found.dtype == np.float32
    apart = distances(found, found)
    np.testing.assert_allclose(apart, PUBLISHED, atol=0.03)
    ranked = [NAMES[at] for at in np.argsort(apart[0])]
    assert ranked == ["obama", "obama3", "obama2", "biden"]


def test_parity_is_with_dlib_as_it_is_here(politicians, faces):
    import dlib

    picture = decode(politicians / "biden.jpg")
    net, landmarks = (weights.path(MODEL, file.name) for file in weights.get(MODEL).files)
    (box,) = dlib.get_frontal_face_detector()(picture, 1)
    shape = dlib.shape_predictor(str(landmarks))(picture, box)
    reference = np.array(dlib.face_recognition_model_v1(str(net)).compute_face_descriptor(picture, shape))
    with legal.under(BASIS):
        found = FaceEmbedding()([faces[3]])["face_embedding"][0]
    assert np.linalg.norm(found - reference) < 0.08


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_face_may_lie_on_its_side(politicians, faces, turns):
    """The landmarks turn with the picture; dlib's own pipeline finds no face then."""
    upright = faces[0]
    height, width = upright.picture.shape[:2]
    x, y = np.array(upright.points).T
    for _ in range(turns):
        x, y, height, width = y, width - x, width, height
    turned = np.ascontiguousarray(np.rot90(upright.picture, turns))
    lying = region(turned, (0, 0, width, height), tuple(zip(x.tolist(), y.tolist(), strict=True)))
    with legal.under(BASIS):
        one, other = FaceEmbedding()([upright, lying])["face_embedding"]
    assert np.linalg.norm(one - other) < 0.12


def test_a_face_at_the_edge_is_completed_with_black(politicians, faces):
    cut = face(politicians / "obama_partial_face.jpg")
    with legal.under(BASIS):
        whole, part = FaceEmbedding()([faces[0], cut])["face_embedding"]
    assert np.linalg.norm(whole - part) < 0.3


def test_a_large_face_is_not_copied_nine_times(faces):
    picture = np.zeros((3000, 4000, 3), np.uint8)
    large = region(picture, (0, 0, 4000, 3000), ((1500, 1000), (2500, 1000), (2000, 1700), (1600, 2300), (2400, 2300)))
    with legal.under(BASIS):
        FaceEmbedding()([large])
        tracemalloc.start()
        FaceEmbedding()([large])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3 * picture.nbytes


def test_it_keeps_the_contract(faces):
    with legal.under(BASIS):
        check_measure(FaceEmbedding(), faces[2:])


def test_every_kind_of_unit_is_behind_the_gate():
    assert all(FaceEmbedding().identifies(of) for of in ("face", "object", "line"))
    (column,) = FaceEmbedding().columns
    assert column.sensitive


def test_a_face_needs_landmarks(faces):
    bare = dataclasses.replace(faces[0], points=None)
    with legal.under(BASIS):
        with pytest.raises(MediaError, match="five landmarks, got 0; split pictures with faces"):
            FaceEmbedding()([bare])
        with pytest.raises(InputError, match="got ndarray"):
            FaceEmbedding()([bare.picture])


def test_landmarks_in_one_place_are_no_face(faces):
    flat = dataclasses.replace(faces[0], points=((5.0, 5.0),) * 5)
    with legal.under(BASIS), pytest.raises(MediaError):
        FaceEmbedding()([flat])


def test_faces_of_a_notebook(politicians):
    """As the docstring says, without a study."""
    picture = decode(politicians / "obama.jpg")
    cuts = [region(picture, span.box, span.points) for span in Faces()(picture)]
    with legal.under(BASIS):
        assert FaceEmbedding()(cuts)["face_embedding"].shape == (len(cuts), 128)
