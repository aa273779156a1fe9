"""`workwire docs`: the generated pages."""

from __future__ import annotations

from pathlib import Path

import click

from workwire.cli import setup_django


@click.command()
@click.option("--check", is_flag=True, help="Only say whether a page is out of date; exit 1 if so.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/reference"))
def docs(check: bool, folder: Path) -> None:
    """Write the generated pages of docs/reference."""
    setup_django(making=False)
    from workwire.cli.docs import reference

    if check:
        stale = reference.out_of_date(folder)
        if stale:
            raise click.ClickException(f"Out of date: {', '.join(stale)}; run `bin/workwire docs`.")
        click.echo("The generated pages are up to date.")
        return
    written = reference.write(folder)
    click.echo(f"Wrote {', '.join(written)}." if written else "The generated pages are up to date.")
