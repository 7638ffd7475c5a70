"""Fine-tuned encoders of texts."""

import json
import logging
import shutil

import numpy as np
import pytest
import text_checkpoints
import torch

from studium.errors import InputError, WeightsError
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.models.saved import load
from studium.learn.nets.net import Schedule
from studium.learn.nets.text import TextNetwork

KINDS = ("bert", "roberta", "xlm-roberta", "deberta-v2", "modernbert")
TONE = Head("tone", classes=("bad", "good"))
QUICK = Schedule(epochs=6, rate=1e-2, batch=8)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Tiny checkpoints: classifiers of four labels, and encoders without a head."""
    root = tmp_path_factory.mktemp("encoders")
    return {kind: encoder(root / kind, kind) for kind in KINDS}


def encoder(folder, kind):
    import transformers
    from transformers.utils import logging as of_transformers

    if kind in text_checkpoints.KINDS:
        return text_checkpoints.text_classifier(folder, kind, ("a", "b", "c", "d"))
    tokenizer, _ = text_checkpoints.KINDS["bert"]()
    config = {"deberta-v2": transformers.DebertaV2Config, "modernbert": transformers.ModernBertConfig}[kind]
    marks = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    size = text_checkpoints.SIZES | {"max_position_embeddings": 16, "vocab_size": len(tokenizer)}
    torch.manual_seed(1)
    network = transformers.AutoModel.from_config(config(**size, **marks))
    of_transformers.disable_progress_bar()
    network.save_pretrained(folder)
    of_transformers.enable_progress_bar()
    tokenizer.save_pretrained(folder)
    return folder


def spoken(n, seed):
    """Texts that are good or bad, and which."""
    rng = np.random.default_rng(seed)
    good = rng.permutation(np.arange(n) % 2)
    letters = rng.choice(list("abcdefgh"), (n, 3))
    return [f"{' '.join(one)} {('bad', 'good')[which]} day" for one, which in zip(letters, good, strict=True)], good


def logits(body, texts):
    with torch.inference_mode():
        return body.module.eval()(**body.collate([body.encode(text, None) for text in texts])).numpy()


# the network as it begins


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gets_a_new_last_layer_and_keeps_its_encoder(encoders, kind):
    from safetensors.torch import load_file

    body = TextNetwork(model=str(encoders[kind])).begin(Head(classes=("x", "y", "z")))
    assert logits(body, ["good day", "", "bad"]).shape == (3, 3)
    network = body.module.network
    prefix = f"{network.base_model_prefix}."
    published = {
        name.removeprefix(prefix): one for name, one in load_file(encoders[kind] / "model.safetensors").items()
    }
    here = {name.removeprefix(prefix): one for name, one in network.state_dict().items()}
    changed = {name for name in here if name not in published or not torch.equal(here[name], published[name])}
    assert changed - {name.removeprefix(prefix) for name in body.new} <= {"head.norm.weight"} & changed
    assert all("classifier" in name or "pooler" in name or "head" in name for name in body.new)
    assert any(name.startswith(("classifier.weight", "classifier.out_proj.weight")) for name in body.new)


def test_the_last_layer_is_new_though_the_published_one_would_fit(encoders):
    from safetensors.torch import load_file

    body = TextNetwork(model=str(encoders["bert"])).begin(Head(classes=tuple("wxyz")))
    assert body.new == ["classifier.bias", "classifier.weight"]
    drawn = body.module.network.classifier.weight.detach()
    assert not torch.equal(drawn, load_file(encoders["bert"] / "model.safetensors")["classifier.weight"])
    assert 0.01 < float(drawn.std()) < 0.03


def test_an_encoder_that_lacks_weights_is_refused(encoders, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(encoders["deberta-v2"], tmp_path / "odd")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks weights of its encoder: .*layer.1.output.dense.weight"):
        TextNetwork(model=str(folder)).begin(TONE)


def test_what_is_no_encoder_is_refused(tmp_path):
    with pytest.raises(WeightsError):
        TextNetwork(model=str(tmp_path)).begin(TONE)


# what is read


@pytest.mark.parametrize(("kind", "marks"), [("bert", 2), ("roberta", 2), ("xlm-roberta", 2), ("modernbert", 2)])
def test_the_beginning_of_a_text_is_read_and_the_marks_at_both_ends(encoders, kind, marks):
    words = TextNetwork(model=str(encoders[kind])).begin(TONE).words
    assert words.most == text_checkpoints.READS
    assert len(words("")["input_ids"]) == marks
    whole, long = words("a " * 7), words("a " * 999)
    assert len(long["input_ids"]) == words.most
    assert long["input_ids"][-1] == whole["input_ids"][-1]
    assert np.array_equal(long["input_ids"][:8], whole["input_ids"][:8])
    assert words.cut("a " * 999)
    assert not words.cut("a " * 7)


def test_fewer_tokens_can_be_asked_for_and_never_none(encoders):
    assert TextNetwork(model=str(encoders["bert"]), tokens=9).begin(TONE).words.most == 9
    with pytest.raises(InputError, match="at least 3 tokens"):
        TextNetwork(model=str(encoders["bert"]), tokens=2).begin(TONE)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_hardly_anything(encoders, kind):
    body = TextNetwork(model=str(encoders[kind])).begin(TONE)
    texts = ["good", "", "not a good day at all"]
    alone = np.concatenate([logits(body, [text]) for text in texts])
    assert np.ptp(alone) > 1e-4
    assert np.allclose(logits(body, texts), alone, atol=1e-5)


# training


@pytest.fixture(scope="module")
def tuned(encoders):
    """A BERT that learned which word stands in a text; two texts for training and one for validation are too long."""
    (texts, good), (others, theirs) = spoken(96, 1), spoken(24, 2)
    texts[0], texts[5], others[3] = (f"{text} {'a ' * 20}" for text in (texts[0], texts[5], others[3]))
    said = np.array(["bad", "good"])
    net = TextNetwork(head=TONE, model=str(encoders["bert"]), schedule=QUICK, inputs="text of the post")
    return net.train(Examples(texts, said[good]), Examples(others, said[theirs]))


def test_it_learns_to_tell_new_texts(tuned):
    losses = [epoch["train_loss"] for epoch in tuned.training["curve"]]
    assert losses[-1] < losses[0] / 2
    texts, good = spoken(40, 3)
    assert (tuned.predict(texts) == np.array(["bad", "good"])[good]).mean() > 0.9


def test_how_many_texts_were_cut_is_told(tuned, caplog):
    assert tuned.training["cut"] == {"train": 2, "validation": 1}
    assert tuned.settings["tokens"] == text_checkpoints.READS
    assert tuned.settings["new"] == ["classifier.bias", "classifier.weight"]
    with caplog.at_level(logging.WARNING):
        tuned.outputs(["good"])
        assert not caplog.records
        tuned.outputs(["a " * 30, "good", "a " * 31])
    assert "of 2 of 3 texts the end was not read" in caplog.text


def test_a_prediction_depends_on_its_own_text_alone(tuned):
    texts = ["good day", "", "a bad day, not a good one"]
    together = tuned.outputs(texts)
    assert together.shape == (3, 2)
    assert np.array_equal(together, np.concatenate([tuned.outputs([text]) for text in texts]))
    assert tuned.outputs([]).shape == (0, 2)


@pytest.mark.parametrize("odd", [None, 3, "\ud800"])
def test_what_is_no_text_is_refused(tuned, odd):
    with pytest.raises(InputError, match="row 1"):
        tuned.outputs(["good", odd])


def test_a_saved_folder_loads_elsewhere(tuned, tmp_path, encoders):
    texts = [*spoken(6, 4)[0], ""]
    tuned.save(tmp_path / "here")
    moved = shutil.move(tmp_path / "here", tmp_path / "there")
    hidden = encoders["bert"].rename(tmp_path / "away")
    try:
        found = load(moved)
        assert np.array_equal(found.outputs(texts), tuned.outputs(texts))
    finally:
        hidden.rename(encoders["bert"])
    assert (found.settings, found.training, found.head) == (tuned.settings, tuned.training, tuned.head)
    names = {path.name for path in (moved / "network").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".py"))]
    config = json.loads((moved / "network" / "config.json").read_text())
    assert config["id2label"] == {"0": "bad", "1": "good"}


def test_the_same_call_gives_the_same_bytes(tuned, tmp_path):
    for name in ("one", "two"):
        tuned.save(tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


TASKS = {
    "ordinal": (Head("rank", "ordinal", ("low", "mid", "high")), lambda good: np.array(["low", "high"])[good]),
    "multilabel": (Head("marks", "multilabel", ("good", "bad")), lambda good: np.stack([good, 1 - good], 1)),
    "continuous": (Head("score", "continuous"), lambda good: 50.0 + 10 * good),
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_learned(encoders, tmp_path, task):
    head, labels = TASKS[task]
    (texts, good), (others, theirs) = spoken(72, 5), spoken(24, 6)
    y = labels(good)
    if task == "ordinal":  # every class needs an example
        texts, y = [*texts, "a day", "b day"], np.array([*y, "mid", "mid"])
    net = TextNetwork(head=head, model=str(encoders["roberta"]), schedule=Schedule(epochs=5, rate=1e-2, batch=8))
    fitted = net.train(Examples(texts, y), Examples(others, labels(theirs)))
    losses = [epoch["train_loss"] for epoch in fitted.training["curve"]]
    assert losses[-1] < 0.9 * losses[0]
    said = fitted.predict(others)
    right = abs(said - labels(theirs)) < 5 if task == "continuous" else said == labels(theirs)
    assert right.mean() > 0.9
    fitted.save(tmp_path / "saved")
    assert np.array_equal(load(tmp_path / "saved").outputs(texts[:3]), fitted.outputs(texts[:3]))


def test_fit_holds_out_by_itself(encoders):
    texts, good = spoken(30, 6)
    fitted = TextNetwork(model=str(encoders["modernbert"]), schedule=Schedule(epochs=1, rate=1e-2)).fit(texts, good)
    assert fitted.training["units"] == 24
    assert fitted.predict(texts[:3]).dtype.kind == "i"
