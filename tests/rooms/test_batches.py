"""Batches: many items assigned, or created from a spreadsheet: what is checked, what is done once, what a refusal leaves."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.conf import settings
from django.db import connections
from django.utils.translation import override

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from tests.support.sheets import HEADINGS, of_lines, place, ticket
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Credential
from workwire.jobs import commands as jobs
from workwire.jobs import running
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.rooms.batches import commands, doing, headings, queries, spreadsheet
from workwire.rooms.batches.models import Batch, BatchRow, BatchState, RowState
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import Communication
from workwire.rooms.files import commands as files
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessType, VersionState, WorkType
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import StartedBy, Status, WorkItem

Upload = Callable[..., Any]
NOON, DAY = (datetime(2099, *at) for at in ((3, 31, 12), (1, 2)))  # noqa: DTZ001 - cells have no zone


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The administrator, who leads the team."""
    return actors["administrator"]


@pytest.fixture
def member(actors: dict[str, Actor]) -> Actor:
    """The team member, who gives work to nobody."""
    return actors["team member"]


@pytest.fixture
def upload(by: Actor) -> Upload:
    """Upload a sheet of headings and lines."""

    def make(lines: Sequence[Sequence[Any]], head: Sequence[str] = HEADINGS, sheets: int = 1, by: Actor = by) -> Any:
        return files.prepare([of_lines(lines, head, sheets)], "new work.xlsx", by=by).guid

    return make


def _run() -> None:
    """Do all pieces of the batches that were begun."""
    for _ in range(50):
        if not Batch.objects.filter(state=BatchState.RUNNING).exists():
            return
        running.turn("batches")
    raise AssertionError(list(Job.objects.values_list("error_code", "error_text")))


def _issues(batch: Batch) -> dict[int, list[tuple[str, str, int | None]]]:
    rows = BatchRow.objects.filter(batch=batch).exclude(issues=[])
    return {row.number: [(one["code"], one["column"], one["number"]) for one in row.issues] for row in rows}


def _new_ticket(customer: Customer, by: Actor) -> WorkItem:
    return work.create_ticket(
        customer.ticket_version.guid, by=by, title="Chair", category_guid=customer.category.guid, submit=True
    )


def test_many_items_are_given_to_an_account_each_with_the_note(
    first: Customer, by: Actor, organisation: Organisation
) -> None:
    """work-manager ASG-30: also such as somebody else has; who gets each is told by its own event."""
    tickets = [_new_ticket(first, by) for _ in range(doing.ROWS + 2)]
    work.take(tickets[0], by=by)
    member = organisation.accounts["team member"].user
    batch = commands.assign_many([one.guid for one in tickets], member, "Please look at these.", by=by)
    with recorded() as found:
        _run()
    batch.refresh_from_db()
    assert (batch.state, batch.waiting, batch.done, batch.refused) == (BatchState.DONE, 0, len(tickets), 0)
    assert {item.assignee_id for item in WorkItem.objects.filter(pk__in=[one.pk for one in tickets])} == {member.pk}
    assert Communication.objects.filter(body="Please look at these.").count() == len(tickets)
    assert found.names.count("WorkItemUpdated") == len(tickets)
    back = commands.assign_many([tickets[0].guid], None, "", by=by)
    _run()
    back.refresh_from_db()
    assert (back.done, WorkItem.objects.get(pk=tickets[0].pk).assignee_id) == (1, None)


def test_a_batch_gives_work_as_a_person_does_and_says_why_alike(
    first: Customer, by: Actor, organisation: Organisation
) -> None:
    member = organisation.accounts["team member"].user
    deeds: tuple[Callable[[WorkItem], object], ...] = (
        lambda item: item,
        lambda item: work.take(item, by=by),
        lambda item: work.wait_until(item, clock.now() + timedelta(days=1), by=by),
    )
    for deed in deeds:
        alone, together = _new_ticket(first, by), _new_ticket(first, by)
        deed(alone)
        deed(together)
        for user in (member, None):
            conversations.assign_with_note(alone, user, "", by=by, force=True)
            commands.assign_many([together.guid], user, "", by=by)
            _run()
            for one in (alone, together):
                one.refresh_from_db()
            assert _holding(together) == _holding(alone)
            assert _holding(together)[0].count(member.pk) == (1 if user else 0)


def _holding(item: WorkItem) -> tuple[tuple[int | None, int | None], int | None, list[dict[str, Any]]]:
    """Who has an item, its queue, and what the rules said."""
    return (item.assignee_id, item.owner_id), item.queue_id, (item.assignment or {})["tried"]


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_however_many_give_and_take_the_same_items_at_once_each_has_one_account(
    seed: int, first: Customer, by: Actor, organisation: Organisation
) -> None:
    """work-manager ASG-30: of batches, and of people who take, give back and let wait meanwhile."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    people = [organisation.accounts[name] for name in ("administrator", "team member")]
    users = [account.user for account in people]
    tickets = [_new_ticket(first, by) for _ in range(doing.ROWS + 2)]
    batches = [commands.assign_many([one.guid for one in tickets], user, "", by=by) for user in users]
    deeds: list[Callable[[], object]] = [partial(running.turn, "batches")] * 8
    for _ in range(24):
        item, actor = dice.choice(tickets), sessions.actor_for(dice.choice(users))
        command = dice.choice((work.take, work.unassign, work.wait_for_information, work.information_arrived))
        deeds.append(partial(command, item, by=actor))
    dice.shuffle(deeds)

    def do(deed: Callable[[], object]) -> None:
        try:
            deed()
        except (Conflict, Forbidden):
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(do, deeds))
    _run()
    for batch in batches:
        batch.refresh_from_db()
        assert (batch.state, batch.done) == (BatchState.DONE, len(tickets))
    for item in WorkItem.objects.filter(pk__in=[one.pk for one in tickets]):
        (assignee, owner), _queue, tried = _holding(item)
        assert assignee is None or owner is None
        assert tried
        given = work.assign(item, users[0], by=by, force=True)
        assert _holding(given)[0].count(users[0].pk) == 1
        assert _holding(given)[0].count(users[1].pk) == 0


def test_what_is_refused_says_why_and_holds_up_nothing(
    first: Customer, by: Actor, member: Actor, organisation: Organisation
) -> None:
    fine, finished = _new_ticket(first, by), _new_ticket(first, by)
    work.resolve(finished, by=by)
    user = organisation.accounts["team member"].user
    absent = uuid4()
    batch = commands.assign_many([absent, finished.guid, fine.guid, fine.guid], user, "", by=by)
    _run()
    batch.refresh_from_db()
    assert (batch.done, batch.refused) == (1, 2)
    rows = {row.work_item_id: row for row in batch.rows.all()}
    assert rows[None].issues[0]["code"] == "work_item_not_found"
    assert rows[finished.pk].state == RowState.REFUSED
    assert rows[finished.pk].issues[0]["code"]
    assert rows[fine.pk].state == RowState.DONE
    denied = commands.assign_many([fine.guid], organisation.accounts["administrator"].user, "", by=member)
    _run()
    denied.refresh_from_db()
    assert (denied.done, denied.refused) == (0, 1)


def test_a_row_is_done_with_the_rights_of_that_moment(first: Customer, by: Actor, organisation: Organisation) -> None:
    user = organisation.accounts["team member"].user
    one = _new_ticket(first, by)
    leader = organisation.accounts["administrator"].user
    credential, _secret = access.create_credential(
        leader, "Batches", [leader.role_assignments.all()[0].role], expires_at=clock.now() + timedelta(days=9), by=by
    )
    through = Actor(user_id=by.user_id, user_type=by.user_type, features=by.features, credential_id=credential.pk)
    batch = commands.assign_many([one.guid], user, "", by=through)
    Credential.objects.filter(pk=credential.pk).update(revoked_at=clock.now())
    _run()
    batch.refresh_from_db()
    assert (batch.done, batch.refused) == (0, 1)
    assert batch.rows.get().issues[0]["code"] == "batch_without_account"


def test_a_batch_is_bounded_and_for_who_works(by: Actor, organisation: Organisation, actors: dict[str, Actor]) -> None:
    user = organisation.accounts["team member"].user
    for guids in ([], [uuid4() for _ in range(commands.MOST_ITEMS + 1)]):
        with pytest.raises(Invalid):
            commands.assign_many(guids, user, "", by=by)
    with pytest.raises(Invalid):
        commands.assign_many([uuid4()], user, "x" * (commands.LONGEST_NOTE + 1), by=by)
    outside = Actor(user_id=by.user_id, user_type=UserType.SELF_SERVICE, features=frozenset({"self_service"}))
    with pytest.raises(Forbidden):
        commands.assign_many([uuid4()], user, "", by=outside)
    for _ in range(commands.MOST_OPEN):
        commands.assign_many([uuid4()], user, "", by=by)
    with pytest.raises(Conflict):
        commands.assign_many([uuid4()], user, "", by=by)


def test_a_sheet_is_checked_and_its_valid_rows_are_created_once(first: Customer, by: Actor, upload: Upload) -> None:
    """work-manager NEW-3, NEW-4."""
    parties.create_contact("ann@willow.example", first_name="Ann", surname="Lee", company=first.company, by=by)
    lines = [
        ticket(first, "One", "ANN@willow.example", 3, NOON, "4711", 12.5, DAY),
        ticket(first, "Two", "bob@willow.example"),
        ticket(first, "Three", None, 0, "31-03-2099 12:00 PM"),
    ]
    more = ("Requester", "Records", "Override due date", "Invoice", "Amount", "Pay By")
    batch = commands.check_sheet(upload(lines, (*HEADINGS, *more)), ProcessType.TICKET, by=by)
    assert (batch.state, batch.waiting, batch.refused) == (BatchState.CHECKED, 1, 2)
    assert _issues(batch) == {
        3: [("batch.nobody_at_address", "Requester", 304)],
        4: [("batch.value_invalid", "Records", 303)],
    }
    assert not WorkItem.objects.exists()
    commands.start(batch, by=by)
    _run()
    item = WorkItem.objects.get()
    assert (item.title, item.status, item.record_count) == ("One", Status.TO_DO, 3)
    assert item.started_by_method == StartedBy.OPERATIONAL_USER_IN_BULK
    assert item.custom_data == {"Invoice": "4711", "Amount": 12.5, "Pay By": "2099-01-02"}
    assert item.due_date == datetime(2099, 3, 31, 10, tzinfo=UTC)  # the contract is in Amsterdam
    assert item.contacts.get(contact__email="ann@willow.example").tags.count() == 2
    assert batch.rows.get(state=RowState.DONE).work_item == item
    with pytest.raises(Conflict):
        commands.start(batch, by=by)


def test_each_kind_of_mistake_has_its_documented_number(
    first: Customer, second: Customer, by: Actor, upload: Upload
) -> None:
    """work-manager NEW-4 … NEW-6."""
    of = place(first)
    lines = [
        ("Nobody", *ticket(first)[1:]),
        (of[0], "None", *ticket(first)[2:]),
        (*of[:2], "None", *ticket(first)[3:]),
        (*of[:3], "Order", *ticket(first)[4:]),
        (*ticket(first)[:6], "Nothing", "Late payment"),
        (*ticket(first)[:6], "Money", "Nothing"),
        (*of, "", "text", "Money", "Late payment"),
        (*ticket(first), "perhaps"),
    ]
    batch = commands.check_sheet(upload(lines, (*HEADINGS, "Pay By"), sheets=2), ProcessType.TICKET, by=by)
    assert [one["number"] for one in batch.told] == [3]
    assert {line: [number for _code, _column, number in found] for line, found in _issues(batch).items()} == {
        2: [305],
        3: [306],
        4: [307],
        5: [308],
        6: [309],
        7: [310],
        8: [302],
        9: [303],
    }
    with pytest.raises(Conflict) as refusal:
        commands.start(batch, by=by)
    assert refusal.value.code == "batch_without_rows"


def test_a_sheet_with_wrong_columns_has_no_rows(first: Customer, by: Actor, upload: Upload) -> None:
    """work-manager NEW-6."""
    head = ("Customer", "Contract", "Service", "Process", "Description", "Category 1", "Weather", "customer")
    batch = commands.check_sheet(upload([], head), ProcessType.TICKET, by=by)
    assert [(one["code"], one["column"], one["number"]) for one in batch.told] == [
        ("batch.column_unknown", "Weather", 103),
        ("batch.column_twice", "customer", None),
        ("batch.column_missing", "Title", 101),
    ]
    assert not batch.rows.exists()


def test_titles_are_unique_where_that_is_asked_for(first: Customer, by: Actor, upload: Upload) -> None:
    """work-manager NEW-3."""
    _new_ticket(first, by)
    lines = [ticket(first, "Chair"), ticket(first, "Table"), ticket(first, "TABLE")]
    lax = commands.check_sheet(upload(lines), ProcessType.TICKET, by=by)
    assert lax.waiting == 3
    strict = commands.check_sheet(upload(lines), ProcessType.TICKET, by=by, unique_titles=True)
    assert {line: found[0][2] for line, found in _issues(strict).items()} == {2: 301, 4: 300}


def test_nobody_creates_where_he_sees_nothing(
    first: Customer, second: Customer, actors: dict[str, Actor], upload: Upload
) -> None:
    one_company = actors["process builder of one company"]
    guid = upload([ticket(first), ticket(second)], by=one_company)
    batch = commands.check_sheet(guid, ProcessType.TICKET, by=one_company)
    assert {line: found[0][2] for line, found in _issues(batch).items()} == {2: 305}
    with pytest.raises(NotFound):
        commands.check_sheet(guid, ProcessType.TICKET, by=actors["administrator"])
    with pytest.raises(NotFound):
        queries.batch(batch.guid, by=actors["administrator"])


def test_cases_flow_and_a_right_lost_meanwhile_refuses(first: Customer, by: Actor, upload: Upload) -> None:
    head = ("Customer", "Contract", "Service", "Process", "Title")
    batch = commands.check_sheet(upload([(*place(first, "Order"), "New desk")], head), ProcessType.CASE, by=by)
    commands.start(batch, by=by)
    _run()
    case = WorkItem.objects.get(kind=ProcessType.CASE)
    assert WorkItem.objects.filter(parent=case).count() == 2
    again = commands.check_sheet(upload([(*place(first, "Order"), "Desk")], head), ProcessType.CASE, by=by)
    newer = offering.create_version(first.case_version.process, by=by)
    offering.add_ad_hoc_action(newer, WorkType.objects.get(name="Check Budget"), by=by)
    offering.set_version_state(newer, VersionState.LIVE, by=by)
    commands.start(again, by=by)
    _run()
    again.refresh_from_db()
    assert (again.state, again.done, again.refused) == (BatchState.DONE, 0, 1)


def test_the_template_is_read_back_in_every_language(by: Actor, first: Customer) -> None:
    """work-manager NEW-3."""
    for language in ("en", "de"):
        with override(language):
            book = openpyxl.load_workbook(
                BytesIO(spreadsheet.write(list(headings.known(ProcessType.TICKET).values()), "Tickets"))
            )
            page: Any = book.active
            named = {"customer": 0, "contract": 1, "service": 2, "process": 3}
            line: list[Any] = [None] * page.max_column
            for name, at in named.items():
                line[at] = place(first)[at]
                assert list(headings.known(ProcessType.TICKET)).index(name) == at
            line[4:8] = ["Chair", "Text", "Money", "Late payment"]
            page.append(line)
            made = BytesIO()
            book.save(made)
            upload = files.prepare([made.getvalue()], "filled.xlsx", by=by).guid
            batch = commands.check_sheet(upload, ProcessType.TICKET, by=by)
            assert (batch.told, _issues(batch), batch.waiting) == ([], {}, 1)


@pytest.mark.parametrize("content", [b"", b"PK", b"name;title\n", b"\xd0\xcf\x11\xe0"])
def test_a_file_that_is_no_spreadsheet_is_refused(content: bytes, by: Actor) -> None:
    upload = files.prepare([content], "x.xlsx", by=by).guid
    with pytest.raises(Invalid) as refusal:
        commands.check_sheet(upload, ProcessType.TICKET, by=by)
    assert refusal.value.code == "sheet_unreadable"


def test_a_file_that_unpacks_to_too_much_is_refused_unread(by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "LARGEST", 100_000)
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sharedStrings.xml", b"0" * 200_000)
    upload = files.prepare([made.getvalue()], "bomb.xlsx", by=by).guid
    with pytest.raises(Invalid) as refusal:
        commands.check_sheet(upload, ProcessType.TICKET, by=by)
    assert refusal.value.code == "sheet_too_large"


def test_rows_and_columns_are_bounded(by: Actor, upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 3)
    monkeypatch.setattr(spreadsheet, "MOST_COLUMNS", 9)
    for guid, code in (
        (upload([("x",)] * 4), "sheet_too_long"),
        (upload([], tuple("abcdefghij")), "sheet_too_wide"),
        (upload([], ()), "sheet_empty"),
    ):
        with pytest.raises(Invalid) as refusal:
            commands.check_sheet(guid, ProcessType.TICKET, by=by)
        assert refusal.value.code == code


def test_a_batch_is_cancelled_by_its_job(first: Customer, by: Actor, organisation: Organisation) -> None:
    tickets = [_new_ticket(first, by) for _ in range(2 * doing.ROWS)]
    batch = commands.assign_many([one.guid for one in tickets], organisation.accounts["team member"].user, "", by=by)
    running.turn("batches")
    assert batch.job is not None
    jobs.cancel(batch.job, by=by)
    _run()
    batch.refresh_from_db()
    assert (batch.state, batch.waiting, batch.done) == (BatchState.CANCELLED, doing.ROWS, doing.ROWS)


def test_a_piece_that_was_interrupted_is_done_again_and_no_row_twice(
    first: Customer, by: Actor, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = commands.check_sheet(upload([ticket(first, f"Title {n}") for n in range(3)]), ProcessType.TICKET, by=by)
    commands.start(batch, by=by)
    create, calls = work.create_ticket, []

    def breaks(*given: Any, **named: Any) -> WorkItem:
        calls.append(named["title"])
        if len(calls) == 2:
            raise RuntimeError("the worker dies")
        return create(*given, **named)

    monkeypatch.setattr(work, "create_ticket", breaks)
    running.turn("batches")
    assert not WorkItem.objects.exists()
    assert Job.objects.get(subject=batch.guid).state == JobState.WAITING
    Job.objects.update(ready_at=clock.now())
    _run()
    assert sorted(WorkItem.objects.values_list("title", flat=True)) == ["Title 0", "Title 1", "Title 2"]


def test_old_batches_are_forgotten_with_their_rows(by: Actor, organisation: Organisation) -> None:
    user = organisation.accounts["team member"].user
    old, new = (commands.assign_many([uuid4()], user, "", by=by) for _ in range(2))
    _run()
    long_ago = clock.now() - timedelta(days=settings.CONFIG.job_retention_days + 1)
    Batch.objects.filter(pk=old.pk).update(created_at=long_ago)
    doing.forget_old(clock.now(), 1000)
    assert list(Batch.objects.all()) == [new]
    assert BatchRow.objects.count() == 1
