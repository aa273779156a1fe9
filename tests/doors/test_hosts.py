"""The names under which requests are answered."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from workwire.web.allowed_hosts import REFUSAL

OTHERS = ["10.0.0.7:8000", "work1.internal", "[2001:db8::7]:8000", "not a name", ""]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_monitors_may_ask_by_any_name(db: None, path: str, name: str) -> None:
    assert Client().get(path, headers={"host": name}).status_code == 200


@pytest.mark.parametrize("name", OTHERS[:-1])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/metrics/", "/api/v1/subscriptions", "/webapi/Case/Create"])
def test_all_else_is_refused_with_a_sentence_and_one_line_in_the_log(
    db: None, path: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Client().get(path, headers={"host": name})
    assert (answer.status_code, answer.content.decode()) == (400, REFUSAL)
    assert "WORKWIRE_ALLOWED_HOSTS" in REFUSAL
    [record] = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage() == f"host name {name!r} is not in WORKWIRE_ALLOWED_HOSTS: {path} is refused"


def test_names_that_are_ours_are_answered(db: None, caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get("/", headers={"host": "localhost"}).status_code == 200
    assert not caplog.records
