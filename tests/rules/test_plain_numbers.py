"""Numbers written as text: what is read is what was written, or it is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workwire.kernel import plain_numbers

DIGITS = 15


@given(st.integers())
def test_a_whole_number_is_kept_or_refused_by_its_digits(number: int) -> None:
    fits = abs(number) < 10**DIGITS
    for value in (number, str(number), f"{number:+d}"):
        if fits or len(str(value)) > plain_numbers.LONGEST:
            assert not fits or plain_numbers.whole(value, digits=DIGITS) == number
        else:
            with pytest.raises(ValueError, match="whole number"):
                plain_numbers.whole(value, digits=DIGITS)


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.floats().map(lambda number: Decimal(repr(number))))
@example(Decimal("1e-400"))
@example(Decimal("1e-324"))
@example(Decimal("4.94065645841247e-324"))
@example(Decimal("-0"))
@example(Decimal("999999999999999"))
def test_a_decimal_number_is_kept_exactly_or_refused(number: Decimal) -> None:
    try:
        kept = plain_numbers.decimal(str(number), digits=DIGITS)
    except ValueError:
        return
    assert Decimal(repr(kept)) == number
    assert json.loads(json.dumps(kept)) == kept
    assert plain_numbers.decimal(kept, digits=DIGITS) == kept


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=5))
def test_every_ordinary_decimal_number_is_kept(number: Decimal) -> None:
    assert Decimal(repr(plain_numbers.decimal(str(number), digits=DIGITS))) == number


@given(st.text(max_size=12))
@example("1_000")
@example("\uff11\uff12")
@example("\u0661\u0662")
@example("\u00b2")
@example("0x1f")
@example("1 000")
@example("\n1")
@example("1\n")
@example("infinity")
def test_a_text_with_anything_but_plain_digits_is_no_number(written: str) -> None:
    plain = bool(written) and set(written) <= set("0123456789+-.eE")
    for read in (plain_numbers.whole, plain_numbers.decimal):
        try:
            read(written, digits=DIGITS)
        except ValueError:
            continue
        assert plain, written


@pytest.mark.parametrize("value", [True, False, None, [], {}, b"1", float("inf"), float("nan"), "9" * 5000])
def test_what_is_no_number_is_none(value: object) -> None:
    for read in (plain_numbers.whole, plain_numbers.decimal):
        with pytest.raises(ValueError, match=r"this|Exceeds"):
            read(value, digits=DIGITS)


def test_a_number_too_long_to_be_written_is_none() -> None:
    for read in (plain_numbers.whole, plain_numbers.decimal):
        with pytest.raises(ValueError, match=r"this|Exceeds"):
            read(10**5000, digits=DIGITS)
