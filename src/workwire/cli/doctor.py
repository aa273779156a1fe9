"""`workwire doctor`: one sentence for each thing that must be right."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from workwire import config, installation
from workwire.cli import missing_migrations, newer_release, one_line, setup_django, unknown_migrations
from workwire.cli.options import apply
from workwire.kernel import clock
from workwire.kernel.certificates import count_trusted_in, last_end_in, system_authorities
from workwire.kernel.folders import is_open_to_others, nearest

OLDEST_POSTGRESQL = 14
LATE_SECONDS = 60.0
SOON = timedelta(days=30)
MOST_CLOCK_OFFSET = 30.0  # seconds; more makes signatures look old to receivers


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether something is well, and the sentence that says so."""

    well: bool
    sentence: str


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def doctor(data: Path | None) -> None:
    """Check the installation and report what is wrong; exit 1 if anything is."""
    apply(data_dir=data and data.absolute())
    findings = [data_folder(), key_file(), privacy(), authorities(), *_with_database()]
    for finding in findings:
        click.echo(("ok     " if finding.well else "WRONG  ") + finding.sentence)
    if not all(finding.well for finding in findings):
        raise SystemExit(1)


def data_folder() -> Finding:
    """The data folder can be written, or made where it has not been needed so far."""
    settings = config.load()
    folder = settings.data_dir.absolute()
    if folder.is_dir():
        if not os.access(folder, os.W_OK):
            return Finding(False, f"The data folder {folder} cannot be written.")
        return Finding(True, f"The data folder is {folder}.")
    if not settings.database_url or not settings.secret_keys:
        return Finding(False, f"The data folder {folder} does not exist; `workwire up` makes it.")
    if settings.files_dir is None and not os.access(nearest(folder), os.W_OK):
        return Finding(False, f"The data folder {folder}, where files are to lie, does not exist and cannot be made.")
    return Finding(True, f"The data folder {folder} has not been needed yet.")


def key_file() -> Finding:
    """The secrets' key is there."""
    settings = config.load()
    if settings.secret_keys:
        return Finding(True, "The secret keys come from WORKWIRE_SECRET_KEYS.")
    path = settings.data_dir / "secret.key"
    if not path.exists():
        return Finding(False, f"The key file {path} is missing; without it stored secrets cannot be read.")
    return Finding(True, "The key file is there.")


def privacy() -> Finding:
    """Other accounts of the machine can open nothing of the installation."""
    opened = [path for path in installation.private_paths(config.load()) if is_open_to_others(path)]
    if not opened:
        return Finding(True, "Other accounts of this machine can open nothing of it.")
    names = ", ".join(f"{path} (mode {stat.S_IMODE(path.stat().st_mode):o})" for path in opened)
    return Finding(
        False, f"Other accounts of this machine can open {names}; `chmod go= …` closes it, and so does a start."
    )


def authorities() -> Finding:
    """Endpoints with TLS can be trusted by something."""
    path = config.load().webhook_ca_bundle or system_authorities()
    if path is None:
        return Finding(
            False,
            "This system has no file of certificate authorities, so no https endpoint is trusted: install ca-certificates "
            "or set WORKWIRE_WEBHOOK_CA_BUNDLE.",
        )
    try:
        count = count_trusted_in(path)
    except ValueError as error:
        return Finding(False, f"No https endpoint is trusted: {error}.")
    end = last_end_in(path)
    if end is not None and end < clock.now() + SOON:
        return Finding(
            False, f"The last of the certificate authorities in {path} ends on {end:%Y-%m-%d}; renew the file."
        )
    return Finding(True, f"Endpoints are trusted by the {count} certificate authorities in {path}.")


def _with_database() -> list[Finding]:
    from django.db import DatabaseError

    settings = config.load()
    if not settings.is_postgresql and not Path(settings.database.removeprefix("sqlite:///")).exists():
        return [Finding(False, f"There is no database in {settings.database}; `workwire up` makes one.")]
    setup_django(making=False)
    findings: list[Finding] = []
    checks: tuple[Callable[[], Finding], ...] = (
        sending,
        secrets,
        names,
        workers,
        subscribers,
        jobs,
        backlog,
        listening,
    )
    try:
        for needed in (database, migrations):
            findings.append(needed())
            if not findings[-1].well:
                return findings
        findings += [check() for check in checks]
    except DatabaseError as error:
        findings.append(Finding(False, f"The database does not answer: {one_line(error)}."))
    return findings


def database() -> Finding:
    """The database answers and is of a version we run on."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0]) // 10_000
            enough = version >= OLDEST_POSTGRESQL
            return Finding(enough, f"PostgreSQL {version} answers; {OLDEST_POSTGRESQL} or later is needed.")
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    return Finding(mode == "wal", f"The embedded database answers, journal mode {mode}.")


def migrations() -> Finding:
    """The database is the one of this release."""
    missing = len(missing_migrations())
    if missing:
        return Finding(False, f"{missing} migrations are missing; run `workwire migrate`.")
    if unknown := unknown_migrations():
        return Finding(False, newer_release(unknown))
    return Finding(True, "The database is up to date.")


def secrets() -> Finding:
    """The keys open what is stored; looked at for one or two subscriptions."""
    from workwire.reactions.webhooks import queries

    unreadable = queries.unreadable()
    if unreadable is not None:
        return Finding(
            False,
            f"No key opens the stored secret of subscription {unreadable.guid}, so nothing can be signed: give every process "
            "the keys it was stored with (the first installation's secret.key) and restart it, or rotate the secret.",
        )
    return Finding(True, "The keys open the stored secrets.")


def names() -> Finding:
    """Which records were there before names were compared whatever their spelling, and have one that another one has."""
    from workwire.kernel import keys

    found = [f"{what} '{name}'" for what, name in keys.ambiguous()]
    if not found:
        return Finding(True, "No two names differ only in their spelling.")
    shown = ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
    return Finding(
        True, f"Other records have the same names in a different spelling: {shown}; rename what people mix up."
    )


def sending() -> Finding:
    """Messages may go out from here."""
    from workwire.outbox import restores

    reason = restores.held()
    if reason:
        return Finding(False, f"Sending is held. {restores.explained(reason)}")
    return Finding(True, "Messages are sent from here.")


def workers() -> Finding:
    """Somebody sends, and tells how it goes: no data is an alarm."""
    from workwire.kernel import clock
    from workwire.outbox import restores
    from workwire.reactions.webhooks import workers

    if restores.held():
        return Finding(True, "Workers wait while sending is held; timers, mail and jobs stand still with it.")
    seen = workers.seen(clock.now())
    alive = [one for one in seen if one.is_alive]
    if not alive:
        last = min(seen, key=lambda one: one.silent_for, default=None)
        silent = f" {last.name} has been silent for {last.silent_for:.0f} seconds." if last else ""
        return Finding(False, f"No worker is alive; run `workwire up` or `workwire worker`.{silent}")
    mute = [one.name for one in alive if one.report is None]
    if mute:
        return Finding(False, f"Worker {', '.join(mute)} tells no figures; is it of an older release?")
    wrong = [one.name for one in alive if one.report and abs(one.report.clock_offset) > MOST_CLOCK_OFFSET]
    if wrong:
        return Finding(False, f"The clock of worker {', '.join(wrong)} differs from the database's; set it by NTP.")
    return Finding(True, f"{len(alive)} worker{'s are' if len(alive) > 1 else ' is'} alive.")


def subscribers() -> Finding:
    """How many subscriptions are not well; that is for their owners to mend, and no fault of the installation."""
    from workwire.reactions.webhooks import queries

    unwell = queries.unwell(clock.now())
    paused, failing, lost = unwell["paused"], unwell["failing"], unwell["access_lost"]
    ending, ended = unwell["certificates_ending"], unwell["certificates_ended"]
    return Finding(
        True,
        f"{paused} {'subscription is' if paused == 1 else 'subscriptions are'} paused, "
        f"{failing} {'has' if failing == 1 else 'have'} a failing endpoint, "
        f"{lost} {'lacks' if lost == 1 else 'lack'} a right of {'its' if lost == 1 else 'their'} owner, "
        f"{ending} {'has' if ending == 1 else 'have'} certificates that soon end, "
        f"{ended} {'has' if ended == 1 else 'have'} ones that have ended.",
    )


def backlog() -> Finding:
    """Nothing has been due for long."""
    from workwire.kernel import clock
    from workwire.reactions.webhooks import queue

    ages = queue.ages(clock.now())
    if ages.healthy > LATE_SECONDS:
        return Finding(False, f"A delivery has been due for {ages.healthy:.0f} seconds; are the workers keeping up?")
    if ages.oldest > LATE_SECONDS:
        return Finding(
            True, f"Only messages to failing endpoints have been due for long, up to {ages.oldest:.0f} seconds."
        )
    return Finding(True, "Nothing has been due for long.")


def listening() -> Finding:
    """Every listener keeps up with its events and can handle them."""
    from workwire.kernel import clock
    from workwire.outbox import listener_feed

    found = {feed.name: feed.standing(clock.now()) for feed in listener_feed.every()}
    aside = [f"{one.aside} events cannot be handled for {name}" for name, one in found.items() if one.aside]
    late = [f"{name} is {one.lag:.0f} seconds behind" for name, one in found.items() if one.lag > LATE_SECONDS]
    if aside or late:
        return Finding(False, f"Listeners: {', '.join([*aside, *late])}; the log of the workers says why.")
    return Finding(True, f"Nothing waits long for a listener ({', '.join(found)}).")


def jobs() -> Finding:
    """Jobs are begun when they are ready, and the standing ones go well."""
    from workwire.jobs import queries
    from workwire.kernel import clock

    found = queries.health(clock.now())
    late = {lane: age for lane, age in found.overdue.items() if age > queries.LATE.total_seconds()}
    if late:
        told = ", ".join(f"{lane} ({age:.0f} seconds)" for lane, age in sorted(late.items()))
        return Finding(False, f"Jobs are ready and not begun in the lanes {told}; is a worker of this release alive?")
    broken = [f"{one.kind}: {one.error_text}" for one in queries.standing() if one.error_code]
    if broken:
        return Finding(False, f"Standing jobs fail. {' '.join(broken)}")
    failed = sum(found.failed.values())
    of_them = f" Given up within a day: {failed}; see `GET /api/v1/jobs?state=failed`." if failed else ""
    return Finding(True, f"Jobs that fail and are tried again: {sum(found.failing.values())}.{of_them}")
