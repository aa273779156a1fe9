"""Which destinations a webhook may have: the table of forms in which an address can hide."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workwire.kernel.addresses import AddressPolicy, UnsafeTarget, check_url, parse_url, resolve_refusal
from workwire.kernel.hosts import ascii_address

STRICT = AddressPolicy()
LOOPBACK_ALLOWED = AddressPolicy((ip_network("127.0.0.0/8"), ip_network("::1/128")))

REFUSED = """
10.0.0.1 172.16.0.1 172.31.255.254 192.168.1.1 127.0.0.1 127.255.255.254 169.254.169.254 169.254.0.1 0.0.0.0
100.64.0.1 100.127.255.254 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 192.0.2.1 198.51.100.1 203.0.113.1
198.18.0.1 192.0.0.1 ::1 :: fe80::1 fc00::1 fd00:ec2::254 ff02::1 fec0::1 2001:db8::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1
::10.0.0.1 2002:0a00:0001:: 2002:7f00:0001:: 64:ff9b::10.0.0.1 64:ff9b:1::10.0.0.1 2001:0:4136:e378:8000:63bf:3fff:fdd2
fe80::1%eth0
""".split()
PUBLIC = ["93.184.215.14", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e"]


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert STRICT.refusal(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_not(address: str) -> None:
    assert STRICT.refusal(address) is None


@given(st.ip_addresses(v=4))
def test_an_address_does_not_pass_by_wearing_another_form(address: IPv4Address) -> None:
    number = int(address)
    forms = (
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x2002 << 112 | number << 80),
        IPv6Address(0x64FF9B << 96 | number),
    )
    if STRICT.refusal(str(address)):
        assert all(STRICT.refusal(str(form)) for form in forms)


def test_an_operator_can_allow_networks() -> None:
    assert LOOPBACK_ALLOWED.refusal("127.0.0.1") is None
    assert LOOPBACK_ALLOWED.refusal("::1") is None
    assert LOOPBACK_ALLOWED.refusal("10.0.0.1")
    assert LOOPBACK_ALLOWED.refusal("2002:7f00:0001::")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "//example.com/",
        "example.com",
        "",
        "http://",
        "http:///path",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com\\@10.0.0.1/",
        "http://example.com/#fragment",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://10.0.0.1./",
        "http://169.254.169.254/latest/meta-data/",
        "http://" + "a" * 3000 + ".com/",
    ],
)
def test_a_url_that_must_not_be_saved(url: str) -> None:
    with pytest.raises(UnsafeTarget):
        check_url(url, STRICT)


def test_a_url_that_may_be_saved() -> None:
    target = check_url("https://Hooks.Example.com:8443/path?x=1", STRICT)
    assert (target.scheme, target.host, target.port) == ("https", "hooks.example.com", 8443)
    assert check_url("http://127.0.0.1:9000/", LOOPBACK_ALLOWED).port == 9000


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://fass.example/", "https://fass.example/"),
        ("https://βόλος.example/", "https://xn--nxasmm1c.example/"),
        ("https://ＢÜCHER。example/", "https://xn--bcher-kva.example/"),
        ("https://xn--fa-hia.example/", "https://xn--fa-hia.example/"),
        ("https://under_score.example/", "https://under_score.example/"),
        ("http://a.example/p?", "http://a.example/p?"),
        ("http://a.example?", "http://a.example/?"),
        ("http://a.example", "http://a.example/"),
        ('http://a.example/{x}"|<>^`[y]', "http://a.example/%7Bx%7D%22%7C%3C%3E%5E%60%5By%5D"),
        ('http://a.example/?{x}"|<>^`[y]', "http://a.example/?%7Bx%7D%22%7C%3C%3E%5E%60%5By%5D"),
        ("http://a.example/%zz%4a%C3%", "http://a.example/%25zz%4a%C3%25"),
        ("http://a.example/ä?ö=ü", "http://a.example/%C3%A4?%C3%B6=%C3%BC"),
        ("http://a.example/a!$&'()*+,;=:@/~-._?a!$&'()*+,;=:@/~-._?", None),
    ],
)
def test_a_url_has_one_spelling_with_nothing_in_it_that_no_uri_may_have(given: str, written: str | None) -> None:
    target = parse_url(given)
    assert target.url == (written or given)
    assert parse_url(target.url) == target


@pytest.mark.parametrize("host", ["💩.example", "a\u200db.example", "-ä.example", "xn--ä.example", "a..ä", "ä" * 300])
def test_a_name_that_idna_does_not_know_is_refused(host: str) -> None:
    with pytest.raises(UnsafeTarget):
        parse_url(f"http://{host}/")


def test_a_mail_domain_is_spelled_as_a_host_is() -> None:
    assert ascii_address("Jörg@Faß.Example") == "Jörg@xn--fa-hia.example"
    assert ascii_address("a@b.example") == "a@b.example"
    with pytest.raises(ValueError, match="Codepoint"):
        ascii_address("a@💩.example")


def test_a_name_that_leads_inward_is_refused_where_that_is_known() -> None:
    assert resolve_refusal("localhost", 80, STRICT)
    assert resolve_refusal("localhost", 80, LOOPBACK_ALLOWED) is None
    assert resolve_refusal("does-not-exist.invalid", 80, STRICT) is None
