"""The words of the pages: all marked, all translated, shown in the language the browser asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType
from django.test import Client

from tests.support import messages
from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.kernel import ids
from workwire.web.account import browsers

WEB = messages.SOURCE / "web"
TEMPLATES = [path for path in sorted(WEB.rglob("*.html")) if path.name not in messages.SPECIMENS]
VIEWS = [
    path
    for area in sorted(WEB.iterdir())
    if area.is_dir()
    for path in sorted(area.glob("*.py"))
    if path.name not in messages.SPECIMENS
]
SAID = frozenset({"aria-label", "title", "placeholder", "alt"})  # attributes that people read or hear
OF_HTTP = frozenset(
    {"Lax", "Accept", "Allow", "Cache-Control", "Content-Language", "Location", "Retry-After", "User-Agent", "Vary"}
    | {"Content-Disposition", "Content-Security-Policy", "Cookie, Accept-Language, HX-Request"}
)
OF_BROWSERS = frozenset(name for pair in (*browsers.BROWSERS, *browsers.SYSTEMS) for name in pair)
_PLACE = re.compile(r"%\(\w+\)[sd]")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_CAPITAL = re.compile(r"[A-Z][a-z]")


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_word_is_translated_and_the_catalogues_are_up_to_date(language: str) -> None:
    path = messages.LOCALE / language / "LC_MESSAGES" / "django.po"
    kept, catalogue = path.read_bytes(), messages.read(language)
    assert messages.missing(catalogue) == []
    assert messages.written(messages.updated(catalogue, messages.found())) == kept, "run bin/messages"
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(messages.read(language)), "run bin/messages"


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_translations_have_the_same_values_in_them(language: str) -> None:
    for one in messages.read(language):
        if one.id:
            said = one.id if one.pluralizable else [one.id]
            translated = one.string if one.pluralizable else [one.string]
            assert {frozenset(_PLACE.findall(text)) for text in translated} == {
                frozenset(_PLACE.findall(text)) for text in said
            }, one.id


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_a_word_that_is_not_marked(path: Path) -> None:
    assert list(_unmarked_in_template(path.read_text())) == []


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.name)
def test_no_view_says_a_word_that_is_not_marked(path: Path) -> None:
    assert sorted(set(_unmarked_in_module(path.read_text())) - OF_HTTP - OF_BROWSERS) == []


def test_words_that_are_not_marked_are_found() -> None:
    template = (
        '<p title="Say">{% translate "Marked" %} Plain {{ value }}</p><code>left</code><input placeholder="{{ x }}">'
    )
    assert list(_unmarked_in_template(template)) == ["Say", "Plain"]
    module = '"""Docstring."""\nx = _("Marked"); y = State("circle", "Draft", "off")'
    assert list(_unmarked_in_module(module)) == ["Draft"]


def test_pages_speak_the_language_the_browser_asks_for(organisation: Organisation) -> None:
    items = gallery.items(organisation)
    browser = gallery.signed_in(organisation.accounts["team member"])
    for asked, language, heading in (
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Alle Arbeit"),
        ("es-MX,es;q=0.9", "es", "Todo el trabajo"),
        ("fr,en;q=0.5", "fr", "Tout le travail"),
        ("it,en;q=0.5", "en", "All work"),
        ("xx", "en", "All work"),
        ("de;q=0.1,en", "en", "All work"),
    ):
        answer = browser.get("/work?view=all", headers={"Accept-Language": asked})
        assert answer.headers["Content-Language"] == language
        assert f'<html lang="{language}"' in answer.content.decode()
        assert f"<h1>{heading}</h1>" in answer.content.decode()
    german = {"Accept-Language": "de"}
    one = browser.get(f"/work?view=all&text={items['plain'].reference}", headers=german).content.decode()
    assert "1 Vorgang<" in one
    data = browser.get(f"/work/{items['with custom data'].reference}", headers=german).content.decode()
    assert "12,5" in data
    refused = Client().post("/sign-in", {"username": "tomas", "password": "wrong"}, headers=german).content.decode()
    assert "Der Benutzername oder das Passwort ist falsch." in refused
    empty = Client().post("/sign-in", {}, headers=german).content.decode()
    assert "Dieses Feld ist zwingend erforderlich." in empty
    assert "Diese Seite gibt es nicht." in Client().get("/no-such-page", headers=german).content.decode()


OF_APIS = {  # of the same refusals: no such item, its title, a value that is missing, no such operation
    "en": ("There is no such work item.", "Not found", "Field required", "There is no such operation."),
    "de": ("Diesen Vorgang gibt es nicht.", "Nicht gefunden", "Diese Angabe fehlt.", "Diese Operation gibt es nicht."),
    "es": ("No existe ese elemento.", "No encontrado", "Esto falta.", "No existe esa operación."),
    "fr": ("Cet élément n'existe pas.", "Introuvable", "Ceci manque.", "Cette opération n'existe pas."),
}


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de-AT,de;q=0.9", "de"), ("en", "en"), ("es-MX", "es"), ("fr", "fr"), ("it", "en"), ("xx", "en")],
)
def test_the_apis_speak_the_language_the_client_asks_for(organisation: Organisation, asked: str, language: str) -> None:
    token = organisation.accounts["team member"].log_in()
    asking = {"Authorization": f"Bearer {token}", "Accept-Language": asked}
    told = Client().get(f"/api/v1/work-items/{ids.new_guid()}", headers=asking)
    problem = told.json()
    assert (told.headers["Content-Language"], problem["code"]) == (language, "work_item_not_found")
    assert told.headers["Vary"] == "Accept-Language, Authorization"
    detail, title, said, no_operation = OF_APIS[language]
    assert (problem["detail"], problem["title"]) == (detail, title)
    assert problem["parameters"] == {}
    code = Client().get(problem["type"], headers=asking).json()
    assert code["sentences"] == [{"code": problem["code"], "sentence": problem["detail"], "parameters": []}]
    assert Client().get("/api/v1/errors/no_such", headers=asking).json()["code"] == "error_code_not_found"
    wrong = Client().post("/api/v1/tickets", {}, content_type="application/json", headers=asking).json()
    assert (wrong["errors"][0]["code"], wrong["errors"][0]["message"]) == ("missing", said)
    assert wrong["detail"].endswith(said)
    old = Client().get("/webapi/Packet/GetPacketActivity?packetGUID=x", headers=asking)
    assert old.headers["Content-Language"] == language
    absent = Client().get("/webapi/No/Such", headers={"Accept-Language": asked})
    assert absent.json()["Message"] == no_operation
    assert absent.headers["Reason"] == "There is no such operation."


class _Words(HTMLParser):
    """What a page says: its text outside of code, and the attributes that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("code", "kbd", "style", "script")
        self.found += [value for name, value in attrs if name in SAID and value and _LETTERS.search(value)]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("code", "kbd", "style", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent and _LETTERS.search(data):
            self.found.append(data.strip())


def _unmarked_in_template(text: str) -> Iterator[str]:
    left, inside = [], False
    for token in Lexer(text).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.split_contents()[0]
            is_class = token.contents == "block kind"
            inside = is_class or name == "blocktranslate" or (inside and name not in ("endblocktranslate", "endblock"))
        elif token.token_type == TokenType.TEXT and not inside:
            left.append(token.contents)
    words = _Words()
    words.feed("".join(left))
    yield from words.found


def _unmarked_in_module(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in messages.KEYWORDS:
            passed |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed
        if is_text and _CAPITAL.match(node.value):  # type: ignore[attr-defined] # a Constant, as just seen
            yield node.value  # type: ignore[attr-defined] # as above
