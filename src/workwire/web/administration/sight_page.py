"""What an account may see, and why: the sum of each kind of record, records to pick, and each rule that decides on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.access import features, queries, sight
from workwire.access.policy import require_one_of
from workwire.kernel.ids import parse_guid
from workwire.web.administration.editing import counted
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link, State, Words

if TYPE_CHECKING:
    from workwire.access.models import User

LONGEST_TEXT = 200
KINDS: dict[str, Words] = {
    "company": gettext_lazy("Companies"),
    "contract": gettext_lazy("Contracts"),
    "service": gettext_lazy("Services"),
    "process": gettext_lazy("Processes"),
    "work_item": gettext_lazy("Work items"),
    "contact": gettext_lazy("Contacts"),
    "schedule": gettext_lazy("Schedules"),
    "queue": gettext_lazy("Queues"),
}
RULES: dict[str, Words] = {
    "account_active": gettext_lazy("The account must be active"),
    "all_records": gettext_lazy("A role shows all records"),
    "permission": gettext_lazy("A data permission of a group"),
    "started_by_itself": gettext_lazy("In self service: started by itself"),
    "global_contact": gettext_lazy("A contact of all companies"),
    "configures_schedules": gettext_lazy("A role configures schedules or processes"),
    "process_seen": gettext_lazy("A process it sees follows the schedule"),
    "all_queues": gettext_lazy("A role shows all queues"),
    "queue_member": gettext_lazy("A member of the queue"),
    "queue_manager": gettext_lazy("A manager of the queue"),
}
SEES, SEES_NOT = (
    State("circle-check", gettext_lazy("Sees it"), "ok"),
    State("circle-x", gettext_lazy("Does not see it"), "bad"),
)
_ALLOWS, _SILENT = (
    State("circle-check", gettext_lazy("Allows"), "ok"),
    State("minus", gettext_lazy("Does not allow"), "off"),
)
_FULFILLED, _WITHHOLDS = (
    State("circle-check", gettext_lazy("Fulfilled"), "ok"),
    State("lock", gettext_lazy("Withholds"), "bad"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """How much of a kind is seen."""

    kind: str
    words: Words
    seen: str
    of: str
    tone: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A record to ask about."""

    guid: UUID
    name: str
    state: State
    is_here: bool


@dataclass(frozen=True, slots=True)
class Ruled:
    """What one rule says."""

    state: State
    name: Words
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the record is seen, in a sentence, and the rules."""

    name: str
    state: State
    sentence: str
    allowing: tuple[Ruled, ...]
    limiting: tuple[Ruled, ...]


@dataclass(frozen=True, slots=True)
class SightPage:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    name: str
    username: str
    here: str
    sentence: str
    lines: tuple[Line, ...]
    kind: str
    kind_words: Words
    text: str
    records: tuple[Record, ...]
    answer: Answer | None


@page("administration/sight.html")
def account_sight(visit: Visit, guid: UUID) -> SightPage:
    """What an account may see; the address names a kind, words to find a record by, and a record."""
    actor = visit.actor
    require_one_of(actor, features.USERS, features.GROUPS)
    user = queries.user(guid, by=actor)
    asked = visit.request.GET
    kind = asked.get("kind", "")
    kind = kind if kind in KINDS else "company"
    given = {"kind": kind, "text": asked.get("text", "").strip()[:LONGEST_TEXT]}
    here = reverse("account-sight", args=[guid])
    record = parse_guid(asked.get("record", ""))
    sums = {one.kind: one for one in sight.sums(of=user, by=actor)}
    up = reverse("account", args=[guid]) if actor.has(features.USERS) else ""
    return SightPage(
        crumbs=(Link(_("Administration")), Link(user.full_name, up), Link(_("What it may see"), is_here=True)),
        name=user.full_name,
        username=user.username,
        here=here,
        sentence=_summed(sums),
        lines=tuple(_line(sums[name], words, kind) for name, words in KINDS.items()),
        kind=kind,
        kind_words=KINDS[kind],
        text=given["text"],
        records=tuple(
            Record(one.guid, one.name or str(one.guid), SEES if one.sees else SEES_NOT, one.guid == record)
            for one in sight.find(kind, given["text"], of=user, by=actor)
        ),
        answer=_answer(sight.explain(kind, record, of=user, by=actor), user) if record is not None else None,
    )


def _summed(sums: dict[str, sight.Sum]) -> str:
    companies, items = sums["company"], sums["work_item"]
    of_companies = ngettext(
        "Sees %(seen)s of %(count)s company", "Sees %(seen)s of %(count)s companies", companies.of
    ) % {"seen": counted(companies.seen), "count": counted(companies.of)}
    of_items = ngettext("%(seen)s of %(count)s work item", "%(seen)s of %(count)s work items", items.of) % {
        "seen": counted(items.seen),
        "count": counted(items.of),
    }
    return _("%(companies)s and %(items)s, of those that you see.") % {"companies": of_companies, "items": of_items}


def _line(one: sight.Sum, words: Words, kind: str) -> Line:
    tone = "off" if not one.seen else "ok" if one.seen == one.of else "run"
    return Line(one.kind, words, counted(one.seen), counted(one.of), tone, one.kind == kind)


def _answer(told: sight.Explanation, user: User) -> Answer:
    words = _("%(who)s sees this.") if told.sees else _("%(who)s does not see this.")
    return Answer(
        name=told.name or str(told.guid),
        state=SEES if told.sees else SEES_NOT,
        sentence=f"{words % {'who': user.full_name}} {_because(told)}",
        allowing=tuple(_ruled(one) for one in told.reasons if not one.limits),
        limiting=tuple(_ruled(one) for one in told.reasons if one.limits),
    )


def _because(told: sight.Explanation) -> str:
    """The one sentence that matters most: what withholds, or else what allows."""
    withheld = [one for one in told.reasons if one.limits and not one.holds]
    allowing = [one for one in told.reasons if not one.limits and one.holds]
    if not allowing:
        return _("No rule allows it.")
    first = (withheld or allowing)[0]
    return first.said[0].sentence() if first.said else ""


def _ruled(one: sight.Reason) -> Ruled:
    good, bad = (_FULFILLED, _WITHHOLDS) if one.limits else (_ALLOWS, _SILENT)
    return Ruled(good if one.holds else bad, RULES[one.code], tuple(said.sentence() for said in one.said))
