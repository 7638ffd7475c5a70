"""Encoders by transformers: equal to transformers' own pipeline, from a folder and from the cache of the hub."""

import copy
import dataclasses
import json
import shutil

import checkpoints
import numpy as np
import pytest
import torch
import transformers
from tiny_inputs import COMMIT, PICTURES, TEXTS, cached

from studium.errors import InputError, MissingExtraError, WeightsError
from studium.measure import encoder_hub, encoders
from studium.measure.embed import Embed, EmbedText
from studium.measure.encoder_folder import describe
from studium.testing import check_measure

PICTORIAL = ("clip", "siglip", "siglip2", "dinov2", "vit", "resnet")
JOINT = ("clip", "siglip", "siglip2")


def theirs(folder):
    """Transformers' own processor and network."""
    transformers.utils.logging.disable_progress_bar()
    processor = transformers.AutoProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    return processor, transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()


def their_pictures(folder, pictures):
    processor, network = theirs(folder)
    reads = getattr(processor, "image_processor", processor)
    with torch.inference_mode():
        rows = []
        for picture in pictures:
            inputs = reads([picture], return_tensors="pt", input_data_format="channels_last")
            said = network.get_image_features(**inputs) if hasattr(network, "get_image_features") else network(**inputs)
            rows.append(said.pooler_output.flatten())
    return torch.stack(rows).numpy()


def their_texts(folder, texts):
    processor, network = theirs(folder)
    sigmoid = network.config.model_type.startswith("siglip")
    how = {"padding": "max_length" if sigmoid else False, "truncation": True, "max_length": 64 if sigmoid else 77}
    with torch.inference_mode():
        rows = []
        for text in texts:
            tokens = processor.tokenizer([text], return_tensors="pt", **how)
            tokens = {"input_ids": tokens["input_ids"]} if sigmoid else tokens
            rows.append(network.get_text_features(**tokens).pooler_output[0])
    found = torch.stack(rows).numpy()
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("name", PICTORIAL)
class TestPictures:
    def test_none(self, tiny, name):
        found = Embed(str(tiny[name]))([])["embedding"]
        assert found.shape == (0, encoders.dims(str(tiny[name])))
        assert found.dtype == np.float32

    def test_equals_transformers(self, tiny, name, photos):
        pictures = [*photos.values(), *PICTURES]
        found = Embed(str(tiny[name]))(pictures)["embedding"]
        expected = their_pictures(tiny[name], pictures)
        assert np.abs(expected).max() > 0.5
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_keeps_the_contract(self, tiny, name):
        check_measure(Embed(str(tiny[name])), PICTURES)

    def test_batches_say_the_same(self, tiny, name):
        """What an accelerator is given at once, against one by one."""
        one = encoders.encode_images(str(tiny[name]), PICTURES)
        made = encoder_hub.hub_encoder(str(tiny[name]), describe(tiny[name]), "float32")
        np.testing.assert_allclose(made._images(PICTURES), one, atol=1e-5)


@pytest.mark.parametrize("name", JOINT)
class TestTexts:
    def test_none(self, tiny, name):
        found = EmbedText(str(tiny[name]))([])
        assert found["text_embedding"].shape == (0, encoders.dims(str(tiny[name])))
        assert len(found["tokens"]) == len(found["truncated"]) == 0

    def test_equals_transformers(self, tiny, name):
        texts = ["a photo of a cat", "", "the people march in the street", "ünïcödé 抗议 🪧", "police " * 10_000]
        found = EmbedText(str(tiny[name]))(texts)
        np.testing.assert_allclose(found["text_embedding"], their_texts(tiny[name], texts), atol=1e-5)
        assert found["truncated"].tolist() == [False, False, False, False, True]
        assert found["tokens"][-1] > 10_000

    def test_keeps_the_contract(self, tiny, name):
        check_measure(EmbedText(str(tiny[name])), TEXTS)

    def test_batches_say_the_same(self, tiny, name):
        made = encoder_hub.hub_encoder(str(tiny[name]), describe(tiny[name]), "float32")
        np.testing.assert_allclose(made._texts(TEXTS).vectors, made.texts(TEXTS).vectors, atol=1e-5)

    def test_pictures_and_texts_share_a_space(self, tiny, name):
        model = str(tiny[name])
        assert encoders.text_twin(model) == encoders.image_twin(model) == model
        assert encoders.is_joint(model)
        assert Embed(model).columns[0].size == EmbedText(model).columns[0].size

    def test_scale_and_bias_are_the_checkpoint_s(self, tiny, name, tmp_path):
        _, network = theirs(tiny[name])
        with torch.no_grad():
            network.logit_scale.fill_(4.25)
            if name != "clip":
                network.logit_bias.fill_(-12.5)
        folder = shutil.copytree(tiny[name], tmp_path / name)
        for dtype, wanted in ((torch.float32, 4.25), (torch.bfloat16, 4.25), (torch.float16, 4.25)):
            network.to(dtype).save_pretrained(folder)
            assert encoders.logit_scale(str(folder)) == pytest.approx(np.exp(wanted))
            assert encoders.logit_bias(str(folder)) == (None if name == "clip" else -12.5)


def test_siglip_2_reads_lower_case(tiny):
    """It was trained on it; the tokenizer of its fixed sizes does not see to that."""
    upper, lower = encoders.encode_text(str(tiny["siglip2"]), ["A Photo of a CAT", "a photo of a cat"])
    np.testing.assert_array_equal(upper, lower)


def test_texts_that_are_none(tiny):
    for text in (None, 3, "lone \ud800 surrogate"):
        with pytest.raises(InputError, match="text"):
            EmbedText(str(tiny["clip"]))([text])


def test_chinese_clip(tmp_path):
    """A BERT for texts, with its vocabulary in vocab.txt."""
    folder = checkpoints.chinese_clip(tmp_path)
    texts = ["红旗", "一张猫的照片", ""]
    tokenizer = transformers.BertTokenizer.from_pretrained(folder)
    _, network = theirs(folder)
    with torch.inference_mode():
        tokens = [tokenizer([text], return_tensors="pt") for text in texts]
        rows = np.concatenate([network.get_text_features(**one).pooler_output.numpy() for one in tokens])
    found = EmbedText(str(folder))(texts)
    expected = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(found["text_embedding"], expected, atol=1e-5)
    assert found["tokens"].tolist() == [4, 8, 2]
    pictures = encoders.encode_images(str(folder), PICTURES)
    np.testing.assert_allclose(pictures, their_pictures(folder, PICTURES), atol=1e-5)


class TestSentences:
    @pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
    def test_equals_transformers(self, tmp_path, pooling):
        folder = checkpoints.sentences(tmp_path, pooling=pooling)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        transformers.utils.logging.disable_progress_bar()
        network = transformers.AutoModel.from_pretrained(folder).eval()
        rows = []
        for text in TEXTS:
            tokens = tokenizer([text], return_tensors="pt", truncation=True, max_length=32)
            with torch.inference_mode():
                states = network(**tokens).last_hidden_state[0].numpy()
            rows.append({"mean": states.mean(axis=0), "cls": states[0], "max": states.max(axis=0)}[pooling])
        expected = np.stack(rows) / np.linalg.norm(rows, axis=1, keepdims=True)
        found = EmbedText(str(folder))(TEXTS)
        np.testing.assert_allclose(found["text_embedding"], expected, atol=1e-5)
        assert found["truncated"].tolist() == [False, False, False, True]
        made = encoder_hub.hub_encoder(str(folder), describe(folder), "float32")
        np.testing.assert_allclose(made._texts(TEXTS).vectors, made.texts(TEXTS).vectors, atol=1e-5)

    def test_a_prompt_of_its_own(self, tmp_path):
        folder = checkpoints.sentences(tmp_path)
        plain = encoders.encode_text(str(folder), ["query: red flag"])
        said = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
        np.testing.assert_array_equal(encoders.encode_text(str(folder), ["red flag"]), plain)

    def test_other_steps_are_refused(self, tmp_path):
        folder = checkpoints.sentences(tmp_path)
        steps = json.loads((folder / "modules.json").read_text())
        steps.append({"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"})
        (folder / "modules.json").write_text(json.dumps(steps))
        with pytest.raises(InputError, match="Dense"):
            encoders.encode_text(str(folder), ["a"])

    def test_other_pooling_is_refused(self, tmp_path):
        folder = checkpoints.sentences(tmp_path)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "weightedmean"}))
        with pytest.raises(InputError, match="weightedmean"):
            encoders.encode_text(str(folder), ["a"])


def test_a_vit_that_classifies(tiny, tmp_path):
    """It has no pooler; the vector is that of the token that its classes are made of."""
    config = transformers.ViTConfig.from_pretrained(tiny["vit"])
    torch.manual_seed(1)
    transformers.utils.logging.disable_progress_bar()
    network = transformers.ViTForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    shutil.copy(tiny["vit"] / "preprocessor_config.json", tmp_path)
    found = Embed(str(tmp_path))(PICTURES)["embedding"]
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    for picture, row in zip(PICTURES, found, strict=True):
        inputs = processor([picture], return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            expected = network.vit(**inputs).last_hidden_state[0, 0].numpy()
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_others_with_a_pooled_output(tiny, tmp_path):
    config = transformers.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], image_size=32)
    transformers.utils.logging.disable_progress_bar()
    transformers.ConvNextModel(config).save_pretrained(tmp_path)
    shutil.copy(tiny["resnet"] / "preprocessor_config.json", tmp_path)
    found = Embed(str(tmp_path))(PICTURES)["embedding"]
    np.testing.assert_allclose(found, their_pictures(tmp_path, PICTURES), atol=1e-5)


def test_others_without(tiny, tmp_path):
    config = transformers.ViTMAEConfig(
        **{**checkpoints.VISION, "decoder_hidden_size": 16, "decoder_num_hidden_layers": 1}
    )
    transformers.utils.logging.disable_progress_bar()
    transformers.ViTMAEModel(config).save_pretrained(tmp_path)
    shutil.copy(tiny["vit"] / "preprocessor_config.json", tmp_path)
    with pytest.raises(InputError, match=r"'vit_mae', which gives no pooled output; expected one of clip.*resnet"):
        Embed(str(tmp_path))(PICTURES)


def test_a_snapshot_in_the_cache_of_the_hub(tiny, tmp_path, monkeypatch):
    name = f"someone/clip@{COMMIT}"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=f"studium models pull {name}"):
        Embed(name)(PICTURES)
    cached(tiny["clip"], tmp_path, "someone/clip")
    np.testing.assert_array_equal(Embed(name)(PICTURES)["embedding"], Embed(str(tiny["clip"]))(PICTURES)["embedding"])
    np.testing.assert_array_equal(encoders.encode_text(name, TEXTS), encoders.encode_text(str(tiny["clip"]), TEXTS))
    assert Embed(name).columns[0].size == 12


def test_saved_and_loaded_again(tiny, tmp_path):
    """As a fine-tuned copy is: by transformers, with its processor in one file."""
    processor, network = theirs(tiny["clip"])
    network.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert not (tmp_path / "preprocessor_config.json").exists()
    found = encoders.encode_images(str(tmp_path), PICTURES)
    np.testing.assert_array_equal(found, encoders.encode_images(str(tiny["clip"]), PICTURES))


def test_older_tokenizer_files(tiny, tmp_path):
    """vocab.json and merges.txt, without tokenizer.json."""
    folder = shutil.copytree(tiny["clip"], tmp_path / "clip")
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]))
    np.testing.assert_array_equal(
        encoders.encode_text(str(folder), TEXTS), encoders.encode_text(str(tiny["clip"]), TEXTS)
    )


class TestRefused:
    @pytest.fixture
    def folder(self, tiny, tmp_path):
        """A copy to spoil."""
        return shutil.copytree(tiny["clip"], tmp_path / "clip")

    @pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "model.safetensors", "tokenizer.json"])
    def test_a_file_that_is_broken(self, folder, file):
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: len(content) // 2])
        with pytest.raises(WeightsError, match=r"cannot be read|does not load|no tokenizer that loads"):
            encoders.encode_text(str(folder), ["a"])

    def test_no_pictures(self, tiny, folder):
        with pytest.raises(InputError, match=r"no preprocessor_config\.json: it is no image model"):
            Embed(str(tiny["sentences"]))(PICTURES)

    def test_no_texts(self, tiny):
        with pytest.raises(InputError, match="it is no text model"):
            EmbedText(str(tiny["dinov2"]))(["a"])
        with pytest.raises(InputError, match="reads no texts"):
            encoders.logit_scale(str(tiny["dinov2"]))

    def test_a_config_that_does_not_fit(self, folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "projection_dim": 13}))
        with pytest.raises(WeightsError, match="another size"):
            encoders.encode_images(str(folder), PICTURES)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="it works there")
    def test_float16_on_a_cpu(self, tiny):
        with pytest.raises(InputError, match="needs an accelerator"):
            Embed(str(tiny["clip"]), precision="float16")(PICTURES)

    def test_float16_s_numbers(self, tiny):
        """What an accelerator is asked for, computed here: half the bits, the same vectors within a thousandth."""
        exact = encoder_hub.hub_encoder(str(tiny["clip"]), describe(tiny["clip"]), "float32")
        half = dataclasses.replace(exact, network=copy.deepcopy(exact.network).half())
        found, expected = half.images(PICTURES), exact.images(PICTURES)
        assert found.dtype == np.float32
        assert 0 < np.abs(found - expected).max() < 0.005 * np.abs(expected).max()

    def test_int8(self, tiny):
        with pytest.raises(InputError, match="needs an ONNX export"):
            Embed(str(tiny["clip"]), precision="int8")(PICTURES)

    def test_without_torch(self, folder, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "torch", None)
        with pytest.raises(MissingExtraError, match=r"studium\[torch\]"):
            encoders.encode_images(str(folder), PICTURES)
