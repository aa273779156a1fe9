"""A name server of our own on loopback (UDP, RFC 1035), whose answers a test may change between two questions."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import TracebackType
from typing import Self

A, AAAA, OK, NO_SUCH_NAME = 1, 28, 0, 3


@dataclass
class NameServer:
    """Answers `names` with time to live 0; use it as a context manager in the network it is to serve.

    `names` maps a name to the addresses it has, in the order they are answered; questions about `silent` ones get no answer;
    `asked` lists names in the order of questions.
    """

    names: dict[str, list[str]]
    silent: frozenset[str] = frozenset()
    address: tuple[str, int] = ("127.0.0.1", 53)
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        threading.Thread(target=self._serve, name="names", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                question, asker = self._socket.recvfrom(1500)
                name, end = _name(question, 12)
                self.asked.append(name)
                if name not in self.silent:
                    self._socket.sendto(self._answer(question, name, end), asker)

    def _answer(self, message: bytes, name: str, end: int) -> bytes:
        kind = struct.unpack_from("!H", message, end)[0]
        addresses = [ip_address(text) for text in self.names.get(name, ())]
        wanted = [address.packed for address in addresses if _kind(address) == kind]
        code = OK if name in self.names else NO_SUCH_NAME
        head = struct.pack("!2sHHHHH", message[:2], 0x8180 | code, 1, len(wanted), 0, 0)
        records = (struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(packed)) + packed for packed in wanted)
        return head + message[12 : end + 4] + b"".join(records)


def _kind(address: IPv4Address | IPv6Address) -> int:
    return A if address.version == 4 else AAAA


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name of a question and where it ends."""
    labels = []
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode().lower())
        at += length + 1
    return ".".join(labels), at + 1
