"""What a definition says besides its question and values, in words."""

from collections.abc import Iterator, Mapping

from studium.core.unit import KINDS
from studium.core.variable import Value, Variable

__all__ = ["CANNOT_TELL", "NONE", "answer", "conditions", "remarks", "rules", "units"]

NONE = "None of the values above."
CANNOT_TELL = "It cannot be told from what is shown. Stored as a missing value that says who looked."

_UNITS: Mapping[str, tuple[str, str]] = {
    "post": ("post", "posts"), "image": ("picture", "pictures"), "video": ("video", "videos"),
    "audio": ("sound recording", "sound recordings"), "frame": ("frame of a video", "frames of videos"),
    "shot": ("shot of a video", "shots of videos"), "face": ("face", "faces"), "object": ("object", "objects"),
    "line": ("line of text in a picture", "lines of text in pictures"),
    "speech": ("spoken passage", "spoken passages"),
}  # fmt: skip
_ANSWERS: Mapping[str, str] = {
    "binary": "one of two values; the first counts as 1",
    "categorical": "one value",
    "multilabel": "all values that apply, possibly none",
    "ordinal": "one value; they go from low to high",
    "text": "words of one's own",
    "boxes": "boxes drawn around all that can be seen, each with a value; possibly none",
}
assert set(_UNITS) == set(KINDS)


def units(variable: Variable) -> str:
    """What it is asked about: "each picture", "each pair of pictures"."""
    one, several = _UNITS[variable.of]
    return f"each pair of {several}" if variable.pairs else f"each {one}"


def answer(variable: Variable) -> str:
    """What is answered."""
    if variable.type != "continuous":
        return _ANSWERS[variable.type]
    low, high = (None if bound is None else f"{bound:.15g}" for bound in (variable.low, variable.high))
    if low is not None and high is not None:
        return f"a number from {low} to {high}"
    return "a number" + (f" of at least {low}" if low else f" of at most {high}" if high else "")


def conditions(variable: Variable) -> list[tuple[str, list[str]]]:
    """The skip rule: each variable, and the values of which it must have one."""
    return [(name, [*values]) for name, values in variable.only_if]


def remarks(variable: Variable) -> Iterator[str]:
    """What else is to be known of it."""
    if variable.sensitive:
        yield "Sensitive: shown and exported only with care."


def rules(value: Value) -> list[tuple[str, tuple[str, ...]]]:
    """What belongs to a value, what does not, and what it looks like; only what is said."""
    told = (
        ("Include", value.include),
        ("Exclude", value.exclude),
        ("Examples", value.examples),
        ("Example units", value.units),
    )
    return [(word, them) for word, them in told if them]
