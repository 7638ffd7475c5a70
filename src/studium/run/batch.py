"""Batches of a study: which units are asked about by batch, and how that is said."""

from collections.abc import Iterator

from studium.errors import InputError, MediaError
from studium.measure.ask.ask import Ask
from studium.measure.ask.batch_submit import Submitted, submit
from studium.measure.ask.endpoint import Endpoint
from studium.measure.ask.provider import Shown
from studium.run.leaving import drawn, inputs
from studium.run.plan import Part, Plan

__all__ = ["askable", "submitted"]


def askable(part: Part) -> Ask:
    """The measure whose questions can be asked by batch.

    Raises:
        InputError: it is another one, or asks a model on this machine.
    """
    if isinstance(part, Ask) and part.url:
        return part
    raise InputError(f"{part.name} cannot be asked by batch: that is for  ask  with the url of a server")


def submitted(todo: Plan, ask: Ask) -> Submitted:
    """Submit all units that lack a row and were not asked about.

    Args:
        todo: the plan; nothing is written into its tables.
        ask: one of its parts.
    """
    endpoint = ask.provider
    assert isinstance(endpoint, Endpoint)
    return submit(endpoint, ask.prompt, _shown(todo, ask))


def _shown(todo: Plan, ask: Ask) -> Iterator[Shown]:
    """What is shown of each unit; what cannot be shown is left to the run, which says why."""
    units = drawn(todo, ask, todo.missing) if todo.missing else []
    for item in inputs(todo, ask, units):
        try:
            yield ask.shown(item)
        except MediaError:
            continue
