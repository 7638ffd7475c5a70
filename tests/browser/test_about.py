"""What coders say of themselves: with words of consent, changed, and taken back; nothing where nothing is asked."""

from collections.abc import Callable

from browsing import Served, shoot, sign_in
from playwright.sync_api import Page, expect

from studium import Corpus

QUESTIONS = """\
consent = "I agree that what I say here is kept with this study. <b>I can take it back.</b>"

[gender]
question = "What is your gender?"
values = ["woman", "man", "non-binary"]

[born]
question = "Where were you born?"
"""


def traits(served: Served) -> dict[str, str]:
    with Corpus(served.root).records() as records:
        return {one.name: one.value for one in records.traits.all() if one.coder == "ada"}


def test_a_coder_tells_changes_and_withdraws(opened: Callable[..., Page], together: Served) -> None:
    (together.root / "coders.toml").write_text(QUESTIONS)
    page = opened(together.url)
    sign_in(page, "ada")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="About me").click()
    expect(page.get_by_text("<b>I can take it back.</b>")).to_be_visible()
    keep = page.get_by_role("button", name="Keep my answers")
    expect(keep).to_be_disabled()
    page.get_by_label("non-binary").check()
    page.get_by_label("Where were you born?").fill("Enschede")
    keep.click()  # without consent the browser asks for it
    assert traits(together) == {}
    page.get_by_label("I agree to this").check()
    shoot(page, "about-me")
    keep.click()
    withdraw = page.get_by_role("button", name="Withdraw all of it")
    expect(withdraw).to_be_visible()
    assert traits(together) == {"gender": "non-binary", "born": "Enschede"}
    page.reload()
    expect(page.get_by_label("non-binary")).to_be_checked()
    page.get_by_label("no answer").check()
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        keep.click()
    assert traits(together) == {"born": "Enschede"}
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        withdraw.click()
    expect(page.get_by_label("Where were you born?")).to_have_value("")
    assert traits(together) == {}
    (together.root / "coders.toml").unlink()
    page.reload()
    expect(page.get_by_text("asks coders nothing")).to_be_visible()
    expect(page.get_by_role("link", name="About me")).to_have_count(0)
