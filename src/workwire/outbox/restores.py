"""What becomes of a ledger that is put back to an earlier moment, or copied: epochs, and sending that is held.

An *epoch* is a number in every body. It rises when an operator says that the data are those of an earlier moment: sequence
numbers are then given a second time, and a receiver compares them within an epoch only. A *place* is where the database lies.
The ledger knows the one it belongs to; at another place nothing is sent until an operator says so, for the original may go on
sending (decision 48).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from workwire.kernel import clock
from workwire.kernel.wording import say
from workwire.outbox.models import LedgerState

COPIED, RESTORED, SET = "copied", "restored", "set"
REASONS = {COPIED: "sending_held.copied", RESTORED: "sending_held.restored", SET: "sending_held.set"}  # what they say
PLACE = (
    "SELECT (SELECT system_identifier FROM pg_control_system()), "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
)
_MACHINE_ID = Path("/etc/machine-id")


def epoch() -> int:
    """The present epoch, 1 for a ledger that was never restored."""
    return LedgerState.objects.filter(pk=1).values_list("epoch", flat=True).first() or 1


def held() -> str:
    """Why nothing is sent, a key of `REASONS`; empty while sending is free."""
    if settings.CONFIG.sending == "held":
        return SET
    return LedgerState.objects.filter(pk=1).values_list("held", flat=True).first() or ""


def explained(reason: str, language: str | None = None) -> str:
    """Why nothing is sent, as a sentence in a language or in that of the present reader."""
    return say(REASONS[reason], {}, language)


@transaction.atomic
def look_at_place() -> str:
    """Note where the database lies, the first time, and hold sending at any other place; returns what `held` does."""
    state, here = _locked(), place()
    if not state.place:
        state.place = here
        state.save(update_fields=["place"])
    elif state.place != here and not state.held:
        _hold(state, COPIED)
    return held()


@transaction.atomic
def hold(reason: str) -> None:
    """Let nothing be sent until an operator says so."""
    _hold(_locked(), reason)


@transaction.atomic
def release() -> None:
    """Let sending go on, from this place."""
    state = _locked()
    state.place, state.held = place(), ""
    state.save(update_fields=["place", "held"])


@transaction.atomic
def begin_epoch() -> int:
    """Begin the next epoch; returns its number."""
    state = _locked()
    state.epoch, state.epoch_began_at = state.epoch + 1, clock.now()
    state.save(update_fields=["epoch", "epoch_began_at"])
    return state.epoch


def place() -> str:
    """Where the database lies, as a digest: the database of a server, or the file on a machine, which a copy is not."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(PLACE)
            parts = cursor.fetchone()
    else:
        machine, file = "", 0
        with suppress(OSError):
            machine = _MACHINE_ID.read_text()
        with suppress(OSError):
            file = Path(str(connection.settings_dict["NAME"])).stat().st_ino
        parts = (machine.strip(), file)
    return digest_of(parts)


def digest_of(parts: Iterable[object]) -> str:
    """What is kept of a place."""
    return hashlib.sha256(repr(tuple(map(str, parts))).encode()).hexdigest()[:32]


def _locked() -> LedgerState:
    LedgerState.objects.get_or_create(pk=1)
    return LedgerState.objects.select_for_update().get(pk=1)


def _hold(state: LedgerState, reason: str) -> None:
    state.held = reason
    state.save(update_fields=["held"])
