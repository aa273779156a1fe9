"""`workwire doctor`: one sentence for each thing that must be right."""

from __future__ import annotations

from pathlib import Path

import click

from workwire import config
from workwire.checks import machine
from workwire.checks.outcomes import Finding, Outcome, wrong
from workwire.cli import setup_django
from workwire.cli.options import apply
from workwire.kernel.wording import statement

_SHOWN = {Outcome.OK: "ok", Outcome.NOTE: "note", Outcome.WRONG: "WRONG"}


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def doctor(data: Path | None) -> None:
    """Check the installation and report what is wrong; exit 1 if anything is."""
    apply(data_dir=data and data.absolute())
    findings = [*machine.findings(), *_with_database()]
    for finding in findings:
        click.echo(f"{_SHOWN[finding.outcome]:<7}{finding.sentence}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)


def _with_database() -> list[Finding]:
    settings = config.load()
    if not settings.is_postgresql and not Path(settings.database.removeprefix("sqlite:///")).exists():
        said = statement("database_missing", database=settings.database)
        return [wrong("database", said, statement("database_missing.advice"))]
    setup_django(making=False)
    from workwire.checks import inspection

    return inspection.of_database()
