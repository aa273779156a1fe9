"""What a ticket process may ask for: a description, the title as it was, a due date of its category, a word at the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from workwire.access import run_time_settings
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.commitments.rules import Base, DueRule, Override, Unit
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import Communication, CommunicationType
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import FieldKind, ProcessVersion, TicketCategory, VersionState
from workwire.rooms.offering.version_findings import findings
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands, item_due_dates
from workwire.rooms.work.models import Status, WorkItem

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TWO_DAYS, FIVE_DAYS = DueRule(2, Unit.DAYS, override=Override.NO), DueRule(5, Unit.DAYS)


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


def _process(
    first: Customer, admin: Actor, categories: dict[str, DueRule | None] | None = None, **of_version: Any
) -> tuple[ProcessVersion, dict[str, TicketCategory]]:
    version = offering.create_version(first.ticket_version.process, by=admin, **of_version)
    made = {
        name: offering.add_category(version, name, due=due, by=admin)
        for name, due in (categories or {"Any": None}).items()
    }
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    return version, made


def _ticket(version: ProcessVersion, category: TicketCategory, by: Actor, **fields: Any) -> WorkItem:
    fields = {"title": "Broken chair", "submit": True, **fields}
    return commands.create_ticket(version.guid, by=by, category_guid=category.guid, **fields)


def _days(item: WorkItem) -> int | None:
    return (item.due_date - MONDAY).days if item.due_date is not None else None


def test_a_ticket_is_due_as_its_category_says_and_else_as_the_version(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-5."""
    version, made = _process(first, admin, {"Urgent": TWO_DAYS, "Other": None}, due=FIVE_DAYS)
    with clock.frozen(MONDAY):
        urgent, other = (_ticket(version, made[name], by) for name in ("Urgent", "Other"))
        draft = commands.submit(_ticket(version, made["Urgent"], by, submit=False), by=by)
    assert [_days(one) for one in (urgent, other, draft)] == [2, 5, 2]
    assert item_due_dates.rule_of(WorkItem.objects.get(pk=urgent.pk)) == TWO_DAYS


def test_a_new_category_moves_the_due_date_by_its_own_rule(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-5: computed from the start of the ticket, also where nothing is due any more afterwards."""
    version, made = _process(first, admin, {"Urgent": TWO_DAYS, "Other": FIVE_DAYS, "Some day": None})
    with clock.frozen(MONDAY):
        ticket = _ticket(version, made["Urgent"], by)
    for name, days in (("Other", 5), ("Some day", None), ("Urgent", 2)):
        ticket = commands.update(ticket, by=by, category_guid=made[name].guid)
        assert _days(WorkItem.objects.get(pk=ticket.pk)) == days
    assert bool(ticket.due_steps)


def test_a_category_that_forbids_it_takes_a_due_date_set_by_hand_back(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-5: a category that allows it leaves it as it was set."""
    version, made = _process(first, admin, {"Urgent": TWO_DAYS, "Other": FIVE_DAYS, "Third": DueRule(1, Unit.DAYS)})
    with clock.frozen(MONDAY):
        ticket = _ticket(version, made["Other"], by)
        by_hand = MONDAY.replace(day=20)
        commands.update(ticket, by=by, due_date=by_hand)
        ticket = commands.update(ticket, by=by, category_guid=made["Third"].guid)
        assert (ticket.due_date, ticket.due_date_overridden) == (by_hand, True)
        ticket = commands.update(ticket, by=by, category_guid=made["Urgent"].guid)
        assert (_days(ticket), ticket.due_date_overridden) == (2, False)
        with pytest.raises(Invalid) as refusal:
            commands.update(ticket, by=by, due_date=by_hand)
    assert refusal.value.code == "due_date_fixed"


def test_the_draft_of_a_ticket_follows_its_category_too(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-5."""
    version, made = _process(first, admin, {"Urgent": TWO_DAYS, "Other": FIVE_DAYS})
    with clock.frozen(MONDAY):
        draft = _ticket(version, made["Other"], by, submit=False, due_date=MONDAY.replace(day=20))
        draft = commands.update(draft, by=by, category_guid=made["Urgent"].guid)
        assert (draft.due_date, draft.due_date_overridden) == (None, False)
        assert _days(commands.submit(draft, by=by)) == 2


def test_a_rule_of_a_category_is_looked_at_before_it_goes_live(first: Customer, by: Actor, admin: Actor) -> None:
    version = offering.create_version(first.ticket_version.process, due=FIVE_DAYS, by=admin)
    offering.create_data_field("Wanted on", FieldKind.SHORT_TEXT, by=admin)
    for name, of in (("Gone", "Nowhere"), ("Text", "Wanted on")):
        rule = DueRule(1, Unit.DAYS, base=Base.CUSTOM_DATE, of=of)
        offering.add_category(version, name, due=rule, by=admin)
    found = {(one.said.code, one.place) for one in findings(version)}
    assert found >= {("finding_due_field", "categories/Gone"), ("finding_due_field_kind", "categories/Text")}


def test_the_title_stays_where_that_is_configured(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-6."""
    for editable in (True, False):
        version, made = _process(first, admin, title_editable=editable)
        draft = _ticket(version, made["Any"], by, submit=False)
        ticket = commands.submit(draft, by=by, title="Chair without a leg")
        assert ticket.title == "Chair without a leg"
        if editable:
            assert commands.update(ticket, by=by, title="Chair").title == "Chair"
            continue
        for deed in (commands.update, commands.resolve):
            with pytest.raises(Conflict) as refusal:
                deed(ticket, by=by, title="Chair")
            assert refusal.value.code == "title_fixed"
        assert commands.update(ticket, by=by, title="Chair without a leg").title == "Chair without a leg"


def test_what_a_ticket_needs_to_be_submitted(
    first: Customer, by: Actor, admin: Actor, organisation: Organisation
) -> None:
    """work-manager TIC-1: title and category always, the others where the process asks for them."""
    asks = {"requires_description": True, "requires_primary_contact": True, "requires_requester": True}
    version, made = _process(first, admin, **asks)
    someone = organisation.accounts["team member"].user
    tags = {tag.built_in: commands.TagWish(tag.guid) for tag in ContactTag.objects.exclude(built_in="")}
    draft = commands.create_ticket(version.guid, by=by)
    for missing, fields in (
        ("title_blank", {"title": "Broken"}),
        ("description_blank", {"description": "One leg is off."}),
        ("category_missing", {"category_guid": made["Any"].guid}),
        ("primary_contact_missing", {"contacts": [commands.ContactWish(someone.guid, (tags["primary"],))]}),
        ("requester_missing", {"contacts": [commands.ContactWish(someone.guid, (tags["requester"],))]}),
    ):
        with pytest.raises(Invalid) as refusal:
            commands.submit(draft, by=by)
        assert refusal.value.code == missing
        draft = commands.update(draft, by=by, **fields)  # type: ignore[arg-type]  # one field each
    assert commands.submit(draft, by=by).status == Status.TO_DO
    with pytest.raises(Invalid):
        commands.update(draft, by=by, description=" ")


def test_people_resolve_a_ticket_with_a_mail_or_a_note(first: Customer, by: Actor) -> None:
    """work-manager TIC-8: one that is there, or one that comes along."""
    ticket, mailed, noted = (_ticket(first.ticket_version, first.category, by) for _ in range(3))
    conversations.add(ticket, by=by, kind=CommunicationType.PHONE_INCOMING, body="Is anybody there?")
    with pytest.raises(Conflict) as refusal:
        conversations.resolve(ticket, by=by)
    assert (refusal.value.code, WorkItem.objects.get(pk=ticket.pk).status) == ("communication_missing", Status.TO_DO)
    conversations.send_mail(mailed, conversations.Mail(["ines@willow.example"], "Done", "Done."), by=by)
    conversations.add(noted, by=by, kind=CommunicationType.AUDIT_NOTE, body="Sent a new one.")
    assert conversations.resolve(ticket, by=by, note="Sent a new one.").status == Status.CLOSED
    assert Communication.objects.get(work_item=ticket, kind=CommunicationType.AUDIT_NOTE).is_resolution
    assert {conversations.resolve(one, by=by).status for one in (mailed, noted)} == {Status.CLOSED}


def test_nothing_is_asked_where_the_setting_says_so_nor_of_machines_nor_at_cases(
    first: Customer, by: Actor, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """work-manager TIC-8."""
    assert run_time_settings.in_force("ticket_resolution_asks_for").default == "communication"
    assert conversations.resolve(_ticket(first.ticket_version, first.category, by), by=SYSTEM).status == Status.CLOSED
    case = commands.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    action = WorkItem.objects.filter(parent=case.pk).order_by("pk")[0]
    assert conversations.resolve(action, by=by).status == Status.CLOSED
    configured = settings.CONFIG.model_copy(update={"ticket_resolution_asks_for": "nothing"})
    monkeypatch.setattr(settings, "CONFIG", configured)
    assert conversations.resolve(_ticket(first.ticket_version, first.category, by), by=by).status == Status.CLOSED


def test_parts_of_a_ticket_are_of_its_period(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager SPL-1: the process follows a schedule, so that each of its tickets is of a period."""
    schedule = offering.create_schedule("Payroll", by=admin)
    period = offering.add_period(schedule, year=2026, period="March", start_date=MONDAY.date(), dates={}, by=admin)
    version, made = _process(first, admin, schedule=schedule)
    ticket = _ticket(version, made["Any"], by, schedule_period=period.guid)
    parts = commands.split(ticket, [commands.Part(), commands.Part(title="The other leg")], by=by)
    assert {part.schedule_period_id for part in parts} == {period.pk}


@pytest.mark.django_db(transaction=True)
def test_a_category_that_a_ticket_gets_meanwhile_counts(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-5: the row comes from a lock that was waited for."""
    version, made = _process(first, admin, {"Urgent": TWO_DAYS, "Other": FIVE_DAYS})
    with clock.frozen(MONDAY):
        ticket = _ticket(version, made["Other"], by)
    _, refused = overlap(
        lambda: commands.update(ticket, by=by, category_guid=made["Urgent"].guid),
        lambda: commands.update(ticket, by=by, due_date=datetime(2030, 1, 1, tzinfo=UTC)),
    )
    assert isinstance(refused, Invalid)
    assert refused.code == "due_date_fixed"
    assert _days(WorkItem.objects.get(pk=ticket.pk)) == 2
