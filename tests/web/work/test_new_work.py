"""Starting work in the browser: which processes are offered to whom, what the form asks for, and what comes of it."""

from __future__ import annotations

import re
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.support.organisation import Customer, Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessVersion, VersionState
from workwire.rooms.parties import tags
from workwire.rooms.parties.commands import create_contact
from workwire.rooms.parties.models import Contact
from workwire.rooms.work.models import ItemContact, Status, WorkItem


def _offered(browser: Client, **given: str) -> list[str]:
    """The addresses that the page offers."""
    answer = browser.get("/new", given)
    assert answer.status_code == 200
    return re.findall(r'class="hit" href="(/new/[0-9a-f-]{36})"', answer.content.decode())


def _of(version: ProcessVersion) -> str:
    return f"/new/{version.process.guid}"


def _start(
    browser: Client, version: ProcessVersion, answered: int = 303, /, **given: object
) -> tuple[str, WorkItem | None]:
    """Send the form; what was answered, and the newest item."""
    before = WorkItem.objects.count()
    answer = browser.post(_of(version), given)
    assert answer.status_code == answered, answer.content.decode()
    made = WorkItem.objects.order_by("-pk").first() if WorkItem.objects.count() > before else None
    return answer.content.decode(), made


def _tags_of(item: WorkItem) -> dict[str, set[str]]:
    """The built-in tags of each contact of an item, by mail address."""
    rows = ItemContact.objects.filter(item=item).prefetch_related("tags")
    return {row.contact.email: {tag.built_in for tag in row.tags.all()} for row in rows if row.contact is not None}


def test_processes_are_found_by_any_of_their_names(browser: Client, organisation: Organisation) -> None:
    first, second = organisation.customers
    everything = _offered(browser)
    assert {_of(first.ticket_version), _of(first.case_version), _of(second.ticket_version)} <= set(everything)
    service = first.ticket_version.process.service
    words = f"{service.contract.customer.name[:5]} {first.ticket_version.process.work_type.name[-4:]}".upper()
    found = _offered(browser, text=words)
    assert _of(first.ticket_version) in found
    assert _of(second.ticket_version) not in found
    assert _of(first.case_version) not in _offered(browser, kind="ticket")
    assert _of(first.case_version) in _offered(browser, kind="case")
    assert _offered(browser, text="no such thing") == []
    assert _offered(browser, text="%") == []


def test_only_live_processes_that_one_sees_are_offered(
    browser: Client, organisation: Organisation, customer: Customer
) -> None:
    administrator = sessions.actor_for(organisation.accounts["administrator"].user)
    offering.set_version_state(customer.ticket_version, VersionState.RETIRING, by=administrator)
    assert _of(customer.ticket_version) not in _offered(browser)
    assert browser.get(_of(customer.ticket_version)).status_code == 404
    of_one = gallery.signed_in(organisation.accounts["process builder of one company"])
    second = organisation.customers[1]
    assert _of(second.case_version) in _offered(of_one)
    assert _of(customer.case_version) not in _offered(of_one)
    assert of_one.get(_of(customer.case_version)).status_code == 404
    assert of_one.post(_of(customer.case_version), {"title": "Sneaked in"}).status_code == 404
    assert WorkItem.objects.count() == 0


def test_a_ticket_starts_with_all_that_is_given(browser: Client, by: Actor, customer: Customer) -> None:
    """work-manager TIC-3: what was started is named by its reference."""
    company = customer.ticket_version.process.service.contract.customer
    contact = create_contact("rosa@example.org", by=by, company=company, first_name="Rosa", surname="Lund")
    assert (
        f'<option value="{contact.email}">Rosa Lund</option>'
        in browser.get(_of(customer.ticket_version)).content.decode()
    )
    due = (clock.now() + timedelta(days=3)).replace(second=0, microsecond=0)
    _answer, made = _start(
        browser,
        customer.ticket_version,
        title="Broken chair",
        description="It has\r\nthree legs",
        category=str(customer.category.guid),
        requester="ROSA@example.org",
        due_date=due.strftime("%Y-%m-%dT%H:%M"),
        attachments=[SimpleUploadedFile("one.txt", b"1"), SimpleUploadedFile("two.txt", b"2")],
    )
    assert made is not None
    assert f"{made.reference} is started." in browser.get("/home").content.decode()
    assert (made.status, made.title, made.description) == (Status.TO_DO, "Broken chair", "It has\nthree legs")
    assert (made.due_date, made.category_id, made.started_by_id) == (due, customer.category.pk, by.user_id)
    assert _tags_of(made) == {contact.email: {tags.PRIMARY, tags.REQUESTER, tags.SUBJECT, tags.ORIGINAL_REQUESTER}}
    page = browser.get(f"/work/{made.guid}").content.decode()
    assert "one.txt" in page
    assert "two.txt" in page
    assert _offered(browser)[0] == _of(customer.ticket_version)  # the one that was started last leads


def test_a_draft_may_lack_what_the_process_needs(browser: Client, customer: Customer) -> None:
    answer, made = _start(browser, customer.ticket_version, 422, title="Later")
    assert made is None
    assert 'id="id_category_error"' in answer
    _answer, draft = _start(browser, customer.ticket_version, title="Later", draft="1")
    assert draft is not None
    assert draft.status == Status.DRAFT


def test_an_unknown_requester_becomes_a_contact_with_a_name_only(browser: Client, customer: Customer) -> None:
    wish = {"title": "Broken chair", "category": str(customer.category.guid), "requester": "new@example.org"}
    events = Event.objects.count()
    answer, made = _start(browser, customer.ticket_version, 422, **wish)
    assert made is None
    assert 'id="id_requester_error"' in answer
    assert (Contact.objects.filter(email="new@example.org").count(), Event.objects.count()) == (0, events)
    _answer, made = _start(browser, customer.ticket_version, first_name="Nell", **wish)
    assert made is not None
    contact = Contact.objects.get(email="new@example.org")
    assert (contact.first_name, contact.company) == ("Nell", made.customer)
    assert set(_tags_of(made)) == {contact.email}


def test_nothing_is_made_where_the_item_is_refused(browser: Client, customer: Customer) -> None:
    wish = {"title": "Broken chair", "requester": "new@example.org", "surname": "Ray", "category": "nonsense"}
    _answer, made = _start(browser, customer.ticket_version, 422, **wish)
    assert made is None
    wish["category"] = str(customer.category.guid)
    answer, made = _start(browser, customer.ticket_version, 422, **wish | {"requester": "no address"})
    assert made is None
    assert 'id="id_requester_error"' in answer
    _answer, made = _start(browser, customer.ticket_version, 422, **wish | {"title": "x" * 501})
    assert made is None
    assert not Contact.objects.filter(surname="Ray").exists()


def test_a_case_starts_its_first_step(browser: Client, customer: Customer) -> None:
    _answer, made = _start(browser, customer.case_version, title="New supplier")
    case = WorkItem.objects.get(parent=None)
    assert made is not None
    assert case.title == "New supplier"
    assert WorkItem.objects.filter(parent=case).exists()


def test_self_service_asks_for_itself(organisation: Organisation, customer: Customer) -> None:
    account = gallery.accounts(organisation)["self service"]
    browser = gallery.signed_in(account)
    form = browser.get(_of(customer.ticket_version)).content.decode()
    assert 'name="title"' in form
    assert 'name="requester"' not in form
    assert "<datalist" not in form
    wish = {"title": "Help", "category": str(customer.category.guid), "requester": "spy@example.org", "surname": "Spy"}
    _answer, made = _start(browser, customer.ticket_version, **wish)
    assert made is not None
    assert [row.user for row in ItemContact.objects.filter(item=made)] == [account.user]
    assert not Contact.objects.filter(surname="Spy").exists()


def test_who_may_not_start_work_is_told_so(organisation: Organisation, customer: Customer) -> None:
    browser = gallery.signed_in(gallery.accounts(organisation)["guest"])
    assert browser.get("/new").status_code == 403
    assert browser.get(_of(customer.ticket_version)).status_code == 403
    assert 'href="/new"' not in browser.get("/work").content.decode()
