"""Who works in these tests, and for whom."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.organisation import Customer, Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.kernel.actor import Actor


@pytest.fixture
def customer(organisation: Organisation) -> Customer:
    """The first customer."""
    return organisation.customers[0]


@pytest.fixture
def by(organisation: Organisation) -> Actor:
    """The team member."""
    return sessions.actor_for(organisation.accounts["team member"].user)


@pytest.fixture
def browser(organisation: Organisation) -> Client:
    """The browser of the team member."""
    return gallery.signed_in(organisation.accounts["team member"])
