"""Clusterings judged by people: pairs drawn, coded blind by two, and the result with its intervals."""

from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import serve, shoot
from handcoding import current, finished, open_task, press, saved
from playwright.sync_api import Page, expect

from studium import Corpus

WITHIN, ACROSS = 14, 6


@pytest.fixture
def root(copied: Path) -> Path:
    """A study with two clusterings."""
    Corpus(copied).cluster("image", by="embed:efficientnet-lite0", step=3, threshold=0.2)
    return copied


def draw(page: Page) -> None:
    """Draw pairs of both clusterings, and give them to two coders."""
    page.get_by_role("button", name="Draw pairs").click()
    page.get_by_label("Name").fill("check")
    page.get_by_label("Pairs within clusters").fill(str(WITHIN))
    page.get_by_label("Pairs of any two units").fill(str(ACROSS))
    expect(page.get_by_role("checkbox")).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.check()
    shoot(page, "pairs-draw")
    page.get_by_role("button", name="Draw the pairs").click()
    page.get_by_role("link", name="Give them to coders").click()
    page.get_by_label("Name of the task").fill("check")
    page.get_by_role("checkbox", name="same_content").check()
    page.get_by_label("Coders", exact=True).fill("ann, ben")
    page.get_by_role("button", name="Make the task").click()


@pytest.mark.slow
def test_pairs_from_the_draw_to_the_result(opened: Callable[..., Page], root: Path) -> None:
    corpus = Corpus(root)
    first = corpus.store.tables("image")
    clusterings = [table for table in first if table.recipe.name == "cluster"]
    kept = clusterings[0].read(["unit", "cluster"]).to_pylist()
    cluster = {row["unit"]: row["cluster"] for row in kept}
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login)
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        page.goto(server.url + "#/pairs")
        draw(page)
        expect(page.get_by_role("link", name="Code it now")).to_be_visible()
    n = 0
    for coder in ("ann", "ben"):
        with serve(root, "--coder", coder) as server:
            page = opened(server.login)
            open_task(page, server.url, "check")
            expect(page.locator(".sized img")).to_have_count(2)
            if coder == "ann":
                shoot(page, "coding-pairs")
            assert not page.get_by_role("main").get_by_text("cluster").count()  # blind
            while not finished(page):
                one, other = current(page).split("+")
                same = cluster.get(one, -1) == cluster.get(other, -2)
                press(page, "1" if same else "2")
                n += 1
            saved(page)
    with serve(root, "--coder", "ann") as server:
        page = opened(server.login)
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        page.goto(server.url + "#/pairs/check")
        result = page.locator("[data-result='check']")
        expect(result).to_be_visible()
        expect(result.get_by_text("krippendorff alpha")).to_be_visible()
        row = result.get_by_role("row").filter(has_text=clusterings[0].recipe.key)
        expect(row.first).to_contain_text("1.000")  # the coders said what this clustering says
        expect(result.locator("[data-differences] tbody tr")).to_have_count(4)
        shoot(page, "pairs-result")
    assert n >= 2 * (WITHIN + ACROSS) * 0.6
    with Corpus(root).records() as records:
        assert len(records.annotations("same_content")) == n
