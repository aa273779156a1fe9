"""Logging in as an attacker sees it: whose address counts, whose cookie is taken, and what a browser is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve
from django.urls.resolvers import RegexPattern

from tests.doors.conftest import Caller
from tests.support.organisation import Account, Organisation
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import FailedLogin, Token
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.web.proxies import client_of

GUID = "01a21054-86fe-7341-839f-ac3c81daf6ee"
BY_PATTERN = {r"^work/(?P<reference>[0-9]{1,20}-[0-9A-Za-z.-]{1,40})$": "work/1-T"}
PROXIES = [ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("", "10.0.0.1"),  # the proxy itself
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.1.1.1", "198.51.100.7"),
        ("192.0.2.66, 198.51.100.7", "198.51.100.7"),  # the left one is what the client claims
        ("127.0.0.1, 198.51.100.7,10.1.1.1 , 10.2.2.2", "198.51.100.7"),
        ("10.9.9.9, 10.1.1.1", "10.9.9.9"),  # a client inside
        ("nonsense, 10.1.1.1", "10.1.1.1"),
        ("198.51.100.7, unknown", "10.0.0.1"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::7]:4711, fd00::1", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        (",,,", "10.0.0.1"),
        ("198.51.100.7" * 10_000, "10.0.0.1"),
    ],
)
def test_the_client_is_the_right_most_address_of_no_trusted_proxy(forwarded: str, client: str) -> None:
    assert client_of(ip_address("10.0.0.1"), forwarded, PROXIES) == client


@pytest.fixture
def behind_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with trusted proxies."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"trusted_proxies": PROXIES}))


def _fail(door: str, forwarded: str, remote: str) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    wish: dict[str, Any] = {"username": "nobody", "password": "wrong"}
    kind = {} if door == "/sign-in" else {"content_type": "application/json"}
    if door.endswith("Token"):
        wish, kind = {"grant_type": "client_credentials", "client_id": "ww-no", "client_secret": "wrong"}, {}
    assert Client(REMOTE_ADDR=remote).post(door, wish, headers=headers, **kind).status_code == 401


@pytest.mark.parametrize(
    "door", ["/sign-in", "/api/v1/tokens", "/webapi/Authentication/Login", "/webapi/Auth/OAuth/Token"]
)
def test_failures_count_for_the_client_and_not_for_the_proxy(door: str, db: None, behind_proxies: None) -> None:
    _fail(door, "192.0.2.66, 198.51.100.7", "127.0.0.1")
    _fail(door, "192.0.2.66", "203.0.113.9")  # no proxy of ours: what it says counts for nothing
    _fail(door, "", "203.0.113.10")
    assert list(FailedLogin.objects.order_by("pk").values_list("address", flat=True)) == [
        "198.51.100.7",
        "203.0.113.9",
        "203.0.113.10",
    ]


def test_without_trusted_proxies_nobody_chooses_the_address_that_is_counted(db: None) -> None:
    _fail("/sign-in", "198.51.100.7", "127.0.0.1")
    assert FailedLogin.objects.get().address == "127.0.0.1"


def test_behind_a_proxy_that_ends_tls_a_form_from_our_page_is_taken(
    organisation: Organisation, behind_proxies: None
) -> None:
    account = organisation.accounts["team member"]
    browser = Client(enforce_csrf_checks=True, REMOTE_ADDR="127.0.0.1")
    told = {"X-Forwarded-Proto": "https", "Host": "localhost"}
    token = browser.get("/sign-in", headers=told).cookies["csrftoken"].value
    wish = {"username": account.user.username, "password": account.password, "csrfmiddlewaretoken": token}
    ours = told | {"Origin": "https://localhost", "Referer": "https://localhost/sign-in"}
    assert browser.post("/sign-in", wish, headers=ours | {"Origin": "https://evil.example"}).status_code == 403
    assert browser.post("/sign-in", wish, headers=ours | {"X-Forwarded-Proto": "http"}).status_code == 403
    assert browser.post("/sign-in", wish, headers=ours).status_code == 303


def test_signing_in_ends_the_session_and_the_form_token_a_browser_came_with(organisation: Organisation) -> None:
    """So that one who planted either in somebody's browser holds nothing afterwards."""
    tomas, paul = organisation.accounts["team member"], organisation.accounts["process builder"]
    browser = Client()
    _sign_in(browser, tomas)
    planted = browser.cookies["workwire_session"].value
    form = browser.get("/sign-in").cookies["csrftoken"].value
    answer = _sign_in(browser, paul)
    assert browser.cookies["workwire_session"].value != planted
    assert Token.objects.count() == 1
    assert answer.cookies["csrftoken"].value != form
    stale = Client()
    stale.cookies["workwire_session"] = planted
    assert stale.get("/work").status_code == 302


def test_the_token_in_the_cookie_of_a_browser_opens_no_api(organisation: Organisation) -> None:
    """So that who reads it out of an open browser cannot do there what pages ask the password for."""
    browser = Client()
    token = _sign_in(browser, organisation.accounts["team member"]).cookies["workwire_session"].value
    assert browser.get("/work").status_code == 200
    shown = {"Authorization": f"Bearer {token}"}
    for path in ("/api/v1/me", "/api/v1/credentials", "/webapi/Work/IsWorkAvailable"):
        assert Client().get(path, headers=shown).status_code == 401, path
    assert Client().get(f"/webapi/Work/IsWorkAvailable?authToken={token}").status_code == 401
    api = Client()
    api.cookies["workwire_token"] = token
    assert api.get("/webapi/Work/IsWorkAvailable").status_code == 401


def _sign_in(browser: Client, account: Account) -> Any:
    answer = browser.post("/sign-in", {"username": account.user.username, "password": account.password})
    assert answer.status_code == 303
    return answer


@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_hidden_bound_to_the_site_and_secure_where_that_is_set(
    secure: bool, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"secure_cookies": secure}))
    account = organisation.accounts["team member"]
    page = _sign_in(Client(), account).cookies["workwire_session"]
    wish = {"Username": account.user.username, "Password": account.password}
    login = "/webapi/Authentication/Login?useCookie=true"
    called = Client().post(login, wish, content_type="application/json").cookies["workwire_token"]
    for cookie, site in ((page, "Lax"), (called, "Strict")):
        assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, site, secure)
        assert (cookie["domain"], cookie["path"]) == ("", "/")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "http://testserver"}, 204),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Referer": "https://evil.example/"}, 403),
    ],
)
def test_another_sites_page_cannot_log_a_browser_in(
    headers: dict[str, str], status: int, organisation: Organisation
) -> None:
    account = organisation.accounts["team member"]
    wish = f'{{"Username": "{account.user.username}", "Password": "{account.password}"}}'
    answer = Client().post(
        "/webapi/Authentication/Login?useCookie=true", wish, content_type="text/plain", headers=headers
    )
    assert (answer.status_code, "workwire_token" in answer.cookies) == (status, status == 204)


def test_every_page_forbids_frames_and_foreign_scripts(organisation: Organisation) -> None:
    browser = Client()
    _sign_in(browser, organisation.accounts["team member"])
    for path in ("/", "/sign-in", "/work", "/nothing-here", "/health/live", "/api/v1/me", "/webapi/No/Operation"):
        answer = browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_every_form_of_the_pages_insists_on_its_token(organisation: Organisation) -> None:
    """Every address of the pages, posted to with a session and without the form's token: refused, and nothing done."""
    browser = Client(enforce_csrf_checks=True)
    tomas = organisation.accounts["team member"]
    token = sessions.log_in(tomas.user.username, tomas.password, address="127.0.0.1")
    browser.cookies["workwire_session"] = token
    paths = list(_paths(get_resolver("workwire.web.urls")))
    for path in paths:
        answer = browser.post(path, {"username": tomas.user.username, "password": tomas.password})
        assert answer.status_code in (403, 405), path
    assert {"/", "/sign-in", "/sign-out", "/look", "/work", f"/work/{GUID}", "/work/1-T"} <= set(paths)
    assert Token.objects.count() == 1


def _paths(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """A path to every page, area by area, that really leads there."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _paths(entry, before + str(entry.pattern))
            continue
        path = before + re.sub(r"<uuid:\w+>", GUID, str(entry.pattern)).replace("<str:", "<").replace("<name>", "name")
        path = path.replace("<level>", "company")
        if isinstance(entry.pattern, RegexPattern):
            path = before + BY_PATTERN[str(entry.pattern)]
        assert resolve(path).func is entry.callback, path
        yield path


End = Callable[[Organisation, Actor], object]
ENDS: dict[str, End] = {
    "a new password": lambda made, by: access.set_password(made.accounts["team member"].user, "Kv8-quiet-river", by=by),
    "retirement": lambda made, by: access.set_active(made.accounts["team member"].user, False, by=by),
    "another role": lambda made, by: access.set_roles(
        made.accounts["team member"].user, [made.accounts["robot"].user.role_assignments.get().role], by=by
    ),
}


@pytest.mark.parametrize("end", list(ENDS))
def test_a_token_that_ends_ends_at_every_door_at_once(
    end: str, organisation: Organisation, member: Caller, actors: dict[str, Actor]
) -> None:
    browser = Client()
    _sign_in(browser, organisation.accounts["team member"])
    assert (browser.get("/work").status_code, member.api("GET", "/me").status_code) == (200, 200)
    ENDS[end](organisation, actors["administrator"])
    assert browser.get("/work").status_code == 302
    assert member.api("GET", "/me").status_code == 401
    assert member.webapi("Work/IsWorkAvailable").status_code == 401


def test_an_application_does_not_get_what_its_user_was_answered(
    organisation: Organisation, administrator: Caller, actors: dict[str, Actor]
) -> None:
    """A kept answer belongs to whoever asked, account and application alike."""
    user = organisation.accounts["administrator"].user
    roles = [assignment.role for assignment in user.role_assignments.filter(role__name="Team Leader")]
    credential, secret = access.create_credential(
        user, "Narrow", roles, expires_at=clock.now() + timedelta(days=1), by=actors["administrator"]
    )
    token = sessions.exchange_secret(credential.client_id, secret, address="127.0.0.1")
    wish = {"name": "Night shift"}
    assert administrator.api("POST", "/user-groups", wish, Idempotency_Key="same").status_code == 201
    refused = Caller(token).api("POST", "/user-groups", wish, Idempotency_Key="same")
    assert refused.status_code in (403, 409), refused.content
    assert b"Night shift" not in refused.content
