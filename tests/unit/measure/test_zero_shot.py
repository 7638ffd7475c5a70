import json

import checkpoints
import numpy as np
import pytest

from studium.core.recipe import recipe_of
from studium.errors import InputError, UnknownNameError
from studium.measure import encoders
from studium.measure.zero_shot import ZeroShot
from studium.testing import check_measure

SCENE = ZeroShot(values=("cat", "coffee", "rocket"), variable="scene")


def test_none():
    found = SCENE([])
    assert found["scene"] == []
    assert found["scene_prob"].shape == found["scene_cosine"].shape == (0, 3)


def test_objects_are_recognised(photos):
    found = SCENE([photos["coffee"], photos["chelsea"], photos["rocket"]])
    assert found["scene"] == ["coffee", "cat", "rocket"]


def test_probabilities_are_softmax_of_100_cosines(photos):
    found = SCENE(list(photos.values()))
    odds = np.exp(100 * found["scene_cosine"].astype(np.float64))
    np.testing.assert_allclose(found["scene_prob"], odds / odds.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-12)
    assert found["scene_prob"].dtype == found["scene_cosine"].dtype == np.float32


def test_cosines_by_hand(photos):
    picture = encoders.encode_images("conse", [photos["coffee"]])[0].astype(np.float64)
    text = encoders.encode_text("conse", ["a photo of a cat"])[0].astype(np.float64)
    expected = picture @ text / np.linalg.norm(picture) / np.linalg.norm(text)
    assert SCENE([photos["coffee"]])["scene_cosine"][0, 0] == pytest.approx(expected, abs=1e-5)


def test_one_and_many_are_the_same_bit_by_bit(photos):
    images = list(photos.values())
    many = SCENE(images)
    for number, image in enumerate(images):
        one = SCENE([image])
        assert one["scene"][0] == many["scene"][number]
        for column in ("scene_prob", "scene_cosine"):
            np.testing.assert_array_equal(one[column][0], many[column][number])


def test_an_ensemble_is_the_mean_direction_of_its_prompts(photos):
    prompts = (("a photo of a cat", "a cute kitten"), "a cup of coffee")
    found = ZeroShot(values=("cat", "coffee"), prompts=prompts)([photos["chelsea"]])
    mean = encoders.encode_text("conse", prompts[0]).astype(np.float64).mean(axis=0)
    picture = encoders.encode_images("conse", [photos["chelsea"]])[0].astype(np.float64)
    expected = picture @ mean / np.linalg.norm(mean) / np.linalg.norm(picture)
    assert found["zero_shot_cosine"][0, 0] == pytest.approx(expected, abs=1e-5)


def test_a_value_is_its_default_prompt(photos):
    written = ZeroShot(values=("cat", "coffee"), prompts=("a photo of a cat", "a photo of a coffee"))
    default = ZeroShot(values=("cat", "coffee"))
    for column, values in default([photos["coffee"]]).items():
        np.testing.assert_array_equal(values, written([photos["coffee"]])[column])


def test_columns_and_recipe():
    assert [(c.name, c.dtype, c.size) for c in SCENE.columns] == [
        ("scene", "string", None), ("scene_prob", "float32", 3), ("scene_cosine", "float32", 3),
    ]  # fmt: skip
    keys = {recipe_of(part).key for part in (SCENE, ZeroShot(SCENE.values), ZeroShot(("cat", "dog")))}
    assert len(keys) == 3
    assert hash(SCENE) == hash(ZeroShot(values=("cat", "coffee", "rocket"), variable="scene"))


@pytest.mark.parametrize(
    "wrong",
    [{"values": ()}, {"values": ("cat",)}, {"values": ("cat", "cat")}, {"values": "cats"}, {"values": ("cat", "")},
     {"values": ("cat", 3)}, {"values": ("a", "b"), "prompts": ("one",)}, {"values": ("a", "b"), "prompts": "ab"},
     {"values": ("a", "b"), "prompts": ((), "x")}, {"values": ("a", "b"), "prompts": ("x", " ")},
     {"values": ("a", "b"), "model": "efficientnet-lite0"}, {"values": ("a", "b"), "variable": "My Scene"},
     {"values": ("a", "b"), "variable": ""}, {"values": ("a", "b"), "variable": "a\u00e9"},
     {"values": ("a", "b"), "variable": 3},
     {"values": ("a", "b"), "temperature": 0}, {"values": ("a", "b"), "temperature": -1.0},
     {"values": ("a", "b"), "temperature": float("nan")}, {"values": ("a", "b"), "temperature": "hot"},
     {"values": ("a", "b"), "temperature": True}, {"values": ("a", "b"), "multilabel": 1},
     {"values": ("a", "b"), "multilabel": True, "temperature": 1.0}, {"values": (), "multilabel": True},
     {"values": ("a", "b"), "multilabel": True, "none_of_these": ("x",)},
     {"values": ("a", "none_of_these"), "none_of_these": ("x",)}, {"values": ("a", "b"), "none_of_these": "x"},
     {"values": ("a", "b"), "none_of_these": ("",)}, {"values": ("a", "b"), "none_of_these": None},
     {"values": None}, {"values": 2}, {"values": ((1,), (2,))}, {"values": ("a", "b"), "prompts": None},
     {"values": ("a", "b"), "prompts": (1, 2)}, {"values": ("a", "b"), "prompts": (("x", 1), "y")}],
)  # fmt: skip
def test_what_cannot_be_coded_is_refused(wrong):
    with pytest.raises(InputError):
        ZeroShot(**wrong)


def test_lists_are_tuples():
    made = ZeroShot(values=["cat", "coffee"], prompts=[["a cat", "a kitten"], "a coffee"])
    assert made == ZeroShot(values=("cat", "coffee"), prompts=(("a cat", "a kitten"), "a coffee"))
    assert hash(made) == hash(ZeroShot(values=("cat", "coffee"), prompts=(("a cat", "a kitten"), "a coffee")))


def test_unknown_model():
    with pytest.raises(UnknownNameError, match="conse"):
        ZeroShot(("a", "b"), model="clip")


def test_temperature(photos):
    images = list(photos.values())
    own, same, flat, sharp = (
        ZeroShot(SCENE.values, variable="scene", temperature=t)(images) for t in (None, 0.01, 5.0, 1e-6)
    )
    np.testing.assert_allclose(same["scene_prob"], own["scene_prob"], rtol=1e-5)
    odds = np.exp(flat["scene_cosine"].astype(np.float64) / 5)
    np.testing.assert_allclose(flat["scene_prob"], odds / odds.sum(axis=1, keepdims=True), rtol=1e-5)
    assert (sharp["scene_prob"].max(axis=1) == 1).all()
    for other in (same, flat, sharp):
        assert other["scene"] == own["scene"], "the order stays"
        np.testing.assert_array_equal(other["scene_cosine"], own["scene_cosine"])
    keys = {recipe_of(ZeroShot(SCENE.values, temperature=number)).key for number in (5, 5.0)}
    assert len(keys) == 1


def test_none_of_these_is_the_last_value(photos):
    offered = ZeroShot(("cat", "coffee"), none_of_these=("a photo of a rocket", "a photo of a missile"))
    found = offered([photos["chelsea"], photos["rocket"]])
    assert found["zero_shot"] == ["cat", "none_of_these"]
    assert found["zero_shot_prob"].shape == (2, 3)
    assert [column.size for column in offered.columns] == [None, 3, 3]
    assert "of cat, coffee, none_of_these" in offered.columns[1].about


# hub models


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return str(checkpoints.clip(tmp_path_factory.mktemp("clip")))


@pytest.fixture(scope="module")
def siglip(tmp_path_factory):
    return str(checkpoints.siglip(tmp_path_factory.mktemp("siglip")))


def test_clip_by_path_is_what_transformers_says(clip, photos):
    import torch
    import transformers

    picture, prompts = photos["coffee"], ["a photo of a cat", "a photo of a dog", "a photo of the police"]
    found = ZeroShot(("cat", "dog", "police"), tuple(prompts), model=clip)([picture])
    network = transformers.CLIPModel.from_pretrained(clip)
    texts = transformers.AutoTokenizer.from_pretrained(clip)(prompts, padding=True, return_tensors="pt")
    pixels = transformers.AutoImageProcessor.from_pretrained(clip, backend="pil")(picture, return_tensors="pt")
    with torch.no_grad():
        logits = network(**texts, **pixels).logits_per_image[0]
    np.testing.assert_allclose(found["zero_shot_prob"][0], logits.softmax(0), atol=1e-4)
    assert found["zero_shot"] == [("cat", "dog", "police")[int(logits.argmax())]]


def test_siglip_says_of_each_value_whether_it_applies(siglip, photos):
    import torch
    import transformers

    pictures, prompts = [photos["coffee"], photos["rocket"]], ["a red flag", "the police", "a crowd"]
    measure = ZeroShot(("flag", "police", "crowd"), tuple(prompts), siglip, "symbols", multilabel=True)
    found = measure(pictures)
    network = transformers.SiglipModel.from_pretrained(siglip)
    texts = transformers.AutoTokenizer.from_pretrained(siglip)(prompts, padding="max_length", return_tensors="pt")
    pixels = transformers.AutoImageProcessor.from_pretrained(siglip, backend="pil")(pictures, return_tensors="pt")
    with torch.no_grad():
        shares = network(input_ids=texts["input_ids"], **pixels).logits_per_image.sigmoid().numpy()
    np.testing.assert_allclose(found["symbols_prob"], shares, atol=1e-4)
    for said, row in zip(found["symbols"], found["symbols_prob"], strict=True):
        assert json.loads(said) == [value for value, p in zip(measure.values, row, strict=True) if p >= 0.5]
    assert ZeroShot(("flag",), model=siglip, multilabel=True)([])["zero_shot"] == []
    exclusive = ZeroShot(("flag", "police", "crowd"), tuple(prompts), siglip)(pictures)
    np.testing.assert_allclose(exclusive["zero_shot_prob"].sum(axis=1), 1, rtol=1e-5)


def test_clip_is_not_asked_what_it_was_not_trained_for(clip, photos):
    for model in (clip, "conse"):
        several = ZeroShot(("flag", "police"), model=model, multilabel=True)
        with pytest.raises(InputError, match="SigLIP family, or make each value a binary variable"):
            several.prepare()
        with pytest.raises(InputError, match="SigLIP family"):
            several([photos["coffee"]])


@pytest.mark.parametrize("several", [False, True])
def test_the_contract_holds_for_hub_models(clip, siglip, several):
    check_measure(ZeroShot(("cat", "dog"), model=siglip if several else clip, multilabel=several))


def test_other_weights_in_the_same_folder_are_another_model(tmp_path, photos):
    folder = tmp_path / "clip"
    checkpoints.clip(folder)
    before = ZeroShot(("cat", "dog"), model=str(folder))([photos["coffee"]])["zero_shot_cosine"]
    checkpoints.clip(folder, seed=2)
    after = ZeroShot(("cat", "dog"), model=str(folder))([photos["coffee"]])["zero_shot_cosine"]
    assert np.abs(before - after).max() > 1e-3


def test_a_model_that_sees_nothing_names_no_value(tmp_path, photos):
    """Zeros are as near to one value as to another: argmax would say the first one."""
    from safetensors.torch import load_file, save_file

    folder = checkpoints.clip(tmp_path / "clip")
    state = load_file(folder / "model.safetensors")
    state["visual_projection.weight"] *= 0
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="sees nothing in a picture"):
        ZeroShot(("cat", "dog"), model=str(folder))([photos["chelsea"]])
