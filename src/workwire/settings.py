"""Django's settings, all derived from :mod:`workwire.config`; nothing is set here that an operator may want to change."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from workwire import config as _config
from workwire import installation as _installation
from workwire.kernel.json_bodies import LARGEST_WITH_FILES

CONFIG = _config.load()
SECRET_KEYS = _installation.secret_keys(CONFIG)
SECRET_KEY = hashlib.sha256(b"django:" + SECRET_KEYS[0].encode()).hexdigest()
SECRET_KEY_FALLBACKS = [hashlib.sha256(b"django:" + key.encode()).hexdigest() for key in SECRET_KEYS[1:]]
DEBUG = CONFIG.debug
ALLOWED_HOSTS = CONFIG.allowed_hosts

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "workwire.kernel",
    "workwire.outbox",
    "workwire.jobs",
    "workwire.access",
    "workwire.rooms.commitments",
    "workwire.rooms.parties",
    "workwire.rooms.files",
    "workwire.rooms.offering",
    "workwire.rooms.work",
    "workwire.rooms.conversations",
    "workwire.rooms.defects",
    "workwire.rooms.effort",
    "workwire.rooms.following",
    "workwire.rooms.batches",
    "workwire.reactions.webhooks",
    "workwire.reactions.notices",
    "workwire.reactions.finding",
    "workwire.worker",
    "workwire.api",
    "workwire.web",
    "workwire.wiring.WiringConfig",
]

MIDDLEWARE = [
    "workwire.web.request_id.named_requests",
    "workwire.web.request_end.free_when_answered",
    "workwire.web.proxies.behind_proxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "workwire.web.security.small_forms",
    "workwire.web.allowed_hosts.NamedHosts",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "workwire.web.security.content_security_policy",
]

CSRF_FAILURE_VIEW = "workwire.web.failing.form_refused"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
ROOT_URLCONF = "workwire.urls"
WSGI_APPLICATION = "workwire.wsgi.application"
_PAGES = Path(__file__).parent / "web"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": sorted(_PAGES.glob("*/templates")),
        "OPTIONS": {
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.l10n",
                "django.templatetags.static",
                "django.templatetags.tz",
                "workwire.web.kit.template_tags",
            ]
        },
    }
]


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;",
        },
        "CONN_MAX_AGE": None,  # to open one again reads the whole schema, which takes as long as a request
        "TEST": {"NAME": f"{path}.test"},
    }


def postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    for name, value in _patience().items():
        options.setdefault(name, value)
    if not CONFIG.database_pooled:  # a pooler in transaction mode takes no settings for the session
        ours = " ".join(f"-c {name}={value}" for name, value in _session().items())
        options["options"] = f"{ours} {options.get('options', '')}".strip()  # of one named twice the last counts
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": CONFIG.database_pooled,
    }


def _patience() -> dict[str, int]:
    """How long our side waits for a host that has gone silent: without this a half-open connection lasts for hours."""
    silence = CONFIG.database_silence_seconds
    return {
        "connect_timeout": max(2, silence // 4),
        "keepalives_idle": silence // 2,
        "keepalives_interval": max(1, silence // 6),
        "keepalives_count": 3,
        "tcp_user_timeout": silence * 1000,
    }


def _session() -> dict[str, object]:
    """What our sessions ask of the server. It gives up on us as soon as we on it: a host that vanished within a
    transaction would keep its locks, the one of fan-out among them, for as long as the server waits."""
    patience = _patience()
    return {
        "jit": "off",  # to compile a statement takes longer than any of ours does
        "join_collapse_limit": 4,  # decision 18: planning cost more than the queries
        "plan_cache_mode": "force_generic_plan",
        **{f"tcp_{name}": patience[name] for name in patience if name.startswith("keepalives_")},
        "tcp_user_timeout": patience["tcp_user_timeout"],
        "idle_in_transaction_session_timeout": patience["tcp_user_timeout"] * 3,  # for a host that stands still
    }


DATABASES = {
    "default": postgresql(CONFIG.database)
    if CONFIG.is_postgresql
    else _sqlite(CONFIG.database.removeprefix("sqlite:///"))
}
if not CONFIG.is_postgresql and _installation.makes_what_is_missing():
    _installation.make_folder(Path(DATABASES["default"]["NAME"]).parent)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "access.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]

STATIC_URL = "/static/"
STATICFILES_DIRS = sorted(_PAGES.glob("*/static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.secure_cookies
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = False
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "workwire.web.unnamed_files.UnnamedFiles",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST_WITH_FILES  # each door has bounds of its own below this one

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "console": {"format": "%(asctime)s %(levelname)s %(name)s [%(subject)s] %(message)s"},
        "json": {"()": "workwire.kernel.logs.JsonFormatter"},
    },
    "filters": {
        "about": {"()": "workwire.kernel.logs.About"},
        "whole": {"()": "workwire.web.request_end.WholeRequests"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": CONFIG.log_format,
            "filters": ["about", "whole"],
        }
    },
    "root": {"handlers": ["stderr"], "level": CONFIG.log_level.upper()},
}
