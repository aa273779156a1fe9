"""The lock files and their page: what is installed is pinned, agrees, names no address and has a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WANTED = re.findall(r"^[a-z0-9-]+", (ROOT / "requirements" / "base.in").read_text(), re.MULTILINE)


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)", text, re.MULTILINE))


def test_every_dependency_has_a_licence_and_a_reason_and_nothing_else_has() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert sorted(re.findall(r"^\| ([a-z][a-z0-9-]+) \| .+ \| .+ \|$", page, re.MULTILINE)) == sorted(
        [*WANTED, "package"]
    )


def test_every_dependency_is_pinned() -> None:
    assert set(WANTED) <= set(_pins("base.txt"))


def test_the_development_lock_holds_the_base_lock() -> None:
    base, dev = _pins("base.txt"), _pins("dev.txt")
    assert {name: dev.get(name) for name in base} == base


@pytest.mark.parametrize("lock", ["base.txt", "dev.txt", "bench.txt"])
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", text.strip())
    assert len(blocks) == len(_pins(lock))
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
