"""Clients of both APIs, logged in over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tests.doors.known_fields import check_fields, path_of
from tests.support.organisation import Organisation

browser = Client()  # one for all, for each loads the middleware anew


def fresh() -> Client:
    """The client without anybody's cookies."""
    browser.cookies.clear()
    return browser


@dataclass
class Caller:
    """Somebody with a token; speaks to both APIs."""

    token: str

    def webapi(self, operation: str, body: Any = None, *, method: str | None = None, **query: str) -> Any:
        """Call an operation of the documented web API."""
        url = f"/webapi/{operation}"
        query = {"authToken": self.token, **query}
        if method == "GET" or (method is None and body is None):
            return fresh().get(url, query)
        text = body if isinstance(body, (str, bytes)) else json.dumps(body or {})
        return fresh().generic(
            "POST", url, text, "application/json", QUERY_STRING="&".join(f"{k}={v}" for k, v in query.items())
        )

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the REST API; headers by their names with underscores. No refusal names a field the caller does not know."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, (str, bytes)) else json.dumps(body) if body is not None else ""
        answer = fresh().generic(
            method,
            f"/api/v1{path}",
            text,
            "application/json",
            headers={"Authorization": f"Bearer {self.token}", **named},
        )
        if answer.headers.get("Content-Type") == "application/problem+json":
            check_fields(method, path_of(answer.resolver_match.route), answer.json())
        return answer


@pytest.fixture
def caller(organisation: Organisation) -> Callable[[str], Caller]:
    """Log somebody of the sample organisation in."""

    def log_in(who: str) -> Caller:
        account = organisation.accounts[who]
        wish = {"Username": account.user.username, "Password": account.password}
        answer = Client().post("/webapi/Authentication/Login?useCookie=false", wish, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return Caller(answer.json())

    return log_in


@pytest.fixture
def builder(caller: Callable[[str], Caller]) -> Caller:
    """The process builder who sees everything."""
    return caller("process builder")


@pytest.fixture
def narrow(caller: Callable[[str], Caller]) -> Caller:
    """The process builder who sees the second customer only."""
    return caller("process builder of one company")


@pytest.fixture
def member(caller: Callable[[str], Caller]) -> Caller:
    """The team member."""
    return caller("team member")


@pytest.fixture
def administrator(caller: Callable[[str], Caller]) -> Caller:
    """The administrator."""
    return caller("administrator")
