"""A small experiment on arrays, in which only both media together tell the label.

``python experimenting.py FOLDER CELLS`` runs it, and kills itself with SIGKILL once so many cells are done.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from studium.learn.experiment.design import Design, Fusion, Model, Task
from studium.learn.experiment.run import Experiment
from studium.learn.models.head import Head
from studium.learn.models.linear import LinearProbe

__all__ = ["UNITS", "N", "experiment", "members", "task"]

N = 240
UNITS = tuple(f"u{number:03}" for number in range(N))
_RNG = np.random.default_rng(0)
_SAID, _SHOWN = _RNG.integers(0, 2, N), _RNG.integers(0, 2, N)
_WORDS = np.c_[_SAID + _RNG.normal(0, 0.2, N), _RNG.normal(size=N)]
_LOOKS = np.c_[_SHOWN + _RNG.normal(0, 0.2, N), _RNG.normal(size=N)]
_BOTH = np.c_[_WORDS, _LOOKS, _WORDS[:, :1] * _LOOKS[:, :1]]


def task(**more):
    """Irony: a text that contradicts its picture; posts of one account are kept together, in pairs."""
    y = np.where(_SAID ^ _SHOWN, "yes", "no")
    given = {"units": UNITS, "y": y, "strata": tuple(y), "keys": {"account": [number // 2 for number in range(N)]}}
    return Task(Head("irony", "categorical", ("no", "yes")), **(given | more))


def members(C=None):
    """A model of words, one of pictures, one of both, and the mean of the first two; ``C`` is of pictures."""
    return [
        Model("words", LinearProbe(C=1.0), _WORDS, UNITS, "text", "linear"),
        Model("looks", LinearProbe(C=C or 1.0), _LOOKS, UNITS, "image", "linear"),
        Model("both", LinearProbe(C=1.0), _BOTH, UNITS, "multimodal", "linear"),
        Fusion("late", ("words", "looks")),
    ]


def experiment(of=None, tasks=None, **design):
    """The experiment; few draws, for there are many tests."""
    made = Design(**({"draws": 200} | design))
    return Experiment("irony", [task()] if tasks is None else tasks, members() if of is None else of, made, "post")


def main(folder, cells):
    """Run it until so many cells are done."""

    def told(done, _):
        if done == cells:
            os.kill(os.getpid(), signal.SIGKILL)

    experiment()(folder, told)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
