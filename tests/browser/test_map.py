"""The map: search, a lasso, a sample, a task, and a code; by mouse, and by keyboard alone."""

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browsing import TABLET, Served, serve, shoot
from handcoding import open_task, press, saved
from playwright.sync_api import Page, expect

from studium import Corpus


def open_map(page: Page, url: str, colour: str = "") -> None:
    """The map of the pictures, once its points are there."""
    expect(page.locator("header.screen")).to_be_visible()
    page.goto(f"{url}#/map?of=image{colour and '&colour=' + colour}")
    expect(page.locator("[data-points='44']")).to_be_visible()


def chosen(page: Page) -> int:
    """How many units are chosen, once their ids are there."""
    expect(page.locator("[data-chosen]:not([data-chosen='0'])")).to_be_visible()
    return int(page.locator("[data-chosen]").get_attribute("data-chosen") or 0)


@pytest.mark.slow
def test_from_a_search_over_a_lasso_to_an_annotation(opened: Callable[..., Page], copied: Path) -> None:
    with serve(copied, "--coder", "ann") as server:
        page = opened(server.login)
        expect(page.get_by_role("grid")).to_be_visible()
        page.get_by_label("Search by").select_option("words")
        page.get_by_role("searchbox").fill("sign")
        page.keyboard.press("Enter")
        expect(page.get_by_role("gridcell", name="give_way_sign.png")).to_be_visible()
        open_map(page, server.url)
        expect(page.locator("[data-coloured]")).to_be_visible()  # by cluster, unless something else is asked for
        area = page.locator(".scatter").bounding_box()
        assert area is not None
        left, top, width, height = area["x"], area["y"], area["width"], area["height"]
        page.get_by_role("button", name="Lasso").click()
        corners = [(0.1, 0.05), (0.6, 0.05), (0.6, 0.6), (0.1, 0.6)]
        page.mouse.move(left + 0.1 * width, top + 0.05 * height)
        page.mouse.down()
        for x, y in corners[1:]:
            page.mouse.move(left + x * width, top + y * height, steps=6)
        page.mouse.up()
        n = chosen(page)
        assert 3 < n < 44
        shoot(page, "map")
        page.get_by_role("button", name="Make a sample to code").click()
        page.get_by_label("Name of the sample").fill("looked at")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Make a task").click()
        page.get_by_label("Name of the task").fill("look")
        page.get_by_role("checkbox", name="scene").check()
        shoot(page, "new-task")
        page.get_by_role("button", name="Make the task").click()
        page.get_by_role("link", name="Code it now").click()
        open_task(page, server.url, "look")
        unit = press(page, "3")
        saved(page)
    with Corpus(copied).records() as records:
        assert [(one.unit, one.value, one.weight) for one in records.annotations("scene")] == [(unit, "thing", 1.0)]
        sample = records.samples.get("looked at")
    assert len(sample.units) == n
    assert sample.design["design"] == "purposive"


def test_the_map_by_keyboard(opened: Callable[..., Page], served: Served) -> None:
    page = opened(served.login)
    open_map(page, served.url, "-")
    page.get_by_role("application").focus()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight"):
        page.keyboard.press(key)
    near = page.get_by_role("region", name="Nearest to the cursor").get_by_role("link")
    expect(near.first).to_be_visible()
    page.keyboard.press("Enter")
    assert chosen(page) == 1
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Choose all in view").click()
    assert chosen(page) == 44
    page.get_by_role("application").focus()
    for _ in range(6):
        page.keyboard.press("+")
    page.get_by_role("button", name="Choose all in view").click()
    expect(page.locator("[data-chosen='44']")).to_have_count(0)
    assert chosen(page) < 44


def test_a_point_tells_which_unit_it_is(opened: Callable[..., Page], served: Served) -> None:
    page = opened(served.login, size=TABLET, scheme="dark")
    open_map(page, served.url)
    expect(page.get_by_role("list", name="Colours")).to_be_visible()  # it comes later, and takes of the map's width
    area = page.locator(".scatter").bounding_box()
    assert area is not None
    (table,) = [one["table"] for one in page.request.get(f"{served.url}api/maps?of=image").json()]
    told = page.request.get(f"{served.url}api/maps/{table}?of=image").json()
    x, y = (np.frombuffer(b64decode(told[name]), "<f4") for name in "xy")
    half = float(max(np.ptp(x), np.ptp(y))) / 2
    scale = 0.47 * min(area["width"], area["height"]) / half
    page.mouse.move(
        area["x"] + area["width"] / 2 + scale * float(x[0] - (x.min() + x.max()) / 2),
        area["y"] + area["height"] / 2 - scale * float(y[0] - (y.min() + y.max()) / 2),
    )
    expect(page.locator(".tip img")).to_be_visible()
    shoot(page, "map-tablet-dark")


def test_without_webgl_the_page_says_so(opened: Callable[..., Page], served: Served) -> None:
    page = opened()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")  # as a browser without WebGL answers
    page.goto(served.login)
    expect(page.locator("header.screen")).to_be_visible()
    page.goto(f"{served.url}#/map?of=image")
    expect(page.get_by_role("alert")).to_contain_text("no WebGL")
    expect(page.get_by_role("main").get_by_role("link", name="gallery")).to_be_visible()
