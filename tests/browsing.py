"""A server of a study in a process of its own, a browser at it, and screenshots in build/screenshots."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from studied import PASSWORD

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "src" / "studium" / "server" / "static" / "index.html"
SHOTS = ROOT / "build" / "screenshots"
DESK, TABLET, LYING = ({"width": width, "height": height} for width, height in ((1280, 800), (820, 1180), (1024, 768)))
AXE = ROOT / "app" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


@dataclass(frozen=True)
class Served:
    """A server that runs.

    Attributes:
        url: of the app, without what follows the ``#``.
        login: the address that was printed; with accounts there is no token in it.
        root: the study folder.
        process: of the server; `again` starts another one in its place.
    """

    url: str
    login: str
    root: Path
    process: subprocess.Popen[str]


@contextmanager
def serve(root: Path, *options: str, port: int = 0) -> Iterator[Served]:
    """A real ``studium serve`` of a study, in a process of its own."""
    program = [Path(sys.executable).with_name("studium"), "serve", "--study", root, "--port", str(port), *options]
    log = root.parent / f"{root.name}-serve.log"
    with (
        log.open("a") as errors,
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            found = re.search(r"http://\S+", told)
            assert found, f"the server did not start: {told} {log.read_text()}"
            yield Served(found[0].split("#")[0], found[0], root, process)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Log in, where the page asks for it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def until(page: Page, expression: str, seconds: float = 10) -> None:
    """Wait until an expression is true in the page; Playwright's own way needs eval(), which the policy refuses."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not true within {seconds} s: {expression}"
        page.wait_for_timeout(30)


def shoot(page: Page, name: str) -> None:
    """Keep a screenshot, after its pictures have come."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SHOTS / f"{name}.png")


def findings(page: Page, where: str) -> list[str]:
    """What axe finds serious on the page: WCAG 2.1 AA, contrast among it."""
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, rules)", RULES)
    serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    pairs = [(one["id"], node) for one in serious for node in one["nodes"][:3]]
    return [f"{where}: {name}: {node['html'][:160]} {node.get('failureSummary', '')}" for name, node in pairs]
