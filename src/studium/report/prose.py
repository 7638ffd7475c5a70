"""Sentences of a methods section."""

from collections.abc import Mapping, Sequence
from typing import Any

from studium.core.store import Table
from studium.report.duplicates import scale
from studium.report.ledger import Ledger, TableLog
from studium.report.reading import Reading
from studium.report.references import ModelUse
from studium.report.text import count, noun, percent, plural

__all__ = ["material", "measured", "modelled", "result", "software"]

_SHOWN_PACKAGES = ("numpy", "pillow", "pi-heif", "opencv-python-headless", "onnxruntime", "scikit-learn", "tokenizers")
_LONG = 160
"""Characters of a parameter that the prose spells out; a longer one (a list of prompts) stands in the manifest."""


def material(reading: Reading, found: Ledger) -> str:
    """What is studied, and where it comes from."""
    if not found.kinds:
        return "The study holds no units yet."
    units = _listed([noun(k.units, k.name) for k in found.kinds])
    parts = [f"The study holds {units}."]
    if found.sources:
        named = [f"{s.name} ({', '.join(v for k, v in s.params if k == 'path')})" for s in found.sources]
        lost = sum(s.lost for s in found.sources)
        parts.append(f"They come from {noun(len(named), 'source')}: {_listed(named)}.")
        parts.append(f"Of what they name, {count(lost)} could not be used." if lost else "")
    copies = sum(k.copies for k in found.kinds)
    once = f"; files with the same bytes count once ({count(copies)} of the files found)" if copies else ""
    parts.append(f"Files are identified by the SHA-256 of their bytes{once}.")
    return " ".join(p for p in parts if p)


def measured(kind: str, measured: Sequence[tuple[Table, list[int], TableLog]]) -> str:
    """Which measures were computed for every unit of a kind."""
    said = []
    for table, numbers, log in measured:
        short = f" for {count(log.rows)} of {count(log.units)}" if log.rows != log.units else ""
        said.append(f"{_recipe(table)}{short}{_marks(numbers)}")
    return f"For every {kind}, studium computed {_listed(said)}."


def _recipe(table: Table) -> str:
    """``colour (version 1; longest = 512)``."""
    return f"{table.recipe.name} ({'; '.join([f'version {table.recipe.version}', *_settings(table.recipe.params)])})"


def _settings(params: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in params.items():
        if name == "by":  # said in the sentence
            continue
        said = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
        if value not in (None, "", []):
            found.append(f"{name} = {said}" if len(said) <= _LONG else f"{name}: see the manifest")
    return found


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def modelled(model: ModelUse) -> str:
    """A model, its licence and who used it."""
    what = f"{model.task}; licence of the weights: {model.licence}; " if model.task else ""
    return (
        f"The model {model.id} ({what}fingerprint {model.fingerprint}){_marks(model.numbers)} was used by "
        f"{_listed(model.used_by)}."
    )


def result(reading: Reading, table: Table, numbers: Sequence[int]) -> str:
    """How units were clustered, compared or laid out, and what came of it."""
    result, params = table.result(), "; ".join([f"version {table.recipe.version}", *_settings(table.recipe.params)])
    units = plural(table.kind).capitalize()
    by = f"by {result.get('by', 'their vectors')}"
    if table.recipe.name == "cluster":
        clusters = result.get("clusters", [])
        rounds = len({c["round"] for c in clusters})
        share = result.get("unassigned", 0)
        return (
            f"{units} were clustered {by} with iterative k-means on silhouettes ({params}){_marks(numbers)}: "
            f"{noun(len(clusters), 'cluster')} in {noun(rounds, 'round')}; {percent(round(share * 10**6), 10**6)} of "
            f"the units belong to no cluster."
        )
    if table.recipe.name == "duplicates":
        limit, found = scale(reading, table)[1], noun(int(result.get("groups", 0)), "group")
        pairs = f", pairs {limit}" if limit else ""
        said = f"Near-duplicates among the {units.lower()} were searched {by}{pairs} ({params})"
        return f"{said}{_marks(numbers)}: {found}."
    method = result.get("method", "a projection")
    return f"{units} were laid out on a plane {by} with {method} ({params}){_marks(numbers)}."


def software(reading: Reading) -> str:
    """Versions, machine and seed."""
    run, machine = reading.run, reading.run.get("machine", {})
    if not run:
        return ""
    packages = run.get("packages", {})
    shown = [f"{name} {packages[name]}" for name in _SHOWN_PACKAGES if name in packages]
    return (
        f"Computed with studium {packages.get('studium', '')} on Python {machine.get('python', '')}"
        f"{' with ' if shown else ''}{_listed(shown)}, on {machine.get('system', '')}, {machine.get('processor', '')}, "
        f"{noun(int(machine.get('cores') or 0), 'core')}. Everything random starts from the seed {run.get('seed', 0)}."
    )


def _marks(numbers: Sequence[int]) -> str:
    """Numbers of references, as `` [1–3, 7]``."""
    runs: list[list[int]] = []
    for n in sorted(set(numbers)):
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    said = [str(r[0]) if len(r) == 1 else f"{r[0]}{'–' if len(r) > 2 else ', '}{r[-1]}" for r in runs]
    return f" [{', '.join(said)}]" if said else ""


def _listed(items: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
