"""A network of a test's own: a thread in network and mount namespaces of its own, with nothing in them but loopback.

Sockets made by that thread, and processes it starts, live in that network: no packet of theirs can leave the machine, and
they ask only the name server the test names. Needs Linux, root and iproute2; elsewhere the test is skipped with the reason.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

P = ParamSpec("P")
T = TypeVar("T")
NEW_NETWORK, NEW_MOUNTS = 0x40000000, 0x00020000  # CLONE_NEWNET, CLONE_NEWNS
PRIVATE, BIND = 0x44000, 0x1000  # MS_REC | MS_PRIVATE, MS_BIND


class Namespace:
    """Runs calls in its thread, one after the other."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a call made inside."""
        return self._executor.submit(call, *args, **kwargs).result(timeout=60)


@contextmanager
def own_network(addresses: Sequence[str], folder: Path) -> Iterator[Namespace]:
    """A network whose loopback has these addresses beside its own, and whose names are asked of 127.0.0.1:53."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network of one's own needs Linux, root and the program ip")
    with ThreadPoolExecutor(1, thread_name_prefix="namespace") as executor:
        namespace = Namespace(executor)
        try:
            namespace.run(_leave, folder)
        except OSError as error:
            pytest.skip(f"this machine allows no network of one's own: {error}")
        for command in (["link", "set", "lo", "up"], *(["addr", "add", a, "dev", "lo"] for a in addresses)):
            namespace.run(subprocess.run, ["ip", *command], check=True, stdin=subprocess.DEVNULL)
        yield namespace


def _leave(folder: Path) -> None:
    """Take the calling thread out of the machine's network and mounts, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.unshare(NEW_NETWORK | NEW_MOUNTS))
    _checked(libc.mount(b"none", b"/", None, PRIVATE, None))
    for name, text in {
        "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1\n",
        "nsswitch.conf": "hosts: dns\n",
    }.items():
        (folder / name).write_text(text)
        target = Path("/etc", name)
        if target.exists():
            _checked(libc.mount(bytes(folder / name), bytes(target.resolve()), None, BIND, None))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
