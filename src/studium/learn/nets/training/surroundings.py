"""What training sets for a while, and puts back: random numbers, what transformers says, and accelerate's state."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np

__all__ = ["alone", "seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers of Python, numpy and torch begin at a seed, and go on as before afterwards."""
    import torch

    python, legacy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        try:
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)


@contextmanager
def alone() -> Iterator[None]:
    """Transformers says nothing but errors, and accelerate has no state: each is as it was afterwards."""
    from transformers.utils import logging

    state = import_module("accelerate.state")
    states = (state.AcceleratorState, state.GradientState, state.PartialState)
    level, before = logging.get_verbosity(), [dict(one._shared_state) for one in states]
    logging.set_verbosity(40)  # errors
    try:
        for one in states:
            one._shared_state.clear()
        yield
    finally:
        logging.set_verbosity(level)
        for one, was in zip(states, before, strict=True):
            one._shared_state.clear()
            one._shared_state.update(was)
