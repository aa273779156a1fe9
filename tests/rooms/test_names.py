"""Names, addresses and searches in every room, equal on both databases: one record for all spellings of a name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from tests.support.organisation import Organisation
from workwire.access import commands as access
from workwire.access import queries as accounts
from workwire.access import sessions
from workwire.access.models import Role, UserGroup
from workwire.checks.stored import names
from workwire.kernel import folding, keys
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, DomainError, Invalid, Unauthenticated
from workwire.rooms.commitments import commands as commitments
from workwire.rooms.defects import commands as defects
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands.uploading import checked_name
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import FieldKind, ProcessType
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties import queries as party
from workwire.rooms.parties.models import Company, Contact
from workwire.rooms.work import commands as work
from workwire.rooms.work import lists
from workwire.rooms.work import queries as items

NAME = "Ärzte Straße"
SPELLINGS = ("ärzte straße", "A\u0308RZTE STRASSE", " Ärzte\u00a0 Straße ", "Ä\u200brzte Straße", "Ärzte\u3000Straße")
PASSWORD = "4V7MJ6TGudVeZ0gY"


def _makers(organisation: Organisation) -> dict[str, Callable[[str, Actor], object]]:
    customer, role = organisation.customers[0], Role.objects.filter(name="Team Member")
    line, version = customer.service.service_line, customer.ticket_version
    draft = offering.create_version(version.process, by=SYSTEM)
    return {
        "role": lambda name, by: access.create_role(name, "operational", [], by=by),
        "user": lambda name, by: access.create_user(name, "", list(role), by=by),
        "group": lambda name, by: access.create_group(name, by=by),
        "company": lambda name, by: parties.create_company(name, by=by),
        "contract": lambda name, by: parties.create_contract(customer.company, customer.contract.supplier, name, by=by),
        "service": lambda name, by: parties.create_service(customer.contract, line, name, by=by),
        "contact tag": lambda name, by: parties.create_contact_tag(name, by=by),
        "file tag": lambda name, by: files.create_tag(name, by=by),
        "calendar": lambda name, by: commitments.create_calendar(name, by=by),
        "queue": lambda name, by: work.create_queue(name, by=by),
        "job position": lambda name, by: work.create_job_position(name, by=by),
        "service line": lambda name, by: offering.create_service_line(name, by=by),
        "work type": lambda name, by: offering.create_work_type(line, ProcessType.TICKET, name, by=by),
        "schedule": lambda name, by: offering.create_schedule(name, by=by),
        "data field": lambda name, by: offering.create_data_field(name, FieldKind.SHORT_TEXT, by=by),
        "category": lambda name, by: offering.add_category(draft, name, by=by),
        "defect category": lambda name, by: defects.create_category(line, name, by=by),
        "party at fault": lambda name, by: defects.create_party(name, by=by),
    }


KINDS = (
    "role",
    "user",
    "group",
    "company",
    "contract",
    "service",
    "contact tag",
    "file tag",
    "calendar",
    "queue",
    "job position",
    "service line",
    "work type",
    "schedule",
    "data field",
    "category",
    "defect category",
    "party at fault",
)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_records_have_a_name_that_differs_in_spelling_only(kind: str, organisation: Organisation) -> None:
    make = _makers(organisation)[kind]
    make(NAME, SYSTEM)
    for other in SPELLINGS:
        with pytest.raises(DomainError) as refusal, transaction.atomic():
            make(other, SYSTEM)
        assert isinstance(refusal.value, Conflict | Invalid), other
    make("Arzte Strase", SYSTEM)


def test_every_unique_name_is_compared_by_its_key() -> None:
    """No constraint compares a text as the database does, which folds letters in its own way or not at all."""
    own = [model for model in apps.get_models() if model.__module__.startswith("workwire.")]
    by_database = []
    for model in own:
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and (
                constraint.expressions or {"name", "email", "period"} & set(constraint.fields)
            ):
                by_database.append(constraint.name)
    assert by_database == []
    keyed = {model.__name__ for model in own if any(isinstance(field, keys.NameKey) for field in keys.derived(model))}
    assert len(keyed) == len(KINDS) + 2  # contacts and periods, besides


@pytest.mark.usefixtures("three_attempts")
def test_an_account_logs_in_whatever_the_spelling_of_its_name(organisation: Organisation) -> None:
    roles = list(Role.objects.filter(name="Team Member"))
    access.create_user(NAME, "", roles, password=PASSWORD, by=SYSTEM)
    for name in (NAME, *SPELLINGS):
        assert sessions.log_in(name, PASSWORD, address="192.0.2.1")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            sessions.log_in(SPELLINGS[1], "wrong", address="192.0.2.1")
    with pytest.raises(DomainError) as refusal:
        sessions.log_in(NAME, PASSWORD, address="192.0.2.1")
    assert refusal.value.code == "too_many_logins"


def test_a_user_name_of_mixed_alphabets_is_refused(organisation: Organisation) -> None:
    roles = list(Role.objects.filter(name="Team Member"))
    with pytest.raises(Invalid) as refusal:
        access.create_user("p\u0435tra", "", roles, by=SYSTEM)
    assert refusal.value.code == "username_mixes_alphabets"
    access.create_user("Пётр", "", roles, by=SYSTEM)


def test_one_contact_for_all_spellings_of_a_mail_address(organisation: Organisation) -> None:
    company = organisation.customers[0].company
    spellings = ("nia@faß.example", "NIA@FAß.example", "nia@xn--fa-hia.example")
    for where in (None, company):
        parties.create_contact(spellings[0], by=SYSTEM, company=where)
        for other in spellings:
            with pytest.raises(Conflict), transaction.atomic():
                parties.create_contact(other, by=SYSTEM, company=where)
    parties.create_contact("nia@fass.example", by=SYSTEM)


def test_searches_find_whatever_the_spelling(organisation: Organisation, actors: dict[str, Actor]) -> None:
    by = actors["administrator"]
    contact = parties.create_contact("o@example.com", by=SYSTEM, first_name="Ögur", surname="STRASSER")
    roles = list(Role.objects.filter(name="Team Member"))
    user = access.create_user("oegur", "Ögur Straßer", roles, by=SYSTEM)
    for words in ("ÖGUR", "o\u0308gur", "straß", "STRASS ögur", "\u200böGu"):
        assert list(Contact.objects.filter(party.contacts_matching(words))) == [contact], words
        assert list(accounts.users_matching(by, words)) == [user], words
    assert not Contact.objects.filter(party.contacts_matching("100%")).exists()
    parties.update_contact(contact, by=SYSTEM, surname="Lind")
    assert not Contact.objects.filter(party.contacts_matching("straß")).exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo_\u202egpj.exe", "photo_gpj.exe"),
        ("a\u2066b\u2069.pdf", "ab.pdf"),
        ("inv\u200boice.pdf", "invoice.pdf"),
        ("\u200fa.pdf\u200e", "a.pdf"),
        ("re\u0301sume\u0301.pdf", "résumé.pdf"),
        ("میشود\u200cپ.pdf", "میشود\u200cپ.pdf"),
    ],
)
def test_a_file_name_shows_what_it_is(given: str, kept: str) -> None:
    assert checked_name(given) == kept


def test_a_key_follows_the_name_and_is_no_change_of_its_own(organisation: Organisation) -> None:
    company = organisation.customers[0].company
    before = company.version
    changed = parties.update_company(company, by=SYSTEM, name="Ḟoo  Bar")
    assert (changed.name, changed.name_key, changed.version) == ("Ḟoo Bar", folding.key("Ḟoo Bar"), before + 1)
    assert parties.update_company(changed, by=SYSTEM, name=" Ḟoo Bar").version == before + 1


@pytest.mark.django_db(transaction=True)
def test_names_that_were_there_before_survive_the_upgrade() -> None:
    """Collisions that the old comparison let through stay, with their names; each is found by it, and no third is made."""
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    old = [("parties", "0003_names_whatever_their_case"), ("access", "0003_names_whatever_their_case")]
    executor.migrate([(app, name) for app, name in latest if app not in ("parties", "access")] + old)
    try:
        before = MigrationExecutor(connection).loader.project_state(old).apps
        spelled = ["Zoe\u0308 GmbH", "Zoë GmbH", "Zoë\u00a0GmbH", "Other"]
        rows = [before.get_model("parties", "Company").objects.create(name=name).pk for name in spelled]
        contacts = before.get_model("parties", "Contact").objects
        for address in ("n@faß.example", "n@xn--fa-hia.example"):
            contacts.create(email=address, first_name="Ärzte")
        secrets = [make_password(f"{PASSWORD}{number}") for number in range(2)]
        people = before.get_model("access", "User").objects
        for name, secret in zip(("Zoe\u0308", "Zoë"), secrets, strict=True):
            people.create(username=name, full_name=name, password=secret)
    finally:
        MigrationExecutor(connection).migrate(latest)
    found = list(Company.objects.filter(pk__in=rows).order_by("pk"))
    assert [company.name for company in found] == spelled
    assert [company.name_key for company in found] == [
        "zoë gmbh",
        *(f"zoë gmbh\n{pk}" for pk in rows[1:3]),
        "other",
    ]
    assert "company 'Zoë GmbH'" in names().sentence
    assert Contact.objects.filter(party.contacts_matching("ÄRZTE")).count() == 2
    for number, name in enumerate(("Zoe\u0308", "Zoë")):
        assert sessions.log_in(name, f"{PASSWORD}{number}", address="192.0.2.1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Company.objects.create(name="ZOË GMBH")
    second = found[1]
    second.description = "still the second"
    second.save()
    assert second.name_key == f"zoë gmbh\n{second.pk}"
    second.name = "Zoë & Co"
    second.save()
    assert second.name_key == "zoë & co"


def test_migrations_fill_every_key() -> None:
    """A model with a key is named in a migration that fills it."""
    for model in apps.get_models():
        if keys.derived(model) and model.__module__.startswith("workwire."):
            if model.__name__ in ("WorkItem", "JobPosition"):
                continue  # the titles of the one came later, and the other itself
            if model._meta.app_label == "defects":
                continue  # they had their keys from the beginning
            package = model.__module__.removesuffix(".models") + ".migrations"
            label: Any = {"access": "0004", "parties": "0004", "catalogue": "0006", "work": "0006"}
            number = label.get(model._meta.app_label, "0002")
            source = import_module(f"{package}.{number}_names_by_key").__loader__.get_source(None)
            assert f'"{model.__name__}"' in source


def test_a_group_by_any_spelling_is_the_group(organisation: Organisation) -> None:
    access.create_group(NAME, by=SYSTEM)
    assert UserGroup.objects.filter(name_key=folding.key(SPELLINGS[1])).count() == 1


def test_work_is_found_by_its_title_whatever_the_spelling(organisation: Organisation, actors: dict[str, Actor]) -> None:
    by = actors["team member"]
    ticket = work.create_ticket(organisation.customers[0].ticket_version.guid, by=by, title="Prüfung der  Straße")

    def found(words: str) -> list[str]:
        wanted = lists.Wanted(text=words)
        return [item.title for item in lists.narrowed(items.items_visible_to(by), wanted)]

    for words in ("PRÜFUNG", "pru\u0308fung der strasse", "strass", (ticket.reference or "").lower()):
        assert found(words) == [ticket.title], words
    for words in ("prufung", "100%", "_", "\u200b", "a\x00b"):
        assert found(words) == [], words
    work.update(ticket, by=by, title="Ärztin")
    assert (found("ÄRZTIN"), found("straße")) == (["Ärztin"], [])
