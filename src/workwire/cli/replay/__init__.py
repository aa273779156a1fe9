"""`workwire replay`: an event log becomes real work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from workwire.cli import open_installation
from workwire.cli.options import apply
from workwire.cli.replay.xes import XesError, XesEvent, read_traces


@click.command()
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0,
    help="Log seconds per second; 0 is as fast as possible.",
)
@click.option("--limit", type=click.IntRange(1), help="Play at most this many traces.")
@click.option("--robot", help="User name of the robot to act as; the first active one otherwise.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def replay(log: Path, speed: float, limit: int | None, robot: str | None, data: Path | None) -> None:
    """Play every trace of LOG.xes[.gz] as a case whose actions are its events, through the ordinary commands."""
    apply(data_dir=data and data.absolute())
    open_installation()
    from workwire.cli.replay.player import CannotPlay, play_all, player_for
    from workwire.kernel.errors import DomainError

    try:
        total, activities = _survey(log, limit)
        player = player_for(robot, log.name.split(".")[0], activities)
        events, traces = 0, -1
        with _progress() as progress:
            task = progress.add_task("traces", total=total)
            for number, event in _paced(play_all(player, read_traces(log, limit=limit)), speed):
                events, traces = events + 1, number
                progress.update(task, completed=number, description=event.activity[:40])
            progress.update(task, completed=traces + 1, description="done")
    except (CannotPlay, XesError, DomainError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Played {traces + 1} traces with {events} events.")


def pause_between(before: XesEvent | None, event: XesEvent, speed: float) -> float:
    """Seconds to wait between two events of one trace: their distance in the log divided by `speed`; nothing before the
    first, for unknown times, for times that run backwards, and at speed 0."""
    if not speed or before is None or before.timestamp is None or event.timestamp is None:
        return 0.0
    return max(0.0, (event.timestamp - before.timestamp).total_seconds()) / speed


def _survey(log: Path, limit: int | None) -> tuple[int, set[str]]:
    """How many traces a log has, and which activities. All of it is read before anything is played; raises XesError."""
    traces, activities = 0, set[str]()
    for trace in read_traces(log, limit=limit):
        traces += 1
        activities.update(event.activity for event in trace.events)
    if not traces:
        raise XesError(f"{log.name} holds no traces.")
    return traces, activities


def _paced(played: Iterable[tuple[int, XesEvent]], speed: float) -> Iterator[tuple[int, XesEvent]]:
    trace, before = -1, None
    for number, event in played:
        time.sleep(pause_between(before if number == trace else None, event, speed))
        trace, before = number, event
        yield number, event


def _progress() -> Progress:
    return Progress(TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
