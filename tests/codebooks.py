"""A codebook of posts: what brands ask of advertising, with a variable of every type. It stands in docs/ask.md."""

from pathlib import Path

from studium.core.codebook import Codebook

__all__ = ["POSTS", "posts"]

POSTS = """\
[brands]
question = "Which brands can be seen by a logo or a product? Names, separated by semicolons."
of = "post"
type = "text"

[emotion]
question = "Which emotion dominates the post?"
of = "post"
type = "categorical"
none_of_these = true

[[emotion.values]]
name = "joy"
definition = "Somebody is happy, proud or amused, or the reader is meant to be."
examples = ["a child laughs", "a team lifts a cup"]

[[emotion.values]]
name = "anger"
definition = "Somebody is angry or outraged, or the reader is meant to be."

[[emotion.values]]
name = "fear"

[safety]
question = "What in the post may harm whoever sees it?"
of = "post"
type = "multilabel"
cannot_tell = false

[[safety.values]]
name = "violence"
definition = "Somebody is hurt or threatened."

[[safety.values]]
name = "drugs & alcohol"
definition = "They are shown in use, sold or praised. A glass of wine at dinner does not count."

[[safety.values]]
name = "nudity"

[paid]
question = "Is the post an advertisement?"
of = "post"
type = "binary"

[[paid.values]]
name = "yes"
definition = "It says so (#ad, paid partnership), or praises something that can be bought from its author."

[[paid.values]]
name = "no"

[age]
question = "Which age group do the people shown mainly seem to belong to?"
of = "post"
type = "ordinal"
sensitive = true

[[age.values]]
name = "child"

[[age.values]]
name = "adult"

[[age.values]]
name = "old"
definition = "65 years and more."

[products]
question = "How many different products can be seen?"
of = "post"
type = "continuous"
low = 0
"""


def posts(folder: Path) -> Codebook:
    """Write it into the folder of a study, and read it."""
    (folder / "codebook.toml").write_text(POSTS, encoding="utf-8")
    return Codebook.read(folder / "codebook.toml")
