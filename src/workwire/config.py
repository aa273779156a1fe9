"""Everything an operator can set, typed and documented, read once from the environment and one optional file.

Sources, strongest first: environment variables ``WORKWIRE_<NAME>``, then the TOML file named by ``WORKWIRE_CONFIG``, or
``workwire.toml`` in the data folder where none is named.
Guarantee: a bad or unknown setting stops the start with :class:`ConfigError`, a sentence that names the setting.
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from importlib.util import find_spec
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from workwire.kernel.certificates import count_trusted_in
from workwire.setting_forms import (
    COLLECTOR_FORM,
    POSTGRESQL,
    PROXY_FORM,
    PUBLIC_FORM,
    SMTP_FORM,
    Commas,
    Networks,
    Seconds,
    TimeZone,
    check_postgresql,
    is_key,
    split_url,
)

OWN_FILE = "workwire.toml"
MAKES_A_KEY = "openssl rand -base64 32 | tr +/ -_"
MINUTES, HOURS, DAYS = 525_600, 87_600, 36_500  # the longest times that may be set: one year, ten and a hundred
_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")
_DOMAIN = re.compile(r"[^\s@<>,;\"/:]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ConfigError(Exception):
    """A setting is missing or wrong; the text says which and what to do."""


class Config(BaseSettings):
    """The settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="WORKWIRE_", extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    data_dir: Path = Field(Path("data"), description="Folder for the embedded database, key file and stored files.")
    database_url: str = Field(
        "", description="postgresql://… or sqlite:///path; empty means SQLite in the data folder."
    )
    database_silence_seconds: int = Field(
        20, ge=4, le=3600, description="Seconds after which a connection to a PostgreSQL host gone silent is given up."
    )
    database_pooled: bool = Field(
        False,
        description="The database URL leads to a pooler in transaction mode, as PgBouncer; for web processes only.",
    )
    secret_keys: Commas = Field([], description="Fernet keys, newest first; empty means the data folder's key file.")
    instance_name: str = Field("workwire", description="Name accepted as the first part of /<instance>/webapi/ paths.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    web_threads: int = Field(8, ge=1, le=256, description="Requests one web process works on at a time.")
    client_seconds: int = Field(
        30,
        ge=1,
        le=60,
        description="Seconds a client has for the head of a request, for a body of up to 64 KiB, and for each piece of more.",
    )
    web_workers: int = Field(1, ge=1, le=64, description="Web processes.")
    public_url: str = Field(
        "",
        description="Address at which people reach the pages, as https://work.example.org; links in mail begin with it.",
    )
    allowed_hosts: Commas = Field(
        ["localhost", "127.0.0.1", "[::1]"], description="Host names requests may be addressed to."
    )
    trusted_proxies: Networks = Field(
        [],
        description="Networks of the proxies in front, whose X-Forwarded-For and X-Forwarded-Proto are believed "
        "(CIDR, comma separated).",
    )
    secure_cookies: bool = Field(False, description="Send cookies over HTTPS only; set it wherever TLS is in front.")
    debug: bool = Field(False, description="Django's debug mode; never in production.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines are written.")
    trace_endpoint: str = Field(
        "",
        description="Where OpenTelemetry spans are sent, as http://collector:4318 (OTLP over HTTP); empty traces nothing.",
    )
    trace_share: float = Field(1.0, ge=0, le=1, description="Share of all traces that is sent.")

    default_language: Literal["en", "de", "es", "fr"] = Field(
        "en", description="Language spoken where neither the account nor the browser asks for one there is."
    )
    default_time_zone: TimeZone = Field(
        "UTC", description="Time zone of times on pages where neither the account nor the browser says one."
    )
    token_idle_minutes: int = Field(
        60, ge=1, le=MINUTES, description="A login or OAuth token unused for so long is void."
    )
    login_attempts: int = Field(
        10,
        ge=1,
        le=1_000_000,
        description="Failed logins per account and quarter of an hour; ten times as many per address.",
    )

    sending: Literal["on", "held"] = Field(
        "on", description="held lets workers send nothing and do nothing by themselves, as for a copy made for tests."
    )
    webhook_allowed_networks: Networks = Field(
        [],
        description="Networks that webhooks may reach although they are private or loopback (CIDR, comma separated).",
    )
    webhook_connect_timeout: float = Field(5.0, gt=0, le=60, description="Seconds to connect to an endpoint.")
    webhook_timeout: float = Field(15.0, gt=0, le=300, description="Seconds for one whole attempt.")
    webhook_retry_schedule: Seconds = Field(
        [5, 60, 600, 3600, 10800, 28800, 57600, 86400],
        description="Seconds between attempts; a delivery gives up after the last (at least three).",
    )
    webhook_concurrency: int = Field(
        64,
        ge=1,
        le=1000,
        description="Attempts in flight in one worker; those to endpoints that are slow or silent share half of them.",
    )
    webhook_endpoint_concurrency: int = Field(16, ge=1, le=1000, description="Attempts in flight to one endpoint.")
    webhook_endpoint_rate: float = Field(
        0.0,
        ge=0,
        le=1_000_000,
        description="Attempts a second one worker makes to one endpoint at most; 0 for any number.",
    )
    webhook_most_subscriptions: int = Field(
        1000, ge=1, le=1_000_000, description="Living subscriptions an account may have."
    )
    webhook_most_tests: int = Field(
        10, ge=1, le=10_000, description="Test messages of an account that may wait at a time."
    )
    webhook_lease_seconds: int = Field(
        60, ge=5, le=3600, description="How long a claimed delivery belongs to its worker."
    )
    webhook_pause_after_hours: int = Field(
        120, ge=1, le=HOURS, description="Hours of nothing but failure that pause a subscription."
    )
    webhook_rotation_hours: int = Field(
        24, ge=0, le=HOURS, description="Hours an old secret stays valid after rotation."
    )
    webhook_retention_days: int = Field(
        30, ge=1, le=DAYS, description="Days that finished deliveries and attempts are kept."
    )
    sign_in_retention_days: int = Field(
        180, ge=1, le=DAYS, description="Days that the ledger keeps who signed in, who did not succeed, and from where."
    )
    job_retention_days: int = Field(30, ge=1, le=DAYS, description="Days that ended jobs are kept.")
    webhook_ca_bundle: Path | None = Field(
        None,
        description="File of CA certificates (PEM) that endpoints are trusted by, instead of the system's; "
        "read again when it changes.",
    )
    webhook_proxy: str = Field(
        "",
        description="HTTP proxy that all deliveries go out through, as http://user:password@host:3128; "
        "empty connects to endpoints directly.",
    )
    webhook_proxy_resolves: bool = Field(
        False,
        description="The proxy looks host names up and keeps requests away from addresses inside; "
        "else both is done here, before it is asked.",
    )
    files_dir: Path | None = Field(None, description="Folder for stored files; empty means files in the data folder.")
    largest_file_mb: int = Field(25, ge=1, le=1024, description="Largest file that is accepted, in MiB.")
    smtp_url: str = Field(
        "", description="Mail server, as smtp://user:password@host:587 (STARTTLS) or smtps://…; empty sends no mail."
    )
    mail_from: str = Field("", description="Address that mail comes from where the sender names none.")
    mail_domains: Commas = Field(
        [], description="Domains, beside that of the address above, whose addresses mail may come from."
    )
    feedback_window_hours: int = Field(
        0, ge=0, le=HOURS, description="Hours a resolved item may be reopened before it closes."
    )
    longest_session_hours: int = Field(
        12, ge=1, le=168, description="Hours after which a time session that runs was forgotten and ends."
    )
    ticket_resolution_asks_for: Literal["communication", "nothing"] = Field(
        "communication",
        description="What people who resolve a ticket have written at it: a mail or a note, or nothing. Machines and the "
        "documented web API are not asked.",
    )
    defects_changed_by: Literal["everyone", "creator"] = Field(
        "everyone",
        description="Who changes and removes a defect of a work item: everyone who may work on it, or only who added it.",
    )

    linked_work_shows: Literal["header", "nothing"] = Field(
        "header",
        description="What people who work on an item are shown of work that is linked to it and that they may not see: its "
        "header (reference, title, assignee, queue and due date), or nothing.",
    )

    @field_validator(
        "secret_keys",
        "allowed_hosts",
        "trusted_proxies",
        "webhook_allowed_networks",
        "webhook_retry_schedule",
        "mail_domains",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        """Refuse what no text of an operator has: bytes that are no UTF-8, and control characters."""
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str) and not part.isprintable():
                raise ValueError("it must be one line of UTF-8 text without control characters")
        return value

    @field_validator("data_dir", "files_dir", "webhook_ca_bundle")
    @classmethod
    def _is_a_path(cls, value: Path | None) -> Path | None:
        if value is not None and max(len(part.encode()) for part in (*value.parts, "")) > 255:
            raise ValueError("a part of the path is longer than the 255 bytes a name may have")
        return value

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, value: str) -> str:
        if value.startswith(POSTGRESQL):
            check_postgresql(value)
        elif value.startswith("sqlite:///"):
            if value.removeprefix("sqlite:///") in ("", ":memory:"):
                raise ValueError("name a file, as sqlite:///path/to/file; several processes work on it")
        elif value:
            raise ValueError("it must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("instance_name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("take up to 100 letters, digits, dots, hyphens and underscores; it becomes part of paths")
        return value

    @field_validator("host")
    @classmethod
    def _can_be_listened_on(cls, value: str) -> str:
        if ":" in value:
            try:
                IPv6Address(value.partition("%")[0])
            except ValueError as error:
                raise ValueError("it is no IPv6 address; write one without brackets and port, as ::1") from error
        elif not value or any(not 0 < len(label) < 64 for label in value.removesuffix(".").split(".")):
            raise ValueError("name an address or a host, as 127.0.0.1, 0.0.0.0 or localhost")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_where_pages_are(cls, value: str) -> str:
        if value:
            parts = split_url(value, PUBLIC_FORM)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or parts.username
                or parts.query
                or parts.fragment
            ):
                raise ValueError(PUBLIC_FORM)
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("write a plain address, as service@example.org")
        return value

    @field_validator("mail_domains")
    @classmethod
    def _are_domains(cls, value: list[str]) -> list[str]:
        if not all(map(_DOMAIN.fullmatch, value)):
            raise ValueError("write domains, as example.org")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _are_keys(cls, value: list[str]) -> list[str]:
        if not all(map(is_key, value)):
            raise ValueError(f"each must be a Fernet key, 32 bytes in URL-safe base64; `{MAKES_A_KEY}` makes one")
        return value

    @field_validator("webhook_retry_schedule")
    @classmethod
    def _at_least_three(cls, value: list[int]) -> list[int]:
        if not 3 <= len(value) <= 100:
            raise ValueError("name at least three pauses and at most a hundred")
        return value

    @field_validator("webhook_ca_bundle")
    @classmethod
    def _holds_certificates(cls, value: Path | None) -> Path | None:
        if value is not None:
            count_trusted_in(value)
        return value

    @field_validator("webhook_proxy")
    @classmethod
    def _names_a_proxy(cls, value: str) -> str:
        if value:
            parts = split_url(value, PROXY_FORM)
            if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
                raise ValueError(PROXY_FORM)
        return value

    @field_validator("trace_endpoint")
    @classmethod
    def _names_a_collector(cls, value: str) -> str:
        if value:
            parts = split_url(value, COLLECTOR_FORM)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError(COLLECTOR_FORM)
            if find_spec("opentelemetry") is None:
                raise ValueError("install the packages of requirements/tracing.txt first")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _names_a_mail_server(cls, value: str) -> str:
        if value and not (value.startswith(("smtp://", "smtps://")) and split_url(value, SMTP_FORM).hostname):
            raise ValueError(SMTP_FORM)
        return value

    @model_validator(mode="after")
    def _mail_comes_from_somebody(self) -> Config:
        if self.smtp_url and not self.mail_from:
            raise ValueError("WORKWIRE_SMTP_URL needs WORKWIRE_MAIL_FROM, the address that mail comes from")
        return self

    @model_validator(mode="after")
    def _lease_outlasts_an_attempt(self) -> Config:
        if self.webhook_lease_seconds <= self.webhook_timeout:
            raise ValueError("WORKWIRE_WEBHOOK_LEASE_SECONDS must be longer than WORKWIRE_WEBHOOK_TIMEOUT")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as initial values."""
        return env_settings, init_settings

    @property
    def database(self) -> str:
        """The database URL with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'workwire.sqlite3'}"

    @property
    def data_paths(self) -> list[Path]:
        """The data folder, and the embedded database if that is used: a process that loses them ends."""
        folder = self.data_dir.absolute()
        return [folder] if self.is_postgresql else [folder, Path(self.database.removeprefix("sqlite:///"))]

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL rather than the embedded one."""
        return self.database.startswith(POSTGRESQL)


@cache
def load() -> Config:
    """Read the configuration; raises ConfigError with a sentence an operator can act on."""
    file = os.environ.get("WORKWIRE_CONFIG") or _own_file()
    try:
        values = tomllib.loads(Path(file).read_text()) if file else {}
    except (OSError, ValueError, RecursionError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else shown(error)
        raise ConfigError(f"The settings in {shown(file)} cannot be read: {why}.") from error
    given = (name for name in os.environ if name.startswith("WORKWIRE_") and not name.startswith("WORKWIRE_TEST_"))
    unknown = [name for name in given if name not in _known_names()]
    if unknown:
        raise ConfigError(_unknown(unknown[0]))
    try:
        config = Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"WORKWIRE_{str(first['loc'][0]).upper()}" if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            raise ConfigError(_unknown(name)) from error
        about = f"Setting {name} is wrong" if name else "The settings are wrong"
        raise ConfigError(f"{about}: {shown(first['msg'].removeprefix('Value error, '))}.") from error
    return config


def shown(what: object) -> str:
    """A text of somebody else as part of a sentence of ours: on one line, printable, without a full stop."""
    text = " ".join(str(what).encode(errors="surrogateescape").decode(errors="replace").split()).rstrip(".?!")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _own_file() -> str | None:
    """The file of settings that an installation has in its data folder, if there is one."""
    file = Path(os.environ.get("WORKWIRE_DATA_DIR") or "data", OWN_FILE)
    try:
        return str(file) if file.is_file() else None
    except OSError:  # no folder can have this name; the setting is refused further on
        return None


def _unknown(name: str) -> str:
    return f"{shown(name)} is not a setting of Workwire; see docs/reference/settings.md."


def _known_names() -> set[str]:
    fields = {f"WORKWIRE_{name.upper()}" for name in Config.model_fields}
    return fields | {"WORKWIRE_CONFIG"}
