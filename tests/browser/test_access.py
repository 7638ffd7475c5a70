"""Every page can be read: no serious finding of axe (WCAG 2.1 AA, contrast among it), in light and in dark."""

from collections.abc import Callable
from typing import Any

import pytest
from browsing import PASSWORD, ROOT, Served
from playwright.sync_api import Page, expect

AXE = ROOT / "app" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = "about failures codebook map clusters code tasks samples agreement adjudicate pairs".split()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


def findings(page: Page, where: str) -> list[str]:
    """What axe finds serious on the page."""
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, rules)", RULES)
    serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    pairs = [(one["id"], node) for one in serious for node in one["nodes"][:3]]
    return [f"{where}: {name}: {node['html'][:160]} {node.get('failureSummary', '')}" for name, node in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read(opened: Callable[..., Page], served: Served, scheme: str) -> None:
    page = opened(served.url, scheme=scheme)
    expect(page.get_by_label("Token")).to_be_visible()
    found = findings(page, "login")
    page.goto(served.login)
    expect(page.get_by_role("checkbox", name="ann")).to_be_visible()
    found += findings(page, "gallery")
    page.get_by_role("gridcell").first.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Make a sample to code").click()
    found += findings(page, "dialog")
    page.keyboard.press("Escape")
    for name in PAGES:
        page.goto(f"{served.url}#/{name}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found += findings(page, name)
    for kind in ("image", "video", "post"):
        page.goto(f"{served.url}#/?of={kind}")
        page.locator("[data-index='0'] a").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found += findings(page, kind)
    assert not found, "\n".join(found)


def test_the_accounts_page_can_be_read(opened: Callable[..., Page], together: Served) -> None:
    page = opened(together.url + "#/accounts")
    page.get_by_label("Name").fill("dora")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    assert not findings(page, "accounts")


def test_a_keyboard_reaches_the_content_first(page: Page) -> None:
    page.reload()
    page.get_by_role("grid").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
