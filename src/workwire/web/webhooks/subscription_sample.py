"""What a subscription would send, beside the form that asks for it: the newest event of its webhook that the reader may see,
or a made-up one, in the format that is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from django.urls import reverse

from workwire.access.policy import may_explore
from workwire.kernel.actor import Actor
from workwire.outbox.event_pages import Wanted
from workwire.outbox.registry import Webhook, names_told_as
from workwire.outbox.told_records import told_by
from workwire.reactions.webhooks import explorer, messages
from workwire.reactions.webhooks.explorer import Event
from workwire.web.webhooks.subscription_form import SubscriptionForm


@dataclass(frozen=True, slots=True)
class Sample:
    """A body as it would be sent; `event` leads to the event it is of and is empty for a made-up one, `record` names the
    record of that event."""

    webhook: str
    content_type: str
    body: str
    event: str
    record: str
    occurred_at: datetime | None
    catalogue: str


def sample_of(form: SubscriptionForm, actor: Actor) -> Sample:
    """The sample of the webhook and the format that a form has at the moment."""
    hook, chosen = form.hook, str(form["format"].value() or "")
    form_of_body = chosen if chosen in messages.CONTENT_TYPES else next(iter(messages.CONTENT_TYPES))
    newest = _newest(hook, actor)
    body = messages.wrap(form_of_body, hook, newest.body if newest is not None else messages.sample_body(hook.number))
    told = told_by(orjson.loads(newest.body)) if newest is not None else None
    return Sample(
        webhook=hook.name,
        content_type=messages.CONTENT_TYPES[form_of_body],
        body=orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode(),
        event=reverse("event", args=[newest.guid]) if newest is not None else "",
        record=told.reference or told.title if told is not None else "",
        occurred_at=newest.occurred_at if newest is not None else None,
        catalogue=reverse("webhook", args=[hook.name]),
    )


def _newest(hook: Webhook, actor: Actor) -> Event | None:
    """The newest event that a webhook tells, as far as the reader may see it."""
    if not may_explore(actor):
        return None
    found = explorer.page(Wanted(names=names_told_as(hook)), by=actor, limit=1).rows
    return found[0] if found else None
