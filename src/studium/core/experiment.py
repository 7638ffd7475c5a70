"""``[experiment.NAME]`` of the study file: which models are compared, at which variables, on which labels."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studium.core import parameters
from studium.errors import ConfigError, InputError

__all__ = ["ExperimentEntry", "experiments"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TEXTS = ("variables", "apart")


@dataclass(frozen=True)
class ExperimentEntry:
    """One ``[experiment.NAME]``.

    Attributes:
        name: of the experiment, and of its folder.
        variables: of the codebook: each is a task.
        models: name -> what it is: ``model`` and its settings, ``on`` or ``of``; or ``fuse`` and ``how``.
        of: kind of the units that are coded; "" for that of the codebook.
        labels: a file, "folders" or "column:NAME", or several of these; "" for the annotations of the study.
        coding: ``combine``, ``ties`` ...: how labels become a target.
        apart: what is never on both sides; none for all that the study knows.
        split: a split from elsewhere, a file; "" for one of its own.
        test: share of the test set.
        folds: into how many the rest is dealt.
        seed: of split and bootstrap; None for that of the study.
        figure: that models are compared by; "" for the usual one.
        draws: of the bootstrap.
        tuning: of models on their validation units.
        learning_curve: whether models are also trained on shares of the units.
        pairs: names of models that are compared; none for all.
        price_per_hour: US dollars for the machine.
    """

    name: str
    variables: tuple[str, ...]
    models: Mapping[str, Mapping[str, Any]]
    of: str = ""
    labels: str | tuple[str, ...] = ""
    coding: Mapping[str, Any] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    split: str = ""
    test: float = 0.2
    folds: int = 3
    seed: int | None = None
    figure: str = ""
    draws: int = 2000
    tuning: Mapping[str, Any] = field(default_factory=dict)
    learning_curve: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    price_per_hour: float | None = None


def experiments(path: Path, raw: Mapping[str, Any]) -> dict[str, ExperimentEntry]:
    """The experiments of a study file, by name.

    Args:
        path: of the file, for messages.
        raw: the table ``experiment``.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    return {name: _entry(f"{path}, [experiment.{name}]", name, table) for name, table in raw.items()}


def _entry(where: str, name: str, table: Any) -> ExperimentEntry:
    if not isinstance(table, Mapping) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{where}: write each experiment under its own  [experiment.NAME]  of letters, digits, - and _"
        )
    if "name" in table:
        raise ConfigError(f"{where}: the name of an experiment stands in its heading; leave out the key name")
    try:
        made = parameters.make(where, ExperimentEntry, {"name": name, **table})
    except InputError as error:
        raise ConfigError(str(error)) from None
    for key in _TEXTS:
        _list_of_texts(f"{where} {key}", getattr(made, key))
    _list_of_texts(f"{where} labels", [made.labels] if isinstance(made.labels, str) else made.labels)
    for key in ("models", "coding", "tuning"):
        if not isinstance(getattr(made, key), Mapping):
            raise ConfigError(f"{where}: {key} should be a table, got {getattr(made, key)!r}")
    if not made.variables or not made.models:
        raise ConfigError(f'{where} needs variables, such as ["protest"], and models under  [experiment.{name}.models]')
    for model, about in made.models.items():
        _model(f"{where} models {model}", model, about)
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in made.pairs):
        raise ConfigError(f'{where}: pairs should be a list of two names each, such as [["words", "both"]]')
    return made


def _model(where: str, name: str, about: Any) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where}: a model is called by letters, digits, - and _")
    if not isinstance(about, Mapping) or ("model" in about) == ("fuse" in about):
        raise ConfigError(
            f'{where}: expected either a model, such as {{ model = "linear", on = {{ image = "embed" }} }}, or a '
            f'fusion, such as {{ fuse = ["words", "looks"] }}; got {about!r}'
        )
    if "fuse" in about:
        _list_of_texts(f"{where} fuse", about["fuse"])
        if unknown := sorted(set(about) - {"fuse", "how"}):
            raise ConfigError(f"{where}: a fusion has the keys fuse and how, not {', '.join(unknown)}")


def _list_of_texts(where: str, value: Any) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ConfigError(f"{where} should be a list of texts, got {value!r}")
