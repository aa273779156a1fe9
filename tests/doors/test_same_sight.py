"""One policy behind two doors: every kind of account sees the same through both APIs, for every kind of record in both.

A refusal, a NotFound and an empty list are the same here: nothing is seen. What self service is not meant to see is hidden by
both, and is there for who works, so that hiding everything would not pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.doors.conftest import Caller
from tests.doors.stage import ROWS, Stage
from tests.doors.test_matrix import callers, stage
from tests.support.organisation import Organisation
from workwire.access import sessions
from workwire.kernel.actor import Actor
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands import FileWish, TagWish
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import ChecklistItem, WorkItem

__all__ = ["callers", "stage"]
See = Callable[[Caller, Stage], Any]


@pytest.fixture
def shown(stage: Stage, callers: dict[str, Caller], organisation: Organisation, actors: dict[str, Actor]) -> Stage:
    """The stage, and a ticket that self service asked for, with all that it must not see in it."""
    admin, member = actors["administrator"], actors["team member"]
    wish = {"process_version": stage["ticket_version"], "category": stage["category"], "title": "Where is it?"}
    asked = callers["self service"].api("POST", "/tickets", wish | {"submit": True}).json()
    item = WorkItem.objects.get(guid=asked["guid"])
    hidden = files.create_tag("Internal", is_hidden=True, by=admin)
    open_tag = files.create_tag("Proof", by=admin)
    tag = parties.create_contact_tag("Difficult", by=admin)
    parties.update_contact_tag(tag, show_to_self_service=False, by=admin)
    contact = parties.create_contact("b@example.com", by=admin)
    for name, tags in (("hidden.txt", (hidden, open_tag)), ("open.txt", (open_tag,)), ("plain.txt", ())):
        given = tuple(TagWish(one.guid) for one in tags)
        work.attach_file(item, FileWish(data=b"x", file_name=name, note=f"on {name}", tags=given), by=admin)
    work.update(item, by=admin, contacts=[work.ContactWish(contact.guid, (work.TagWish(tag.guid),))])
    attached = [
        FileWish(data=b"a", file_name="secret offer.pdf", note="do not show", tags=(TagWish(hidden.guid),)),
        FileWish(data=b"b", file_name="answer.pdf", note="for you"),
    ]
    mail = conversations.send_mail(
        item,
        conversations.Mail(
            to=["sam@example.com"],
            subject="About it",
            body="Here.",
            blind_copies=["boss@example.com"],
            attachments=attached,
        ),
        by=admin,
    )
    note = conversations.add(item, by=member, body="Sam is a nuisance.")
    call = conversations.add(item, by=member, body="Sam rang.", kind=CommunicationType.PHONE_INCOMING)
    more: dict[str, Any] = {
        "asked": item,
        "mail": mail,
        "note": note,
        "call": call,
        "hidden_tag": hidden,
        "hidden_contact_tag": tag,
    }
    more["checked"] = ChecklistItem.objects.get(guid=stage["checklist"]).item
    return stage | {name: str(record.guid) for name, record in more.items()}


def _rest(path: str, read: Callable[[Any], Any]) -> See:
    def see(caller: Caller, names: Stage) -> Any:
        answer = caller.api("GET", path.format(**names))
        return read(answer.json()) if answer.status_code == 200 else _nothing(answer, read, 404)

    return see


def _documented(operation: str, read: Callable[[Any], Any], method: str = "GET", **query: str) -> See:
    def see(caller: Caller, names: Stage) -> Any:
        wish = {name: value.format(**names) for name, value in query.items()}
        answer = caller.webapi(operation, wish, method="POST") if method == "POST" else caller.webapi(operation, **wish)
        if answer.status_code == 200:
            return read(answer.json())
        return _nothing(answer, read, ROWS[operation].absent if operation in ROWS else 404)

    return see


def _nothing(answer: Any, read: Callable[[Any], Any], absent: int) -> Any:
    assert answer.status_code in (403, absent), answer.content
    return set() if getattr(read, "of_a_list", False) else None


def _each(read: Callable[[Any], Any], rows: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What is read of each row, as a set; of no row where nothing is seen."""

    def all_of(content: Any) -> Any:
        return {read(row) for row in rows(content)}

    all_of.of_a_list = True  # type: ignore[attr-defined] # told apart from one record
    return all_of


def _items(content: Any) -> Any:
    assert content["next_cursor"] is None
    return content["items"]


def _key(*names: str) -> Callable[[Any], Any]:
    return lambda row: tuple(tuple(sorted(found)) if isinstance(found := row[name], list) else found for name in names)


def _tagged(row: Any) -> Any:
    return row["GUID"], tuple(sorted(tag["GUID"] for tag in row["Tags"]))


def _said(row: Any) -> Any:
    names = ("guid", "subject", "body", "recipients", "copies", "blind_copies", "attachment_count")
    return *(row[name] for name in names), tuple(sorted(row["attachments"]))


def _said_in_full(row: Any) -> Any:
    names = ("GUID", "Subject", "Body", "To", "CCs", "BCCs", "AttachmentCount")
    return *(row[name] for name in names), tuple(sorted(one["GUID"] for one in row["Attachments"]))


def _contexts(content: Any) -> Any:
    for customer in content:
        for contract in customer["Contracts"]:
            for service in contract["Services"]:
                yield from (process["AttributeGUID"] for process in service["Processes"])


def _of_item(kind: str, name: str) -> tuple[See, See]:
    return (
        _rest(f"/work-items/{{{name}}}", _key("guid", "title")),
        _documented(f"{kind}/Get", _key("GUID", "Title"), **{f"{kind}GUID": f"{{{name}}}"}),
    )


_IN_ASKED = {"TicketGUID": "{asked}"}
SIGHTS: dict[str, tuple[See, See]] = {
    "a ticket": _of_item("Ticket", "ticket"),
    "a ticket asked for": _of_item("Ticket", "asked"),
    "a draft case": _of_item("Case", "draft_case"),
    "a case": _of_item("Case", "case"),
    "an action": _of_item("Action", "action"),
    "files": (
        _rest("/work-items/{asked}/files", _each(_key("guid", "file_name", "note", "tags"), _items)),
        _documented(
            "Ticket/Get",
            _each(
                lambda row: (
                    row["GUID"],
                    row["FileName"],
                    row["Note"],
                    tuple(sorted(one["GUID"] for one in row["Tags"])),
                ),
                lambda content: content["Files"],
            ),
            **_IN_ASKED,
        ),
    ),
    "contacts": (
        _rest("/work-items/{asked}/contacts", _each(_key("guid", "tags"), _items)),
        _documented("Ticket/Get", _each(_tagged, lambda content: content["Contacts"]), **_IN_ASKED),
    ),
    "communications": (
        _rest("/work-items/{asked}/communications", _each(_key("guid", "body", "attachment_count"), _items)),
        _documented(
            "PacketCommunication/GetCommunications",
            _each(_key("GUID", "Body", "AttachmentCount"), lambda content: content),
            PacketGUID="{asked}",
        ),
    ),
    **{
        name: (
            _rest(f"/communications/{{{name}}}", _said),
            _documented("PacketCommunication/GetCommunication", _said_in_full, CommunicationGUID=f"{{{name}}}"),
        )
        for name in ("mail", "note", "call", "communication")
    },
    "defects": (
        _rest("/work-items/{taken}/defects", _each(_key("guid", "description", "category", "party"), _items)),
        _documented(
            "Ticket/Get",
            _each(
                lambda row: (
                    row["GUID"],
                    row["Description"],
                    row["DefectCategory"]["GUID"],
                    row["DefectPartyAtFaultOption"]["GUID"],
                ),
                lambda content: content["Defects"],
            ),
            TicketGUID="{taken}",
        ),
    ),
    "a checklist": (
        _rest("/work-items/{checked}/checklist", _each(_key("guid", "note"), _items)),
        _documented(
            "Action/Get",
            _each(lambda row: (row["GUID"], row["Note"]), lambda content: content["Checklist"]),
            ActionGUID="{checked}",
        ),
    ),
    "launchable actions": (
        _rest("/work-items/{case}/launchable-actions", _each(_key("guid", "instructions"), _items)),
        _documented(
            "Case/GetLaunchableActions", _each(_key("GUID", "Instruction"), lambda content: content), CaseGUID="{case}"
        ),
    ),
    "file tags": (
        _rest("/file-tags", _each(_key("guid", "name", "is_hidden"), _items)),
        _documented("FileTagConfiguration/GetAll", _each(_key("GUID", "Name", "IsHidden"), lambda content: content)),
    ),
    "contact tags": (
        _rest("/contact-tags", _each(_key("guid", "name"), _items)),
        _documented("ContactTagConfiguration/GetAll", _each(_key("GUID", "Name"), lambda content: content)),
    ),
    "service lines": (
        _rest("/service-lines", _each(_key("guid", "name"), _items)),
        _documented("ServiceLine/GetAll", _each(_key("GUID", "Name"), lambda content: content)),
    ),
    **{
        f"processes of {kind}s": (
            _rest(f"/process-versions?kind={kind}", _each(lambda row: row["guid"], _items)),
            _documented("Packet/GetContexts", _each(str, _contexts), ProcessType=kind.title()),
        )
        for kind in ("ticket", "case")
    },
    "accounts": (
        _rest("/accounts?search=e&limit=100", _each(lambda row: row["guid"], _items)),
        _documented(
            "Search/FreeTextContactSearch",
            _each(
                lambda row: row["UserGUID"],
                lambda content: (row for row in content if row["UserType"] != "None"),
            ),
            method="POST",
            Search="e",
            MaximumResults="200",
        ),
    ),
    "outside contacts": (
        _rest("/contacts?search=example&limit=100", _each(lambda row: row["guid"], _items)),
        _documented(
            "Search/FreeTextContactSearch",
            _each(
                lambda row: row["UserGUID"],
                lambda content: (row for row in content if row["UserType"] == "None"),
            ),
            method="POST",
            Search="example",
            MaximumResults="200",
        ),
    ),
    "subscriptions": (
        _rest("/subscriptions", _each(lambda row: row["guid"], _items)),
        _documented(
            "WebHookSubscription/GetAllWebhookSubscriptions", _each(lambda row: row["GUID"], lambda content: content)
        ),
    ),
    "a subscription": (
        _rest("/subscriptions/{subscription}", _key("guid", "url")),
        _documented(
            "WebHookSubscription/GetWebhookSubscription",
            lambda content: _key("GUID", "SubscriberURL")(content.get("Result") or content),
            WebhookSubscriptionGUID="{subscription}",
        ),
    ),
}


@pytest.mark.parametrize("kind", SIGHTS)
def test_every_account_sees_the_same_through_both_apis(kind: str, callers: dict[str, Caller], shown: Stage) -> None:
    one, other = SIGHTS[kind]
    seen = {name: (one(caller, shown), other(caller, shown)) for name, caller in callers.items()}
    assert {name: pair for name, pair in seen.items() if pair[0] != pair[1]} == {}
    assert any(first for first, _ in seen.values()), "nobody sees any, so nothing was compared"


def test_what_self_service_must_not_see_is_shown_by_neither(callers: dict[str, Caller], shown: Stage) -> None:
    sam = callers["self service"]
    mail = {"CommunicationGUID": shown["mail"]}
    told = [
        sam.api("GET", f"/communications/{shown['mail']}").content,
        sam.webapi("PacketCommunication/GetCommunication", **mail).content,
        sam.webapi("PacketCommunication/GetCommunications", PacketGUID=shown["asked"]).content,
        sam.webapi("Ticket/Get", TicketGUID=shown["asked"]).content,
        sam.api("GET", f"/work-items/{shown['asked']}/files").content,
        sam.api("GET", "/contact-tags").content,
        sam.webapi("ContactTagConfiguration/GetAll").content,
        sam.webapi("ContactTagConfiguration/Get", ContactTagGuid=shown["hidden_contact_tag"]).content,
    ]
    secrets = ("secret offer", "do not show", "boss@example.com", "hidden.txt", "nuisance", "Difficult", "Internal")
    assert [(secret, text) for text in told for secret in secrets if secret in text.decode()] == []
    assert b"answer.pdf" in told[1]
    worker = callers["team member"].webapi("PacketCommunication/GetCommunication", **mail).content.decode()
    assert all(text in worker for text in ("secret offer", "do not show", "boss@example.com", "answer.pdf"))


def test_a_right_of_the_actor_and_not_of_the_account_counts(
    organisation: Organisation, shown: Stage, callers: dict[str, Caller]
) -> None:
    """What is hidden depends on the features held now: the same account in another role is shown it."""
    from workwire.access import commands as access
    from workwire.access.models import Role, User

    user = User.objects.get(username="sam")
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.set_roles(user, list(Role.objects.filter(name="Team Member")), by=admin)
    token = sessions.log_in("sam", "4V7MJ6TGudVeZ0gY", address="127.0.0.1")
    answer = Caller(token).api("GET", f"/communications/{shown['mail']}").json()
    assert (answer["blind_copies"], answer["attachment_count"]) == ("boss@example.com", 2)
