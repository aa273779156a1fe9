"""Every form in which a destination can point inward, or be read differently by two readers: one table for all gates.

A destination passes three gates: the text of its URL, what its name resolves to when it is saved, and the address that is
connected to. The tests that import this table hold each of its rows against all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

HOSTS: dict[str, str] = {
    "private": "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 192.168.255.254",
    "loopback": "127.0.0.1 127.0.0.2 127.255.255.254 [::1] [0:0:0:0:0:0:0:1]",
    "unspecified and this network": "0.0.0.0 0.1.2.3 [::] [0:0:0:0:0:0:0:0]",
    "link-local": "169.254.0.1 169.254.255.254 [fe80::1] [febf::1]",
    "metadata": (
        "169.254.169.254 169.254.169.253 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192 "
        "[fd00:ec2::254] [fd00:ec2::253] [fd00:ec2::23] [fd20:ce::254] [fe80::a9fe:a9fe]"
    ),
    "a carrier's": "100.64.0.1 100.127.255.254",
    "multicast and broadcast": "224.0.0.1 239.255.255.250 255.255.255.255 [ff02::1] [ff0e::1]",
    "reserved": "240.0.0.1 254.1.2.3 192.0.0.1 192.88.99.1 [2001:1::1] [2001:20::1] [100::1] [5f00::1] [4000::1]",
    "documentation": "192.0.2.1 198.51.100.1 203.0.113.1 [2001:db8::1] [3fff::1]",
    "benchmarking": "198.18.0.1 198.19.255.254 [2001:2::1]",
    "unique local and site-local": "[fc00::1] [fdff::1] [fec0::1]",
    "IPv4 mapped, compatible, translated": (
        "[::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::127.0.0.1] [::a9fe:a9fe] "
        "[::8.8.8.8] [::ffff:0:127.0.0.1] [::ffff:0:8.8.8.8]"
    ),
    "tunnels": (
        "[2002:7f00:1::] [2002:a9fe:a9fe::1] [2002:808:808::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] "
        "[2001:0:7f00:1::] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::8.8.8.8] [64:ff9b:1:fffe::a00:1] "
        "[2a00:1450::5efe:10.0.0.1] [2a00:1450::200:5efe:7f00:1] [fe80::5efe:c0a8:1]"
    ),
    "numbers in other bases": (
        "2130706433 0x7f000001 0x7F000001 017700000001 0177.0.0.1 0x7f.0.0.1 0x7f.1 127.1 127.0.1 10.1 0xa.0x0.0x0.0x1 "
        "2852039166 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 169.254.43518 0 00 0x0 0x 4294967295 "
        "4294967296 127.0.0.1.1 256.0.0.1 08.0.0.1 0x7g.0.0.1.2 1.2.3.4.5 00000000000000000177.0.0.1"
    ),
    "dots at the end": "127.0.0.1. 10.0.0.1. 169.254.169.254. 2130706433. 127.0.0.1.. 0x7f.1.",
    "other alphabets' digits and dots": (
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11 127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1 "
        "\u2460\u2461\u2466.0.0.1 \u0661\u0662\u0667.0.0.1 1\U0001d7ce.0.0.1 \U0001d7d91\U0001d7da1.1 127.0.0.\u00b9"
    ),
    "zones": "[fe80::1%eth0] [fe80::1%25eth0] [fe80::1%251] [::1%lo] [::1%25lo]",
    "escapes": "127%2e0%2e0%2e1 %31%32%37.0.0.1 %6c%6f%63%61%6c%68%6f%73%74 127.0.0.1%00 127.0.0.1%23 [%3a%3a1]",
    "no host at all": "[] [::1 ::1 [v1.fe] [::1]x [127.0.0.1] . .. -a.example a_.-b a..b .example",
}
URLS = (
    # who is the host?
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://user:secret@example.org/",
    "http://@example.org/",
    "http://example.org:80@127.0.0.1/",
    "http://example.org%40127.0.0.1/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\@127.0.0.1/",
    "http://example.org\\.127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http:/\\127.0.0.1/",
    "http:///127.0.0.1/",
    "http:////127.0.0.1/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1",
    "http://example.org#@127.0.0.1/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1?@example.org/",
    "http://127.0.0.1;@example.org/",
    "http://example.org,127.0.0.1/",
    "http://example.org&@127.0.0.1/",
    # control characters and blanks
    "http://127.0.0.1\t/",
    "http://127.0\t.0.1/",
    "ht\ntp://127.0.0.1/",
    "http://example.org\n.127.0.0.1/",
    "http://example.org/\r\nX-Injected: yes",
    "http://example.org/ HTTP/1.1\r\nHost: other",
    "http://example.org/\x00",
    "http://example.org\x00.127.0.0.1/",
    "http://example.org/a\u2028b",
    "http://example.org/a\u00a0b",
    "http://exam\u00adple.org/",
    "http://exam\u200bple.org/",
    "http://exam ple.org/",
    # ports
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://example.org:-1/",
    "http://example.org:80:80/",
    "http://example.org:٨٠/",
    "http://example.org:0x50/",
    "http://example.org:99999999999999999999/",
    "http://example.org:80 /",
    # schemes
    "",
    "http",
    "http:",
    "http://",
    "https://",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stats",
    "ldap://example.org/",
    "ws://example.org/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "jar:http://example.org/!/",
    # the rest
    "http://example.org/#fragment",
    "http://example.org/#",
    "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 130 + "example/",
    "http://example.org/" + "x" * 2048,
)
WELL_FORMED = (
    "https://hooks.example.org/in",
    "http://xn--bcher-kva.example:8080/?a=b",
    "https://bücher.example/%0d%0a",
)


def inward(port: int = 0) -> Iterator[str]:
    """A URL for every host of the table, with a port where one is named."""
    for hosts in HOSTS.values():
        for host in hosts.split():
            yield f"http://{host}{f':{port}' if port else ''}/hook"


def refused() -> list[str]:
    """All URLs that no gate may let through."""
    return [*inward(), *URLS]
