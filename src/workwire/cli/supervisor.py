"""Several processes under one roof: started together, restarted when one dies, drained by one signal."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from workwire.cli import loopback
from workwire.kernel.stopping import SUPERVISOR, Mark, set_on_signals

logger = logging.getLogger(__name__)
DRAIN_SECONDS = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
HEALTHY_AFTER = 30.0
LOOK_EVERY = 0.2
MOST_RESTARTS = 5
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running: a name for people, the command, what is added to the environment, and the exit statuses
    after which to start it again would not help."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    final: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0
    restart_at: float | None = None


class Supervisor:
    """Keeps child processes running until it is told to stop; children never outlive it. What they say goes to `output`, or
    where our own words go."""

    def __init__(self, specs: Sequence[ChildSpec], *, output: IO[bytes] | None = None) -> None:
        self._specs = specs
        self._output = output
        self._children: list[_Child] = []
        self._stopping = Mark()

    @property
    def ended_for_good(self) -> bool:
        """Whether a child ended with one of its final exit statuses."""
        return any(child.process.returncode in child.spec.final for child in self._children)

    def start(self) -> None:
        """Start all children."""
        self._children = [_Child(spec, _spawn(spec, self._output), time.monotonic()) for spec in self._specs]

    def wait_ready(self, url: str, timeout: float) -> bool:
        """Wait until a URL answers 200; False when a child died or the time was over first."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not self._stopping.is_set():
            if any(child.process.poll() is not None for child in self._children):
                return False
            try:
                with loopback.call(url, timeout=2) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        return False

    def run(self) -> int:
        """Watch the children until `stop` or a signal; returns the exit status: 1 when a child kept failing."""
        status = 0
        set_on_signals(self._stopping)
        while not self._stopping.wait(LOOK_EVERY):
            if not all(self._keep_alive(child) for child in self._children):
                status = 1
                break
        self.stop()
        return status

    def stop(self) -> None:
        """Ask all children to drain, wait for them, and kill what will not end."""
        self._stopping.set()
        for child in self._children:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN_SECONDS
        for child in self._children:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("%s did not drain in time and is killed", child.spec.name)
                child.process.kill()
                child.process.wait()

    def _keep_alive(self, child: _Child) -> bool:
        """Restart a child that died, with growing pauses; False when it keeps failing."""
        now = time.monotonic()
        if child.process.poll() is None:
            if child.restarts and now - child.started > HEALTHY_AFTER:
                child.restarts = 0
            return True
        if child.process.returncode in child.spec.final:
            return False
        if child.restart_at is None:
            if child.restarts >= MOST_RESTARTS:
                logger.error("%s keeps failing (exit status %s); giving up", child.spec.name, child.process.returncode)
                return False
            pause = min(FIRST_PAUSE * 2**child.restarts, LONGEST_PAUSE)
            logger.warning(
                "%s ended with exit status %s; starting it again in %.1f s",
                child.spec.name,
                child.process.returncode,
                pause,
            )
            child.restart_at = now + pause
        elif now >= child.restart_at:
            child.process, child.started, child.restart_at = _spawn(child.spec, self._output), now, None
            child.restarts += 1
        return True


def _spawn(spec: ChildSpec, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    # A session of its own, so that Ctrl-C reaches the supervisor alone, which then drains in order.
    return subprocess.Popen(  # noqa: S603 - commands are our own
        list(spec.argv),
        env={**os.environ, **spec.env, SUPERVISOR: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
