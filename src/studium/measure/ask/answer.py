"""From the text of an answer to values of the codebook. No value is guessed."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from studium.core.variable import Answer, Variable
from studium.errors import InputError, MediaError
from studium.measure.ask.provider import Prompt, Provider, Reply, Shown, Turn

__all__ = ["Answered", "answered", "read", "storable"]


@dataclass(frozen=True)
class Answered:
    """What came of a question about one unit.

    Attributes:
        values: by name of the variable; None is "cannot tell".
        replies: the one that fitted, and before it the one that did not, if there was one.
    """

    values: dict[str, Answer]
    replies: tuple[Reply, ...]


def answered(provider: Provider, prompt: Prompt, shown: Shown) -> Answered:
    """Ask, and once more if the answer does not fit, saying why.

    Raises:
        MediaError: there was no answer, it was refused or cut off, or neither of two fitted. The first line says which;
            after it comes what was answered, whole.
        ServiceError: it would cost more than the run may, or the service answers no further.
    """
    first = provider.reply(prompt, shown)
    try:
        return Answered(_values(first, prompt), (first,))
    except InputError as error:
        fault = str(error)
    reason = f"{first.model} was asked twice, and no answer fits the codebook"
    so_far = f"{reason}\nFirst, {fault}: {_whole(first)}\nThen, "
    try:
        second = provider.reply(prompt, shown, Turn(first.raw, _told(fault, prompt)))
        return Answered(_mended(second, prompt), (first, second))
    except MediaError as error:
        raise MediaError(f"{so_far}{error}") from error


def _mended(second: Reply, prompt: Prompt) -> dict[str, Answer]:
    try:
        return _values(second, prompt)
    except InputError as error:
        raise MediaError(f"{error}: {_whole(second)}") from error


def read(raw: str, variables: Sequence[Variable]) -> dict[str, Answer]:
    """The values in an answer: one JSON object, bare, in a fence or amid prose, with a value for every variable.

    Args:
        raw: the answer.
        variables: that were asked for.

    Raises:
        InputError: it is nothing of the kind; the message says all that is wrong with it, to whoever wrote it.
    """
    found = _object(raw)
    names = [variable.name for variable in variables]
    faults = [f"the key {json.dumps(name)} is missing" for name in names if name not in found]
    faults += [f"there is no variable {json.dumps(key, ensure_ascii=False)}" for key in found if key not in names]
    values: dict[str, Answer] = {}
    for variable in variables:
        if variable.name in found:
            try:
                values[variable.name] = variable.validate(found[variable.name])
            except InputError as error:
                faults.append(str(error).rpartition("; ")[0])  # without what the owner of a codebook could do
    if faults:
        raise InputError("; ".join(faults))
    return values


def _values(reply: Reply, prompt: Prompt) -> dict[str, Answer]:
    """The values in a reply.

    Raises:
        InputError: it does not fit.
        MediaError: it was refused, or cut off before its end: asking again would change nothing.
    """
    if reply.finish == "refusal":
        raise MediaError(f"{reply.model} refused to answer\nIt said: {_whole(reply)}")
    try:
        return read(reply.raw, prompt.variables)
    except InputError as error:
        if reply.finish != "length":
            raise
        count = "" if reply.tokens_out is None else f" after {reply.tokens_out} tokens"
        raise MediaError(
            f"the answer of {reply.model} was cut off{count}; allow more with a larger tokens\nIt is: {_whole(reply)}"
        ) from error


def _told(fault: str, prompt: Prompt) -> str:
    """What is said to whoever gave an answer that does not fit."""
    keys = ", ".join(json.dumps(variable.name) for variable in prompt.variables)
    return (
        f"This answer cannot be used: {fault}.\nAnswer the same question again, about the same material and by the "
        f"same definitions: one JSON object with exactly the keys {keys}, and nothing else."
    )


def storable(raw: str) -> str:
    """All of an answer, as text that can be stored: halves of characters (lone surrogates) are written out."""
    return raw.encode("utf-8", "backslashreplace").decode()


def _whole(reply: Reply) -> str:
    return storable(reply.raw) or "(nothing)"


def _object(raw: str) -> dict[str, Any]:
    """The one JSON object in a text."""
    start = raw.find("{")
    if start < 0:
        raise InputError("there is no JSON object in it")
    try:
        raw.encode()
        found, end = _DECODER.raw_decode(raw, start)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputError("it holds half of a character (a lone surrogate)") from error
    except RecursionError as error:
        raise InputError("its JSON is nested too deep") from error
    except ValueError as error:
        raise InputError(f"its JSON cannot be read: {error}") from error
    around = raw[:start] + raw[end:]
    if any(mark in around for mark in "{}"):
        raise InputError("there is more than one JSON object in it, or part of one")
    if raw[:start].rstrip().endswith("["):
        raise InputError("there should be an object, not a list")
    return dict(found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    (key, times), *_ = Counter(key for key, _ in pairs).most_common(1) or [("", 0)]
    if times > 1:
        raise ValueError(f"the key {json.dumps(key, ensure_ascii=False)} stands there {times} times")
    return dict(pairs)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
