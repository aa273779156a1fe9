"""What is started by hand from a case, and rework, in the browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.support.organisation import Customer, Organisation
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.conversations.models import Communication
from workwire.rooms.offering.models import ActionDefinition
from workwire.rooms.work import commands
from workwire.rooms.work.models import ResolutionMethod, Status, WorkItem


@pytest.fixture
def case(customer: Customer, by: Actor) -> WorkItem:
    """A running case."""
    return commands.create_case(customer.case_version.guid, by=by, title="Order", submit=True)


def _now(item: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=item.pk)


def _by_hand(customer: Customer) -> ActionDefinition:
    return ActionDefinition.objects.get(step__version=customer.case_version, step__number=0)


def test_an_action_is_started_by_hand_with_instructions_and_a_due_date(
    browser: Client, customer: Customer, case: WorkItem
) -> None:
    """work-manager CAS-8."""
    here, definition = f"/work/{case.guid}/launch-action", _by_hand(customer)
    assert definition.work_type.name in browser.get(here).content.decode()
    due = clock.now().replace(second=0, microsecond=0) + timedelta(days=2)
    wish = {"version": case.version, "action": definition.guid, "instructions": "Ring\r\ntwice", "times": 2}
    assert browser.post(here, wish | {"times": 101}).status_code == 422
    assert browser.post(here, wish | {"due_date": f"{due:%Y-%m-%dT%H:%M}"}).status_code == 303
    made = WorkItem.objects.filter(parent=case, ad_hoc=True)
    assert [(one.description, one.due_date) for one in made] == [("Ring\ntwice", due)] * 2


def test_a_sub_case_is_started_which_the_case_waits_for(browser: Client, by: Actor, case: WorkItem) -> None:
    """work-manager SUB-1."""
    here = f"/work/{case.guid}/launch-sub-case"
    assert "It waits until the sub-case ends" in browser.get(here).content.decode()
    assert browser.post(here, {"version": case.version, "title": ""}).status_code == 422
    sent = browser.post(here, {"version": case.version, "title": "Below", "description": "One part"})
    assert sent.status_code == 303
    sub = WorkItem.objects.get(title="Below", kind=case.kind)
    assert (sub.parent_id, sub.description, _now(case).status) == (case.pk, "One part", Status.WAITING)
    beside = {"version": case.version, "title": "Beside", "independent": "on"}
    assert browser.post(here, beside).status_code == 303
    assert WorkItem.objects.get(title="Beside", kind=case.kind).independent


def test_a_case_is_worked_again_from_a_place_it_has_reached_and_keeps_why(
    browser: Client, customer: Customer, by: Actor, case: WorkItem
) -> None:
    """work-manager REW-1, REW-4."""
    (hand,) = commands.launch_action(case, _by_hand(customer).guid, by=by)
    action = WorkItem.objects.filter(parent=case, ad_hoc=False).earliest("pk")
    here = f"/work/{action.guid}/rework"
    shown = browser.get(here).content.decode()
    places = re.findall('<option value="([0-9]+:[^"]*)"', shown)
    assert "1:" in places
    assert "Open: 1. Kept unless you tick the box below." in shown
    wish = {"version": action.version, "place": "1:", "note": "The measure was wrong.", "end_ad_hoc_actions": "on"}
    assert browser.post(here, wish | {"place": "9:"}).status_code == 422
    assert browser.post(here, wish | {"version": action.version + 1}).status_code == 409
    sent = browser.post(here, wish)
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/work/{case.reference}")
    assert (_now(action).status, _now(action).resolution_method) == (Status.CLOSED, ResolutionMethod.REWORK)
    assert _now(hand).status == Status.CLOSED
    assert Communication.objects.get(work_item=case).body == "The measure was wrong."


def test_what_does_not_run_starts_nothing_and_says_why(
    browser: Client, organisation: Organisation, by: Actor, case: WorkItem
) -> None:
    commands.abort(case, by=by)
    for deed, words in (
        ("launch-action", "Work can only be launched from a running case."),
        ("launch-sub-case", "Work can only be launched from a running case."),
        ("rework", "Only a running case can be worked again."),
    ):
        here = f"/work/{case.guid}/{deed}"
        assert words in browser.get(here).content.decode()
        refused = browser.post(here, {"version": _now(case).version, "place": "1:", "title": "x"})
        assert refused.status_code == 409
    assert WorkItem.objects.filter(parent=case).exclude(status=Status.CLOSED).count() == 0
    assert _now(case).status == Status.CLOSED
