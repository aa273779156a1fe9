"""What is done with a work item in the browser: buttons, forms, refusals, and what stays after each."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.support.organisation import Customer, Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.conversations.models import Communication, CommunicationType
from workwire.rooms.work import commands, queries
from workwire.rooms.work.models import ChecklistResult, ResolutionMethod, Status, WaitType, WorkItem


@pytest.fixture
def ticket(customer: Customer, by: Actor) -> WorkItem:
    """A ticket to do that nobody has."""
    return commands.create_ticket(
        customer.ticket_version.guid, by=by, title="Broken chair", category_guid=customer.category.guid, submit=True
    )


def _now(item: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=item.pk)


def _category(item: WorkItem) -> str:
    found = _now(item).category
    assert found is not None
    return str(found.guid)


def _send(browser: Client, item: WorkItem, deed: str, answered: int = 303, /, **given: object) -> str:
    """Do a deed at the version the item has now; returns what was answered."""
    wish = {"version": _now(item).version} | given
    answer = browser.post(f"/work/{item.guid}/{deed}", wish)
    assert answer.status_code == answered, answer.content.decode()
    if answered == 303:
        assert answer.headers["Location"].startswith(f"/work/{item.reference or item.guid}")
    return answer.content.decode()


def _buttons(browser: Client, item: WorkItem) -> set[str]:
    """The deeds that the page of an item offers."""
    text = browser.get(f"/work/{item.guid}").content.decode()
    return set(re.findall(rf'(?:action|href)="/work/{item.guid}/([a-z-]+)"', text))


def test_a_ticket_is_taken_put_aside_and_resolved(browser: Client, by: Actor, ticket: WorkItem) -> None:
    """work-manager STA-1, STA-4."""
    assert {"take", "resolve", "wait", "update", "say", "mail"} <= _buttons(browser, ticket)
    _send(browser, ticket, "take")
    assert (_now(ticket).status, _now(ticket).assignee_id) == (Status.IN_PROGRESS, by.user_id)
    assert "take" not in _buttons(browser, ticket)
    _send(browser, ticket, "wait", wait_for="information")
    assert (_now(ticket).status, _now(ticket).wait_type) == (Status.WAITING, WaitType.INFORMATION)
    _send(browser, ticket, "take")
    _send(browser, ticket, "resolve", method=ResolutionMethod.NO_CUSTOMER_RESPONSE.value, note="Rang twice.")
    resolved = _now(ticket)
    assert (resolved.status, resolved.resolution_method) == (Status.CLOSED, ResolutionMethod.NO_CUSTOMER_RESPONSE)
    assert "Rang twice." in browser.get(f"/work/{ticket.guid}").content.decode()
    assert _buttons(browser, ticket) == {"say", "mail", "attach", "link"}


def test_what_is_missing_or_wrong_comes_back_beside_its_field(browser: Client, ticket: WorkItem) -> None:
    version = ticket.version
    assert "Say until when." in _send(browser, ticket, "wait", 422, wait_for="date")
    past = f"{clock.now() - timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert "future" in _send(browser, ticket, "wait", 422, wait_for="date", until=past)
    assert "nobody-at-all" in _send(browser, ticket, "assign", 422, user="nobody-at-all").split("people")[0]
    assert "This field is required." in _send(browser, ticket, "reject", 422, reason="")
    missing = _send(browser, ticket, "resolve", 409, method=ResolutionMethod.COMMUNICATION.value)
    assert "A ticket is resolved with a mail or a note" in missing
    assert browser.post(f"/work/{ticket.guid}/take").status_code == 422
    assert _now(ticket).version == version


def test_who_was_slower_is_told_and_changes_nothing(
    browser: Client, organisation: Organisation, ticket: WorkItem
) -> None:
    """work-manager ASG-34: the edit, which would take what nobody had when it was opened, leaves it to who took it."""
    old = ticket.version
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    commands.update(ticket, by=admin, description="Another knew more.")
    wish = {"version": old, "title": "Mine", "description": "", "category": _category(ticket)}
    answer = browser.post(f"/work/{ticket.guid}/update", wish)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Olga Brandt changed this meanwhile." in text
    assert "Another knew more." in text
    assert (_now(ticket).title, _now(ticket).assignee_id) == ("Broken chair", admin.user_id)


def test_the_item_itself_is_edited(browser: Client, ticket: WorkItem) -> None:
    due = clock.now().replace(second=0, microsecond=0) + timedelta(days=9)
    page = browser.get(f"/work/{ticket.guid}/update").content.decode()
    assert "Money › Late payment" in page
    given: dict[str, object] = {"title": "Broken chairs", "description": "Two\r\nof them"}
    given["category"] = _category(ticket)
    _send(browser, ticket, "update", **given | {"due_date": f"{due:%Y-%m-%dT%H:%M}"})
    now = _now(ticket)
    assert (now.title, now.description, now.due_date_overridden) == ("Broken chairs", "Two\nof them", True)
    assert now.due_date == due
    _send(browser, ticket, "update", **given | {"due_date": ""})
    assert not _now(ticket).due_date_overridden


def test_work_changes_hands(organisation: Organisation, ticket: WorkItem, by: Actor) -> None:
    """work-manager ASG-30, ASG-31."""
    leader = gallery.signed_in(organisation.accounts["administrator"])
    page = leader.get(f"/work/{ticket.guid}/assign").content.decode()
    assert '<option value="tomas">Tomas Sato</option>' in page
    _send(leader, ticket, "assign", user="tomas", note="You know the customer.")
    assert _now(ticket).assignee_id == by.user_id
    assert Communication.objects.get(work_item=ticket).body == "You know the customer."
    member = gallery.signed_in(organisation.accounts["team member"])
    _send(member, ticket, "reject", reason="I am away.")
    assert (_now(ticket).assignee_id, _now(ticket).rejected_reason) == (None, "I am away.")
    other = organisation.customers[1].queue
    _send(leader, ticket, "move-to-queue", queue=str(other.guid))
    assert _now(ticket).queue_id == other.pk


def test_a_checklist_is_answered_line_by_line(browser: Client, organisation: Organisation, by: Actor) -> None:
    action = gallery.items(organisation)["action with a checklist"]
    first, second = queries.checklist_of(action)
    for line, answer in ((first, ChecklistResult.YES), (second, ChecklistResult.NO)):
        sent = browser.post(f"/work/{action.guid}/checklist/{line.guid}", {"result": answer.value})
        assert sent.status_code == 303
    noted = {"result": ChecklistResult.NO.value, "note": "The date is missing."}
    assert browser.post(f"/work/{action.guid}/checklist/{second.guid}", noted).status_code == 303
    assert [(one.result, one.note) for one in queries.checklist_of(action)] == [
        (ChecklistResult.YES, "Seen."),
        (ChecklistResult.NO, "The date is missing."),
    ]
    assert _now(action).assignee_id == by.user_id
    assert browser.post(f"/work/{action.guid}/checklist/{second.guid}", {}).status_code == 422


def test_a_case_says_why_it_cannot_end_and_asks_before_it_is_aborted(
    browser: Client, customer: Customer, by: Actor
) -> None:
    case = commands.create_case(customer.case_version.guid, by=by, title="Order", submit=True)
    page = browser.get(f"/work/{case.guid}").content.decode()
    assert "The case cannot be resolved while work under it is open." in page
    asked = browser.get(f"/work/{case.guid}/abort").content.decode()
    assert "closed for good" in asked
    assert "2 open items lie under it." in asked
    refused = browser.get(f"/work/{case.guid}/resolve").content.decode()
    assert "The case cannot be resolved while work under it is open." in refused
    _send(browser, case, "abort")
    assert _now(case).status == Status.CLOSED


def test_notes_calls_and_mails_are_written_at_the_item(
    browser: Client, organisation: Organisation, ticket: WorkItem
) -> None:
    address = f"/work/{ticket.guid}"
    wish = {"kind": CommunicationType.PHONE_INCOMING.value, "body": "They ring again."}
    assert browser.post(f"{address}/say", wish).status_code == 303
    assert browser.post(f"{address}/say", {"kind": 4, "body": "  "}).status_code == 422
    letter = {"to": "ann@example.org, ben@example.org", "copies": "", "subject": "Chair", "body": "It comes on Monday."}
    assert browser.post(f"{address}/mail", letter).status_code == 303
    assert browser.post(f"{address}/mail", letter | {"to": "ann"}).status_code == 422
    said = list(Communication.objects.filter(work_item=ticket).order_by("pk"))
    assert [one.kind for one in said] == [CommunicationType.PHONE_INCOMING, CommunicationType.EMAIL_OUTGOING]
    assert said[1].recipients == "ann@example.org; ben@example.org"
    assert f"[{ticket.reference}]" in browser.get(f"{address}/mail").content.decode()


def test_who_uses_self_service_comments_and_does_nothing_else(organisation: Organisation) -> None:
    accounts, items = gallery.accounts(organisation), gallery.items(organisation)
    sam = accounts["self service"]
    own = commands.create_ticket(
        organisation.customers[0].ticket_version.guid, by=sessions.actor_for(sam.user), title="My chair"
    )
    browser = gallery.signed_in(sam)
    assert {"submit", "discard", "update", "say", "attach"} == _buttons(browser, own)
    assert browser.post(f"/work/{own.guid}/say", {"body": "It hurts."}).status_code == 303
    assert Communication.objects.get(work_item=own).kind == CommunicationType.SELF_SERVICE_COMMENT
    assert browser.get(f"/work/{own.guid}/mail").status_code == 403
    assert browser.post(f"/work/{own.guid}/take", {"version": own.version}).status_code == 403
    hidden = items["plain"]
    for deed in ("take", "say", "update"):
        assert browser.post(f"/work/{hidden.guid}/{deed}", {"version": 1, "body": "x"}).status_code == 404
    guest = gallery.signed_in(accounts["guest"])
    assert guest.post(f"/work/{hidden.guid}/take", {"version": 1}).status_code == 404


def test_who_may_not_do_a_deed_is_told_nothing_by_its_form(organisation: Organisation) -> None:
    accounts, items = gallery.accounts(organisation), gallery.items(organisation)
    sam, customer = accounts["self service"], organisation.customers[0]
    own = commands.create_ticket(
        customer.ticket_version.guid,
        by=sessions.actor_for(sam.user),
        title="My chair",
        category_guid=customer.category.guid,
        submit=True,
    )
    browser = gallery.signed_in(sam)
    for answer in (browser.get(f"/work/{own.guid}/assign"), browser.post(f"/work/{own.guid}/assign", {})):
        assert "Tomas Sato" not in answer.content.decode()
    action = items["action with a checklist"]
    line = queries.checklist_of(action)[0]
    assert browser.get(f"/work/{own.guid}/checklist/{line.guid}").status_code in (403, 404)
    member = gallery.signed_in(accounts["team member"])
    assert member.get(f"/work/{action.guid}/checklist/{line.guid}").status_code == 200
    assert member.get(f"/work/{items['plain'].guid}/checklist/{line.guid}").status_code == 404
