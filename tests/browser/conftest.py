"""A browser, and a real server of a small real study. Screenshots go to build/screenshots, and are looked at."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import fetch
import pytest
from browsing import BUILT, DESK, Served, serve
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from studied import accounts, study


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    program = fetch.chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, stamps: Path, videos: Path) -> Path:
    """The folder of the study that is served. Tests that write get a copy."""
    assert BUILT.exists(), "the app is not built: make app"
    return study(tmp_path_factory.mktemp("browser") / "study", stamps, videos)


@pytest.fixture(scope="session")
def served(pictures: Path) -> Iterator[Served]:
    """The study on a server; tests only read it."""
    with serve(pictures, "--coder", "ann") as server:
        yield server


@pytest.fixture
def copied(pictures: Path, tmp_path: Path) -> Path:
    """A copy of the study, for a test that writes."""
    return Path(shutil.copytree(pictures, tmp_path / "study"))


@pytest.fixture
def together(copied: Path) -> Iterator[Served]:
    """A copy of the study, served to a coder and an admin."""
    accounts(copied, ada="coder", dora="admin")
    with serve(copied, "--accounts") as server:
        yield server


@pytest.fixture
def forgiven() -> list[str]:
    """What the browser may say on its console, as patterns of its words and the address; a test adds what it expects.

    A browser without a session asks whether it has one, and is told that it has not; one file of the study is broken;
    and a server may be stopped before the pages that it serves are closed.
    """
    return [
        r"status of 401 .*/api/(session|study|coders/traits/questions)$",
        r"status of 422 .*/(thumb|picture)\?",
        r"net::ERR_(CONNECTION_|EMPTY_RESPONSE|SOCKET)",
    ]


@pytest.fixture
def opened(browser: Browser, forgiven: list[str]) -> Iterator[Callable[..., Page]]:
    """``opened(address, size=DESK, scheme="light", touch=False)``: a page in a new browser of its own.

    The test fails if a script of a page failed, a dialog was shown, or the browser's console has an error that is not
    forgiven: a request that failed, or something that the content policy refused.
    """
    wrong: list[str] = []
    contexts = []

    def heard(said: ConsoleMessage) -> None:
        told = f"{said.text} {said.location.get('url', '')}"
        if said.type == "error" and not any(re.search(pattern, told) for pattern in forgiven):
            wrong.append(told)

    def open_one(address: str = "", size: dict[str, int] = DESK, scheme: str = "light", *, touch: bool = False) -> Page:
        context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce", has_touch=touch)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", heard)
        if address:
            page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not wrong, wrong


@pytest.fixture
def page(opened: Callable[..., Page], served: Served) -> Page:
    """A page in which the owner of the study is signed in, at its gallery."""
    shown = opened(served.login)
    shown.get_by_role("grid").wait_for()
    return shown
