"""Pictures are prepared as transformers does it, to the last bit of float32."""

import json

import numpy as np
import pytest
import transformers
from PIL import Image

from studium.errors import InputError
from studium.measure.encoder_input import PROCESSORS, preparation

SIZES = [(540, 720), (720, 540), (541, 963), (37, 53), (224, 224), (1, 1), (3, 40), (60, 900)]


def processors():
    """As the repositories of the models have them."""
    imagenet = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    square = {"height": 224, "width": 224}
    return {
        "clip": transformers.CLIPImageProcessorPil(size={"shortest_edge": 224}, crop_size=square),
        "chinese-clip": transformers.ChineseCLIPImageProcessorPil(),
        "siglip": transformers.SiglipImageProcessorPil(image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2),
        "siglip-384": transformers.SiglipImageProcessorPil(size={"height": 384, "width": 384}, image_mean=[0.5] * 3),
        "dinov2": transformers.BitImageProcessorPil(size={"shortest_edge": 256}, crop_size=square, **imagenet),
        "resnet": transformers.ConvNextImageProcessorPil(size={"shortest_edge": 224}, crop_pct=0.875, **imagenet),
        "resnet-384": transformers.ConvNextImageProcessorPil(size={"shortest_edge": 384}),
        "vit": transformers.ViTImageProcessorPil(size=square, do_normalize=False),
    }


PARITY = processors()


def pictures(photos):
    """Real photographs at many sizes; grey ones too."""
    for number, (height, width) in enumerate(SIZES):
        photo = list(photos.values())[number % len(photos)]
        yield np.asarray(Image.fromarray(photo).resize((width, height)))
    yield np.asarray(Image.fromarray(photos["coffee"]).convert("L").convert("RGB"))


@pytest.mark.parametrize("name", PARITY)
def test_parity(name, photos, tmp_path):
    processor = PARITY[name]
    processor.save_pretrained(tmp_path)
    ours = preparation(json.loads((tmp_path / "preprocessor_config.json").read_text()))
    for picture in pictures(photos):
        expected = processor([picture], return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
        found = ours(picture)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", PARITY)
def test_what_a_file_leaves_out(name, photos):
    """Its processor's own values count."""
    kind = type(PARITY[name])
    ours = preparation({"image_processor_type": kind.__name__.removesuffix("Pil")})
    expected = kind()([photos["chelsea"]], return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    np.testing.assert_allclose(ours(photos["chelsea"]), expected, rtol=0, atol=1e-6)


def test_older_files(photos):
    """OpenAI's CLIP and Microsoft's ResNet as they lie on the hub: feature extractors, and numbers for sizes."""
    clip = {"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224, "resample": 3,
            "do_center_crop": True, "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711]}  # fmt: skip
    np.testing.assert_allclose(
        preparation(clip)(photos["rocket"]),
        preparation({"image_processor_type": "CLIPImageProcessor"})(photos["rocket"]),
    )
    resnet = {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224, "crop_pct": 0.875, "resample": 3}
    found = preparation(resnet)
    assert (found.edge, found.size) == (256, (224, 224))
    assert preparation({"feature_extractor_type": "ViTFeatureExtractor", "size": 384}).size == (384, 384)


def test_long_pictures_cost_no_more(photos):
    """Beyond 16 to 1 only what is kept is resized: the same but for rounding."""
    ours = preparation({"image_processor_type": "CLIPImageProcessor"})
    wide = np.tile(photos["coffee"][:30, :300], (1, 2, 1))
    whole = PARITY["clip"]([wide], return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    assert np.abs(ours(wide) - whole).max() < 2 / 255 / 0.26
    assert np.isfinite(ours(np.zeros((1, 50_000, 3), np.uint8))).all()
    assert np.isfinite(ours(np.zeros((50_000, 1, 3), np.uint8))).all()


@pytest.mark.parametrize("picture", [np.zeros((4, 4), "u1"), np.zeros((0, 4, 3), "u1"), np.zeros((4, 4, 3)), None])
def test_only_rgb(picture):
    with pytest.raises(InputError, match="RGB uint8"):
        preparation({"image_processor_type": "CLIPImageProcessor"})(picture)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 16},
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224, "longest_edge": 500}},
        {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 100}},
        {"image_processor_type": "CLIPImageProcessor", "do_center_crop": False},
        {"image_processor_type": "SiglipImageProcessor", "do_resize": False},
    ],
)
def test_what_is_not_known_is_left_to_transformers(settings):
    assert preparation(settings) is None
    assert "Siglip2" not in PROCESSORS
