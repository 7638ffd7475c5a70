"""Two coders in two sessions, blind; then how far they agree, and what is decided where they do not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import TABLET, serve, shoot, sign_in
from handcoding import current, finished, open_task, press, saved
from playwright.sync_api import Page, expect
from studied import accounts

from studium import Corpus

CODERS = ("ada", "ben")


@pytest.fixture
def root(copied: Path) -> Path:
    """A study with a task of 12 pictures for ada and ben, and dora, its admin."""
    corpus = Corpus(copied)
    corpus.draw_sample("first", of="image", n=12)
    corpus.task("double", sample="first", variables=["scene"], coders=CODERS)
    accounts(copied, ada="coder", ben="coder", dora="admin")
    return copied


def decide(page: Page, key: str, why: str) -> None:
    """Decide the disagreement that is shown, by keyboard."""
    page.keyboard.press("e")
    page.keyboard.type(why)
    for one in ("Escape", key, "Enter"):
        page.keyboard.press(one)


@pytest.mark.slow
def test_two_coders_agree_and_an_adjudicator_decides(opened: Callable[..., Page], root: Path) -> None:
    said: dict[str, dict[str, str]] = {name: {} for name in CODERS}
    with serve(root, "--accounts") as server:
        pages = {name: opened(server.url) for name in CODERS}
        for name, page in pages.items():
            sign_in(page, name)
            open_task(page, server.url, "double")
        for _ in range(12):  # both at once, unit by unit
            for name, page in pages.items():
                unit = current(page)
                key = "1" if int(unit[:8], 16) % 2 else "2"
                key = "3" if name == "ben" and int(unit[:8], 16) % 4 == 0 else key
                said[name][press(page, key)] = key
        for page in pages.values():
            assert finished(page)
            saved(page)
        differ = [unit for unit in said["ada"] if said["ada"][unit] != said["ben"][unit]]
        assert differ
        admin = opened(server.url)
        sign_in(admin, "dora")
        expect(admin.get_by_role("navigation", name="Pages")).to_be_visible()
        admin.goto(server.url + "#/agreement?task=double")
        table = admin.locator("[data-variable='scene']")
        percent = (12 - len(differ)) / 12
        expect(table.get_by_role("cell", name="percent", exact=True).locator("..")).to_contain_text(f"{percent:.3f}")
        expect(table.get_by_role("cell", name="krippendorff alpha", exact=True).locator("..")).to_contain_text("to")
        shoot(admin, "agreement")
        admin.goto(server.url + "#/adjudicate?variable=scene&task=double")
        expect(admin.locator("[data-case]")).to_be_visible()
        shoot(admin, "adjudicate")
        for left in range(len(differ), 0, -1):
            expect(admin.locator(f"[data-open='{left}']")).to_be_visible()
            decide(admin, "2", "looked closely")
        expect(admin.locator("[data-open='0']")).to_be_visible()
        admin.reload()
        expect(admin.locator("[data-none]")).to_be_visible()
    with Corpus(root).records() as records:
        kept = {one.unit: (one.value, one.who, one.note) for one in records.adjudications.all("scene")}
        codes = {(one.unit, one.coder): one.value for one in records.annotations("scene")}
    assert kept == dict.fromkeys(differ, ("food", "dora", "looked closely"))
    names = {"1": "animal", "2": "food", "3": "thing"}
    assert codes == {(unit, name): names[key] for name, keys in said.items() for unit, key in keys.items()}


def test_a_coder_sees_nothing_of_the_other(opened: Callable[..., Page], root: Path) -> None:
    with serve(root, "--accounts") as server:
        page = opened(server.url, size=TABLET, scheme="dark")
        sign_in(page, "ben")
        expect(page.get_by_role("button", name="Menu")).to_be_visible()
        page.goto(server.url + "#/code")
        expect(page.get_by_role("link", name="Begin")).to_be_visible()
        for path in (
            "agreement?task=double",
            "disagreements?variable=scene",
            "clusters?of=image",
            "samples",
            "maps?of=image",
        ):
            assert page.request.get(f"{server.url}api/{path}").status == 403, path
        shoot(page, "code-tablet-dark")
