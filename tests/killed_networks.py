"""Tiny networks of every kind of the hub, trained for an epoch, killed with SIGKILL, and gone on with.

``python killed_networks.py FOLDER`` trains each in peace and killed, and prints the steps that it was gone on from.
"""

import gc
import json
import os
import signal
import sys
from pathlib import Path

import causal_checkpoints
import checkpoints
import numpy as np
import text_checkpoints
import torch
import vision_language

from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.nets.causal import LanguageModel
from studium.learn.nets.fusion import ClipFusion
from studium.learn.nets.image import ImageNetwork
from studium.learn.nets.net import Schedule
from studium.learn.nets.text import TextNetwork
from studium.learn.nets.training import loop
from studium.learn.nets.vision_language import VisionLanguage
from studium.media.material import Material

KINDS = ("text_network", "clip_fusion", "language_model", "vision_language", "resnet", "vit")
CALL = Head("call", classes=("no", "yes"))
SCHEDULE = Schedule(epochs=1, rate=1e-2, batch=2, seed=3)
KILLED = 4
"""The step that is the last one taken."""


def network(kind, folder):
    """An estimator that begins from a tiny checkpoint with random weights."""
    asked = {"question": "Is there a march?"}
    usual = {"head": CALL, "schedule": SCHEDULE}
    if kind == "text_network":
        return TextNetwork(model=str(text_checkpoints.text_classifier(folder, "bert", ("a", "b"))), **usual)
    if kind == "clip_fusion":
        return ClipFusion(model=str(checkpoints.clip(folder)), freeze=False, **usual)
    if kind == "language_model":
        return LanguageModel(model=str(causal_checkpoints.causal(folder)), **asked, **usual)
    if kind == "vision_language":
        return VisionLanguage(model=str(vision_language.idefics3(folder)), **asked, **usual)
    return ImageNetwork(model=str(getattr(checkpoints, kind)(folder)), **usual)


def examples(takes, n, seed):
    """Units with red or blue pictures and fitting words, in what a network takes."""
    rng = np.random.default_rng(seed)
    red = rng.permutation(np.arange(n) % 2)
    pictures = [rng.integers(0, 90, (32, 32, 3)).astype(np.uint8) for _ in red]
    for picture, one in zip(pictures, red, strict=True):
        picture[..., 0 if one else 2] += 150
    texts = [f"{rng.choice(list('abcd'))} {('cat', 'march')[one]}" for one in red]
    both = [Material(text, pictures=(picture,)) for text, picture in zip(texts, pictures, strict=True)]
    return Examples({"text": texts, "image": pictures, "material": both}[takes], np.array(CALL.classes)[red])


def _apart(work):
    """Do something in a process of its own; the signal that ended it, 0 for none."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def _trained(net, folder, to, killed=False):
    """Train, keep a checkpoint of every step, save; or be killed within a step."""
    loop.SECONDS = 0.0
    takes = net.fitted.takes
    if killed:
        usual = loop._Watch.on_step_end

        def watched(self, args, state, control, **given):
            usual(self, args, state, control, **given)
            if state.global_step == KILLED:
                _dies()

        loop._Watch.on_step_end = watched
    net.train(examples(takes, 12, 0), examples(takes, 4, 1), folder).save(to)


def main(folder):
    """All kinds; prints the whole checkpoints that the kill left of each."""
    torch.set_num_threads(1)
    left = {}
    for kind in KINDS:
        net, place = network(kind, folder / kind / "published"), folder / kind
        gc.freeze()  # what is loaded by now is not searched again by every child
        assert _apart(lambda net=net, place=place: _trained(net, place / "a", place / "peaceful")) == 0
        ended = _apart(lambda net=net, place=place: _trained(net, place / "b", place / "never", killed=True))
        assert ended == signal.SIGKILL, ended
        left[kind] = sorted(int(mark.parent.name.split("-")[1]) for mark in (place / "b").glob("*/complete"))
        assert _apart(lambda net=net, place=place: _trained(net, place / "b", place / "gone on")) == 0
    print(json.dumps(left))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
