"""What an account prefers and to whom it reports: what is kept and recorded, who may, and what counts before what."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.support.recorded import recorded
from tests.web import gallery
from workwire.access import commands, queries, sessions
from workwire.access.models import Role, User
from workwire.access.preferences import language_of, zone_of
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid


@pytest.fixture
def member(organisation: Organisation) -> User:
    """A team member."""
    return organisation.accounts["team member"].user


def test_an_account_chooses_for_itself_and_takes_a_choice_back(member: User, actors: dict[str, Actor]) -> None:
    me = actors["team member"]
    with recorded() as found:
        commands.set_preferences(member, language="de", time_zone="Asia/Tokyo", theme="dark", by=me)
    assert found.only.name == "UserUpdated"
    assert found.only.actor_id == member.pk
    (change,) = json.loads(found.only.changes or "")
    assert change["old"] == {"language": "", "time_zone": "", "theme": ""}
    assert change["new"] == {"language": "de", "time_zone": "Asia/Tokyo", "theme": "dark"}
    with recorded() as found:
        commands.set_preferences(member, language="de", by=me)
    assert not found.events
    commands.set_preferences(member, language="", by=me)
    member.refresh_from_db()
    assert (member.language, member.time_zone, member.theme, member.density) == ("", "Asia/Tokyo", "dark", "")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"language": "xx"}, "preference_invalid"),
        ({"theme": "pink"}, "preference_invalid"),
        ({"density": "tight"}, "preference_invalid"),
        ({"time_zone": "Mars/Olympus"}, "time_zone_invalid"),
        ({"time_zone": "../../etc/passwd"}, "time_zone_invalid"),
        ({"time_zone": "localtime"}, "time_zone_invalid"),
    ],
)
def test_a_preference_that_there_is_not_is_refused(
    member: User, actors: dict[str, Actor], wanted: Any, code: str
) -> None:
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.set_preferences(member, by=actors["team member"], **wanted)
    assert (refusal.value.code, refusal.value.field) == (code, next(iter(wanted)))
    assert not found.events


def test_only_oneself_and_administrators_in_person_choose(
    organisation: Organisation, member: User, actors: dict[str, Actor]
) -> None:
    with pytest.raises(Forbidden):
        commands.set_preferences(member, language="de", by=actors["process builder"])
    with pytest.raises(Forbidden):
        commands.set_manager(member, None, by=actors["team member"])
    commands.set_preferences(member, language="de", by=actors["administrator"])
    role = Role.objects.get(name="Team Member")
    credential, _ = commands.create_credential(
        member, "x", [role], expires_at=clock.now() + timedelta(days=1), by=actors["administrator"]
    )
    with pytest.raises(Forbidden) as refusal:
        commands.set_preferences(member, language="en", by=sessions.actor_for(member, credential))
    assert refusal.value.code == "refused_to_applications"


def test_nobody_reports_to_itself(organisation: Organisation, member: User, actors: dict[str, Actor]) -> None:
    admin, chief = actors["administrator"], organisation.accounts["administrator"].user
    commands.set_manager(member, chief, by=admin)
    for manager, user in ((member, chief), (member, member)):
        with pytest.raises(Conflict) as refusal:
            commands.set_manager(user, manager, by=admin)
        assert refusal.value.code == "manager_below"
    commands.set_manager(member, None, by=admin)
    assert queries.user(member.guid, by=admin).manager is None


@pytest.mark.parametrize(
    ("chosen", "asked", "spoken"),
    [
        ("de", "en", "de"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "fr,en;q=0.5", "fr"),
        ("", "it,en;q=0.5", "en"),
        ("", "de;q=0.1,en", "en"),
        ("", "xx", "en"),
        ("", "", "en"),
        ("xx", "de", "de"),
        ("", "de;q=nan,\x00," + "a" * 100_000, "en"),
    ],
)
def test_the_choice_counts_before_what_the_request_says(chosen: str, asked: str, spoken: str) -> None:
    assert language_of(Actor(user_id=1, language=chosen), asked) == spoken
    if not chosen:
        assert language_of(None, asked) == language_of(SYSTEM, asked) == spoken


def test_the_chosen_zone_counts_before_what_the_browser_tells() -> None:
    assert zone_of(Actor(user_id=1, time_zone="Asia/Tokyo"), "Europe/Paris") == "Asia/Tokyo"
    assert zone_of(Actor(user_id=1), "Europe/Paris") == zone_of(None, "Europe/Paris") == "Europe/Paris"
    assert zone_of(None, "Mars/Olympus") == zone_of(None) == "UTC"


def test_pages_are_as_the_account_chose(organisation: Organisation, member: User) -> None:
    gallery.items(organisation)
    browser = gallery.signed_in(organisation.accounts["team member"])
    browser.cookies["workwire_zone"] = "Europe/Paris"
    assert "Times in Europe/Paris" in browser.get("/work?view=all").content.decode()
    commands.set_preferences(
        member, language="de", time_zone="Asia/Tokyo", theme="light", density="comfortable", by=SYSTEM
    )
    answer = browser.get("/work?view=all", headers={"Accept-Language": "en"})
    text = answer.content.decode()
    assert answer.headers["Content-Language"] == "de"
    assert "<h1>Alle Arbeit</h1>" in text
    assert "Asia/Tokyo" in text
    assert 'data-theme="light"' in text
    assert 'data-density="comfortable"' in text
    assert 'lang="de"' in browser.get("/no-such-page", headers={"Accept-Language": "en"}).content.decode()


def test_the_look_chosen_on_a_page_is_kept_for_the_account(organisation: Organisation, member: User) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    browser.post("/look", {"theme": "dark"})
    member.refresh_from_db()
    assert (member.theme, member.density) == ("dark", "")
    other = gallery.signed_in(organisation.accounts["team member"], Client())
    assert 'data-theme="dark"' in other.get("/work").content.decode()
