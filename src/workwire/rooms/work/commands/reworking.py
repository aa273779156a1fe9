"""Rework: a running case goes back to the beginning of a step, or to an action in it, and does again what follows."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.db import transaction

from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import queries, transitions
from workwire.rooms.work.advancing import Reworked, rework_points
from workwire.rooms.work.commands import aborting, deed_checks, flow
from workwire.rooms.work.commands.changing import Change, locked, locked_line, require_may_work
from workwire.rooms.work.commands.runs import CaseRun
from workwire.rooms.work.models import ResolutionMethod, StatusReason, WorkItem


class ReworkTerms(TypedDict, total=False):
    """Where in a step a case begins again, what ends besides, and the period it follows from then on."""

    node: UUID | None
    end_sub_cases: bool
    end_ad_hoc_actions: bool
    schedule_period: UUID | None


@transaction.atomic
def rework(
    item: WorkItem,
    step: int,
    *,
    by: Actor,
    node: UUID | None = None,
    end_sub_cases: bool = False,
    end_ad_hoc_actions: bool = False,
    schedule_period: UUID | None = None,
    version: int | None = None,
) -> WorkItem:
    """Send a case back to the beginning of a step, or to the action of a `node` in it; asked for at the case or at an action
    of it. Returns the case.

    Running actions of the flow close with the method Rework, copies start; what was launched by hand ends only where that is
    wished. Conditions are evaluated again from the beginning of a step, not from an action in it. Raises Conflict for a place
    that the case has not reached.
    """
    require_may_work(by)
    line, change = _locked_case(item, by, version)
    deed_checks.require_open_to_rework(change.item)
    run = CaseRun(change.item, change.at)
    wish = Reworked(step, str(node) if node is not None else "")
    if wish not in rework_points(run.graph, run.run):
        raise Conflict("rework_place_invalid", field="step")
    effects = run.tell(wish, change)
    change.move(transitions.rework(change.standing))
    change.item.attention = None
    if schedule_period is not None:
        process = change.item.process_version
        change.item.schedule_period = offering.schedule_period(schedule_period, process.schedule_id)
    change.touch(run.write())
    _end_beside(change, sub_cases=end_sub_cases, ad_hoc_actions=end_ad_hoc_actions)
    flow.carry_out([*line, change], run, effects)
    return change.item


def _locked_case(item: WorkItem, by: Actor, version: int | None) -> tuple[list[Change], Change]:
    """The case of an item with those above it, outermost first; an action names the case it lies in."""
    line = locked_line(item, by=by)
    if item.kind == ProcessType.ACTION:
        locked(item.pk, by=by, version=version)
        return line[:-1], line[-1]
    if item.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    return line, Change(locked(item.pk, by=by, version=version), by=by)


def _end_beside(case: Change, *, sub_cases: bool, ad_hoc_actions: bool) -> None:
    """Close what was launched by hand, as far as that is wished."""
    below = queries.open_items_under(case.item).order_by("pk")
    for pk, kind, ad_hoc in below.values_list("pk", "kind", "ad_hoc"):
        if (kind == ProcessType.CASE and sub_cases) or (ad_hoc and ad_hoc_actions):
            change = Change(locked(pk, by=SYSTEM), by=case.by)
            aborting.end(change, ResolutionMethod.REWORK, StatusReason.REWORK)
            change.done()
            if kind == ProcessType.CASE:
                aborting.end_below(change.item, ResolutionMethod.REWORK, StatusReason.REWORK, by=case.by)
