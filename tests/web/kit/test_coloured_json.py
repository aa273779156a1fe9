"""JSON in colours: every token told apart, what is new marked, and nothing that could be markup let through."""

from __future__ import annotations

import re
from html import unescape

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from workwire.web.kit.coloured_json import LONGEST, coloured

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_text_is_the_same_and_only_our_own_marks_are_in_it(value: object) -> None:
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    drawn = coloured(text)
    marks = re.findall(r"<[^>]*>", drawn)
    assert set(marks) <= {*(f'<span class="{kind}">' for kind in ("key", "text", "number", "word")), "</span>"} | {
        '<mark class="key">',
        "</mark>",
    }
    assert unescape(re.sub(r"<[^>]*>", "", drawn)) == text


def test_each_kind_of_token_has_its_colour_and_what_is_new_a_mark() -> None:
    body = {"Status": 2, "Title": 'a: \\"1\\"', "Due": None, "Previous": {"Status": 1}}
    for told in (body, {"type": "PacketUpdated", "data": body}):
        drawn = unescape(coloured(orjson.dumps(told).decode()))
        assert drawn.count('<mark class="key">"Status"</mark>') == 2
        assert '<span class="key">"Title"</span>:<span class="text">"a: ' in drawn
        assert '<span class="word">null</span>' in drawn
        assert '<span class="number">2</span>' in drawn


@pytest.mark.parametrize("text", ["<b>no</b>", "", "{ broken", '{"a": "' + "<" * LONGEST + '"}', "[1, 2", "<script>"])
def test_what_is_no_json_or_very_long_stays_as_it_is(text: str) -> None:
    drawn = coloured(text)
    assert "<" not in drawn
    assert unescape(drawn) == text
