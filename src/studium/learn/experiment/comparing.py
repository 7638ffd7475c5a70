"""Comparing models on the same test units: pairs, what several media add, and that in words."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from studium.core.multiple import holm
from studium.learn.evaluate.judges import codes
from studium.learn.evaluate.paired import discordant, mcnemar
from studium.learn.evaluate.summary import LOWER, SAID
from studium.learn.experiment.design import MULTIMODAL, Design
from studium.learn.experiment.judging import Bench, Row
from studium.learn.models.head import CATEGORICAL, ORDINAL

__all__ = ["adjusted", "best", "findings", "gains", "paired_names", "pairs"]

_ADDS = {"text": "the picture", "image": "the text", "audio": "the text or picture"}
"""What a model of several media has, and one of this modality has not."""


def paired_names(design: Design, names: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of models that are compared."""
    return [*design.pairs] or list(combinations(names, 2))


def pairs(bench: Bench) -> list[dict[str, Any]]:
    """The difference of each pair of models, with McNemar's test where units are independent."""
    place = {row.member.name: at for at, row in enumerate(bench.rows)}
    return [_pair(bench, place[first], place[second]) for first, second in paired_names(bench.design, [*place])]


def adjusted(found: Sequence[dict[str, Any]]) -> None:
    """Add Holm's p-values: all pairs of all tasks of the experiment are one family, McNemar's tests another."""
    for one, p in zip(found, holm([one["p"] for one in found]), strict=True):
        one["p_holm"] = p
    tested = [one["mcnemar"] for one in found if one["mcnemar"]]
    for test, p in zip(tested, holm([test["p_mid"] for test in tested]), strict=True):
        test["p_holm"] = p


def best(bench: Bench, modality: str) -> Row | None:
    """The model of a modality with the best figure on the validation units; of equal ones the first."""
    sign = -1 if bench.figure in LOWER else 1
    values = [(row, bench.validation(row)) for row in bench.rows if row.modality == modality]
    defined = [(sign * value, -at, row) for at, (row, value) in enumerate(values) if value is not None]
    return max(defined, key=lambda one: one[:2])[2] if defined else None


def gains(bench: Bench) -> list[dict[str, Any]]:
    """How much better the best model of several media is than the best of each medium alone."""
    both = best(bench, MULTIMODAL)
    found = []
    for modality in _ADDS:
        alone = best(bench, modality)
        if both is None or alone is None:
            continue
        first, second = bench.rows.index(alone), bench.rows.index(both)
        change, relative = bench.main.change(first, second), bench.main.relative(first, second)
        found.append({
            "model": both.member.name,
            "over": alone.member.name,
            "modality": modality,
            "value": change.value,
            "low": change.low,
            "high": change.high,
            "p": bench.main.p(first, second),
            "relative": relative.value,
            "relative_low": relative.low,
            "relative_high": relative.high,
        })  # fmt: skip
    return found


def findings(bench: Bench, chance: float | None) -> list[str]:
    """What the task shows, in sentences."""
    said = [_winner(bench, chance)]
    made = gains(bench)
    said += [_gain(bench, one) for one in made]
    if not made and len({row.modality for row in bench.rows}) > 1:
        said.append(
            "No model of several media stands beside one of a single medium, so nothing is said of what they add."
        )
    return said


def _pair(bench: Bench, first: int, second: int) -> dict[str, Any]:
    change = bench.main.change(first, second)
    test, task = None, bench.ground.task
    if task.head.task in {CATEGORICAL, ORDINAL} and bench.independent:
        truth = codes(task.head, bench.ground.y[bench.test])
        found = mcnemar(*discordant(truth, *(bench.voted(bench.rows[at]) for at in (first, second))))
        test = {"first": found.first, "second": found.second, "p_mid": found.p_mid}
    return {
        "first": bench.rows[first].member.name,
        "second": bench.rows[second].member.name,
        "value": change.value,
        "low": change.low,
        "high": change.high,
        "p": bench.main.p(first, second),
        "reason": change.reason,
        "mcnemar": test,
    }


def _winner(bench: Bench, chance: float | None) -> str:
    sign = -1 if bench.figure in LOWER else 1
    values = [bench.validation(row) for row in bench.rows]
    order = [at for at, value in enumerate(values) if value is not None]
    if not order:
        return f"No model has a {SAID[bench.figure]} on the validation units."
    at = max(order, key=lambda at: sign * (values[at] or 0.0))
    found = bench.main.interval(at)
    constant = "" if chance is None else f"; the best constant answer has {_number(chance)}"
    return (
        f"{bench.rows[at].member.name} is best on the validation units; on the test units its {SAID[bench.figure]} is "
        f"{_number(found.value)}{_range(found.low, found.high)}{constant}."
    )


def _gain(bench: Bench, one: dict[str, Any]) -> str:
    """One gain in words: what is added, by how much, and how sure that is."""
    added, figure, place = _ADDS[one["modality"]], SAID[bench.figure], [row.member.name for row in bench.rows]
    both, alone = (float(bench.main.values[place.index(one[name])]) for name in ("model", "over"))
    groups = len(np.unique(bench.group))
    told = (
        f"{figure} of {one['model']} {_number(both)}, of {one['over']} {_number(alone)}, difference "
        f"{_number(one['value'], '+')}{_range(one['low'], one['high'], '+')}, on {len(bench.test)} test units of "
        f"{groups} groups"
    )
    if one["low"] is None:
        return f"Whether {added} adds anything, these labels cannot tell: {told}."
    if one["low"] <= 0 <= one["high"]:
        return f"{added.capitalize()} adds nothing that these labels can show: {told}."
    better = (one["value"] > 0) != (bench.figure in LOWER)
    return f"{added.capitalize()} adds something: {told}." if better else f"With {added} it is worse: {told}."


def _number(value: float | None, sign: str = "") -> str:
    return "not defined" if value is None or np.isnan(value) else f"{round(value, 2) + 0.0:{sign}.2f}"  # never -0.00


def _range(low: float | None, high: float | None, sign: str = "") -> str:
    return "" if low is None or high is None else f" (95 %: {_number(low, sign)} to {_number(high, sign)})"
