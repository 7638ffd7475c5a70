import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import toy_net
from safetensors.torch import load_file
from toy_net import ToyNet, digits

from studium.errors import BusyError, InputError
from studium.learn.models.head import Head
from studium.learn.nets.net import Schedule
from studium.learn.nets.training import loop
from studium.learn.nets.training.checkpoints import Checkpoints, held

DIGIT = Head("digit", classes=tuple(range(10)))
SCHEDULE = Schedule(epochs=3, rate=3e-3, batch=25)  # of four steps each


class StoppedError(Exception):
    """A training is interrupted here."""


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(folder, schedule=SCHEDULE, train=None):
    return ToyNet(head=DIGIT, schedule=schedule).train(train or digits(0, 100), digits(100, 150), folder)


def stop(monkeypatch, event, step):
    """Interrupt trainings right after what happens at an event of a step."""
    usual = getattr(loop._Watch, event)

    def stopped(self, args, state, control, **given):
        usual(self, args, state, control, **given)
        if state.global_step == step:
            raise StoppedError

    monkeypatch.setattr(loop._Watch, event, stopped)


@pytest.fixture(scope="module")
def peaceful():
    return trained(None)


def same(one, other):
    a, b = one.body.module.state_dict(), other.body.module.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_identical_weights(tmp_path):
    single = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # the script forks
    script = [sys.executable, "-W", "error", toy_net.__file__, tmp_path, "0"]
    run = subprocess.run(script, capture_output=True, text=True, check=False, env=single)
    assert (run.returncode, run.stderr) == (0, "")
    told = json.loads(run.stdout)
    first, second = told["left"][:2]  # there may be more
    assert 0 < max(first) < max(second)
    models = [tmp_path / name for name in ("peaceful", told["saved"])]
    one, other = (load_file(model / "weights.safetensors") for model in models)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (models[0] / "model.json").read_bytes() == (models[1] / "model.json").read_bytes()


@pytest.mark.parametrize(
    ("event", "step", "left"),
    [
        ("on_step_end", 2, []),  # before there is a checkpoint
        ("on_evaluate", 4, []),  # after an epoch, before it is kept
        ("on_save", 4, [4]),
        ("on_step_end", 11, [8]),
        ("on_save", 12, [12]),  # all is done, but for handing it over
    ],
)
def test_it_goes_on_where_it_was_interrupted(event, step, left, peaceful, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop(patched, event, step)
        with pytest.raises(StoppedError):
            trained(tmp_path)
    whole = sorted(int(path.parent.name.split("-")[1]) for path in tmp_path.glob("*/complete"))
    assert max(whole, default=None) == max(left, default=None)
    found = trained(tmp_path)
    assert same(found, peaceful)
    assert found.card == peaceful.card


@pytest.mark.parametrize(("event", "step"), [("on_step_end", 6), ("on_save", 8), ("on_save", 12)])
def test_it_goes_on_where_nothing_is_watched(event, step, tmp_path, monkeypatch):
    blind, nothing = replace(SCHEDULE, patience=0), digits(0, 0)
    quiet = ToyNet(head=DIGIT, schedule=blind).train(digits(0, 100), nothing)
    with monkeypatch.context() as patched:
        stop(patched, event, step)
        with pytest.raises(StoppedError):
            ToyNet(head=DIGIT, schedule=blind).train(digits(0, 100), nothing, tmp_path)
    found = ToyNet(head=DIGIT, schedule=blind).train(digits(0, 100), nothing, tmp_path)
    assert same(found, quiet)
    assert found.card == quiet.card


def test_what_is_trained_is_there_until_the_folder_is_removed(peaceful, tmp_path, monkeypatch):
    trained(tmp_path)  # killed, say, before it was saved
    monkeypatch.setattr(loop._Watch, "on_step_end", None)  # no step is taken again
    found = trained(tmp_path)
    assert same(found, peaceful)
    assert found.card == peaceful.card
    best = peaceful.settings["schedule"]["epoch_kept"] * 4
    assert {path.name for path in tmp_path.glob("checkpoint-*")} == {f"checkpoint-{best}", "checkpoint-12"}


def test_it_goes_on_within_an_epoch(peaceful, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS", 0.0)
    with monkeypatch.context() as patched:
        stop(patched, "on_step_end", 7)
        with pytest.raises(StoppedError):
            trained(tmp_path)
    assert {path.name for path in tmp_path.glob("checkpoint-*")} == {"checkpoint-4", "checkpoint-6"}
    done = []
    monkeypatch.setattr(
        loop._Watch, "on_step_begin", lambda _, args, state, control, **more: done.append(state.global_step)
    )
    assert same(trained(tmp_path), peaceful)
    assert done == [6, 7, 8, 9, 10, 11]  # steps taken before each: the first six are not repeated


def test_the_end_by_patience_is_kept(tmp_path, monkeypatch):
    hasty = Schedule(epochs=30, rate=0.3, batch=20, patience=2, warmup=0)
    whole = trained(None, hasty)
    steps = 5 * whole.settings["schedule"]["epochs_run"]
    with monkeypatch.context() as patched:
        stop(patched, "on_save", steps)
        with pytest.raises(StoppedError):
            trained(tmp_path, hasty)
    monkeypatch.setattr(loop.Trainer, "train", None)  # there is nothing left to train
    found = trained(tmp_path, hasty)
    assert same(found, whole)
    assert found.card == whole.card


def test_half_a_checkpoint_does_not_count(peaceful, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop(patched, "on_step_end", 9)
        with pytest.raises(StoppedError):
            trained(tmp_path)
    half = shutil.copytree(tmp_path / "checkpoint-8", tmp_path / "checkpoint-11")
    (half / "complete").unlink()
    (half / "optimizer.pt").write_bytes((half / "optimizer.pt").read_bytes()[:100])
    assert same(trained(tmp_path), peaceful)


@pytest.mark.parametrize(
    ("change", "odd"),
    [
        ({"schedule": replace(SCHEDULE, rate=1e-3)}, "schedule, settings"),
        ({"train": digits(1, 101)}, "examples"),
        ({"train": replace(digits(0, 100), y=digits(1, 101).y)}, "examples"),
    ],
)
def test_checkpoints_of_another_training_are_refused_and_kept(change, odd, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop(patched, "on_save", 4)
        with pytest.raises(StoppedError):
            trained(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=f"another training: it differs in {odd}"):
        trained(tmp_path, **change)
    assert sorted(tmp_path.rglob("*")) == before


def test_another_network_is_refused(tmp_path, monkeypatch):
    class Other(ToyNet):
        def begin(self, head):
            body = super().begin(head)
            torch.nn.init.zeros_(body.module.fixed.weight)
            return body

    stop(monkeypatch, "on_save", 4)
    with pytest.raises(StoppedError):
        trained(tmp_path)
    with pytest.raises(InputError, match="differs in network"):
        Other(head=DIGIT, schedule=SCHEDULE).train(digits(0, 100), digits(100, 150), tmp_path)


def test_only_what_is_trained_is_kept(tmp_path, monkeypatch):
    stop(monkeypatch, "on_save", 4)
    with pytest.raises(StoppedError):
        trained(tmp_path)
    kept = load_file(tmp_path / "checkpoint-4" / "model.safetensors")
    assert "module.fixed.weight" not in kept
    assert {"module.head.weight", "module.normed.running_mean", "seen"} <= kept.keys()


def test_one_training_in_a_folder(tmp_path):
    with held(tmp_path), pytest.raises(BusyError, match="another run trains in"):
        trained(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_others_is_refused(tmp_path):
    (tmp_path / "checkpoint-7").mkdir()
    (tmp_path / "checkpoint-7" / "mine").write_text("")
    with pytest.raises(InputError, match="but not of which training"):
        trained(tmp_path)
    assert (tmp_path / "checkpoint-7" / "mine").exists()
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        trained(tmp_path)


def test_what_else_lies_there_stays(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    trained(tmp_path, replace(SCHEDULE, epochs=1))
    assert {path.name for path in tmp_path.iterdir()} == {"notes.md", "training.json", "checkpoint-4"}
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_no_checkpoints_yet(tmp_path):
    kept = Checkpoints(tmp_path)
    assert kept.newest() is None
    kept.claim({"a": (1, 2)})
    kept.claim({"a": [1, 2]})
    kept.path(3).mkdir()
    assert kept.newest() is None
    assert not kept.path(3).exists()
