"""Coding in the browser: a codebook with every type of answer, keys pressed as a coder does, and what was kept."""

import sqlite3
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, expect

__all__ = ["CODEBOOK", "SCENES", "coded_rows", "current", "finished", "open_task", "press", "saved", "with_codebook"]

expect.set_options(timeout=15_000)  # a busy machine's slow answer is no wrong one

CODEBOOK = """\
[scene]
question = "What does the picture mainly show?"
instructions = "Decide by what takes most of the picture."
of = "image"
type = "categorical"
none_of_these = true

[[scene.values]]
name = "animal"
definition = "One or more living animals are the main subject."
include = ["drawings of animals"]
exclude = ["meat on a plate"]
examples = ["a bird on a branch"]

[[scene.values]]
name = "food"
definition = "Something to eat or drink."

[[scene.values]]
name = "thing"
definition = "A made thing is the main subject."

[friendly]
question = "How friendly is the animal?"
of = "image"
type = "ordinal"
only_if = { scene = ["animal"] }

[[friendly.values]]
name = "hostile"

[[friendly.values]]
name = "neutral"

[[friendly.values]]
name = "friendly"

[colours]
question = "Which of these colours stand out?"
of = "image"
type = "multilabel"

[[colours.values]]
name = "red"

[[colours.values]]
name = "green"

[[colours.values]]
name = "blue"

[things]
question = "Where are things?"
of = "image"
type = "boxes"

[[things.values]]
name = "head"

[[things.values]]
name = "body"

[number]
question = "How many are there?"
of = "image"
type = "continuous"
low = 0
high = 10

[remark]
question = "Describe it."
of = "image"
type = "text"

[same_content]
question = "Do both pictures show the same kind of thing?"
of = "image"
type = "binary"
pairs = true

[[same_content.values]]
name = "yes"

[[same_content.values]]
name = "no"
"""
SCENES = {"1": "animal", "2": "food", "3": "thing", "n": "none_of_these", "0": None}
"""Keys of the variable ``scene``, and what each says."""


def with_codebook(root: Path) -> Path:
    """The study, with this codebook."""
    (root / "codebook.toml").write_text(CODEBOOK)
    return root


def open_task(page: Page, url: str, task: str) -> None:
    """The coding screen, once it shows a unit."""
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    page.goto(f"{url}#/code/{task}")
    expect(page.locator("[data-unit]:not([data-unit=''])")).to_be_visible()


def current(page: Page) -> str:
    """The unit, or pair, that is shown."""
    return page.locator("[data-unit]").get_attribute("data-unit") or ""


def press(page: Page, *keys: str) -> str:
    """Code the unit that is shown, and wait for the next one, or for the end.

    Returns:
        The unit.
    """
    unit = current(page)
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator(f"[data-finished], [data-unit]:not([data-unit='{unit}']):not([data-unit=''])")).to_be_visible()
    return unit


def finished(page: Page) -> bool:
    """Whether all units are coded."""
    return page.locator("[data-finished]").count() > 0


def saved(page: Page) -> None:
    """Wait until the server has everything."""
    expect(page.locator("[data-waiting='0']")).to_be_visible(timeout=30_000)


def coded_rows(root: Path) -> Counter[tuple[str, str, str | None, str]]:
    """How often each (unit, variable, value as JSON, coder) stands in the database; withdrawn ones aside."""
    with sqlite3.connect(root / "studium.db") as database:
        rows = database.execute(
            "SELECT unit, variable, value, coder FROM annotations WHERE NOT withdrawn ORDER BY id"
        ).fetchall()
    database.close()
    return Counter(rows)
