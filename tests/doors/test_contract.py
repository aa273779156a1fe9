"""Every operation of the published contract, called with right and with wrong input; none is left out.

A row says who calls rightly, with what, and which GUID of the call may be malformed, absent or out of sight.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tests.doors.conftest import Caller
from tests.doors.contract import CONTRACT, contract, fits, listed, needs_contract
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.cli.seed import Customer, Organisation
from workwire.kernel.actor import Actor
from workwire.kernel.ids import new_guid
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands as webhooks
from workwire.rooms.catalogue import commands as catalogue
from workwire.rooms.catalogue.models import ProcessType, ProcessVersion, Schedule, ServiceLine, VersionState, WorkType
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.files.models import FileTag
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import ChecklistItem, WorkItem

Stage = dict[str, str]
MEMBER, BUILDER = "team member", "process builder"
DATA = base64.b64encode(b"%PDF-1.7 paid").decode()


@dataclass(frozen=True)
class Row:
    """One operation: its caller, its right input (names of the stage in braces), the GUID it depends on."""

    who: str = MEMBER
    query: dict[str, str] | None = None
    body: dict[str, Any] | None = None
    guid: str = ""
    status: int = 200
    absent: int = 404
    open: bool = False
    """Whether an account with no feature at all is answered rather than refused."""


_CHANGE = {
    "Title": "Changed",
    "Description": "More is known.",
    "DataFields": {"Invoice": "4711", "Amount": 12.5},
    "AffectedRecordCount": 2,
    "Files": [{"FileName": "proof.pdf", "Data": DATA, "Tags": [{"GUID": "{file_tag}"}], "Source": "AttachedToPacket"}],
    "Contacts": [{"GUID": "{contact}", "Tags": [{"GUID": "{contact_tag}"}]}],
}

ROWS = {
    "Authentication/Login": Row(),
    "Case/Get": Row(query={"CaseGUID": "{case}"}, guid="CaseGUID", open=True),
    "FileTagConfiguration/GetAll": Row(),
    "FileTagConfiguration/Get": Row(query={"FileTagGuid": "{file_tag}"}, guid="FileTagGuid"),
    "ContactTagConfiguration/GetAll": Row(),
    "ContactTagConfiguration/Get": Row(query={"ContactTagGuid": "{contact_tag}"}, guid="ContactTagGuid"),
    "Action/Get": Row(query={"ActionGUID": "{action}"}, guid="ActionGUID", open=True),
    "Ticket/Get": Row(query={"TicketGUID": "{ticket}"}, guid="TicketGUID", open=True),
    "Case/GetLaunchableActions": Row(query={"CaseGUID": "{case}"}, guid="CaseGUID"),
    "Case/LaunchChildCase": Row(
        query={"CaseGUID": "{case}"},
        body={"CaseAttributeGUID": "{case_process}", "CaseTitle": "Below", "IndependentCase": "true"},
        guid="CaseGUID",
        absent=403,
    ),
    "PacketCommunication/GetCommunications": Row(query={"PacketGUID": "{ticket}"}, guid="PacketGUID", open=True),
    "PacketCommunication/GetCommunication": Row(
        query={"CommunicationGUID": "{communication}", "SanitizeHTMLBody": "true"}, guid="CommunicationGUID", open=True
    ),
    "Work/GetMoreWork": Row(),
    "Work/IsWorkAvailable": Row(),
    "Work/RejectWork": Row(query={"PacketGUID": "{taken}"}, body={"RejectReason": "Not mine."}, guid="PacketGUID"),
    "Schedule/GetScheduleFromCaseAttributeVersion": Row(
        query={"CaseAttributeVersionGUID": "{scheduled}"}, guid="CaseAttributeVersionGUID", absent=403
    ),
    "Case/LaunchAdhocAction": Row(
        body={
            "GUID": "{case}",
            "ActionAttributeGUID": "{launchable}",
            "ActionOverrideInstruction": "Call again.",
            "ActionOverrideDueDate": "2099-03-31T12:00:00Z",
            "NumberOfTimesToLaunch": 2,
        },
        guid="GUID",
    ),
    "Contact/SearchForContact": Row(
        query={"PacketGUID": "{ticket}"}, body={"Search": "mei", "MaximumResults": 5}, guid="PacketGUID"
    ),
    "Packet/CreatePacket": Row(
        body={"ProcessVersionInstanceGUID": "{ticket_version}"}, guid="ProcessVersionInstanceGUID"
    ),
    "Packet/SetAssignee": Row(
        who=BUILDER,
        query={"PacketGUID": "{ticket}", "ForceAssign": "true"},
        body={"UserGUID": "{user}", "Note": "Please."},
        guid="PacketGUID",
        status=204,
    ),
    "WebHookSubscription/GetAllWebhookSubscriptions": Row(who=BUILDER),
    "WebHookSubscription/GetWebhookSubscription": Row(
        who=BUILDER, query={"WebhookSubscriptionGUID": "{subscription}"}, guid="WebhookSubscriptionGUID"
    ),
    "WebHookSubscription/Unsubscribe": Row(
        who=BUILDER, query={"webHookSubscriptionGUID": "{subscription}"}, body={}, guid="webHookSubscriptionGUID"
    ),
    "WebHookSubscription/UpdateWebhookSubscription": Row(
        who=BUILDER,
        body={
            "GUID": "{subscription}",
            "Webhook": "PacketUpdated",
            "FilterObjectGUID": "{company}",
            "FilterObjectType": "Company",
        },
        guid="GUID",
    ),
    "ServiceLine/GetAll": Row(who=BUILDER),
    "Case/Create": Row(
        body={"CaseAttributeVersionGUID": "{case_version}", "Title": "Onboard", "Description": "", **_CHANGE},
        guid="CaseAttributeVersionGUID",
        absent=400,
    ),
    "Case/Update": Row(body={"GUID": "{case}", **_CHANGE}, guid="GUID"),
    "Ticket/Create": Row(
        body={"TicketAttributeVersionGUID": "{ticket_version}", **_CHANGE}, guid="TicketAttributeVersionGUID"
    ),
    "Packet/GetContexts": Row(query={"ProcessType": "Ticket"}, open=True),
    "ServiceMatrix/GetServiceMatrix": Row(
        who=BUILDER, body={"ServiceLineGUID": "{service_line}"}, guid="ServiceLineGUID", absent=400
    ),
    "Ticket/Update": Row(body={"GUID": "{ticket}", **_CHANGE}, guid="GUID"),
    "Action/Update": Row(body={"GUID": "{action}", **_CHANGE}, guid="GUID"),
    "PacketCommunication/SendEmailCommunication": Row(
        query={"PacketGUID": "{ticket}"},
        body={
            "Subject": "Your invoice",
            "Body": "<p>It is paid.</p>",
            "From": {"EmailAddress": "payables@meridian.example"},
            "To": [{"EmailAddress": "supplier@example.com"}],
            "Attachments": [{"Filename": "proof.pdf", "Data": DATA, "Tags": [{"GUID": "{file_tag}"}]}],
        },
        guid="PacketGUID",
    ),
    "PacketCommunication/AddPacketCommunication": Row(
        query={"PacketGUID": "{ticket}"},
        body={"Body": "<b>called</b>", "CommunicationType": "PhoneOutgoing", "IsResolutionCommunication": "false"},
        guid="PacketGUID",
    ),
    "Case/SetToDo": Row(body={"GUID": "{draft_case}", **_CHANGE}, guid="GUID"),
    "Action/UpdateChecklist": Row(
        body={"GUID": "{checklist}", "Decision": "Yes", "Note": "Seen."}, guid="GUID", status=204
    ),
    "Packet/AttachFile": Row(
        query={"PacketGUID": "{ticket}"},
        body={"FileName": "proof.pdf", "Data": DATA, "Note": "", "Tags": [{"FileTagGUID": "{file_tag}"}]},
        guid="PacketGUID",
        absent=403,
    ),
    "Ticket/SetToDo": Row(
        body={"GUID": "{draft}", "TicketCategoryAttribute": {"GUID": "{category}"}, **_CHANGE}, guid="GUID"
    ),
    "Case/SetResolved": Row(body={"GUID": "{idle_case}", "Title": "", "Description": ""}, guid="GUID"),
    "Ticket/Resolve": Row(body={"GUID": "{ticket}", **_CHANGE}, guid="GUID"),
    "Action/ResolveSuccessfully": Row(body={"GUID": "{action}", **_CHANGE}, guid="GUID"),
}
EVERY = pytest.mark.parametrize("operation", sorted(ROWS))
WITH_GUID = pytest.mark.parametrize("operation", sorted(name for name, row in ROWS.items() if row.guid))
NOBODYS = {"FileTagConfiguration/Get", "ContactTagConfiguration/Get", "ServiceMatrix/GetServiceMatrix"}


@pytest.fixture
def stage(organisation: Organisation, receiver: Receiver) -> Stage:
    """What the calls name, at the first customer."""
    return _stage(organisation, organisation.customers[0], receiver)


def _stage(organisation: Organisation, customer: Customer, receiver: Receiver) -> Stage:
    actors = {name: sessions.actor_for(account.user) for name, account in organisation.accounts.items()}
    admin, member, builder = actors["administrator"], actors[MEMBER], actors[BUILDER]
    category = customer.ticket_version.categories.get(name="Overdue invoice")

    def ticket(submit: bool = True) -> WorkItem:
        return work.create_ticket(
            customer.ticket_version.guid, by=member, title="Invoice", category_guid=category.guid, submit=submit
        )

    case = work.create_case(customer.case_version.guid, by=member, title="Onboard", submit=True)
    action = case.children.order_by("pk")[0]
    catalogue.add_global_checklist(action.work_type, ("Is it signed?",), by=admin)
    definition = customer.case_version.steps.get(number=0).actions.get()
    (launched,) = work.launch_action(case, definition.guid, by=member)
    other_case = work.create_case(customer.case_version.guid, by=member, title="Onboard", submit=True)
    idle_version = _version(customer, "Idle", admin)
    idle = work.create_case(idle_version.guid, by=member, title="Nothing to do yet", submit=True)
    schedule = catalogue.create_schedule(f"Closing of {customer.company.name}", by=admin)
    line = ChecklistItem.objects.filter(item__parent=other_case).first()
    taken = work.take(ticket(), by=member)
    subscription, _ = webhooks.subscribe(
        webhooks.Terms(
            webhook=0, url=receiver.url("/hook"), filter_type=ObjectType.COMPANY, filter_guid=customer.company.guid
        ),
        by=builder,
    )
    spoken_of = ticket()
    made = conversations.add(spoken_of, by=member, body="Hello")
    contact = parties.create_contact("s@example.com", by=member, company=customer.company)
    assert line is not None
    found: dict[str, Any] = {
        "ticket": ticket(),
        "draft": ticket(submit=False),
        "taken": taken,
        "case": case,
        "draft_case": work.create_case(customer.case_version.guid, by=member, title="Onboard"),
        "idle_case": idle,
        "action": launched,
        "checklist": line,
        "communication": made,
        "subscription": subscription,
        "company": customer.company,
        "contact": contact,
        "category": category,
        "ticket_version": customer.ticket_version,
        "case_version": customer.case_version,
        "case_process": customer.case_version.process,
        "scheduled": _version(customer, "Closing", admin, schedule),
        "launchable": definition,
        "service_line": ServiceLine.objects.get(),
        "user": organisation.accounts[MEMBER].user,
        "file_tag": FileTag.objects.first(),
        "contact_tag": ContactTag.objects.get(name="Requester"),
    }
    return {name: str(record.guid) for name, record in found.items()}


def _version(customer: Customer, name: str, admin: Actor, schedule: Schedule | None = None) -> ProcessVersion:
    """A live case version with nothing but an action to launch by hand."""
    line = ServiceLine.objects.get()
    kinds = (ProcessType.CASE, ProcessType.ACTION)
    case_type, action_type = (
        WorkType.objects.filter(service_line=line, kind=kind, name=name).first()
        or catalogue.create_work_type(line, kind, name, by=admin)
        for kind in kinds
    )
    process = catalogue.create_process(customer.service, case_type, by=admin)
    version = catalogue.create_version(process, schedule=schedule, by=admin)
    catalogue.add_ad_hoc_action(version, action_type, by=admin)
    return catalogue.set_version_state(version, VersionState.LIVE, by=admin)


@pytest.fixture
def reader(organisation: Organisation) -> Caller:
    """Somebody who sees both customers and holds no feature."""
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    role = access.create_role("Reader", features.OPERATIONAL, (), by=admin)
    user = access.create_user("rita", "Rita Moreau", [role], password="4V7MJ6TGudVeZ0gY", by=admin)
    for customer in organisation.customers:
        access.change_members(customer.group, add=[user], by=admin)
    wish = {"Username": "rita", "Password": "4V7MJ6TGudVeZ0gY"}
    answer = Client().post("/webapi/Authentication/Login?useCookie=false", wish, content_type="application/json")
    return Caller(answer.json())


def _filled(given: Any, stage: Stage) -> Any:
    """A row's input with the names of the stage in it replaced."""
    if isinstance(given, str) and given.startswith("{"):
        return stage[given.strip("{}")]
    if isinstance(given, dict):
        return {key: _filled(value, stage) for key, value in given.items()}
    return [_filled(value, stage) for value in given] if isinstance(given, list) else given


def _call(caller: Caller, operation: str, stage: Stage, **instead: str) -> Any:
    row = ROWS[operation]
    query, body = _filled(row.query or {}, stage), _filled(row.body, stage)
    for name, value in instead.items():
        (query if name in query else body)[name] = value
    method = "GET" if row.body is None and operation in GETS else None
    return caller.webapi(operation, body, method=method, **query)


GETS = {name for name, row in ROWS.items() if row.body is None}


@needs_contract
def test_no_operation_of_the_contract_is_missing_here() -> None:
    assert {f"/webapi/{name}" for name in ROWS} == set(contract()["paths"])
    assert len(ROWS) == 41


@EVERY
def test_right_input_is_answered_as_the_contract_says(
    operation: str, organisation: Organisation, caller: Callable[[str], Caller], stage: Stage
) -> None:
    row = ROWS[operation]
    if operation == "Authentication/Login":
        account = organisation.accounts[MEMBER]
        wish = {"Username": account.user.username, "Password": account.password}
        answer = Client().post(f"/webapi/{operation}?useCookie=false", wish, content_type="application/json")
    else:
        answer = _call(caller(row.who), operation, stage)
    assert answer.status_code == row.status, answer.content
    content = fits(operation, answer)
    if isinstance(content, dict) and "Messages" in content:
        assert content["Messages"] == []
        assert content["Result"] is not None


@EVERY
def test_without_valid_credentials_nothing_is_answered(operation: str, stage: Stage) -> None:
    before = Event.objects.count()
    if operation == "Authentication/Login":
        wish = {"Username": "mei", "Password": "wrong"}
        answer = Client().post(f"/webapi/{operation}", wish, content_type="application/json")
    else:
        answer = _call(Caller("wwt_none"), operation, stage)
    assert answer.status_code == 401
    assert answer.headers["Reason"]
    assert Event.objects.count() == before


@pytest.mark.parametrize("operation", sorted(set(ROWS) - {"Authentication/Login"}))
def test_without_the_role_it_is_refused(operation: str, reader: Caller, stage: Stage) -> None:
    before = Event.objects.count()
    answer = _call(reader, operation, stage)
    assert answer.status_code == (200 if ROWS[operation].open else 403), answer.content
    assert Event.objects.count() == before


@WITH_GUID
def test_a_malformed_guid_is_a_bad_request_and_changes_nothing(
    operation: str, caller: Callable[[str], Caller], stage: Stage
) -> None:
    someone, row, before = caller(ROWS[operation].who), ROWS[operation], Event.objects.count()
    answer = _call(someone, operation, stage, **{row.guid: "not-a-guid"})
    assert answer.status_code == 400, answer.content
    assert row.guid.lower() in answer.json()["Message"].lower()
    assert Event.objects.count() == before


@WITH_GUID
def test_what_is_absent_and_what_is_out_of_sight_are_not_told_apart(
    operation: str, organisation: Organisation, caller: Callable[[str], Caller], stage: Stage, receiver: Receiver
) -> None:
    row = ROWS[operation]
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.change_members(organisation.customers[0].group, remove=[organisation.accounts[MEMBER].user], by=admin)
    someone = caller(row.who if row.who == MEMBER else "process builder of one company")
    before = Event.objects.count()
    absent = _call(someone, operation, stage, **{row.guid: str(new_guid())})
    assert absent.status_code == row.absent, absent.content
    if CONTRACT.exists():
        assert str(row.absent) in {*listed(operation)["responses"], "404"}
    if operation not in NOBODYS:
        invisible = _call(someone, operation, stage)
        assert (invisible.status_code, invisible.content) == (absent.status_code, absent.content)
    assert Event.objects.count() == before


@EVERY
def test_the_other_method_is_not_allowed(operation: str, caller: Callable[[str], Caller], stage: Stage) -> None:
    other = "POST" if operation in GETS and operation != "Authentication/Login" else "GET"
    answer = caller(ROWS[operation].who).webapi(operation, {}, method=other)
    assert answer.status_code == 405
    assert answer.headers["Allow"] != other
