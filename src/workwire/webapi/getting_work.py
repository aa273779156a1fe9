"""Getting work, giving it out and back; what is launched from cases; checklists."""

from __future__ import annotations

from typing import Any

from workwire.access import features
from workwire.access import queries as access
from workwire.access.policy import require
from workwire.kernel.errors import Invalid, NotFound, named
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.offering.queries import ProcessType
from workwire.rooms.work import commands, item_due_dates, obtaining, queries
from workwire.webapi import packets
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.operations import operation
from workwire.webapi.record_bodies import present


@operation("Work/GetMoreWork", "GET", changes=True)
def get_more_work(call: Call) -> dict[str, Any] | None:
    """Get the most important item of the caller's queues, assigned to the caller."""
    found = commands.get_more_work(by=call.actor)
    return None if found is None else packets.work_to_do(found)


@operation("Work/IsWorkAvailable", "GET")
def is_work_available(call: Call) -> bool:
    """Check whether GetMoreWork would return something."""
    require(call.actor, features.WORK_ITEMS)
    return obtaining.is_work_available(call.actor)


@operation("Work/RejectWork", "POST", done=200)
def reject_work(call: Call) -> None:
    """Reject a work item assigned to the caller, with a reason."""
    item = queries.item(call.guid("PacketGUID"), by=call.actor)
    reason = call.text("RejectReason")
    if not reason:
        raise Malformed("reason_missing", field="RejectReason")
    commands.reject(item, reason, by=call.actor)


@operation("Packet/SetAssignee", "POST", conflict=409)
def set_assignee(call: Call) -> None:
    """Assign a work item, or unassign it with an empty UserGUID; the note is kept as a communication."""
    item = queries.item(call.guid("PacketGUID"), by=call.actor)
    guid = call.optional_guid("UserGUID")
    try:
        user = access.user(guid, by=call.actor) if guid is not None and guid.int else None
    except NotFound as error:
        raise Invalid("assignee_not_found", field="UserGUID") from error
    force, note = call.flag("ForceAssign") or False, call.text("Note") or ""
    conversations.assign_with_note(item, user, note, by=call.actor, force=force)


@operation("Case/GetLaunchableActions", "GET")
def get_launchable_actions(call: Call) -> list[dict[str, Any]]:
    """List the actions of a case that may be launched by hand."""
    found = queries.launchable_actions(call.guid("CaseGUID"), by=call.actor)
    return [_launchable(definition) for definition in found]


@operation("Case/LaunchAdhocAction", "POST", enveloped=True)
def launch_ad_hoc_action(call: Call) -> list[dict[str, str]]:
    """Launch an action of a case by hand, once or several times."""
    case = queries.item(call.guid("GUID"), by=call.actor, kind=ProcessType.CASE)
    times = call.number("NumberOfTimesToLaunch")
    with named({"due_date": "ActionOverrideDueDate"}):
        launched = commands.launch_action(
            case,
            call.guid("ActionAttributeGUID"),
            by=call.actor,
            instructions=call.text("ActionOverrideInstruction"),
            due_date=call.moment("ActionOverrideDueDate"),
            times=1 if times is None else times,
        )
    return [{"GUID": str(action.guid)} for action in launched]


@operation("Case/LaunchChildCase", "POST", enveloped=True, absent=403)
def launch_child_case(call: Call) -> dict[str, Any]:
    """Launch a sub-case from a case."""
    case = queries.item(call.guid("CaseGUID"), by=call.actor, kind=ProcessType.CASE)
    with named({"process_version": "CaseAttributeGUID", "title": "CaseTitle"}):
        made = commands.launch_sub_case(
            case,
            call.guid("CaseAttributeGUID"),
            call.text("CaseTitle") or "",
            by=call.actor,
            independent=call.flag("IndependentCase") or False,
        )
    return packets.basic_item(queries.item(made.guid, by=call.actor))


@operation("Action/UpdateChecklist", "POST")
def update_checklist(call: Call) -> None:
    """Answer a checklist line of an action."""
    line = queries.checklist_item(call.guid("GUID"), by=call.actor)
    decision = call.choice("Decision", queries.ChecklistResult)
    commands.answer_checklist(
        line,
        by=call.actor,
        result=queries.ChecklistResult(line.result) if decision is None else decision,
        note=call.text("Note"),
        peer_note=call.text("PeerReviewNote"),
    )


def _launchable(definition: Any) -> dict[str, Any]:
    rule = item_due_dates.rule_written(definition.due_rule)
    override = rule.override.value if rule else "Yes"
    ad_hoc = definition.step.number == 0
    due = {"Name": str(rule.in_words()), "AllowOverrideDueDate": override} if rule else None
    return present(
        {
            "GUID": str(definition.guid),
            "Order": definition.number,
            "StepNumber": None if ad_hoc else definition.step.number,
            "AllowManualCreation": True,
            "Instruction": definition.instructions,
            "AllowOverrideDueDate": override,
            "DueDateAttribute": due,
            "ActionName": definition.work_type.name,
            "IsAdhoc": ad_hoc,
        }
    )
