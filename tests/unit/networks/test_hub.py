"""Checkpoints: from a folder or the hub's cache, without a network, pickles, foreign code or made-up weights."""

import gc
import json
import shutil
import socket
import subprocess
import sys
import weakref

import checkpoints
import pytest
import torch
import transformers

from studium.errors import MissingExtraError, UnknownNameError, WeightsError
from studium.networks.hub import checkpoint

TASK = "VideoClassification"
AUTO = f"AutoModelFor{TASK}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of tiny checkpoints, by architecture."""
    top = tmp_path_factory.mktemp("checkpoints")
    return {name: checkpoints.write(top / name, name) for name in checkpoints.ARCHITECTURES}


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(saved["VideoMAE"], tmp_path / "checkpoint")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args):
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_an_empty_folder(tmp_path):
    with pytest.raises(WeightsError, match="there is none"):
        checkpoint(str(tmp_path), TASK)


@pytest.mark.parametrize("architecture", checkpoints.ARCHITECTURES)
def test_a_folder(saved, architecture):
    found = checkpoint(str(saved[architecture]), TASK)
    assert type(found.network).__name__ == f"{architecture}ForVideoClassification"
    assert found.labels == checkpoints.LABELS
    assert not found.network.training
    assert found.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert type(found.processor).__name__ == "VideoMAEImageProcessorPil"


def test_a_snapshot_in_the_cache_of_the_hub(saved, tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    name = f"someone/tiny@{COMMIT}"
    with pytest.raises(WeightsError, match=f"studium models pull {name}"):
        checkpoint(name, TASK)
    shutil.copytree(saved["VideoMAE"], tmp_path / "hub" / "models--someone--tiny" / "snapshots" / COMMIT)
    assert checkpoint(name, TASK).labels == checkpoints.LABELS


def test_a_name_that_is_nothing():
    with pytest.raises(UnknownNameError, match="videomae-kinetics"):
        checkpoint("videomae", TASK)


def test_the_name_of_a_processor_in_older_repositories(folder):
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    del settings["image_processor_type"]
    settings["feature_extractor_type"] = "VideoMAEFeatureExtractor"
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    assert type(checkpoint(str(folder), TASK).processor).__name__ == "VideoMAEImageProcessorPil"


def test_is_loaded_once_until_it_changes(folder):
    first = checkpoint(str(folder), TASK)
    assert checkpoint(str(folder), TASK) is first
    checkpoints.write(folder, seed=2)
    assert checkpoint(str(folder), TASK) is not first


def test_of_large_ones_the_last_is_kept(saved):
    first, second = str(saved["VideoMAE"]), str(saved["Timesformer"])
    found = checkpoint(first, TASK, exact=False)
    assert checkpoint(first, TASK, exact=False) is found
    there = weakref.ref(found.network)
    del found
    checkpoint(second, TASK, exact=False)
    gc.collect()
    assert there() is None


def test_half_precision_is_computed_in_full(folder):
    network = checkpoint(str(folder), TASK).network
    network.half().save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float16"
    assert {values.dtype for values in checkpoint(str(folder), TASK).network.parameters()} == {torch.float32}


def test_loading_is_quiet_and_leaves_the_settings_alone(folder, capfd):
    logging = transformers.utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    checkpoint(str(folder), TASK)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    assert capfd.readouterr() == ("", "")


class TestRefused:
    def test_pickles(self, folder):
        weights = checkpoint(str(folder), TASK).network.state_dict()
        (folder / "model.safetensors").unlink()
        torch.save(weights, folder / "pytorch_model.bin")
        with pytest.raises(WeightsError, match="safetensors"):
            checkpoint(str(folder), TASK)

    def test_code_of_the_repository(self, folder):
        settings = json.loads((folder / "config.json").read_text())
        settings |= {"model_type": "mine", "auto_map": dict.fromkeys(["AutoConfig", AUTO], "mine.Mine")}
        (folder / "config.json").write_text(json.dumps(settings))
        (folder / "mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\nclass Mine: pass\n")
        with pytest.raises(WeightsError, match="trust_remote_code"):
            checkpoint(str(folder), TASK)
        assert not (folder / "ran").exists()

    def test_code_of_the_processor(self, folder):
        settings = {**checkpoints.PROCESSOR, "auto_map": {"AutoImageProcessor": "mine.Mine"}}
        (folder / "preprocessor_config.json").write_text(json.dumps(settings))
        (folder / "mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\nclass Mine: pass\n")
        assert type(checkpoint(str(folder), TASK).processor).__name__ == "VideoMAEImageProcessorPil"
        assert not (folder / "ran").exists()

    def test_weights_that_would_be_made_up(self, folder):
        checkpoint(str(folder), TASK).network.videomae.save_pretrained(folder)
        with pytest.raises(WeightsError, match=r"lacks weights for VideoClassification.*classifier\.bias"):
            checkpoint(str(folder), TASK)

    def test_another_number_of_classes(self, folder):
        settings = json.loads((folder / "config.json").read_text())
        settings["id2label"]["6"] = "zumba"
        (folder / "config.json").write_text(json.dumps(settings))
        with pytest.raises(WeightsError, match=r"in another size: .*classifier\.weight"):
            checkpoint(str(folder), TASK)

    @pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "model.safetensors"])
    def test_a_file_that_is_missing_or_broken(self, folder, file):
        content = (folder / file).read_bytes()
        for spoil in ((folder / file).unlink, lambda: (folder / file).write_bytes(content[: len(content) // 2])):
            spoil()
            with pytest.raises(WeightsError, match="does not load"):
                checkpoint(str(folder), TASK)

    def test_a_model_for_something_else(self, tmp_path):
        config = transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=10)
        transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(checkpoints.PROCESSOR))
        with pytest.raises(WeightsError, match="does not load"):
            checkpoint(str(tmp_path), TASK)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_without_the_extra(folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is needed here.*studium\[torch\]"):
        checkpoint(str(folder), TASK)


def test_importing_loads_no_torch():
    code = "import sys, studium.measure.actions\nprint({'torch', 'transformers', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
