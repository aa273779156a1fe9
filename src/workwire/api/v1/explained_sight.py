"""What an account may see, and why."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from workwire.access import queries, sight
from workwire.api.auth import actor
from workwire.api.v1.shapes import Guid, Listing, StatementOut, answers, whole

router = Router(tags=["administration"])
KindName = Literal["company", "contract", "service", "contact", "process", "schedule", "work_item", "queue"]


class SumOut(Schema):
    """How many records of a kind the account sees, of those you see; more than 1,000 are not counted."""

    kind: KindName
    seen: int
    of: int
    more: bool


class ReasonOut(Schema):
    """What one rule says: a record is seen where one rule that allows holds, and every rule that `limits`."""

    rule: str
    holds: bool
    limits: bool
    statements: list[StatementOut]


class SightExplanationOut(Schema):
    """Whether the account sees a record, and what each rule says of it."""

    kind: KindName
    guid: Guid
    name: str
    sees: bool
    reasons: list[ReasonOut]


@router.get("/users/{uuid:guid}/sight", response=answers(Listing[SumOut]), operation_id="sum_sight")
def sum_sight(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Count what an account may see of each kind of record."""
    by = actor(request)
    return whole([_sum(one) for one in sight.sums(of=queries.user(guid, by=by), by=by)])


@router.get(
    "/users/{uuid:guid}/sight/{kind}/{uuid:record}", response=answers(SightExplanationOut), operation_id="explain_sight"
)
def explain_sight(request: HttpRequest, guid: UUID, kind: KindName, record: UUID) -> dict[str, Any]:
    """Explain whether an account may see a record: every rule that allows or withholds it."""
    by = actor(request)
    told = sight.explain(kind, record, of=queries.user(guid, by=by), by=by)
    return {
        "kind": told.kind,
        "guid": str(told.guid),
        "name": told.name,
        "sees": told.sees,
        "reasons": [_reason(one) for one in told.reasons],
    }


def _sum(one: sight.Sum) -> dict[str, Any]:
    most = sight.MOST_COUNTED
    return {"kind": one.kind, "seen": min(one.seen, most), "of": min(one.of, most), "more": one.of > most}


def _reason(one: sight.Reason) -> dict[str, Any]:
    statements = [said.as_json() | {"sentence": said.sentence()} for said in one.said]
    return {"rule": one.code, "holds": one.holds, "limits": one.limits, "statements": statements}
