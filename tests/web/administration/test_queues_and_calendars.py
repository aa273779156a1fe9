"""Pages of queues and calendars: to whom they are shown, what they show, wrong values that are kept, who was faster."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.support.organisation import Account, Organisation
from tests.web import gallery
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.outbox.models import Event
from workwire.rooms.commitments import commands as commitments
from workwire.rooms.commitments.models import Calendar
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import Queue, Status, WorkItem

QUEUES, CALENDARS = "/administration/queues", "/administration/calendars"
PASSWORD = "9mEo4tQvXb2LkZ"
WEEK = {f"day{number}": "09:00-17:00" for number in range(5)}


@pytest.fixture
def admin(organisation: Organisation) -> Client:
    """The browser of the administrator."""
    return gallery.signed_in(organisation.accounts["administrator"])


def _text(browser: Client, address: str, **asked: Any) -> str:
    answer = browser.get(address, **asked)
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.content.decode())


def _sent(browser: Client, address: str, **values: Any) -> tuple[int, str]:
    answer = browser.post(address, values)
    return answer.status_code, unescape(answer.content.decode())


def test_only_who_configures_or_gives_out_work_sees_them(organisation: Organisation) -> None:
    queue, calendar = Queue.objects.first(), Calendar.objects.first()
    assert queue is not None
    assert calendar is not None
    for who, account in gallery.accounts(organisation).items():
        browser = gallery.signed_in(account)
        held = sessions.actor_for(account.user).features
        for address, allowed in (
            (QUEUES, {"process_builder", "queues", "assign_work"}),
            (f"{QUEUES}/{queue.guid}", {"process_builder", "queues", "assign_work"}),
            (f"{QUEUES}/new", {"process_builder", "queues"}),
            (CALENDARS, {"process_builder", "calendars"}),
            (f"{CALENDARS}/{calendar.guid}/edit", {"process_builder", "calendars"}),
        ):
            may = bool(allowed & set(held))
            assert (browser.get(address).status_code == 200) == may, (who, address)
            if address in (QUEUES, CALENDARS):
                assert (f'href="{address}"' in browser.get("/work").content.decode()) == may, (who, address)


def test_a_team_leader_sees_what_waits_and_changes_nothing(organisation: Organisation) -> None:
    queue = organisation.customers[0].queue
    browser = gallery.signed_in(_leader())
    shown = _text(browser, f"{QUEUES}/{queue.guid}")
    assert "Retire the queue" not in shown
    assert f"{queue.guid}/edit" not in shown
    assert _sent(browser, f"{QUEUES}/{queue.guid}/retire")[0] == 403
    queue.refresh_from_db()
    assert not queue.retired


def _leader() -> Account:
    """Somebody who gives out work and configures nothing."""
    roles = list(Role.objects.filter(name="Team Leader"))
    return Account(access.create_user("lea", "Lea Lund", roles, password=PASSWORD, by=SYSTEM), PASSWORD)


def test_the_list_tells_how_much_waits_and_the_oldest_due(organisation: Organisation, admin: Client) -> None:
    gallery.items(organisation)
    queue = organisation.customers[0].queue
    WorkItem.objects.filter(queue=queue, status=Status.TO_DO, assignee=None).update(
        due_date=clock.now() - timedelta(hours=3)
    )
    count = WorkItem.objects.filter(queue=queue, status=Status.TO_DO, assignee=None).count()
    assert count
    assert f'<td class="waiting-cell number">{count}<' in _text(admin, QUEUES)
    assert "Overdue 3 h" in _text(admin, QUEUES)
    assert "Overdue 3 h" in _text(admin, f"{QUEUES}/{queue.guid}")
    work.create_queue("Nothing waits here", by=SYSTEM)
    assert "No due date" in _text(admin, QUEUES)


def test_a_queue_is_made_changed_retired_and_brought_back(admin: Client) -> None:
    assert admin.post(f"{QUEUES}/new", {"name": "Night desk", "strict": "on"}).status_code == 303
    queue = Queue.objects.get(name="Night desk")
    here = f"{QUEUES}/{queue.guid}"
    assert queue.strict
    sent = {"name": "Late desk", "description": "After six", "version": queue.version}
    assert admin.post(f"{here}/edit", sent).status_code == 303
    queue.refresh_from_db()
    assert (queue.name, queue.description, queue.strict) == ("Late desk", "After six", False)
    assert admin.post(f"{here}/retire").status_code == 303
    assert "Bring the queue back" in _text(admin, here)
    assert admin.post(f"{here}/reinstate").status_code == 303
    queue.refresh_from_db()
    assert not queue.retired
    assert Event.objects.filter(name__startswith="Queue").count() >= 4


def test_a_taken_name_is_refused_beside_its_field_and_all_values_stay(
    organisation: Organisation, admin: Client
) -> None:
    taken = organisation.customers[0].queue.name
    status, shown = _sent(admin, f"{QUEUES}/new", name=taken, description="What I wrote", strict="on")
    assert status == 409
    assert f'value="{taken}"' in shown
    assert "What I wrote" in shown
    assert "checked" in shown
    assert Queue.objects.filter(description="What I wrote").count() == 0


def test_who_was_slower_sees_what_changed_and_keeps_either(organisation: Organisation, admin: Client) -> None:
    queue = Queue.objects.get(pk=organisation.customers[0].queue.pk)
    here, read = f"{QUEUES}/{queue.guid}/edit", queue.version
    work.update_queue(queue, name="Somebody was faster", by=SYSTEM)
    status, shown = _sent(admin, here, name="I was slower", version=read)
    assert status == 409
    assert "Somebody was faster" in shown
    assert 'value="I was slower"' in shown
    assert admin.post(here, {"name": "I was slower", "version": read + 1}).status_code == 303
    queue.refresh_from_db()
    assert queue.name == "I was slower"


def test_members_and_managers_join_and_leave(organisation: Organisation, admin: Client) -> None:
    queue = work.create_queue("Desk", by=SYSTEM)
    user = _leader().user
    here = f"{QUEUES}/{queue.guid}"
    for relation in ("members", "managers"):
        assert admin.post(f"{here}/{relation}", {"username": user.username}).status_code == 303
        assert list(getattr(queue, relation).all()) == [user]
        status, shown = _sent(admin, f"{here}/{relation}", username="nobody at all")
        assert status == 422
        assert 'value="nobody at all"' in shown
        assert admin.post(f"{here}/{relation}/{user.guid}/remove").status_code == 303
        assert not getattr(queue, relation).exists()
        assert admin.post(f"{here}/{relation}/{user.guid}/remove").status_code == 404


def test_who_may_not_work_cannot_be_a_member(organisation: Organisation, admin: Client) -> None:
    queue = work.create_queue("Desk", by=SYSTEM)
    selfish = next(one.user for who, one in gallery.accounts(organisation).items() if "self" in who)
    status, shown = _sent(admin, f"{QUEUES}/{queue.guid}/members", username=selfish.username)
    assert status == 422
    assert f'value="{selfish.username}"' in shown
    assert not queue.members.exists()


def test_a_calendar_is_made_with_its_week_and_its_days(admin: Client) -> None:
    days = "2026-12-24 9:00-12:00\n2026-12-31"
    values = {"name": "Early", "country": "de", "subdivision": "by", "exceptions": days}
    assert admin.post(f"{CALENDARS}/new", {**values, **WEEK, "day5": "8:00-10:00, 22:00-24:00"}).status_code == 303
    calendar = Calendar.objects.get(name="Early")
    assert (calendar.country, calendar.subdivision) == ("DE", "BY")
    assert calendar.week[5:] == [[["08:00", "10:00"], ["22:00", "00:00"]], []]
    assert calendar.exceptions == {"2026-12-24": [["09:00", "12:00"]], "2026-12-31": []}
    shown = _text(admin, f"{CALENDARS}/{calendar.guid}")
    assert "09:00-12:00" in shown
    assert "Good Friday" in shown
    assert "Karfreitag" in _text(admin, f"{CALENDARS}/{calendar.guid}", headers={"Accept-Language": "de"})
    assert "Mon–Fri 09:00-17:00; Sat 08:00-10:00, 22:00-00:00" in _text(admin, CALENDARS)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"day0": "17:00-09:00"}, "Hours are written like 09:00-12:00, 13:00-17:00"),
        ({"day1": "nine to five"}, "Hours are written like 09:00-12:00, 13:00-17:00"),
        ({"exceptions": "2026-12-24\n2026-12-25 8-9"}, "Line 2: Hours are written like"),
        ({"exceptions": "24.12.2026"}, "Line 1: A date is written like 2026-12-24."),
        ({"exceptions": "2026-12-24\n2026-12-24"}, "Line 2: The day 2026-12-24 is named more than once."),
        ({"country": "XX"}, "A country is written like DE"),
        ({"country": "DE", "subdivision": "ZZ"}, "A country is written like DE"),
        (dict.fromkeys(WEEK, ""), "A week needs some working hours."),
        ({"name": "Willow Clinics week"}, "A calendar with this name exists already."),
    ],
)
def test_wrong_values_of_a_calendar_are_told_and_kept(admin: Client, wrong: dict[str, str], said: str) -> None:
    before = Calendar.objects.count()
    status, shown = _sent(admin, f"{CALENDARS}/new", **{"name": "Mine", "description": "What I wrote", **WEEK, **wrong})
    assert status in (409, 422)
    assert said in shown
    assert "What I wrote" in shown
    assert all(value in shown for line in wrong.values() for value in line.splitlines())
    assert Calendar.objects.count() == before


def test_a_calendar_that_was_changed_meanwhile_is_not_overwritten(organisation: Organisation, admin: Client) -> None:
    calendar = Calendar.objects.get(name="Willow Clinics week")
    here, read = f"{CALENDARS}/{calendar.guid}/edit", calendar.version
    commitments.update_calendar(calendar, exceptions={"2026-05-04": []}, by=SYSTEM)
    status, shown = _sent(admin, here, name="Slower", version=read, country="NL", **WEEK)
    assert status == 409
    assert "2026-05-04" in shown
    assert 'value="Slower"' in shown
    calendar.refresh_from_db()
    assert (calendar.name, calendar.exceptions) == ("Willow Clinics week", {"2026-05-04": []})
    sent = {"name": "Slower", "version": read + 1, "country": "NL", **WEEK}
    assert admin.post(here, sent).status_code == 303
    calendar.refresh_from_db()
    assert (calendar.name, calendar.exceptions) == ("Slower", {})
