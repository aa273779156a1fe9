"""The page of one's own picture, and how pictures are shown and given out."""

from __future__ import annotations

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.support import pictures
from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.access.models import AccountPicture
from workwire.access.picture_files import MOST_BYTES
from workwire.rooms.work import commands as work

PAGE = "/settings/picture"


def _send(browser: Client, content: bytes) -> int:
    return browser.post(PAGE, {"picture": SimpleUploadedFile("me.png", content)}).status_code


def _shown(browser: Client, address: str = "/work") -> list[str]:
    return re.findall(r'<img class="person [^"]*" src="([^"]+)"', browser.get(address).content.decode())


def test_a_picture_takes_the_place_of_the_initials_until_it_is_removed(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    assert _shown(browser) == []
    assert _send(browser, pictures.png()) == 303
    (address,) = _shown(browser)
    answer = browser.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert pictures.PLACE not in answer.content
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].startswith("private, max-age=")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    _send(browser, pictures.gif())
    assert _shown(browser) != [address]
    assert browser.post("/settings/picture/remove").status_code == 303
    assert _shown(browser) == []
    assert browser.get(address).status_code == 404


def test_what_is_no_small_picture_is_refused_beside_the_field(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    for content, words in (
        (b"<svg/>", "This is no whole picture"),
        (pictures.png(2000, 1), "at most 1024 pixels"),
        (bytes(MOST_BYTES + 1), "at most 200 KiB"),
        (b"", "empty"),
    ):
        answer = browser.post(PAGE, {"picture": SimpleUploadedFile("me.png", content)})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert browser.post(PAGE).status_code == 422
    assert not AccountPicture.objects.exists()


def test_in_self_service_others_do_not_see_it_and_who_manages_accounts_removes_it(organisation: Organisation) -> None:
    accounts = gallery.accounts(organisation)
    _send(gallery.signed_in(accounts["team member"]), pictures.png())
    user = accounts["team member"].user
    page = f"/administration/accounts/{user.guid}"
    assert gallery.signed_in(accounts["self service"]).get(f"/pictures/{user.guid}").status_code == 404
    assert Client().get(f"/pictures/{user.guid}").status_code == 302
    member = gallery.signed_in(accounts["process builder"])
    assert member.get(f"/pictures/{user.guid}").status_code == 200
    admin = gallery.signed_in(accounts["administrator"])
    (address,) = _shown(admin, page)
    assert admin.get(address).status_code == 200
    assert admin.post(f"{page}/remove-picture").status_code == 303
    assert not AccountPicture.objects.exists()
    assert "Remove the picture" not in admin.get(page).content.decode()


def test_lists_show_the_pictures_there_are_but_not_in_self_service(organisation: Organisation) -> None:
    accounts = gallery.accounts(organisation)
    tomas, sam = accounts["team member"], accounts["self service"]
    mine = gallery.signed_in(tomas)
    _send(mine, pictures.png())
    shown = f'src="/pictures/{tomas.user.guid}?v='
    admin = gallery.signed_in(accounts["administrator"])
    listed = admin.get("/administration/accounts", headers={"HX-Request": "true", "HX-Target": "list"}).content.decode()
    assert listed.count(shown) == 1
    by, customer = sessions.actor_for(sam.user), organisation.customers[0]
    wish = {"title": "With a picture", "category_guid": customer.category.guid}
    made = work.create_ticket(customer.ticket_version.guid, by=by, submit=True, **wish)
    work.assign(made, tomas.user, by=sessions.actor_for(accounts["administrator"].user))
    for address in (f"/work/{made.guid}", "/work?view=all"):
        assert shown in admin.get(address).content.decode()
        hers = gallery.signed_in(sam).get(address)
        assert hers.status_code == 200
        assert "With a picture" in hers.content.decode()
        assert "/pictures/" not in hers.content.decode()
