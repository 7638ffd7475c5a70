"""Clusters: named, merged, parted again, and looked at in the gallery."""

from collections.abc import Callable
from pathlib import Path

from browsing import TABLET, Served, serve, shoot
from playwright.sync_api import Page, expect


def test_a_cluster_is_named_merged_parted_and_opened(opened: Callable[..., Page], copied: Path) -> None:
    with serve(copied, "--coder", "ann") as server:
        page = opened(server.login)
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        page.goto(server.url + "#/clusters?of=image")
        cards = page.locator("[data-cluster]")
        expect(cards.nth(1)).to_be_visible()
        n = cards.count()
        first, second = (cards.nth(at).get_attribute("data-cluster") for at in (0, 1))
        one, other = page.locator(f"[data-cluster='{first}']"), page.locator(f"[data-cluster='{second}']")
        sizes = [int((card.locator("p.hint").inner_text()).split()[0]) for card in (one, other)]
        one.get_by_role("button", name="Rename").click()
        page.keyboard.type("<b>letters</b>")
        page.keyboard.press("Enter")
        expect(one.get_by_role("heading")).to_have_text("<b>letters</b>")
        other.get_by_role("button", name="Merge").click()
        one.get_by_role("button", name="Merge into this").click()
        expect(cards).to_have_count(n - 1)
        expect(one.locator("p.hint")).to_contain_text(f"{sum(sizes)} units")
        shoot(page, "clusters")
        page.reload()
        expect(one.get_by_role("heading")).to_have_text("<b>letters</b>")
        one.get_by_role("link", name="In the gallery").click()
        expect(page.get_by_role("gridcell")).to_have_count(sum(sizes))
        page.go_back()
        one.get_by_role("button", name=f"Part cluster {second} again").click()
        expect(cards).to_have_count(n)
        expect(one.locator("p.hint")).to_contain_text(f"{sizes[0]} units")


def test_clusters_on_a_tablet_in_the_dark(opened: Callable[..., Page], served: Served) -> None:
    page = opened(served.login, size=TABLET, scheme="dark")
    expect(page.get_by_role("button", name="Menu")).to_be_visible()
    page.goto(served.url + "#/clusters?of=image")
    expect(page.locator("[data-cluster]").first).to_be_visible()
    shoot(page, "clusters-tablet-dark")
