"""How settings are written: their forms, and what checks that a text has one."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from cryptography.fernet import Fernet
from pydantic import AfterValidator, Field
from pydantic_settings import NoDecode

POSTGRESQL = ("postgresql://", "postgres://")
POSTGRESQL_FORM = (
    "write it as postgresql://user:password@host:5432/database or sqlite:///path/to/file, special characters of a password "
    "as %40 for @"
)
COLLECTOR_FORM = "write it as http://collector:4318 or https://…"
SMTP_FORM = "write it as smtp://user:password@host:587 or smtps://user:password@host, special characters as %40 for @"
PUBLIC_FORM = "write it as https://work.example.org"
PROXY_FORM = "write it as http://host:3128 or http://user:password@host:3128, special characters as %40 for @"

Commas = Annotated[list[str], NoDecode]
Networks = Annotated[list[IPv4Network | IPv6Network], NoDecode]
Seconds = Annotated[list[Annotated[int, Field(ge=1, le=2_592_000)]], NoDecode]


def _is_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("write a time zone as Europe/Paris")
    return value


TimeZone = Annotated[str, AfterValidator(_is_time_zone)]


def split_url(url: str, form: str) -> SplitResult:
    """The parts of a URL whose port is one; raises ValueError with the form it must have, for it may hold a password."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise ValueError(form)
    except ValueError as error:
        raise ValueError(form) from error
    return parts


def check_postgresql(url: str) -> None:
    """Raise ValueError for a URL that the client library cannot read, or that names no database."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    parts = split_url(url, POSTGRESQL_FORM)
    if not parts.path.strip("/"):
        raise ValueError(POSTGRESQL_FORM)
    try:
        conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ValueError(POSTGRESQL_FORM) from error


def is_key(text: str) -> bool:
    """Whether a text is a Fernet key."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True
