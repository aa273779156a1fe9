"""How applications authenticate for a token, and how answers with tokens are marked (RFC 6749)."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

from django.test import Client

from tests.support.organisation import Organisation
from workwire.access import commands as access
from workwire.access import sessions
from workwire.kernel import clock


def _with_basic(client_id: str, secret: str, **form: str) -> Any:
    written = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", **form}
    return Client().post("/Auth/OAuth/Token", form, headers={"Authorization": f"Basic {written}"})


def _escaped(text: str) -> str:
    """Every character percent-encoded, which RFC 6749 (2.3.1, appendix B) allows."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def test_basic_authentication_is_taken_form_encoded_and_plain(organisation: Organisation) -> None:
    """As some clients encode nothing, some all but letters and digits, and some every character."""
    client_id, secret = organisation.client_id, organisation.client_secret
    some = {character: f"%{ord(character):02X}" for character in "-_"}
    for encode in (str, quote_plus, _escaped, lambda text: "".join(some.get(one, one) for one in text)):
        answer = _with_basic(encode(client_id), encode(secret))
        assert answer.status_code == 200, answer.content
    for pair in (
        (client_id, f"{secret}%20"),
        (f"{client_id}+", secret),
        (client_id, "%ff%zz%"),
        ("", ""),
        ("%00", "x"),
    ):
        assert _with_basic(*pair).status_code == 401, pair


def test_no_client_id_and_no_secret_changes_by_being_decoded(organisation: Organisation) -> None:
    """So that the plain form and the encoded one are never two readings of one text."""
    user = organisation.accounts["process builder"].user
    roles, expires = [held.role for held in user.role_assignments.all()], clock.now() + timedelta(days=1)
    for _ in range(20):
        made, secret = access.create_credential(user, "x", roles, expires_at=expires, by=sessions.actor_for(user))
        assert re.fullmatch(r"[A-Za-z0-9_-]+", made.client_id + secret)


def test_only_who_tried_the_header_is_asked_for_it(organisation: Organisation) -> None:
    """A 401 to a form names no scheme: a browser would open its dialogue, and RFC 6749 (5.2) asks for it elsewhere."""
    form = {"grant_type": "client_credentials", "client_id": "ww-none", "client_secret": "wrong"}
    assert "WWW-Authenticate" not in Client().post("/Auth/OAuth/Token", form).headers
    for header in ("Basic !", "Basic " + base64.b64encode(b"a:b").decode(), "Bearer x"):
        answer = Client().post("/Auth/OAuth/Token", form, headers={"Authorization": header})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Workwire"')


def test_no_answer_with_a_token_is_kept_by_a_cache(organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    wish = {"Username": account.user.username, "Password": account.password}
    client_id, client_secret = organisation.client_id, organisation.client_secret
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    login = "/webapi/Authentication/Login"
    small = {name.lower(): value for name, value in wish.items()}
    for answer in (
        Client().post(login, wish, content_type="application/json"),
        Client().post(f"{login}?useCookie=true", wish, content_type="application/json"),
        Client().post("/Auth/OAuth/Token", form),
        Client().post("/Auth/OAuth/Token", form | {"client_secret": "wrong"}),
        Client().post("/Auth/OAuth/Token", {}),
        Client().post("/api/v1/tokens", small, content_type="application/json"),
    ):
        assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache"), answer
