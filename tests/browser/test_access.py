"""Every page can be read: no serious finding of axe (WCAG 2.1 AA, contrast among it), in light and in dark."""

from collections.abc import Callable

import pytest
from browsing import Served, findings, shoot, sign_in
from playwright.sync_api import Page, expect

PAGES = "about failures codebook map clusters code tasks samples agreement adjudicate pairs".split()


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
    sign_in(page, "dora")
    found = []
    for scheme in ("light", "dark"):
        expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        found += findings(page, f"accounts, {scheme}")
        page.get_by_role("button", name="Add an account").click()
        found += findings(page, f"a new account, {scheme}")
        shoot(page, f"new-account-{scheme}")
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Change password").click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        found += findings(page, f"one's own account, {scheme}")
        page.get_by_role("button", name="colours").click()
        page.get_by_role("link", name="All accounts").click()
    assert not found, "\n".join(found)


def test_a_keyboard_reaches_the_content_first(page: Page) -> None:
    page.reload()
    page.get_by_role("grid").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
