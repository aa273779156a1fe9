"""One spelling by which names, addresses and searches are compared, equal on every database.

What people see is kept as they wrote it, composed (NFC) and without characters that only mislead the eye. Two names are the
same when their keys are: whatever the case and width of their letters, their composition, their blanks and what is invisible.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from workwire.kernel.hosts import ascii_name

LONGEST_KEY = 220  # characters; a longer one ends in a digest
_INNER_BLANKS = re.compile(r"[^\S\t-\r\x1c-\x1f\x85\u2028\u2029]+|\u2800+")
_BLANKS = re.compile(r"[\s\u2800]+")
# Unicode's default ignorable code points, and the annotations and tags that show as little.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Those of them that no text needs: joiners, direction marks and the selectors and tags of emoji stay.
_MISLEADING = re.compile(
    "[\u00ad\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"
)
_ALPHABETS = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
    {"LATIN", "CJK", "HANGUL"},
    {"LATIN", "CJK", "BOPOMOFO"},
)  # that are written together (Unicode Technical Standard 39, "highly restrictive")


def shown(written: str) -> str:
    """A text as it is kept: composed, and without characters that only mislead, as those that turn the direction of what
    follows."""
    return unicodedata.normalize("NFC", _MISLEADING.sub("", written))


def single_blanks(written: str) -> str:
    """A text with a single plain blank where blanks of any kind stand; line breaks are none."""
    return _INNER_BLANKS.sub(" ", written)


def folded(written: str) -> str:
    """A text as it is compared and searched: of one case and width, composed, single blanks, nothing invisible."""
    before = None
    while written != before:  # a fold may open another one: seldom more than twice
        before = written
        decomposed = unicodedata.normalize("NFD", written).casefold()
        written = _IGNORABLE.sub("", unicodedata.normalize("NFKC", decomposed))
        written = _BLANKS.sub(" ", written).strip()
    return written


def key(name: str) -> str:
    """What two spellings of one name have in common, at most `LONGEST_KEY` characters."""
    found = folded(name)
    if len(found) <= LONGEST_KEY:
        return found
    digest = hashlib.sha256(found.encode(errors="surrogatepass")).hexdigest()
    return f"{found[: LONGEST_KEY - len(digest) - 1]} {digest}"


def address_key(address: str) -> str:
    """What two spellings of one mail address have in common; its domain counts as the network spells it."""
    local, at, domain = address.rpartition("@")
    try:
        domain = ascii_name(shown(domain).strip())
    except ValueError:
        domain = folded(domain)
    return key(f"{local}{at}{domain}")


def words(search: str) -> list[str]:
    """The words of a search, folded as what is searched is."""
    return folded(search).split()


def mixes_alphabets(name: str) -> bool:
    """Whether letters of alphabets stand together that nobody writes together, as Cyrillic ones that look like Latin ones."""
    found = {_alphabet(letter) for letter in unicodedata.normalize("NFKC", name) if letter.isalpha()} - {""}
    return len(found) > 1 and not any(found <= together for together in _ALPHABETS)


def _alphabet(letter: str) -> str:
    """The first word of a letter's Unicode name, which is its alphabet; nothing for letters that belong to all."""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return "" if first in ("MODIFIER", "FEMININE", "MASCULINE") else first
