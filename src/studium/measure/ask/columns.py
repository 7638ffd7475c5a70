"""What a row of `ask` holds: the answer to every variable, and how it came about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from studium.core.column import Column
from studium.core.variable import Answer, Value, Variable
from studium.errors import InputError
from studium.measure.ask.answer import Answered, storable
from studium.measure.ask.prompt import digest_of
from studium.measure.ask.provider import Prompt, Reply

__all__ = ["coded", "columns_of", "traced", "variable_of"]


def variable_of(given: Any) -> Variable:
    """A variable, or what the recipe of a table says of one; without what no model is shown.

    These are prompts, example units and skip rules: a model is asked about every unit.
    """
    if isinstance(given, Variable):
        bare = tuple(replace(value, prompts=(), units=()) for value in given.values)
        return replace(given, values=bare, only_if=())
    if not isinstance(given, Mapping):
        raise InputError(f"ask: expected variables of the codebook, got {given!r}; see docs/codebook.md")
    values = [Value(**{**value, "prompts": (), "units": ()}) for value in given["values"]]
    return Variable(**{**given, "values": tuple(values), "only_if": ()})


def columns_of(variables: Sequence[Variable]) -> tuple[Column, ...]:
    """The columns of the variables, and those of the trace."""
    private = any(variable.sensitive for variable in variables)
    return (*(column for variable in variables for column in _columns(variable)), *_trace(private))


def coded(found: Answered, variables: Sequence[Variable]) -> dict[str, Any]:
    """The values of one unit, by column."""
    return {key: said for variable in variables for key, said in _coded(variable, found.values[variable.name]).items()}


def traced(replies: Sequence[Reply], prompt: Prompt) -> dict[str, Any]:
    """How they came about, by column: one reply, or one that did not fit and one that did."""
    last, repaired = replies[-1], len(replies) > 1
    return {
        "ask_answer": last.raw,
        "ask_repaired": repaired,
        "ask_first_answer": storable(replies[0].raw) if repaired else None,
        "ask_model": last.model,
        "ask_prompt_sha256": digest_of(prompt),
        "ask_asked_at": last.asked_at,
        "ask_host": last.host,
        "ask_sha256_sent": last.sha256_sent,
        "ask_bytes_sent": sum(reply.bytes_sent for reply in replies),
        "ask_tokens_in": _sum([reply.tokens_in for reply in replies]),
        "ask_tokens_out": _sum([reply.tokens_out for reply in replies]),
    }


def _trace(private: bool) -> tuple[Column, ...]:
    who = "who answered, in the words of the server, or with the fingerprint of its weights"
    return (
        Column("ask_answer", "string", "the answer as it came", sensitive=private),
        Column("ask_repaired", "bool", "whether a first answer did not fit, and was sent back with what was wrong"),
        Column("ask_first_answer", "string", "the answer that did not fit; null if none", sensitive=private),
        Column("ask_model", "string", who),
        Column("ask_prompt_sha256", "string", "sha256 of system, question and schema"),
        Column("ask_asked_at", "string", "when the answer came, ISO 8601 in UTC"),
        Column("ask_host", "string", "the host that was asked; null for this machine"),
        Column("ask_sha256_sent", "string", "sha256 of what was sent, the last time"),
        Column("ask_bytes_sent", "int64", "size of the requests, all told; 0 if there was none", "bytes", low=0),
        Column("ask_tokens_in", "int64", "tokens read, all told; null if nobody counted", "tokens", low=0),
        Column("ask_tokens_out", "int64", "tokens answered, all told; null if nobody counted", "tokens", low=0),
    )


def _columns(variable: Variable) -> tuple[Column, ...]:
    """Of one variable: of a multilabel one a column for each value."""
    asked, untold = " ".join(variable.question.split()), " (null: it cannot be told)" * variable.cannot_tell
    if variable.type == "multilabel":
        return tuple(
            Column(name, "bool", f"{asked} {value}{untold}", sensitive=variable.sensitive)
            for name, value in zip(_names(variable), variable.names, strict=True)
        )
    dtype = "float64" if variable.type == "continuous" else "string"
    low, high = variable.low, variable.high
    return (Column(variable.name, dtype, f"{asked}{untold}", low=low, high=high, sensitive=variable.sensitive),)


def _names(variable: Variable) -> list[str]:
    """A column for each value: ``symbols_protest_sign``; by its number where letters do not tell: ``symbols_2``."""
    plain = [re.sub("[^a-z0-9]+", "_", value.casefold()).strip("_") for value in variable.names]
    told = [name if name and plain.count(name) == 1 else str(number) for number, name in enumerate(plain, start=1)]
    return [f"{variable.name}_{name}" for name in told]


def _coded(variable: Variable, said: Answer) -> dict[str, Any]:
    if variable.type != "multilabel":
        return {variable.name: said}
    assert said is None or isinstance(said, list)
    named = zip(_names(variable), variable.names, strict=True)
    return {name: None if said is None else value in said for name, value in named}


def _sum(counts: Sequence[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if len(told) == len(counts) else None
