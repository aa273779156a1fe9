"""Whose account a request's body comes from: the API doors say so after the login, before anything of a large body is read."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

ACCOUNT = "workwire.account"  # a key of the WSGI environment, which no header can set


def note(environ: MutableMapping[str, Any], account: int | None) -> None:
    """Note the account that a request is made for."""
    environ[ACCOUNT] = account
