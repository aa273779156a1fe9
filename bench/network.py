"""Hosts for measurements: network namespaces on a bridge of their own, or plain processes where none can be made.

The measuring process moves to the bridge for as long as the network stands. Nothing leaves the namespaces.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NETWORK = "10.77.0"
BRIDGE = f"{NETWORK}.1"
NEW_NETWORK = 0x40000000  # CLONE_NEWNET


@dataclass
class Host:
    """A machine of its own as far as the network goes. `address` is where the others reach it."""

    name: str
    address: str
    _space: str = ""
    _hub: str = ""
    _port: str = ""
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def is_apart(self) -> bool:
        """Whether it has a network of its own."""
        return bool(self._space)

    def start(
        self, command: Sequence[str], env: Mapping[str, str], *, log: Path, user: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Run a program on this host, in a process group of its own."""
        prefix = ["ip", "netns", "exec", self._space] if self._space else []
        if user:
            prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*prefix, *command],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
        """End one program of this host and wait for it."""
        process.send_signal(how)
        process.wait(60)
        self._running.remove(process)

    def kill(self) -> None:
        """End everything on this host at once; in a namespace nobody is told, for the network goes first."""
        if self._space:
            self.cut()
        self._signal(signal.SIGKILL)
        for process in self._running:
            process.wait()
        self._running.clear()

    def cut(self) -> None:
        """Let nothing through to this host or from it, and tell neither side; a plain process stands still instead."""
        if self._space:
            _ip("-n", self._hub, "link", "set", self._port, "nomaster")
        else:
            self._signal(signal.SIGSTOP)

    def join(self) -> None:
        """Undo `cut`, also that of `kill`."""
        if self._space:
            _ip("-n", self._hub, "link", "set", self._port, "master", "br0")
        else:
            self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, what)


def why_not() -> str:
    """Why no namespaces can be made here; empty when they can."""
    if not sys.platform.startswith("linux") or shutil.which("ip") is None or shutil.which("setpriv") is None:
        return "the programs ip and setpriv of Linux are not here"
    try:
        with _namespace(f"ww{os.getpid()}try") as hub:
            _ip("-n", hub, "link", "add", "br0", "type", "bridge")
    except subprocess.CalledProcessError as error:
        return f"no network namespace can be made: {error.stderr.strip()}"
    return ""


@contextlib.contextmanager
def hosts(names: Sequence[str], *, apart: bool) -> Iterator[dict[str, Host]]:
    """Hosts by name, in namespaces if `apart`; whatever still runs on them is killed at the end."""
    with contextlib.ExitStack() as stack:
        made = _made(names, stack) if apart else {name: Host(name, "127.0.0.1") for name in names}
        try:
            yield made
        finally:
            for host in made.values():
                host.kill()


def _made(names: Sequence[str], stack: contextlib.ExitStack) -> dict[str, Host]:
    hub = stack.enter_context(_namespace(f"ww{os.getpid()}hub"))
    _ip("-n", hub, "link", "add", "br0", "type", "bridge")
    _ip("-n", hub, "address", "add", f"{BRIDGE}/24", "dev", "br0")
    _ip("-n", hub, "link", "set", "br0", "up")
    made: dict[str, Host] = {}
    for number, name in enumerate(names, start=10):
        space = stack.enter_context(_namespace(f"ww{os.getpid()}{name}"))
        port, address = f"v{number}", f"{NETWORK}.{number}"
        _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", hub, "link", "set", port, "master", "br0", "up")
        _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        made[name] = Host(name, address, space, hub, port)
    stack.enter_context(_inside(hub))
    return made


@contextlib.contextmanager
def _namespace(name: str) -> Iterator[str]:
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        _ip("netns", "delete", name)


@contextlib.contextmanager
def _inside(space: str) -> Iterator[None]:
    """Move this thread, and with it every one it starts, to another namespace for a while."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{space}") as there:  # noqa: PTH123 - no folders
        _move(there.fileno())
        try:
            yield
        finally:
            _move(home.fileno())


def _move(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "the namespace cannot be entered")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)  # noqa: S607 - the system's ip
