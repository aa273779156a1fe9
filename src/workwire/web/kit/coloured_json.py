"""JSON with its keys, texts and numbers told apart by colour, and with what an update says is new marked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import orjson
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workwire.outbox.registry import OLD_VALUES

LONGEST = 64 * 1024  # characters that are coloured
_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null)"
)


def coloured(text: str) -> SafeString:
    """A text with the tokens of its JSON as spans; one that is no JSON, or very long, as it is.

    Keys that the body names under `Previous`, of which an update tells the old values, are marked.
    """
    body = _read(text) if len(text) <= LONGEST and text.lstrip()[:1] in ("{", "[") else None
    if body is None:
        return format_html("{}", text)
    return format_html_join("", "{}", ((piece,) for piece in _pieces(text, _changed(body))))


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _changed(body: Any) -> Collection[str]:
    """The keys whose values an update changed, in whichever format it is."""
    data = body.get("data", body) if isinstance(body, dict) else None
    previous = data.get(OLD_VALUES) if isinstance(data, dict) else None
    return previous.keys() if isinstance(previous, dict) else ()


def _pieces(text: str, changed: Collection[str]) -> Iterator[str]:
    end = 0
    for found in _TOKEN.finditer(text):
        yield text[end : found.start()]
        end = found.end()
        kind, token = str(found.lastgroup), found.group()
        tag = "mark" if kind == "key" and changed and orjson.loads(token) in changed else "span"
        yield format_html('<{} class="{}">{}</{}>', tag, kind, token, tag)
    yield text[end:]
