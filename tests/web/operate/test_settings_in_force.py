"""The page of the settings in force: where each came from, for operators only, and nothing secret in it."""

from __future__ import annotations

import html
import re

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import commands as access
from workwire.access import run_time_settings, sessions
from workwire.checks import operator_settings
from workwire.config import Config

ADDRESS = "/operate/settings"


def _rows(organisation: Organisation) -> dict[str, tuple[str, str]]:
    answer = gallery.signed_in(organisation.accounts["administrator"]).get(ADDRESS)
    assert answer.status_code == 200
    found = re.findall(r"<code>(WORKWIRE_\w+)</code></th><td[^>]*>(.*?)</td><td>(.*?)</td>", answer.content.decode())
    return {
        name: (html.unescape(value), " ".join(re.sub("<[^>]+>", " ", origin).split())) for name, value, origin in found
    }


def test_only_operators_see_the_settings(organisation: Organisation) -> None:
    for who, account in gallery.accounts(organisation).items():
        browser = gallery.signed_in(account)
        assert (browser.get(ADDRESS).status_code == 200) == (who == "administrator"), who
        assert (f'href="{ADDRESS}"' in browser.get("/").content.decode()) == (who == "administrator"), who


def test_every_setting_has_its_value_and_where_it_came_from(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Config(**settings.CONFIG.model_dump(include=settings.CONFIG.model_fields_set) | {"log_format": "json"})
    monkeypatch.setattr(settings, "CONFIG", made)
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.change_settings({"login_attempts": 7}, by=admin)
    run_time_settings.forget()
    rows = _rows(organisation)
    assert set(rows) == {f"WORKWIRE_{name.upper()}" for name in Config.model_fields}
    assert rows["WORKWIRE_LOG_LEVEL"] == ("warning", "Environment")
    assert rows["WORKWIRE_LOG_FORMAT"] == ("json", "File of settings")
    assert rows["WORKWIRE_LOGIN_ATTEMPTS"] == ("7", "Chosen by an administrator Edit")
    assert rows["WORKWIRE_WEBHOOK_TIMEOUT"] == ("15.0", "Default")
    assert rows["WORKWIRE_DEBUG"] == ("No", "Default")
    assert rows["WORKWIRE_WEBHOOK_RETENTION_DAYS"] == ("30", "Default Edit")


def test_nothing_secret_is_shown(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "smtp_url": "smtp://robot:hunter2@mail.example:587",
        "webhook_proxy": "http://us:hunter2@proxy.example:3128",
        "database_url": "postgresql://ww:hunter2@db.example/ww?sslpassword=hunter2",
    }
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update=secrets))
    rows = _rows(organisation)
    assert rows["WORKWIRE_SMTP_URL"][0] == "smtp://mail.example:587"
    assert rows["WORKWIRE_WEBHOOK_PROXY"][0] == "http://proxy.example:3128"
    assert rows["WORKWIRE_DATABASE_URL"][0] == "postgresql://db.example/ww"
    assert rows["WORKWIRE_SECRET_KEYS"][0] == "1, not shown"
    assert not any(
        "hunter2" in value or key in value for value, _ in rows.values() for key in settings.CONFIG.secret_keys
    )


@given(before=st.text("ab/?#@:"), after=st.text("ab/?#@:"))
def test_no_part_of_a_password_is_shown_whatever_it_is(before: str, after: str) -> None:
    password = f"{before}hunter2{after}"
    for address in (f"postgresql://user:{password}@host/name", f"postgresql://host/name?password={password}"):
        assert "hunter2" not in operator_settings.without_secrets(address)
