"""The seam: which models there are, what they share, and what a row says."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
from tiny_inputs import COMMIT

from studium.core import catalogue, weights
from studium.core.bundle import Snapshot
from studium.core.recipe import recipe_of
from studium.errors import InputError, UnknownNameError, WeightsError
from studium.measure import encoders
from studium.measure.embed import Embed, EmbedText

OWN = f"someone/clip@{COMMIT}"
HUB = [name for name in (*encoders.IMAGE_MODELS, *encoders.TEXT_MODELS) if weights.get(name).bundle]


def test_the_models():
    assert encoders.IMAGE_MODELS[:2] == ("efficientnet-lite0", "conse")
    assert set(encoders.IMAGE_MODELS[2:]) == {
        "clip-vit-b32", "clip-vit-l14", "siglip2-base", "dinov2-small", "dinov2-base", "resnet-50",
    }  # fmt: skip
    joint = [name for name in encoders.IMAGE_MODELS if encoders.is_joint(name)]
    assert joint == ["conse", "clip-vit-b32", "clip-vit-l14", "siglip2-base"]
    assert set(encoders.TEXT_MODELS) == {"minilm", "multilingual-e5-small", *joint[1:]}


@pytest.mark.parametrize("model", HUB)
def test_rows_of_the_hub_say_what_a_study_needs_before_they_are_fetched(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    row = weights.get(model)
    assert re.fullmatch("[0-9a-f]{40}", row.bundle.revision)
    assert row.licence
    assert row.trained_on
    assert row.parameters
    assert row.megabytes
    assert encoders.at_once(model) == 8
    measure = (Embed if model in encoders.IMAGE_MODELS else EmbedText)(model)
    assert measure.columns[0].size == row.dims
    assert measure.columns[0].source == f"doi:{row.paper}"
    assert recipe_of(measure).models == {model: weights.fingerprint(model)}
    with pytest.raises(WeightsError, match=f"studium models pull {model}"):
        measure.prepare()


def test_twins():
    assert encoders.text_twin("conse") == "minilm"
    assert encoders.image_twin("minilm") == "conse"
    assert encoders.text_twin("siglip2-base") == encoders.image_twin("siglip2-base") == "siglip2-base"
    assert encoders.text_twin("dinov2-small") is encoders.image_twin("multilingual-e5-small") is None
    for unknown in ("minilm", "whisper-tiny", "clip"):
        with pytest.raises(UnknownNameError, match="there are:"):
            encoders.text_twin(unknown)


def test_scale_and_bias_of_rows():
    assert encoders.logit_scale("conse") == encoders.logit_scale("clip-vit-b32") == 100
    assert encoders.logit_scale("siglip2-base") == pytest.approx(112.669, abs=1e-3)
    assert encoders.logit_bias("siglip2-base") == pytest.approx(-16.7717, abs=1e-4)
    assert encoders.logit_bias("conse") is encoders.logit_bias("clip-vit-l14") is None
    with pytest.raises(InputError, match="reads no texts"):
        encoders.logit_bias("dinov2-small")


def test_one_s_own_that_is_not_here(tmp_path, monkeypatch):
    """It may be named in a study before it is fetched; what only its files say must wait."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    measure = Embed(OWN)
    assert measure.detail == 540
    assert measure.at_once == 8
    for ask in (lambda: measure.columns, measure.prepare, lambda: encoders.is_joint(OWN)):
        with pytest.raises(WeightsError, match=f"studium models pull {OWN}"):
            ask()


def test_pictures_are_decoded_at_twice_what_is_seen(tiny, tmp_path, monkeypatch):
    assert encoders.detail("efficientnet-lite0") == encoders.detail("clip-vit-b32") == 540
    assert Embed(str(tiny["clip"])).detail == 540
    own = shutil.copytree(tiny["siglip"], tmp_path / "own")
    settings = json.loads((own / "preprocessor_config.json").read_text()) | {"size": {"height": 384, "width": 384}}
    (own / "preprocessor_config.json").write_text(json.dumps(settings))
    assert Embed(str(own)).detail == 768
    row = weights.get("dinov2-base")
    large = weights.Model("large", "", "", "", "", 8, {"size": 384}, bundle=row.bundle)
    monkeypatch.setattr(catalogue, "rows", lambda: {"large": large})
    assert encoders.detail("large") == 768


def test_precision_is_part_of_the_recipe():
    keys = {recipe_of(Embed("clip-vit-b32", precision)).key for precision in encoders.PRECISIONS}
    assert len(keys) == 3


def test_precisions_are_other_files_of_the_same_commit():
    bundle = encoders._row("clip-vit-b32", "int8").bundle
    assert isinstance(bundle, Snapshot)
    assert bundle.revision == weights.get("clip-vit-b32").bundle.revision
    assert bundle.names[-2:] == ("onnx/vision_model_quantized.onnx", "onnx/text_model_quantized.onnx")
    assert encoders._row("clip-vit-b32", "float32").bundle.names[-1] == "onnx/text_model.onnx"


def test_a_row_that_is_here_in_another_precision_only(exported, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = weights.get("siglip2-base").bundle.folder
    shutil.copytree(exported["siglip"], folder)
    for file in ("vision_model", "text_model"):
        (folder / "onnx" / f"{file}.onnx").unlink()
    with pytest.raises(WeightsError, match="studium models pull siglip2-base"):
        encoders.encode_text("siglip2-base", ["a red flag"])
    with pytest.raises(WeightsError, match=r"clip-vit-b32 is not on this machine in float16, .* prepare\(\)"):
        encoders.encode_images("clip-vit-b32", [np.zeros((8, 8, 3), np.uint8)], "float16")
    with pytest.raises(WeightsError, match="studium models pull clip-vit-l14"):  # it has one file for both
        encoders.encode_images("clip-vit-l14", [np.zeros((8, 8, 3), np.uint8)], "float16")
    monkeypatch.setitem(weights.rows(), "siglip2-base", dataclasses.replace(weights.get("siglip2-base"), dims=16))
    found = encoders.encode_text("siglip2-base", ["a red flag"], "int8")
    expected = encoders.encode_text(str(exported["siglip"]), ["a red flag"], "int8")
    np.testing.assert_array_equal(found, expected)


def test_e5_sees_what_it_was_trained_on(exported, monkeypatch):
    monkeypatch.setitem(encoders._PREFIXES, str(exported["sentences"]), "query: ")
    prefixed = encoders.encode_text(str(exported["sentences"]), ["red flag"])
    monkeypatch.undo()
    plain = encoders.encode_text(str(exported["sentences"]), ["query: red flag"])
    assert (prefixed == plain).all()
    assert encoders._PREFIXES == {"multilingual-e5-small": "query: "}
