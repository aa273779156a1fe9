"""docs/how-to/receive-webhooks.md taken literally: every command of the page, as it stands there, in a shell."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox import ledger
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks import reconciling
from workwire.rooms.work.models import WorkItem

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "receive-webhooks.md"
CURL = """#!/bin/sh
printf '%s\\0' "$@" > "$CALLS/arguments"
: > "$CALLS/answer.ready"
while [ -e "$CALLS/answer.ready" ]; do sleep 0.01; done
cat "$CALLS/answer"
"""


def _commands() -> list[str]:
    """The shell commands of the page, as they stand there."""
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in blocks if not language and "curl " in text]


class Shell:
    """A shell in which `curl` asks the client of the test."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._folder, self.variables = folder, variables
        curl = folder / "curl"
        curl.write_text(CURL)
        curl.chmod(0o700)

    def run(self, command: str) -> Any:
        """Run a command; returns the answer of the one call it makes, and keeps the token it set."""
        path = f"{self._folder}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "CALLS": str(self._folder), **self.variables}
        shell = str(shutil.which("sh"))
        running = subprocess.Popen(
            [shell, "-ec", f"{command}\nprintf '\\0%s' \"$TOKEN\""], env=environment, stdout=subprocess.PIPE
        )
        ready = self._folder / "answer.ready"
        while not ready.exists():
            assert running.poll() is None, command
        answer = _asked((self._folder / "arguments").read_text().split("\0")[:-1])
        (self._folder / "answer").write_bytes(answer.content)
        ready.unlink()
        said, _ = running.communicate(timeout=20)
        assert running.returncode == 0, command
        self.variables["TOKEN"] = said.decode().rpartition("\0")[2]
        assert answer.status_code < 300, (command, answer.content)
        return answer.json()


def _asked(arguments: list[str]) -> Any:
    """The answer to a call of curl."""
    method, url, headers, data = "", "", {}, []
    rest = iter(arguments)
    for argument in rest:
        if argument == "-X":
            method = next(rest)
        elif argument == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif argument == "-d":
            data.append(next(rest))
        elif argument != "-s":
            url = argument
    path, _, query = url.removeprefix("http://testserver").partition("?")
    kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
    method = method or ("POST" if data else "GET")
    return Client().generic(method, path, "&".join(data), kind, QUERY_STRING=query, headers=headers)


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")
def test_every_command_of_the_page_does_what_the_page_says(
    organisation: Organisation, actors: dict[str, Actor], first: Customer, receiver: Receiver, tmp_path: Path
) -> None:
    account = organisation.accounts["process builder"]
    roles, until = list(Role.objects.filter(name="Process Builder")), clock.now() + timedelta(days=1)
    credential, secret = access.create_credential(
        account.user, "x", roles, expires_at=until, by=actors["process builder"]
    )
    shell = Shell(
        tmp_path,
        {
            "BASE": "http://testserver",
            "USERNAME": account.user.username,
            "PASSWORD": account.password,
            "CLIENT_ID": credential.client_id,
            "CLIENT_SECRET": secret,
            "COMPANY": str(first.company.guid),
            "RECEIVER": receiver.url("/hook"),
            "TOKEN": "",
        },
    )
    log_in, exchange, subscribe, simulate, rotate = _commands()
    shell.run(log_in)
    assert shell.variables["TOKEN"].startswith("wwt_")
    assert shell.run(exchange)["access_token"].startswith("wwt_")
    made = shell.run(subscribe)["Result"]
    assert made["Signature"].startswith("whsec_")
    shell.variables["SUBSCRIPTION"] = made["GUID"]
    assert "Success" in shell.run(simulate)
    assert shell.run(rotate)["secret"].startswith("whsec_")


def test_a_digest_that_would_be_cut_short_is_refused(
    actors: dict[str, Actor], open_ticket: Callable[..., WorkItem], receiver: Receiver
) -> None:
    by, before = actors["integrator"], clock.now()
    open_ticket()
    after = ledger.position()
    terms = webhooks.Terms(0, receiver.url("/hook"))
    made, _ = webhooks.subscribe(terms, by=by, after=after)
    open_ticket()
    with pytest.raises(Invalid) as refused:
        reconciling.digests(made.guid, by=by, since=before)
    assert (refused.value.code, refused.value.field) == ("since_before_position", "since")
    (whole,) = reconciling.digests(made.guid, by=by)
    (told,) = reconciling.digests(made.guid, by=by, since=before, after=after)
    assert whole.count == told.count == 1


def test_the_recipe_of_the_digest_counts_once_and_leaves_tests_out() -> None:
    page = (PAGE.parent / "repair-and-reconcile.md").read_text()
    assert "LC_ALL=C sort -u event-ids-of-the-day | sha256sum" in page
    made = subprocess.run(  # noqa: S602 - the recipe of our own page
        "LC_ALL=C sort -u | sha256sum",
        shell=True,
        input=b"b\na\nb\n",
        capture_output=True,
        check=True,
    )
    assert made.stdout.split()[0].decode() == hashlib.sha256(b"a\nb\n").hexdigest()
