"""The only writer of subscriptions.

Who may (specification: webhooks, section 5.1): the feature Process Builder, permission on the filter object, and being
the owner or an administrator. Every refusal names the field and the rule and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import IntegrityError, transaction

from workwire.access import features, run_time_settings, sight
from workwire.access.policy import require
from workwire.jobs import timers
from workwire.kernel import addresses, clock, crypto, ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound, not_found, refusal_of
from workwire.kernel.limits import ConcurrencyLimit
from workwire.outbox import wake
from workwire.outbox.changes import added, altered, columns
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Webhook, webhooks
from workwire.reactions.webhooks import (
    certificate_ends,
    events,
    messages,
    queries,
    queue,
    replays,
    rights,
    signing,
    tls_terms,
)
from workwire.reactions.webhooks.matching import filter_key
from workwire.reactions.webhooks.models import SECRET_REMINDER, UNSUBSCRIBED, Format, Queued, Subscription
from workwire.rooms.parties.models import Company

LONGEST_RETRY_SCHEDULE = 20
LONGEST_PAUSE_SECONDS = 7 * 24 * 3600
HIGHEST_RATE = 10_000
PAUSED_BY_OWNER = "paused_by_owner"
_LOOK_UPS = ConcurrencyLimit(2, "host names")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription asks for. `header_value` and `client_key` None keep those already given."""

    webhook: int
    url: str
    filter_type: ObjectType = ObjectType.NONE
    filter_guid: UUID | None = None
    format: str = Format.PLAIN
    header_name: str = ""
    header_value: str | None = None
    in_order: bool = False
    retry_schedule: Sequence[int] | None = None
    most_per_second: int | None = None
    client_certificate: str = ""
    client_key: str | None = None
    authorities: str = ""


def subscribe(
    terms: Terms,
    *,
    by: Actor,
    allow_everything: bool = True,
    after: int | None = None,
    endpoint: str | None = None,
    secret: str | None = None,
    wish: UUID | None = None,
) -> tuple[Subscription, str]:
    """Subscribe the actor's account; returns the subscription with its secret, which is shown this once. One may bring a
    `secret` of one's own.

    `endpoint` is what `endpoint_of` said of the URL, for a caller that is in a transaction.

    `wish` is a GUID that stands for this call: a second one of the account with the same raises Conflict.

    `allow_everything` says whether a packet webhook may go without a filter, meaning everything the owner may see; the
    documented API refuses that. `after` is a position of the ledger: the subscription gets every event behind it, also those
    recorded before it was made, and none up to it.
    """
    require(by, features.WEBHOOKS)
    if by.user_id is None:
        raise Invalid("owner_missing")
    if by.has(features.SELF_SERVICE) and not by.has(features.WORK_ITEMS):
        raise Forbidden("self_service")
    endpoint = endpoint or endpoint_of(terms.url, by=by)
    header_name, header_value = messages.check_header(terms.header_name, terms.header_value or "")
    secret = signing.secret_of(secret)
    guid = ids.new_guid() if wish is None else uuid5(wish, str(by.user_id))
    with _made_once(guid), transaction.atomic():
        _check(terms, by, allow_everything=allow_everything)
        check_number(by.user_id)
        subscription = Subscription(
            guid=guid,
            owner_id=by.user_id,
            credential_id=by.credential_id,
            header_name=header_name,
            header_value_sealed=crypto.seal(header_value) if header_value else "",
            secrets=[{"sealed": crypto.seal(secret), "expires_at": None}],
            starts_after=after or 0,
        )
        _apply(subscription, terms, endpoint)
        subscription.save()
        events.note(events.SubscriptionCreated, subscription, by, added(subscription))
        if after is not None:
            replays.start_backfill(subscription, by=by, after=after)
    return subscription, secret


def update(
    guid: UUID, *, by: Actor, version: int | None = None, allow_everything: bool = True, **changes: Any
) -> Subscription:
    """Change some of a subscription's terms (keys of `Terms`); what is not named stays. Recorded only when something changed.

    Raises Invalid when the URL moves to another origin while a custom header is kept but not given again.
    """
    require(by, features.WEBHOOKS)
    endpoint = endpoint_of(changes["url"], by=by) if "url" in changes else None
    with transaction.atomic():
        subscription = locked(guid, by, version)
        rights.check_not_wider(subscription, by)
        before, row = terms_of(subscription), columns(subscription)
        terms = replace(before, **changes)
        _check(terms, by, allow_everything=allow_everything)
        _check_header_is_given_again(before, terms)
        changed = [key for key in changes if getattr(terms, key) != getattr(before, key)]
        if not changed:
            return subscription
        _change_header(subscription, terms, changes)
        _apply(subscription, terms, endpoint or subscription.endpoint)
        subscription.version += 1
        subscription.updated_at = clock.now()
        subscription.save()
        if "in_order" in changed:
            Queued.objects.filter(subscription=subscription).update(in_order=subscription.in_order)
        differing = altered(subscription, row)
        events.note(events.SubscriptionUpdated, subscription, by, differing, Changed=sorted(changed))
    return subscription


@transaction.atomic
def unsubscribe(guid: UUID, *, by: Actor) -> None:
    """End a subscription for good and cancel what was pending for it, at once."""
    require(by, features.WEBHOOKS)
    subscription = locked(guid, by, None)
    now, row = clock.now(), columns(subscription)
    replays.hasten_all(subscription)
    cancelled = queue.cancel_all(subscription.pk, UNSUBSCRIBED, now)
    if subscription.remind_at is not None:
        timers.clear_timer(SECRET_REMINDER, subscription.guid)
    subscription.ended_at, subscription.remind_at = now, None
    if subscription.certificates_remind_at is not None:
        certificate_ends.set_reminder(subscription, now)
    subscription.save(update_fields=["ended_at", "remind_at", "certificates_remind_at"])
    events.note(events.SubscriptionEnded, subscription, by, altered(subscription, row), Cancelled=cancelled)


@transaction.atomic
def pause(guid: UUID, *, by: Actor) -> Subscription:
    """Stop sending; messages go on accumulating until `resume`."""
    require(by, features.WEBHOOKS)
    subscription = locked(guid, by, None)
    if subscription.paused_at is not None:
        raise Conflict("already_paused")
    set_paused(subscription, PAUSED_BY_OWNER, by=by)
    return subscription


@transaction.atomic
def resume(guid: UUID, *, by: Actor) -> Subscription:
    """Go on sending, beginning with what accumulated."""
    require(by, features.WEBHOOKS)
    subscription = locked(guid, by, None)
    if subscription.paused_at is None:
        raise Conflict("not_paused")
    row = columns(subscription)
    replays.hasten_all(subscription)
    subscription.paused_at, subscription.pause_reason, subscription.failing_since = None, "", None
    subscription.save(update_fields=["paused_at", "pause_reason", "failing_since"])
    events.note(events.SubscriptionResumed, subscription, by, altered(subscription, row))
    wake.ring_on_commit()
    return subscription


def set_paused(subscription: Subscription, reason: str, *, by: Actor) -> None:
    """Pause a locked subscription, by its owner or by the engine; inside the caller's transaction."""
    row = columns(subscription)
    subscription.paused_at, subscription.pause_reason = clock.now(), reason
    subscription.save(update_fields=["paused_at", "pause_reason"])
    events.note(events.SubscriptionPaused, subscription, by, altered(subscription, row), Reason=reason)


def endpoint_of(url: str, *, by: Actor) -> str:
    """Scheme, host and port of a URL that may be a destination; raises Invalid. Waits for the name server, which may keep
    silent for long: it is asked outside any transaction, and for few of an account at a time, else raises Limited."""
    policy = addresses.AddressPolicy(tuple(settings.CONFIG.webhook_allowed_networks))
    try:
        target = addresses.check_url(url, policy)
    except addresses.UnsafeTarget as error:
        raise refusal_of(error.rule, Invalid, field="url") from error
    with _LOOK_UPS.one_for(by.user_id):
        refused = addresses.resolve_refusal(target.host, target.port, policy)
    if refused:
        raise refusal_of(refused, Invalid, field="url")
    return target.origin


def terms_of(subscription: Subscription) -> Terms:
    """The terms a subscription has now, without the value of its own header and the key of its certificate."""
    return Terms(
        webhook=subscription.webhook,
        url=subscription.url,
        filter_type=ObjectType(subscription.filter_type),
        filter_guid=subscription.filter_guid,
        format=subscription.format,
        header_name=subscription.header_name,
        in_order=subscription.in_order,
        retry_schedule=subscription.retry_schedule,
        most_per_second=subscription.most_per_second,
        client_certificate=subscription.client_certificate,
        authorities=subscription.authorities,
    )


def locked(guid: UUID, by: Actor, version: int | None) -> Subscription:
    """A subscription of the actor's that has not ended, locked; raises NotFound, or Conflict for a version that has passed."""
    visible = queries.subscriptions_of(by).filter(guid=guid).values("pk")
    found = Subscription.objects.select_for_update().filter(pk__in=visible).first()
    if found is None:
        raise not_found("subscription")
    if version is not None and version != found.version:
        raise Conflict("version_conflict.subscription")
    return found


def check_number(owner: int) -> None:
    """Raise Conflict for an account that has as many subscriptions as it may. Two changes at the same moment may pass the
    limit by one; it is there to stop floods."""
    most = run_time_settings.value_of("webhook_most_subscriptions")
    if Subscription.objects.filter(owner_id=owner, ended_at=None).count() >= most:
        raise Conflict("too_many_subscriptions", most=most)


@contextmanager
def _made_once(guid: UUID) -> Iterator[None]:
    """Raise Conflict where there is a subscription with the GUID already, also one that is made at the same moment."""
    try:
        yield
    except IntegrityError as error:
        if not Subscription.objects.filter(guid=guid).exists():
            raise
        raise Conflict("subscribed_already") from error


def _check(terms: Terms, by: Actor, *, allow_everything: bool) -> None:
    """Check everything but the header and the URL, whose name may have to be resolved outside any transaction."""
    hook = webhooks().get(terms.webhook)
    if hook is None:
        raise Invalid("webhook_unknown", field="webhook", webhook=terms.webhook)
    _check_filter(hook, terms, allow_everything=allow_everything)
    _check_filter_object(hook, terms, by)
    if terms.format not in Format.values:
        raise Invalid("format_unknown", field="format", formats=list(Format.values))
    _check_retry_schedule(terms.retry_schedule)
    if terms.most_per_second is not None and not 1 <= terms.most_per_second <= HIGHEST_RATE:
        raise Invalid("rate_invalid", field="most_per_second", most=HIGHEST_RATE)


def _check_filter(hook: Webhook, terms: Terms, *, allow_everything: bool) -> None:
    allowed = ", ".join(kind.public_name for kind in hook.filters)
    if terms.filter_type == ObjectType.NONE and terms.filter_guid is None and hook.needs_guid:
        if ObjectType.CONTRACT in hook.filters and allow_everything:
            return
        raise Invalid("filter_missing", field="filter_type", webhook=hook.name, allowed=allowed)
    if terms.filter_type not in hook.filters:
        raise Invalid("filter_type_invalid", field="filter_type", webhook=hook.name, allowed=allowed)
    if hook.needs_guid and terms.filter_guid is None:
        raise Invalid("filter_guid_missing", field="filter_guid", webhook=hook.name)
    if not hook.needs_guid and terms.filter_guid is not None:
        raise Invalid("filter_guid_unexpected", field="filter_guid", webhook=hook.name)


def _check_filter_object(hook: Webhook, terms: Terms, by: Actor) -> None:
    if terms.filter_guid is None:
        return
    try:
        found = sight.record(sight.filter_object(terms.filter_type).name, terms.filter_guid, by=by)
    except NotFound as error:
        raise NotFound("filter_object_not_found", field="filter_guid") from error
    if isinstance(found, Company) and ObjectType.CONTRACT in hook.filters and not found.is_customer:
        raise Invalid("filter_company_no_customer", field="filter_guid")


def _check_retry_schedule(schedule: Sequence[int] | None) -> None:
    if schedule is None:
        return
    if not 3 <= len(schedule) <= LONGEST_RETRY_SCHEDULE or any(
        not 1 <= pause <= LONGEST_PAUSE_SECONDS for pause in schedule
    ):
        raise Invalid(
            "retry_schedule_invalid",
            field="retry_schedule",
            most=LONGEST_RETRY_SCHEDULE,
        )


def _check_header_is_given_again(before: Terms, after: Terms) -> None:
    """A secret meant for one origin is not sent to another without saying so: another host, another port where somebody else
    may listen, or without TLS, where anybody may read it."""
    moved = addresses.origin_of(before.url) != addresses.origin_of(after.url)
    if moved and after.header_name.strip() and after.header_value is None:
        raise Invalid(
            "header_value_missing.url_changed",
            field="header_value",
        )


def _change_header(subscription: Subscription, terms: Terms, changes: dict[str, Any]) -> None:
    if "header_name" not in changes and "header_value" not in changes:
        return
    value = changes.get("header_value")
    if value is None and terms.header_name.strip():
        value = _kept_header_value(subscription)
    name, value = messages.check_header(terms.header_name, value or "")
    subscription.header_name = name
    subscription.header_value_sealed = crypto.seal(value) if value else ""


def _kept_header_value(subscription: Subscription) -> str:
    try:
        return crypto.unseal(subscription.header_value_sealed) if subscription.header_value_sealed else ""
    except InvalidToken as error:
        raise Invalid(
            "header_value_unreadable",
            field="header_value",
        ) from error


def _apply(subscription: Subscription, terms: Terms, endpoint: str) -> None:
    subscription.webhook = terms.webhook
    subscription.filter_type = terms.filter_type
    subscription.filter_guid = terms.filter_guid
    subscription.filter_key = filter_key(terms.filter_type, terms.filter_guid)
    subscription.url = terms.url
    subscription.endpoint = endpoint
    subscription.format = terms.format
    subscription.in_order = terms.in_order
    subscription.retry_schedule = list(terms.retry_schedule) if terms.retry_schedule is not None else None
    subscription.most_per_second = terms.most_per_second
    before = subscription.client_certificate, subscription.authorities
    tls_terms.set_on(subscription, terms.client_certificate, terms.client_key, terms.authorities)
    if before != (subscription.client_certificate, subscription.authorities):
        certificate_ends.note(subscription, clock.now())
