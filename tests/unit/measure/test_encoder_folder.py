"""What the JSON files of a folder say of an encoder."""

import json

import pytest
import torch
from safetensors.torch import save_file

from studium.errors import InputError, WeightsError
from studium.measure.encoder_folder import FAMILIES, describe, parameter


def said(folder, config, **files):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return describe(folder)


def test_an_empty_folder(tmp_path):
    with pytest.raises(WeightsError, match="no checkpoint of transformers"):
        describe(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "\udc00"])
def test_a_config_that_is_none(tmp_path, content):
    (tmp_path / "config.json").write_text(content, errors="surrogatepass")
    with pytest.raises(WeightsError, match=r"config\.json"):
        describe(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_config_leaves_out_is_as_transformers_has_it(tmp_path, family):
    """The hub's files say only what differs from the defaults of the class."""
    import transformers

    theirs = transformers.AutoConfig.for_model(family)
    found = said(tmp_path, {"model_type": family})
    dims = getattr(theirs, "projection_dim", None)
    dims = theirs.vision_config.hidden_size if family.startswith("siglip") else dims
    assert found.dims == (dims or getattr(theirs, "hidden_size", 0) or theirs.hidden_sizes[-1])
    if found.joint:
        assert found.tokens == theirs.text_config.max_position_embeddings


@pytest.mark.parametrize(
    ("config", "dims"),
    [
        ({"model_type": "clip", "projection_dim": 768}, 768),
        ({"model_type": "siglip", "vision_config": {"hidden_size": 1152}}, 1152),
        ({"model_type": "resnet", "hidden_sizes": [64, 128, 256, 512]}, 512),
        ({"model_type": "convnext", "hidden_sizes": [96, 192, 384, 768]}, 768),
        ({"model_type": "distilbert", "dim": 768}, 768),
        ({"model_type": "bert", "hidden_size": 384}, 384),
    ],
)
def test_length_of_vectors(tmp_path, config, dims):
    assert said(tmp_path, config).dims == dims


def test_a_length_that_nobody_says(tmp_path):
    with pytest.raises(WeightsError, match=r"'mystery' are\. Known by name are clip"):
        _ = said(tmp_path, {"model_type": "mystery"}).dims


@pytest.mark.parametrize(
    ("config", "files", "tokens"),
    [
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, {"tokenizer_config": {"model_max_length": 1e30}}, 512),
        (
            {"model_type": "bert", "max_position_embeddings": 512},
            {"sentence_bert_config": {"max_seq_length": 256}},
            256,
        ),
        ({"model_type": "clip", "text_config": None}, {"tokenizer_config": {"model_max_length": 77}}, 77),
        ({"model_type": "siglip", "text_config": {"max_position_embeddings": 64}}, {}, 64),
    ],
)
def test_how_much_is_read(tmp_path, config, files, tokens):
    assert said(tmp_path, config, **files).tokens == tokens


def test_how_tokens_are_pooled(tmp_path):
    steps = [{"path": "", "type": "sentence_transformers.models.Transformer"},
             {"path": "1_Pooling", "type": "sentence_transformers.base.modules.pooling.Pooling"}]  # fmt: skip
    (tmp_path / "1_Pooling").mkdir()
    assert said(tmp_path, {"model_type": "bert"}).pooling == "mean"
    for content, pooling in [
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode_max_tokens": True}, "max"),
        ({}, "mean"),
    ]:
        (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(content))
        assert said(tmp_path, {"model_type": "bert"}, modules=steps).pooling == pooling
    both = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(both))
    with pytest.raises(InputError, match="pools its tokens by cls, mean; studium does one of mean, cls, max"):
        _ = describe(tmp_path).pooling


class TestParameter:
    def test_in_one_file_or_several(self, tmp_path):
        scale = {"logit_scale": torch.tensor(4.6052), "other": torch.zeros(3, 4)}
        save_file(scale, tmp_path / "model.safetensors")
        assert parameter(tmp_path, "logit_scale") == pytest.approx(4.6052)
        (tmp_path / "model.safetensors").rename(tmp_path / "model-00002-of-00002.safetensors")
        index = {"weight_map": {"logit_scale": "model-00002-of-00002.safetensors"}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
        assert parameter(tmp_path, "logit_scale") == pytest.approx(4.6052)

    def test_of_shape_one(self, tmp_path):
        """As SigLIP has it."""
        save_file({"logit_bias": torch.tensor([-16.75])}, tmp_path / "model.safetensors")
        assert parameter(tmp_path, "logit_bias") == -16.75

    @pytest.mark.parametrize("content", [None, b"", b"\xff" * 8, b"\x02" + bytes(7) + b"{}", b"\x08" + bytes(7) + b"{"])
    def test_where_there_is_none(self, tmp_path, content):
        if content is not None:
            (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(WeightsError, match="does not say its logit_scale"):
            parameter(tmp_path, "logit_scale")

    def test_many_numbers_and_none(self, tmp_path):
        save_file({"logit_scale": torch.zeros(2), "nan": torch.tensor(float("nan"))}, tmp_path / "model.safetensors")
        with pytest.raises(WeightsError, match="does not say its logit_scale"):
            parameter(tmp_path, "logit_scale")
        with pytest.raises(WeightsError, match="no number"):
            parameter(tmp_path, "nan")
