"""The converted graph against Keras, and files that are no weights."""

import numpy as np
import pytest

from studium.core import weights
from studium.errors import WeightsError
from studium.measure import mini_xception
from studium.networks.sessions import loaded

Y, X = np.mgrid[:64, :64]
PIXELS = np.stack([X / 63 * 2 - 1, (X * Y % 64) / 63 * 2 - 1]).astype(np.float32)[:, None]
KERAS = [  # computed with Keras 2.15 from the same file
    [0.1780393, 0.0000118, 0.0680280, 0.0675249, 0.0239945, 0.1383023, 0.5240992],
    [0.0870142, 0.0000003, 0.0341698, 0.2772948, 0.0373658, 0.5536898, 0.0104654],
]


def run(pixels):
    return loaded(mini_xception.network).run(["probabilities"], {"pixels": pixels})[0]


def test_none():
    assert run(PIXELS[:0]).shape == (0, 7)


def test_parity_with_keras():
    np.testing.assert_allclose(run(PIXELS), KERAS, atol=2e-6)


def test_batches_and_single_faces_agree():
    many = run(np.concatenate([PIXELS, PIXELS[::-1]]))
    for at, one in enumerate(PIXELS):
        np.testing.assert_allclose(run(one[None])[0], many[at], atol=1e-6)


def test_the_graph_is_the_same_every_time():
    file = weights.path(mini_xception.MODEL, "emotion_model.hdf5")
    assert mini_xception.convert(file) == mini_xception.convert(file)


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "weights.hdf5").write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.hdf5 cannot be read"):
        mini_xception.convert(tmp_path / "weights.hdf5")


def test_another_hdf5_file_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["table"] = np.arange(3)
    with pytest.raises(WeightsError, match=r"other\.hdf5 cannot be read"):
        mini_xception.convert(tmp_path / "other.hdf5")
