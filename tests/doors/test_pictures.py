"""The picture of an account through the REST API."""

from __future__ import annotations

import base64
from collections.abc import Callable

from tests.doors.conftest import Caller
from tests.support import pictures
from tests.support.organisation import Organisation


def test_a_picture_is_set_got_and_removed(organisation: Organisation, caller: Callable[[str], Caller]) -> None:
    member, admin = caller("team member"), caller("administrator")
    here = f"/users/{organisation.accounts['team member'].user.guid}/picture"
    assert member.api("GET", here).status_code == 404
    assert member.api("PUT", "/me/picture", {"picture": _written(pictures.jpeg())}).status_code == 204
    for one in (member, admin):
        answer = one.api("GET", here)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert pictures.PLACE not in answer.content
    assert caller("process builder").api("GET", here).status_code == 200  # who may name the account
    assert member.api("DELETE", here).status_code == 403
    assert admin.api("DELETE", here).status_code == 204
    assert member.api("GET", here).status_code == 404
    assert member.api("PUT", "/me/picture", {"picture": _written(pictures.png())}).status_code == 204
    assert member.api("DELETE", "/me/picture").status_code == 204
    assert member.api("GET", here).status_code == 404


def test_what_is_no_picture_is_refused_with_its_field(caller: Callable[[str], Caller]) -> None:
    member = caller("team member")
    for written, code in (
        ("no base64!", "picture_unreadable"),
        (_written(b"<svg/>"), "picture_unreadable"),
        (_written(pictures.gif(5000, 5000)), "picture_too_wide"),
    ):
        answer = member.api("PUT", "/me/picture", {"picture": written})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["field"] == "picture"
    assert member.api("PUT", "/me/picture", {"picture": _written(bytes(250 * 1024))}).status_code == 422


def _written(content: bytes) -> str:
    return base64.b64encode(content).decode()
