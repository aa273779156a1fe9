"""Epochs at the REST API: of positions and of digests."""

from __future__ import annotations

import pytest

from tests.doors.conftest import Caller
from tests.support.receiver import Receiver
from workwire.kernel.actor import SYSTEM
from workwire.reactions.webhooks import epochs

pytestmark = pytest.mark.django_db


def test_a_position_of_an_earlier_epoch_is_void_and_digests_say_theirs(builder: Caller, receiver: Receiver) -> None:
    wish = {"webhook": "PacketCreated", "url": receiver.url("/hook")}
    guid = builder.api("POST", "/subscriptions", wish).json()["guid"]
    position = builder.api("GET", "/position").json()
    assert position["epoch"] == 1
    path = f"/subscriptions/{guid}/digest"
    assert builder.api("GET", f"{path}?after={position['position']}").json()["epoch"] == 1
    epochs.begin(by=SYSTEM)
    refused = builder.api("GET", f"{path}?after={position['position']}")
    assert (refused.status_code, refused.json()["code"]) == (422, "position_invalid")
    assert builder.api("GET", path).json()["epoch"] == 2
