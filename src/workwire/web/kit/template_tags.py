"""The tags that draw the parts; every template has them without loading anything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Form, RadioSelect
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from workwire.kernel import clock
from workwire.web.kit import icons
from workwire.web.kit.coloured_json import coloured
from workwire.web.kit.parts import Due, Person, State, brief

register = template.Library()
Words = str | Promise


class FragmentNode(template.Node):
    """A named part of a template: an element with its name as id, which htmx may ask for alone."""

    child_nodelists = ("nodelist",)

    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name, self.nodelist = name, nodelist

    def render(self, context: Context) -> SafeString:
        """The element and what is in it."""
        return format_html('<div id="{}">{}</div>', self.name, self.nodelist.render(context))


@register.tag
def fragment(parser: Parser, token: Token) -> FragmentNode:
    """`{% fragment name %}…{% endfragment %}`."""
    _tag, name = token.split_contents()
    nodelist = parser.parse(("endfragment",))
    parser.delete_first_token()
    return FragmentNode(name, nodelist)


@register.filter
def coded(words: Words) -> SafeString:
    """A sentence in which what stands between backticks is set as code."""
    parts = str(words).split("`")
    if len(parts) % 2 == 0:  # one is alone, so that it is no pair
        return conditional_escape(str(words))
    drawn = (format_html("<code>{}</code>", text) if place % 2 else text for place, text in enumerate(parts))
    return format_html_join("", "{}", ((one,) for one in drawn))


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """An icon beside words; assistive technology passes over it."""
    if name not in icons.NAMES:
        raise template.TemplateSyntaxError(f"there is no icon {name}; kit/icons.py lists those there are")
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', size, icons.address(), name)


@register.simple_tag
def state(of: State, only: str = "") -> SafeString:
    """Where something stands; `only="icon"` keeps the word for assistive technology and for who points at it."""
    drawn = icon(of.icon)
    if only == "icon":
        return format_html(
            '<span class="state {}" title="{}">{}<span class="unseen">{}</span></span>',
            of.tone,
            of.words,
            drawn,
            of.words,
        )
    return format_html('<span class="state {}">{}<span>{}</span></span>', of.tone, drawn, of.words)


@register.simple_tag
def pill(of: State) -> SafeString:
    """Where something stands, as a pill."""
    return format_html('<span class="pill {}">{}{}</span>', of.tone, icon(of.icon), of.words)


@register.simple_tag
def due(of: Due) -> SafeString:
    """How something stands against its due date; the exact moment on hover."""
    inner = format_html("{}{}", icon(of.icon), of.words)
    if of.moment is None:
        return format_html('<span class="state {}">{}</span>', of.tone, inner)
    exact = f"{moment_words(of.moment)} {zone_words()}"
    return format_html(
        '<time class="state {}" datetime="{}" title="{}">{}</time>', of.tone, of.moment.isoformat(), exact, inner
    )


@register.simple_tag(takes_context=True)
def person(context: Context, of: Person, size: str = "", *, named: bool = False) -> SafeString:
    """A person, a robot or nobody as a small disc, or by a picture where the reader sees it; the name beside it, or for
    assistive technology and on hover."""
    name, shell = of.name or _("Nobody"), context.get("shell")
    if of.picture and (shell is None or shell.shows_pictures or of == shell.person):
        disc = format_html('<img class="person {}" src="{}" alt="" title="{}">', size, of.picture, name)
    elif of.is_robot:
        disc = format_html('<span class="person robot {}" title="{}">{}</span>', size, name, icon("bot"))
    elif of.name:
        disc = format_html('<span class="person hue{} {}" title="{}">{}</span>', of.hue, size, name, of.initials)
    else:
        disc = format_html('<span class="person nobody {}" title="{}"></span>', size, name)
    if named:
        return format_html('<span class="row">{}<span class="cut" dir="auto">{}</span></span>', _silent(disc), name)
    return format_html('{}<span class="unseen">{}</span>', _silent(disc), name)


@register.filter(name="coloured")
def coloured_text(text: str) -> SafeString:
    """JSON with its keys, texts and numbers told apart by colour."""
    return coloured(text)


@register.simple_tag
def moment(of: datetime | None, *, to_the_second: bool = False) -> SafeString | str:
    """A moment in the zone of the page, exact and machine readable."""
    if of is None:
        return "–"
    words = moment_words(of, to_the_second=to_the_second)
    return format_html('<time datetime="{}" title="{} {}">{}</time>', of.isoformat(), words, zone_words(), words)


@register.simple_tag
def age(of: datetime | None) -> SafeString | str:
    """How long ago a moment was, the exact one on hover."""
    if of is None:
        return "–"
    exact = f"{moment_words(of)} {zone_words()}"
    shown = '<time datetime="{}" title="{}">{}</time>'
    return format_html(shown, of.isoformat(), exact, brief(clock.now() - of))


@register.inclusion_tag("kit/field.html")
def field(of: BoundField) -> dict[str, Any]:
    """A field of a form with its label, help and errors."""
    is_box, is_group = isinstance(of.field.widget, CheckboxInput), isinstance(of.field.widget, RadioSelect)
    return {
        "field": of,
        "drawn": of.as_widget(attrs={"class": "box"} if is_box else {"class": "input", "dir": "auto"}),
        "is_box": is_box,
        "is_group": is_group,
    }


@register.inclusion_tag("kit/error_summary.html")
def error_summary(form: Form, *, is_quiet: bool = False) -> dict[str, Any]:
    """All errors of a form, each leading to its field; it takes the focus unless it `is_quiet`."""
    return {"form": form, "is_quiet": is_quiet, "fields": [bound for bound in form if bound.errors]}


@register.simple_block_tag
def note(content: str, tone: str = "", icon_name: str = "info") -> SafeString:
    """A message on the page; a bad one is told at once."""
    role = SafeString(' role="alert"') if tone == "bad" else ""
    return format_html(
        '<div class="note {}"{}>{}<div class="grow">{}</div></div>', tone, role, icon(icon_name), content
    )


@register.simple_block_tag
def dialog(content: str, name: str, title: Words) -> SafeString:
    """A dialog that a button with `data-opens` opens."""
    shown = '<dialog class="dialog" id="{}" aria-labelledby="{}-title"><h2 id="{}-title">{}</h2>{}</dialog>'
    return format_html(shown, name, name, name, title, content)


def moment_words(of: datetime, *, to_the_second: bool = False) -> str:
    """A moment as the reader's language writes it, in the zone of the page."""
    minutes, seconds = pgettext("format of a moment", "D j M Y, H:i"), pgettext("format of a second", "D j M Y, H:i:s")
    return date_format(timezone.localtime(of), seconds if to_the_second else minutes)


def zone_words() -> str:
    """The name of the zone of the page."""
    return timezone.get_current_timezone_name()


def _silent(disc: SafeString) -> SafeString:
    return format_html('<span aria-hidden="true" class="holds">{}</span>', disc)
