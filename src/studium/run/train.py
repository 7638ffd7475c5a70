"""Training a model on the labels of a study: split, trained, tuned, judged, and written whole or not at all.

A model is a folder, ``models/NAME/``: what `studium.learn.load` reads (``model.json`` and what it names), and::

    recipe.json          all that it was made from; the same recipe is never trained twice, and nothing is overwritten
    split.json           which coded unit was for what (`studium.learn.folds.splits.Split`); fold 0 is for validation
    evaluation.json      how good it is: see `studium.run.evaluated`
    predictions.parquet  what it says of the units of the validation and test parts: see `studium.run.evaluated`
    card.md, card.html   the model card
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core import parameters, parts, weights
from studium.core.codebook import Codebook
from studium.core.recipe import canonical
from studium.core.store import Store
from studium.errors import InputError
from studium.learn.models.card import ModelCard
from studium.learn.models.estimator import Estimator
from studium.learn.models.saved import load
from studium.run import gate
from studium.run.estimators import takes_of
from studium.run.given import Given, Order, given_of
from studium.run.load import DEFAULT, Decoding

__all__ = ["MODELS", "Trained", "place_of", "recipe_of", "train"]

Page = Callable[[ModelCard], str]

MODELS = "models"


@dataclass(frozen=True)
class Trained:
    """A model on disk.

    Attributes:
        folder: where it lies; `studium.learn.load` reads it.
        computed: whether it was trained just now.
    """

    folder: Path
    computed: bool

    @property
    def name(self) -> str:
        """Of the model."""
        return self.folder.name

    def evaluation(self) -> dict[str, Any]:
        """How good it is; see `studium.run.evaluated`."""
        return dict(json.loads((self.folder / "evaluation.json").read_text("utf-8")))


def train(
    store: Store, codebook: Codebook, order: Order, seed: int, page: Page, decoding: Decoding = DEFAULT
) -> Trained:
    """Train a model, unless it is there.

    Args:
        store: the study.
        codebook: with the variable.
        order: what is trained, on what.
        seed: of the split.
        page: makes a page of the model card.
        decoding: what may be decoded.

    Raises:
        InputError: a model of that name was made from something else, or what is asked for does not fit.
        UnknownNameError: no such variable, estimator or table.
    """
    from studium.learn.models.tuned import Tuning
    from studium.learn.trial import trial
    from studium.run.evaluated import told, write

    place = store.root / MODELS / order.called
    given = given_of(store, codebook, order, seed, decoding)
    estimator, tuning = given.estimator(), parameters.make("tuning", Tuning, order.tuning)
    recipe = _recipe(given, estimator, tuning, seed)
    work = place.with_name(f".{order.called}-{recipe['key'][:8]}")
    if place.exists():
        if recipe_of(place)["key"] != recipe["key"]:
            raise InputError(
                f"{place} holds a model that was made from something else (labels, tables, settings ...); name this "
                "one otherwise, or move that one away"
            )
        shutil.rmtree(work, ignore_errors=True)  # of one that was killed when it was done
        if order.card:  # which makes no other model
            _tell(place, told(store, given, load(place), Trained(place, computed=False).evaluation()), page)
        return Trained(place, computed=False)
    work.mkdir(parents=True, exist_ok=True)
    sources = given.tables.tables if given.tables else ()
    gate.mark_folder(work, sources)
    tried = trial(estimator, given.examples, given.rows(), tuning, work / "training")
    whole = work / "whole"
    shutil.rmtree(whole, ignore_errors=True)  # of one that was killed while it wrote
    tried.fitted.save(whole)  # before the rest, which is not the model: the same training gives the same model.json
    given.split.save(whole / "split.json")
    parts.replace_file(whole / "recipe.json", json.dumps(recipe, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    gate.mark_folder(whole, sources)
    _tell(whole, write(store, given, tried, whole), page)
    whole.rename(place)
    shutil.rmtree(work)
    return Trained(place, computed=True)


def _tell(place: Path, card: ModelCard, page: Page) -> None:
    parts.replace_file(place / "card.md", card.markdown())
    parts.replace_file(place / "card.html", page(card))


def place_of(root: Path, name: str) -> Path:
    """The folder of a model of the study.

    Raises:
        InputError: there is none of that name; the message lists what there is.
    """
    place = root / MODELS / name
    if not name or "/" in name or not (place / "recipe.json").exists():
        there = sorted(one.parent.name for one in (root / MODELS).glob("[!.]*/recipe.json"))
        raise InputError(f"no model {name!r} in this study; there are: {', '.join(there) or 'none'}")
    return place


def recipe_of(place: Path) -> dict[str, Any]:
    """All that a model was made from.

    Raises:
        InputError: it cannot be read.
    """
    try:
        found = dict(json.loads((place / "recipe.json").read_text("utf-8")))
        return {**found, "key": found["key"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place} holds no whole model: {error}; move it away, and train it again") from error


def _recipe(given: Given, estimator: Estimator, tuning: Any, seed: int) -> dict[str, Any]:
    """All that decides what a model is, and a key that names it."""
    order, tables = given.order, given.tables
    about: Any = estimator
    settings = {key: value for key, value in dataclasses.asdict(about).items() if key != "head"}
    body = {
        "format": 1,
        "variable": order.variable,
        "of": order.of,
        "model": order.model,
        "takes": takes_of(order.model),
        "settings": json.loads(canonical(settings)),
        "soft": bool(order.coding.get("soft", False)),
        "tuning": json.loads(canonical(tuning)),
        "models": {base: weights.fingerprint(base)} if (base := str(getattr(about, "model", ""))) else {},
        "by": list(order.by),
        "inputs": given.inputs,
        "on": [
            {"kind": table.kind, **json.loads(canonical(dataclasses.asdict(table.recipe)))}
            for table in (tables.tables if tables else ())
        ],
        "names": list(tables.names) if tables else [],
        "given": given.digest(),
        "split": {"seed": seed, "digest": given.split.digest},
        "sensitive": given.target.variable.sensitive,
        "templates": given.templates,
    }
    return {**body, "key": hashlib.sha256(canonical(body).encode()).hexdigest()[:16]}
