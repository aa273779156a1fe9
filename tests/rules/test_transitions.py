"""The states of work items: the table, what it refuses, what no sequence of events can break, and its picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from workwire.kernel.errors import Conflict
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import diagrams, item_due_dates, transitions
from workwire.rooms.work.models import Rag, ResolutionMethod, Status, StatusReason, WaitType
from workwire.rooms.work.transitions import Standing

CASE, TICKET, ACTION = ProcessType.CASE, ProcessType.TICKET, ProcessType.ACTION
DRAFT, TO_DO, IN_PROGRESS = Status.DRAFT, Status.TO_DO, Status.IN_PROGRESS
WAITING, RESOLVED, CLOSED = Status.WAITING, Status.RESOLVED, Status.CLOSED
BY_PERSON = StatusReason.UPDATED_BY_RESOURCE
NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(days=1), NOW - timedelta(days=1)
DONE = ResolutionMethod.DONE_SUCCESSFULLY


def standing(kind: ProcessType, status: Status) -> Standing:
    """A plausible item of a kind in a status; waiting and resolved end now."""
    return Standing(
        kind,
        status,
        assignee=7 if status == IN_PROGRESS else None,
        wait_type=WaitType.INFORMATION if status == WAITING else None,
        wait_until=NOW if status == WAITING else None,
        method=DONE if status in transitions.FINISHED else None,
        resolved_on=EARLIER if status in transitions.FINISHED else None,
        closes_on=LATER if status == RESOLVED else None,
        closed_on=EARLIER if status == CLOSED else None,
    )


def resolve(item: Standing, *, window: bool) -> Standing:
    return transitions.resolve(item, DONE, BY_PERSON, who=7, at=NOW, closes_on=LATER if window else None)


MOVES = {
    "submit": lambda item: transitions.submit(item, BY_PERSON),
    "take": lambda item: transitions.take(item, 7, BY_PERSON),
    "give": lambda item: transitions.give(item, 8, BY_PERSON),
    "unassign": lambda item: transitions.unassign(item, BY_PERSON, at=NOW),
    "wait_for_information": lambda item: transitions.wait_for_information(item, None, BY_PERSON),
    "wait_until": lambda item: transitions.wait_until(item, LATER, BY_PERSON),
    "inform": transitions.inform,
    "come_due": lambda item: transitions.come_due(item, NOW),
    "block": transitions.block,
    "stall": transitions.stall,
    "pause": lambda item: transitions.pause(item, BY_PERSON),
    "resume": lambda item: transitions.resume(item, BY_PERSON),
    "rework": transitions.rework,
    "replaced": lambda item: transitions.replaced(item, who=7, at=NOW),
    "abort": lambda item: transitions.abort(item, ResolutionMethod.CANCELLED, BY_PERSON, who=7, at=NOW),
    "discard": lambda item: transitions.discard(item, BY_PERSON, who=7, at=NOW),
    "resolve with a window": lambda item: resolve(item, window=True),
    "resolve without": lambda item: resolve(item, window=False),
    "reopen": lambda item: transitions.reopen(item, BY_PERSON, at=NOW),
    "close": lambda item: transitions.close(item, at=LATER),
    "divide": lambda item: transitions.divide(item, ResolutionMethod.SPLIT, BY_PERSON),
    "merge": lambda item: transitions.merge(item, BY_PERSON, who=7, at=NOW),
}
WAIT = {TO_DO: WAITING, IN_PROGRESS: WAITING}
AFTER = {  # the table of the specification, written out once more by hand
    "submit": {DRAFT: TO_DO},
    "take": {TO_DO: IN_PROGRESS, WAITING: IN_PROGRESS},
    "give": {TO_DO: TO_DO, IN_PROGRESS: TO_DO, WAITING: WAITING},
    "unassign": {TO_DO: TO_DO, IN_PROGRESS: TO_DO, WAITING: TO_DO, RESOLVED: TO_DO},
    "wait_for_information": WAIT,
    "wait_until": WAIT,
    "inform": {WAITING: TO_DO},
    "come_due": {WAITING: TO_DO},
    "block": dict.fromkeys(transitions.OPEN, TO_DO),
    "stall": dict.fromkeys(transitions.OPEN, TO_DO),
    "pause": WAIT,
    "resume": dict.fromkeys(transitions.OPEN, IN_PROGRESS),
    "rework": dict.fromkeys(transitions.OPEN, IN_PROGRESS),
    "replaced": {},
    "abort": dict.fromkeys((*transitions.OPEN, RESOLVED), CLOSED),
    "discard": {DRAFT: CLOSED},
    "resolve with a window": {TO_DO: RESOLVED, IN_PROGRESS: RESOLVED, WAITING: RESOLVED},
    "resolve without": {TO_DO: CLOSED, IN_PROGRESS: CLOSED, WAITING: CLOSED},
    "reopen": {RESOLVED: TO_DO},
    "close": {RESOLVED: CLOSED},
    "divide": WAIT | {WAITING: WAITING},
    "merge": {TO_DO: CLOSED, IN_PROGRESS: CLOSED, WAITING: CLOSED},
}
EXCEPT = {
    ACTION: {
        "submit": {},
        "unassign": {TO_DO: TO_DO, IN_PROGRESS: TO_DO, WAITING: TO_DO},
        **{move: {} for move in ("block", "stall", "pause", "resume", "rework", "discard", "reopen", "close")},
        "resolve with a window": AFTER["resolve without"],
        **{move: {} for move in ("divide", "merge")},
        "replaced": dict.fromkeys(transitions.OPEN, CLOSED),
        "abort": dict.fromkeys(transitions.OPEN, CLOSED),
    },
    TICKET: {move: {} for move in ("block", "stall", "pause", "resume", "rework", "abort")},
    CASE: {  # a case is in progress while its flow runs, whoever works on it
        **{move: {} for move in ("divide", "merge")},
        "submit": {DRAFT: IN_PROGRESS},
        "take": dict.fromkeys(transitions.OPEN, IN_PROGRESS),
        "give": {TO_DO: TO_DO, IN_PROGRESS: IN_PROGRESS, WAITING: WAITING},
        "unassign": {TO_DO: TO_DO, IN_PROGRESS: IN_PROGRESS, WAITING: WAITING, RESOLVED: TO_DO},
    },
}


@pytest.mark.parametrize("kind", ProcessType)
@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("move", MOVES)
def test_every_move_from_every_status_is_as_the_specification_says(
    kind: ProcessType, status: Status, move: str
) -> None:
    """work-manager STA-8, STA-11, ACT-3."""
    expected = EXCEPT[kind].get(move, AFTER[move]).get(status)
    before = standing(kind, status)
    if expected is None:
        with pytest.raises(Conflict) as refused:
            MOVES[move](before)
        assert refused.value.code.endswith("_not_possible")
    else:
        assert MOVES[move](before).status == expected


def test_tickets_begin_as_drafts_or_to_do_cases_as_drafts_or_flowing_and_actions_to_do() -> None:
    """work-manager ACT-1."""
    for kind, begun in ((TICKET, TO_DO), (CASE, IN_PROGRESS)):
        assert transitions.create(kind, draft=True) == Standing(kind, DRAFT)
        assert transitions.create(kind, draft=False) == Standing(kind, begun)
    assert transitions.create(ACTION, draft=False).status == TO_DO
    with pytest.raises(Conflict, match="never a draft"):
        transitions.create(ACTION, draft=True)


def test_the_reasons_are_the_documented_ones() -> None:
    waiting = standing(TICKET, WAITING)
    dated = replace(waiting, wait_type=WaitType.DATE)
    assert transitions.inform(waiting).reason == 4
    assert transitions.come_due(waiting, NOW).reason == 5
    assert transitions.come_due(dated, NOW).reason == 6
    assert transitions.close(standing(TICKET, RESOLVED), at=LATER).reason == 14
    assert transitions.block(standing(CASE, IN_PROGRESS)).reason == 19
    assert transitions.stall(standing(CASE, IN_PROGRESS)).reason == 11
    assert transitions.rework(standing(CASE, IN_PROGRESS)).reason == 21


def test_a_case_flows_on_unless_a_person_must_decide() -> None:
    """Work-flow section 2: to do only when a person must decide."""
    waiting = replace(standing(CASE, WAITING), wait_type=WaitType.SUB_CASE)
    troubled = replace(waiting, needs_attention=True)
    assert transitions.sub_case_ended(waiting, cancelled=False).status == IN_PROGRESS
    assert transitions.sub_case_ended(waiting, cancelled=True).status == TO_DO
    assert transitions.sub_case_ended(troubled, cancelled=False).status == TO_DO
    taken = replace(standing(CASE, IN_PROGRESS), needs_attention=True)
    assert transitions.give(taken, None, BY_PERSON).status == TO_DO


def test_what_was_resolved_before_its_case_was_aborted_keeps_how() -> None:
    ended = transitions.abort(standing(CASE, RESOLVED), ResolutionMethod.CANCELLED, BY_PERSON, who=7, at=NOW)
    assert (ended.method, ended.resolved_on, ended.closes_on, ended.closed_on) == (DONE, EARLIER, None, NOW)


def test_dates_decide_when_a_wait_and_a_window_end() -> None:
    dated = replace(standing(TICKET, WAITING), wait_type=WaitType.DATE, wait_until=LATER)
    for refused, code in (
        (lambda: transitions.come_due(dated, NOW), "date_not_reached"),
        (lambda: transitions.inform(dated), "waits_for_date"),
        (lambda: transitions.come_due(replace(dated, wait_until=None), NOW), "date_not_reached"),
        (lambda: transitions.close(standing(TICKET, RESOLVED), at=NOW), "feedback_window_open"),
        (lambda: transitions.reopen(standing(CASE, RESOLVED), BY_PERSON, at=LATER), "feedback_window_passed"),
    ):
        with pytest.raises(Conflict) as conflict:
            refused()
        assert conflict.value.code == code


def complete(item: Standing, *, resolved_on: datetime = EARLIER) -> Standing:
    return transitions.complete(item, StatusReason.ALL_SPLIT_TICKETS_COMPLETED, who=8, resolved_on=resolved_on, at=NOW)


def test_a_divided_ticket_is_completed_by_what_was_made_of_it_and_by_nothing_else() -> None:
    divided = transitions.divide(standing(TICKET, TO_DO), ResolutionMethod.SPLIT, BY_PERSON)
    for refused in (
        lambda: resolve(divided, window=True),
        lambda: transitions.merge(divided, BY_PERSON, who=7, at=NOW),
        lambda: transitions.divide(divided, ResolutionMethod.SPLIT, BY_PERSON),
        lambda: transitions.inform(divided),
    ):
        with pytest.raises(Conflict) as conflict:
            refused()
        assert conflict.value.code == "waits_for_related_work"
    for status in set(Status) - {WAITING}:
        with pytest.raises(Conflict) as conflict:
            complete(standing(TICKET, status))
        assert conflict.value.code == "complete_not_possible"
    with pytest.raises(Conflict) as conflict:
        complete(standing(TICKET, WAITING))
    assert conflict.value.code == "waits_for_other"
    done = complete(divided)
    assert (done.status, done.method, done.wait_type) == (CLOSED, ResolutionMethod.SPLIT, None)
    assert (done.resolved_on, done.resolved_by, done.closed_on) == (EARLIER, 8, NOW)


def test_the_first_resolution_is_kept() -> None:
    """work-manager STA-5."""
    resolved = resolve(standing(TICKET, IN_PROGRESS), window=True)
    reopened = transitions.reopen(resolved, BY_PERSON, at=NOW)
    again = transitions.resolve(reopened, DONE, BY_PERSON, who=9, at=LATER, closes_on=None)
    assert (again.resolved_on, again.resolved_by) == (NOW, 7)
    assert again.closed_on == LATER


class WorkItemLife(RuleBasedStateMachine):
    """Any sequence of events, legal or not, keeps an item within what an item can be."""

    users, moments, windows = st.integers(1, 3), st.integers(0, 5), st.booleans()

    @initialize(kind=st.sampled_from(ProcessType), draft=st.booleans())
    def begin(self, kind: ProcessType, draft: bool) -> None:
        self.item, self.now = transitions.create(kind, draft=draft and kind != ACTION), NOW
        self.first: datetime | None = None

    @rule(days=moments)
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(
        name=st.sampled_from([*sorted(MOVES), "complete"]),
        who=st.one_of(st.none(), users),
        until=st.one_of(st.none(), moments),
        window=windows,
    )
    def anything(self, name: str, who: int | None, until: int | None, window: bool) -> None:
        later = None if until is None else self.now + timedelta(days=until)
        item, now = self.item, self.now
        choices = {
            "take": lambda: transitions.take(item, who or 1, BY_PERSON),
            "give": lambda: transitions.give(item, who, BY_PERSON),
            "unassign": lambda: transitions.unassign(item, BY_PERSON, at=now),
            "wait_for_information": lambda: transitions.wait_for_information(item, later, BY_PERSON),
            "wait_until": lambda: transitions.wait_until(item, later or now, BY_PERSON),
            "come_due": lambda: transitions.come_due(item, now),
            "reopen": lambda: transitions.reopen(item, BY_PERSON, at=now),
            "close": lambda: transitions.close(item, at=now),
            "merge": lambda: transitions.merge(item, BY_PERSON, who=who, at=now),
            "complete": lambda: transitions.complete(item, BY_PERSON, who=who, resolved_on=now, at=now),
            "abort": lambda: transitions.abort(item, ResolutionMethod.CANCELLED, BY_PERSON, who=who, at=now),
            "resolve with a window": lambda: transitions.resolve(
                item, DONE, BY_PERSON, who=who, at=now, closes_on=now + timedelta(days=2) if window else None
            ),
        }
        try:
            self.item = choices.get(name, lambda: MOVES[name](item))()
        except Conflict:
            assert self.item is item

    @invariant()
    def it_is_a_possible_item(self) -> None:
        item = self.item
        assert (item.status == WAITING) == (item.wait_type is not None)
        assert item.wait_type != WaitType.DATE or item.wait_until is not None
        divided = item.wait_type == WaitType.RELATED_WORK
        assert (item.status in transitions.FINISHED or divided) == (item.method is not None)
        assert (item.status == RESOLVED) == (item.closes_on is not None)
        assert (item.status == CLOSED) == (item.closed_on is not None)
        assert item.status not in transitions.FINISHED or item.resolved_on is not None
        assert item.status != IN_PROGRESS or item.assignee is not None or item.kind == CASE
        assert item.status != DRAFT or item.assignee is None
        assert item.kind != ACTION or item.status not in (DRAFT, RESOLVED)

    @invariant()
    def its_first_resolution_stays(self) -> None:
        self.first = self.first or self.item.resolved_on
        assert self.item.resolved_on == self.first


TestWorkItemLife = WorkItemLife.TestCase
TestWorkItemLife.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def test_the_committed_page_is_drawn_from_the_table() -> None:
    committed = Path(__file__).parents[2] / "docs" / "work-item-states.md"
    draw = "from workwire.rooms.work import diagrams; print(diagrams.page(), end='')"
    assert committed.read_text() == diagrams.page(), f"draw it anew: django-admin shell -v0 -c {draw!r}"


def test_the_diagrams_show_what_differs_between_the_kinds() -> None:
    ticket, case, action = (diagrams.diagram(kind) for kind in (TICKET, CASE, ACTION))
    assert "Draft --> ToDo: submit" in ticket
    assert "unable to complete" in case
    assert "unable to complete" not in ticket
    assert "Draft" not in action
    assert "Resolved" not in action


@pytest.mark.parametrize(
    ("due", "zone", "expected"),
    [
        (None, "UTC", Rag.TO_BE_DETERMINED),
        (NOW - timedelta(seconds=1), "UTC", Rag.OVERDUE),
        (NOW, "UTC", Rag.DUE_TODAY),
        (NOW + timedelta(hours=11, minutes=59), "UTC", Rag.DUE_TODAY),
        (NOW + timedelta(hours=12), "UTC", Rag.DUE_IN_FUTURE),
        (NOW + timedelta(hours=11, minutes=59), "Pacific/Auckland", Rag.DUE_TODAY),
        (NOW + timedelta(hours=11, minutes=59), "Asia/Tokyo", Rag.DUE_IN_FUTURE),
        (NOW + timedelta(hours=12), "America/New_York", Rag.DUE_TODAY),
    ],
)
def test_today_is_today_in_the_items_time_zone(due: datetime | None, zone: str, expected: Rag) -> None:
    assert item_due_dates.rag(due, NOW, zone) == expected


FIRST, LAST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - the strategy adds the zone to its bounds
MOMENTS = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))


@given(
    due=MOMENTS,
    now=MOMENTS,
    zone=st.sampled_from(["UTC", "Europe/Lisbon", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns"]),
)
def test_time_only_makes_an_item_more_urgent(due: datetime, now: datetime, zone: str) -> None:
    then = now + timedelta(hours=7)
    assert item_due_dates.rag(due, then, zone) <= item_due_dates.rag(due, now, zone)
    if item_due_dates.rag(due, now, zone) == Rag.DUE_TODAY:
        assert due.astimezone(ZoneInfo(zone)).date() == now.astimezone(ZoneInfo(zone)).date()
