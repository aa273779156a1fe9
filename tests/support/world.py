"""Fixtures: the organisation, an engine and a real receiver on loopback; loaded by the root conftest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from tests.support import kept_organisation
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role, User
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport import ThreadTransport


@pytest.fixture
def organisation(db: None) -> Organisation:
    """The organisation in the test's database."""
    return kept_organisation.organisation()


@pytest.fixture
def actors(organisation: Organisation) -> dict[str, Actor]:
    """Everybody in it, as actors."""
    return {name: sessions.actor_for(account.user) for name, account in organisation.accounts.items()}


@pytest.fixture
def first(organisation: Organisation) -> Customer:
    """The first customer."""
    return organisation.customers[0]


@pytest.fixture
def second(organisation: Organisation) -> Customer:
    """The second customer."""
    return organisation.customers[1]


@pytest.fixture
def three_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation in which three failed logins are too many."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"login_attempts": 3}))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 204 unless told otherwise."""
    with Receiver() as running:
        yield running


@pytest.fixture
def engine(db: None) -> Iterator[Engine]:
    """An engine to step or drain by hand."""
    made = Engine(ThreadTransport)
    yield made
    made.close()


Subscribe = Callable[..., tuple[Subscription, str]]


@pytest.fixture
def subscribe(actors: dict[str, Actor], first: Customer, receiver: Receiver) -> Subscribe:
    """Subscribe the process builder to created work items of the first customer, unless told otherwise."""

    def make(by: str = "integrator", **terms: object) -> tuple[Subscription, str]:
        defaults: dict[str, object] = {
            "webhook": 0,
            "url": receiver.url("/hook"),
            "filter_type": ObjectType.COMPANY,
            "filter_guid": first.company.guid,
        }
        return commands.subscribe(commands.Terms(**(defaults | terms)), by=actors[by])  # type: ignore[arg-type] # free terms

    return make


@pytest.fixture
def open_ticket(actors: dict[str, Actor], first: Customer) -> Callable[..., WorkItem]:
    """Create a ticket of the first customer, unless told otherwise."""

    def make(customer: Customer = first, title: str = "Invoice 4711 unpaid", **more: object) -> WorkItem:
        return work.create_ticket(customer.ticket_version.guid, by=actors["team member"], title=title, **more)  # type: ignore[arg-type] # free fields

    return make


@pytest.fixture
def hire(first: Customer, actors: dict[str, Actor]) -> Callable[[str], User]:
    """Make somebody who may work for the first customer."""

    admin = actors["administrator"]

    def make(name: str) -> User:
        made = access.create_user(name, name.title(), list(Role.objects.filter(name="Team Member")), by=admin)
        access.change_members(first.group, add=[made], by=admin)
        return made

    return make
