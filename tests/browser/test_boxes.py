"""Boxes that coders drew differently: both sets over the picture, one of them taken and mended, or all drawn anew."""

from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import findings, serve, shoot
from handcoding import draw
from playwright.sync_api import Page, expect

from studium import Corpus
from studium.core.variable import Answer

DRAWN: dict[str, Answer] = {
    "ada": [{"value": "head", "box": [10, 10, 60, 60]}],
    "ben": [{"value": "body", "box": [5, 60, 40, 100]}, {"value": "head", "box": [80, 80, 120, 120]}],
}


@pytest.fixture
def units(copied: Path) -> list[str]:
    """Three pictures in which ada and ben saw things in different places."""
    corpus = Corpus(copied)
    corpus.draw_sample("first", of="image", n=3)
    corpus.task("double", sample="first", variables=["things"], coders=[*DRAWN])
    with corpus.records() as records:
        found = [one.unit for one in records.samples.get("first").units]
    for coder, boxes in DRAWN.items():
        for unit in found:
            corpus.annotate("double", unit, {"things": boxes}, coder=coder)
    return found


def case(page: Page) -> str:
    return page.locator("[data-case]").get_attribute("data-case") or ""


def names(boxes: Answer) -> list[object]:
    return [one["value"] for one in boxes if isinstance(one, dict)] if isinstance(boxes, list) else []


def test_boxes_are_taken_mended_and_drawn_anew(opened: Callable[..., Page], copied: Path, units: list[str]) -> None:
    with serve(copied, "--coder", "dora") as server:
        page = opened(server.login)
        expect(page.get_by_role("grid")).to_be_visible()
        page.goto(server.url + "#/adjudicate?variable=things")
        both = page.get_by_role("img", name="from")
        expect(both).to_have_count(3)
        expect(page.get_by_role("img", name="ben: body: from 5, 60 to 40, 100")).to_be_attached()
        own = page.get_by_role("group", name="Boxes").get_by_role("button")
        expect(own).to_have_count(0)
        shoot(page, "adjudicate-boxes")
        assert not findings(page, "boxes")

        taken = case(page)  # what one coder drew, mended by the keyboard
        page.get_by_role("button", name="Take what ben said").click()
        expect(own).to_have_count(2)
        page.get_by_role("button", name="body: from").press("Delete")
        expect(page.get_by_role("group", name="Boxes")).to_be_focused()  # and not lost
        own.first.press("Alt+ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator("[data-open='2']")).to_be_visible()

        drawn = case(page)  # anew by the mouse
        page.get_by_role("button", name="body").first.click()  # of which one is drawn
        draw(page)
        expect(own).to_have_count(1)
        shoot(page, "adjudicate-boxes-drawn")
        page.get_by_role("button", name="Decide").click()
        expect(page.locator("[data-open='1']")).to_be_visible()
        expect(page.get_by_role("heading", name="Where are things?")).to_be_focused()

        keyed = case(page)  # anew by the keyboard
        page.keyboard.press("1")
        expect(own.first).to_be_focused()
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("[data-open='0']")).to_be_visible()
    with Corpus(copied).records() as records:
        decided = {one.unit: one.value for one in records.adjudications.all("things")}
        said = {(one.unit, one.coder): one.value for one in records.annotations("things")}
    assert decided[taken] == [{"value": "head", "box": [81, 80, 121, 120]}]
    assert {unit: names(boxes) for unit, boxes in decided.items()} == {
        taken: ["head"],
        drawn: ["body"],
        keyed: ["head"],
    }
    assert said == {(unit, coder): boxes for unit in units for coder, boxes in DRAWN.items()}
