"""What a model is judged on: a share of the coded units, or a sample of the study that was drawn for it."""

import logging
from dataclasses import replace

import numpy as np

from studium.core.records.samples import Sample
from studium.core.store import Store
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.folds.groups import Keys, joined
from studium.learn.folds.splits import Split, Splits
from studium.learn.labels.targets import Target
from studium.run import apart
from studium.run.coding.opened import exists, opened
from studium.run.coding.taken import HOLDOUT, held_out

__all__ = ["split_of"]

log = logging.getLogger(__name__)

_ALIKE = 1e-9  # probabilities that differ by less are equal
LEFT = "hang together with a unit of the test sample"
"""Why a unit is neither learned from nor tested."""


def split_of(
    store: Store, target: Target, names: tuple[str, ...] | None, sample: str, how: Splits
) -> tuple[Target, Split]:
    """The split of coded units, and those that take part in it.

    Args:
        store: the study.
        target: the coded units.
        names: of what is never in two parts; None for all that the study knows.
        sample: whose units are the test part, weighted by 1 / P(drawn); "" for a share of the units.
        how: share, folds and seed.

    Raises:
        UnknownNameError: no such sample.
        InputError: units that cannot be split, or a sample that no model can be judged on.
    """
    drawn = _sample(store, target.variable.of, sample) if sample else None
    keys: Keys = apart.keys(store, target.variable.of, target.units, names)
    strata = target.strata()
    try:
        if drawn is None:
            found = how(target.units, strata, keys)
        else:
            found = how.around(target.units, strata, keys, [one.unit for one in drawn.units])
    except InputError as error:
        if names is None and len({*joined(target.units, keys)}) < len(target.units):
            raise InputError(
                f"{error} (kept apart by all that the study knows, {', '.join(keys)}; --apart, in Python apart, names "
                "less)"
            ) from error
        raise
    if drawn is None:
        _tell_held(store, target)
        return target, found
    return _judged(target, found, drawn)


def _judged(target: Target, split: Split, drawn: Sample) -> tuple[Target, Split]:
    """The units of the split, those of the test part with their weights."""
    chance = {one.unit: one.chance for one in drawn.units}
    kept = target.take(np.flatnonzero(np.isin(target.units, split.units)).tolist(), LEFT)
    testing = split.testing(kept.units)
    weights = np.where(testing, [1 / chance.get(unit, 1) for unit in kept.units], kept.weights)
    told = (_said(drawn, 1 / weights[testing]), *split.told)
    return replace(kept, weights=weights), replace(split, told=told)


def _tell_held(store: Store, target: Target) -> None:
    """Warn if units that were held out are learned from."""
    if not exists(store.root):
        return
    of, coded = target.variable.of, {*target.units}
    with opened(store.root) as records:
        if held := held_out(records, of) & coded:
            names = [one.name for one in records.samples.all() if one.of == of and one.design["design"] == HOLDOUT]
            log.warning(
                "%d of the units were held out to judge models, and most of them are learned from; judge by  "
                "--test-sample %s",
                *(len(held), names[0]),
            )


def _said(drawn: Sample, chance: Floats) -> str:
    design = drawn.design["design"]
    said = f"the test part is the sample {drawn.name} ({design}): {len(chance)} of its {len(drawn.units)} units"
    low, high = float(chance.min()), float(chance.max())
    if high - low > _ALIKE * high:
        said += f", weighted by 1 / P(drawn), which is from {low:.3g} to {high:.3g}"
    return said


def _sample(store: Store, of: str, name: str) -> Sample:
    if not exists(store.root):
        raise InputError(f"this study has no sample {name!r}; draw one with  studium sample")
    with opened(store.root) as records:
        found = records.samples.get(name)
    if found.of != of or found.pairs:
        what = f"pairs of {found.of}" if found.pairs else found.of
        raise InputError(f"the sample {name!r} is of {what} units, and the variable is of {of} units; name another")
    if found.design["design"] == "purposive":
        raise InputError(
            f"the units of {name!r} were chosen, not drawn: no P(drawn) is known, so figures of them would tell of "
            "nothing else; draw a sample with  studium sample --design holdout, or label its units and leave the test "
            "part to --test"
        )
    return found
