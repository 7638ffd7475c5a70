"""Classes of texts, by any text classifier from the hub."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError
from studium.measure import encoder_models
from studium.measure.per_item import collect
from studium.measure.text_classifier import PROBLEMS, TextReading, described, text_classifier

__all__ = ["ClassifyText", "check_model", "read", "read_columns", "share", "snake"]


@dataclass(frozen=True)
class ClassifyText(Measure):
    """Which of its labels a text classifier gives a text, and the probability of each.

    For any checkpoint for sequence classification: stance, topic, emotion, hate, your own fine-tuned one. The columns
    begin with ``variable``: the most probable label, its probability, one probability for each label. What the
    probabilities are, the checkpoint says (``problem_type``): of one label each text has (softmax, they sum to 1), of
    labels that each apply or do not (sigmoid; then the most probable label may be improbable, so use those of the
    labels), or plain numbers (regression; then there is no label). They are no calibrated probabilities, and they hold
    for texts like those that the checkpoint was trained on: code a sample by hand first.

    The model reads the beginning of a text, mostly 512 word pieces; ``truncated`` says where the rest was not read. An
    empty text gets values too (``tokens`` is 2 or fewer then): leave such texts out.

    Args:
        model: an id of `models`, ``owner/name@commit`` of a hub repository, or the path of a folder, with a checkpoint
            of transformers for sequence classification in safetensors (extra torch), or with ``model.onnx``,
            ``tokenizer.json`` and ``config.json`` as Optimum exports them (extra images), which go first.
        variable: lower snake case; begins the names of the columns.
        labels: names of the outputs in their order, for checkpoints that name none (``LABEL_0``), or whose names make
            no columns.
        problem_type: "single_label_classification", "multi_label_classification" or "regression", for checkpoints that
            do not say it; empty for what the checkpoint says.
    """

    model: str
    variable: str = "text_class"
    labels: tuple[str, ...] = ()
    problem_type: str = ""

    name: ClassVar[str] = "classify_text"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        """Refuse unknown models and names that make no columns."""
        check_model(self)
        object.__setattr__(self, "labels", tuple(self.labels))
        if not (isinstance(self.variable, str) and re.fullmatch("[a-z][a-z0-9_]*", self.variable)):
            raise InputError(f"variable should be lower snake case, such as 'stance', got {self.variable!r}")
        if self.problem_type not in ("", *PROBLEMS):
            raise InputError(f"problem_type should be one of {', '.join(PROBLEMS)}, got {self.problem_type!r}")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The most probable label and its probability, or a number; each label; how much was read.

        Raises:
            WeightsError: the model is not on this machine, so that its labels are not known.
            InputError: its labels make no columns; the message says what to give.
        """
        names, problem = self._described()
        columns = (*self._values(names, problem), *read_columns(f"{self.variable}_"))
        if len({column.name for column in columns}) < len(columns) or not all(map(snake, names)):
            raise InputError(
                f"classify_text: the labels of {self.model} make no columns of their own: {', '.join(names)}; give "
                "labels, other names in the same order"
            )
        return columns

    @property
    def models(self) -> tuple[str, ...]:
        """The one it loads."""
        return (self.model,)

    @property
    def at_once(self) -> int:
        """Many on an accelerator."""
        return encoder_models.at_once(self.model)

    def prepare(self) -> None:
        """Load the model, and refuse what does not fit it.

        Raises:
            InputError: ``labels`` names more or fewer outputs than it has.
        """
        names, found = self._described()[0], text_classifier(self.model, self.problem_type)
        if len(found.labels) != len(names):
            raise InputError(
                f"classify_text: {self.model} has {len(found.labels)} outputs, got labels for {len(names)}"
            )

    def __call__(self, batch: Sequence[str]) -> Mapping[str, Any]:
        """Classify texts."""
        self.prepare()
        names, problem = self._described()
        found = text_classifier(self.model, self.problem_type)(batch)
        return collect(self.columns, [self._row(names, problem, reading) for reading in found])

    def _described(self) -> tuple[tuple[str, ...], str]:
        """Names of the outputs, and what they are."""
        if self.labels and self.problem_type:
            return self.labels, self.problem_type
        names, problem = described(self.model, self.problem_type)
        if not self.labels and len(names) > 1 and all(re.fullmatch(r"LABEL_\d+", name) for name in names):
            raise InputError(
                f"classify_text: {self.model} names no labels ({', '.join(names)}); give labels, their names in this "
                "order, from where the model is described"
            )
        return self.labels or names, problem

    def _values(self, names: tuple[str, ...], problem: str) -> list[Column]:
        start = self.variable
        if problem == "regression":
            ends = [""] if len(names) == 1 else [f"_{snake(name)}" for name in names]
            return [Column(f"{start}{end}", "float32", name) for end, name in zip(ends, names, strict=True)]
        return [
            Column(start, "string", f"most probable of {', '.join(names)}"),
            Column(f"{start}_probability", "float32", "its probability", "share", 0, 1),
            *(share(f"{start}_{snake(name)}", f"probability of {name!r}") for name in names),
        ]

    def _row(self, names: tuple[str, ...], problem: str, reading: TextReading) -> dict[str, Any]:
        best, said = int(reading.values.argmax()), reading.values.tolist()
        first: list[Any] = [] if problem == "regression" else [names[best], said[best]]
        columns = [column.name for column in self._values(names, problem)]
        return {**dict(zip(columns, first + said, strict=True)), **read(f"{self.variable}_", reading)}


def snake(label: str) -> str:
    """A label as part of the name of a column: lower case, ASCII letters and digits, "_" between them; may be empty."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "_", plain.lower()).strip("_")


def share(name: str, about: str, source: str = "") -> Column:
    """The column of a probability."""
    return Column(name, "float32", about, "share", 0, 1, source=source)


def read_columns(start: str) -> tuple[Column, Column]:
    """How much of a text was read; their names begin with ``start``."""
    about = "the text is longer than what the model reads: its end was not read"
    return (
        Column(
            f"{start}tokens", "int32", "word pieces of the whole text, with its start and end marks", "word pieces", 0
        ),
        Column(f"{start}truncated", "bool", about),
    )


def read(start: str, reading: TextReading) -> dict[str, Any]:
    """The values of `read_columns`."""
    return {f"{start}tokens": reading.tokens, f"{start}truncated": reading.truncated}


def check_model(measure: Any) -> None:
    """Refuse a ``model`` that is none of transformers."""
    if weights.get(measure.model).bundle is None:
        raise InputError(f"{measure.name}: {measure.model} is no checkpoint of transformers that classifies texts")
