"""Model cards: what a model is for, what it was trained on, how good it is for whom, and where it should not be used.

A card says what it was given, and says so where it was given nothing: an empty section is a finding too.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studium.errors import InputError

__all__ = ["Figure", "ModelCard"]

MISSING = "*Not stated.*"
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


@dataclass(frozen=True)
class Figure:
    """One figure of how good a model is.

    Attributes:
        name: as the field calls it: "macro-F1".
        value: None where it is undefined.
        low: lower end of its 95 % interval; None if there is none.
        high: upper end.
        n: units that it was computed on.
        groups: independent groups (videos, accounts) among them; None if each unit is one of its own.
        of: the group of units that it is of ("party: left"), "" for all.
        note: what else a reader has to know: "fewer than 30 negatives".
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    groups: int | None = None
    of: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no figure."""
        numbers = [one for one in (self.value, self.low, self.high) if one is not None]
        if not all(math.isfinite(one) for one in numbers) or (self.low is None) != (self.high is None):
            raise InputError(f"a figure is finite or None, and its interval has two ends or none; got {self}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputError(f"the lower end of an interval is not above the upper one; got {self}")


@dataclass(frozen=True)
class ModelCard:
    """What is said of a model, beside what it knows of itself (`studium.learn.models.estimator.Fitted.card`).

    Attributes:
        name: of the model.
        model: `Fitted.card`.
        use: what it is meant for, and by whom.
        misuse: what it should not be used for.
        data: what it was trained on: source, period, language, licence, how units were drawn.
        coding: who coded, how many coders a unit had, how far they agreed, how labels were made of theirs.
        splits: of each part ("train", "validation", "test"): labels of each class, or {"units": n} of numbers.
        grouping: what kept copies apart: "account, video, near-duplicates".
        figures: how good it is, on data that it has not seen.
        factors: which groups of units were looked at, and why these.
        ethics: privacy, consent, harm.
        limits: caveats and recommendations.
        cite: how to cite it.
        licence: of the model.

    References:
        Mitchell et al. (2019), Model Cards for Model Reporting, doi:10.1145/3287560.3287596.
    """

    name: str
    model: Mapping[str, Any]
    use: str = ""
    misuse: str = ""
    data: str = ""
    coding: str = ""
    splits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    grouping: str = ""
    figures: Sequence[Figure] = ()
    factors: str = ""
    ethics: str = ""
    limits: str = ""
    cite: str = ""
    licence: str = ""

    def markdown(self) -> str:
        """The card as Markdown, in the sections of Mitchell et al.

        Raises:
            InputError: it has no name, or ``model`` is not what `Fitted.card` returns.
        """
        if not self.name.strip():
            raise InputError("a model card needs the name of the model")
        try:
            details, training = self._details(), self._training()
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"model should be what Fitted.card returns; it lacks {error}") from error
        uses = f"**For:** {_said(self.use)}\n\n**Not for:** {_said(self.misuse)}"
        parts = {
            "Model details": details,
            "Intended use": uses,
            "Factors": _said(self.factors),
            "Training data": training,
            "Splits": self._splits(),
            "Metrics": _figures([one for one in self.figures if not one.of], grouped=False),
            "Groups": _figures([one for one in self.figures if one.of], grouped=True),
            "Ethical considerations": _said(self.ethics),
            "Caveats and recommendations": _said(self.limits),
        }
        sections = "\n\n".join(f"## {title}\n\n{body}" for title, body in parts.items())
        return f"# Model card: {_cell(self.name)}\n\n{sections}\n"

    def _details(self) -> str:
        classes = ", ".join(_cell(one) for one in self.model["classes"])
        settings = {
            name: value for name, value in self.model["settings"].items() if name not in {"chosen", "tuning", "of"}
        }
        chosen = [
            ", ".join(f"{_cell(name)} = {_cell(value)}" for name, value in one.items() if name != "losses")
            for one in self.model["settings"].get("chosen", [])
        ]
        rows = [
            ("Kind", _cell(self.model["settings"].get("of", self.model["kind"]))),
            ("Variable", f"{_cell(self.model['variable'])} ({_cell(self.model['task'])})"),
            ("Classes", classes or "none: a number"),
            ("Inputs", _cell(self.model["inputs"]) or MISSING),
            ("Settings", ", ".join(f"{_cell(name)} = {_cell(value)}" for name, value in settings.items()) or MISSING),
            ("Chosen on inner folds", "; ".join(chosen) or "nothing"),
            ("Tuned on validation units", _tuning(self.model["settings"].get("tuning")) or "nothing"),
            ("Licence", _cell(self.licence) or MISSING),
            ("Cite as", _cell(self.cite) or MISSING),
        ]
        return "\n".join(f"- **{name}:** {value}" for name, value in rows)

    def _training(self) -> str:
        about = self.model["training"]
        counts = zip(self.model["classes"], about["per_class"], strict=False)
        rows = [[_cell(one), str(n), _share(n, about["units"])] for one, n in counts]
        told = (
            f"{about['units']} units of {about['groups']} groups; weighted, they are worth {about['effective']:.1f} "
            f"(Kish). Digest: `{about['digest']}`."
        )
        table = [_table(["class", "n", "share"], rows)] if rows else []
        return "\n\n".join([_said(self.data), f"**Coding:** {_said(self.coding)}", told, *table])

    def _splits(self) -> str:
        kept = f"**Kept apart:** {_said(self.grouping)}"
        if not self.splits:
            return f"{MISSING}\n\n{kept}"
        names = list(dict.fromkeys(name for counts in self.splits.values() for name in counts))
        rows = [
            [_cell(part), *(str(counts.get(name, 0)) for name in names), str(sum(counts.values()))]
            for part, counts in self.splits.items()
        ]
        return f"{_table(['part', *map(_cell, names), 'labels'], rows)}\n\n{kept}"


def _tuning(tuning: Mapping[str, Any] | None) -> str:
    """How it was calibrated, and its thresholds."""
    if not tuning:
        return ""
    rows = [f"{tuning['units']} units of {tuning['groups']} groups"]
    for one in tuning["calibrators"]:
        numbers = [
            f"{value:.3f}" if name == one["method"] else f"{name} {value:.3f}"
            for name, value in one.items()
            if isinstance(value, float)
        ]
        rows.append(
            " ".join([f"calibrated by {one['method']}", *numbers]) + (f" ({one['reason']})" * bool(one["reason"]))
        )
    for one in tuning["thresholds"]:
        at = f"from {one['value']:.3f} on" if one["value"] is not None else f"of {one['said_of']} ({one['reason']})"
        rows.append(f"{one['class']} is said {at}, by {tuning['threshold']}")
    return "; ".join(map(_cell, rows))


def _figures(figures: Sequence[Figure], *, grouped: bool) -> str:
    if not figures:
        return MISSING
    rows = [
        [
            *([_cell(one.of)] if grouped else []),
            _cell(one.name),
            "n/a" if one.value is None else f"{one.value:.3f}",
            "n/a" if one.low is None else f"{one.low:.3f} to {one.high:.3f}",
            "n/a" if one.n is None else str(one.n),
            "" if one.groups is None else str(one.groups),
            _cell(one.note),
        ]
        for one in figures
    ]
    return _table([*(["group"] if grouped else []), "figure", "value", "95 % interval", "n", "groups", "note"], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _share(n: int, of: int) -> str:
    return f"{100 * n / of:.1f} %"


def _said(text: str) -> str:
    """Prose as it was written: its author may use Markdown, but no headings of the card's own."""
    lines = [re.sub(r"^(\s{0,3})(#+|[=-]+\s*$)", r"\1\\\2", line) for line in text.strip().splitlines()]
    return "\n".join(lines) or MISSING


def _cell(value: object) -> str:
    """Data as text: on one line, with no marks of Markdown or HTML."""
    return _MARKS.sub(r"\\\1", " ".join(str(value).split()))
