"""How names, addresses and searches are compared: properties that hold for every text, and the cases people meet."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workwire.kernel import folding, text
from workwire.kernel.errors import Invalid

BLANKS = ("\u00a0", "\u2003", "\u3000", "\u2800", "  ")
INVISIBLE = ("\u200b", "\u00ad", "\ufeff", "\u2060", "\u202e", "\u2066", "\u200d", "\ufe0f", "\u3164", "\u034f")
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=60)
LETTERS = st.text(st.characters(whitelist_categories=("Lu", "Ll", "Lo", "Nd")), min_size=1, max_size=30)


@given(TEXTS)
@example("\u0130\u0131\u017f\u1e9e\ufb03\u03c2")
@example("\u0345\u0301a\u1fb3")
def test_folding_again_changes_nothing(written: str) -> None:
    assert folding.folded(folding.folded(written)) == folding.folded(written)
    assert len(folding.key(written)) <= folding.LONGEST_KEY
    assert folding.key(folding.key(written)) == folding.key(written) or len(folding.folded(written)) > 220


@given(TEXTS)
def test_what_is_shown_is_shown_again_and_has_the_same_key(written: str) -> None:
    shown = folding.shown(written)
    assert folding.shown(shown) == shown
    assert folding.key(shown) == folding.key(written)
    assert unicodedata.is_normalized("NFC", shown)


@given(LETTERS, st.sampled_from(("NFC", "NFD", "NFKC", "NFKD")))
def test_composition_and_case_make_no_other_name(written: str, form: str) -> None:
    other = unicodedata.normalize(form, written)  # type: ignore[arg-type] # one of the four
    assert folding.key(other) == folding.key(written)
    assert folding.key(written.casefold()) == folding.key(written)
    assert folding.key(written.lower()) == folding.key(written.casefold().lower()) or not written.isascii()


@given(LETTERS, LETTERS, st.sampled_from(BLANKS), st.sampled_from(INVISIBLE))
def test_blanks_and_what_is_invisible_make_no_other_name(one: str, other: str, blank: str, invisible: str) -> None:
    plain = folding.key(f"{one} {other}")
    assert folding.key(f" {one}{blank}{other}{blank}") == plain
    assert folding.key(f"{one}{invisible} {invisible}{other}") == plain


@given(TEXTS)
def test_a_name_that_is_accepted_is_accepted_again_as_it_is(written: str) -> None:
    try:
        name = text.name(written)
    except Invalid:
        return
    assert text.name(name) == name
    assert name == name.strip() != ""
    assert "  " not in name
    assert not set(name) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff\u00a0")


@given(TEXTS, LETTERS)
def test_a_search_finds_what_holds_its_words(before: str, word: str) -> None:
    held = folding.folded(f"{before} {word}")
    assert all(part in held for part in folding.words(word.upper() if word.isascii() else word))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ÄRZTE", "ärzte", True),
        ("A\u0308RZTE", "ärzte", True),
        ("Straße", "STRASSE", True),
        ("ΣΊΣΥΦΟΣ", "σίσυφος", True),
        ("ＡＢＣ", "abc", True),
        ("Zoe\u0308", "Zoë", True),
        ("Zoe", "Zoë", False),
        ("İda", "ida", False),
        ("ıda", "ida", False),
        ("\u017fam", "sam", True),
        ("p\u0430ypal", "paypal", False),  # a Cyrillic a: refused in user names, see below
        ("a.b", "ab", False),
    ],
)
def test_foldings_that_people_meet(one: str, other: str, same: bool) -> None:
    assert (folding.key(one) == folding.key(other)) is same


def test_a_long_key_is_cut_and_still_tells_names_apart() -> None:
    long = "\ufdfa" * 200  # eighteen letters each
    assert len(folding.key(long)) == folding.LONGEST_KEY
    assert folding.key(long) != folding.key(long + "a")


@pytest.mark.parametrize(
    "address", ["n@faß.example", "N@FAß.EXAMPLE", "n@xn--fa-hia.example", "n@fa\u00df.example ", "n@XN--FA-HIA.example"]
)
def test_a_mail_domain_in_any_spelling_is_one(address: str) -> None:
    assert folding.address_key(address) == "n@xn--fa-hia.example"
    assert folding.address_key("n@fass.example") != folding.address_key(address)


@given(TEXTS)
def test_every_text_has_an_address_key(written: str) -> None:
    assert len(folding.address_key(written)) <= folding.LONGEST_KEY


@pytest.mark.parametrize(
    ("name", "mixes"),
    [
        ("petra", False),
        ("Пётр", False),
        ("p\u0430ypal", True),  # Latin with a Cyrillic a
        ("\u03bfscar", True),  # a Greek omicron
        ("山田太郎", False),
        ("やまだtaro山田", False),
        ("김민준 Kim", False),
        ("Пётр2@example", True),
        ("zoë_1", False),
        ("ﬁona", False),
        ("123", False),
        ("أحمد", False),
    ],
)
def test_alphabets_are_not_mixed(name: str, mixes: bool) -> None:
    assert folding.mixes_alphabets(name) is mixes
