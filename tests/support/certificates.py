"""Certificate authorities of a test's own, and what they sign."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate and its key in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path) -> Path:
        """Both in one file."""
        path = folder / f"{abs(hash(self.certificate))}.pem"
        path.write_bytes(self.certificate + self.key)
        return path


class Authority:
    """A root, valid for so many days, that signs certificates for servers on loopback and for clients."""

    def __init__(self, name: str = "Root of a test", *, days: int = 365) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._root = (
            _builder(self._name, self._name, self._key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """The root in PEM."""
        return self._root.public_bytes(Encoding.PEM)

    def sign(
        self, name: str = "a test", *, also: str = "127.0.0.1", days: int = 1, passphrase: bytes | None = None
    ) -> Signed:
        """A certificate for localhost and another address of loopback, valid for so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address(also))]
        certificate = (
            _builder(subject, self._name, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        return Signed(
            certificate.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        )

    def server(self, folder: Path, *, asks_for: Authority | None = None, also: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server on loopback needs; `asks_for` demands a certificate of that authority from clients."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.sign(also=also).write(folder))
        if asks_for is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=asks_for.certificate.decode())
        return context

    def file(self, folder: Path) -> Path:
        """The root in a file."""
        path = folder / "authority.pem"
        path.write_bytes(self.certificate)
        return path


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int = 1
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + days * DAY)
    )
