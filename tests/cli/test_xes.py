"""Reading event logs."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workwire.cli.replay import pause_between
from workwire.cli.replay.xes import XesError, XesEvent, read_traces

REAL = Path(__file__).parents[3] / "shared" / "data" / "DomesticDeclarations.xes.gz"
LOG = """<?xml version="1.0"?>
<log xmlns="http://www.xes-standard.org">
  <global scope="event"><string key="concept:name" value="ignored"/></global>
  <trace>
    <string key="concept:name" value="claim 1"/>
    <event>
      <string key="concept:name" value="Submit"/><string key="org:resource" value="staff"/>
      <date key="time:timestamp" value="2020-01-01T10:00:00+02:00"/><int key="amount" value="7"/>
    </event>
    <event><string key="concept:name" value="Pay"/><date key="time:timestamp" value="2020-01-01T08:00:30"/></event>
  </trace>
  <trace><string key="concept:name" value="claim 2"/></trace>
</log>"""


def test_traces_and_events_are_read(tmp_path: Path) -> None:
    for path, content in ((tmp_path / "a.xes", LOG.encode()), (tmp_path / "a.xes.gz", gzip.compress(LOG.encode()))):
        path.write_bytes(content)
        first, second = read_traces(path)
        assert (first.name, second.name, second.events) == ("claim 1", "claim 2", [])
        submit, pay = first.events
        assert (submit.activity, submit.resource, submit.attributes["amount"]) == ("Submit", "staff", "7")
        assert submit.timestamp == datetime(2020, 1, 1, 8, tzinfo=UTC)
        assert pay.timestamp == datetime(2020, 1, 1, 8, 0, 30, tzinfo=UTC)
        assert len(list(read_traces(path, limit=1))) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<html/>",
        LOG.encode()[:300],
        b'<!DOCTYPE log [<!ENTITY a "aaaa">]><log>&a;</log>',
        LOG.replace("2020-01-01T10:00:00+02:00", "yesterday").encode(),
    ],
)
def test_what_is_no_log_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.xes"
    path.write_bytes(content)
    with pytest.raises(XesError):
        list(read_traces(path))


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.xes.gz"
    path.write_bytes(gzip.compress(LOG.encode())[:80])
    with pytest.raises(XesError):
        list(read_traces(path))


def test_the_pace_follows_the_log() -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    first, later = XesEvent("a", at, ""), XesEvent("b", at + timedelta(seconds=60), "")
    assert pause_between(first, later, 20) == 3
    assert pause_between(first, later, 0) == 0
    assert pause_between(None, later, 20) == 0
    assert pause_between(later, first, 20) == 0
    assert pause_between(first, XesEvent("c", None, ""), 20) == 0


@pytest.mark.skipif(not REAL.exists(), reason="the event log lies in ../shared, which is absent")
def test_the_real_log_is_read_whole() -> None:
    traces = events = 0
    for trace in read_traces(REAL):
        traces, events = traces + 1, events + len(trace.events)
        assert all(event.timestamp is not None for event in trace.events)
    assert (traces, events) == (10_357, 55_628)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LOG.replace("2020-01-01T08:00:30", "2020-13-01"), "bad.xes, trace 1, event 2: '2020-13-01' is no date"),
        (LOG.replace("2020-01-01T08:00:30", "0001-01-01T00:00:00+02:00"), "bad.xes, trace 1, event 2: "),
        (LOG.replace("2020-01-01T08:00:30", "9999-12-31T24:00:00"), "outside of all years"),
        (LOG.replace('"1.0"?', '"1.0" encoding="no-such-encoding"?'), "cannot be read as XES: unknown encoding"),
        (LOG.replace('"1.0"?', '"1.0" encoding="shift_jis"?'), "cannot be read as XES: multi-byte encodings"),
        (LOG.replace("</trace>\n</log>", "</trace><event/></log>"), "has events outside of traces"),
        (
            LOG.replace("</trace>\n</log>", "</trace><trace></log>"),
            "cannot be read as XES after trace 2: mismatched tag",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.xes"
    path.write_text(content)
    with pytest.raises(XesError, match=re.escape(said)):
        list(read_traces(path))


@pytest.mark.parametrize("name", ["a.xes", "a.xes.gz"])
def test_an_archive_is_known_by_its_content(name: str, tmp_path: Path) -> None:
    for content in (LOG.encode(), gzip.compress(LOG.encode())):
        (tmp_path / name).write_bytes(content)
        assert len(list(read_traces(tmp_path / name))) == 2


@pytest.mark.parametrize("at", [30, 60, 120])
def test_a_damaged_archive_is_refused(at: int, tmp_path: Path) -> None:
    content = bytearray(gzip.compress(LOG.encode()))
    content[at : at + 8] = b"damaged!"
    (tmp_path / "bad.xes.gz").write_bytes(content)
    with pytest.raises(XesError, match="cannot be read as XES"):
        list(read_traces(tmp_path / "bad.xes.gz"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2020-01-01T24:00:00", datetime(2020, 1, 2, tzinfo=UTC)),
        ("2020-12-31T24:00:00.000+02:00", datetime(2020, 12, 31, 22, tzinfo=UTC)),
        (" 2020-01-01T08:00:30 ", datetime(2020, 1, 1, 8, 0, 30, tzinfo=UTC)),
        ("  ", None),
    ],
)
def test_dates_as_logs_write_them_are_read(written: str, meant: datetime | None, tmp_path: Path) -> None:
    (tmp_path / "a.xes").write_text(LOG.replace("2020-01-01T08:00:30", written))
    assert next(iter(read_traces(tmp_path / "a.xes"))).events[1].timestamp == meant
