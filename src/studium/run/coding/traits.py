"""What coders are asked about themselves: ``coders.toml`` says which questions, and the words that they consent to."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studium.core.records import Records, Trait
from studium.errors import ConfigError, InputError

__all__ = ["FILE", "TEMPLATE", "Question", "Questions", "questions", "tell", "withdraw"]

FILE = "coders.toml"
TEMPLATE = """\
consent = \"\"\"I agree that what I say here about myself is kept with this study under my pseudonym, is used to test
whether groups of coders differ, and is shown for groups of at least three only. I can take it back at any time.\"\"\"

[gender]
question = "What is your gender?"
values = ["woman", "man", "non-binary"]
"""
"""What a ``coders.toml`` looks like."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to coders: its name, its words, and what may be answered; () for any text."""

    name: str
    question: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked, and the words of consent; no questions, where a study asks none."""

    consent: str = ""
    questions: tuple[Question, ...] = ()

    def checked(self, traits: Mapping[str, str], consent: str) -> None:
        """Refuse what was not asked, is no possible answer, or comes with other words of consent."""
        asked = {one.name: one for one in self.questions}
        for name, value in traits.items():
            if name not in asked:
                raise InputError(f"coders are not asked for {name!r}; {FILE} asks for: {', '.join(asked) or 'nothing'}")
            if asked[name].values and value not in asked[name].values:
                raise InputError(f"{name}: expected one of {', '.join(asked[name].values)}, got {value!r}")
        if consent.split() != self.consent.split():
            raise InputError(f"expected the words of consent that {FILE} has, got {consent[:80]!r}; show these first")


def questions(root: Path) -> Questions:
    """What ``coders.toml`` of a study folder asks; nothing, if there is none.

    Raises:
        ConfigError: the file cannot be read, has no consent, or a question does not fit.
    """
    path = root / FILE
    if not path.exists():
        return Questions()
    try:
        body = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected TOML in UTF-8, got a file that is not: {error}") from error
    consent = body.pop("consent", None)
    if not (isinstance(consent, str) and consent.strip()):
        raise ConfigError(f"{path}: expected the words that coders consent to, consent = ..., got {consent!r}")
    return Questions(consent, tuple(_question(path, name, entry) for name, entry in body.items()))


def tell(records: Records, coder: str, traits: Mapping[str, str], consent: str, asked: Questions | None = None) -> None:
    """Keep what a coder says of themselves, in place of what they said of the same before; the log has no values.

    Args:
        records: of the study.
        coder: who says it.
        traits: name -> value.
        consent: the words that they consented to.
        asked: what coders are asked; None to take anything, as from a paper form.

    Raises:
        InputError: nothing said, no consent, or what was not asked.
    """
    if not traits:
        raise InputError(f"expected at least one trait of {coder!r}, got none; to take traits back, withdraw them")
    if asked is not None:
        asked.checked(traits, consent)
    now = datetime.now(UTC)
    records.traits.put(Trait(coder, name, value, consent, now) for name, value in traits.items())
    records.log(coder, "traits told", {"traits": sorted(traits)})


def withdraw(records: Records, coder: str) -> int:
    """Delete all that a coder said of themselves; that it was done is logged. Their annotations stay.

    Returns:
        How many traits there were.
    """
    n = records.traits.withdraw(coder)
    records.log(coder, "traits withdrawn", {"traits": n})
    return n


def _question(path: Path, name: str, entry: Any) -> Question:
    where = f"{path}: question {name!r}"
    if not isinstance(entry, dict) or set(entry) - {"question", "values"}:
        raise ConfigError(f"{where}: expected a table with question, and perhaps values, got {entry!r}")
    words, values = entry.get("question"), entry.get("values", [])
    if not (isinstance(words, str) and words.strip()):
        raise ConfigError(f"{where}: expected its words, question = ..., got {words!r}")
    if not isinstance(values, list) or not all(isinstance(one, str) and one.strip() for one in values):
        raise ConfigError(f"{where}: expected values as a list of texts, got {values!r}")
    return Question(name, words, tuple(values))
