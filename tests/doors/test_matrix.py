"""Operations × roles × records of others: every operation of both APIs called rightly by every kind of account.

The answers are a committed snapshot (`permissions.json`): whoever changes a right sees what else it changes. Beside it hold
rules that no renewal can bend: what is refused changes nothing, what is out of sight looks like what is not there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import pyotp
import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.contracts.test_snapshots import HERE as CONTRACTS
from tests.contracts.test_snapshots import compare
from tests.doors.conftest import Caller
from tests.doors.resources import USES, Use
from tests.doors.stage import MEMBER, ROWS, Stage, filled, staged
from tests.support import pictures, sheets
from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Account, Customer, Organisation
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access import second_factors, sessions
from workwire.access.models import Role, Token
from workwire.api.v1 import api
from workwire.jobs import commands as jobs
from workwire.jobs.models import Job, JobState
from workwire.jobs.running import FORGET
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.crypto import digest
from workwire.kernel.ids import new_guid
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.notices.models import Notice
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks import reachability, repair, replays
from workwire.reactions.webhooks.models import Delivery
from workwire.rooms.batches import commands as batches
from workwire.rooms.batches.models import Batch
from workwire.rooms.files import commands as files
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import DataField, ProcessType, ProcessVersion, Schedule, VersionState, WorkType
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport.probing import Seen

FOREIGNER = "process builder of one company"
ROLES = ("self service", "robot", MEMBER, "process builder", "administrator", FOREIGNER)
SHARED = {"", "file_tag", "contact_tag", "service_line"}  # records that belong to no customer
# On SQLite each event of a listener is a statement: a case that begins, or a ticket converted, has three.
MOST_QUERIES = 44
_IS_FRAME = re.compile(r"SAVEPOINT|RELEASE|ROLLBACK|BEGIN|.*COUNT\(\*\).*outbox_event")  # of transactions and this test
PASSWORD = "4V7MJ6TGudVeZ0gY"


@dataclass(frozen=True)
class Operation:
    """One operation of either API: how to call it, and the name on the stage of the customer's record it is about."""

    name: str
    call: Callable[[Caller, Stage], Any]
    record: str


def _operations() -> Iterator[Operation]:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            use = USES[described["operationId"]]
            yield Operation(
                described["operationId"],
                _resource_call(method.upper(), path, use),
                "" if use.shared else use.path.strip("{}"),
            )
    for name, row in ROWS.items():
        if name != "Authentication/Login":
            about = str({**(row.body or {}), **(row.query or {})}.get(row.guid, "")).strip("{}")
            yield Operation(name, _contract_call(name), about)


def _resource_call(method: str, path: str, use: Use) -> Callable[[Caller, Stage], Any]:
    def call(caller: Caller, stage: Stage) -> Any:
        names = {key: value.format(**stage) for key, value in (use.more | {"guid": use.path}).items()}
        url = path.removeprefix("/api/v1").format(**names) + use.query.format(**stage)
        if use.upload:
            upload = SimpleUploadedFile("paid.pdf", b"%PDF-1.7 paid")
            headers = {"Authorization": f"Bearer {caller.token}"}
            return Client().post(f"/api/v1{url}", {"file": upload}, headers=headers)
        return caller.api(method, url, filled(use.body, stage))

    return call


def _contract_call(name: str) -> Callable[[Caller, Stage], Any]:
    row = ROWS[name]

    def call(caller: Caller, stage: Stage) -> Any:
        method = "GET" if row.body is None else None
        return caller.webapi(name, filled(row.body, stage), method=method, **filled(row.query or {}, stage))

    return call


OPERATIONS = {operation.name: operation for operation in _operations()}


@pytest.fixture
def stage(
    organisation: Organisation,
    receiver: Receiver,
    engine: Engine,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    """Records of every kind at the first customer; nobody waits for a worker. The callers have logged in before one of them
    gets a second factor."""
    configured = django_settings.CONFIG.model_copy(update={"feedback_window_hours": 24})
    monkeypatch.setattr(django_settings, "CONFIG", configured)
    monkeypatch.setattr(repair, "wait_for_end", lambda delivery, seconds: delivery)
    customer = organisation.customers[0]
    actors = {name: sessions.actor_for(account.user) for name, account in organisation.accounts.items()}
    admin, member = actors["administrator"], actors[MEMBER]
    found = staged(organisation, customer, receiver)
    line, action_type = customer.service.service_line, WorkType.objects.get(name="Check Budget")
    draft = offering.create_version(customer.case_version.process, by=admin)
    step, spare = offering.add_step(draft, "First", by=admin), _spare(customer, admin)
    category = customer.category.guid
    tags = (work.TagWish(UUID(found["contact_tag"])),)
    filed = work.create_ticket(
        customer.ticket_version.guid,
        by=member,
        title="Filed",
        category_guid=category,
        submit=True,
        contacts=[work.ContactWish(UUID(found["contact"]), tags)],
    )
    file = work.attach_file(filed, files.FileWish(data=b"%PDF-1.7 x", file_name="x.pdf"), by=member)
    blocked = work.create_case(customer.case_version.guid, by=member, title="Blocked", submit=True)
    one, two = items.items_under(blocked, by=member).order_by("pk")
    work.resolve(two, by=member)
    work.complete_unsuccessfully(one, by=member)
    done = work.create_ticket(
        customer.ticket_version.guid, by=member, title="Done", category_guid=category, submit=True
    )
    work.resolve(done, by=member)
    paused, _ = webhooks.subscribe(
        webhooks.Terms(
            webhook=1, url=receiver.url("/p"), filter_type=ObjectType.COMPANY, filter_guid=customer.company.guid
        ),
        by=actors["process builder"],
    )
    webhooks.pause(paused.guid, by=actors["process builder"])
    given = work.create_ticket(
        customer.ticket_version.guid, by=admin, title="Given", category_guid=category, submit=True
    )
    work.assign(given, organisation.accounts[MEMBER].user, by=admin)
    engine.drain()
    more: dict[str, Any] = {
        "notice": Notice.objects.get(work_item_guid=given.guid),
        "supplier": customer.contract.supplier,
        "contract": customer.contract,
        "service": customer.service,
        "calendar": customer.contract.calendar,
        "queue": customer.queue,
        "pictured": access.set_own_picture(pictures.gif(), by=member),
        "job_position": work.create_job_position("Clerk", by=admin),
        "group": customer.group,
        "role": access.create_role("Scribe", "builder", ["queues"], by=admin),
        "schedule": Schedule.objects.first(),
        "data_field": DataField.objects.first(),
        "credential": organisation.accounts["process builder"].user.credentials.get(),
        "session": Token.objects.get(digest=digest(organisation.accounts[MEMBER].log_in())),
        "action_type": action_type,
        "case_type": customer.case_version.process.work_type,
        "new_type": offering.create_work_type(line, ProcessType.TICKET, "Complaint", by=admin),
        "draft_version": draft,
        "step": step,
        "action_of_draft": offering.add_action(step, action_type, by=admin),
        "spare_version": spare,
        "spare_process": spare.process,
        "ticket_process": customer.ticket_version.process,
        "draft_ticket_version": offering.create_version(customer.ticket_version.process, by=admin),
        "filed": filed,
        "file": file,
        "blocked_case": blocked,
        "resolved": done,
        "upload": files.prepare([b"%PDF-1.7 y"], "y.pdf", by=member),
        "sheet": files.prepare([sheets.of_tickets(customer, "Chair")], "new.xlsx", by=member),
        "batch": _checked(customer, member),
        "paused": paused,
        "delivery": Delivery.objects.order_by("pk")[0],
        "event": Event.objects.filter(work_item_guid=found["ticket"]).order_by("pk")[0],
    }
    builder, subscription, start = actors["process builder"], UUID(found["subscription"]), clock.now()
    with transaction.atomic():
        more["job"] = jobs.enqueue(FORGET, by=member)
    more["replay"], more["paused_replay"] = (replays.replay(subscription, by=builder, since=start) for _ in range(2))
    replays.pause(more["paused_replay"].guid, by=builder)
    more["endpoint_test"] = reachability.test(reachability.ask(receiver.url("/other"), by=admin), by=admin)
    seen = asdict(Seen(address="127.0.0.1"))
    Job.objects.filter(pk=more["endpoint_test"].pk).update(state=JobState.DONE, ended_at=start, result=seen)
    monkeypatch.setattr(second_factors, "DRIFT", 120)  # so that the code stays right for as long as this takes
    waiting = _begin(organisation.accounts["administrator"])
    enrolled = _begin(organisation.accounts[MEMBER])
    access.confirm_second_factor(enrolled.at(clock.now()), by=member)
    told = {
        "url": receiver.url("/other"),
        "password": organisation.accounts[MEMBER].password,
        "administrators_password": organisation.accounts["administrator"].password,
        "secured": str(organisation.accounts[MEMBER].user.guid),
        "new_owner": str(organisation.accounts["integrator"].user.guid),
        "otp": waiting.at(clock.now()),
    }
    return found | {name: str(record.guid) for name, record in more.items()} | told


def _spare(customer: Customer, admin: Actor) -> ProcessVersion:
    """A live version of a process that has no draft."""
    kind = offering.create_work_type(customer.service.service_line, ProcessType.TICKET, "Spare", by=admin)
    version = offering.create_version(offering.create_process(customer.service, kind, by=admin), by=admin)
    offering.add_category(version, "Anything", by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def _checked(customer: Customer, by: Actor) -> Batch:
    """A checked sheet of one ticket."""
    upload = files.prepare([sheets.of_tickets(customer, "Desk")], "new.xlsx", by=by)
    return batches.check_sheet(upload.guid, ProcessType.TICKET, by=by)


def _begin(account: Account) -> pyotp.TOTP:
    by = sessions.actor_for(account.user)
    begun = access.begin_second_factor(account.password, by=by)
    return pyotp.TOTP(begun.key)


@pytest.fixture
def callers(organisation: Organisation, caller: Callable[[str], Caller]) -> dict[str, Caller]:
    """One account of every kind; all but the foreigner see the first customer."""
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    roles = list(Role.objects.filter(name="Self Service"))
    user = access.create_user("sam", "Sam Ortiz", roles, password=PASSWORD, user_type=UserType.SELF_SERVICE, by=admin)
    access.change_members(organisation.customers[0].group, add=[user], by=admin)
    token = sessions.log_in("sam", PASSWORD, address="127.0.0.1")
    return {"self service": Caller(token)} | {name: caller(name) for name in ROLES if name != "self service"}


TAKES_A_PASSWORD = {
    "create_token",
    "Authentication/Login",
    "Auth/OAuth/Token",
    "change_own_password",
    "begin_second_factor",
    "renew_recovery_codes",
    "turn_off_second_factor",
}


@contextmanager
def _undone() -> Iterator[None]:
    """What happens inside leaves no trace in the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _answer(operation: Operation, someone: Caller, stage: Stage) -> Any:
    """The answer to one call; a refusal has changed nothing."""
    with _undone():
        changes = Event.objects.all()
        if operation.name in TAKES_A_PASSWORD:
            changes = changes.exclude(name="LoginRefused")  # which is what a wrong one records
        before = changes.count()
        answer = operation.call(someone, stage)
        if answer.status_code >= 400:
            assert changes.count() == before, f"{operation.name} refused and changed something"
        assert answer.status_code < 500, (operation.name, answer.content)
        if getattr(answer, "streaming", False):
            b"".join(answer.streaming_content)
    return answer


def test_every_operation_of_the_rest_api_has_a_right_call() -> None:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    known = {described["operationId"] for methods in document["paths"].values() for described in methods.values()}
    assert set(USES) == known


@pytest.mark.skipif(
    ON_POSTGRES, reason="a thousand savepoints in one transaction are slow there; the answers are the same"
)
def test_who_is_answered_what(callers: dict[str, Caller], stage: Stage) -> None:
    matrix: dict[str, dict[str, int]] = {}
    unusable: dict[str, dict[str, int]] = {}
    for name, operation in OPERATIONS.items():
        matrix[name] = {role: _answer(operation, callers[role], stage).status_code for role in ROLES}
        if name != "create_token":
            assert _answer(operation, Caller("wwt_none"), stage).status_code == 401, name
            refused_by_all = min(matrix[name].values()) >= 300
            unusable |= {name: matrix[name]} if refused_by_all else {}
    assert unusable == {}
    compare("permissions.json", matrix)


def test_what_is_out_of_sight_looks_like_what_is_not_there(callers: dict[str, Caller], stage: Stage) -> None:
    told_apart = []
    for name, operation in OPERATIONS.items():
        if operation.record in SHARED:
            continue
        absent = stage | {operation.record: str(new_guid())}
        there, nowhere = (_answer(operation, callers[FOREIGNER], names) for names in (stage, absent))
        if (there.status_code, _blind(there, stage)) != (nowhere.status_code, _blind(nowhere, absent)):
            told_apart.append((name, there.status_code, nowhere.status_code, there.content[:200]))
    assert told_apart == []


def test_every_operation_keeps_to_its_number_of_queries(callers: dict[str, Caller], stage: Stage) -> None:
    """The budgets are committed; an operation may take fewer queries, and more only by a change of that file."""
    taken: dict[str, int] = {}
    for name, operation in OPERATIONS.items():
        for role in (MEMBER, "administrator"):
            with CaptureQueriesContext(connection) as asked:
                answer = _answer(operation, callers[role], stage)
            if answer.status_code < 300:
                counted = [query for query in asked if not _IS_FRAME.match(query["sql"])]
                taken[name] = max(taken.get(name, 0), len(counted))
    if os.environ.get("WORKWIRE_TEST_RENEW"):
        compare("queries.json", taken)
    budgets = json.loads((CONTRACTS / "queries.json").read_text())
    assert {name: (count, budgets.get(name)) for name, count in taken.items() if count > budgets.get(name, 0)} == {}
    assert set(taken) == set(budgets)
    assert max(budgets.values()) <= MOST_QUERIES


def _blind(answer: Any, names: Stage) -> str:
    """What an answer says, whatever GUIDs it was asked with."""
    text = json.dumps(answer.json()) if answer.content else ""
    for value in names.values():
        text = text.replace(value, "…")
    return text
