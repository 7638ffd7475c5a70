"""Vision-language models that are asked about units of pictures and words."""

import json
import logging
import shutil

import causal_checkpoints
import numpy as np
import pytest
import torch
import vision_language

from studium.errors import InputError, MediaError, WeightsError
from studium.learn.models.examples import Examples
from studium.learn.models.head import MULTILABEL, Head
from studium.learn.models.saved import load
from studium.learn.nets.asking.prompts import RULES
from studium.learn.nets.net import Schedule
from studium.learn.nets.vision_language import VisionLanguage
from studium.media.material import Material
from studium.media.video import Video
from studium.networks.hub import checkpoint

CALL = Head("call", classes=("no", "yes"))
ASKED = "Is there a red flag?"
ZERO = Schedule(epochs=0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of tiny vision-language models, by name; not to be changed."""
    top = tmp_path_factory.mktemp("vision-language")
    return {name: make(top / name) for name, make in vision_language.CHATS.items()}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(red, rng):
    made = rng.integers(0, 60, (40, 48, 3)).astype(np.uint8)
    made[..., 0 if red else 2] += 180
    return made


def materials(n, seed):
    """Posts of one or two pictures, red or blue, some without a text; and whether they are red."""
    rng = np.random.default_rng(seed)
    red = rng.permutation(np.arange(n) % 2).astype(bool)
    X = [
        Material(
            text=f"photo {rng.integers(100)}" if at % 3 else None,
            pictures=tuple(picture(one, rng) for _ in range(1 + at % 2)),
        )
        for at, one in enumerate(red)
    ]
    return X, np.where(red, "yes", "no")


def model(folder, schedule=ZERO, head=CALL, **more):
    return VisionLanguage(head=head, model=str(folder), question=ASKED, schedule=schedule, frames=2, **more)


@pytest.fixture(scope="module", params=["idefics3", "llava"])
def trained(request, saved):
    """Zero-shot, trained for three epochs, and the published weights before and after it."""
    folder = str(saved[request.param])
    published = checkpoint(folder, "ImageTextToText", "Processor", exact=False).network
    before = {name: one.clone() for name, one in published.state_dict().items()}
    parts = Examples(*materials(20, 0)), Examples(*materials(6, 1))
    asked = model(folder).train(*parts)
    tuned = model(folder, Schedule(epochs=3, rate=1e-2, batch=4)).train(*parts)
    return asked, tuned, before, published.state_dict()


def words(body, item):
    """What the network reads of a unit, as text."""
    return body.processor.decode(body.encode(item, None)["0.input_ids"][0])


def test_nothing_gives_no_rows(trained):
    assert trained[1].outputs([]).shape == (0, 2)


def test_it_learns_to_see_the_colour_on_other_posts(trained):
    asked, tuned, _, _ = trained
    X, y = materials(32, 2)
    assert np.mean(tuned.predict(X) == y) >= 0.8  # by chance once in 4,000 times
    truth = (y == "yes").astype(int)
    before, after = (-np.log(one.outputs(X)[np.arange(32), truth]).mean() for one in (asked, tuned))
    assert after < before - 0.1


def test_adapters_stand_beside_what_reads_and_the_rest_stays_bit_by_bit(trained):
    _, tuned, before, after = trained
    assert all(torch.equal(before[name], after[name]) for name in before)
    learned = [name for name, one in tuned.body.module.named_parameters() if one.requires_grad]
    assert len(learned) == 28
    assert all("lora_" in name and "vision" not in name and "projector" not in name for name in learned)


def test_layers_that_see_are_adapted_if_asked(saved):
    for folder in saved.values():
        body = model(folder, vision=True).begin(CALL)
        learned = [name for name, one in body.module.named_parameters() if one.requires_grad]
        assert any("vision" in name for name in learned)
        assert not any("lm_head" in name for name in learned)


def test_the_adapter_reloads_to_identical_predictions_and_merged_to_the_same(trained, tmp_path):
    tuned, X = trained[1], materials(4, 3)[0]
    tuned.save(tmp_path / "model")
    files = {path.name for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert files == {"model.json", "arrays.npz", "adapter_config.json", "adapter_model.safetensors"}
    assert np.array_equal(load(tmp_path / "model").outputs(X), tuned.outputs(X))
    tuned.merged(tmp_path / "whole")
    whole = load(shutil.move(tmp_path / "whole", tmp_path / "elsewhere"))
    np.testing.assert_allclose(whole.outputs(X), tuned.outputs(X), atol=1e-5)


def test_the_prompts_are_kept_word_by_word(saved):
    tuned = model(saved["idefics3"]).train(*[Examples(*materials(2, 0))] * 2)
    kept = json.loads(json.dumps(tuned.preprocessing()))
    asked = f"{{text}}\n\n{ASKED}\nAnswer YES or NO.<end_of_utterance>\nAssistant:"
    last = "[2 pictures, above, in their order; frames of a film in the order of time]"
    assert kept["asked"]["prompts"] == [
        [
            f"<|im_start|>User: {RULES}\n\n[no picture]\n\n{asked}",
            f"<|im_start|>User:<image>{RULES}\n\n[one picture, above]\n\n{asked}",
            f"<|im_start|>User:<image><image>{RULES}\n\n{last}\n\n{asked}",
        ]
    ]
    assert kept["shows"] == {"longest": 768, "tiles": False}


@pytest.mark.parametrize("name", ["idefics3", "llava"])
def test_what_is_missing_is_said(saved, name):
    body = model(saved[name]).begin(CALL)
    rng = np.random.default_rng(0)
    neither = words(body, Material())
    assert "[no picture]\n\n[no text]" in neither
    said = words(body, Material(pictures=(picture(True, rng),), transcripts=(("film", "the march"),)))
    assert "[one picture, above]\n\n[text]\n```\n[transcript of the film]\nthe march\n```" in said
    assert "pixel_values" not in " ".join(body.encode(Material(text="march"), None))


def test_a_unit_depends_on_itself_alone_and_a_batch_is_its_units(trained):
    tuned, rng = trained[1], np.random.default_rng(5)
    X = [Material(), Material(text="march"), Material(text="a", pictures=(picture(True, rng), picture(False, rng)))]
    found = tuned.outputs(X)
    assert all(np.array_equal(tuned.outputs([one])[0], row) for one, row in zip(X, found, strict=True))
    body = tuned.body
    with torch.inference_mode():
        joint = body.module(**body.collate([body.encode(one, None) for one in X])).double().softmax(-1)
    assert np.array_equal(joint.numpy().round(6), found.round(6))


def test_frames_of_films_and_what_is_not_looked_at(saved, videos, caplog):
    film = Video(str(videos / "bikes.mp4"))
    body = model(saved["llava"]).begin(CALL)
    assert body.encode(Material(videos=(film,)), None)["0.pixel_values"].shape[0] == 2
    rng = np.random.default_rng(0)
    X = [Material(pictures=tuple(picture(True, rng) for _ in range(3))), Material(text="a")]
    with caplog.at_level(logging.WARNING):
        found = model(saved["llava"], tokens=3).train(Examples(X, ["yes", "no"]), Examples(X[:1], ["yes"]))
        found.outputs(X)
    assert found.training["unseen"] == {"train": 1, "validation": 1}
    assert found.training["cut"] == {"train": 0, "validation": 0}
    assert "of 1 of 2 units not all pictures and films were looked at" in caplog.text


def test_tiles_and_small_pictures(saved):
    item = Material(pictures=(np.zeros((64, 64, 3), np.uint8),))
    whole, tiled = (model(saved["idefics3"], tiles=tiles).begin(CALL).encode(item, None) for tiles in (False, True))
    assert tiled["0.pixel_values"].shape[1] == 5 > whole["0.pixel_values"].shape[1] == 1
    narrow = Material(pictures=(np.zeros((4, 900, 3), np.uint8),))
    body = model(saved["llava"], longest=90).begin(CALL)
    assert np.isfinite(body.encode(narrow, None)["0.pixel_values"]).all()


def test_a_class_of_several_is_a_question_of_its_own(saved, tmp_path):
    head = Head("flags", MULTILABEL, ("red", "blue"))
    X, y = materials(4, 0)
    part = Examples(X, np.stack([y == "yes", y == "no"], 1))
    tuned = model(saved["idefics3"], Schedule(epochs=1, rate=1e-2, batch=2), head).train(part, part)
    found = tuned.outputs(X[:2])
    assert found.shape == (2, 2)
    assert not np.allclose(found.sum(1), 1)
    tuned.save(tmp_path / "model")
    assert np.array_equal(load(tmp_path / "model").outputs(X[:2]), found)


def test_what_cannot_be_read(saved, tmp_path):
    body = model(saved["llava"]).begin(CALL)
    with pytest.raises(InputError, match="Material"):
        body.encode("a text", None)
    with pytest.raises(InputError, match="RGB"):
        body.encode(Material(pictures=(np.zeros((4, 4), np.uint8),)), None)
    for wrong in ({"longest": 0}, {"tokens": 0}):
        with pytest.raises(InputError, match="at least 1"):
            model(saved["llava"], **wrong)
    with pytest.raises(InputError, match="frames"):
        VisionLanguage(frames=0)
    short = vision_language.llava(tmp_path / "short", longest=430)
    asked = VisionLanguage(model=str(short), question=ASKED, frames=8).begin(CALL)
    rng = np.random.default_rng(0)
    with pytest.raises(MediaError, match="the model reads 430: give it fewer or smaller pictures"):
        asked.encode(Material(text="q" * 900, pictures=tuple(picture(True, rng) for _ in range(8))), None)


def test_models_that_do_not_chat_or_see_are_refused(saved, tmp_path):
    mute = shutil.copytree(saved["llava"], tmp_path / "mute")
    (mute / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="no chat template"):
        model(mute).begin(CALL)
    with pytest.raises(WeightsError, match="does not load"):
        model(causal_checkpoints.causal(tmp_path / "blind")).begin(CALL)
