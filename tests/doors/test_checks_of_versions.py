"""What builders ask over HTTP: the findings of a version, the fields of conditions, and a condition tried on a work item."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doors.conftest import Caller
from tests.support.organisation import Customer
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.rooms.offering.models import CaseStep, ChecklistLine
from workwire.rooms.work import commands
from workwire.rooms.work.models import WorkItem

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "write-conditions.md"


@pytest.fixture
def ticket(first: Customer, actors: dict[str, Actor]) -> WorkItem:
    """A ticket of the first customer with an amount."""
    made = commands.create_ticket(first.ticket_version.guid, by=actors["team member"], title="Broken chair")
    return commands.update(made, by=actors["team member"], custom_data={"Amount": 250, "Hurry": "High"})


def _try(caller: Caller, item: WorkItem, text: str, **headers: str) -> Any:
    return caller.api("POST", f"/work-items/{item.guid}/condition-trials", {"text": text}, **headers)


def test_a_condition_is_tried_and_explains_itself(builder: Caller, ticket: WorkItem) -> None:
    before = Event.objects.count()
    told = _try(builder, ticket, '[amount]>=100 && [customerName] == "Acme"').json()
    assert told["text"] == '[amount] >= 100 and [customerName] = "Acme"'
    assert told["condition"]["all"][0] == {
        "left": {"field": "amount"},
        "operator": "at_least",
        "right": [{"number": 100}],
    }
    assert (told["holds"], told["findings"]) == (False, [])
    amount, customer = told["comparisons"]
    assert (amount["holds"], amount["values"]) == (True, {"amount": 250})
    assert (customer["holds"], customer["values"]) == (False, {"customerName": "Willow Clinics"})
    assert customer["said"]["sentence"] == (
        '\'[customerName] = "Acme"\' does not hold: [customerName] = "Willow Clinics".'
    )
    german = _try(builder, ticket, "[payBy] < 2027-01-01", Accept_Language="de").json()
    assert german["holds"] is None
    assert german["comparisons"][0]["said"] == {
        "code": "condition_not_evaluated.empty",
        "parameters": {"comparison": "[payBy] < 2027-01-01"},
        "sentence": "„[payBy] < 2027-01-01“ lässt sich nicht auswerten: Ein Wert ist leer.",
    }
    assert Event.objects.count() == before


def test_what_is_wrong_with_a_condition_is_told(builder: Caller, ticket: WorkItem) -> None:
    told = _try(builder, ticket, '[amuont] = 1 or [hurry] = "Huge"').json()
    assert told["holds"] is None
    assert [(one["code"], one["severity"], one["place"]) for one in told["findings"]] == [
        ("finding_condition_field.nearest", "must", "1"),
        ("finding_condition_choice", "must", "2"),
    ]
    refused = _try(builder, ticket, "[amount] >= ")
    assert refused.status_code == 422
    problem = refused.json()
    assert (problem["code"], problem["field"]) == ("condition_unreadable", "text")
    assert problem["parameters"]["position"] == 13


def test_only_who_builds_and_sees_the_item_tries_conditions(
    caller: Callable[[str], Caller], narrow: Caller, ticket: WorkItem, first: Customer
) -> None:
    assert _try(narrow, ticket, "[amount] = 1").status_code == 404
    assert _try(caller("team member"), ticket, "[amount] = 1").status_code == 403
    for part in ("findings", "condition-fields"):
        path = f"/process-versions/{first.case_version.guid}/{part}"
        assert narrow.api("GET", path).status_code == 404
        assert caller("team member").api("GET", path).status_code == 403


def test_the_fields_of_a_step_are_listed(builder: Caller, first: Customer, actors: dict[str, Actor]) -> None:
    path = f"/process-versions/{first.case_version.guid}/condition-fields"
    fields = {one["name"]: one for one in builder.api("GET", path).json()["items"]}
    assert fields["amount"] == {
        "name": "amount",
        "type": "number",
        "source": "custom_data",
        "label": "Amount",
        "operators": ["equals", "differs", "greater", "less", "at_least", "at_most", "between", "is_empty"],
        "choices": [],
        "retired": False,
    }
    assert fields["hurry"]["choices"] == ["Little", "Some", "High"]
    assert fields["customerName"]["source"] == "platform"
    step = CaseStep.objects.filter(version=first.case_version).order_by("number").first()
    assert step is not None
    asked = {one["name"] for one in builder.api("GET", f"{path}?step={step.guid}").json()["items"]}
    assert not [name for name in asked if name.startswith("answer.")]
    lines = ChecklistLine.objects.filter(definition__step__version=first.case_version, definition__step__number__gt=0)
    assert {name for name in fields if name.startswith("answer.")} >= {f"answer.{line.guid}" for line in lines}


def test_the_findings_of_a_version_are_listed(builder: Caller, first: Customer) -> None:
    made = builder.api("POST", f"/processes/{first.case_version.process.guid}/versions", {}).json()
    found = builder.api("GET", f"/process-versions/{made['guid']}/findings").json()["items"]
    assert [(one["code"], one["severity"], one["place"]) for one in found] == [
        ("finding_no_allocation", "advice", ""),
        ("finding_no_due_date", "advice", ""),
        ("finding_no_step", "before_live", ""),
    ]
    assert found[2]["sentence"] == "A case process needs a step or an ad hoc action."


def test_the_conditions_of_the_how_to_are_conditions(builder: Caller, ticket: WorkItem) -> None:
    page = HOW_TO.read_text()
    texts = [*re.findall(r"\| `(.*?)` \|", page), *re.findall(r"```\n(\[.*?)\n```", page)]
    assert len(texts) == 8
    for text in texts:
        told = _try(builder, ticket, text.replace("3f2c…", "3f2c0000-0000-0000-0000-000000000000"))
        assert told.status_code == 200, text
        wrong = {one["code"] for one in told.json()["findings"]}
        assert wrong <= {"finding_condition_line", "finding_condition_field"}, text
