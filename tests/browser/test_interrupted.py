"""Coding that is interrupted: a session that ends, somebody else at the same browser, a slow server, a reload."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import browsing
import pytest
from browsing import Served, serve, until
from handcoding import current, open_task, press, saved
from playwright.sync_api import Page, Route, expect
from studied import accounts

from studium import Corpus

CODERS = ("ada", "ben")


@pytest.fixture
def shared(copied: Path) -> Iterator[Served]:
    """A study with a task of 12 pictures for ada and ben, served to both."""
    corpus = Corpus(copied)
    corpus.draw_sample("first", of="image", n=12)
    corpus.task("double", sample="first", variables=["scene", "friendly"], coders=CODERS)
    accounts(copied, ada="coder", ben="coder")
    with serve(copied, "--accounts") as server:
        yield server


def sign_in(page: Page, name: str) -> None:
    expect(page.get_by_label("Password")).to_be_visible()
    browsing.sign_in(page, name)
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def scenes(root: Path) -> set[tuple[str, str, str]]:
    """Who said what of the scene of which unit."""
    with sqlite3.connect(root / "studium.db") as database:
        rows = database.execute("SELECT coder, unit, value FROM annotations WHERE variable = 'scene'").fetchall()
    database.close()
    return {(coder, unit, value.strip('"')) for coder, unit, value in rows}


def test_a_session_that_ends_loses_nothing_and_gives_nobody_elses_codes(
    opened: Callable[..., Page], shared: Served, forgiven: list[str]
) -> None:
    forgiven.append(r"status of 401 ")
    page = opened(shared.url)
    sign_in(page, "ada")
    open_task(page, shared.url, "double")
    first = press(page, "2")
    saved(page)
    second = current(page)
    page.context.clear_cookies()
    page.keyboard.press("3")  # the server does not know the session any more
    expect(page.get_by_label("Password")).to_be_visible()
    with page.expect_response("**/api/tasks/double/next?*"):
        sign_in(page, "ben")
    expect(page.locator("[data-unit]:not([data-unit=''])")).to_be_visible()
    bens = press(page, "2")
    saved(page)
    page.wait_for_timeout(1500)  # ada's would be sent again within a second
    page.get_by_role("button", name="Log out").click()
    assert scenes(shared.root) == {("ada", first, "food"), ("ben", bens, "food")}
    sign_in(page, "ada")
    until(page, "document.querySelector('[data-waiting]')?.dataset.waiting === '0'")
    assert scenes(shared.root) == {("ada", first, "food"), ("ada", second, "thing"), ("ben", bens, "food")}


def test_somebody_else_in_another_tab_does_not_code_for_the_first(
    opened: Callable[..., Page], shared: Served, forgiven: list[str]
) -> None:
    forgiven.append(r"status of 40[13] ")
    page = opened(shared.url)
    sign_in(page, "ada")
    open_task(page, shared.url, "double")
    other = page.context.new_page()
    other.goto(shared.url)
    other.get_by_role("button", name="Log out").click()
    sign_in(other, "ben")
    unit = current(page)
    page.keyboard.press("2")
    expect(page.get_by_text("log in as ada to save").first).to_be_visible()
    assert scenes(shared.root) == set()
    other.get_by_role("button", name="Log out").click()
    sign_in(page, "ada")  # the page learns that its session ended, and asks for another
    saved(page)
    assert scenes(shared.root) == {("ada", unit, "food")}


def test_half_a_unit_outlives_a_reload(opened: Callable[..., Page], shared: Served) -> None:
    page = opened(shared.url)
    sign_in(page, "ada")
    open_task(page, shared.url, "double")
    unit = current(page)
    page.keyboard.press("1")
    page.keyboard.press("e")
    page.keyboard.type("a <b>hare</b>?")
    page.reload()
    expect(page.get_by_role("heading", name="How friendly is the animal?")).to_be_visible()
    assert current(page) == unit
    expect(page.get_by_label("Note")).to_have_value("a <b>hare</b>?")
    press(page, "3")
    saved(page)
    page.reload()
    expect(page.locator("[data-unit]:not([data-unit=''])")).to_be_visible()
    assert current(page) != unit
    assert scenes(shared.root) == {("ada", unit, "animal")}


def test_a_slow_server_holds_nobody_up(opened: Callable[..., Page], shared: Served) -> None:
    page = opened(shared.url)
    sign_in(page, "ada")
    open_task(page, shared.url, "double")
    expect(page.locator("[data-ready='5']")).to_be_attached()  # the next units come ahead of time
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/tasks/double/annotations", hold, times=1)
    said = {press(page, "2") for _ in range(4)}
    expect(page.locator("[data-waiting='4']")).to_be_visible()
    held[0].continue_()
    saved(page)
    assert scenes(shared.root) == {("ada", unit, "food") for unit in said}
