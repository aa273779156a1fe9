"""What accounts prefer, through the REST API."""

from __future__ import annotations

from collections.abc import Callable

from tests.doors.conftest import Caller
from tests.support.organisation import Organisation


def test_me_tells_and_changes_what_i_prefer(caller: Callable[[str], Caller], organisation: Organisation) -> None:
    me = caller("team member")
    assert me.api("GET", "/me").json()["language"] is None
    answer = me.api("PATCH", "/me", {"language": "de", "time_zone": "Asia/Tokyo", "density": "comfortable"})
    assert answer.status_code == 200
    told = me.api("GET", "/me").json()
    assert [told[name] for name in ("language", "time_zone", "theme", "density", "manager")] == [
        "de",
        "Asia/Tokyo",
        None,
        "comfortable",
        None,
    ]
    assert me.api("PATCH", "/me", {"language": None}).json()["language"] is None
    refused = me.api("PATCH", "/me", {"time_zone": "Mars/Olympus"})
    assert refused.json()["detail"].startswith("A time zone is written")
    assert (refused.status_code, refused.json()["field"]) == (422, "time_zone")


def test_an_administrator_says_what_an_account_prefers(
    caller: Callable[[str], Caller], organisation: Organisation
) -> None:
    admin = caller("administrator")
    boss = str(organisation.accounts["administrator"].user.guid)
    wish = {"username": "nora", "roles": ["Team Member"], "language": "de", "time_zone": "Asia/Tokyo", "manager": boss}
    made = admin.api("POST", "/users", wish)
    assert made.status_code == 201
    assert {name: made.json()[name] for name in ("language", "time_zone", "manager")} == {
        "language": "de",
        "time_zone": "Asia/Tokyo",
        "manager": boss,
    }
    path = f"/users/{made.json()['guid']}"
    changed = admin.api("PATCH", path, {"language": None, "manager": None, "active": False}).json()
    assert (changed["language"], changed["manager"], changed["active"], changed["time_zone"]) == (
        None,
        None,
        False,
        "Asia/Tokyo",
    )
    assert admin.api("PATCH", path, {"manager": made.json()["guid"]}).status_code == 409


def test_both_apis_speak_the_language_the_account_chose(caller: Callable[[str], Caller]) -> None:
    me = caller("team member")
    me.api("PATCH", "/me", {"language": "de"})
    for answer in (
        me.api("PATCH", "/me", {"time_zone": "Mars/Olympus"}, Accept_Language="en"),
        me.webapi("Ticket/Get", TicketGUID="00000000-0000-0000-0000-000000000001"),
        me.api("GET", "/work-items/00000000-0000-0000-0000-000000000001", Accept_Language="en"),
    ):
        assert answer.headers["Content-Language"] == "de"
    me.api("PATCH", "/me", {"language": None})
    assert me.api("GET", "/me", Accept_Language="de").headers["Content-Language"] == "de"
    assert me.api("GET", "/me").headers["Content-Language"] == "en"
