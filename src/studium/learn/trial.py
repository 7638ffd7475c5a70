"""One trial of a model: trained on one part of the units, tuned on another, and asked about a third."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from studium.learn.evaluate.checks import Floats, Ints
from studium.learn.models.decision import Decision
from studium.learn.models.estimator import Estimator, Fitted
from studium.learn.models.examples import Examples
from studium.learn.models.tuned import Tuning, tune
from studium.learn.nets.net import Net

__all__ = ["Rows", "Said", "Trial", "Untuned", "trained", "trial"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Which examples are for what; no group should be in two of them.

    Attributes:
        train: (n,) numbers of rows that a model learns from.
        validation: that a network is stopped by, and that calibration and thresholds are fitted on.
        test: that are only predicted.
    """

    train: Ints
    validation: Ints
    test: Ints


@dataclass(frozen=True, eq=False)
class Said:
    """What a model says of some units.

    Attributes:
        outputs: (n, k) probabilities, or (n, 1) values of a continuous target.
        predicted: (n,) classes, (n, k) whether each applies, or (n,) values.
    """

    outputs: Floats
    predicted: npt.NDArray[Any]

    @classmethod
    def by(cls, decision: Decision, outputs: Floats) -> "Said":
        """What is said of units by what was tuned, of a model's outputs."""
        return cls(decision.outputs(outputs), decision.predict(outputs))


@dataclass(frozen=True, eq=False)
class Untuned:
    """A trained model and what it says, before anything is tuned.

    Attributes:
        fitted: the model.
        validation: its outputs.
        test: its outputs.
        seconds: that training ("train") and saying ("predict") took.
        memory: bytes that the process held at most meanwhile; None where the system does not tell.
    """

    fitted: Fitted
    validation: Floats
    test: Floats
    seconds: Mapping[str, float]
    memory: int | None


@dataclass(frozen=True, eq=False)
class Trial:
    """A trained and tuned model, and what it says.

    Attributes:
        fitted: the tuned model (`studium.learn.models.tuned.Tuned`).
        validation: of the units that it was tuned on: too good to be reported.
        test: of the test units.
        seconds: as of `Untuned`.
        memory: as of `Untuned`.
    """

    fitted: Fitted
    validation: Said
    test: Said
    seconds: Mapping[str, float]
    memory: int | None


def trial(estimator: Estimator, examples: Examples, rows: Rows, tuning: Tuning, folder: Path | None = None) -> Trial:
    """Train, tune and ask.

    Args:
        estimator: what is trained; its head has its classes.
        examples: all units.
        rows: which are for what.
        tuning: what is tuned on the validation units.
        folder: where a network keeps checkpoints, to go on after an interruption; None: it keeps none.

    Raises:
        InputError: labels that do not fit, or too few.
    """
    made = trained(estimator, examples, rows, folder)
    part = examples.take(rows.validation)
    tuned = tune(made.fitted, made.validation, part.y, part.weights, part.groups, tuning)
    validation, test = (Said.by(tuned.decision, outputs) for outputs in (made.validation, made.test))
    return Trial(tuned, validation, test, made.seconds, made.memory)


def trained(estimator: Estimator, examples: Examples, rows: Rows, folder: Path | None = None) -> Untuned:
    """Train, and ask; arguments as `trial`."""
    train, validation, test = (examples.take(which) for which in (rows.train, rows.validation, rows.test))
    _forget_peak()
    begun = time.perf_counter()
    if isinstance(estimator, Net):
        fitted: Fitted = estimator.train(train, validation, folder)
    else:
        fitted = estimator.fit(train.X, train.y, train.weights, train.groups)
    learned = time.perf_counter()
    first, second = (fitted.outputs(part.X) for part in (validation, test))
    seconds = {"train": learned - begun, "predict": time.perf_counter() - learned}
    return Untuned(fitted, first, second, seconds, _peak())


def _forget_peak() -> None:
    """Begin to count the most memory anew (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int | None:
    """Bytes that the process held at most since then."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
