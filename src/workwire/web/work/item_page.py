"""The page of a work item: what it is, where it stands, when it is due and why, and all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.conversations import queries as conversations
from workwire.rooms.conversations.queries import Communication, CommunicationType
from workwire.rooms.following import recent_items
from workwire.rooms.work import (
    explained_assignment,
    family_sight,
    item_due_dates,
    item_files,
    policy,
    queries,
    relations,
)
from workwire.rooms.work.queries import ChecklistResult, ProcessType, Status, WorkItem
from workwire.web.kit.ledger_parts import EventRow, rows
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Due, Entry, Fact, Link, Person, State
from workwire.web.work.deed_parts import Deeds, deeds_at
from workwire.web.work.item_effort import Effort, effort_of
from workwire.web.work.item_parts import KINDS, Row, address_of, assignee_of, due_of, person_at_item, row, state_of
from workwire.web.work.item_standing import Standing, standing_of
from workwire.web.work.saying import WORDS_OF, SayForm

MOST_BELOW, MOST_RELATED, MOST_CONTACTS, MOST_FILES, MOST_COMMUNICATIONS, MOST_EVENTS = 200, 100, 100, 100, 20, 8
_ANSWERS = {
    ChecklistResult.NONE: State("circle", "", "todo"),
    ChecklistResult.NOT_APPLICABLE: State("minus", "", "off"),
    ChecklistResult.NO: State("circle-x", "", "bad"),
    ChecklistResult.YES: State("circle-check", "", "ok"),
}


@dataclass(frozen=True, slots=True)
class DueStep:
    """One step of how a due date came about; one that found nothing to count from has no moment."""

    said: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class DueDate:
    """A due date with its explanation, in the zone of the contract."""

    due: Due
    moment: datetime | None
    is_by_hand: bool
    rule: str
    calendar: str
    zone: str
    steps: tuple[DueStep, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the item, as what, and the rules that were tried last; without them there is nothing to explain."""

    person: Person
    is_owner: bool
    rules: tuple[str, ...]
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at the item, with the tags the reader is shown."""

    person: Person
    company: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the item, and where its content is got."""

    name: str
    address: str
    size: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What is shown of linked work that the reader may not open."""

    reference: str
    title: str
    assignee: Person
    queue: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Related:
    """Another item, and what that one is to this one; of one that the reader may not open, its `header`. `unlink` is where the
    link to it is taken away, empty for who may not and for what is more than a link."""

    how: str
    row: Row | None
    header: Header | None
    unlink: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A line of a checklist and its answer; without an address it cannot be answered now."""

    words: str
    answer: State
    note: str
    by: str
    address: str


@dataclass(frozen=True, slots=True)
class Saying:
    """Where something is said about the item, with the form, and where a mail is written; empty for who may not."""

    address: str
    mail: str
    form: SayForm


@dataclass(frozen=True, slots=True)
class ItemPage:
    """What the page shows."""

    title: str
    reference: str
    kind: str
    crumbs: tuple[Link, ...]
    state: State
    waits_until: datetime | None
    needs: str
    deeds: Deeds
    saying: Saying | None
    description: str
    due: DueDate
    holder: Holder
    queue: str
    contract: str
    facts: tuple[Fact, ...]
    standing: Standing | None
    effort: Effort | None
    contacts: tuple[Contact, ...]
    custom_data: tuple[Fact, ...]
    files: tuple[File, ...]
    attach: str
    checklist: tuple[Check, ...]
    below: tuple[Row, ...]
    related: tuple[Related, ...]
    said: tuple[Entry, ...]
    history: tuple[EventRow, ...]
    all_events: str


@page("work/item.html")
def item(visit: Visit, guid: UUID | None = None, reference: str = "") -> ItemPage:
    """One work item by GUID or reference."""
    actor, now = visit.actor, clock.now()
    found = queries.item(guid, by=actor) if guid is not None else queries.item_with_reference(reference, by=actor)
    recent_items.note_opened(found, by=actor)
    in_self_service = policy.in_self_service(actor)
    is_action, deeds = found.kind == ProcessType.ACTION, deeds_at(found, actor)
    return ItemPage(
        title=found.title,
        reference=found.reference or "",
        kind=str(KINDS[ProcessType(found.kind)]),
        crumbs=_crumbs(found),
        state=state_of(found),
        waits_until=found.wait_until if found.status == Status.WAITING else None,
        needs="" if in_self_service else _needs(found),
        deeds=deeds,
        saying=_saying(found, actor),
        description=found.description,
        due=_due_date(found, now),
        holder=_holder(found, actor),
        queue=found.queue.name if found.queue else "",
        contract=item_due_dates.terms_of(found).name,
        facts=_facts(found),
        standing=None if in_self_service else standing_of(found),
        effort=effort_of(found, actor),
        contacts=_contacts(found, actor),
        custom_data=tuple(
            Fact(name, _shown(value)) for name, value in family_sight.custom_data_shown(found, by=actor).items()
        ),
        files=_files(found, actor),
        attach=reverse("work-item-attach", args=[found.guid]) if policy.may_change(actor, found) else "",
        checklist=_checklist(found, deeds) if is_action and not in_self_service else (),
        below=_all_below(found, actor, now),
        related=_related(found, actor, now),
        said=tuple(_entry(one) for one in conversations.communications_of(found, by=actor)[:MOST_COMMUNICATIONS]),
        history=_history(found, actor) if not in_self_service else (),
        all_events=f"{reverse('events')}?record={found.reference or found.guid}",
    )


def _history(item: WorkItem, actor: Actor) -> tuple[EventRow, ...]:
    """What happened last, for who may read the history."""
    return rows(list(queries.events_of(item, by=actor).order_by("-pk")[:MOST_EVENTS]))


def _all_below(item: WorkItem, actor: Actor, now: datetime) -> tuple[Row, ...]:
    """What lies in a case; the case that a ticket became is among its relations."""
    if item.kind != ProcessType.CASE:
        return ()
    return tuple(_below(one, now) for one in queries.items_under(item, by=actor)[:MOST_BELOW])


def _related(item: WorkItem, actor: Actor, now: datetime) -> tuple[Related, ...]:
    words = {
        "split_from": _("Split from"),
        "split_into": _("Split into"),
        "merged_into": _("Merged into"),
        "merged_from": _("Took over"),
        "converted_from": _("Made of"),
        "converted_into": _("Became"),
        "reworked_from": _("Done again after"),
        "reworked_into": _("Done again as"),
        "linked": _("Linked"),
    }
    found = relations.relations_of(item, by=actor).order_by("-pk")[:MOST_RELATED]
    seen = (relations.seen_from(item, one) for one in found)
    may_unlink = policy.may_work(actor)

    def unlink(one: relations.Seen) -> str:
        is_link = one.name == "linked" and may_unlink
        return reverse("work-item-unlink", args=[item.guid, one.other.guid]) if is_link else ""

    return tuple(
        Related(words[one.name], row(one.other, now), None, unlink(one))
        if one.may_open
        else Related(words[one.name], None, _header(one.other))
        for one in seen
    )


def _header(other: WorkItem) -> Header:
    queue = other.queue.name if other.queue else ""
    return Header(other.reference or "", other.title, assignee_of(other), queue, other.due_date)


def _below(item: WorkItem, now: datetime) -> Row:
    """A row under a case; an action, which has the title of its case, is called by what there is to do."""
    made = row(item, now)
    return replace(made, title=made.process) if item.kind == ProcessType.ACTION else made


def _needs(found: WorkItem) -> str:
    """Why a person must look at an item: a robot gave it back, a case does not go on by itself, or something new came in."""
    if found.robot_rejected:
        return queries.why_rejected(found)
    return queries.why_attention(found) or (_("Something new came in.") if found.news_since else "")


def _crumbs(item: WorkItem) -> tuple[Link, ...]:
    of_customer = f"{reverse('work')}?view=all&customer={item.customer.guid}"
    parent = queries.parent_of(item)
    above = (Link(parent.reference or "", address_of(parent)),) if parent is not None else ()
    return Link(item.customer.name, of_customer), *above, Link(item.reference or _("Draft"), is_here=True)


def _due_date(item: WorkItem, now: datetime) -> DueDate:
    rule, calendar = item_due_dates.rule_of(item), item_due_dates.calendar_row_of(item)
    return DueDate(
        due=due_of(item, now),
        moment=item.due_date if item_due_dates.paused(item) is None else None,
        is_by_hand=item.due_date_overridden,
        rule=rule.description if rule is not None else "",
        calendar=calendar.name if calendar else _("standard week"),
        zone=item_due_dates.terms_of(item).time_zone,
        steps=tuple(DueStep(item_due_dates.said_in(step), _moment(step["moment"])) for step in item.due_steps),
    )


def _holder(item: WorkItem, actor: Actor) -> Holder:
    """The assignee of an item, or the owner where only that one has it."""
    is_owner = item.assignee is None and item.owner is not None
    person = person_at_item(item.owner) if is_owner else assignee_of(item)
    if policy.in_self_service(actor):
        return Holder(person, is_owner, (), None)
    why = explained_assignment.why_assigned(item, by=actor)
    return Holder(person, is_owner, tuple(said.sentence() for said in why.tried), why.at)


def _moment(written: str | None) -> datetime | None:
    """The moment a step led to; one that found nothing to count from led to none."""
    return datetime.fromisoformat(written) if written else None


def _facts(item: WorkItem) -> tuple[Fact, ...]:
    """What else is known, without what is not there."""
    names = (
        (_("Process"), item.work_type.name),
        (_("Step"), item.current_step.name if item.current_step else ""),
        (_("Category"), item.category.name if item.category else ""),
        (_("Service"), item.service.name),
        (_("Supplier"), item.contract.supplier.name),
        (_("Period"), str(item.schedule_period) if item.schedule_period else ""),
        (_("Owner"), item.owner.full_name if item.owner else ""),
        (_("Started by"), item.started_by.full_name if item.started_by else ""),
        (_("Resolved by"), item.resolved_by.full_name if item.resolved_by else ""),
        (_("Records"), number_format(item.record_count, force_grouping=True) if item.record_count > 1 else ""),
    )
    return tuple(Fact(name, value) for name, value in names if value)


def _contacts(item: WorkItem, actor: Actor) -> tuple[Contact, ...]:
    return tuple(
        Contact(
            person=person_at_item(row.contact or row.user),
            company=row.contact.company.name if row.contact and row.contact.company else "",
            tags=tuple(tag.name for tag in row.tags.all()),
        )
        for row in queries.contacts_of(item, by=actor)[:MOST_CONTACTS]
    )


def _files(item: WorkItem, actor: Actor) -> tuple[File, ...]:
    return tuple(
        File(
            one.file_name,
            reverse("file", args=[one.guid]),
            filesizeformat(one.stored.size),
            tuple(held.tag.name for held in one.tags.all()),
        )
        for one in item_files.files_of(item, by=actor)[:MOST_FILES]
    )


def _saying(item: WorkItem, actor: Actor) -> Saying | None:
    """The form for saying something, for who may."""
    form = SayForm(auto_id="id_say_%s")
    form.fit(actor)
    if "kind" not in form.fields and not policy.in_self_service(actor):
        return None
    mail = reverse("work-item-mail", args=[item.guid]) if policy.may_work(actor) else ""
    return Saying(reverse("work-item-say", args=[item.guid]), mail, form)


def _checklist(action: WorkItem, deeds: Deeds) -> tuple[Check, ...]:
    words = {
        ChecklistResult.NONE: _("Not answered"),
        ChecklistResult.NOT_APPLICABLE: _("Not applicable"),
        ChecklistResult.NO: _("No"),
        ChecklistResult.YES: _("Yes"),
    }
    made = []
    for one in queries.checklist_of(action):
        result = ChecklistResult(one.result)
        answer = State(_ANSWERS[result].icon, words[result], _ANSWERS[result].tone)
        by = one.checked_by.full_name if one.checked_by else ""
        address = reverse("work-item-check", args=[action.guid, one.guid]) if deeds.may_edit else ""
        made.append(Check(one.line.description, answer, one.note, by, address))
    return tuple(made)


def _entry(said: Communication) -> Entry:
    words, icon = WORDS_OF[CommunicationType(said.kind)]
    return Entry(
        moment=said.logged_at,
        title=said.subject,
        icon=icon,
        by=person_at_item(said.sender) if said.sender else Person.of(said.sender_address or _("Unknown")),
        detail=words,
        text=said.body or strip_tags(said.html_body),
        is_note=said.kind == CommunicationType.AUDIT_NOTE,
    )


def _shown(value: Any) -> str:
    """A value of custom data as people read it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, (int, float)):
        return number_format(value, use_l10n=True, force_grouping=True)
    if isinstance(value, list):
        return " › ".join(_shown(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(one)}" for name, one in value.items())
    return str(value)
