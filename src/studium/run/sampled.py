"""The next units for coders: drawn from those that nobody coded, more of what a model is unsure of."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.sample import chances, draw, uncertainty
from studium.core.codebook import Codebook
from studium.core.store import Store, Table
from studium.errors import InputError, UnknownNameError
from studium.learn.folds.splits import Split
from studium.run import apart
from studium.run.coding.opened import exists, opened
from studium.run.coding.sheet import write
from studium.run.coding.taken import held_out, seed_of
from studium.run.estimators import TABLE
from studium.run.features import features
from studium.run.labels import Where, labels_of
from studium.run.predicted import NAME, sources
from studium.run.tables import living, paths, posts
from studium.run.train import place_of, recipe_of

__all__ = ["Next", "Wanted", "sampled"]

_HEAD = (
    *("unit", "path", "text", "value", "weight", "chance", "predicted", "uncertainty"),
    *("design", "floor", "stratum", "frame", "seed", "model"),
)


@dataclass(frozen=True)
class Wanted:
    """Which sample is drawn.

    Attributes:
        by: name of the model that says how unsure it is.
        n: units, at most.
        of: kind of the units; "" for that of those which the model learned from.
        floor: share of the sample that is drawn from all units alike.
        measure: "entropy" or "margin"; see `studium.coding.sample.uncertainty`.
        labels: where there are codes besides those that the model learned from; see `studium.run.labels.labels_of`.
            The annotations of the study count in any case.
        seed: of the draw; None for the study's.
        once: draw near-duplicates once, as far as the study knows them.
    """

    by: str
    n: int = 100
    of: str = ""
    floor: float = 0.3
    measure: str = "entropy"
    labels: Where = None
    seed: int | None = None
    once: bool = True


@dataclass(frozen=True)
class Next:
    """A sample for coders.

    Attributes:
        rows: for each unit ``unit``, ``path``, ``text`` (of posts), ``weight`` (1 / ``chance``), ``chance`` (P(drawn)),
            ``predicted`` and ``uncertainty``; and how it was drawn: ``design``, ``floor``, ``stratum`` (none: ""),
            ``frame`` (units that it was drawn from), ``seed``, and ``model`` with the key of what it was made from.
        among: how many units it was drawn from.
        coded: how many were left out, as they are coded.
    """

    rows: tuple[Mapping[str, Any], ...]
    among: int
    coded: int

    def write(self, path: str | Path) -> None:
        """Write it as a CSV file with an empty column ``value``, which `studium train --labels` reads once it is full.

        Raises:
            InputError: the file is there: it may hold codes.
        """
        write(Path(path), _HEAD, [{**row, "value": ""} for row in self.rows])


def sampled(
    store: Store,
    codebook: Codebook,
    variable: str,
    wanted: Wanted,
    seed: int,
    without: Collection[str] | None = None,
) -> Next:
    """Draw the next units to code; see `studium.coding.sample`.

    Near-duplicates (by the tables of duplicates) are drawn once, and units that are alike by what the model learned
    from are spread.

    Args:
        store: the study.
        codebook: with the variable.
        variable: that the model predicts.
        wanted: which sample.
        seed: the study's.
        without: units that are not drawn; None for those that the study holds out.

    Raises:
        UnknownNameError: no such model, or it predicted nothing yet.
        InputError: a model of numbers, which tells no uncertainty; or no unit is left.
    """
    place = place_of(store.root, wanted.by)
    about = recipe_of(place)
    if about["variable"] != variable:
        raise InputError(f"{wanted.by} predicts {about['variable']}, not {variable}; name a model of {variable}")
    of = wanted.of or about["of"]
    table = _table(store, of, wanted.by)
    rows = living(store, table)
    if f"{variable}_prob" not in rows.column_names:
        raise InputError(f"{variable} is continuous: a model of it tells no uncertainty; draw at random")
    coded = _coded(store, codebook, variable, of, place, wanted.labels)
    apart_ = _kept_apart(store, of) if without is None else {*without}
    rows = rows.filter(np.array([unit not in apart_ for unit in rows["unit"].to_pylist()], np.bool_))
    rows = rows.filter(np.array([unit not in coded for unit in rows["unit"].to_pylist()], np.bool_))
    units = rows["unit"].to_pylist()
    if not units:
        raise InputError(f"all {len(coded)} {of} units that {wanted.by} predicted are coded already")
    p = np.clip(np.array(rows[f"{variable}_prob"].to_pylist(), np.float64), 0, 1)
    unsure = uncertainty(p, codebook[variable].type == "multilabel", wanted.measure)
    chance = chances(unsure, min(wanted.n, len(units)), wanted.floor)
    groups = _groups(store, of, units) if wanted.once else None
    seed = seed if wanted.seed is None else wanted.seed
    drawn = draw(chance, _alike(store, place, of, units), groups, seed_of(seed, len(coded) + len(apart_)))
    where = dict(zip(store.units(of)["id"].to_pylist(), paths(store, of).to_pylist(), strict=True))
    texts = _texts(store) if of == "post" else {}
    said = rows[variable].to_pylist()
    how = {
        "design": f"{wanted.measure} systematic pps",
        "floor": wanted.floor,
        "stratum": "",
        "frame": drawn.frame,
        "seed": seed,
        "model": f"{wanted.by}:{about['key']}",
    }
    made = tuple(
        {
            "unit": units[row],
            "path": where[units[row]] or "",
            "text": texts.get(units[row]) or "",
            "weight": weight,
            "chance": chance_,
            "predicted": said[row],
            "uncertainty": round(float(unsure[row]), 4),
            **how,
        }
        for row, weight, chance_ in zip(drawn.rows.tolist(), drawn.weights.tolist(), drawn.chance.tolist(), strict=True)
    )
    return Next(made, len(units), len(coded))


def _kept_apart(store: Store, of: str) -> set[str]:
    """The units that are held out."""
    if not exists(store.root):
        return set()
    with opened(store.root) as records:
        return held_out(records, of)


def _texts(store: Store) -> dict[str, str | None]:
    table = posts(store)
    return dict(zip(table["unit"].to_pylist(), table["text"].to_pylist(), strict=True))


def _table(store: Store, of: str, name: str) -> Table:
    try:
        return store.find(of, f"{NAME}:{name}")
    except UnknownNameError:
        raise UnknownNameError(
            f"{name} predicted no {of} units yet; begin with  studium predict {name} --of {of}"
        ) from None


def _coded(store: Store, codebook: Codebook, variable: str, of: str, place: Path, labels: Where) -> set[str]:
    """Units that somebody coded: those that the model learned from or was judged by, and others that there are."""
    found = set(Split.load(place / "split.json").units)
    if exists(store.root):
        found |= {row.unit for row in labels_of(store, codebook, variable, of, None)}
    if labels is not None:
        found |= {row.unit for row in labels_of(store, codebook, variable, of, labels) if row.variable == variable}
    return found


def _groups(store: Store, of: str, units: list[str]) -> list[str | None] | None:
    if apart.DUPLICATES not in apart.default(store, of):
        return None
    found = apart.keys(store, of, units, [apart.DUPLICATES])[apart.DUPLICATES]
    return [None if one is None else str(one) for one in found]


def _alike(store: Store, place: Path, of: str, units: list[str]) -> npt.NDArray[np.float64] | None:
    """What a model of tables learned from, in columns of like spread; None of a model of media."""
    if recipe_of(place)["takes"] != TABLE:
        return None
    given = features(store, of, sources(store, place, of))
    X = np.nan_to_num(given.X[given.rows(units)])
    spread = X.std(axis=0)
    return np.asarray((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1))
