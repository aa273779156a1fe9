"""Paths of the documented web API, in any case, with or without the instance's name in front."""

from django.urls import re_path

from workwire.webapi import (
    attachments,
    authentication,
    configuration,
    contexts,
    conversations,
    getting_work,
    openapi_document,
    people,
    tickets_and_cases,
    webhooks,
)
from workwire.webapi.operations import answer, nothing
from workwire.webapi.refusals import unless_away

REGISTERED = (
    attachments,
    configuration,
    contexts,
    conversations,
    tickets_and_cases,
    people,
    webhooks,
    getting_work,
)  # importing them fills the table of operations


def _any_case(text: str) -> str:
    """A pattern for a text in any case, of a form that Django can also reverse."""
    return "".join(f"[{char.lower()}{char.upper()}]" if char.isalpha() else char for char in text)


_API = _any_case("webapi")
_PREFIX = f"^(?:(?P<instance>(?!{_API}/)[^/]+)/)?"
_AUTH, _TOKEN = _any_case("Auth/"), _any_case("OAuth/Token")  # the last part alone is the older path
_OAUTH = f"^(?:(?P<instance>(?!{_API}/|{_AUTH}{_TOKEN})[^/]+)/)?(?:{_API}/)?(?:{_AUTH})?{_TOKEN}/?$"
urlpatterns = [
    re_path(_PREFIX + _API + _any_case("/Authentication/Login") + "/?$", unless_away(authentication.log_in)),
    re_path(_OAUTH, unless_away(authentication.token)),
    re_path(_PREFIX + _API + _any_case("/openapi.json").replace(".", "[.]") + "$", openapi_document.served),
    re_path(_PREFIX + _API + "/(?P<name>[^/]+/[^/]+)/?$", unless_away(answer)),
    re_path(_PREFIX + _API + r"(?:/[\s\S]*)?$", nothing),
]
