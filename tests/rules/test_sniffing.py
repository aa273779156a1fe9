"""Media types by content, and the headers of downloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workwire.rooms.files.sniffing import SAFE_INLINE, UNKNOWN, download_headers, media_type

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"Dear all,\nit is paid.", "text/plain"),
        ("Müller schuldet 5 €".encode(), "text/plain"),
        (b"", UNKNOWN),
        (b"\x00\x01\x02\x03", UNKNOWN),
    ],
)
def test_a_type_is_told_by_the_content(head: bytes, expected: str) -> None:
    assert media_type(head) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"<!DOCTYPE html><p>",
        b"  \n<html>",
        b"\xef\xbb\xbf<html>",
        b"hello <script>alert(1)</script>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<svg onload=alert(1)>",
        b"<IFRAME src=javascript:alert(1)>",
    ],
)
def test_what_a_browser_would_run_counts_as_unknown(head: bytes) -> None:
    assert media_type(head) == UNKNOWN


@given(st.binary(max_size=300))
def test_no_content_breaks_the_sniffing_or_gets_a_type_that_runs(head: bytes) -> None:
    found = media_type(head)
    assert not any(word in found for word in ("html", "svg", "xml", "script"))


@given(st.text(min_size=1, max_size=255), st.sampled_from([*sorted(SAFE_INLINE), UNKNOWN, "text/html"]), st.booleans())
def test_headers_are_one_line_each_and_inline_only_what_is_harmless(name: str, kind: str, inline: bool) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return  # no such name passes the check of names
    headers = download_headers(name, kind, inline=inline)
    for value in headers.values():
        assert "\r" not in value
        assert "\n" not in value
        value.encode("latin-1")
    assert headers["Content-Disposition"].startswith("inline" if inline and kind in SAFE_INLINE else "attachment")
    assert headers["Content-Disposition"].count('"') == 2
    assert headers["Content-Type"].split(";")[0] in {*SAFE_INLINE, UNKNOWN}
