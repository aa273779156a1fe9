"""Pages of docs/how-to whose commands start processes, typed: on an installation of their own, in an empty folder.

What the pages tell of systemd and nginx wants a host of its own; tests/rules/test_deploy.py reads those files.
"""

from __future__ import annotations

import contextlib
import gzip
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Organisation
from tests.support.processes import free_port, wait_for_web
from tests.support.typed_pages import Page, Shell, filled
from workwire.rooms.work.models import WorkItem

pytestmark = pytest.mark.story
PASSWORD = "swift otter 4711 zebra"
LOG = """<?xml version="1.0"?><log xes.version="1.0" xmlns="http://www.xes-standard.org/">
<trace><string key="concept:name" value="order 1"/>
  <event><string key="concept:name" value="Measure"/><date key="time:timestamp" value="2020-01-01T10:00:00Z"/></event>
  <event><string key="concept:name" value="Build"/><date key="time:timestamp" value="2020-01-01T10:00:05Z"/></event>
</trace></log>"""


@contextlib.contextmanager
def _running(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    """End processes as Ctrl-C does, which they survive for seconds only."""
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def test_running_it(tmp_path: Path, fresh_database_url: str | None) -> None:
    page, shell = Page("run"), Shell(tmp_path)
    port, url = free_port(), fresh_database_url or f"sqlite:///{tmp_path}/several.sqlite3"
    key = shell.run(page.take("openssl rand")).strip()
    exports, web, worker, rest = _parts(page.take("export WORKWIRE_DATABASE_URL"))
    assert rest == ""
    values = {"postgresql://workwire:…@db.internal/workwire": url, "KEYS=…": f"KEYS={key}", "0.0.0.0": "127.0.0.1"}  # noqa: S104 - read from a page, nothing listens there
    said = shell.run(f"{exports}\nenv | grep ^WORKWIRE_", replaced=values)
    shell.environment |= dict(line.split("=", 1) for line in said.splitlines() if line.startswith("WORKWIRE_"))
    assert {"WORKWIRE_ALLOWED_HOSTS", "WORKWIRE_HOST", "WORKWIRE_SECURE_COOKIES"} <= set(shell.environment)
    administrator, password = page.take("bin/workwire administrator NAME"), page.take("bin/workwire password NAME")
    assert "`--password-stdin`" in page.text
    for command in (administrator, password):
        shell.run(f"{command} --password-stdin", replaced={"NAME": "nadia"}, typed=f"{PASSWORD}\n")
    with _running(shell.start(f"{web} --port {port}"), shell.start(worker)):
        wait_for_web("127.0.0.1", port)
        for path in (page.take("/health/live"), page.take("/health/ready"), page.take("/metrics")):
            assert shell.run(f"curl -s -f http://127.0.0.1:{port}{path}")
    assert "WRONG" in shell.run(f"{page.take('bin/workwire doctor')} || true")  # no worker any more
    page.leave("bin/workwire demo", because="tests/stories/test_readme.py types it")
    _one_host(page, tmp_path)
    assert page.rest == []


def _parts(block: str) -> tuple[str, str, str, str]:
    """The settings and `migrate`, then `web`, `worker` and what follows, of the block for several hosts."""
    lines = [line.partition("  #")[0].rstrip() for line in block.splitlines()]
    at = lines.index("bin/workwire migrate") + 1
    return "\n".join(lines[:at]), lines[at], lines[at + 1], "".join(lines[at + 2 :])


def _one_host(page: Page, folder: Path) -> None:
    """`up` in a folder of its own, whose key is then carried over into a setting."""
    shell, port = Shell(_made(folder / "one host")), free_port()
    with _running(shell.start(f"{page.take('bin/workwire up')} --port {port}")):
        wait_for_web("127.0.0.1", port)
    carried = page.take("export WORKWIRE_SECRET_KEYS=$(paste")
    (shell.folder / "bin").rename(shell.folder / "kept")
    assert shell.run(f'{carried}; echo "$WORKWIRE_SECRET_KEYS"') == (shell.folder / "data" / "secret.key").read_text()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.django_db(transaction=True)
def test_replaying_a_log(tmp_path: Path, child_environment: dict[str, str], organisation: Organisation) -> None:
    """On the organisation of the tests, in the place of the demo's, which the page would have a second terminal for."""
    page = Page("replay")
    shell = Shell(
        tmp_path,
        WORKWIRE_DATABASE_URL=child_environment["WORKWIRE_DATABASE_URL"],
        WORKWIRE_SECRET_KEYS=",".join(settings.SECRET_KEYS),
    )
    (tmp_path / "LOG.xes").write_text(LOG)
    (tmp_path / "LOG.xes.gz").write_bytes(gzip.compress(LOG.encode()))
    (tmp_path / "demo-data").mkdir()
    page.leave("bin/workwire demo", because="tests/stories/test_readme.py types it")
    shell.run(page.take("bin/workwire replay LOG.xes.gz"))
    assert {f"`{option}`" for option in ("--limit N", "--speed X", "--robot NAME")} <= {
        f"`{span}`" for span in page.text.split("`")
    }
    robot = organisation.accounts["robot"].user
    options = f"--limit 1 --speed 1000 --robot {robot.username} --data demo-data"
    shell.run(f"{page.take('bin/workwire replay LOG.xes[.gz]')} {options}", replaced={"[.gz]": ""})
    cases = WorkItem.objects.filter(parent=None)
    assert [case.children.count() for case in cases] == [2, 2]
    assert page.rest == []


@pytest.mark.skipif(ON_POSTGRES, reason="tests/cli/test_backup.py has a server's database, and its programs")
def test_backing_up_and_restoring(tmp_path: Path) -> None:
    page, shell, port = Page("back-up-and-restore"), Shell(tmp_path), free_port()
    (tmp_path / "backups").mkdir()
    shell.run("bin/workwire migrate")
    shell.run("bin/workwire administrator nadia --password-stdin", typed=f"{PASSWORD}\n")
    here = {"/backups": f"{tmp_path}/backups"}
    shell.run(page.take("bin/workwire backup"), replaced=here)
    (made,) = (tmp_path / "backups").iterdir()
    assert f"{datetime.now(UTC).date().year}" in made.name
    restore, doctor, restored, up = page.take("bin/workwire restore /").splitlines()
    there = {"/srv/workwire": f"{tmp_path}/there"}
    shell.run(restore, replaced=here | there | {"workwire-2026-11-27.tar.gz": made.name})
    assert "restored" in shell.run(f"{doctor} || true", replaced=there)
    assert "Epoch 2 begins" in shell.run(restored, replaced=there)
    with _running(shell.start(f"{filled(up, there)} --port {port}")):
        wait_for_web("127.0.0.1", port)
        assert '"sending": "on"' in shell.run(f"curl -s http://127.0.0.1:{port}{page.take('/health/ready')}")
    assert "WORKWIRE_SENDING" in shell.run(
        f"{page.take('WORKWIRE_SENDING=held')} {page.take('bin/workwire resume-sending')} 2>&1 || true"
    )
    shell.run("bin/workwire resume-sending")
    for command in (page.take("workwire restored"), page.take("bin/workwire restored")):
        assert "begins" in shell.run(f"bin/{command.removeprefix('bin/')}")
    assert page.rest == []
