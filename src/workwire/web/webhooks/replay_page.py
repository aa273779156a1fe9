"""The page that sends ranges of messages of a subscription again: counted first, then started, watched and steered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.kernel import pages
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks import queries, queue, replay_ranges, replays
from workwire.reactions.webhooks.models import Lane, Replay, ReplayKind, ReplayState, State, Subscription
from workwire.reactions.webhooks.replay_ranges import Estimate
from workwire.web.kit import parts
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Pager, Words
from workwire.web.kit.template_tags import moment_words
from workwire.web.webhooks import replay_form
from workwire.web.webhooks.repair_parts import Head, head
from workwire.web.webhooks.replay_form import BACKFILL, FIRST_MOMENT, STATES, Range, ReplayForm

SHOWN = 20
_STATES = {
    ReplayState.RUNNING: parts.State("contrast", gettext_lazy("Running"), "run"),
    ReplayState.PAUSED: parts.State("circle-pause", gettext_lazy("Paused"), "off"),
    ReplayState.FINISHED: parts.State("circle-check", gettext_lazy("All queued"), "ok"),
    ReplayState.CANCELLED: parts.State("minus", gettext_lazy("Cancelled"), "off"),
}
_WITH_SUBSCRIPTION = parts.State("circle-pause", gettext_lazy("Paused with its subscription"), "off")
_KINDS: dict[str, Words] = {
    ReplayKind.REPLAY: gettext_lazy("Messages again"),
    ReplayKind.BACKFILL: gettext_lazy("Never prepared"),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What would be sent, and the form that starts exactly that."""

    words: str
    range: str
    can_start: bool
    hidden: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A replay in the list; `percent` is how much of its range was looked at."""

    guid: UUID
    pause: str
    resume: str
    cancel: str
    state: parts.State
    kind: Words
    range: str
    percent: int
    is_unfinished: bool
    is_paused: bool
    queued: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReplaysPage:
    """What the page shows."""

    head: Head
    crumbs: tuple[parts.Link, ...]
    start: str
    form: ReplayForm
    counted: Counted | None
    rows: tuple[Row, ...]
    waiting: str
    poll: str
    pager: Pager
    zone: str


@page("webhooks/replays.html")
def subscription_replays(visit: Visit, guid: UUID) -> ReplaysPage:
    """The form, what it would send when the address asks that, and the replays there were."""
    found = queries.subscription(guid, by=visit.actor)
    sent = visit.request.GET
    if "count" not in sent:
        given = {name: sent.get(name, "") for name in sent}
        return _shown(visit, found, replay_form.unsent(found, visit.actor, given))
    form = ReplayForm(found, visit.actor, sent)
    counted = None
    if form.is_valid():
        with visit.refusals(form):
            counted = _counted(form.wanted(), _count(found, form.wanted(), visit.actor))
    return _shown(visit, found, form, counted)


@page("webhooks/replays.html", methods=("POST",))
def start(visit: Visit, guid: UUID) -> ReplaysPage | See:
    """Start what was counted."""
    found = queries.subscription(guid, by=visit.actor)
    form = ReplayForm(found, visit.actor, visit.request.POST)
    if form.is_valid():
        with visit.refusals(form):
            _start(found, form.wanted(), visit.actor)
            visit.tell(_("Started. Fresh messages go before it."))
            return See(reverse("subscription-replays", args=[guid]))
    return _shown(visit, found, form)


@page("", methods=("POST",))
def pause_replay(visit: Visit, guid: UUID) -> See:
    """Queue no more of a replay for now."""
    return _steered(visit, guid, replays.pause, _("Paused. What was queued already is sent."))


@page("", methods=("POST",))
def resume_replay(visit: Visit, guid: UUID) -> See:
    """Let a replay go on."""
    return _steered(visit, guid, replays.resume, _("Resumed."))


@page("", methods=("POST",))
def cancel_replay(visit: Visit, guid: UUID) -> See:
    """End a replay where it is."""
    return _steered(visit, guid, replays.cancel, _("Cancelled. What was queued already is sent."))


def _steered(visit: Visit, guid: UUID, command: Callable[..., Replay], told: str) -> See:
    found = command(guid, by=visit.actor)
    visit.tell(told)
    return See(reverse("subscription-replays", args=[found.subscription.guid]))


def _count(of: Subscription, wanted: Range, actor: Actor) -> Estimate:
    if wanted.kind == BACKFILL:
        return replay_ranges.count_backfill(of.guid, by=actor, since=wanted.since)
    return replay_ranges.count_replay(
        of.guid,
        by=actor,
        since=wanted.since,
        until=wanted.until,
        states=_states(wanted),
        record_guid=wanted.record,
    )


def _start(of: Subscription, wanted: Range, actor: Actor) -> Replay:
    if wanted.kind == BACKFILL:
        return replays.backfill(of.guid, by=actor, since=wanted.since)
    return replays.replay(
        of.guid,
        by=actor,
        since=wanted.since,
        until=wanted.until,
        states=_states(wanted),
        record_guid=wanted.record,
    )


def _states(wanted: Range) -> list[State]:
    return [STATES[name][0] for name in wanted.states]


def _counted(wanted: Range, found: Estimate) -> Counted:
    count = number_format(found.count, force_grouping=True)
    if found.is_all:
        words = ngettext("%(count)s message would be sent", "%(count)s messages would be sent", found.count)
    else:
        words = ngettext(
            "At least %(count)s message would be sent", "At least %(count)s messages would be sent", found.count
        )
    return Counted(
        words=words % {"count": count},
        range=_range(wanted.since, wanted.until),
        can_start=bool(found.count) or not found.is_all,
        hidden=wanted.hidden(),
    )


def _shown(visit: Visit, found: Subscription, form: ReplayForm, counted: Counted | None = None) -> ReplaysPage:
    top, every = head(found, "subscription-replays"), replays.replays_of(found.guid, by=visit.actor)
    part = part_of(visit, lambda cursor: pages.page(every, limit=SHOWN, cursor=cursor), top.here)
    rows = tuple(_row(one, found) for one in part.rows)
    waiting = queue.waiting(found.pk, Lane.BULK, most=replays.AHEAD)
    goes_on = any(one.is_unfinished for one in rows) or waiting
    return ReplaysPage(
        head=top,
        crumbs=top.crumbs,
        start=reverse("subscription-replay-start", args=[found.guid]),
        form=form,
        counted=counted,
        rows=rows,
        waiting=number_format(waiting, force_grouping=True) if waiting else "",
        poll=top.here if goes_on and not part.cursor else "",
        pager=part.pager,
        zone=visit.look.zone_name,
    )


def _row(one: Replay, of: Subscription) -> Row:
    state = ReplayState(one.state)
    waits = state == ReplayState.RUNNING and of.paused_at is not None
    return Row(
        guid=one.guid,
        pause=reverse("replay-pause", args=[one.guid]),
        resume=reverse("replay-resume", args=[one.guid]),
        cancel=reverse("replay-cancel", args=[one.guid]),
        state=_WITH_SUBSCRIPTION if waits else _STATES[state],
        kind=_KINDS[one.kind],
        range=_range(one.since, one.until),
        percent=round(100 * replays.progress(one)),
        is_unfinished=state in replays.UNFINISHED,
        is_paused=state == ReplayState.PAUSED,
        queued=number_format(one.queued, force_grouping=True),
        created_at=one.created_at,
    )


def _range(since: datetime | None, until: datetime | None) -> str:
    if since is None:
        return _("from a position of the ledger")
    if since <= FIRST_MOMENT:
        return _("until %(until)s") % {"until": moment_words(until)} if until else _("from the beginning")
    if until is None:
        return _("since %(since)s") % {"since": moment_words(since)}
    return _("%(since)s to %(until)s") % {"since": moment_words(since), "until": moment_words(until)}
