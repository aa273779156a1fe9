"""The catalogues of the pages' words: found in the sources, kept in `src/workwire/locale`, compiled by Python.

`bin/messages` (`python -m tests.support.messages`) brings every catalogue up to date with the sources, compiles it, and says
what has no translation yet. Catalogues hold neither dates nor places, so that they change only when words do.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from workwire.kernel.wording import wordings

SOURCE = Path(__file__).parents[2] / "src" / "workwire"
LOCALE = SOURCE / "locale"
LANGUAGES = ("de", "es", "fr")  # English is what the sources hold
SPECIMENS = frozenset({"specimens.html", "specimens.py"})  # of the kit, for developers, in English
MODULES = ("web/**/*.py", "api/errors.py")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_HEADERS_NOT_KEPT = re.compile(
    rb'^"(?:POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By|Project-Id|Report-Msgid).*\n',
    re.M,
)
Message = tuple[str | tuple[str, str], str]  # what is said (singular and plural), and its context


def found() -> set[Message]:
    """All messages of the sources."""
    return {*_of_templates(), *_of_modules(), *_of_codes()}


def read(language: str) -> Catalog:
    """A catalogue as it is kept; an empty one for a new language."""
    path = _path(language)
    with io.BytesIO(path.read_bytes() if path.exists() else b"") as file:
        return read_po(file, locale=language)


def updated(catalogue: Catalog, messages: set[Message]) -> Catalog:
    """A catalogue that holds exactly the messages of the sources, with the translations there were."""
    made = Catalog(locale=catalogue.locale, project="Workwire", fuzzy=False)
    for said, context in sorted(messages, key=str):
        old = catalogue.get(said if isinstance(said, str) else said[0], context or None)
        made.add(said, old.string if old is not None else None, context=context or None)
    return made


def written(catalogue: Catalog) -> bytes:
    """A catalogue as a file for people."""
    _undate(catalogue)
    catalogue.header_comment = (
        f"# The words of the pages: {catalogue.locale_identifier}. Brought up to date by bin/messages."
    )
    with io.BytesIO() as file:
        write_po(file, catalogue, width=120, sort_output=True, no_location=True)
        return _HEADERS_NOT_KEPT.sub(b"", file.getvalue())


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as a file for programs."""
    _undate(catalogue)
    with io.BytesIO() as file:
        write_mo(file, catalogue)
        return file.getvalue()


def missing(catalogue: Catalog) -> list[str]:
    """What has no translation, or not in every plural form."""
    return [str(one.id) for one in catalogue if one.id and not (all(one.string) if one.pluralizable else one.string)]


def main() -> None:
    """Bring all catalogues up to date."""
    messages, status = found(), 0
    for language in LANGUAGES:
        path = _path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(updated(read(language), messages)))
        catalogue = read(language)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        left = missing(catalogue)
        print(f"{language}: {len(messages)} messages, {len(left)} without a translation", *left, sep="\n  ")
        status |= bool(left)
    sys.exit(status)


def _path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def _undate(catalogue: Catalog) -> None:
    """Give every catalogue the same date, since each file holds one."""
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)


def _of_templates() -> Iterator[Message]:
    import django
    from django.apps import apps
    from django.template import engines
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    if not apps.ready:
        django.setup()
    for path in sorted((SOURCE / "web").rglob("*.html")):
        if path.name in SPECIMENS:
            continue
        template = engines["django"].engine.from_string(path.read_text())
        for node in _nodes(template.nodelist):
            if not isinstance(node, (TranslateNode, BlockTranslateNode)):
                continue
            context = getattr(node, "message_context", None)
            said_in = str(context.var) if context else ""
            if isinstance(node, TranslateNode):
                yield str(node.filter_expression.var.literal), said_in
                continue
            singular = _block_text(node, node.singular)
            yield ((singular, _block_text(node, node.plural)) if node.plural else singular), said_in


def _of_codes() -> Iterator[Message]:
    """What the codes of all rooms say; of words their name is the context."""
    for code, wording in wordings().items():
        if wording.english:
            said = (wording.english, wording.many) if wording.many else wording.english
            yield said, code.partition(".")[0] if wording.kind == "words" else ""


def _nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """All nodes of a template, those inside of others among them."""
    for node in nodes:
        yield node
        for name in {*getattr(node, "child_nodelists", ()), "nodelist"}:
            yield from _nodes(getattr(node, name, None) or ())


def _block_text(node: object, tokens: object) -> str:
    """What a block says, with the names of its values, as the block itself looks it up."""
    text, _names = node.render_token_list(tokens)  # type: ignore[attr-defined]  # of a node of a translation
    if node.trimmed:  # type: ignore[attr-defined]  # of a node of a translation
        text = " ".join(line.strip() for line in text.splitlines() if line.strip())
    return str(text)


def _of_modules() -> Iterator[Message]:
    for pattern in MODULES:
        for path in sorted(SOURCE.glob(pattern)):
            if path.name in SPECIMENS:
                continue
            with path.open("rb") as file:
                for _line, name, given, _comments in extract_python(file, list(KEYWORDS), [], {}):
                    message = _message(name, given if isinstance(given, tuple) else (given,))
                    if message is not None:
                        yield message


def _message(name: str, given: tuple[str | None, ...]) -> Message | None:
    """The message of a call; none where it is not written out."""
    context, said = "", []
    for place in KEYWORDS[name] or (1,):
        index = place[0] if isinstance(place, tuple) else place
        value = given[index - 1] if index <= len(given) else None
        if not value:
            return None
        if isinstance(place, tuple):
            context = value
        else:
            said.append(value)
    return (said[0] if len(said) == 1 else (said[0], said[1])), context


if __name__ == "__main__":
    main()
