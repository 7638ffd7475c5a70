"""The unit page: every column with its recipe, boxes, a video in time, hostile texts; and the codebook page."""

from collections.abc import Callable

from browsing import TABLET, Served, shoot, until
from playwright.sync_api import Page, expect
from studied import CAPTION


def show(page: Page, kind: str, index: int = 0) -> None:
    """Open a unit from the gallery of its kind."""
    page.get_by_role("navigation", name="Kinds of units").get_by_role("link", name=kind).click()
    page.locator(f"[data-index='{index}'] a").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def time_of(page: Page) -> float:
    return float(page.get_by_role("slider", name="Time").get_attribute("aria-valuenow") or -1)


def test_a_picture_with_its_columns_recipes_and_boxes(page: Page) -> None:
    show(page, "image")
    expect(page.get_by_role("heading", level=1)).to_have_text('"><img src=x onerror=alert(1)>.png')
    colour = page.get_by_role("region", name="colour-")
    expect(colour).to_contain_text("brightness_mean")
    colour.get_by_text("Recipe").click()
    expect(colour).to_contain_text("version")
    expect(page.get_by_role("region", name="embed-").first).to_contain_text("vector of")
    boxes = page.get_by_role("group", name="What was found in the picture").get_by_role("link")
    expect(boxes).to_have_count(3)
    picture, box = page.locator("figure img").bounding_box(), page.locator("rect.line").bounding_box()
    assert picture is not None
    assert box is not None
    assert abs((box["y"] - picture["y"]) / picture["height"] - 80 / 200) < 0.02  # of a picture 200 px high
    shoot(page, "unit")
    page.get_by_label("objects").uncheck()
    expect(boxes).to_have_count(1)
    boxes.first.click()
    expect(page.get_by_text("<i>ABC</i>").first).to_be_visible()
    page.get_by_role("link", name="image ").click()
    expect(page.get_by_role("heading", level=1)).to_have_text('"><img src=x onerror=alert(1)>.png')


def test_hostile_captions_are_text_and_nothing_is_cut(page: Page) -> None:
    show(page, "image")
    post = page.get_by_role("article")
    expect(post.locator("summary")).to_contain_text("<script>alert('caption')</script>")
    post.locator("summary").click()
    assert (post.locator("details p").text_content() or "") == CAPTION
    assert page.evaluate("document.querySelectorAll('main script, main img[src=x]').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_video_in_time(page: Page) -> None:
    show(page, "video")
    slider = page.get_by_role("slider", name="Time")
    until(page, "document.querySelector('video').readyState >= 1")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "0:01.0 of 0:10.0, shot 1 of 6")
    page.keyboard.press("PageDown")
    expect(slider).to_have_attribute("aria-valuetext", "0:01.2 of 0:10.0, shot 2 of 6")
    page.get_by_role("button", name="<b>Bold</b>").click()
    until(page, "Math.abs(document.querySelector('video').currentTime - 3) < 0.05")
    current = page.locator("[aria-current=true]")
    expect(current).to_contain_text("<b>Bold</b> one of them turns left.")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(current).to_have_attribute("aria-current", "true")
    assert abs(time_of(page) - 6.4) < 0.1
    shoot(page, "video")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 8)
    assert abs(time_of(page) - 5) < 0.1
    slider.focus()
    page.keyboard.press("Space")
    until(page, "!document.querySelector('video').paused")
    until(page, "document.querySelector('video').currentTime > 5.3")
    page.keyboard.press("Space")
    until(page, "document.querySelector('video').paused")
    expect(page.get_by_role("list", name="Frames").get_by_role("link")).to_have_count(10)
    page.get_by_role("list", name="Frames").get_by_role("link").nth(2).click()
    page.get_by_role("link", name="video bikes").click()
    until(page, "Math.abs(document.querySelector('video')?.currentTime - 2) < 0.1")


def test_a_unit_that_failed_says_so(page: Page, served: Served, forgiven: list[str]) -> None:
    page.goto(served.url + "#/failures")
    page.get_by_role("link", name="media/broken.png").first.click()
    expect(page.get_by_role("heading", name="Could not be measured")).to_be_visible()
    expect(page.get_by_text("There is no picture to show")).to_be_visible()
    forgiven.append(r"status of 404 .*/api/units/0+$")
    page.goto(served.url + "#/units/" + "0" * 64)
    expect(page.get_by_role("alert")).to_contain_text("has no unit")


def test_on_a_tablet_at_night(opened: Callable[..., Page], served: Served) -> None:
    page = opened(served.login, TABLET, "dark")
    show(page, "video")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, "video-tablet-dark")


def test_the_codebook_can_be_read_and_printed(page: Page, served: Served) -> None:
    page.goto(served.url + "#/codebook")
    expect(page.get_by_role("heading", name="What does the picture mainly show?")).to_be_visible()
    expect(page.get_by_text("A made thing <b>is</b> the main subject.")).to_be_visible()
    shoot(page, "codebook")
    with page.expect_download() as got:
        page.get_by_role("link", name="Markdown").click()
    assert "What does the picture mainly show?" in got.value.path().read_text()
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
