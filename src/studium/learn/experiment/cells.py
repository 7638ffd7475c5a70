"""Cells: one model, one task, one fold. Each is a folder that is written whole or not at all, under all it depends on.

``cells/<task>-<model>-<key>-<fold>/`` holds ``outputs.npz`` (what the model said of the validation and test units) and
``cell.json`` (what it cost, what was chosen). Models are not kept: ``studium train`` trains the one that is wanted.
"""

import dataclasses
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studium.core import weights
from studium.core.parts import replace_file
from studium.core.recipe import canonical
from studium.errors import InputError, StoreError
from studium.learn.evaluate.judges import codes
from studium.learn.experiment.design import Design, Fusion, Ground, Member
from studium.learn.folds.deal import deal, hands
from studium.learn.folds.splits import TEST
from studium.learn.models.estimator import Estimator
from studium.learn.models.head import Head
from studium.learn.nets.net import Net
from studium.learn.trial import Rows, Said

__all__ = ["Cell", "Place", "about", "kept", "place", "read", "sweep", "written"]

_FORMAT = 1
_QUARTERS = 4
_CHECKPOINTS = ".checkpoints"
_LEFTOVER = re.compile(r"\..+-[0-9a-f]{8}\.tmp")


@dataclass(frozen=True, eq=False)
class Cell:
    """What a model said.

    Attributes:
        validation: of the validation units, on which it was tuned.
        test: of the test units.
        facts: ``seconds``, ``memory``, ``tuned``, ``settings`` of the model, ``units`` and ``groups`` that it learned
            from, ``curve`` (of a network; else empty).
    """

    validation: Said
    test: Said
    facts: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Place:
    """A cell that is to be.

    Attributes:
        ground: the task and its units.
        member: the model.
        fold: that is watched.
        share: of the training groups that it learns from.
        rows: units of the ground that are for training, validation and test.
        key: names all that the cell depends on.
        others: of a fusion, the names of its members' cells.
    """

    ground: Ground
    member: Member
    fold: int
    share: float
    rows: Rows
    key: str
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of its folder."""
        less = f"-{round(self.share * 100)}" if self.share < 1 else ""
        return f"{self.ground.task.name}-{self.member.name}-{self.key}-{self.fold}{less}"

    @property
    def said(self) -> str:
        """For messages and progress."""
        less = f", {self.share:.0%} of the groups" if self.share < 1 else ""
        return f"{self.ground.task.name} by {self.member.name}, fold {self.fold}{less}"


def place(
    ground: Ground, member: Member, fold: int, design: Design, others: Sequence[Place] = (), share: float = 1.0
) -> Place:
    """The place of a cell.

    Args:
        ground: the task and its units.
        member: the model.
        fold: that is watched.
        design: of the experiment.
        others: places of the members of a fusion.
        share: of the training groups.
    """
    rows = _rows(ground, fold, share)
    depends: dict[str, Any] = {"format": _FORMAT, "tuning": design.tuning, "on": _digest_of(ground, rows)}
    if isinstance(member, Fusion):
        depends |= {"how": member.how, "of": [[one.member.name, one.key] for one in others]}
    else:
        own = np.array([row for unit in ground.units for row in member.rows[unit]], np.int64)
        counts = [len(member.rows[unit]) for unit in ground.units]
        depends |= {"model": about(member.estimator, ground.task.head), "inputs": member.digest(own)}
        depends |= {"parts": counts if member.parts else []}
    key = hashlib.sha256(canonical(depends).encode()).hexdigest()[:12]
    return Place(ground, member, fold, share, rows, key, tuple(one.name for one in others))


def about(estimator: Estimator, head: Head) -> dict[str, Any]:
    """All that decides what an estimator learns from given examples, as JSON."""
    if not dataclasses.is_dataclass(estimator) or isinstance(estimator, type):
        raise InputError(f"{type(estimator).__name__} must be a frozen dataclass, so that its settings can be recorded")
    fields = {one.name: getattr(estimator, one.name) for one in dataclasses.fields(estimator)}
    fields |= {"head": head, "inputs": ""}
    if isinstance(estimator, Net) and estimator.model:
        fields["weights"] = weights.fingerprint(estimator.model)
    made: dict[str, Any] = json.loads(canonical({"class": type(estimator).__qualname__, **fields}))
    return made


def kept(folder: Path, place: Place, make: Callable[[Path], Cell]) -> tuple[Cell, bool]:
    """The cell, and whether it was made just now.

    Args:
        folder: of all cells.
        place: of this one.
        make: makes it, given a folder for checkpoints that outlives an interruption.
    """
    if (folder / place.name).is_dir():
        return read(folder / place.name, place), False
    checkpoints = folder / _CHECKPOINTS / place.name
    cell = make(checkpoints)
    written(folder / place.name, place, cell)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return read(folder / place.name, place), True


def written(target: Path, place: Place, cell: Cell) -> None:
    """Write a cell whole, or not at all."""
    half = target.with_name(f".{target.name}-{secrets.token_hex(4)}.tmp")
    head = place.ground.task.head
    arrays: dict[str, Any] = {}
    for name, said in (("validation", cell.validation), ("test", cell.test)):
        exclusive = head.classes and np.asarray(said.predicted).ndim == 1
        arrays |= {
            name: said.outputs,
            f"{name}_predicted": codes(head, said.predicted) if exclusive else said.predicted,
        }
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    replace_file(half / "outputs.npz", stream.getvalue())
    replace_file(half / "cell.json", json.dumps(cell.facts, indent=1) + "\n")
    half.rename(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(folder: Path, place: Place) -> Cell:
    """A cell that was written.

    Raises:
        StoreError: it is damaged, or of other units than it says.
    """
    head = place.ground.task.head
    try:
        facts = json.loads((folder / "cell.json").read_bytes())
        with np.load(folder / "outputs.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        said = []
        for name, rows in (("validation", place.rows.validation), ("test", place.rows.test)):
            outputs, predicted = arrays[name], arrays[f"{name}_predicted"]
            if not len(rows) == len(outputs) == len(predicted):
                raise StoreError(f"{folder} is of {len(outputs)} {name} units instead of {len(rows)}; delete it")
            if head.classes and predicted.ndim == 1:
                predicted = np.array(head.classes)[predicted]
            said.append(Said(outputs, predicted))
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise StoreError(f"{folder} is damaged ({error}); delete it, and run the experiment again") from error
    return Cell(said[0], said[1], facts)


def sweep(folder: Path, done: bool = False) -> None:
    """Remove what a killed run left half written; checkpoints too, once no network is to go on from them.

    Args:
        folder: of all cells.
        done: whether every cell is there.
    """
    for leftover in folder.glob(".*.tmp") if folder.is_dir() else ():
        if _LEFTOVER.fullmatch(leftover.name):
            shutil.rmtree(leftover)
    if done:
        shutil.rmtree(folder / _CHECKPOINTS, ignore_errors=True)


def _rows(ground: Ground, fold: int, share: float) -> Rows:
    train = (ground.parts != TEST) & (ground.parts != fold)
    if share < 1:
        train &= np.isin(ground.groups, _drawn(ground, train, share))
    parts = (train, ground.parts == fold, ground.parts == TEST)
    return Rows(*(np.flatnonzero(part) for part in parts))


def _drawn(ground: Ground, train: Any, share: float) -> list[str]:
    """Some of the training groups, like the whole in their strata; those of a smaller share are among them."""
    stratum = dict(zip(ground.split.units, ground.split.strata, strict=True))
    which = np.flatnonzero(train).tolist()
    given = hands([ground.groups[at] for at in which], [stratum[ground.units[at]] for at in which])
    dealt = deal(given, _QUARTERS, f"{ground.split.seed} share")
    return [group for group, quarter in dealt.items() if quarter < share * _QUARTERS]


def _digest_of(ground: Ground, rows: Rows) -> dict[str, Any]:
    """Names the labels, and what each unit is for."""
    role = np.zeros(len(ground.units), np.int64)
    for number, which in enumerate((rows.train, rows.validation, rows.test), start=1):
        role[which] = number
    heavy = [] if ground.weights is None else ground.weights.tolist()
    columns = {"units": ground.units, "y": ground.y.tolist(), "weights": heavy, "groups": ground.groups}
    columns |= {"roles": role.tolist()}
    columns |= {"soft": ground.taught.tolist()} if ground.task.soft is not None else {}
    digest: dict[str, Any] = {name: hashlib.sha256(canonical(of).encode()).hexdigest() for name, of in columns.items()}
    return digest | {"head": ground.task.head}
