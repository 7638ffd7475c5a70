"""Detectors of transformers: what transformers' own post-processing says, and the same from their ONNX exports."""

import json
import shutil
import socket
import warnings

import detectors
import numpy as np
import pytest
import torch
import transformers

from studium.core import weights
from studium.errors import InputError, WeightsError
from studium.measure.detector import find_objects
from studium.measure.detector_hub import hub_detector
from studium.measure.detector_onnx import onnx_detector
from studium.networks.hub import checkpoint

CLOSED = ("detr", "rt-detr", "d-fine")
WORDS = ("a protest sign", "flag")
MEAN = "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of tiny checkpoints, by kind."""
    top = tmp_path_factory.mktemp("detectors")
    return {kind: str(detectors.transformer(top / kind, kind)) for kind in (*CLOSED, "owlv2")}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args):
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def picture(height, width, seed=0):
    """Coloured noise, coarse enough to survive scaling."""
    coarse = np.random.default_rng(seed).integers(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width])


def theirs(folder, image, threshold=0.0):
    """Boxes, scores and labels by transformers' own post-processing, the most confident first."""
    model = checkpoint(folder, "ObjectDetection")
    inputs = model.processor([image], return_tensors="pt", input_data_format="channels_last")
    with torch.inference_mode():
        outputs = model.network(**inputs)
    sizes = torch.tensor([image.shape[:2]])
    (found,) = model.processor.post_process_object_detection(outputs, threshold=threshold, target_sizes=sizes)
    order = torch.argsort(found["scores"], descending=True, stable=True)
    return tuple(found[key][order].numpy() for key in ("boxes", "scores", "labels"))


def ours(detector, image):
    found = detector(image)
    order = np.argsort(-found.confidence.astype(np.float32), kind="stable")
    return found.boxes[order], found.confidence[order], found.classes[order]


class TestParity:
    @pytest.mark.parametrize("kind", CLOSED)
    @pytest.mark.parametrize("shape", [(64, 64), (50, 90), (300, 40), (3, 5)])
    def test_with_their_post_processing(self, saved, kind, shape):
        image = picture(*shape)
        boxes, scores, labels = theirs(saved[kind], image)
        found = ours(hub_detector(saved[kind], ()), image)
        assert len(scores) == 12
        assert found[1] == pytest.approx(scores, abs=1e-6)
        assert found[0] == pytest.approx(boxes, abs=1e-3)
        assert found[2].tolist() == labels.tolist()

    @pytest.mark.parametrize("kind", CLOSED)
    def test_the_tiny_networks_tell_pictures_apart(self, saved, kind):
        """Else the comparison above would hold for anything."""
        detector = hub_detector(saved[kind], ())
        one, other = (detector(picture(64, 64, seed)).confidence for seed in (0, 1))
        assert np.abs(one - other).max() > 1e-4
        assert np.ptp(one) > 1e-3

    @pytest.mark.parametrize("kind", CLOSED)
    def test_objects_are_theirs(self, saved, kind):
        image = picture(90, 120)
        boxes, scores, labels = theirs(saved[kind], image)
        threshold = float(np.sort(scores)[-4]) - 1e-4
        found = find_objects(image, hub_detector(saved[kind], ()), threshold)
        expected = {}
        for box, label, score in zip(boxes, labels, scores, strict=True):
            x0, y0, x1, y1 = (int(v) for v in np.rint(np.clip(box, 0, [120, 90, 120, 90])))
            place = (min(x0, 119), min(y0, 89), max(x1, min(x0, 119) + 1), max(y1, min(y0, 89) + 1))
            if score > threshold:
                expected.setdefault(place, (detectors.NAMES[label], pytest.approx(score, abs=1e-6)))
        assert {one.box: (one.label, one.confidence) for one in found} == expected

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["detr", "rt-detr"])
    def test_exported_to_onnx(self, saved, kind, tmp_path):
        class Exported(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.network = checkpoint(saved[kind], "ObjectDetection").network

            def forward(self, pixels):
                said = self.network(pixel_values=pixels)
                return said.logits, said.pred_boxes

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"input_names": ["pixels"], "output_names": ["logits", "pred_boxes"], "dynamo": False}
            example = (torch.rand(1, 3, 64, 64),)
            torch.onnx.export(Exported().eval(), example, tmp_path / "m.onnx", opset_version=17, **options)
        (tmp_path / "m.toml").write_text('names = ["red", "green", "blue"]\n' + (MEAN if kind == "detr" else ""))
        detector = onnx_detector(str(tmp_path))
        assert detector.description.family == kind
        image = picture(64, 64)  # the size of the input: no scaling, in which torch and Pillow would differ
        boxes, scores, labels = theirs(saved[kind], image)
        found = ours(detector, image)
        assert found[1] == pytest.approx(scores, abs=1e-4)
        assert found[2].tolist() == labels.tolist()
        if kind == "rt-detr":  # of DETR the order of nearly equal queries may differ
            assert found[0] == pytest.approx(boxes, abs=1e-2)


class TestWords:
    @pytest.mark.parametrize("shape", [(64, 64), (50, 90), (120, 40)])
    def test_with_their_post_processing(self, saved, shape):
        image = picture(*shape)
        found = checkpoint(saved["owlv2"], "ZeroShotObjectDetection")
        tokenizer = transformers.AutoTokenizer.from_pretrained(saved["owlv2"])
        processor = transformers.Owlv2Processor(found.processor, tokenizer)
        inputs = processor(text=[list(WORDS)], images=[image], return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            outputs = found.network(**inputs)
        sizes = torch.tensor([shape])
        (expected,) = processor.post_process_grounded_object_detection(outputs, threshold=0.0, target_sizes=sizes)
        within = [n for n, box in enumerate(expected["boxes"]) if box[0] < shape[1] and box[1] < shape[0]]
        got = hub_detector(saved["owlv2"], WORDS)(image)
        assert got.confidence == pytest.approx(expected["scores"][within].numpy(), abs=1e-5)
        assert got.boxes == pytest.approx(expected["boxes"][within].numpy(), abs=1e-2)
        assert got.classes.tolist() == expected["labels"][within].tolist()

    def test_other_words_find_something_else(self, saved):
        image = picture(64, 64)
        one, other = (hub_detector(saved["owlv2"], words)(image).confidence for words in (WORDS, ("dog", "a cat")))
        assert np.abs(one - other).max() > 1e-3

    def test_no_words(self, saved):
        with pytest.raises(InputError, match=r"finds what words describe: say which, labels = \["):
            hub_detector(saved["owlv2"], ())

    def test_too_many_words(self, saved):
        with pytest.raises(InputError, match=r"has \d+ tokens, the model reads 16; say less"):
            hub_detector(saved["owlv2"], ("a very long description of a protest sign",))


class TestRefused:
    def test_a_picture_too_thin_for_detr(self, saved):
        with pytest.raises(InputError, match="the model cannot take a picture of 3000 x 1 px"):
            hub_detector(saved["detr"], ())(picture(1, 3000))
        assert len(hub_detector(saved["rt-detr"], ())(picture(1, 3000)).boxes) == 12

    def test_a_checkpoint_for_something_else(self, tmp_path):
        config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])
        transformers.ResNetForImageClassification(config).save_pretrained(tmp_path)
        shutil.copy(__file__, tmp_path / "preprocessor_config.json")
        with pytest.raises(WeightsError, match="checkpoint of transformers for ObjectDetection"):
            hub_detector(str(tmp_path), ())

    @pytest.mark.parametrize("content", ["", "[]", "{}", "{"])
    def test_no_config(self, tmp_path, content):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(WeightsError, match="no model_type"):
            hub_detector(str(tmp_path), ())

    def test_a_config_that_does_not_fit_the_weights(self, saved, tmp_path):
        folder = shutil.copytree(saved["rt-detr"], tmp_path / "m")
        settings = json.loads((folder / "config.json").read_text())
        settings["id2label"] = {"0": "a"}
        (folder / "config.json").write_text(json.dumps(settings))
        with pytest.raises(WeightsError, match="in another size"):
            hub_detector(str(folder), ())

    def test_no_tokenizer(self, saved, tmp_path):
        folder = shutil.copytree(saved["owlv2"], tmp_path / "m")
        for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
            (folder / name).unlink()
        with pytest.raises(WeightsError, match="has no tokenizer"):
            hub_detector(str(folder), WORDS)

    def test_not_fetched(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        for model in ("dfine-s", "rtdetr-r18", "detr-r50", "owlv2-base"):
            with pytest.raises(WeightsError, match=f"studium models pull {model}"):
                hub_detector(model, WORDS)


def test_the_rows_are_pinned():
    for model in ("dfine-s", "rtdetr-r18", "detr-r50", "owlv2-base"):
        row = weights.get(model)
        assert row.licence == "Apache-2.0"
        assert len(row.bundle.revision) == 40
        assert "model.safetensors" in row.bundle.names
