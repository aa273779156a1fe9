"""The page that compares what a receiver ought to have with what was sent: day by day, and along the sequence of a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks import queries, reconciling
from workwire.reactions.webhooks.log import SLACK
from workwire.reactions.webhooks.models import State, Subscription
from workwire.reactions.webhooks.reconciling import Digest, Sent
from workwire.web.kit import parts
from workwire.web.kit.named_records import LONGEST_RECORD, record_named
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link, address
from workwire.web.webhooks.delivery_parts import ENDS, UNDER_WAY, WAITING
from workwire.web.webhooks.repair_parts import (
    Head,
    explain_address,
    head,
    replay_address,
)

USUAL = 7  # days
MOST_NUMBERS = 200
_ONE_DAY = timedelta(days=1)
_NONE = Sent(0, 0, 0, 0)
_NOT_COMPARED = parts.State("circle-dashed", gettext_lazy("Not compared"), "off")
_NOT_PREPARED = parts.State("circle-dashed", gettext_lazy("Never prepared"), "warn")
_NOT_WANTED = parts.State("minus", gettext_lazy("Not for this subscription"), "off")


class RangeForm(forms.Form):
    """Which days, and which record."""

    first = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    last = forms.DateField(label=gettext_lazy("Last day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    record = forms.CharField(
        label=gettext_lazy("Sequence of the record"),
        required=False,
        max_length=LONGEST_RECORD,
        help_text=gettext_lazy("Reference or GUID"),
    )
    begins_at = forms.IntegerField(
        label=pgettext_lazy("start of a range of numbers", "From number"),
        required=False,
        min_value=1,
        max_value=2**63 - 1,
    )

    def clean(self) -> dict[str, Any]:
        """Check that the days follow each other."""
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and not first <= last < first + reconciling.LONGEST_RANGE:
            most = reconciling.LONGEST_RANGE.days
            self.add_error("last", _("Choose 1 to %(most)s days, the last one after the first.") % {"most": most})
        return given


@dataclass(frozen=True, slots=True)
class Day:
    """A day (UTC): what a receiver ought to have, how the messages of it stand, and what to do. Counts are empty where it is
    not compared unless it is asked for alone."""

    day: date
    state: parts.State
    count: str
    delivered: str
    waiting: str
    lost: str
    missing: str
    sha256: str
    steps: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """An event of the record."""

    number: int
    name: str
    occurred_at: datetime
    state: parts.State
    explain: str


@dataclass(frozen=True, slots=True)
class ReconcilePage:
    """What the page shows."""

    head: Head
    crumbs: tuple[Link, ...]
    form: RangeForm
    days: tuple[Day, ...]
    numbers: tuple[Number, ...]
    asks_record: bool
    is_cut: bool
    is_bounded: bool
    zone: str


@page("webhooks/reconcile.html")
def subscription_reconcile(visit: Visit, guid: UUID) -> ReconcilePage:
    """The days and the record that the address names; the last days without any."""
    found, actor = queries.subscription(guid, by=visit.actor), visit.actor
    today = clock.now().astimezone(UTC).date()
    given = {"first": str(today - (USUAL - 1) * _ONE_DAY), "last": str(today)}
    form = RangeForm(given | {name: value for name, value in visit.request.GET.items() if value})
    days: tuple[Day, ...] = ()
    numbers: list[reconciling.Told] = []
    if form.is_valid():
        wanted = form.cleaned_data
        with visit.refusals(form):
            numbers = _numbers(found, wanted["record"], wanted["begins_at"], actor)
            days = _days(found, wanted["first"], wanted["last"], actor)
    top = head(found, "subscription-reconcile")
    return ReconcilePage(
        head=top,
        crumbs=top.crumbs,
        form=form,
        days=days,
        numbers=tuple(_number(one, found) for one in numbers[:MOST_NUMBERS]),
        asks_record=bool(form.data.get("record")),
        is_cut=len(numbers) > MOST_NUMBERS,
        is_bounded=any(not one.count for one in days),
        zone=visit.look.zone_name,
    )


def _days(of: Subscription, first: date, last: date, actor: Actor) -> tuple[Day, ...]:
    since = max(_midnight(first), min(of.created_at, _midnight(last))) if of.starts_after else _midnight(first)
    until = min(_midnight(last) + _ONE_DAY, max(clock.now(), since))
    begin = since if first == last else min(reconciling.compared_from(of.guid, by=actor, since=since), until)
    digests = {one.day: one for one in reconciling.digests(of.guid, by=actor, since=begin, until=until)}
    sent = reconciling.sent_by_day(of.guid, by=actor, since=begin, until=until)
    compared = (
        _day(of, day, digests.get(day), sent.get(day, _NONE)) for day in sorted({*digests, *sent}, reverse=True)
    )
    return *compared, *_left_out(of, since, begin)


def _left_out(of: Subscription, since: datetime, begin: datetime) -> Iterator[Day]:
    """The days before those that are compared at once, the newest first."""
    midnight = _midnight((begin - timedelta(microseconds=1)).astimezone(UTC).date())
    while begin > since and midnight >= _midnight(since.date()):
        day = str(midnight.date())
        asked = address(reverse("subscription-reconcile", args=[of.guid]), {"first": day, "last": day})
        yield Day(midnight.date(), _NOT_COMPARED, "", "", "", "", "", "", (Link(_("Compare this day"), asked),))
        midnight -= _ONE_DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day(of: Subscription, day: date, digest: Digest | None, sent: Sent) -> Day:
    count = digest.count if digest is not None else 0
    missing = max(0, count - sent.prepared)
    if sent.lost or missing:
        state = parts.State("triangle-alert", _("Incomplete"), "warn")
    elif sent.waiting:
        state = WAITING
    else:
        state = parts.State("circle-check", _("Complete"), "ok")
    return Day(
        day=day,
        state=state,
        count=_written(count),
        delivered=_written(sent.delivered),
        waiting=_written(sent.waiting),
        lost=_written(sent.lost),
        missing=_written(missing),
        sha256=digest.sha256 if digest is not None else "",
        steps=tuple(_steps(of, day, sent, missing)),
    )


def _steps(of: Subscription, day: date, sent: Sent, missing: int) -> Sequence[Link]:
    """Forms of replays with the range of the day; messages of a day's events are made from then on, some only later."""
    since = _midnight(day)
    whole = {"since": since.isoformat(), "until": (since + _ONE_DAY + SLACK).isoformat()}
    steps = []
    if sent.lost:
        lost = {"kind": "replay", "states": "gave_up,withheld", **whole}
        steps.append(Link(_("Send what was not delivered"), replay_address(of, lost)))
    if missing:
        never = {"kind": "backfill", "since": since.isoformat()}
        steps.append(Link(_("Send what was never prepared"), replay_address(of, never)))
    if sent.delivered and not steps:
        everything = {"kind": "replay", "states": "gave_up,withheld,delivered", **whole}
        steps.append(Link(_("Send the day again"), replay_address(of, everything)))
    return steps


def _numbers(of: Subscription, written: str, first: int | None, actor: Actor) -> list[reconciling.Told]:
    record = record_named(written, actor)
    return reconciling.of_record(of.guid, record, by=actor, first=first or 1) if record is not None else []


def _number(one: reconciling.Told, of: Subscription) -> Number:
    return Number(
        number=one.sequence,
        name=one.name,
        occurred_at=one.occurred_at,
        state=_standing(one),
        explain=explain_address(of, one.event_guid) if one.wanted else "",
    )


def _standing(one: reconciling.Told) -> parts.State:
    if one.state is None:
        return _NOT_PREPARED if one.wanted else _NOT_WANTED
    if one.state == State.SENDING:
        return UNDER_WAY
    return ENDS.get(one.state, WAITING)


def _written(count: int) -> str:
    return number_format(count, force_grouping=True)
