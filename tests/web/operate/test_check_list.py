"""The checks as a page and an operation: the same as on the command line, for operators only, without what they may not see,
and bounded in time."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.checks import inspection, operation
from workwire.checks.outcomes import Finding, Outcome
from workwire.kernel import clock, ids
from workwire.outbox.feeds import Standing
from workwire.reactions.webhooks import workers
from workwire.reactions.webhooks.workers import Report
from workwire.rooms.parties.models import Company
from workwire.web.operate.check_list import CHECKS

_QUERIES = 22
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def _page(organisation: Organisation, language: str = "en") -> str:
    browser = gallery.signed_in(organisation.accounts["administrator"])
    answer = browser.get("/operate/checks", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_operators_see_the_checks(organisation: Organisation) -> None:
    for who, account in gallery.accounts(organisation).items():
        answer = gallery.signed_in(account).get("/operate/checks")
        assert (answer.status_code == 200) == (who == "administrator"), who
        assert ('href="/operate/checks"' in answer.content.decode()) == (who == "administrator"), who


def test_what_is_to_be_mended_comes_first_with_what_to_do(organisation: Organisation) -> None:
    shown = _page(organisation)
    assert "has to be mended." in shown
    assert shown.index("No worker is alive, so nothing is sent.") < shown.index("The keys open the stored secrets.")
    assert "Run <code>workwire up</code> or <code>workwire worker</code>" in shown
    workers.beat(ids.new_guid(), clock.now(), Report().as_json())
    assert "1 worker is alive." in _page(organisation)


def test_the_checks_speak_the_language_of_the_reader(organisation: Organisation) -> None:
    shown = _page(organisation, "de")
    assert "Kein Worker lebt" in shown
    assert "Die Schlüssel öffnen die gespeicherten Geheimnisse." in shown


def test_page_operation_and_command_line_find_the_same(organisation: Organisation) -> None:
    found = inspection.findings()
    token = organisation.accounts["administrator"].log_in()
    told = Client().get("/api/v1/checks", headers={"Authorization": f"Bearer {token}"}).json()
    assert [one["check"] for one in told["checks"]] == [one.check for one in found]
    assert [one["outcome"] for one in told["checks"]] == [one.outcome for one in found]
    assert told["well"] is False  # nobody works
    shown = _page(organisation)
    assert all(str(CHECKS[one.check]) in shown for one in found)
    assert {one.check for one in found} == set(CHECKS)


def test_names_that_are_mixed_up_are_counted_and_named_on_the_machine_only(organisation: Organisation) -> None:
    Company.objects.filter(pk=organisation.customers[0].company.pk).update(name_key="secret name\n7")
    name = organisation.customers[0].company.name
    assert "Another record has the same name as 1 record" in _page(organisation)
    assert name not in _page(organisation)
    (found,) = [one for one in inspection.findings() if one.check == "names"]
    assert f"(company '{name}')" in found.sentence


def test_a_setting_with_a_secret_is_not_shown(organisation: Organisation) -> None:
    shown = _page(organisation)
    assert settings.SECRET_KEY not in shown
    assert not any(key in shown for key in settings.CONFIG.secret_keys or ["no such key"])


def test_a_slow_check_is_ended_and_hides_no_other(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless() -> Finding:
        with connection.cursor() as cursor:
            cursor.execute(_ENDLESS)
            raise AssertionError("it ended by itself")

    monkeypatch.setattr(inspection, "LIMIT", 0.2)
    monkeypatch.setattr(inspection.stored, "names", endless)
    found = {one.check: one for one in inspection.of_database()}
    assert (found["names"].outcome, found["names"].said.code) == (Outcome.NOTE, "check_too_slow")
    assert found["listeners"].outcome is Outcome.OK
    with connection.cursor() as cursor:  # nothing of the limit is left behind
        cursor.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT count(*) FROM n"
        )
        assert cursor.fetchone()[0] == 50_000


def test_no_check_is_begun_after_the_limit_of_all(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "LIMIT_OF_ALL", -1.0)
    assert {one.said.code for one in inspection.of_database()} == {"check_too_slow"}


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (
            Standing(waiting=9, aside=0, lag=120.0),
            "Listeners are behind with their events, by up to 2 minutes: webhooks.",
        ),
        (
            Standing(waiting=9, aside=3, lag=0.0),
            "Listeners have put events aside that they cannot handle: webhooks (3).",
        ),
    ],
)
def test_listeners_that_lag_or_fail_are_told(standing: Standing, said: str) -> None:
    (found,) = operation.of_listeners({"webhooks": standing})
    assert not found.is_well
    assert found.sentence.startswith(said)


def test_the_page_asks_few_queries(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["administrator"])
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/operate/checks").status_code == 200
    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) <= _QUERIES
