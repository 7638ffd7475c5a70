"""Fine-tuned image networks."""

import json
import subprocess
import sys

import checkpoints
import corners
import numpy as np
import pytest
import torch

from studium.errors import HashMismatchError, InputError, WeightsError
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.models.saved import load
from studium.learn.nets import head_start, lite0
from studium.learn.nets.image import ImageNetwork
from studium.learn.nets.net import Schedule
from studium.learn.nets.views import Views

KINDS = ("resnet", "vit", "dinov2")
NONE = Schedule(epochs=0)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    root = tmp_path_factory.mktemp("image networks")
    return {kind: getattr(checkpoints, kind)(root / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def saved(cornered, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "cornered"
    cornered.save(folder)
    return folder


def test_no_pictures(cornered):
    assert cornered.outputs([]).shape == (0, 2)
    with pytest.raises(InputError, match="needs labels, got none"):
        ImageNetwork().fit([], [])


def test_it_learns(cornered):
    """In seconds, what pictures it was not shown have."""
    pictures, classes = corners.corners(24, seed=7)
    assert (cornered.predict(pictures) == classes).mean() > 0.9
    assert [one["epoch"] for one in cornered.training["curve"]] == [1, 2]
    assert cornered.head.classes == corners.CLASSES


def test_saved_it_predicts_the_same_bits(cornered, saved):
    pictures, _ = corners.corners(6, seed=8)
    again = load(saved)
    assert np.array_equal(again.outputs(pictures), cornered.outputs(pictures))
    assert np.array_equal(again.outputs(pictures[3:4]), cornered.outputs(pictures)[3:4])
    about = json.loads((saved / "model.json").read_text())
    assert about["preprocessing"]["input"] == {"mean": 127.0, "resize": 96 * 256 / 224, "size": 96, "std": 128.0}
    assert about["settings"]["side"] == 96
    assert sorted(about["files"]) == ["arrays.npz", "network.onnx", "weights.safetensors"]
    again.save(saved.parent / "again")
    assert (saved.parent / "again" / "network.onnx").read_bytes() == (saved / "network.onnx").read_bytes()


def test_torch_says_the_same(cornered, saved):
    """The graph, with its batch norms folded, is the network that was trained; and so are the weights beside it."""
    pictures, _ = corners.corners(4, seed=8)
    expected = cornered.outputs(pictures)
    for model in (cornered, load(saved)):
        batch = model.body.collate([model.body.encode(picture, None) for picture in pictures])
        with torch.inference_mode():
            assert np.abs(model.body.module.eval()(**batch).softmax(1).numpy() - expected).max() < 1e-3


def test_it_predicts_without_torch(cornered, saved, tmp_path):
    pictures, _ = corners.corners(2, seed=8)
    np.savez(tmp_path / "given.npz", *pictures)
    script = (
        "import sys\nsys.modules |= dict.fromkeys(['torch', 'transformers', 'safetensors', 'accelerate'])\n"
        "import numpy as np\nfrom studium.learn.models.saved import load\n"
        f"given = np.load({str(tmp_path / 'given.npz')!r})\n"
        f"np.save({str(tmp_path / 'found.npy')!r}, load({str(saved)!r}).outputs([given[name] for name in given.files]))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert np.array_equal(np.load(tmp_path / "found.npy"), cornered.outputs(pictures))


def test_what_was_changed_is_refused(saved, tmp_path):
    import shutil

    folder = tmp_path / "changed"
    shutil.copytree(saved, folder)
    (folder / "network.onnx").write_bytes((folder / "network.onnx").read_bytes()[:-1] + b"0")
    with pytest.raises(HashMismatchError, match=r"network\.onnx"):
        load(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_the_hub(networks, kind, tmp_path):
    """An epoch makes the loss smaller; saved and loaded they predict the same bits."""
    pictures, classes = corners.corners(24)
    every = Examples(pictures, classes)
    network = ImageNetwork(model=str(networks[kind]), schedule=Schedule(epochs=2, batch=4, rate=1e-4), augment=False)
    fitted = network.train(every.take(range(16)), every.take(range(16, 24)))
    assert fitted.training["curve"][1]["train_loss"] < fitted.training["curve"][0]["train_loss"]
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert np.array_equal(again.outputs(pictures), fitted.outputs(pictures))
    assert again.settings == fitted.settings


def test_views_of_the_hub(networks):
    """A view has the size that the network sees, and is not cut again."""
    body = ImageNetwork(model=str(networks["dinov2"]), degrees=0.0, jitter=0.0).begin(Head(classes=("a", "b")))
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 64, 3)).copy()
    still = body.encode(ramp, None)["pixel_values"]
    view = body.encode(ramp, np.random.default_rng(3))["pixel_values"]
    assert still.shape == view.shape == (3, 32, 32)
    widths = [np.ptp(one[0].mean(axis=0)) for one in (still, view)]
    assert widths[1] == pytest.approx(widths[0] * 7 / 8 / (32 / 40), rel=0.05)


@pytest.mark.parametrize(
    ("head", "y"),
    [
        (Head(), ["a", "b"] * 8),
        (Head(), ["a", "b", "c", "d"] * 4),
        (Head("level", "ordinal", ("low", "middle", "high", "top")), ["low", "middle", "high", "top"] * 4),
        (Head("tags", "multilabel", ("a", "b")), [[0, 1], [1, 1], [1, 0], [0, 0]] * 4),
        (Head("share", "continuous"), [10.0, 20.0, 30.0, 41.5] * 4),
    ],
)
def test_the_last_layer_begins_as_a_probe(head, y):
    """Of four pictures that are told apart easily it knows most answers before the first step."""
    rng = np.random.default_rng(0)
    four = [
        np.full((40, 40, 3), colour, np.uint8) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 250))
    ]
    pictures = [np.clip(four[at % 4] + rng.integers(0, 30, (40, 40, 3)), 0, 255).astype(np.uint8) for at in range(16)]
    fitted = ImageNetwork(head=head, side=32, schedule=NONE).train(Examples(pictures, y), Examples(pictures, y))
    if head.task == "continuous":
        assert np.corrcoef(fitted.predict(pictures), y)[0, 1] > 0.9
        assert np.mean(fitted.predict(pictures)) == pytest.approx(np.mean(y), abs=1)
    else:
        assert (fitted.predict(pictures) == np.array(y)).mean() > 0.8


def test_smoothed_answers():
    """Classes get their share of answers, but not of coders' shares, which say more."""
    pictures, classes = corners.corners(8)
    two = Head(classes=corners.CLASSES)
    hard = [[0.95, 0.05], [0.05, 0.95]] * 4

    def learned(y, smoothing):
        network = ImageNetwork(head=two, side=32, schedule=NONE, smoothing=smoothing)
        return network.train(Examples(pictures, y), Examples(pictures, classes)).outputs(pictures)

    assert np.allclose(learned(classes, 0.1), learned(hard, 0.1))
    assert np.allclose(learned(hard, 0.1), learned(hard, 0.0))
    assert np.abs(learned(classes, 0.0) - 0.5).min() > np.abs(learned(classes, 0.1) - 0.5).min()


def test_features_are_those_of_embed():
    """The published features, of the published side."""
    from studium.measure.embed import Embed

    pictures, _ = corners.corners(2)
    found = head_start.features(lite0.begun(2, None, Views(False, 0.0, 0.0), 0), pictures)
    assert np.abs(found - Embed()(pictures)["embedding"]).max() < 1e-3


def test_it_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    """Interrupted after its first epoch, the training ends as one that was not."""
    from studium.learn.nets.lite0 import Lite0Body

    pictures, classes = corners.corners(12)
    every = Examples(pictures, classes)
    parts = every.take(range(8)), every.take(range(8, 12))
    network = ImageNetwork(side=32, freeze=8, schedule=Schedule(epochs=2, batch=4, rate=1e-3))
    whole = network.train(*parts)
    encode, seen = Lite0Body.encode, []

    def cut(self, item, rng):
        if rng is not None:
            seen.append(1)
        if len(seen) > 10:
            raise KeyboardInterrupt
        return encode(self, item, rng)

    monkeypatch.setattr(Lite0Body, "encode", cut)
    with pytest.raises(KeyboardInterrupt):
        network.train(*parts, tmp_path / "kept")
    monkeypatch.undo()
    again = network.train(*parts, tmp_path / "kept")
    assert again.training["curve"] == whole.training["curve"]
    ours, theirs = again.body.module.state(), whole.body.module.state()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"side": 20}, "at least 32 px"),
        ({"freeze": 12}, "from 0"),
        ({"model": "elsewhere", "side": 96}, "has its own side"),
        ({"jitter": 2.0}, r"jitter 0\.\.1"),
        ({"smoothing": 1.0}, "below 1"),
    ],
)
def test_settings_that_make_no_sense(fields, said):
    with pytest.raises(InputError, match=said):
        ImageNetwork(**fields)


def test_pictures_that_are_none(cornered):
    with pytest.raises(InputError, match="row 1 cannot be used"):
        ImageNetwork(side=32).fit([np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.uint8)] * 5, ["a", "b"] * 5)
    with pytest.raises(InputError, match="RGB uint8"):
        cornered.outputs([np.zeros((9, 9))])


def test_a_checkpoint_that_lacks_weights(networks, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "lacking"
    shutil.copytree(networks["vit"], folder)
    held = load_file(folder / "model.safetensors")
    name = min(held)
    save_file(
        {key: values for key, values in held.items() if key != name}, folder / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(WeightsError, match="lacks weights"):
        ImageNetwork(model=str(folder)).begin(Head(classes=("a", "b")))
