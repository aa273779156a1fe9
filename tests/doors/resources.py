"""How every operation of the REST API is called rightly: what its path names, and its body (names of the stage in braces)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LATER = "2099-01-01T00:00:00Z"


@dataclass(frozen=True)
class Use:
    """One right call. `path` fills ``{guid}``, `more` what else the path names; `shared` records have no customer."""

    path: str = ""
    body: Any = None
    query: str = ""
    more: dict[str, str] = field(default_factory=dict)
    shared: bool = False
    upload: bool = False


ACTION = {"work_type": "{action_type}", "queue": "{queue}", "due": {"amount": 2, "unit": "working_hours"}}
USES = {
    # accounts and rights
    "create_token": Use(body={"username": "tomas", "password": "wrong"}, shared=True),
    "delete_token": Use(),
    "get_me": Use(),
    "get_error_code": Use(more={"code": "version_conflict"}, shared=True),
    "update_me": Use(body={"language": "de", "time_zone": None}),
    "list_roles": Use(),
    "list_users": Use(),
    "create_user": Use(body={"username": "nora", "roles": ["Team Member"], "password": "4V7MJ6TGudVeZ0gY"}),
    "get_user": Use("{user}", shared=True),
    "update_user": Use("{user}", {"active": True, "time_zone": "Asia/Tokyo"}, shared=True),
    "list_user_groups": Use(),
    "create_user_group": Use(body={"name": "Night shift"}),
    "add_member": Use("{group}", more={"user": "{user}"}, shared=True),
    "remove_member": Use("{group}", more={"user": "{user}"}, shared=True),
    "grant_permission": Use("{group}", more={"level": "service", "target": "{service}"}, shared=True),
    "revoke_permission": Use("{group}", more={"level": "company", "target": "{company}"}, shared=True),
    "list_audit_events": Use(query="?record={company}"),
    "list_credentials": Use(),
    "create_credential": Use(body={"name": "Robot", "roles": ["Team Leader"], "expires_at": "2027-06-01T00:00:00Z"}),
    "update_credential": Use("{credential}", {"name": "Ledger"}),
    "renew_credential_secret": Use("{credential}"),
    "revoke_credential": Use("{credential}"),
    # what is done in the background
    "list_jobs": Use(query="?state=waiting"),
    "get_job": Use("{job}"),
    "cancel_job": Use("{job}", {}),
    # companies and what they agreed
    "list_companies": Use(),
    "create_company": Use(body={"name": "Borealis"}),
    "get_company": Use("{company}"),
    "update_company": Use("{company}", {"description": "Foods."}),
    "list_contracts": Use(),
    "create_contract": Use(body={"customer": "{company}", "supplier": "{supplier}", "name": "Next year"}),
    "get_contract": Use("{contract}"),
    "update_contract": Use("{contract}", {"description": "One year.", "calendar": "{calendar}"}),
    "list_services": Use(),
    "create_service": Use(body={"contract": "{contract}", "service_line": "{service_line}", "name": "Payroll"}),
    "get_service": Use("{service}"),
    "list_contacts": Use(query="?search=example&company={company}"),
    "create_contact": Use(body={"email": "n@example.com", "company": "{company}", "first_name": "Nils"}),
    "get_contact": Use("{contact}"),
    "update_contact": Use("{contact}", {"surname": "Berg"}),
    "list_accounts": Use(query="?search=tomas"),
    "list_contact_tags": Use(),
    "create_contact_tag": Use(body={"name": "Approver"}),
    "update_contact_tag": Use("{contact_tag}", {"description": "Asks."}, shared=True),
    # what is offered
    "list_service_lines": Use(),
    "create_service_line": Use(body={"name": "People Operations"}),
    "list_work_types": Use(query="?kind=action&service_line={service_line}"),
    "create_work_type": Use(body={"service_line": "{service_line}", "kind": "ticket", "name": "Dispute"}),
    "add_global_checklist": Use("{action_type}", {"lines": ["Is it signed?"]}, shared=True),
    "list_processes": Use(query="?service={service}"),
    "create_process": Use(body={"service": "{service}", "work_type": "{new_type}"}),
    "list_versions": Use("{case_process}"),
    "create_version": Use(
        "{case_process}",
        {
            "due": {"amount": 2, "unit": "days"},
            "queue": "{queue}",
            "schedule": "{schedule}",
            "requires_requester": True,
        },
    ),
    "list_process_versions": Use(query="?kind=case"),
    "get_process_version": Use("{case_version}"),
    "set_version_state": Use("{draft_version}", {"state": "archive"}),
    "add_category": Use("{draft_ticket_version}", {"name": "Late"}),
    "add_step": Use("{draft_version}", {"name": "Second", "automatic": False}),
    "add_action": Use("{step}", {**ACTION, "checklist": ["Is it there?"], "branch": 2}),
    "add_ad_hoc_action": Use("{draft_version}", {**ACTION, "instructions": "Call."}),
    "list_schedules": Use(),
    "create_schedule": Use(body={"name": "Quarters"}),
    "get_schedule": Use("{schedule}", shared=True),
    "update_schedule": Use("{schedule}", {"state": "paused"}, shared=True),
    "add_period": Use(
        "{schedule}",
        {"year": 2026, "period": "Q4", "start_date": "2026-10-01", "dates": {"Cut-off": "2026-12-20"}},
        shared=True,
    ),
    "list_calendars": Use(),
    "create_calendar": Use(body={"name": "Nights", "country": "DE", "week": [[["22:00", "00:00"]]] + [[]] * 6}),
    "get_calendar": Use("{calendar}", shared=True),
    "update_calendar": Use("{calendar}", {"exceptions": {"2026-12-24": []}}, shared=True),
    "list_data_fields": Use(),
    "create_data_field": Use(body={"name": "Colour", "kind": "list", "options": {"values": ["red", "blue"]}}),
    "update_data_field": Use("{data_field}", {"description": "Its number."}, shared=True),
    # work
    "list_work_items": Use(query="?kind=ticket&status=to_do&queue={queue}"),
    "get_work_item": Use("{ticket}"),
    "update_work_item": Use("{ticket}", {"title": "Paid twice", "custom_data": {"Invoice": "4711"}}),
    "get_due_date": Use("{ticket}"),
    "create_ticket": Use(
        body={
            "process_version": "{ticket_version}",
            "title": "Unpaid",
            "category": "{category}",
            "submit": True,
            "contacts": [{"guid": "{contact}", "tags": ["{contact_tag}"]}],
        }
    ),
    "create_case": Use(body={"process_version": "{case_version}", "title": "Onboard"}),
    "submit_work_item": Use("{draft_case}", {}),
    "take_work_item": Use("{ticket}", {}),
    "assign_work_item": Use("{ticket}", {"user": "{user}", "note": "Please."}),
    "unassign_work_item": Use("{taken}", {}),
    "reject_work_item": Use("{taken}", {"reason": "Not mine."}),
    "move_work_item_to_queue": Use("{ticket}", {"queue": None}),
    "wait_work_item": Use("{ticket}", {"for": "date", "until": LATER}),
    "resolve_work_item": Use("{ticket}", {"method": "done_successfully"}),
    "unable_to_complete_action": Use("{action}", {}),
    "reopen_work_item": Use("{resolved}", {}),
    "start_next_step": Use("{blocked_case}", {}),
    "list_launchable_actions": Use("{case}"),
    "launch_action": Use("{case}", {"action": "{launchable}", "times": 2, "instructions": "Call again."}),
    "launch_sub_case": Use("{case}", {"process_version": "{case_version}", "title": "Below"}),
    "get_more_work": Use(body={}),
    "is_work_available": Use(),
    "list_queues": Use(),
    "create_queue": Use(body={"name": "Late shift", "members": ["{user}"]}),
    "get_queue": Use("{queue}", shared=True),
    "update_queue": Use("{queue}", {"strict": True}, shared=True),
    "list_work_item_events": Use("{ticket}"),
    "list_communications": Use("{ticket}"),
    "add_communication": Use("{ticket}", {"body": "Hello"}),
    "get_communication": Use("{communication}"),
    "send_mail": Use("{ticket}", {"to": ["s@example.com"], "subject": "Paid", "attachments": []}),
    "list_work_item_contacts": Use("{ticket}"),
    "add_work_item_contact": Use("{ticket}", {"guid": "{contact}", "tags": ["{contact_tag}"]}),
    "remove_work_item_contact": Use("{filed}", more={"contact": "{contact}"}),
    "remove_work_item_contact_tag": Use("{filed}", more={"contact": "{contact}", "tag": "{contact_tag}"}),
    "list_checklist": Use("{action}"),
    "answer_checklist_item": Use("{checklist}", {"result": "yes", "note": "Seen."}),
    # files
    "upload_file": Use(upload=True),
    "list_work_item_files": Use("{filed}"),
    "attach_file": Use("{filed}", {"upload": "{upload}", "note": "Proof.", "tags": ["{file_tag}"]}),
    "get_file": Use("{file}"),
    "get_content": Use("{file}"),
    "update_file": Use("{file}", {"note": "Seen.", "remove_tags": ["{file_tag}"]}),
    "remove_file": Use("{file}"),
    "list_file_tags": Use(),
    "create_file_tag": Use(body={"name": "Contract", "is_hidden": True}),
    "update_file_tag": Use("{file_tag}", {"description": "Paper."}, shared=True),
    # notices
    "list_account_notices": Use(query="?unread=true"),
    "count_unread_notices": Use(),
    "read_notice": Use("{notice}"),
    "read_all_notices": Use(body={}),
    "list_notice_kinds": Use(),
    "choose_notice_kind": Use(more={"kind": "overdue"}, body={"wanted": False}),
    # webhooks
    "list_webhooks": Use(),
    "get_webhook": Use(more={"name": "PacketCreated"}),
    "list_subscriptions": Use(),
    "create_subscription": Use(
        body={"webhook": "PacketUpdated", "url": "{url}", "filter_type": "company", "filter_guid": "{company}"}
    ),
    "get_subscription": Use("{subscription}"),
    "update_subscription": Use("{subscription}", {"in_order": True}),
    "delete_subscription": Use("{subscription}"),
    "rotate_secret": Use("{subscription}", {}),
    "pause_subscription": Use("{subscription}", {}),
    "resume_subscription": Use("{paused}", {}),
    "simulate": Use("{subscription}", {}),
    "replay": Use("{subscription}", {"since": "2026-01-01T00:00:00Z"}),
    "backfill": Use("{subscription}", {"since": "2026-01-01T00:00:00Z"}),
    "list_replays": Use("{subscription}"),
    "get_replay": Use("{replay}"),
    "pause_replay": Use("{replay}", {}),
    "resume_replay": Use("{paused_replay}", {}),
    "cancel_replay": Use("{replay}", {}),
    "get_position": Use(),
    "get_digest": Use("{subscription}"),
    "get_sequence": Use("{subscription}", query="?record={ticket}"),
    "explain": Use("{subscription}", query="?record={ticket}"),
    "get_subscription_health": Use("{subscription}"),
    "list_notices": Use("{subscription}"),
    "list_deliveries": Use(),
    "get_delivery": Use("{delivery}"),
    "list_attempts": Use("{delivery}"),
    "resend": Use("{delivery}"),
}
