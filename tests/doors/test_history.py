"""Who did what, and what it changed inside: the history of a work item and the audit of everything, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation
from workwire.access import commands as access
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.outbox.models import Event
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem


def _token_of_application(organisation: Organisation, by: Actor) -> tuple[str, str]:
    user = organisation.accounts["integrator"].user
    roles = list(Role.objects.filter(name="Team Leader"))
    until = clock.now() + timedelta(days=1)
    credential, secret = access.create_credential(user, "Ledger", roles, expires_at=until, by=by)
    wish = {"grant_type": "client_credentials", "client_id": credential.client_id, "client_secret": secret}
    answer = Client().post("/webapi/Auth/OAuth/Token", wish)
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"], str(credential.guid)


def _history(caller: Caller, ticket: WorkItem) -> list[dict[str, Any]]:
    answer = caller.api("GET", f"/work-items/{ticket.guid}/events")
    assert answer.status_code == 200, answer.content
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_the_history_says_who_did_what_and_names_other_records_by_their_guids(
    organisation: Organisation, actors: dict[str, Actor], first: Customer, member: Caller
) -> None:
    token, credential = _token_of_application(organisation, actors["administrator"])
    ticket = work.create_ticket(first.ticket_version.guid, title="Unpaid", by=actors["team member"])
    answer = Caller(token).api("PATCH", f"/work-items/{ticket.guid}", {"title": "Paid", "custom_data": {}})
    assert answer.status_code == 200, answer.content
    updated, created = _history(member, ticket)

    people = {name: account.user for name, account in organisation.accounts.items()}
    expected = {"user": str(people["integrator"].guid), "user_type": "operational", "credential": credential}
    assert updated["changed_by"] == expected
    assert updated["body"]["ChangedBy"] == {
        "GUID": expected["user"],
        "UserType": 1,
        "CredentialGUID": credential,
    }
    (change,) = updated["changes"]
    assert (change["record"], change["guid"]) == ("WorkItem", str(ticket.guid))
    assert (change["old"], change["new"]) == ({"title": "Unpaid"}, {"title": "Paid"})

    (change,) = created["changes"]
    assert created["changed_by"]["credential"] is None
    assert change["old"] is None
    assert change["new"]["title"] == "Unpaid"
    assert change["new"]["customer"] == str(first.company.guid)
    assert change["new"]["started_by"] == str(people["team member"].guid)
    assert not any(name.endswith("_id") for name in change["new"])


def test_what_the_system_does_is_changed_by_nobody(actors: dict[str, Actor], first: Customer, member: Caller) -> None:
    ticket = work.create_ticket(first.ticket_version.guid, title="Unpaid", by=actors["team member"])
    work.information_arrived(ticket, by=SYSTEM)
    work.wait_for_information(_submitted(ticket, first, actors), by=actors["team member"])
    work.information_arrived(ticket, by=SYSTEM)
    last = _history(member, ticket)[0]
    assert last["changed_by"] is None
    assert last["body"]["ChangedBy"] is None
    assert last["changes"][0]["new"]["status"] == 1


def _submitted(ticket: WorkItem, customer: Customer, actors: dict[str, Actor]) -> WorkItem:
    category = customer.ticket_version.categories.order_by("-level")[0].guid
    return work.submit(ticket, category_guid=category, by=actors["team member"])


def test_an_event_from_before_says_that_its_changes_are_not_known(
    actors: dict[str, Actor], first: Customer, member: Caller
) -> None:
    ticket = work.create_ticket(first.ticket_version.guid, title="Unpaid", by=actors["team member"])
    Event.objects.update(changes=None, actor_type=None)
    (created,) = _history(member, ticket)
    assert created["changes"] is None
    assert created["changed_by"]["user_type"] is None


def test_who_does_not_see_the_item_does_not_read_its_changes(
    actors: dict[str, Actor], first: Customer, narrow: Caller
) -> None:
    ticket = work.create_ticket(first.ticket_version.guid, title="Unpaid", by=actors["team member"])
    assert narrow.api("GET", f"/work-items/{ticket.guid}/events").status_code == 404


def test_only_an_administrator_reads_the_audit_of_one_record_or_a_span_of_time(
    organisation: Organisation, first: Customer, administrator: Caller, builder: Caller
) -> None:
    name = f"/companies/{first.company.guid}"
    assert builder.api("PATCH", name, {"description": "Foods."}).status_code == 200
    last = administrator.api("GET", f"/audit?record={first.company.guid}").json()["items"][0]
    assert last["changes"][0]["new"] == {"description": "Foods."}
    assert last["changed_by"]["user"] == str(organisation.accounts["process builder"].user.guid)
    begun = Event.objects.get(guid=last["guid"]).occurred_at.isoformat().replace("+00:00", "Z")
    span = administrator.api("GET", f"/audit?since={begun}").json()["items"]
    assert last["guid"] in {event["guid"] for event in span}
    before = administrator.api("GET", f"/audit?until={begun}").json()["items"]
    assert last["guid"] not in {event["guid"] for event in before}
    assert administrator.api("GET", "/audit?since=2026-01-01T00:00:00").status_code == 422
    assert builder.api("GET", "/audit").status_code == 403
