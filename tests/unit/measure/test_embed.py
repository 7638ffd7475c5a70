from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from studium.core import weights
from studium.core.recipe import recipe_of
from studium.errors import InputError, UnknownNameError, WeightsError
from studium.measure import conse, encoders, text_network
from studium.measure.embed import Embed, EmbedText
from studium.measure.tags import Tags
from studium.networks import image_network, sessions

POST = "Thousands march against the new law in the capital"


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def frozen(images):
    copies = [image.copy() for image in images]
    for image in copies:
        image.flags.writeable = False
    return copies


@pytest.mark.parametrize(("measure", "dims"), [(Embed(), 1280), (Embed("conse"), 384)])
class TestEmbed:
    def test_none(self, measure, dims):
        assert measure([])["embedding"].shape == (0, dims)

    def test_one_and_many_are_the_same_bit_by_bit(self, measure, dims, photos):
        images = list(photos.values())
        many = measure(images)["embedding"]
        assert many.shape == (len(images), dims)
        assert many.dtype == np.float32
        assert np.isfinite(many).all()
        for image, row in zip(images, many, strict=True):
            np.testing.assert_array_equal(measure([image])["embedding"][0], row)
        np.testing.assert_array_equal(measure(images[::-1])["embedding"], many[::-1])

    def test_hostile_pictures(self, measure, dims, hostile):
        vectors = measure(list(hostile.values()))["embedding"]
        assert vectors.shape == (len(hostile), dims)
        assert np.isfinite(vectors).all()

    @pytest.mark.parametrize(
        "image",
        [
            np.zeros(shape, kind)
            for shape, kind in [((4, 4), "u1"), ((4, 4, 4), "u1"), ((4, 4, 3), "f8"), ((0, 4, 3), "u1")]
        ]
        + [None],
    )
    def test_only_rgb(self, measure, dims, image):
        with pytest.raises(InputError, match="RGB uint8"):
            measure([image])

    def test_columns_and_recipe(self, measure, dims):
        (column,) = measure.columns
        assert (column.name, column.dtype, column.size) == ("embedding", "float32", dims)
        assert recipe_of(measure).models == {measure.model: weights.fingerprint(measure.model)}


def test_recipes_differ_by_model():
    assert recipe_of(Embed()).key != recipe_of(Embed("conse")).key


@pytest.mark.parametrize("make", [lambda: Embed("clip"), lambda: EmbedText("clip"), lambda: Embed("minilm")])
def test_unknown_models_are_refused_at_the_door(make):
    with pytest.raises(UnknownNameError, match="there are:"):
        make()


def test_threads_agree(photos):
    images = list(photos.values()) * 2
    expected = [Embed()([image])["embedding"] for image in images]
    with ThreadPoolExecutor(4) as pool:
        for want, got in zip(expected, pool.map(lambda image: Embed()([image])["embedding"], images), strict=True):
            np.testing.assert_array_equal(want, got)


@pytest.mark.parametrize("size", [(512, 512), (512, 640), (640, 512), (300, 256)])
def test_preprocessing_is_resize_then_crop(photos, size):
    """The one resize of the kept part against the textbook's two steps, where these need no rounding."""
    height, width = size
    for photo in photos.values():
        image = np.asarray(Image.fromarray(photo).resize((width, height)))
        scale = 256 / min(height, width)
        whole = Image.fromarray(image).resize((int(width * scale), int(height * scale)), Image.Resampling.BICUBIC)
        left, top = (whole.width - 224) // 2, (whole.height - 224) // 2
        expected = (np.asarray(whole.crop((left, top, left + 224, top + 224)), np.float32) - 127) / 128
        got = image_network.pixels(image, weights.get("efficientnet-lite0").input)[0].transpose(1, 2, 0)
        assert np.abs(got - expected).max() <= 1 / 128  # one grey level
        assert (got == expected).mean() > 0.999


def test_a_picture_and_its_half_are_cut_at_the_same_place(photos):
    """Whole-pixel corners would shift one against the other: this pair came out at .94 that way."""
    photo = Image.fromarray(photos["astronaut"]).resize((1364, 1024), Image.Resampling.BICUBIC)
    half = photo.resize((682, 512), Image.Resampling.BOX)
    a, b = (image_network.pixels(np.asarray(p), weights.get("efficientnet-lite0").input) for p in (photo, half))
    assert np.abs(a - b).mean() < 0.01


class TestOnePassForManyMeasures:
    def test_read_only_pictures_are_recognised(self, photos):
        images = frozen(photos.values())
        first = image_network.run_image(images)
        assert image_network.run_image(list(images)) is first
        assert image_network.run_image(images[:2]) is not first

    def test_what_can_change_is_computed_again(self, photos):
        image = photos["coffee"].copy()
        batch = [image]
        coffee = Tags(top=1)(batch)["tags"]
        image[:] = photos["chelsea"][:300, :400].mean()
        assert Tags(top=1)(batch)["tags"] != coffee

    def test_equal_but_other_pictures_are_not_confused(self, photos):
        first = image_network.run_image(frozen([photos["coffee"]]))
        second = image_network.run_image(frozen([photos["chelsea"]]))
        assert (first.embedding != second.embedding).any()

    def test_a_caller_may_write_into_the_result(self, photos):
        images = frozen([photos["coffee"]])
        expected = Embed()(images)["embedding"].copy()
        Embed()(images)["embedding"][:] = 0
        np.testing.assert_array_equal(Embed()(images)["embedding"], expected)


class TestEmbedText:
    def test_none(self):
        found = EmbedText()([])
        assert found["text_embedding"].shape == (0, 384)
        assert len(found["tokens"]) == len(found["truncated"]) == 0

    def test_published_similarities(self):
        """The pairs of the Sentence-Transformers documentation for all-MiniLM-L6-v2; here the weights have 8 bits."""
        left = ["The cat sits outside", "A man is playing guitar", "The new movie is awesome"]
        right = ["The dog plays in the garden", "A woman watches TV", "The new movie is so great"]
        cosine = (encoders.encode_text("minilm", left) * encoders.encode_text("minilm", right)).sum(axis=1)
        np.testing.assert_allclose(cosine, [0.2838, -0.0327, 0.8939], atol=0.005)

    def test_one_and_many_are_the_same_bit_by_bit(self):
        texts = ["", "a", POST, "word " * 500, "Ünïcödé 抗议 🪧"]
        many = EmbedText()(texts)
        assert many["text_embedding"].dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(many["text_embedding"], axis=1), 1, atol=1e-6)
        for number, text in enumerate(texts):
            np.testing.assert_array_equal(EmbedText()([text])["text_embedding"][0], many["text_embedding"][number])

    def test_truncation_is_said(self):
        found = EmbedText()(["word " * 254, "word " * 255, "word " * 254 + "volcano"])
        assert found["tokens"].tolist() == [256, 257, 257]
        assert found["truncated"].tolist() == [False, True, True]
        np.testing.assert_array_equal(found["text_embedding"][0], found["text_embedding"][2])

    def test_empty_text_has_two_marks_only(self):
        assert EmbedText()([""])["tokens"].tolist() == [2]

    @pytest.mark.parametrize("text", [None, 3, b"bytes", "lone \ud800 surrogate"])
    def test_not_a_text(self, text):
        with pytest.raises(InputError, match="text"):
            EmbedText()([text])

    def test_one_text_is_not_a_list(self):
        with pytest.raises(InputError, match="list of texts"):
            encoders.encode_text("minilm", POST)

    def test_columns(self):
        assert [c.name for c in EmbedText().columns] == ["text_embedding", "tokens", "truncated"]


class TestConse:
    def test_hand_computed(self):
        probabilities = np.array([0.5, 0.25, 0.25, *[0.0] * 10], np.float32)
        classes = np.eye(13, dtype=np.float32)
        np.testing.assert_allclose(conse.conse(probabilities, classes), probabilities)
        flat = np.array([0.2] + [0.1] * 8, np.float32)
        flat = np.append(flat, [0.0] * 4).astype(np.float32)
        np.testing.assert_allclose(conse.conse(flat, classes), flat / flat.sum(), rtol=1e-6)

    def test_only_the_ten_most_probable_count(self):
        probabilities = np.linspace(1, 2, 12, dtype=np.float32)
        kept = np.where(np.arange(12) >= 2, probabilities, 0)
        np.testing.assert_allclose(
            conse.conse(probabilities, np.eye(12, dtype=np.float32)), kept / kept.sum(), rtol=1e-6
        )

    def test_texts_find_their_pictures(self, photos):
        pictures = unit(Embed("conse")([photos[name] for name in ("coffee", "chelsea", "rocket")])["embedding"])
        texts = encoders.encode_text("conse", ["a cup of coffee", "my cat", "missile launch"])
        assert (texts @ pictures.T).argmax(axis=1).tolist() == [0, 1, 2]

    def test_which_models_read_texts(self):
        assert encoders.is_joint("conse")
        assert not encoders.is_joint("efficientnet-lite0")
        assert encoders.text_twin("conse") == "minilm"
        with pytest.raises(UnknownNameError):
            encoders.text_twin("minilm")
        with pytest.raises(UnknownNameError):
            encoders.encode_text("efficientnet-lite0", [POST])


def test_a_damaged_graph_says_what_to_do(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"not a graph")
    with pytest.raises(WeightsError, match="studium models pull minilm"):
        sessions.session(tmp_path / "graph.onnx", text_network.MODEL)


def test_a_read_only_view_of_pixels_that_change_is_looked_at_anew(photos):
    pixels = photos["coffee"].copy()
    view = pixels[:]
    view.flags.writeable = False
    before = Embed()([view])["embedding"]
    pixels[:] = 0
    after = Embed()([view])["embedding"]
    assert (before != after).any()
    np.testing.assert_array_equal(after, Embed()([np.zeros_like(pixels)])["embedding"])
