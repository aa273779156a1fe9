"""Options that several commands share; what they say becomes settings of this process and its children."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from workwire import config

F = TypeVar("F", bound=Callable[..., Any])


def with_address(command: F) -> F:
    """The options that say where the web server listens and where the data lies; they become settings."""
    for option in (
        click.option("--host", help="Address to listen on."),
        click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on."),
        click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder."),
    ):
        command = option(command)
    return command


def apply(**settings: object) -> None:
    """Turn options that were given into settings, for this process and its children."""
    for name, value in settings.items():
        if value is not None:
            os.environ[f"WORKWIRE_{name.upper()}"] = str(value)
    config.load.cache_clear()


def with_data(command: F) -> F:
    """The option that says where the data lies, which becomes a setting before the command begins."""

    def take(_ctx: click.Context, _param: click.Parameter, data: Path | None) -> None:
        apply(data_dir=data and data.absolute())

    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--data", type=kind, help="Data folder.", expose_value=False, callback=take)(command)


def ask_password(*, from_stdin: bool) -> str:
    """A new password, asked for twice or read as the first line of standard input: raises ClickException where there is none.
    It is no argument, for those stand in the list of processes."""
    if from_stdin:
        given = sys.stdin.buffer.readline().decode(errors="replace").rstrip("\r\n")
        if not given:
            raise click.ClickException("There is no password on standard input.")
        return given
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def refusals() -> Iterator[None]:
    """End the program with the sentence of what a command refuses."""
    from workwire.kernel.errors import DomainError

    try:
        yield
    except DomainError as error:
        raise click.ClickException(str(error)) from error
