"""Which destinations a webhook may have, judged on a URL's text and on the very address connected to.

Guarantee: an address that is not plainly public is refused unless an operator's network allows its plain
form. Forms that carry an IPv4 address inside IPv6 get no such allowance, because another machine unpacks
them: tunnels (6to4, Teredo, ISATAP) are refused outright, NAT64's known prefix is judged by what is inside.
IPv4-mapped addresses never leave the host as IPv6 and are judged as the IPv4 address they are. A metadata
service is allowed only by a network of exactly its address. Names are looked up by `resolve_refusal` alone.
Sources: IANA special-purpose address registries, RFC 6890, 6052, 3056, 4380, 5214; `inet_aton` for numbers.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urlsplit

from workwire.kernel import sentences as _sentences  # noqa: F401 - registers, also where Django is not loaded
from workwire.kernel.hosts import ascii_name
from workwire.kernel.wording import Statement, statement

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2048
LONGEST_HOST = 253
PATH = "!$&'()*+,;=:@/%"  # with letters, digits and -._~, which `quote` never encodes
QUERY = PATH + "?"
DEFAULT_PORTS = {"http": 80, "https": 443}

METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google Cloud and others
        "169.254.169.253",  # AWS name server
        "169.254.170.2",  # AWS container credentials
        "169.254.170.23",  # AWS pod identity
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure platform
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",
        "fd00:ec2::253",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google Cloud
    )
)
IPV4_RULES = (
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "this_network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link_local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "relay_6to4"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
)
IPV6_RULES = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fc00::/7", "unique_local"),
    ("fe80::/10", "link_local"),
    ("fec0::/10", "site_local"),
    ("ff00::/8", "multicast"),
    ("2001:2::/48", "benchmarking"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("2001::/23", "reserved"),
)
TUNNELS = (
    ("::/96", "ipv4_compatible"),
    ("::ffff:0:0:0/96", "ipv4_translated"),
    ("64:ff9b:1::/48", "local_nat64"),
    ("2001::/32", "teredo"),
    ("2002::/16", "tunnel_6to4"),
)
PLAIN = frozenset((IPv6Address("::"), IPv6Address("::1")))  # in ::/96, and yet not IPv4-compatible
GLOBAL_IPV6 = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
ISATAP = 0x5EFE  # in the third quarter of the address; 0x0200 before it says the IPv4 address is a public one


def _rules(rows: Sequence[tuple[str, str]]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(network), rule) for network, rule in rows)


_IPV4, _IPV6, _TUNNELS = _rules(IPV4_RULES), _rules(IPV6_RULES), _rules(TUNNELS)
_NETLOC = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class UnsafeTarget(ValueError):
    """The URL may not be a destination; `rule` is the one it breaks."""

    def __init__(self, rule: Statement) -> None:
        super().__init__(str(rule))
        self.rule = rule


@dataclass(frozen=True, slots=True)
class ParsedTarget:
    """A destination in the one spelling it is judged and sent in: `host` without brackets, `url` in ASCII."""

    scheme: str
    host: str
    port: int
    url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what shares connections."""
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"


@dataclass(frozen=True)
class AddressPolicy:
    """What may be connected to: public addresses, and those in the networks an operator allows."""

    allowed_networks: Sequence[Network] = ()

    def refusal(self, ip: str) -> Statement | None:
        """The rule that forbids connecting to this address (a statement that does not repeat it), or None."""
        verdict = _judge(ip)
        if verdict is None:
            return None
        if verdict.allowable is not None and self._allows(verdict.allowable):
            return None
        if verdict.is_nat64:
            return statement("url_refused.nat64_address", rule=verdict.rule)
        return statement("url_refused.address", rule=verdict.rule)

    def _allows(self, address: Address) -> bool:
        networks = (network for network in self.allowed_networks if address in network)
        return any(address not in METADATA or network.num_addresses == 1 for network in networks)


def check_url(url: str, policy: AddressPolicy) -> ParsedTarget:
    """Judge a URL as far as its text tells, names not looked up; raises UnsafeTarget."""
    target = parse_url(url)
    if is_address(target.host) and (refusal := policy.refusal(target.host)):
        raise UnsafeTarget(refusal)
    return target


def parse_url(url: str) -> ParsedTarget:
    """Read a URL strictly and give its one spelling; raises UnsafeTarget with the rule that is broken."""
    if len(url) > LONGEST_URL:
        raise UnsafeTarget(statement("url_refused.too_long", most=LONGEST_URL))
    if any(char.isspace() or char == "\\" or not char.isprintable() for char in url):
        raise UnsafeTarget(statement("url_refused.characters"))
    if "#" in url:
        raise UnsafeTarget(statement("url_refused.fragment"))
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UnsafeTarget(statement("url_refused.unreadable")) from error
    if parts.scheme not in DEFAULT_PORTS:
        raise UnsafeTarget(statement("url_refused.scheme"))
    if "@" in parts.netloc:
        raise UnsafeTarget(statement("url_refused.credentials"))
    host, port = _host_and_port(parts.netloc, DEFAULT_PORTS[parts.scheme])
    netloc = bracketed(host) if port == DEFAULT_PORTS[parts.scheme] else f"{bracketed(host)}:{port}"
    rest = _encoded(parts.path or "/", PATH)
    if "?" in url:
        rest += "?" + _encoded(parts.query, QUERY)
    return ParsedTarget(parts.scheme, host, port, f"{parts.scheme}://{netloc}{rest}")


def origin_of(url: str) -> str | None:
    """Scheme, host and port of a URL, None where it is none."""
    try:
        return parse_url(url).origin
    except UnsafeTarget:
        return None


def _encoded(text: str, safe: str) -> str:
    """A path or query with nothing in it that no URI may have (RFC 3986, 3.3 and 3.4); what is encoded already stays."""
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe)


def is_address(host: str) -> bool:
    """Whether the host of a target is an address rather than a name."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def resolve_refusal(host: str, port: int, policy: AddressPolicy) -> Statement | None:
    """Look a host up (this waits for the name server) and give the rule that forbids any of its addresses.

    None also when the name does not resolve: that is not knowable now, and the guard at connect decides.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    refusals = (policy.refusal(str(sockaddr[0])) for *_, sockaddr in found)
    return next((refusal for refusal in refusals if refusal), None)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A refusal by `rule`, the name of words in `sentences`; `allowable` is the plain address an operator's network may allow
    all the same."""

    rule: str
    allowable: Address | None
    is_nat64: bool = False


@lru_cache(maxsize=4096)
def _judge(ip: str) -> _Verdict | None:
    if "%" in ip:
        return _Verdict("with_zone", None)
    try:
        address = ip_address(ip)
    except ValueError:
        return _Verdict("no_address", None)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address in METADATA:
        return _Verdict("metadata", address)
    if isinstance(address, IPv4Address):
        rule = _first_rule(address, _IPV4)
        return _Verdict(rule, address) if rule else None
    return _judge_ipv6(address)


def _judge_ipv6(address: IPv6Address) -> _Verdict | None:
    if address in NAT64:
        inner = _judge(str(IPv4Address(int(address) & 0xFFFFFFFF)))
        return _Verdict(inner.rule, None, is_nat64=True) if inner else None
    tunnel = None if address in PLAIN else _first_rule(address, _TUNNELS)
    if tunnel:
        return _Verdict(tunnel, None)
    rule = _first_rule(address, _IPV6)
    if rule:
        return _Verdict(rule, address)
    if int(address) >> 32 & 0xFDFFFFFF == ISATAP:
        return _Verdict("isatap", None)
    return None if address in GLOBAL_IPV6 else _Verdict("reserved", address)


def _first_rule(address: Address, rules: Sequence[tuple[Network, str]]) -> str | None:
    return next((rule for network, rule in rules if address in network), None)


def _host_and_port(netloc: str, default: int) -> tuple[str, int]:
    found = _NETLOC.fullmatch(netloc)
    if found is None:
        raise UnsafeTarget(statement("url_refused.no_host"))
    port = int(found["port"] or default) if len(found["port"] or "") <= 5 else 0
    if not 1 <= port <= 65535:
        raise UnsafeTarget(statement("url_refused.port"))
    return (_ipv6_host(found["six"]) if found["six"] else _named_host(found["name"])), port


def _ipv6_host(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise UnsafeTarget(statement("url_refused.ipv6")) from error


def _named_host(text: str) -> str:
    """A host name in ASCII and small letters, or the IPv4 address that a number in any base stands for."""
    if len(text) > LONGEST_HOST + 1:
        raise UnsafeTarget(statement("url_refused.host_too_long", most=LONGEST_HOST))
    try:
        name = ascii_name(text)  # mapped first and judged afterwards: full-width digits and dots become ordinary ones
    except ValueError as error:
        raise UnsafeTarget(statement("url_refused.not_ascii")) from error
    name = name.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4_host(name)
    if len(name) > LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise UnsafeTarget(statement("url_refused.host_characters"))
    return name


def _ipv4_host(text: str) -> str:
    try:
        return str(IPv4Address(socket.inet_aton(text)))
    except OSError as error:
        raise UnsafeTarget(statement("url_refused.ipv4")) from error


def bracketed(host: str) -> str:
    """A host as it stands in URLs: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
