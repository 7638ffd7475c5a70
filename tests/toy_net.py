"""A tiny network that is trained for real, on 8 x 8 pictures of digits: for tests of the training loop.

``python toy_net.py FOLDER SEED`` trains twice: in peace, and killed with SIGKILL again and again at drawn moments.
"""

import gc
import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits

from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.nets.net import FittedNet, Net, Schedule
from studium.learn.nets.objective import outputs_of
from studium.learn.nets.training import loop


class Small(torch.nn.Module):
    """One convolution, normalised over the batch, with dropout; ``fixed`` is not trained."""

    def __init__(self, outputs):
        super().__init__()
        self.fixed = torch.nn.Conv2d(1, 1, 1, bias=False)
        torch.nn.init.ones_(self.fixed.weight)
        self.fixed.requires_grad_(False)
        self.convolved = torch.nn.Conv2d(1, 16, 3, padding=1)
        self.normed = torch.nn.BatchNorm2d(16)
        self.dropped = torch.nn.Dropout(0.2)
        self.head = torch.nn.Linear(16 * 16, outputs)

    def forward(self, pixels):
        x = self.normed(self.convolved(self.fixed(pixels))).relu()
        return self.head(self.dropped(torch.nn.functional.max_pool2d(x, 2).flatten(1)))


@dataclass
class ToyBody:
    """Pictures 8 x 8 of 0 to 16; for training moved by up to one pixel sideways."""

    module: Small

    def encode(self, item, rng):
        """The picture, 1 x 8 x 8."""
        pixels = np.asarray(item, np.float32) / 16
        if pixels.shape != (8, 8):
            raise ValueError(f"pictures are 8 x 8, got {pixels.shape}")
        return {"pixels": (pixels if rng is None else np.roll(pixels, rng.integers(-1, 2), axis=1))[None]}

    def collate(self, encoded):
        """A batch."""
        return {"pixels": torch.from_numpy(np.stack([one["pixels"] for one in encoded]))}

    def write(self, folder):
        """The weights."""
        save_file(self.module.state_dict(), folder / "weights.safetensors")


@dataclass(frozen=True)
class FittedToy(FittedNet):
    """A trained `ToyNet`."""

    kind = "toy"
    takes = "image"

    @classmethod
    def restored(cls, head, preprocessing, folder):
        """As `FittedNet.restored`."""
        del preprocessing
        module = Small(outputs_of(head))
        module.load_state_dict(load_file(folder / "weights.safetensors"))
        return ToyBody(module.eval())


@dataclass(frozen=True, kw_only=True)
class ToyNet(Net):
    """The estimator; ``given`` is a module to begin from, in place of a new one."""

    kind = "toy"
    takes = "image"
    fitted = FittedToy
    given = None

    def begin(self, head):
        """As `Net.begin`."""
        return ToyBody(self.given or Small(outputs_of(head)))


@cache
def _digits():
    return load_digits(return_X_y=True)


def digits(first, last):
    """Some digits with their labels."""
    pictures, labels = _digits()
    return Examples(list(pictures[first:last].reshape(-1, 8, 8)), labels[first:last].tolist())


def learned(folder):
    """Train for three short epochs, and keep a checkpoint of every step."""
    torch.set_num_threads(1)
    loop.SECONDS = 0.0
    schedule = Schedule(epochs=3, rate=3e-3, batch=8, accumulate=2, seed=5)
    net = ToyNet(head=Head("digit", classes=tuple(range(10))), schedule=schedule)
    return net.train(digits(0, 150), digits(150, 220), folder)


def _steps(folder):
    """Of whole checkpoints."""
    return sorted(int(mark.parent.name.removeprefix("checkpoint-")) for mark in folder.glob("checkpoint-*/complete"))


def _killed(folder, saved, steps, after):
    """Train in a process of its own, which is killed some seconds after some steps; whether it was done before."""
    child, ends = os.fork(), None
    if not child:
        learned(folder).save(saved)
        os._exit(0)
    goal = max(_steps(folder), default=0) + steps
    while ends is None or time.monotonic() < ends:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        if ends is None and max(_steps(folder), default=0) >= goal:
            ends = time.monotonic() + after
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main(folder, seed):
    """Train in peace, then with interruptions; print the whole checkpoints that each one left, and the last model."""
    _digits()
    gc.freeze()  # what is loaded by now is not searched again by every child
    drawn, left = random.Random(seed), []
    assert _killed(folder / "a", folder / "peaceful", 1000, 0)
    while not _killed(
        folder / "b", saved := folder / f"after-{len(left)}", drawn.randint(1, 9), drawn.uniform(0, 0.05)
    ):
        left.append(_steps(folder / "b"))
    print(json.dumps({"left": left, "saved": saved.name}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
