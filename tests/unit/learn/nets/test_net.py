import copy
import logging
import os
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, PartialState
from toy_net import FittedToy, Small, ToyNet, digits
from transformers.utils import logging as told_by_transformers

from studium.errors import InputError, MissingExtraError
from studium.learn.models import saved
from studium.learn.models.examples import Examples, Some
from studium.learn.models.head import Head
from studium.learn.nets.net import Schedule

DIGIT = Head("digit", classes=tuple(range(10)))
QUICK = Schedule(epochs=1, rate=3e-3, batch=32)
SHORT = Schedule(epochs=4, rate=1e-2, batch=16)


def weights(fitted):
    return fitted.body.module.state_dict()


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one.keys() | other.keys())


def trained(schedule=QUICK, head=DIGIT, **settings):
    return ToyNet(head=head, schedule=schedule, **settings).train(digits(0, 100), digits(100, 150))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fitted():
    given = digits(0, 500)
    return ToyNet(head=DIGIT, schedule=SHORT, inputs="digits").fit(given.X, given.y)


def test_digits_are_learned(fitted):
    others = digits(500, 800)
    curve = fitted.training["curve"]
    assert np.mean(fitted.predict(others.X) == others.y) > 0.85
    assert [one["epoch"] for one in curve] == [1, 2, 3, 4]
    for name in ("train_loss", "validation_loss"):
        assert curve[-1][name] < 0.5 * curve[0][name]
    assert curve[-1]["validation_accuracy"] > 0.85
    p = fitted.predict_proba(others.X)
    assert p.shape == (300, 10)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_what_is_told(fitted):
    assert fitted.training["units"] == 400
    assert fitted.training["validation"]["units"] == 100
    assert min(fitted.training["validation"]["per_class"]) >= 8  # stratified: 9 to 11 of each digit
    asked = fitted.settings["schedule"]
    assert (asked["epochs"], asked["rate"], asked["device"], asked["precision_used"]) == (4, 1e-2, "cpu", "float32")
    assert (asked["epochs_run"], fitted.settings["balanced"]) == (4, True)
    best = min(fitted.training["curve"], key=lambda one: one["validation_loss"])
    assert asked["epoch_kept"] == best["epoch"]


def test_what_is_said_of_a_picture_depends_on_it_alone(fitted):
    pictures = digits(500, 520).X
    whole = fitted.outputs(pictures)
    assert fitted.outputs([]).shape == (0, 10)
    np.testing.assert_array_equal(fitted.outputs(pictures[7:9]), whole[7:9])
    np.testing.assert_array_equal(fitted.outputs(pictures[::-1]), whole[::-1])


def test_saved_and_loaded_it_says_the_same(fitted, tmp_path, monkeypatch):
    monkeypatch.setitem(saved.KINDS, "toy", "toy_net:FittedToy")
    fitted.save(tmp_path / "there")
    loaded = saved.load((tmp_path / "there").rename(tmp_path / "elsewhere"))
    pictures = digits(500, 520).X
    assert isinstance(loaded, FittedToy)
    np.testing.assert_array_equal(loaded.outputs(pictures), fitted.outputs(pictures))
    assert loaded.card == fitted.card
    with pytest.raises(InputError, match="row 1 cannot be used: pictures are 8 x 8"):
        loaded.outputs([pictures[0], np.zeros((3, 3))])


def test_the_same_call_gives_the_same_weights():
    one, other = trained(), trained()
    assert same(weights(one), weights(other))
    assert one.card == other.card
    assert not same(weights(one), weights(trained(replace(QUICK, seed=1))))


def test_a_module_that_was_handed_over_stays_as_it_was():
    given = Small(10)
    before = copy.deepcopy(given.state_dict())

    class Handed(ToyNet):
        def begin(self, head):
            return replace(super().begin(head), module=given)

    found = Handed(head=DIGIT, schedule=QUICK).train(digits(0, 100), digits(100, 150))
    assert given.training
    assert same(given.state_dict(), before)
    assert not torch.equal(weights(found)["head.weight"], before["head.weight"])
    assert torch.equal(weights(found)["fixed.weight"], before["fixed.weight"])


def test_it_is_silent_and_leaves_all_as_it_was(capfd, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    PartialState(cpu=True)
    before = (
        random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), dict(os.environ),
        told_by_transformers.get_verbosity(), torch.get_num_threads(), torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(), dict(PartialState._shared_state),
        dict(AcceleratorState._shared_state),
    )  # fmt: skip
    with caplog.at_level(logging.INFO, "studium"):
        trained(replace(QUICK, precision="bfloat16"))
    assert before == (
        random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), dict(os.environ),
        told_by_transformers.get_verbosity(), torch.get_num_threads(), torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(), dict(PartialState._shared_state),
        dict(AcceleratorState._shared_state),
    )  # fmt: skip
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())
    first, epoch = caplog.messages
    assert first == "computes in float32: bfloat16 is for accelerators, and there is none"
    assert epoch.startswith("epoch 1, step 4, train_loss ")
    PartialState._reset_state()


def test_no_epochs_leave_the_network_as_it_was_published():
    found = trained(replace(QUICK, epochs=0))
    assert found.training["curve"] == []
    assert found.settings["schedule"]["epochs_run"] == 0
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert same(weights(found), Small(10).state_dict())
    assert found.outputs(digits(0, 3).X).shape == (3, 10)


def test_the_best_epoch_counts_and_patience_ends():
    found = trained(Schedule(epochs=30, rate=0.3, batch=8, patience=2, warmup=0))
    told, curve = found.settings["schedule"], found.training["curve"]
    losses = [one["validation_loss"] for one in curve]
    assert told["epoch_kept"] == int(np.argmin(losses)) + 1
    assert told["epochs_run"] == told["epoch_kept"] + 2 == len(curve) < 30
    validation = digits(100, 150)
    said = np.mean(found.predict(validation.X) == validation.y)
    assert said == pytest.approx(curve[told["epoch_kept"] - 1]["validation_accuracy"])


def test_without_patience_all_are_learned_from_and_the_last_epoch_counts():
    given, others = digits(0, 400), digits(500, 800)
    made = ToyNet(head=DIGIT, schedule=replace(SHORT, patience=0)).fit(given.X, given.y)
    assert np.mean(made.predict(others.X) == others.y) > 0.75
    assert made.training["units"] == 400
    assert "validation" not in made.training
    assert [[*one] for one in made.training["curve"]] == [["epoch", "step", "train_loss"]] * SHORT.epochs
    assert made.training["curve"][-1]["train_loss"] < 0.5 * made.training["curve"][0]["train_loss"]
    assert made.settings["schedule"]["epoch_kept"] == SHORT.epochs
    one = ToyNet(head=DIGIT, schedule=replace(SHORT, patience=0, epochs=1)).fit(given.X, given.y)
    assert not same(weights(one), weights(made))


def test_ranks_are_learned():
    train, others = digits(0, 400), digits(500, 700)
    net = ToyNet(head=Head("digit", "ordinal", DIGIT.classes), schedule=SHORT)
    found = net.train(train, digits(400, 450))
    p = found.predict_proba(others.X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert np.abs(found.predict(others.X) - others.y).mean() < 1.2  # of who always says 4: 2.5
    assert found.body.module.head.out_features == 9


def test_several_labels_are_learned():
    def labelled(given):
        y = np.array(given.y)
        return Examples(given.X, np.stack([y % 2 == 1, y > 4], axis=1).astype(int))

    head = Head("tags", "multilabel", ("odd", "high"))
    found = ToyNet(head=head, schedule=SHORT).train(labelled(digits(0, 400)), labelled(digits(400, 450)))
    others = labelled(digits(500, 700))
    assert ((found.predict(others.X) == others.y).mean(axis=0) > 0.8).all()
    assert found.training["curve"][-1]["validation_accuracy"] > 0.8


def test_values_are_learned_in_their_own_unit(tmp_path, monkeypatch):
    monkeypatch.setitem(saved.KINDS, "toy", "toy_net:FittedToy")

    def weighed(given):
        return Examples(given.X, [5000 + 100 * one[4:].mean() for one in given.X])  # ink of the lower half

    net = ToyNet(head=Head("ink", "continuous"), schedule=SHORT)
    validation = weighed(digits(300, 350))
    found = net.train(weighed(digits(0, 300)), validation)
    wrong = (found.predict(validation.X) - validation.y) / found.scale.spread  # in the training examples' spreads
    kept = found.training["curve"][found.settings["schedule"]["epoch_kept"] - 1]
    assert kept["validation_loss"] == pytest.approx(np.mean(wrong**2), rel=1e-4)
    others = weighed(digits(500, 600))
    said = found.predict(others.X)
    assert np.corrcoef(said, others.y)[0, 1] > 0.9
    assert np.abs(said - others.y).mean() == pytest.approx(found.training["curve"][-1]["validation_mae"], rel=0.5)
    found.save(tmp_path)
    np.testing.assert_array_equal(saved.load(tmp_path).predict(others.X), said)


def test_shares_of_coders_are_learned_as_shares():
    def shared(given):
        few = [at for at, one in enumerate(given.y) if one < 2]
        return Examples([given.X[at] for at in few], [[[0.8, 0.2], [0.4, 0.6]][given.y[at]] for at in few])

    head, schedule = Head("digit", classes=(0, 1)), replace(SHORT, epochs=8)
    train, others = shared(digits(0, 1000)), shared(digits(1000, 1500))
    found = ToyNet(head=head, schedule=schedule, balanced=False).train(train, shared(digits(1500, 1797)))
    p, truth = found.predict_proba(others.X), np.array(others.y)
    for shares in ([0.8, 0.2], [0.4, 0.6]):
        np.testing.assert_allclose(p[(truth == shares).all(axis=1)].mean(axis=0), shares, atol=0.08)


def test_weights_and_balance_move_what_is_said():
    def coin(n, ones, heavy):
        y = [1] * ones + [0] * (n - ones)
        return Examples(digits(0, n).X, y, [heavy if one else 1.0 for one in y])

    def said(heavy, balanced):
        blind = Schedule(epochs=3, rate=3e-3, batch=20, decay=0)
        net = ToyNet(head=Head("coin", classes=(0, 1)), schedule=blind, balanced=balanced)
        return net.train(coin(100, 10, heavy), coin(50, 5, heavy)).predict_proba(digits(200, 300).X)[:, 1].mean()

    plain, heavy, even = said(1.0, False), said(30.0, False), said(1.0, True)
    assert plain < 0.3 < even < heavy


def test_accumulated_batches_are_one_large_step():
    class Straight(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fixed, self.head = torch.nn.Identity(), torch.nn.Linear(64, 10)

        def forward(self, pixels):
            return self.head(pixels.flatten(1))

    class Plain(ToyNet):
        def begin(self, head):
            return replace(super().begin(head), module=Straight())

    def found(batch, accumulate):
        schedule = Schedule(epochs=2, rate=1e-2, batch=batch, accumulate=accumulate)
        train = replace(digits(0, 64), weights=np.arange(1, 65))
        return Plain(head=DIGIT, schedule=schedule).train(train, digits(64, 80))

    large, parts, small = found(16, 1), found(4, 4), found(4, 1)
    torch.testing.assert_close(weights(parts)["head.weight"], weights(large)["head.weight"], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(weights(small)["head.weight"], weights(large)["head.weight"], rtol=1e-2)
    assert [one["train_loss"] for one in parts.training["curve"]] == pytest.approx(
        [one["train_loss"] for one in large.training["curve"]], rel=1e-4
    )


def test_a_training_that_diverges_is_refused():
    with pytest.raises(InputError, match=r"training loss is no finite number after step \d+ of 4: .* lower rate"):
        trained(replace(QUICK, rate=1e30))


def test_a_validation_part_may_lack_classes_but_is_needed():
    train = digits(0, 100)
    found = ToyNet(head=DIGIT, schedule=QUICK).train(train, digits(100, 103))
    assert sum(found.training["validation"]["per_class"]) == 3
    with pytest.raises(InputError, match="this one is empty"):
        ToyNet(head=DIGIT, schedule=QUICK).train(train, Examples([], []))
    with pytest.raises(InputError, match="3 units and 2 labels"):
        ToyNet(head=DIGIT, schedule=QUICK).train(train, Examples(train.X[:3], [1, 2]))
    with pytest.raises(InputError, match="unknown labels 11"):
        ToyNet(head=DIGIT, schedule=QUICK).train(train, Examples(train.X[:2], [1, 11]))


def test_what_cannot_be_decoded_is_named_by_its_row():
    pictures = [*digits(0, 99).X, np.zeros((5, 5))]
    with pytest.raises(InputError, match="row 99 cannot be used: pictures are 8 x 8"):
        ToyNet(head=DIGIT, schedule=QUICK).fit(pictures, [*digits(0, 99).y, 3])
    some = Examples(Some(pictures, np.array([99, 3, 5])), [1, 2, 3])
    with pytest.raises(InputError, match="row 99 cannot be used"):
        ToyNet(head=DIGIT, schedule=QUICK).train(digits(0, 100), some)


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": -1}, {"epochs": 1.5}, {"batch": 0}, {"accumulate": 0}, {"patience": -1}, {"seed": -1}, {"rate": 0},
     {"rate": float("nan")}, {"warmup": 1}, {"decay": -1}, {"precision": "int8"}],
)  # fmt: skip
def test_schedules_that_are_none(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Schedule(**wrong)


@pytest.mark.parametrize("package", ["torch", "accelerate"])
def test_what_is_not_installed_is_named(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is needed .* 'studium\[finetune\]'"):
        trained()


def test_nothing_is_kept_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    trained()
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.parametrize("weights", [[1, 0], [1, np.nan], [1]])
def test_weights_of_the_validation_part_are_named(weights):
    watched = Examples(digits(100, 102).X, [0, 1], weights)
    with pytest.raises(InputError, match="weights of the validation part should be 2 finite numbers above 0"):
        ToyNet(head=DIGIT, schedule=QUICK).train(digits(0, 100), watched)


def test_values_of_the_validation_part_are_finite():
    train, watched = digits(0, 20), Examples(digits(100, 102).X, [0.0, np.nan])
    with pytest.raises(InputError, match="values of the validation part should be finite"):
        ToyNet(head=Head("ink", "continuous"), schedule=QUICK).train(train, watched)
