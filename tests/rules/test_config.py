"""A setting that is wrong stops the start with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet

from tests.support.certificates import Authority
from workwire import config, installation
from workwire import settings as product
from workwire.config import ConfigError
from workwire.kernel import certificates as certificates_of
from workwire.kernel import clock


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
    assert installation.secret_keys(config.load()) == keys


@pytest.mark.parametrize("content", [b"", b"something else\n", b"\xff\xfe\x00", b"k\x1b[31m"])
def test_a_key_file_without_a_key_is_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKWIRE_SECRET_KEYS")
    monkeypatch.setenv("WORKWIRE_DATA_DIR", str(tmp_path))
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(ConfigError, match="holds something else than Fernet keys"):
        installation.secret_keys(config.load())


JUNK = [
    *("", " ", "x", "-1", "0", "99999999", "1e400", "nan", "inf", "NaN", "1_000_000_000_000_000_000_000", "9" * 5000),
    *(
        "[::1",
        "[::1]",
        "::1::",
        "::",
        "h:abc",
        "a" * 300,
        "ü",
        "\udcff",
        "a\x07b",
        "a\nb",
        "a\u202eb",
        "%",
        "%zz",
        "True",
    ),
    *("smtp://u:p@h:abc", "smtp://u:p@h:99999999", "smtp://[::1", "smtp://", "smtp://@", "smtps://h:0"),
    *(
        "postgresql://u:p@h:abc/d",
        "postgresql://u:p@h:99999999/d",
        "postgresql://[::1/d",
        "postgresql://h",
        "postgresql://",
    ),
    *("postgresql://u:%zz@h/d", "postgresql://h/d?nonsense=1", "postgres://h/d?host", "mysql://h/d"),
    *(
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://x",
        "1,2",
        "1,2,x",
        "1,2,99999999999",
        ",".join("1" * 500),
        ",,,",
        "a@b@c",
    ),
    *("10.0.0.0/99", "10.0.0.1/8", "::/129", "@", "a@", "<a@b>", "http://x/", "../..", "/dev/null", "a/b", "{", "None"),
]


@pytest.mark.parametrize("name", [*config.Config.model_fields])
def test_whatever_a_setting_holds_it_is_taken_or_refused_with_one_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what comes of it: the database's parameters, the keys and the mail server's address."""
    monkeypatch.setenv("WORKWIRE_MAIL_FROM", "service@example.org")
    setting, refused = f"WORKWIRE_{name.upper()}", list[str]()
    for junk in JUNK:
        monkeypatch.setenv(setting, junk)
        config.load.cache_clear()
        try:
            settings = config.load()
        except ConfigError as error:
            refused.append(str(error))
        else:
            if settings.is_postgresql:
                monkeypatch.setattr(product, "CONFIG", settings)
                assert product.postgresql(settings.database)["NAME"]
            assert not settings.smtp_url or 0 < (urlsplit(settings.smtp_url).port or 25) < 65536
            for span in ("webhook_retention_days", "feedback_window_hours", "token_idle_minutes"):
                clock.now() - timedelta(**{span.rpartition("_")[2]: getattr(settings, span)})
    assert refused, "at least one of these makes no sense"
    begins = (f"Setting {setting} is wrong: ", "The settings are wrong: ")
    assert [said for said in refused if not (said.startswith(begins) and said.isprintable() and len(said) < 400)] == []


TOML = [
    *(
        b"\xff",
        b"port = ",
        b"port = '1'\nport = 2",
        b"port = [[[[" + b"[" * 5000,
        b"nonsense = 1",
        b"[port]\na = 1",
        b"\x00",
    ),
    *(b"port = 1979-05-27", b"data_dir = 5", b'data_dir = "\\u0000"', b"secret_keys = [1, 2]", b"allowed_hosts = {}"),
    *(
        b"database_url = [1]",
        b"webhook_retry_schedule = ['a', 2, 3]",
        b"webhook_timeout = inf",
        b"''' = 1",
    ),
    b"trusted_proxies = [['10.0.0.0/8']]",
]


@pytest.mark.parametrize("content", TOML)
def test_a_file_of_settings_that_is_none_is_refused_with_one_sentence(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    for name in ("DATA_DIR", "SECRET_KEYS", "WEBHOOK_ALLOWED_NETWORKS", "LOG_LEVEL"):
        monkeypatch.delenv(f"WORKWIRE_{name}")
    monkeypatch.delenv("WORKWIRE_DATABASE_URL", raising=False)
    monkeypatch.setenv("WORKWIRE_CONFIG", str(tmp_path / "settings.toml"))
    with pytest.raises(ConfigError) as refused:
        config.load()
    assert str(refused.value).isprintable()
    assert str(refused.value).endswith((".", "settings.md."))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("smtp_url", "smtp://u:p@h:abc", "smtp://user:password@host:587"),
        ("database_url", "postgresql://u:geheim@h:99999999/d", "postgresql://user:password@host:5432/database"),
        ("database_url", "postgresql://u:geheim@[::1/d", "postgresql://user:password@host:5432/database"),
        ("host", "fe80:::1", "write one without brackets and port, as ::1"),
        ("port", "99999999", "less than or equal to 65535"),
        ("data_dir", "\udcff", "one line of UTF-8 text"),
    ],
)
def test_the_sentence_says_what_to_write_and_no_password(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKWIRE_MAIL_FROM", "service@example.org")
    monkeypatch.setenv(f"WORKWIRE_{name.upper()}", value)
    with pytest.raises(ConfigError, match=re.escape(said)) as refused:
        config.load()
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is of no use: no certificates in PEM are in it.*"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "is of no use: .*one of them cannot be read",
        ),
    ],
    ids=["gone", "empty", "broken"],
)
def test_a_file_of_authorities_that_is_none_is_refused(
    content: bytes | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("WORKWIRE_WEBHOOK_CA_BUNDLE", str(path))
    with pytest.raises(ConfigError, match=rf"^Setting WORKWIRE_WEBHOOK_CA_BUNDLE is wrong: {path} {sentence}\.$"):
        config.load()


def test_authorities_are_counted_whatever_stands_between_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "authorities.pem"
    certificates = [Authority(f"Root {number}").certificate for number in range(2)]
    path.write_bytes("# Ärzte\n".encode() + certificates[0] + b"# \xff\n" + certificates[1])
    monkeypatch.setenv("WORKWIRE_WEBHOOK_CA_BUNDLE", str(path))
    assert config.load().webhook_ca_bundle == path
    assert certificates_of.count_trusted_in(path) == 2
