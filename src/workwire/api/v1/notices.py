"""The notices of the account: what it is told because it concerns it."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from workwire.api.auth import actor
from workwire.api.numbers_as_text import Written
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Maybe, Moment, answers, listing, rfc3339, whole
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.reactions.notices import commands, explaining, queries
from workwire.reactions.notices.queries import Kind, Notice

router = Router(tags=["notices"])
KindName = Literal[
    "assigned",
    "communication",
    "file_added",
    "overdue",
    "attention",
    "subscription_paused",
    "endpoint_failing",
    "secret_expiring",
    "certificate_expiring",
    "subscription_handed_over",
]
ReasonName = Literal["assignee", "owner", "follower", "subscriber", "former_subscriber"]


class NoticesQuery(Written):
    """Which notices are wanted: all, or those that have not been read."""

    unread: bool = False


class AccountNoticeOut(Schema):
    """Something the account is told: what happened (`kind`) and why this account is told (`reason`), both also as sentences in
    the reader's language, and plain values that go with the kind (`parameters`). It is about a work item or a subscription."""

    guid: Guid
    kind: KindName
    reason: ReasonName
    parameters: dict[str, Any]
    sentence: str
    why: str
    work_item: Guid | None
    subscription: Guid | None
    occurred_at: Moment
    read_at: Moment | None


class UnreadOut(Schema):
    """How many notices have not been read, exact up to 100; `more` says that there are more than that."""

    unread: int
    more: bool


class ReadAllIn(In):
    """Up to which notice, the newest that was shown; without it, all of them."""

    until: UUID | None = None


class ReadOut(Schema):
    """How many notices were unread until now."""

    read: int


class WantedKind(Schema):
    """A kind of notice, what it tells, and whether the account wants it."""

    kind: KindName
    description: str
    wanted: bool


class WantedIn(In):
    """Whether the account wants a kind of notice."""

    wanted: bool = Field(description="False: from now on, no notice of this kind is written.")


@router.get("/notices", response=answers(Listing[AccountNoticeOut]), operation_id="list_account_notices")
def list_account_notices(request: HttpRequest, paging: Query[PageQuery], which: Query[NoticesQuery]) -> dict[str, Any]:
    """List the notices of the account, newest first. What it may no longer see is left out."""
    by = actor(request)
    found = queries.notices_of(by)
    return listing(page(found.filter(read_at=None) if which.unread else found, **paging.arguments()), _shown, by)


@router.get("/notices/unread", response=answers(UnreadOut), operation_id="count_unread_notices")
def count_unread_notices(request: HttpRequest) -> dict[str, Any]:
    """Count the unread notices of the account."""
    found = queries.unread(actor(request))
    return {"unread": found.count, "more": found.more}


@router.post("/notices/{uuid:guid}/read", response=answers(AccountNoticeOut), operation_id="read_notice")
def read_notice(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Mark a notice as read."""
    by = actor(request)
    return _shown(commands.read(guid, by=by), by)


@router.post("/notices/read", response=answers(ReadOut), operation_id="read_all_notices")
def read_all_notices(request: HttpRequest, wish: Maybe[ReadAllIn]) -> dict[str, Any]:
    """Mark all notices of the account as read, or those up to one of them."""
    return {"read": commands.read_all(by=actor(request), until=wish.until)}


@router.get("/notices/kinds", response=answers(Listing[WantedKind]), operation_id="list_notice_kinds")
def list_notice_kinds(request: HttpRequest) -> dict[str, Any]:
    """List the kinds of notices and which of them the account wants."""
    return whole([_kind(kind, wanted) for kind, wanted in queries.wanted(actor(request)).items()])


@router.put("/notices/kinds/{kind}", response=answers(WantedKind), operation_id="choose_notice_kind")
def choose_notice_kind(request: HttpRequest, kind: KindName, wish: WantedIn) -> dict[str, Any]:
    """Want a kind of notice, or do without it. Notices that are there stay."""
    commands.choose(Kind(kind), wish.wanted, by=actor(request))
    return _kind(Kind(kind), wish.wanted)


def _kind(kind: Kind, wanted: bool) -> dict[str, Any]:
    return {"kind": kind.value, "description": explaining.meaning(kind).sentence(), "wanted": wanted}


def _shown(row: Notice, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "kind": row.kind,
        "reason": row.reason,
        "parameters": row.parameters,
        "sentence": explaining.told(row).sentence(),
        "why": explaining.why(row).sentence(),
        "work_item": row.work_item_guid and str(row.work_item_guid),
        "subscription": row.subscription_guid and str(row.subscription_guid),
        "occurred_at": rfc3339(row.occurred_at),
        "read_at": rfc3339(row.read_at),
    }
