"""Positions of the ledger: a place behind which no event is missing, to begin from after reading lists.

They are opaque, so that they do not tell how many events there are in all.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.fernet import InvalidToken
from django.http import HttpRequest
from ninja import Field, Router, Schema

from workwire.api.auth import subscriber
from workwire.api.v1.shapes import answers
from workwire.kernel import crypto
from workwire.kernel.errors import Invalid
from workwire.kernel.limits import ConcurrencyLimit
from workwire.outbox import ledger, restores

router = Router(tags=["webhooks"])
Position = Annotated[str, Field(max_length=200, description="What `GET /position` gave.")]
_MARK = "position:"
POSITIONS = ConcurrencyLimit(2, "positions")


class PositionOut(Schema):
    """The position of the ledger now; one of an earlier `epoch` is void after a restore."""

    position: str
    epoch: int


@router.get("/position", response=answers(PositionOut), operation_id="get_position")
def get_position(request: HttpRequest) -> dict[str, str | int]:
    """Get the current position of the ledger: lists read afterwards include all events up to it. Two at a time; more get a
    429."""
    with POSITIONS.one_for(subscriber(request).user_id):
        epoch = restores.epoch()
        return {"position": crypto.seal(f"{_MARK}{epoch}:{ledger.position()}"), "epoch": epoch}


def place_of(position: str) -> int:
    """The place a position stands for; raises Invalid for one we did not give."""
    try:
        mark, *given = crypto.unseal(position).split(":")
    except InvalidToken:
        mark, given = "", []
    if f"{mark}:" != _MARK:
        raise Invalid("position_invalid", field="after")
    *epoch, place = map(int, given)  # one given before there were epochs names none
    if (epoch or [1]) != [restores.epoch()] or not ledger.reaches(place):
        raise Invalid("position_invalid.epoch", field="after")
    return place
