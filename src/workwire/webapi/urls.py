"""Paths of the documented web API, in any case, with or without the instance's name in front."""

from django.urls import re_path

from workwire.webapi import authentication, contexts, conversations, items, webhooks
from workwire.webapi.operations import answer

REGISTERED = (contexts, conversations, items, webhooks)  # importing them fills the table of operations

_PREFIX = r"^(?:(?P<instance>[^/]+)/)?"
urlpatterns = [
    re_path(_PREFIX + r"(?i:webapi/Authentication/Login)/?$", authentication.log_in),
    re_path(_PREFIX + r"(?i:(?:webapi/)?Auth/OAuth/Token)/?$", authentication.token),
    re_path(_PREFIX + r"(?i:webapi)/(?P<name>[^/]+/[^/]+)/?$", answer),
]
