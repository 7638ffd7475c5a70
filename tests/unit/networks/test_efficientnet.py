"""The converted graph against the published PyTorch code, and the reader against hostile pickles."""

import io
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import onnxruntime
import pytest

from studium.core import weights
from studium.errors import WeightsError
from studium.networks import efficientnet, image_network
from studium.networks.torch_file import MAGIC, PROTOCOL, read_checkpoint


@pytest.fixture(scope="module")
def checkpoint():
    return weights.path("efficientnet-lite0", "efficientnet-lite0.pth")


@pytest.fixture(scope="module")
def pixels(natural):
    settings = weights.get("efficientnet-lite0").input
    return np.concatenate([image_network.pixels(image, settings) for image in natural.values()])


@pytest.fixture(scope="module")
def published(tmp_path_factory, checkpoint):
    """The authors' PyTorch model, from their wheel."""
    import torch

    folder = tmp_path_factory.mktemp("published")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run([*command, "efficientnet-lite-pytorch==0.1.0"], check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    sys.path.insert(0, str(folder))
    try:
        from efficientnet_lite_pytorch import EfficientNet
    finally:
        sys.path.remove(str(folder))
    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    return model.eval()


def test_tensors_are_those_that_torch_reads(checkpoint):
    import torch

    expected = torch.load(checkpoint, weights_only=True)
    found = read_checkpoint(checkpoint)
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(found[name], tensor.numpy())


def test_parity_with_the_published_model(published, pixels):
    import torch

    session = onnxruntime.InferenceSession(str(efficientnet.onnx_path()))
    embedding, logits = session.run(["embedding", "logits"], {"pixels": pixels})
    with torch.no_grad():
        features = published.extract_features(torch.from_numpy(pixels)).mean((2, 3)).numpy()
        expected = published(torch.from_numpy(pixels)).numpy()
    assert embedding.shape == (len(pixels), 1280)
    assert logits.shape == (len(pixels), 1000)
    assert np.abs(embedding - features).max() < 1e-4  # found: 5e-6
    assert np.abs(logits - expected).max() < 1e-4  # found: 1e-5, of logits up to 11


def test_batches_and_single_pictures_agree_bit_by_bit(pixels):
    session = onnxruntime.InferenceSession(str(efficientnet.onnx_path()))
    whole = session.run(None, {"pixels": pixels})
    for number in range(len(pixels)):
        for batch, one in zip(whole, session.run(None, {"pixels": pixels[number : number + 1]}), strict=True):
            np.testing.assert_array_equal(batch[number], one[0])


def test_an_empty_batch(pixels):
    session = onnxruntime.InferenceSession(str(efficientnet.onnx_path()))
    assert session.run(["logits"], {"pixels": pixels[:0]})[0].shape == (0, 1000)


def test_the_graph_is_written_once_and_the_same_every_time(checkpoint):
    path = efficientnet.onnx_path()
    before = path.stat().st_mtime_ns
    assert efficientnet.onnx_path().stat().st_mtime_ns == before
    assert efficientnet.convert(checkpoint) == path.read_bytes()


class Runs:
    """Pickles as a call."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def legacy(*objects):
    stream = io.BytesIO()
    for item in (MAGIC, PROTOCOL, {"little_endian": True}, *objects):
        pickle.dump(item, stream, protocol=2)
    return stream.getvalue()


@pytest.mark.parametrize("call", [os.system, eval, exec, getattr, __import__, io.open, np.frombuffer])
@pytest.mark.parametrize("where", [0, 3])
def test_a_pickle_that_wants_to_run_something_is_refused(tmp_path, call, where):
    path, proof = tmp_path / "evil.pth", tmp_path / "ran"
    bomb = Runs(call, f"touch {proof}")
    path.write_bytes(pickle.dumps(bomb, protocol=2) if where == 0 else legacy({"_fc.weight": bomb}, []))
    with pytest.raises(WeightsError, match="refused"):
        read_checkpoint(path)
    assert not proof.exists()


def test_damaged_files_are_refused(tmp_path, checkpoint):
    whole = checkpoint.read_bytes()
    broken = {
        "empty": b"",
        "text": b"not a checkpoint",
        "zip": b"PK\x03\x04" + whole[:100],
        "magic": pickle.dumps(7, protocol=2) + whole[15:],
        "cut in the pickle": whole[:1000],
        "cut in the values": whole[:-1000],
        "not tensors": legacy({"_fc.weight": 1}, []),
        "not a dict": legacy([1, 2], []),
    }
    for name, content in broken.items():
        (tmp_path / "broken.pth").write_bytes(content)
        with pytest.raises(WeightsError, match=r"broken\.pth"):
            read_checkpoint(tmp_path / "broken.pth")
        assert name
