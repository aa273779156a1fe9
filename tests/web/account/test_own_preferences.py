"""The page of one's own account: what is chosen counts at once, and wrong values change nothing."""

from __future__ import annotations

import pytest

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access.models import User
from workwire.reactions.notices.models import Kind, UnwantedKind

ALL = {f"notice-{kind.value}": "on" for kind in Kind}


def test_language_zone_and_look_are_chosen_and_count_at_once(organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    browser = gallery.signed_in(account)
    assert "As the browser says: English" in browser.get("/settings/me").content.decode()
    sent = {"language": "de", "time_zone": "Asia/Tokyo", "theme": "dark", "density": "comfortable"} | ALL
    answer = browser.post("/settings/me", sent)
    assert (answer.status_code, answer["Location"]) == (303, "/settings/me")
    shown = browser.get("/work?view=all").content.decode()
    assert '<html lang="de"' in shown
    assert 'data-theme="dark"' in shown
    assert 'data-density="comfortable"' in shown
    assert "Asia/Tokyo" in shown
    browser.post("/settings/me", {"language": "", "time_zone": "", "theme": "", "density": ""} | ALL)
    assert '<html lang="en"' in browser.get("/work").content.decode()
    user = User.objects.get(pk=account.user.pk)
    assert (user.language, user.time_zone, user.theme, user.density) == ("", "", "", "")


def test_kinds_of_notices_are_chosen(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    kept = {name: value for name, value in ALL.items() if name != "notice-overdue"}
    browser.post("/settings/me", kept)
    assert list(UnwantedKind.objects.values_list("kind", flat=True)) == ["overdue"]
    assert "checked" not in browser.get("/settings/me").content.decode().split('name="notice-overdue"')[1][:60]
    browser.post("/settings/me", ALL)
    assert not UnwantedKind.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"language": "xx"}, {"time_zone": "Mars/Olympus"}, {"theme": "<script>"}, {"density": "a" * 5000}]
)
def test_wrong_values_change_nothing(wrong: dict[str, str], organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    answer = gallery.signed_in(account).post("/settings/me", {"language": "de"} | ALL | wrong)
    assert answer.status_code == 422
    assert "<script>" not in answer.content.decode().replace("<script src", "")
    assert User.objects.get(pk=account.user.pk).language == ""
    assert not UnwantedKind.objects.exists()


def test_nobody_signed_in_is_sent_to_sign_in(organisation: Organisation) -> None:
    from django.test import Client

    assert Client().get("/settings/me").status_code == 302
