"""The gallery: what is in the document, the keyboard, facets, searches, selections, and the address."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from browsing import DESK, LYING, TABLET, Served, serve, shoot, until
from playwright.sync_api import Page, expect


def cells(page: Page) -> list[str]:
    return [cell.get_attribute("aria-label") or "" for cell in page.get_by_role("gridcell").all()]


def asked(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(page.url.partition("?")[2]).items()}


def total(page: Page, text: str) -> None:
    expect(page.locator(".total")).to_have_text(text)


def test_pictures_are_shown_and_only_rows_on_the_screen_are_in_the_document(page: Page) -> None:
    total(page, "45 units")
    grid = page.get_by_role("grid")
    rows = int(grid.get_attribute("aria-rowcount") or 0)
    assert rows == 9
    assert page.get_by_role("row").count() < rows
    expect(page.get_by_role("gridcell").first).to_have_accessible_name('"><img src=x onerror=alert(1)>.png, 1 of 45')
    painted = "[...document.querySelectorAll('[role=gridcell] img')].filter(one => one.naturalWidth).length >= 15"
    until(page, painted)
    shoot(page, "gallery")
    grid.evaluate("grid => grid.scrollTop = grid.scrollHeight")
    expect(page.get_by_role("gridcell").last).to_have_accessible_name(re.compile(", 45 of 45$"))
    assert page.get_by_role("row").count() < rows


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "dark"), (TABLET, "light"), (TABLET, "dark")])
def test_it_fits_a_tablet_and_the_night(
    opened: Callable[..., Page], served: Served, size: dict[str, int], scheme: str
) -> None:
    page = opened(served.login, size, scheme)
    total(page, "45 units")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, f"gallery-{size['width']}-{scheme}")
    other = "light" if scheme == "dark" else "dark"
    page.get_by_role("button", name=f"Switch to {other} colours").click()
    page.reload()
    total(page, "45 units")
    assert page.evaluate("document.documentElement.dataset.theme") == other


def test_the_keyboard_goes_everywhere(page: Page) -> None:
    page.get_by_role("gridcell").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(":focus")).to_have_attribute("data-index", "1")
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).to_have_attribute("data-index", "6")
    page.keyboard.press("Control+End")
    expect(page.locator(":focus")).to_have_attribute("data-index", "44")
    expect(page.locator(":focus")).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(page.locator(":focus")).to_have_attribute("data-index", "40")
    assert page.locator("[role=gridcell][tabindex='0']").count() == 1
    name = (page.locator(":focus").get_attribute("aria-label") or "").partition(",")[0]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.keyboard.press("j")
    expect(page.get_by_text("42 of 45")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.locator("[data-index='40']")).to_be_in_viewport()


def test_facets_count_narrow_and_are_in_the_address(page: Page) -> None:
    facets = page.get_by_role("region", name="Facets")
    ann = facets.get_by_label("ann")
    expect(ann).to_be_visible()
    ann.check()
    total(page, "29 units")
    assert json.loads(asked(page)["filter"]) == [{"column": "post.author", "in": ["ann"]}]
    expect(facets.get_by_text("15", exact=True)).to_be_visible()  # ben can still be chosen, and says how many he has
    page.get_by_label("Highest, typed").first.fill("200")
    page.get_by_label("Highest, typed").first.press("Enter")
    total(page, "14 units")
    assert json.loads(asked(page)["filter"])[1] == {"column": "post.likes", "high": 200}
    shoot(page, "facets")
    page.reload()
    total(page, "14 units")
    page.get_by_role("button", name="Remove the filter author · post: ann").click()
    total(page, "21 units")
    page.go_back()
    total(page, "14 units")
    page.get_by_role("button", name="Clear all").click()
    total(page, "45 units")


def test_any_column_can_be_counted(page: Page) -> None:
    page.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Find a column").fill("format")
    dialog.get_by_label("format · properties").check()
    shoot(page, "columns")
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name="format · properties")).to_be_visible()
    expect(page.get_by_role("checkbox", name="PNG")).to_be_visible()
    assert "format" in asked(page)["facets"]
    slider = page.get_by_label("Lowest", exact=True)
    if slider.count():
        slider.first.press("ArrowRight")


def test_sorting(page: Page) -> None:
    page.get_by_label("Sort").select_option("-post.likes")
    expect(page.get_by_role("gridcell").nth(1)).not_to_have_accessible_name("5.png, 2 of 45")
    assert asked(page)["sort"] == "-post.likes"
    assert '"><img' not in cells(page)[0]


def test_words_meaning_and_likeness_find(page: Page) -> None:
    box = page.get_by_role("searchbox", name="What the picture shows")
    box.fill("a banana")
    box.press("Enter")
    expect(page.get_by_text("Best matches for")).to_be_visible()
    expect(page.get_by_role("gridcell").first).to_have_accessible_name("banana.png, 1 of 44")
    shoot(page, "search")
    page.get_by_label("Search by").select_option("words")
    page.get_by_role("searchbox").fill("balloon")
    page.get_by_role("searchbox").press("Enter")
    total(page, "1 unit")
    assert asked(page)["query"] == "balloon"
    page.get_by_role("gridcell").first.focus()
    page.keyboard.press("s")
    expect(page.get_by_text("Most like")).to_be_visible()
    assert len(asked(page)["like"]) == 64


def test_a_picture_finds_those_like_it(page: Page, pictures: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("label[title^='Find by a picture']").click()
    chooser.value.set_files(pictures / "media" / "banana.png")
    expect(page.get_by_text("Most like the picture banana.png")).to_be_visible()
    expect(page.get_by_role("gridcell").first).to_have_accessible_name("banana.png, 1 of 44")
    page.get_by_role("button", name="Back to all").click()
    total(page, "45 units")


def drop(page: Page, name: str, kind: str, data: bytes) -> None:
    """Drag a file over the gallery, and let it go there."""
    make = """([name, type, data]) => {
        const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(data)], name, { type }));
        return held;
    }"""
    held = page.evaluate_handle(make, [name, kind, [*data]])
    page.dispatch_event("[role=grid]", "dragover", {"dataTransfer": held})
    expect(page.get_by_text("Drop the picture to find what is like it")).to_be_visible()
    page.dispatch_event("[role=grid]", "drop", {"dataTransfer": held})
    expect(page.get_by_text("Drop the picture to find what is like it")).to_be_hidden()


def test_a_dropped_picture_finds_those_like_it(page: Page, pictures: Path, forgiven: list[str]) -> None:
    found, first = page.get_by_text("Most like the picture banana.png"), page.get_by_role("gridcell").first
    page.get_by_label("Search by").select_option("words")
    page.get_by_role("searchbox").fill("balloon")
    page.get_by_role("searchbox").press("Enter")
    total(page, "1 unit")
    banana = (pictures / "media" / "banana.png").read_bytes()
    drop(page, "banana.png", "image/png", banana)
    expect(found).to_be_visible()
    expect(first).to_have_accessible_name("banana.png, 1 of 44")
    table = page.locator(".told select")
    other = [one for one in table.locator("option").all_text_contents() if one != table.input_value()]
    table.select_option(other[0])
    expect(found).to_be_visible()
    expect(table).to_have_value(other[0])
    expect(first).to_have_accessible_name("banana.png, 1 of 44")
    drop(page, "notes.txt", "text/plain", b"no picture")
    expect(page.get_by_text("notes.txt is not a picture")).to_be_visible()
    forgiven.append(r"status of 4.. .*/api/search/image")
    drop(page, "broken.png", "image/png", b"no picture at all")
    expect(page.get_by_role("alert").filter(has_text="picture").first).to_be_visible()
    page.get_by_role("button", name="Back to all").click()
    total(page, "45 units")


def test_by_finger_on_a_tablet_that_lies(opened: Callable[..., Page], served: Served) -> None:
    page = opened(served.login, LYING, touch=True)
    total(page, "45 units")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cell = page.get_by_role("gridcell").nth(1)
    cell.get_by_role("button", name="Select").tap()
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("1 selected")
    expect(cell.locator("button.tick")).not_to_have_css("background-color", "rgb(255, 255, 255)")  # its tick is white
    small = """of => [...document.querySelectorAll(of)].filter(one => {
        const { width, height } = (one.closest('label') ?? one).getBoundingClientRect();
        return width && height && Math.min(width, height) < 24;
    }).map(one => one.outerHTML.slice(0, 120))"""
    assert (
        page.evaluate(small, "main button, main select, main input:not(.hidden), header button, header a") == []
    )  # WCAG 2.2: targets of at least 24 px
    shoot(page, "gallery-tablet-lying")
    cell.get_by_role("button", name="Take out of the selection").tap()
    name = (cell.get_attribute("aria-label") or "").partition(",")[0]
    cell.get_by_role("link").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_selection_becomes_a_sample(opened: Callable[..., Page], copied: Path) -> None:
    with serve(copied, "--coder", "ann") as server:
        page = opened(server.login)
        first = page.get_by_role("gridcell").first
        first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("Shift+ArrowDown")
        expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("6 selected")
        page.get_by_role("gridcell").nth(7).get_by_role("link").click(modifiers=["ControlOrMeta"])
        expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("7 selected")
        shoot(page, "selection")
        page.get_by_role("button", name="Make a sample to code").click()
        page.get_by_label("Name of the sample").fill("by hand")
        page.get_by_role("button", name="Make the sample").click()
        expect(page.get_by_role("dialog")).to_contain_text("holds 7 units")
        page.get_by_role("link", name="Make a task").click()
        expect(page).to_have_url(server.url + "#/tasks?sample=by+hand")


def test_other_kinds_and_nothing_found(page: Page) -> None:
    page.get_by_role("navigation", name="Kinds of units").get_by_role("link", name="post").click()
    total(page, "45 units")
    expect(page.get_by_role("gridcell").first).to_contain_text("<script>alert('caption')</script>")
    expect(page.get_by_role("heading", name="author")).to_be_visible()
    shoot(page, "posts")
    assert page.locator(".toast").count() == 0
    page.get_by_role("searchbox").fill("no such words")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("Nothing is left under these filters")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    total(page, "45 units")
