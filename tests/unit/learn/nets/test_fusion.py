"""CLIP's kin with a network on top that reads texts and pictures together."""

import logging
import shutil
from dataclasses import replace

import checkpoints
import numpy as np
import pytest
import torch

from studium.errors import InputError, WeightsError
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.models.saved import load
from studium.learn.nets.fusion import ClipFusion
from studium.learn.nets.net import Schedule
from studium.media.material import Material
from studium.media.video import Video

FAMILIES = ("clip", "siglip", "siglip2", "chinese_clip")
FILL = ("the", "of", "in", "people", "street", "march", "police")


@pytest.fixture(scope="module")
def towers(tmp_path_factory):
    """Folders of tiny towers, by name."""
    top = tmp_path_factory.mktemp("towers")
    return {name: getattr(checkpoints, name)(top / name) for name in FAMILIES}


def posts(n, seed, new=False):
    """Posts that name a cat or a dog beside noise in red or blue; whether it is a cat, and whether it is red.

    The words around it are of two sets that share no text.
    """
    rng = np.random.default_rng(seed)
    cat, red = rng.permutation(np.arange(n) % 2), rng.permutation(np.arange(n) // 2 % 2)
    around = [(a, b) for a in FILL for b in FILL if ((FILL.index(a) + FILL.index(b)) % 4 == 0) == new]
    made = []
    for which, colour in zip(cat, red, strict=True):
        picture = rng.integers(0, 90, (32, 32, 3))
        picture[..., 0 if colour else 2] += 150
        words = " ".join(around[rng.integers(len(around))])
        made.append(Material(f"{words} {('dog', 'cat')[which]}", pictures=(picture.astype(np.uint8),)))
    return made, cat, red


def noise(seed, side=32):
    return np.random.default_rng(seed).integers(0, 256, (side, side + 8, 3)).astype(np.uint8)


def logits(body, *materials):
    with torch.inference_mode():
        return body.module.eval()(**body.collate([body.encode(one, None) for one in materials])).numpy()


@pytest.fixture(scope="module")
def body(towers):
    torch.manual_seed(1)
    return ClipFusion(model=str(towers["clip"]), freeze=False).begin(Head(classes=("a", "b", "c")))


# the pair


def test_what_only_the_pair_tells_is_learned_and_neither_half_tells_it(towers):
    (seen, cat, red), (watched, *theirs), (new, *others) = posts(160, 1), posts(40, 2), posts(200, 3, new=True)
    schedule = Schedule(epochs=5, rate=7e-3, patience=0)
    net = ClipFusion(model=str(towers["clip"]), freeze=False, schedule=schedule)
    halves = {"both": {}, "text": {"pictures": ()}, "pictures": {"text": None}}
    right = {}
    for name, without in halves.items():
        train, validation, test = ([replace(one, **without) for one in part] for part in (seen, watched, new))
        fitted = net.train(Examples(train, cat ^ red), Examples(validation, theirs[0] ^ theirs[1]))
        right[name] = (fitted.predict(test) == others[0] ^ others[1]).mean()
    assert right["both"] > 0.9
    assert 0.35 < right["text"] < 0.65
    assert 0.35 < right["pictures"] < 0.65


# training, for every family


@pytest.mark.parametrize(
    ("family", "freeze"),
    [("clip", True), ("clip", False), ("siglip", False), ("siglip2", True), ("chinese_clip", False)],
)
def test_an_epoch_of_real_training_and_a_folder_that_loads_elsewhere(towers, tmp_path, family, freeze):
    (seen, _, red), (watched, _, theirs) = posts(32, 1), posts(8, 2)
    seen[0], seen[1] = replace(seen[0], text=None), replace(seen[1], pictures=())
    schedule = Schedule(epochs=2, rate=5e-3, batch=8)
    net = ClipFusion(model=str(towers[family]), freeze=freeze, schedule=schedule, inputs="posts")
    fitted = net.train(Examples(seen, red), Examples(watched, theirs))
    losses = [epoch["train_loss"] for epoch in fitted.training["curve"]]
    assert losses[1] < 0.8 * losses[0]
    published = net.begin(fitted.head).module.towers.state_dict()
    changed = [name for name, one in fitted.body.module.towers.state_dict().items() if not one.equal(published[name])]
    assert bool(changed) is not freeze

    fitted.save(tmp_path / "here")
    moved = shutil.move(tmp_path / "here", tmp_path / "there")
    hidden = towers[family].rename(tmp_path / "away")
    try:
        found = load(moved)
        given = [*seen[:4], Material(), Material("the dog " * 99, (noise(1), noise(2)))]
        assert np.array_equal(found.outputs(given), fitted.outputs(given))
    finally:
        hidden.rename(towers[family])
    assert (found.settings, found.training) == (fitted.settings, fitted.training)
    files = {path.relative_to(moved).as_posix() for path in moved.rglob("*") if path.is_file()}
    assert {"top.safetensors", "network/model.safetensors", "network/config.json"} <= files
    assert not [name for name in files if name.endswith((".bin", ".pt", ".py"))]


TASKS = {
    "ordinal": (Head("rank", "ordinal", ("low", "mid", "top")), lambda red: np.array(["low", "top"])[red]),
    "multilabel": (Head("shows", "multilabel", ("red", "blue")), lambda red: np.stack([red, 1 - red], 1)),
    "continuous": (Head("redness", "continuous"), lambda red: 50.0 + 10 * red),
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_learned(towers, task):
    head, labels = TASKS[task]
    (seen, _, red), (watched, _, theirs) = posts(48, 1), posts(24, 2)
    y = labels(red)
    if task == "ordinal":  # every class needs an example
        y[0] = "mid"
    schedule = Schedule(epochs=3, rate=1e-2, batch=8)
    fitted = ClipFusion(head=head, model=str(towers["siglip"]), freeze=False, schedule=schedule).train(
        Examples(seen, y), Examples(watched, labels(theirs))
    )
    said = fitted.predict(watched)
    right = abs(said - labels(theirs)) < 5 if task == "continuous" else said == labels(theirs)
    assert right.mean() > 0.9


# what is read of a unit


def test_a_unit_without_text_or_pictures_has_a_value(body):
    picture = noise(1)
    nothing = logits(body, Material(), Material(" \n", transcripts=(("film", "\t"),)))
    assert np.array_equal(nothing[0], nothing[1])
    assert np.isfinite(nothing).all()
    different = logits(
        body, Material(), Material("a cat"), Material(pictures=(picture,)), Material("a cat", (picture,))
    )
    assert min(abs(a - b).max() for n, a in enumerate(different) for b in different[:n]) > 1e-3


def test_values_depend_on_the_unit_alone(body):
    units = [
        Material("a cat", (noise(1), noise(2))),
        Material(),
        Material("the police in the street"),
        Material(pictures=(noise(3, 90),)),
    ]
    alone = np.concatenate([logits(body, one) for one in units])
    assert np.allclose(logits(body, *units), alone, atol=1e-5)
    assert np.allclose(logits(body, *units[::-1])[::-1], alone, atol=1e-5)


def test_of_several_pictures_the_mean_counts(body):
    one, two = noise(1), noise(2)
    assert np.allclose(logits(body, Material("a", (one, two))), logits(body, Material("a", (two, one))), atol=1e-5)
    assert np.allclose(logits(body, Material("a", (one, one))), logits(body, Material("a", (one,))), atol=1e-5)
    assert not np.allclose(logits(body, Material("a", (one, two))), logits(body, Material("a", (one,))), atol=1e-3)


def test_films_are_looked_at_and_what_is_said_is_read(body, videos):
    film = Video(videos / "bikes.mp4", 2.0, 6.0)
    encoded = body.encode(Material(videos=(film,), transcripts=(("film", "a cat"),)), None)
    assert encoded["image_pixel_values"].shape == (4, 3, 32, 32)
    assert encoded["told"] == 1
    assert not np.array_equal(encoded["image_pixel_values"][0], encoded["image_pixel_values"][3])


def test_siglip_reads_padding_as_it_was_trained_to(towers):
    body = ClipFusion(model=str(towers["siglip"]), tokens=10, freeze=False).begin(Head(classes=("a", "b")))
    batch = body.collate([body.encode(Material("a cat"), None)])
    assert batch["text_input_ids"].shape == (1, 64)
    assert "text_attention_mask" not in batch
    assert int((batch["text_input_ids"] != body.words.tokenizer.pad_token_id).sum()) < 10


def test_what_was_not_read_or_seen_is_told(towers, caplog):
    (seen, cat, _), (watched, theirs, _) = posts(12, 1), posts(8, 2)
    seen[2] = replace(seen[2], text="the cat " * 99)
    seen[3] = replace(seen[3], pictures=tuple(noise(n) for n in range(3)))
    seen[4] = replace(seen[4], transcripts=(("film", "the dog " * 99),))
    net = ClipFusion(model=str(towers["clip"]), frames=2, tokens=40, schedule=Schedule(epochs=0))
    fitted = net.train(Examples(seen, cat), Examples(watched, theirs))
    assert fitted.training["cut"] == {"train": 2, "validation": 0}
    assert fitted.training["unseen"] == {"train": 1, "validation": 0}
    assert (fitted.settings["tokens"], fitted.settings["frames"], fitted.settings["freeze"]) == (40, 2, True)
    with caplog.at_level(logging.WARNING):
        fitted.outputs(seen[5:])
        assert not caplog.records
        fitted.outputs(seen)
    assert "of 12 units the end of the words of 2 was not read, and not all pictures and films of 1" in caplog.text


def test_frozen_towers_read_a_unit_once_and_say_the_same_as_whole_ones(towers):
    net, head = ClipFusion(model=str(towers["clip"])), Head(classes=("a", "b"))
    torch.manual_seed(3)
    frozen = net.begin(head)
    torch.manual_seed(3)
    whole = replace(net, freeze=False).begin(head)
    units = [Material("a cat", (noise(1), noise(2))), Material(), Material("a cat", (noise(2), noise(1)))]
    assert all(np.array_equal(logits(frozen, one), logits(whole, one)) for one in units)
    read = []
    frozen.module.towers.text_model.register_forward_hook(lambda *_: read.append(1))
    logits(frozen, *units)
    assert not read
    logits(frozen, Material("a dog", (noise(1), noise(2))))
    assert len(read) == 1


# what is refused


def test_what_is_no_material_is_refused(towers):
    fitted = ClipFusion(model=str(towers["clip"]), schedule=Schedule(epochs=0)).fit(posts(12, 1)[0], [0, 1] * 6)
    with pytest.raises(InputError, match=r"row 0 cannot be used: expected the material of a unit, got str"):
        fitted.outputs(["a cat"])
    with pytest.raises(InputError, match=r"row 1 cannot be used.*RGB uint8"):
        fitted.outputs([Material(), Material(pictures=(np.zeros((3, 3), np.uint8),))])
    assert fitted.outputs([]).shape == (0, 2)


def test_a_checkpoint_without_two_towers_is_refused(tmp_path):
    with pytest.raises(WeightsError):
        ClipFusion(model=str(checkpoints.vit(tmp_path / "vit"))).begin(Head(classes=("a", "b")))
    with pytest.raises(WeightsError):
        ClipFusion(model=str(tmp_path)).begin(Head(classes=("a", "b")))


def test_towers_that_lack_weights_are_refused(towers, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(towers["clip"], tmp_path / "odd")
    weights = load_file(folder / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks weights: text_projection.weight"):
        ClipFusion(model=str(folder)).begin(Head(classes=("a", "b")))


def test_a_rate_that_is_too_high_for_whole_towers_is_said(caplog):
    ClipFusion(freeze=False, schedule=Schedule(rate=1e-5))
    ClipFusion()
    assert not caplog.records
    ClipFusion(freeze=False)
    assert "whole ones need about 1e-5" in caplog.text


def test_settings_that_look_at_nothing_are_refused():
    with pytest.raises(InputError, match="frames"):
        ClipFusion(frames=0)
