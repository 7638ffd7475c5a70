"""Signing in: the token leaves the address at once; accounts; what a role opens."""

from collections.abc import Callable

from browsing import Served, shoot, sign_in
from playwright.sync_api import Page, expect
from studied import PASSWORD


def test_the_token_opens_the_app_and_leaves_the_address(opened: Callable[..., Page], served: Served) -> None:
    page = opened(served.login)
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    assert "token" not in page.url
    page.go_back()
    assert "token" not in page.url


def test_without_a_session_every_page_asks_to_sign_in_and_then_opens(
    opened: Callable[..., Page], served: Served
) -> None:
    page = opened(served.url + "#/failures")
    page.get_by_label("Token").fill("not the token of this server, which is another one")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not the server's token")
    page.get_by_label("Token").fill(served.login.partition("token=")[2])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Failures")).to_be_visible()
    page.reload()
    expect(page.get_by_role("cell", name="UnknownFormatError").first).to_be_visible()
    shoot(page, "failures")


def test_a_coder_signs_in_and_sees_what_coders_may(
    opened: Callable[..., Page], together: Served, forgiven: list[str]
) -> None:
    forgiven.append(r"status of 401 .*/api/units")  # of the gallery, as they log out
    page = opened(together.url)
    sign_in(page, "ada", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("no account")
    shoot(page, "login")
    sign_in(page, "ada")
    pages = page.get_by_role("navigation", name="Pages").get_by_role("link")
    expect(pages).to_have_text(["Gallery", "Code", "Codebook"])
    expect(page.get_by_role("grid")).to_be_visible()
    page.goto(together.url + "#/clusters")
    expect(page.get_by_text("Your role, coder, does not open this page")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_an_admin_adds_accounts_and_everybody_changes_their_password(
    opened: Callable[..., Page], together: Served, forgiven: list[str]
) -> None:
    forgiven.append(r"status of 400 .*/api/accounts(/me/password)?$")
    page = opened(together.url + "#/accounts")
    sign_in(page, "dora")
    page.get_by_role("button", name="Add an account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("<b>eve</b>")
    dialog.get_by_label("adjudicator").check()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("got '<b>eve</b>'")
    dialog.get_by_label("Name").fill("eve")
    dialog.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name="eve")
    expect(row.get_by_role("combobox")).to_have_value("adjudicator")
    shoot(page, "accounts")
    row.get_by_role("checkbox").uncheck()
    expect(page.get_by_text("Changed eve")).to_be_visible()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Password of today").fill("wrong")
    page.get_by_label("New password").fill("another horse battery staple")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("old password")
    page.get_by_label("Password of today").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    other = opened(together.url)
    sign_in(other, "eve")
    expect(other.get_by_role("alert")).to_contain_text("no account")
