"""Secrets at rest: encrypted with the installation's keys (Fernet, newest key first), or kept as digests only."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import cache, lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str) -> str:
    """Encrypt and authenticate a short text."""
    return _box(tuple(settings.SECRET_KEYS)).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what `seal` made; raises cryptography.fernet.InvalidToken when no key fits. The last few thousand are kept in
    memory, for the worker opens the same ones for every message."""
    return _unsealed(sealed, tuple(settings.SECRET_KEYS))


@lru_cache(maxsize=4096)
def _unsealed(sealed: str, keys: tuple[str, ...]) -> str:
    return _box(keys).decrypt(sealed.encode()).decode()


def new_token(prefix: str) -> str:
    """A fresh bearer secret of 256 random bits with a prefix that names its kind."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """The SHA-256 hex digest under which a high-entropy token is stored and looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_digests(content: bytes) -> list[str]:
    """The hex digests of a content that can be guessed, such as a password: nobody can try guesses without the installation's
    keys. One for each key, newest first: store the first, and take any for the same."""
    return [hmac.digest(key.encode(), b"digest:" + content, "sha256").hex() for key in settings.SECRET_KEYS]
