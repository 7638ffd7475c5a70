"""Captions: token for token what transformers writes, with the mean likelihood of exactly these tokens."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
import vision_language
from PIL import Image

from studium.errors import InputError, UnknownNameError, WeightsError
from studium.measure.caption import Caption
from studium.networks.hub import checkpoint
from studium.testing import check_measure, sample_inputs

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KINDS = {"blip": vision_language.blip_captions, "git": vision_language.git}
WAYS = [{}, {"prompt": "a Photo of"}, {"beams": 3}, {"beams": 2, "prompt": "the red flag"}]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of tiny captioners, by kind and seed."""
    top = tmp_path_factory.mktemp("captioners")
    return {(kind, seed): str(make(top / f"{kind}{seed}", seed)) for kind, make in KINDS.items() for seed in (1, 2)}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def pictures(photos):
    """Real ones, and a grey one, 1 x 1 px and a panorama."""
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 256, (30, 40, 1), np.uint8), 3, axis=2)
    return [photos["coffee"], photos["astronaut"], grey, grey[:1, :1], np.tile(grey, (1, 40, 1))]


def loaded(folder):
    return checkpoint(folder, "ImageTextToText", "Processor")


def ending(folder, where):
    """A copy that ends every caption at once, or nearly so."""
    spoilt = copy.deepcopy(loaded(folder).network)
    with torch.no_grad():
        spoilt.text_decoder.cls.predictions.decoder.bias[loaded(folder).processor.tokenizer.sep_token_id] = 2.5
    spoilt.save_pretrained(shutil.copytree(folder, where))
    return str(where)


def plainly(folder, picture, tokens, prompt="", beams=1):
    """What transformers' own processor and ``generate`` make of it, and the tokens that were there before."""
    model = loaded(folder)
    read = model.processor(
        images=Image.fromarray(picture), text=prompt, return_token_type_ids=False, return_tensors="pt"
    )
    if "git" in folder:  # its documentation takes the mark off that ends a text
        read["input_ids"], read["attention_mask"] = read["input_ids"][:, :-1], read["attention_mask"][:, :-1]
        before = read["input_ids"].shape[1]
    else:
        before = read["input_ids"].shape[1] - 1
    return model.network.generate(**read, do_sample=False, num_beams=beams, max_new_tokens=tokens)[0], before


def likelihood(folder, picture, sequence, before):
    """The mean log-probability of the tokens after ``before``, from one pass over the whole."""
    model = loaded(folder)
    pixels = model.processor.image_processor(images=[Image.fromarray(picture)], return_tensors="pt")
    with torch.no_grad():
        logits = model.network(**pixels, input_ids=sequence[None]).logits[0][-len(sequence) :]
    return float(logits[:-1].log_softmax(-1).gather(1, sequence[1:, None])[before - 1 :].mean())


def test_no_picture(folders, kind):
    found = Caption(folders[kind, 1])([])
    assert {name: list(values) for name, values in found.items()} == {
        "caption": [], "caption_logprob": [], "caption_cut": [],
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_is_what_transformers_writes(folders, kind, pictures, way):
    for seed in (1, 2):
        folder = folders[kind, seed]
        found = Caption(folder, tokens=8, **way)(pictures)
        for number, picture in enumerate(pictures):
            sequence, before = plainly(folder, picture, 8, **way)
            text = loaded(folder).processor.decode(sequence, skip_special_tokens=True).strip()
            assert found["caption"][number] == text
            expected = likelihood(folder, picture, sequence, before)
            np.testing.assert_allclose(found["caption_logprob"][number], expected, rtol=1e-5)
            assert text.startswith(way.get("prompt", "").lower())
            assert found["caption_cut"][number]
    assert len(set(found["caption"])) > 1


def test_a_caption_that_ends(folders, pictures, tmp_path):
    folder = ending(folders["blip", 1], tmp_path / "blip-ending")
    found = Caption(folder, prompt="a photo of", tokens=40)(pictures)
    lengths = set()
    for number, picture in enumerate(pictures):
        sequence, before = plainly(folder, picture, 40, "a photo of")
        assert bool(found["caption_cut"][number]) == (loaded(folder).processor.tokenizer.sep_token_id not in sequence)
        expected = likelihood(folder, picture, sequence, before)
        np.testing.assert_allclose(found["caption_logprob"][number], expected, rtol=1e-5)
        lengths.add(len(sequence))
    assert len(lengths) > 1


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_many_at_once_as_on_an_accelerator(folders, kind, pictures, way, tmp_path):
    folder = ending(folders["blip", 1], tmp_path / "blip-ending") if kind == "blip" else folders[kind, 1]
    measure = Caption(folder, tokens=20, **way)
    together, alone = measure._captions(loaded(folder), pictures), measure(pictures)
    assert [row["caption"] for row in together] == alone["caption"]
    assert [row["caption_cut"] for row in together] == alone["caption_cut"].tolist()
    np.testing.assert_allclose([row["caption_logprob"] for row in together], alone["caption_logprob"], rtol=1e-5)


def test_keeps_the_contract(folders, kind, pictures):
    check_measure(Caption(folders[kind, 1], tokens=5), [*pictures, *sample_inputs("image")])


def test_pictures_of_one_channel_are_refused(folders, pictures):
    with pytest.raises(InputError, match="RGB"):
        Caption(folders["blip", 1], tokens=5)([pictures[2][..., 0]])


def test_describes_itself(folders):
    measure = Caption(folders["blip", 1], prompt="a photo of")
    assert (measure.detail, measure.models) == (768, (folders["blip", 1],))
    assert 'beginning with "a photo of"' in measure.columns[0].about
    assert "beginning" not in Caption().columns[0].about
    assert measure.identifies("face")
    assert not measure.identifies("image")


def test_a_snapshot_in_the_cache_of_the_hub(folders, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    name = f"someone/tiny@{COMMIT}"
    with pytest.raises(WeightsError, match=f"studium models pull {name}"):
        Caption(name)(pictures)
    shutil.copytree(folders["blip", 1], tmp_path / "models--someone--tiny" / "snapshots" / COMMIT)
    assert Caption(name, tokens=5)(pictures)["caption"] == Caption(folders["blip", 1], tokens=5)(pictures)["caption"]


class TestRefused:
    @pytest.mark.parametrize(
        ("params", "says"),
        [
            ({"beams": 0}, "beams should be a whole number of at least 1"),
            ({"tokens": 1.5}, "tokens should be a whole number of at least 1"),
            ({"prompt": None}, "beginning of a sentence"),
            ({"model": "minilm"}, "minilm is no checkpoint of transformers; leave it out for blip-captions"),
        ],
    )
    def test_parameters(self, params, says):
        with pytest.raises(InputError, match=says):
            Caption(**params)

    def test_unknown_models(self):
        with pytest.raises(UnknownNameError, match="blip-captions"):
            Caption("blip")

    def test_prompts_that_it_cannot_read_or_finish(self, folders, kind):
        with pytest.raises(InputError, match="does not know all letters"):
            Caption(folders[kind, 1], prompt="фото", tokens=5).prepare()
        with pytest.raises(InputError, match=r"reads and writes 64; say less or take fewer tokens than 50"):
            Caption(folders[kind, 1], prompt="a photo " * 10).prepare()

    def test_models_for_something_else(self, tmp_path):
        for make in (vision_language.blip_vqa, vision_language.llava):
            folder = make(tmp_path / make.__name__)
            with pytest.raises(InputError, match=r"expected a captioner .*the measure ask"):
                Caption(str(folder)).prepare()

    def test_a_model_for_videos(self, folders, tmp_path):
        folder = shutil.copytree(folders["git", 1], tmp_path / "videos")
        settings = json.loads((folder / "config.json").read_text()) | {"num_image_with_embedding": None}
        (folder / "config.json").write_text(json.dumps(settings))
        Caption(str(folder)).prepare()
        (folder / "config.json").write_text(json.dumps(settings | {"num_image_with_embedding": 6}))
        with pytest.raises((InputError, WeightsError)):
            Caption(str(folder)).prepare()

    @pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
    def test_a_broken_folder(self, folders, tmp_path, file):
        folder = shutil.copytree(folders["blip", 1], tmp_path / "broken")
        (folder / file).write_bytes((folder / file).read_bytes()[:100])
        with pytest.raises(WeightsError, match="does not load"):
            Caption(str(folder)).prepare()
