"""A setting that is wrong stops the start with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from workwire import config
from workwire.config import ConfigError


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    config.load.cache_clear()
    yield
    config.load.cache_clear()


@pytest.mark.parametrize("wrong", ["correct-horse-battery-staple", "A" * 44, "ümläut"])
@pytest.mark.parametrize("beside", ["", "2F0hCOqqEXMQVqz7nzMqVhQBPPtPm0rQwRmL8IpqZkM=,"], ids=["alone", "second"])
def test_a_key_that_is_none_is_refused_and_not_shown(wrong: str, beside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKWIRE_SECRET_KEYS", beside + wrong)
    with pytest.raises(ConfigError, match=r"^Setting WORKWIRE_SECRET_KEYS is wrong: .*openssl rand") as refused:
        config.load()
    assert wrong not in f"{refused.value} {refused.value.__cause__}"


def test_keys_are_read_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("WORKWIRE_SECRET_KEYS", ", ".join(keys))
    assert config.secret_keys(config.load()) == keys


@pytest.mark.parametrize("content", ["", "something else\n"])
def test_a_key_file_without_a_key_is_refused(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKWIRE_SECRET_KEYS")
    monkeypatch.setenv("WORKWIRE_DATA_DIR", str(tmp_path))
    (tmp_path / "secret.key").write_text(content)
    with pytest.raises(ConfigError, match="holds something else than Fernet keys"):
        config.secret_keys(config.load())
