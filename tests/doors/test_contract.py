"""Every operation of the published contract, called with right and with wrong input; none is left out.

A row says who calls rightly, with what, and which GUID of the call may be malformed, absent or out of sight.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.doors.conftest import Caller
from tests.doors.contract import CONTRACT, contract, empty, fits, listed, needs_contract
from tests.doors.stage import MEMBER, ROWS, Stage, filled, staged
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.kernel.ids import new_guid
from workwire.outbox.models import Event

EVERY = pytest.mark.parametrize("operation", sorted(ROWS))
WITH_GUID = pytest.mark.parametrize("operation", sorted(name for name, row in ROWS.items() if row.guid))
DOCUMENTED_ABSENT = {"WebHookSubscription/GetWebhookSubscription": "400"}  # newer than the contract
NOBODYS = {"FileTagConfiguration/Get", "ContactTagConfiguration/Get", "ServiceMatrix/GetServiceMatrix"}


@pytest.fixture
def stage(organisation: Organisation, receiver: Receiver) -> Stage:
    """What the calls name, at the first customer."""
    return staged(organisation, organisation.customers[0], receiver)


@pytest.fixture
def reader(organisation: Organisation) -> Caller:
    """Somebody who sees both customers and holds no feature."""
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    role = access.create_role("Reader", features.OPERATIONAL, (), by=admin)
    user = access.create_user("rita", "Rita Moreau", [role], password="4V7MJ6TGudVeZ0gY", by=admin)
    for customer in organisation.customers:
        access.change_members(customer.group, add=[user], by=admin)
    wish = {"Username": "rita", "Password": "4V7MJ6TGudVeZ0gY"}
    answer = Client().post("/webapi/Authentication/Login?useCookie=false", wish, content_type="application/json")
    return Caller(answer.json())


def _call(caller: Caller, operation: str, stage: Stage, **instead: str) -> Any:
    row = ROWS[operation]
    query, body = filled(row.query or {}, stage), filled(row.body, stage)
    for name, value in instead.items():
        (query if name in query else body)[name] = value
    method = "GET" if row.body is None and operation in GETS else None
    return caller.webapi(operation, body, method=method, **query)


GETS = {name for name, row in ROWS.items() if row.body is None}


@needs_contract
def test_no_operation_of_the_contract_is_missing_here() -> None:
    assert {f"/webapi/{name}" for name in ROWS} == set(contract()["paths"])
    assert len(ROWS) == 41


@EVERY
def test_right_input_is_answered_as_the_contract_says(
    operation: str, organisation: Organisation, caller: Callable[[str], Caller], stage: Stage
) -> None:
    row = ROWS[operation]
    if operation == "Authentication/Login":
        account = organisation.accounts[MEMBER]
        wish = {"Username": account.user.username, "Password": account.password}
        answer = Client().post(f"/webapi/{operation}?useCookie=false", wish, content_type="application/json")
    else:
        answer = _call(caller(row.who), operation, stage)
    assert answer.status_code == row.status, answer.content
    content = fits(operation, answer)
    if isinstance(content, dict) and "Messages" in content:
        assert content["Messages"] == []
        assert content["Result"] is not None


@EVERY
def test_without_valid_credentials_nothing_is_answered(operation: str, stage: Stage) -> None:
    before = set(Event.objects.values_list("pk", flat=True))
    if operation == "Authentication/Login":
        wish = {"Username": "tomas", "Password": "wrong"}
        answer = Client().post(f"/webapi/{operation}", wish, content_type="application/json")
    else:
        answer = _call(Caller("wwt_none"), operation, stage)
    assert answer.status_code == 401
    assert answer.headers["Reason"]
    recorded = list(Event.objects.exclude(pk__in=before).values_list("name", flat=True))
    assert recorded == (["LoginRefused"] if operation == "Authentication/Login" else [])


@pytest.mark.parametrize("operation", sorted(set(ROWS) - {"Authentication/Login"}))
def test_without_the_role_it_is_refused(operation: str, reader: Caller, stage: Stage) -> None:
    before = Event.objects.count()
    answer = _call(reader, operation, stage)
    assert answer.status_code == (200 if ROWS[operation].open else 403), answer.content
    assert Event.objects.count() == before


@WITH_GUID
def test_a_malformed_guid_is_a_bad_request_and_changes_nothing(
    operation: str, caller: Callable[[str], Caller], stage: Stage
) -> None:
    someone, row, before = caller(ROWS[operation].who), ROWS[operation], Event.objects.count()
    answer = _call(someone, operation, stage, **{row.guid: "not-a-guid"})
    assert answer.status_code == 400, answer.content
    assert row.guid.lower() in answer.content.decode().lower()
    assert Event.objects.count() == before


@WITH_GUID
def test_what_is_absent_and_what_is_out_of_sight_are_not_told_apart(
    operation: str, organisation: Organisation, caller: Callable[[str], Caller], stage: Stage, receiver: Receiver
) -> None:
    row = ROWS[operation]
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.change_members(organisation.customers[0].group, remove=[organisation.accounts[MEMBER].user], by=admin)
    someone = caller(row.who if row.who == MEMBER else "process builder of one company")
    before = Event.objects.count()
    absent = _call(someone, operation, stage, **{row.guid: str(new_guid())})
    assert absent.status_code == row.absent, absent.content
    if CONTRACT.exists():
        assert str(row.absent) in {*listed(operation)["responses"], DOCUMENTED_ABSENT.get(operation, "404")}
    if operation not in NOBODYS:
        invisible = _call(someone, operation, stage)
        assert (invisible.status_code, invisible.content) == (absent.status_code, absent.content)
    assert Event.objects.count() == before


@EVERY
def test_a_refusal_has_no_result_at_all(
    operation: str, caller: Callable[[str], Caller], reader: Caller, stage: Stage
) -> None:
    """Whoever is refused and for whatever: the contract has an object as `Result`, which null is not."""
    row = ROWS[operation]
    refused = [_call(Caller("wwt_none"), operation, stage)] + ([] if row.open else [_call(reader, operation, stage)])
    if row.guid:
        refused += [_call(caller(row.who), operation, stage, **{row.guid: guid}) for guid in ("none", str(new_guid()))]
    if "Title" in (row.body or {}):  # this one is answered with 200 and with what was wrong
        of_case = operation.startswith("Action/")  # which gives an action its title
        wrong: dict[str, Any] = {"AffectedRecordCount": 0} if of_case else {"Title": "x" * 501}
        refused.append(_call(caller(row.who), operation, stage, **wrong))
        assert refused[-1].json()["Messages"]
    for answer in refused:
        content = json.loads(answer.content) if answer.content else {}
        assert "Result" not in content, answer.content
        assert [*empty(content)] == [], answer.content


@EVERY
def test_the_other_method_is_not_allowed(operation: str, caller: Callable[[str], Caller], stage: Stage) -> None:
    other = "POST" if operation in GETS and operation != "Authentication/Login" else "GET"
    answer = caller(ROWS[operation].who).webapi(operation, {}, method=other)
    assert answer.status_code == 405
    assert answer.headers["Allow"] != other
