"""`demo.json`: what a demo made in its folder, the accounts among it and the subscriptions of its walk-through."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import click

from workwire.config import OWN_FILE
from workwire.kernel.actor import SYSTEM

NAME = "demo.json"
WALK_THROUGH = "walk_through"  # GUID of each subscription → the URL it was made with
CONNECT_SECONDS = 1.0


@contextmanager
def only_demo(folder: Path) -> Iterator[None]:
    """Be the only demo in a folder; raises ClickException, before anything is changed, where one runs."""
    handle = os.open(folder / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise click.ClickException(
            f"A demo runs in {folder} already; end that one first, or name another folder with --data."
        ) from error
    finally:
        os.close(handle)


def read(folder: Path) -> dict[str, Any] | None:
    """What an earlier demo in a folder wrote; None where there was none, or nobody can read it."""
    try:
        told = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write it whole or not at all, readable by its owner only, for it holds passwords."""
    path = folder / NAME
    draft = path.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(path)


def write_settings(folder: Path, networks: str) -> None:
    """Write settings that say what the demo may reach, unless the folder has settings already."""
    path = folder / OWN_FILE
    if not path.exists():
        path.write_text(
            f'# Made by the demo, for every command with this --data.\nwebhook_allowed_networks = "{networks}"\n'
        )


def note_subscription(folder: Path, guid: str, url: str) -> None:
    """Note that the walk-through made a subscription, so that a later demo knows it as its own."""
    told = read(folder) or {}
    write(folder, told | {WALK_THROUGH: told.get(WALK_THROUGH, {}) | {guid: url}})


def end_subscriptions(made: dict[str, str]) -> int:
    """End those of a walk-through whose receivers ended with its process; returns how many. One that its owner has led
    somewhere else since, and one whose receiver listens, goes on."""
    from workwire.reactions.webhooks import commands, queries

    living = dict(queries.subscriptions_of(SYSTEM).filter(guid__in=list(made)).values_list("guid", "url"))
    gone = [guid for guid, url in living.items() if url == made[str(guid)] and not _is_listened_on(url)]
    for guid in gone:
        commands.unsubscribe(UUID(str(guid)), by=SYSTEM)
    return len(gone)


def _is_listened_on(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False
