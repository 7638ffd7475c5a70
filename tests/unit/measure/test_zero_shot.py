import numpy as np
import pytest

from studium.core.recipe import recipe_of
from studium.errors import InputError, UnknownNameError
from studium.measure import encoders
from studium.measure.zero_shot import ZeroShot

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
