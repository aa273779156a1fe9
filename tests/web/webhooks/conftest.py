"""Deliveries in every state, and the browser of who owns the subscriptions."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from workwire.reactions.webhooks.models import Subscription


@pytest.fixture
def sent(organisation: Organisation) -> dict[str, Subscription]:
    """Deliveries in every state."""
    return traffic.send(organisation)


@pytest.fixture
def builder(organisation: Organisation, sent: dict[str, Subscription]) -> Client:
    """The browser of who owns the subscriptions."""
    return gallery.signed_in(organisation.accounts[traffic.WHO])
