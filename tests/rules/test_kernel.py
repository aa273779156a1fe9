"""Ids, pages, texts, secrets at rest."""

from __future__ import annotations

import re
import uuid
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import eventually
from workwire.kernel import clock, crypto, ids, pages, text
from workwire.kernel.errors import Invalid


def test_guids_are_version_7_unique_and_ordered_by_time() -> None:
    first = ids.new_guid()
    eventually(lambda: ids.new_guid().int >> 80 > first.int >> 80)  # the next millisecond has begun
    many = [ids.new_guid() for _ in range(1000)]
    assert len(set(many)) == 1000
    assert all(guid.version == 7 and guid.variant == uuid.RFC_4122 for guid in many)
    assert all(first < guid for guid in many)


def test_a_guid_tells_when_it_was_made_by_the_clock_that_all_hosts_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_followed", None)
    clock.follow(datetime.now(UTC) + timedelta(minutes=10), clock.count())
    assert abs(ids.made_at(ids.new_guid().bytes) - clock.now().timestamp()) < 1


@given(st.text())
def test_parsing_a_guid_never_fails(written: str) -> None:
    found = ids.parse_guid(written)
    assert found is None or isinstance(found, uuid.UUID)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_what_is_sealed_can_be_unsealed_and_does_not_show(secret: str) -> None:
    sealed = crypto.seal(secret)
    assert crypto.unseal(sealed) == secret
    assert len(secret) < 4 or secret not in sealed
    with pytest.raises(InvalidToken):
        crypto.unseal(sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB"))


@given(st.integers(0, 2**63 - 1))
def test_a_cursor_leads_on_and_shows_no_number(pk: int) -> None:
    cursor = pages.cursor_at(pk)
    assert pages.place_of(cursor) == pk
    assert re.fullmatch(r"[\w-]{119}", cursor, re.ASCII)
    assert cursor != pages.cursor_at(pk)


@given(st.text() | st.text("abcXYZ019-_=", max_size=130))
def test_a_cursor_that_was_not_given_out_is_refused(written: str) -> None:
    for cursor in (written, urlsafe_b64encode(b"id:5").decode(), crypto.seal("position:5"), crypto.seal("5")):
        with pytest.raises(Invalid) as refused:
            pages.place_of(cursor)
        assert refused.value.code == "cursor_invalid"


def test_a_cursor_stays_good_as_long_as_its_key_is_among_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor, fresh = pages.cursor_at(5), Fernet.generate_key().decode()
    try:
        monkeypatch.setattr(settings, "SECRET_KEYS", [fresh, *settings.SECRET_KEYS])
        assert pages.place_of(cursor) == 5
        monkeypatch.setattr(settings, "SECRET_KEYS", [fresh])
        with pytest.raises(Invalid):
            pages.place_of(cursor)
    finally:
        monkeypatch.undo()


@pytest.mark.parametrize("bad", ["two\nlines", "nul\x00", "x" * 11, "\ud800", "a\u2028b"])
def test_one_line_of_text_is_one_bounded_line(bad: str) -> None:
    with pytest.raises(Invalid):
        text.line(bad, field="name", longest=10)
    assert text.line("  fine ", field="name", longest=10) == "fine"


def test_a_clock_that_is_followed_goes_on_by_the_counter_and_not_by_the_time_of_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "_followed", None)
    monkeypatch.setattr(clock, "count", lambda: 100.0)
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    clock.follow(moment, 90.0)
    assert clock.now() == moment + timedelta(seconds=10)
    with clock.frozen(moment):
        assert clock.now() == moment
