"""Coding by keyboard alone; taking back; every type of answer; and a server that is killed in the middle."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import LYING, Served, serve, shoot
from handcoding import SCENES, coded_rows, current, draw, finished, open_task, press, saved
from playwright.sync_api import Page, expect

from studium import Corpus


@pytest.fixture
def root(copied: Path) -> Path:
    """A study with a sample of 30 pictures, and tasks of ann's."""
    corpus = Corpus(copied)
    corpus.draw_sample("first", of="image", n=30)
    corpus.task("scenes", sample="first", variables=["scene", "friendly"], coders=["ann"])
    corpus.task("rest", sample="first", variables=["colours", "things", "number", "remark"], coders=["ann"])
    return copied


def keys_of(scene: str) -> list[str]:
    """What is pressed for a scene: of an animal also how friendly it is."""
    return [scene, "3"] if scene == "1" else [scene]


def expected(said: dict[str, str]) -> set[tuple[str, str, str, str]]:
    """What must stand in the database, each once, for the key of each unit."""
    rows = {(unit, "scene", json.dumps(SCENES[key]), "ann") for unit, key in said.items()}
    return rows | {(unit, "friendly", '"friendly"', "ann") for unit, key in said.items() if key == "1"}


@pytest.mark.slow
def test_thirty_units_are_coded_by_keyboard_alone(opened: Callable[..., Page], root: Path) -> None:
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login)
        open_task(page, server.url, "scenes")
        expect(page.get_by_role("heading", name="What does the picture mainly show?")).to_be_focused()
        shoot(page, "coding")
        said = {}
        for _, key in zip(range(30), cycle(SCENES), strict=False):
            said[press(page, *keys_of(key))] = key
        assert finished(page)
        saved(page)
        expect(page.get_by_text("Everything is saved")).to_be_visible()
    assert len(said) == 30
    assert coded_rows(root) == dict.fromkeys(expected(said), 1)


def test_undo_withdraws_and_back_changes(opened: Callable[..., Page], root: Path) -> None:
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login)
        open_task(page, server.url, "scenes")
        first = press(page, "2")
        second = press(page, "3")
        page.keyboard.press("u")
        expect(page.locator(f"[data-unit='{second}']")).to_be_visible()
        expect(page.locator("[data-message]")).to_contain_text("not coded")
        page.keyboard.press("ArrowLeft")
        expect(page.locator(f"[data-unit='{first}']")).to_be_visible()
        expect(page.get_by_role("button", name="food")).to_have_attribute("aria-pressed", "true")
        press(page, "3")
        expect(page.locator("[data-done='1']")).to_be_visible()
        saved(page)
        page.reload()
        expect(page.locator(f"[data-unit='{second}']")).to_be_visible()
    with Corpus(root).records() as records:
        assert {one.unit: one.value for one in records.annotations("scene")} == {first: "thing"}
        history = [(one.unit, one.value, one.withdrawn) for one in records.annotations("scene", history=True)]
    assert [row for row in history if row[0] == first] == [(first, "food", False), (first, "thing", False)]
    assert [(unit, withdrawn) for unit, _, withdrawn in history if unit == second] == [(second, False), (second, True)]


def test_pause_hides_the_unit_and_stops_its_clock(opened: Callable[..., Page], root: Path) -> None:
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login)
        open_task(page, server.url, "scenes")
        page.keyboard.press("p")
        expect(page.get_by_role("heading", name="Paused")).to_be_visible()
        page.keyboard.press("2")
        page.wait_for_timeout(2000)
        page.keyboard.press("p")
        press(page, "2")
        saved(page)
    with Corpus(root).records() as records:
        (only,) = records.annotations("scene")
    assert only.seconds is not None
    assert only.seconds < 1.8


def test_every_type_of_answer_by_keyboard(opened: Callable[..., Page], root: Path) -> None:
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login)
        open_task(page, server.url, "rest")
        unit = current(page)
        for key in ("3", "1", "Enter"):
            page.keyboard.press(key)
        expect(page.get_by_role("heading", name="Where are things?")).to_be_visible()
        page.keyboard.press("2")
        box = page.get_by_role("button", name="body: from")
        expect(box).to_be_focused()
        for key in ("ArrowLeft", "Shift+ArrowDown", "Alt+ArrowUp"):
            page.keyboard.press(key)
        draw(page)
        expect(page.get_by_role("button", name="body: from")).to_have_count(2)
        shoot(page, "coding-boxes")
        page.keyboard.press("Enter")
        number = page.get_by_role("textbox", name="How many are there?")
        expect(number).to_be_focused()
        page.keyboard.type("11")
        page.keyboard.press("Enter")
        expect(page.locator("[data-message]")).to_contain_text("At most 10")
        number.fill("2.5")
        page.keyboard.press("Enter")
        expect(page.get_by_role("textbox", name="Describe it.")).to_be_focused()
        page.keyboard.type("1 <b>cat</b>, nothing pressed")
        page.keyboard.press("Enter")
        expect(page.locator(f"[data-unit='{unit}']")).to_have_count(0)
        saved(page)
    with Corpus(root).records() as records:
        answers = {one.variable: one.value for one in records.annotations()}
    assert answers["colours"] == ["red", "blue"]
    assert answers["number"] == 2.5
    assert answers["remark"] == "1 <b>cat</b>, nothing pressed"
    assert isinstance(answers["things"], list)
    assert [one["value"] for one in answers["things"] if isinstance(one, dict)] == ["body", "body"]


def test_by_finger_on_a_tablet_that_lies(opened: Callable[..., Page], root: Path) -> None:
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login, LYING, touch=True)
        open_task(page, server.url, "rest")
        unit = current(page)
        page.get_by_role("button", name="red").tap()
        page.get_by_role("button", name="Next").tap()
        page.get_by_role("button", name="body").tap()
        picture = page.locator(".sized").bounding_box()
        assert picture is not None
        x, y = picture["x"] + 10, picture["y"] + 10
        finger = page.context.new_cdp_session(page)
        for kind, by in (("touchStart", 0), ("touchMove", 30), ("touchMove", 60), ("touchEnd", None)):
            points = [] if by is None else [{"x": x + by, "y": y + by}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        expect(page.get_by_role("button", name="body: from")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        shoot(page, "coding-tablet-lying")
        page.get_by_role("button", name="Next").tap()
        page.get_by_role("textbox", name="How many are there?").fill("1")
        page.get_by_role("button", name="Next").tap()
        page.get_by_role("textbox", name="Describe it.").fill("a cat")
        page.get_by_role("button", name="Next").tap()
        expect(page.locator(f"[data-unit='{unit}']")).to_have_count(0)
        saved(page)
    with Corpus(root).records() as records:
        answers = {one.variable: one.value for one in records.annotations()}
    assert answers["colours"] == ["red"]
    assert isinstance(answers["things"], list)
    assert [one["value"] for one in answers["things"] if isinstance(one, dict)] == ["body"]


def kill(server: Served) -> None:
    """End the server as a power cut would."""
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()


@pytest.mark.slow
def test_a_killed_server_loses_and_doubles_nothing(
    opened: Callable[..., Page], root: Path, tmp_path: Path, forgiven: list[str]
) -> None:
    forgiven.append(r"status of 40[13] ")
    said: dict[str, str] = {}
    keys = cycle(SCENES)

    def code(page: Page, units: int) -> None:
        for _ in range(units):
            key = next(keys)
            said[press(page, *keys_of(key))] = key

    token = tmp_path / "token"
    with ExitStack() as stack:
        start = lambda port=0: stack.enter_context(  # noqa: E731 - three servers, one after the other, at one port
            serve(root, "--coder", "ann", "--token-file", str(token), port=port)
        )
        server = start()
        page = opened(server.login)
        open_task(page, server.url, "scenes")
        code(page, 7)
        expect(page.locator("[data-ready='5']")).to_be_attached()  # the next units come ahead of time
        code(page, 1)
        kill(server)  # while the last answer is on its way, perhaps
        code(page, 3)
        expect(page.locator("[data-waiting='0']")).to_have_count(0)
        shoot(page, "coding-unsaved")
        server = start(urlsplit(server.url).port)
        saved(page)  # the page sends them by itself
        code(page, 5)
        expect(page.locator("[data-ready='5']")).to_be_attached()
        kill(server)
        code(page, 2)
        page.close()  # the browser is closed before the server is back
        server = start(urlsplit(server.url).port)
        page = page.context.new_page()
        page.goto(server.login)
        open_task(page, server.url, "scenes")
        assert current(page) not in said
        while not finished(page):
            code(page, 1)
        saved(page)
    assert len(said) == 30
    assert coded_rows(root) == dict.fromkeys(expected(said), 1)
    with sqlite3.connect(root / "studium.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM annotations WHERE withdrawn").fetchone() == (0,)
    database.close()
