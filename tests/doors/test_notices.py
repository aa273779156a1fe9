"""Notices through the REST API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.doors.conftest import Caller
from tests.reactions.test_notices import MEMBER, give
from tests.support.organisation import Organisation
from workwire.kernel.actor import Actor
from workwire.rooms.work.models import WorkItem


def test_the_api_lists_counts_and_reads(
    open_ticket: Callable[..., WorkItem],
    actors: dict[str, Actor],
    organisation: Organisation,
    caller: Callable[[str], Caller],
) -> None:
    ticket = open_ticket()
    give(3, ticket, actors[MEMBER])
    member = caller(MEMBER)

    def ask(method: str, path: str, body: Any = None) -> Any:
        answer = member.api(method, path, body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    page = ask("GET", "/notices?limit=2")
    rest = ask("GET", f"/notices?limit=2&cursor={page['next_cursor']}")
    guids = [row["guid"] for row in page["items"] + rest["items"]]
    assert (len(guids), rest["next_cursor"]) == (3, None)
    assert page["items"][0] | {"guid": "", "occurred_at": "", "parameters": {}} == {
        "guid": "",
        "kind": "assigned",
        "reason": "assignee",
        "parameters": {},
        "sentence": f"Petra Nilsen assigned {ticket.reference} to you.",
        "why": "You are told because you are the assignee.",
        "work_item": str(ticket.guid),
        "subscription": None,
        "occurred_at": "",
        "read_at": None,
    }
    assert ask("GET", "/notices/unread") == {"unread": 3, "more": False}
    read = ask("POST", f"/notices/{guids[0]}/read")["read_at"]
    assert read is not None
    assert ask("POST", f"/notices/{guids[0]}/read")["read_at"] == read
    assert [row["guid"] for row in ask("GET", "/notices?unread=true")["items"]] == guids[1:]
    assert ask("POST", "/notices/read", {"until": guids[2]}) == {"read": 1}
    assert ask("POST", "/notices/read", {}) == {"read": 1}
    assert ask("GET", "/notices/unread") == {"unread": 0, "more": False}
    assert caller("process builder").api("POST", f"/notices/{guids[0]}/read").status_code == 404
    assert ask("PUT", "/notices/kinds/overdue", {"wanted": False})["wanted"] is False
    assert [row["kind"] for row in ask("GET", "/notices/kinds")["items"] if not row["wanted"]] == ["overdue"]
    assert member.api("PUT", "/notices/kinds/other", {"wanted": False}).status_code == 422
