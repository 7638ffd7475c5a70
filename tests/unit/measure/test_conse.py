"""ConSE sees cut-outs as a whole, and puts them near the texts that describe them."""

import numpy as np
import pytest

from studium.measure import conse, encoders
from studium.networks.image_network import clean_names


def test_nothing():
    assert conse.encode([]).shape == (0, 384)


def test_the_measure_sees_what_it_sees(photos):
    pictures = [photos["coffee"], photos["rocket"]]
    np.testing.assert_array_equal(encoders.encode_images("conse", pictures), conse.encode(pictures))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50_000), (50_000, 1), (3, 2), (400, 600), (224, 224)])
def test_a_cut_out_is_framed(shape):
    picture = np.full((*shape, 3), 250, np.uint8)
    picture[1:-1, 1:-1] = np.random.default_rng(0).integers(0, 256, picture[1:-1, 1:-1].shape, np.uint8)
    framed = conse.framed(picture)
    assert framed.shape == (256, 256, 3)
    assert framed.dtype == np.uint8


def test_what_lies_at_the_ends_is_in_the_frame():
    picture = np.full((60, 200, 3), 255, np.uint8)
    picture[:, :10] = [255, 0, 0]
    picture[:, -10:] = [0, 0, 255]
    framed = conse.framed(picture)
    inside = framed[16:240, 16:240].astype(int)
    assert inside[112, 2].tolist() == [255, 0, 0], "the network sees the central 224 px"
    assert inside[112, -3].tolist() == [0, 0, 255]
    assert framed[112, 112].tolist() == framed[2, 2].tolist() == [255, 255, 255]


def test_a_photograph_is_seen_as_it_is(photos):
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        assert conse.framed(photos[name]) is photos[name]


def test_a_photograph_is_found_by_its_words(photos):
    words = {"chelsea": "a photo of a cat", "coffee": "a cup of coffee", "rocket": "a rocket"}
    names = list(photos)
    vectors = conse.encode([photos[name] for name in names])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = encoders.encode_text("conse", list(words.values()))
    assert [names[row] for row in (texts @ vectors.T).argmax(axis=1)] == list(words)


@pytest.mark.slow
def test_a_class_is_the_mean_of_its_prompts():
    vectors = conse.class_vectors()
    assert vectors.shape == (1000, 384)
    name = clean_names()[967]
    assert name == "espresso"
    texts = encoders.encode_text("conse", [f"a photo of a {name}", f"a picture of a {name}", name])
    np.testing.assert_allclose(vectors[967], texts.mean(axis=0), atol=1e-6)
