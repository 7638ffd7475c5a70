"""From names to parts: what a call, or a step of the study file, asks for."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studium.core import registry
from studium.core.codebook import Codebook
from studium.core.config import Step
from studium.core.protocols import Measure, Unitizer
from studium.core.variable import Variable
from studium.errors import InputError, RefusedError
from studium.run.plan import Part

__all__ = ["PASSES", "fused", "gate", "gate_all", "named", "parts_of"]

PASSES: Mapping[str, tuple[str, type[Part]]] = {"measure": ("measures", Measure), "split": ("unitizers", Unitizer)}
"""Verbs that go over the media: the group in which their parts are registered, and what these are."""


def named(
    verb: str, names: Sequence[Any], params: Mapping[str, Any], root: Path, codebook: Callable[[], Codebook]
) -> list[Part]:
    """The parts that a call names: by their names, or instances as they are.

    Args:
        verb: one of `PASSES`.
        names: of parts, or instances.
        params: of the part, if one is named.
        root: the study folder, which relative paths among the parameters start from.
        codebook: opens the codebook.

    Raises:
        InputError: none is named, or there are parameters that fit no part, or several.
    """
    group, kind = PASSES[verb]
    if not names:
        raise InputError(f"name at least one {group[:-1]}")
    if params and any(isinstance(name, kind) for name in names):
        raise InputError(f"an instance has its parameters already; leave out {', '.join(params)}")
    if params and len(names) > 1:
        raise InputError(f"parameters ({', '.join(params)}) fit one {group[:-1]}, got {len(names)}; call once for each")
    return [name if isinstance(name, kind) else _made(group, name, params, root, codebook) for name in names]


def parts_of(steps: Sequence[Step], root: Path, codebook: Callable[[], Codebook]) -> list[Part]:
    """The parts of steps that share a pass."""
    return [part for step in steps for part in named(step.verb, step.what, step.params, root, codebook)]


def fused(steps: Sequence[Step]) -> list[list[Step]]:
    """Neighbouring measures and splits of the same kind become one pass over the media."""
    groups: list[list[Step]] = []
    for step in steps:
        last = groups[-1][-1] if groups else None
        if last and {step.verb, last.verb} <= PASSES.keys() and step.of == last.of:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def gate_all(steps: Sequence[Step], root: Path, codebook: Callable[[], Codebook], allow_remote: bool) -> None:
    """Ask of every step of a study file, before the first one is taken, whether it may send data elsewhere."""
    for step in steps:
        if step.verb in PASSES:
            for part in parts_of([step], root, codebook):
                gate(part, allow_remote)


def gate(part: Part, allow_remote: bool) -> None:
    """Refuse to send data elsewhere unbidden. What tells persons apart is asked for at `studium.run.gate`.

    Args:
        part: what is to be done.
        allow_remote: whether the user allowed it to send data to other machines.

    Raises:
        RefusedError: the part would send data to another machine, and nobody allowed it.
    """
    if part.remote and not allow_remote:
        raise RefusedError(
            f"{part.name} would send data to another machine. What, where to and at what price, says  studium remote "
            f"estimate {part.name} --of ...  and sends nothing; then allow it with  --allow-remote, or in Python "
            "with Corpus(..., allow_remote=True)"
        )


def _made(group: str, name: str, params: Mapping[str, Any], root: Path, codebook: Callable[[], Codebook]) -> Part:
    """A registered part. What its ``variable`` or ``variables`` are, the codebook says."""
    kind = registry.load(group, name)
    if "variables" in params or ("variable" in params and "variables" in getattr(kind, "__dataclass_fields__", {})):
        params = _asked(params, codebook())
    elif "variable" in params and "values" not in params:
        params = {**_described(codebook()[params["variable"]], params), **params}
    paths = {key: str(root / params[key]) for key in kind.paths if params.get(key)}
    made: Part = registry.make(group, name, {**params, **paths})
    return made


def _described(variable: Variable, params: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a variable and what describes them, as `zero_shot` takes them.

    Raises:
        InputError: it offers "none of these", and the parameters do not say what that looks like.
    """
    if variable.none_of_these and "none_of_these" not in params:
        raise InputError(
            f"variable {variable.name!r} offers none_of_these, and prompts must describe it: add, for instance, "
            'none_of_these = ["a blurry photo", "a photo of a wall"]; or none_of_these = [] to have the closest of the '
            "other values in any case"
        )
    values = tuple(value.name for value in variable.values)
    several = {"multilabel": True} if variable.type == "multilabel" else {}
    return {"values": values, "prompts": variable.prompts(), **several}


def _asked(params: Mapping[str, Any], codebook: Codebook) -> dict[str, Any]:
    """The parameters with the definitions of the variables in place of their names, one or several."""
    params = dict(params)
    named = [params.pop(key) for key in ("variable", "variables") if key in params]
    names = [name for one in named for name in ([one] if isinstance(one, str | Variable) else one)]
    return {**params, "variables": tuple(one if isinstance(one, Variable) else codebook[one] for one in names)}
