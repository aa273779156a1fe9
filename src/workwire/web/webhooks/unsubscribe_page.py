"""Ending a subscription for good: what that cancels and what stays, in numbers, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from workwire.access import run_time_settings
from workwire.reactions.webhooks import commands, queries, queue, replays
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Fact, Link
from workwire.web.webhooks.delivery_parts import name_of


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    name: str
    url: str
    facts: tuple[Fact, ...]
    waiting: str
    here: str
    back: str


@page("webhooks/unsubscribe.html", methods=FORM)
def unsubscribe(visit: Visit, guid: UUID) -> Unsubscribing | See:
    """Say what ending a subscription does, and end it."""
    if visit.is_sent:
        commands.unsubscribe(guid, by=visit.actor)
        visit.tell(_("Unsubscribed. What was waiting has been cancelled."))
        return See(reverse("subscriptions"))
    found = queries.subscription(guid, by=visit.actor)
    depth = queue.depth(found.pk)
    waiting, sending = sum(depth.waiting.values()), sum(depth.sending.values())
    kept, unfinished = queries.log_length(found), replays.unfinished_of(found)
    name, back = name_of(found), reverse("subscription", args=[guid])
    return Unsubscribing(
        crumbs=(
            Link(_("Subscriptions"), reverse("subscriptions")),
            Link(name, back),
            Link(_("Unsubscribe"), is_here=True),
        ),
        name=name,
        url=found.url,
        facts=(
            Fact(_("Cancelled"), _("%(count)s messages that wait") % {"count": _up_to(waiting, queue.MOST_COUNTED)}),
            Fact(
                _("Under way"),
                _("%(count)s messages, which may still arrive") % {"count": _up_to(sending, queue.MOST_COUNTED)},
            ),
            Fact(_("Ended"), _("%(count)s replays that run or are paused") % {"count": number_format(unfinished)}),
            Fact(
                _("Kept in the log"),
                _("%(count)s messages, each for %(days)s days")
                % {
                    "count": _up_to(kept, queries.MOST_LOGGED),
                    "days": number_format(run_time_settings.value_of("webhook_retention_days")),
                },
            ),
        ),
        waiting=_up_to(waiting, queue.MOST_COUNTED),
        here=reverse("subscription-end", args=[guid]),
        back=back,
    )


def _up_to(count: int, most: int) -> str:
    """A number that is counted up to a bound only."""
    shown = number_format(min(count, most), force_grouping=True)
    return _("%(count)s or more") % {"count": shown} if count >= most else shown
