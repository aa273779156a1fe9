"""Reading event logs."""

from __future__ import annotations

import gzip
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
