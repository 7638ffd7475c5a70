"""Coding in the browser: keys pressed as a coder does, and what was kept."""

import sqlite3
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, expect

__all__ = ["SCENES", "coded_rows", "current", "draw", "finished", "open_task", "press", "saved"]

expect.set_options(timeout=15_000)  # a busy machine's slow answer is no wrong one

SCENES = {"1": "animal", "2": "food", "3": "thing", "n": "none_of_these", "0": None}
"""Keys of the variable ``scene``, and what each says."""


def open_task(page: Page, url: str, task: str) -> None:
    """The coding screen, once it shows a unit."""
    expect(page.get_by_role("banner")).to_be_visible()
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


def draw(page: Page) -> None:
    """Draw a box in the upper left of the picture, by the mouse."""
    picture = page.locator(".sized").bounding_box()
    assert picture is not None
    page.mouse.move(picture["x"] + 4, picture["y"] + 4)
    page.mouse.down()
    page.mouse.move(picture["x"] + 60, picture["y"] + 50, steps=4)
    page.mouse.up()


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
