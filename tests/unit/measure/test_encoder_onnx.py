"""Encoders as ONNX: equal to the checkpoint that they were exported from, without torch or transformers."""

import json
import shutil
import subprocess
import sys

import huggingface_hub
import numpy as np
import pytest
from tiny_inputs import COMMIT, PICTURES, TEXTS, cached

from studium.core import weights
from studium.errors import InputError, WeightsError
from studium.measure import encoder_onnx, encoders
from studium.measure.embed import Embed, EmbedText
from studium.measure.encoder_folder import describe
from studium.testing import check_measure


def near(found, expected, atol):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=atol)


@pytest.mark.parametrize("name", ["clip", "siglip", "dinov2"])
class TestPictures:
    def test_none(self, exported, name):
        model = str(exported[name])
        assert Embed(model)([])["embedding"].shape == (0, encoders.dims(model))

    def test_equals_the_checkpoint(self, exported, tiny, name, photos):
        pictures = [*photos.values(), *PICTURES]
        expected = encoders.encode_images(str(tiny[name]), pictures)
        near(encoders.encode_images(str(exported[name]), pictures), expected, 1e-4)

    def test_keeps_the_contract(self, exported, name):
        check_measure(Embed(str(exported[name])), PICTURES)

    def test_batches_say_the_same(self, exported, name):
        made = encoder_onnx.OnnxEncoder(str(exported[name]), describe(exported[name]))
        near(made._images(PICTURES), made.images(PICTURES), 1e-5)


@pytest.mark.parametrize("name", ["clip", "siglip", "sentences"])
class TestTexts:
    def test_none(self, exported, name):
        assert EmbedText(str(exported[name]))([])["text_embedding"].shape[0] == 0

    def test_equals_the_checkpoint(self, exported, tiny, name):
        found, expected = (encoders.count_texts(str(folders[name]), TEXTS) for folders in (exported, tiny))
        near(found.vectors, expected.vectors, 1e-4)
        assert found.counts == expected.counts

    def test_keeps_the_contract(self, exported, name):
        check_measure(EmbedText(str(exported[name])), TEXTS)

    def test_batches_say_the_same(self, exported, name):
        """Texts of a batch are padded to the longest; that must not show."""
        made = encoder_onnx.OnnxEncoder(str(exported[name]), describe(exported[name]))
        near(made._texts(TEXTS).vectors, made.texts(TEXTS).vectors, 1e-5)


class TestPrecision:
    def test_float16(self, exported):
        model, exact = str(exported["siglip"]), Embed(str(exported["siglip"]))
        assert exact(PICTURES)["embedding"] is not None
        found = Embed(model, precision="float16")(PICTURES)["embedding"]
        assert 0 < np.abs(found - exact(PICTURES)["embedding"]).max() < 0.1
        near(encoders.encode_text(model, TEXTS, "float16"), encoders.encode_text(model, TEXTS), 0.01)

    def test_int8(self, exported):
        model = str(exported["siglip"])
        cosine = (encoders.encode_text(model, TEXTS, "int8") * encoders.encode_text(model, TEXTS)).sum(axis=1)
        assert (cosine > 0.99).all()
        assert (cosine < 1).any()

    def test_what_there_is_not(self, exported):
        with pytest.raises(
            InputError, match=r"no vision_model in int8 \(vision_model_quantized\.onnx\); it has text_mo"
        ):
            Embed(str(exported["clip"]), precision="int8")(PICTURES)

    @pytest.mark.parametrize("measure", [Embed, EmbedText])
    def test_what_is_none(self, measure):
        with pytest.raises(InputError, match="float32, float16, int8, got 'half'"):
            measure(precision="half")

    @pytest.mark.parametrize("model", ["efficientnet-lite0", "conse"])
    def test_of_what_comes_in_one(self, model, photos):
        with pytest.raises(InputError, match="one precision only"):
            Embed(model, precision="int8")([photos["coffee"]])


def test_from_the_cache_of_the_hub(exported, tmp_path, monkeypatch):
    """The precision asked for is looked for beside the one that was fetched."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = cached(exported["siglip"], tmp_path, "someone/siglip")
    model = f"someone/siglip@{COMMIT}"
    for precision in encoders.PRECISIONS:
        expected = encoders.encode_images(str(exported["siglip"]), PICTURES, precision)
        np.testing.assert_array_equal(encoders.encode_images(model, PICTURES, precision), expected)
    for file in (folder / "onnx").glob("*_quantized.onnx"):
        file.unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE"):
        encoders.prepare(model, "int8")


def test_a_repository_that_is_wanted_in_another_precision_from_the_start(exported, tmp_path, monkeypatch):
    """What files it has of that precision is known only once it was listed."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name in ("HF_HUB_OFFLINE", "STUDIUM_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    model, source = f"someone/siglip@{COMMIT}", exported["siglip"]
    names = [file.relative_to(source).as_posix() for file in source.rglob("*") if file.is_file()]

    def download(repo, name, revision, cache_dir):
        target = weights.get(model).bundle.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, target)

    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda repo, revision: names)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    encoders.prepare(model, "int8")
    expected = encoders.encode_images(str(source), PICTURES, "int8")
    np.testing.assert_array_equal(encoders.encode_images(model, PICTURES, "int8"), expected)


def test_the_scale_is_beside_the_graphs(exported, tiny, tmp_path):
    """The towers do not hold it; the checkpoint that they were made from does."""
    with pytest.raises(WeightsError, match="does not say its logit_scale"):
        encoders.logit_scale(str(exported["clip"]))
    folder = shutil.copytree(exported["clip"], tmp_path / "clip")
    shutil.copy(tiny["clip"] / "model.safetensors", folder)
    assert encoders.logit_scale(str(folder)) == encoders.logit_scale(str(tiny["clip"])) == pytest.approx(np.exp(2.6592))


class TestRefused:
    @pytest.fixture
    def folder(self, exported, tmp_path):
        """A copy to spoil."""
        return shutil.copytree(exported["clip"], tmp_path / "clip")

    def test_a_graph_that_is_broken(self, folder):
        (folder / "onnx" / "vision_model.onnx").write_bytes(b"not a graph")
        with pytest.raises(WeightsError, match=r"vision_model\.onnx does not load"):
            encoders.encode_images(str(folder), PICTURES)
        with pytest.raises(WeightsError, match="does not load"):
            Embed(str(folder)).prepare()  # before a run begins
        EmbedText(str(folder)).prepare()

    def test_no_graph_for_texts(self, folder):
        (folder / "onnx" / "text_model.onnx").unlink()
        with pytest.raises(InputError, match=r"no text_model in float32 .*it has vision_model\.onnx"):
            encoders.encode_text(str(folder), ["a"])

    def test_no_tokenizer(self, folder):
        (folder / "tokenizer.json").unlink()
        with pytest.raises(WeightsError, match="no tokenizer that loads"):
            encoders.encode_text(str(folder), ["a"])

    def test_no_token_that_pads(self, folder):
        (folder / "tokenizer_config.json").unlink()
        with pytest.raises(WeightsError, match="no token that pads"):
            encoders.encode_text(str(folder), ["a"])

    def test_pictures_prepared_as_nobody_knows(self, folder):
        (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": "OtherImageProcessor"}))
        with pytest.raises(InputError, match="OtherImageProcessor"):
            encoders.encode_images(str(folder), PICTURES)

    def test_an_export_for_classifying(self, exported, tiny, tmp_path):
        """It gives logits of classes, and no vector."""
        folder = shutil.copytree(exported["dinov2"], tmp_path / "resnet")
        shutil.copy(tiny["resnet"] / "config.json", folder)
        with pytest.raises(InputError, match="gives last_hidden_state; expected image_embeds or pooler_output"):
            encoders.encode_images(str(folder), PICTURES)

    def test_a_config_that_does_not_fit(self, folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "projection_dim": 13}))
        with pytest.raises(WeightsError, match=r"gives 12 numbers, its config\.json says 13"):
            encoders.encode_images(str(folder), PICTURES)


def test_needs_no_torch(exported):
    code = f"""
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
import numpy as np
from studium.measure.embed import Embed, EmbedText
from studium.measure.encoder_folder import describe
model = {str(exported["clip"])!r}
print(Embed(model)([np.zeros((40, 50, 3), np.uint8)])["embedding"].shape, Embed(model).at_once)
print(EmbedText(model)(["a photo of a cat"])["text_embedding"].shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 12) 8\n(1, 12)\n"
