"""What calls are made with: records of every kind at one customer, and the rows of the contract's operations."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from workwire.access import sessions
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands as webhooks
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.defects import commands as defects
from workwire.rooms.defects.models import DefectCategory, DefectParty
from workwire.rooms.effort import commands as effort
from workwire.rooms.files.models import FileTag
from workwire.rooms.following import commands as following
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessType, ProcessVersion, Schedule, ServiceLine, VersionState, WorkType
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
        query={"PacketGUID": "{ticket}"}, body={"Search": "tomas", "MaximumResults": 5}, guid="PacketGUID"
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
        who=BUILDER,
        query={"WebhookSubscriptionGUID": "{subscription}"},
        guid="WebhookSubscriptionGUID",
        absent=400,
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
            "From": {"EmailAddress": "payables@cedar.example"},
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


def staged(organisation: Organisation, customer: Customer, receiver: Receiver) -> Stage:
    """Records of every kind at a customer, by the names that calls give them."""
    actors = {name: sessions.actor_for(account.user) for name, account in organisation.accounts.items()}
    admin, member, builder = actors["administrator"], actors[MEMBER], actors[BUILDER]
    category = customer.category

    def ticket(submit: bool = True) -> WorkItem:
        return work.create_ticket(
            customer.ticket_version.guid, by=member, title="Invoice", category_guid=category.guid, submit=submit
        )

    case = work.create_case(customer.case_version.guid, by=member, title="Onboard", submit=True)
    action = case.children.order_by("pk")[0]
    offering.add_global_checklist(action.work_type, ("Is it signed?",), by=admin)
    definition = customer.case_version.steps.get(number=0).actions.get()
    (launched,) = work.launch_action(case, definition.guid, by=member)
    other_case = work.create_case(customer.case_version.guid, by=member, title="Onboard", submit=True)
    idle_version = _version(customer, "Idle", admin)
    idle = work.create_case(idle_version.guid, by=member, title="Nothing to do yet", submit=True)
    schedule = offering.create_schedule(f"Closing of {customer.company.name}", by=admin)
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
    defect_category = DefectCategory.objects.first() or defects.create_category(
        ServiceLine.objects.get(), "Wrong data", by=admin
    )
    party = DefectParty.objects.first() or defects.create_party("The customer", by=admin)
    defect = defects.add(taken, defect_category.guid, party=party.guid, description="Paid twice", by=member)
    following.follow(taken, by=member)
    following.focus(taken, by=member)
    linked = work.link(ticket(), [case], by=member)
    found: dict[str, Any] = {
        "ticket": ticket(),
        "draft": ticket(submit=False),
        "taken": taken,
        "linked": linked,
        "case": case,
        "draft_case": work.create_case(customer.case_version.guid, by=member, title="Onboard"),
        "idle_case": idle,
        "action": launched,
        "checklist": line,
        "communication": made,
        "defect": defect,
        "time_session": effort.start(taken, by=member),
        "defect_category": defect_category,
        "defect_party": party,
        "spoken_of": spoken_of,
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
        or offering.create_work_type(line, kind, name, by=admin)
        for kind in kinds
    )
    process = offering.create_process(customer.service, case_type, by=admin)
    version = offering.create_version(process, schedule=schedule, by=admin)
    offering.add_ad_hoc_action(version, action_type, by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def filled(given: Any, stage: Stage) -> Any:
    """A row's input with the names of the stage in it replaced."""
    if isinstance(given, str) and given.startswith("{"):
        return stage[given.strip("{}")]
    if isinstance(given, dict):
        return {key: filled(value, stage) for key, value in given.items()}
    return [filled(value, stage) for value in given] if isinstance(given, list) else given
