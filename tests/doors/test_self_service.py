"""What somebody sees and may do in self service: the own tickets, told and shown only what is for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.conftest import Caller
from tests.support.organisation import Organisation
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role
from workwire.kernel.actor import Actor, UserType
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands import FileWish, TagWish
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work.commands import ContactWish
from workwire.rooms.work.models import WorkItem

PASSWORD = "4V7MJ6TGudVeZ0gY"


@pytest.fixture
def sam(organisation: Organisation, actors: dict[str, Actor]) -> Caller:
    """Somebody of the first customer in self service."""
    roles = list(Role.objects.filter(name="Self Service"))
    user = access.create_user(
        "sam", "Sam Ortiz", roles, password=PASSWORD, user_type=UserType.SELF_SERVICE, by=actors["administrator"]
    )
    access.change_members(organisation.customers[0].group, add=[user], by=actors["administrator"])
    return Caller(sessions.log_in("sam", PASSWORD, address="127.0.0.1"))


@pytest.fixture
def ticket(sam: Caller, organisation: Organisation) -> dict[str, Any]:
    """A ticket that Sam asked for."""
    wish = {
        "process_version": str(organisation.customers[0].ticket_version.guid),
        "category": str(organisation.customers[0].category.guid),
        "title": "Where is my money?",
        "submit": True,
    }
    answer = sam.api("POST", "/tickets", wish)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_who_asks_follows_the_own_tickets_and_no_others(
    sam: Caller, member: Caller, ticket: dict[str, Any], organisation: Organisation
) -> None:
    wish = {"process_version": str(organisation.customers[0].ticket_version.guid), "title": "Of somebody else"}
    other = member.api("POST", "/tickets", wish).json()
    assert [row["guid"] for row in sam.api("GET", "/work-items").json()["items"]] == [ticket["guid"]]
    assert sam.api("GET", f"/work-items/{other['guid']}").status_code == 404
    assert ticket["started_by_method"] == "self_service_user"


def test_what_was_submitted_is_changed_by_who_works_on_it(sam: Caller, ticket: dict[str, Any]) -> None:
    path = f"/work-items/{ticket['guid']}"
    for method, where, body in (
        ("PATCH", path, {"title": "Mine"}),
        ("POST", f"{path}/take", {}),
        ("POST", f"{path}/resolve", {}),
        ("POST", f"{path}/wait", {"for": "information"}),
        ("POST", f"{path}/mails", {"to": ["a@b.example"], "subject": "x"}),
    ):
        assert sam.api(method, where, body).status_code == 403, where
    assert sam.api("GET", path).json()["title"] == "Where is my money?"


def test_comments_are_seen_and_written_notes_and_history_are_not(
    sam: Caller, member: Caller, ticket: dict[str, Any]
) -> None:
    path = f"/work-items/{ticket['guid']}/communications"
    assert member.api("POST", path, {"body": "Sam is a nuisance."}).status_code == 201
    mail = {"kind": "email_incoming", "body": "From the bank.", "sender_address": "bank@example.com"}
    assert member.api("POST", path, mail).status_code == 201
    said = sam.api("POST", path, {"body": "Any news?"})
    assert (said.status_code, said.json()["kind"]) == (201, "self_service_comment")
    assert [row["body"] for row in sam.api("GET", path).json()["items"]] == ["Any news?", "From the bank."]
    assert len(member.api("GET", path).json()["items"]) == 3
    note = member.api("GET", path).json()["items"][-1]["guid"]
    assert sam.api("GET", f"/communications/{note}").status_code == 404
    assert sam.webapi("PacketCommunication/GetCommunication", CommunicationGUID=note).status_code == 404
    assert sam.api("GET", f"/work-items/{ticket['guid']}/events").status_code == 403


def test_files_of_a_hidden_tag_and_hidden_contact_tags_are_not_shown(
    sam: Caller, ticket: dict[str, Any], actors: dict[str, Actor]
) -> None:
    admin, item = actors["administrator"], WorkItem.objects.get(guid=ticket["guid"])
    hidden = files.create_tag("Internal", is_hidden=True, by=admin)
    secret = work.attach_file(item, FileWish(data=b"x", file_name="s.txt", tags=(TagWish(hidden.guid),)), by=admin)
    work.attach_file(item, FileWish(data=b"y", file_name="open.txt"), by=admin)
    tag = parties.create_contact_tag("Difficult", by=admin)
    parties.update_contact_tag(tag, show_to_self_service=False, by=admin)
    contact = parties.create_contact("b@example.com", by=admin)
    work.update(item, by=admin, contacts=[ContactWish(contact.guid, (work.TagWish(tag.guid),))])
    path = f"/work-items/{ticket['guid']}"
    assert [row["file_name"] for row in sam.api("GET", f"{path}/files").json()["items"]] == ["open.txt"]
    for where in (f"/files/{secret.guid}", f"/files/{secret.guid}/content"):
        assert sam.api("GET", where).status_code == 404
    assert [row["tags"] for row in sam.api("GET", f"{path}/contacts").json()["items"]] == [[]]
    shown = sam.webapi("Ticket/Get", TicketGUID=ticket["guid"]).json()
    assert [file["FileName"] for file in shown["Files"]] == ["open.txt"]
    assert "Difficult" not in str(shown)
