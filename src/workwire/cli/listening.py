"""Where the web server listens; and that nobody else listens there before it starts.

The server's own sockets let several processes share a port, so that a second installation would take half of the requests of
the first without anybody noticing.
"""

from __future__ import annotations

import errno
import socket
import time

import click

LOOK_EVERY = 0.1  # seconds


def url_of(host: str, port: int) -> str:
    """The web server's address as a browser takes it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def check_free(host: str, port: int, *, patience: float = 0.0) -> None:
    """Make sure that one may listen at an address: raises ClickException with a sentence otherwise. A port that is taken may
    become free for `patience` seconds, as after a server whose workers have not all ended."""
    deadline = time.monotonic() + patience
    while True:
        try:
            _bind(host, port)
            return
        except ValueError as error:
            raise click.ClickException(f"{url_of(host, port)} cannot be listened on: that is no host name.") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise click.ClickException(f"{url_of(host, port)} cannot be listened on: {error.strerror}.") from error
            if time.monotonic() >= deadline:
                raise click.ClickException(
                    f"Port {port} is taken; end what listens there, or give another --port."
                ) from error
        time.sleep(LOOK_EVERY)


def _bind(host: str, port: int) -> None:
    """Bind the address and release it. Connections that have ended and are remembered for a while do not count."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
