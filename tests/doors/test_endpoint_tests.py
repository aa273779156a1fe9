"""Testing an endpoint over HTTP: asked for, made by a worker, told to who asked, and limited."""

from __future__ import annotations

from tests.doors.conftest import Caller
from tests.support.receiver import Receiver
from workwire.jobs import running
from workwire.kernel.ids import new_guid
from workwire.worker.endpoint_probes import LANE

TESTS = "/endpoint-tests"


def test_a_test_is_asked_for_made_by_a_worker_and_told(builder: Caller, receiver: Receiver) -> None:
    asked = builder.api("POST", TESTS, {"url": receiver.url("/hook")})
    assert asked.status_code == 202
    told = asked.json()
    assert (told["state"], told["seen"]) == ("waiting", None)
    here = f"{TESTS}/{told['guid']}"
    assert builder.api("GET", here).json() == told
    running.turn(LANE)
    told = builder.api("GET", here).json()
    seen = told["seen"]
    assert (told["state"], seen["problem"], seen["address"]) == ("done", None, "127.0.0.1")
    assert (seen["protocol"], seen["certificate"], seen["by_proxy"]) == (None, None, False)
    assert seen["connect"] >= 0
    assert receiver.requests == []


def test_what_is_wrong_is_a_code(builder: Caller) -> None:
    asked = builder.api("POST", TESTS, {"url": "http://127.0.0.1:9/"}).json()
    running.turn(LANE)
    seen = builder.api("GET", f"{TESTS}/{asked['guid']}").json()["seen"]
    assert (seen["problem"], seen["handshake"]) == ("connection_refused", None)


def test_a_destination_inside_is_refused_and_a_second_test_waits_for_the_first(builder: Caller) -> None:
    refused = builder.api("POST", TESTS, {"url": "http://169.254.169.254/"})
    assert refused.status_code == 422
    assert refused.json()["field"] == "url"
    assert builder.api("POST", TESTS, {"url": "http://127.0.0.1:9/"}).status_code == 202
    second = builder.api("POST", TESTS, {"url": "http://127.0.0.1:9/"})
    assert (second.status_code, second.json()["code"]) == (429, "too_many_reach_tests")


def test_a_test_of_another_account_is_not_there(
    builder: Caller, administrator: Caller, narrow: Caller, member: Caller, receiver: Receiver
) -> None:
    asked = builder.api("POST", TESTS, {"url": receiver.url("/hook")}).json()
    for other in (administrator, narrow):
        found, absent = (other.api("GET", f"{TESTS}/{guid}") for guid in (asked["guid"], new_guid()))
        assert (found.status_code, found.json()["code"]) == (404, "endpoint_test_not_found")
        assert found.json()["code"] == absent.json()["code"]
    assert member.api("GET", f"{TESTS}/{asked['guid']}").status_code == 403
    assert member.api("POST", TESTS, {"url": receiver.url("/hook")}).status_code == 403
